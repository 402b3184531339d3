// The caller that a token makes: how it is shown, until when it counts, and what the file of keys has to do with it.
#include "keysvc/rpc/jwt_callers.h"

#include <gtest/gtest.h>

#include "io/file.h"
#include "tests/policy/jwt_fixture.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

using policy::tokens::GoodClaims;
using policy::tokens::GoodHeader;
using policy::tokens::GoodToken;
using policy::tokens::Json;
using policy::tokens::With;

constexpr std::int64_t kSecond = 1'000'000;
constexpr char kGrafana[] = "spiffe://example.org/role/app/grafana";

std::string KeySetOf(const JwsSigner& signer) { return "{\"keys\":[{" + signer.JwkMembers() + ",\"kid\":\"ed\"}]}"; }

class JwtCallersTest : public ::testing::Test {
 protected:
  void SetUp() override { Write("issuer.jwks", KeySetOf(policy::tokens::TheIssuer().ed)); }

  void Write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(ReplaceFile(folder / name, AsBytes(text), 0644).ok());
  }
  JwtTrust Trust(const std::string& keys = "issuer.jwks", const std::string& principal = kGrafana) const {
    return {policy::tokens::SomeRules(), folder / keys, policy::ParseBearerPrincipal(principal).value()};
  }
  void Start(std::vector<JwtTrust> trusts) {
    auto started = JwtCallers::Start(std::move(trusts), clock);
    ASSERT_TRUE(started.ok()) << started.error().ToString();
    callers = std::move(started).value();
  }
  Result<Caller> Of(const std::string& token) const { return callers->Of(token); }
  using Values = std::vector<std::string_view>;  // of a call's metadata
  Result<Caller> Of(const Values& authorization) const {
    COFFER_ASSIGN_OR_RETURN(const std::string_view token, BearerTokenOf(authorization));
    return callers->Of(token);
  }
  void ExpectRefused(const Result<Caller>& caller, std::string_view sentence, const std::string& what = "") const {
    ASSERT_FALSE(caller.ok()) << sentence << ": " << what;
    EXPECT_EQ(caller.error().code(), ErrorCode::kUnauthenticated) << what;
    EXPECT_EQ(caller.error().ToString(), sentence) << what;
  }

  TempDir folder;
  FakeClock clock;  // at policy::tokens::kNow
  std::unique_ptr<const JwtCallers> callers;
};

TEST_F(JwtCallersTest, ATokensCallerIsThePrincipalOfItsIssuerAndSubject) {
  const JwsSigner other = JwsSigner::Ed25519();
  Write("other.jwks", KeySetOf(other));
  JwtTrust second = Trust("issuer.jwks", "spiffe://example.org/role/dba/second");
  second.rules.subject = "second";
  JwtTrust third = Trust("other.jwks", "spiffe://example.org/role/app/third");
  third.rules.issuer = "https://other.example";
  Start({Trust(), second, third});
  const auto of_second = With(GoodClaims(), "sub", "\"second\"");
  const auto of_third = With(GoodClaims(), "iss", "\"https://other.example\"");
  for (int call = 0; call < 2; ++call) {
    const Result<Caller> first = Of(GoodToken());
    ASSERT_TRUE(first.ok()) << first.error().ToString();
    EXPECT_EQ(first->principal, (policy::Principal{kGrafana, policy::Role::kApp, policy::Principal::Method::kJwt}));
    EXPECT_FALSE(first->local);
    EXPECT_EQ(Of(policy::tokens::TokenWithClaims(of_second))->principal.role, policy::Role::kDba);
    EXPECT_EQ(Of(other.Token(Json(GoodHeader()), Json(of_third)))->principal.id, third.principal.id);
  }
  ExpectRefused(Of(policy::tokens::TokenWithClaims(of_third)), "the token's signature is not of its key",
                "an issuer speaks for itself only");
  ExpectRefused(Of(other.Token(Json(GoodHeader()), Json(of_second))), "the token's signature is not of its key");
  ExpectRefused(Of(policy::tokens::TokenWithClaims(With(of_third, "sub", "\"second\""))),
                "the token's iss and sub are not an issuer and its subject of ours");
}

TEST_F(JwtCallersTest, ThereIsOneAuthorizationAndItIsABearerToken) {
  Start({Trust()});
  const std::string token = GoodToken();
  for (const std::string& value :
       {"Bearer " + token, "bearer " + token, "BEARER " + token, "bEaReR " + token, "Bearer   " + token}) {
    EXPECT_TRUE(Of(Values{value}).ok()) << value.substr(0, 12);
  }
  for (const std::string& value :
       {std::string(), std::string("Bearer"), std::string("Bearer "), std::string("Bearer   "), std::string(" "), token,
        " Bearer " + token, "Bearer\t" + token, "Bearer" + token, "Basic " + token, "Bearers " + token,
        "Beare " + token}) {
    ExpectRefused(Of(Values{value}), "the call's authorization is not of the form Bearer TOKEN", value.substr(0, 9));
  }
  for (const std::string& value : {"Bearer " + token + " ", "Bearer " + token + " " + token,
                                   "Bearer " + token + ",Bearer " + token, "Bearer \"" + token + "\""}) {
    EXPECT_FALSE(Of(Values{value}).ok()) << value.size();
  }
  ExpectRefused(Of(Values()), "a bearer token is required, as metadata: authorization: Bearer TOKEN");
  const std::string value = "Bearer " + token;
  ExpectRefused(Of(Values{value, value}), "the call has more than one authorization");
  ExpectRefused(Of(Values{value, "Bearer x"}), "the call has more than one authorization");
}

// iat 1699999900, exp 1700000500, and 30 s for clocks that differ.
TEST_F(JwtCallersTest, ATokenThatWasKnownEndsAllTheSame) {
  Start({Trust()});
  ASSERT_TRUE(Of(GoodToken()).ok());
  clock.SetUnixMicros(1'700'000'529 * kSecond);
  EXPECT_TRUE(Of(GoodToken()).ok());
  clock.SetUnixMicros(1'700'000'530 * kSecond);
  ExpectRefused(Of(GoodToken()), "the token has expired by its exp");
  ExpectRefused(Of(GoodToken()), "the token has expired by its exp");
}

TEST_F(JwtCallersTest, AClockThatIsSetBackMakesAKnownTokenOneOfTheFuture) {
  Start({Trust()});
  ASSERT_TRUE(Of(GoodToken()).ok());
  clock.SetUnixMicros(1'699'999'869 * kSecond);
  ExpectRefused(Of(GoodToken()), "the token's iat is in the future");
}

TEST_F(JwtCallersTest, NothingOfARefusalIsRemembered) {
  Start({Trust()});
  clock.SetUnixMicros(1'699'999'800 * kSecond);
  ExpectRefused(Of(GoodToken()), "the token's iat is in the future");
  clock.SetUnixMicros(policy::tokens::kNow * kSecond);
  EXPECT_TRUE(Of(GoodToken()).ok());
  const std::string other = GoodToken().substr(0, GoodToken().rfind('.') + 1) + std::string(86, 'A');
  ExpectRefused(Of(other), "the token's signature is not of its key");
}

TEST_F(JwtCallersTest, ReplacedKeysCountWithinSecondsForKnownTokensToo) {
  const JwsSigner next = JwsSigner::Ed25519();
  const std::string token_of_next = next.Token(Json(GoodHeader()), Json(GoodClaims()));
  Start({Trust()});
  ASSERT_TRUE(Of(GoodToken()).ok()) << "and is known from now on";
  ExpectRefused(Of(token_of_next), "the token's signature is not of its key");
  Write("issuer.jwks", KeySetOf(next));
  EXPECT_TRUE(WaitUntil([&] { return Of(token_of_next).ok(); }));
  ExpectRefused(Of(GoodToken()), "the token's signature is not of its key");
}

TEST_F(JwtCallersTest, WithoutKeysThereIsNoStart) {
  JwtTrust trust = Trust("absent.jwks");
  auto refused = JwtCallers::Start({trust}, clock);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(refused.error().path().find("absent.jwks"), std::string::npos) << refused.error().path();
  for (const std::string& text : {std::string(), std::string("{\"keys\":[]}"), KeySetOf(JwsSigner::P256()).substr(1),
                                  std::string(policy::kMaxJwksBytes + 1, ' ')}) {
    Write("broken.jwks", text);
    refused = JwtCallers::Start({Trust(),
                                 [&] {
                                   JwtTrust broken = Trust("broken.jwks");
                                   broken.rules.subject = "other";
                                   return broken;
                                 }()},
                                clock);
    ASSERT_FALSE(refused.ok()) << text.substr(0, 20);
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(refused.error().path().find("broken.jwks"), std::string::npos) << refused.error().path();
  }
}

TEST_F(JwtCallersTest, ABrokenFileLeavesTheKeysAndIsToldOnce) {
  KeySetFile file(folder / "issuer.jwks");
  ASSERT_TRUE(file.Refresh().ok());
  const auto keys = file.keys();
  ASSERT_NE(keys, nullptr);
  EXPECT_NE(keys->Find("ed"), nullptr);
  EXPECT_TRUE(file.Refresh().ok());
  EXPECT_EQ(file.keys(), keys) << "an unchanged file makes no new keys";

  Write("issuer.jwks", R"({"keys":[{"kty":"oct","kid":"ed","k":"AAAA"}]})");
  EXPECT_FALSE(file.Refresh().ok());
  EXPECT_TRUE(file.Refresh().ok()) << "told once";
  EXPECT_EQ(file.keys(), keys);
  Write("issuer.jwks", KeySetOf(JwsSigner::Ed25519()).substr(0, 40));
  EXPECT_FALSE(file.Refresh().ok()) << "another broken one";
  EXPECT_EQ(file.keys(), keys);
  ASSERT_TRUE(RemoveFileDurably(folder / "issuer.jwks").ok());
  EXPECT_EQ(file.Refresh().error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(file.Refresh().ok()) << "told once";
  EXPECT_EQ(file.keys(), keys);

  Write("issuer.jwks", "{\"keys\":[{" + JwsSigner::P256().JwkMembers() + ",\"kid\":\"new\"}]}");
  EXPECT_TRUE(file.Refresh().ok());
  EXPECT_EQ(file.keys()->Find("ed"), nullptr);
  EXPECT_NE(file.keys()->Find("new"), nullptr);
}

}  // namespace
}  // namespace coffer::keysvc
