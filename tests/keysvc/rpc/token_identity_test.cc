// Callers with a token of the service's own, over TLS: who they are, where, until when, and what they hear otherwise.
#include <future>

#include "coffer/v1/admin.pb.h"
#include "coffer/v1/identity.pb.h"
#include "tests/client/test_certificates.h"
#include "tests/keysvc/rpc/door_fixture.h"
#include "tests/keysvc/rpc/refused_records.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

constexpr char kOrders[] = "spiffe://example.org/role/app/orders";
constexpr char kSentence[] = "the token is not one that is taken here, or has run out";

class TokenIdentityTest : public DoorFixture {
 protected:
  // Before this process's first use of TLS, as in main().
  static void SetUpTestSuite() { AllowTls13Only(); }

  void SetUp() override {
    client::MakeAuthority(folder.path(), "ca");
    client::MakeCertificate(folder.path(), "server", "ca", "DNS:localhost");
    StartShop();
    people.Apply(access, barrier->Enter().value()->uuid);
    Listen(policy::Role::kAdmin);
    tokens = ListenForTokens("tokens");
  }

  // Over the wire: asked for, approved by bob, made.
  v1::CreateTokenResponse Create() {
    const Wire wire = NewWire(policy::Role::kAdmin);
    const std::string request = "principal: " + Quoted(kOrders) + " listener: 'tokens' lifetime_s: 3600";
    const Answer asked =
        wire.Call("IdentityService.CreateToken", request, {{"coffer-approval-reason-bin", "orders runs elsewhere"}});
    EXPECT_EQ(asked.body, "");
    EXPECT_TRUE(people.Approve(access, people.bob, asked.asked).ok()) << asked.ToText();
    return wire.Call("IdentityService.CreateToken", request, {{"coffer-approval", asked.asked}})
        .As<v1::CreateTokenResponse>();
  }
  Wire Connect() const { return Wire::ToTls(tokens->port(), folder.path(), ""); }
  static Metadata Bearer(const std::string& token) { return {{"authorization", "Bearer " + token}}; }
  static Answer GetStatus(const Wire& wire, const std::string& token) {
    return wire.Call("AdminService.GetStatus", "", Bearer(token));
  }
  static void ExpectRefused(const Answer& answer, const std::string& what, const std::string& sentence = kSentence) {
    EXPECT_EQ(answer.code, grpc::StatusCode::UNAUTHENTICATED) << what << " " << answer.ToText();
    EXPECT_EQ(answer.error, "unauthenticated") << what;
    EXPECT_EQ(answer.message, sentence) << what;
    EXPECT_EQ(answer.body, "") << what;
  }

  const People people;
  std::unique_ptr<RpcServer> tokens;
};

TEST_F(TokenIdentityTest, ATokensCallerIsItsPrincipalAndHasItsRole) {
  const v1::CreateTokenResponse made = Create();
  EXPECT_EQ(made.not_after_us(), clock.UnixMicros() + 3'600'000'000);
  EXPECT_EQ(made.token().size(), 48U);
  const Wire wire = Connect();
  for (int call = 0; call < 2; ++call) {
    EXPECT_EQ(GetStatus(wire, made.token()).As<v1::GetStatusResponse>().principal(), kOrders);
  }
  EXPECT_EQ(wire.Call("AdminService.Seal", "", Bearer(made.token())).code, grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(wire.Call("IdentityService.ListTokens", "", Bearer(made.token())).code,
            grpc::StatusCode::PERMISSION_DENIED);
  const auto list = NewWire(policy::Role::kAdmin).Call("IdentityService.ListTokens", "").As<v1::ListTokensResponse>();
  ASSERT_EQ(list.tokens_size(), 1);
  const v1::AccessToken& listed = list.tokens(0);
  EXPECT_EQ(listed.id(), made.id());
  EXPECT_EQ(listed.principal(), kOrders);
  EXPECT_EQ(listed.listener(), "tokens");
  EXPECT_EQ(listed.created_us(), clock.UnixMicros());
  EXPECT_EQ(listed.not_after_us(), made.not_after_us());
  EXPECT_EQ(listed.created_by(), "unix:admin:7");
  EXPECT_EQ(listed.reason(), "orders runs elsewhere");
}

TEST_F(TokenIdentityTest, OtherTokensAreNobodys) {
  const std::string token = Create().token();
  const Wire wire = Connect();
  std::string other = token;
  other.back() = other.back() == 'A' ? 'Q' : 'A';
  const std::string prefix(kAccessTokenPrefix);
  for (const std::string& wrong : {other, prefix, token + "A", token.substr(0, 47), prefix + std::string(43, '!'),
                                   prefix + std::string(12'000, 'a'), prefix + token, token + " " + token}) {
    ExpectRefused(GetStatus(wire, wrong), std::to_string(wrong.size()));
  }
  const std::string parts = "the token is not three parts with dots between them";
  ExpectRefused(GetStatus(wire, token.substr(prefix.size())), "without its prefix", parts);
  ExpectRefused(GetStatus(wire, "CFT1_" + token.substr(prefix.size())), "another case", parts);
  ExpectRefused(wire.Call("AdminService.GetStatus", ""), "none",
                "a bearer token is required, as metadata: authorization: Bearer TOKEN");
  EXPECT_TRUE(GetStatus(wire, token).ok());
  refused_identities->Flush(*audit_log, 0);
  std::map<audit::Authentication, std::uint64_t> counted;
  for (const audit::Record& record : RefusedRecords(*audit_log)) counted[record.authentication] += record.items;
  EXPECT_EQ(counted, (std::map<audit::Authentication, std::uint64_t>{{audit::Authentication::kToken, 8},
                                                                     {audit::Authentication::kJwt, 3}}));
}

TEST_F(TokenIdentityTest, AnotherListenerDoesNotTakeIt) {
  const std::string token = Create().token();
  const std::unique_ptr<RpcServer> other = ListenForTokens("other");
  ExpectRefused(GetStatus(Wire::ToTls(other->port(), folder.path(), ""), token), "another name");
  EXPECT_TRUE(GetStatus(Connect(), token).ok());
  client::MakeCertificate(folder.path(), "shop", "ca", "URI:spiffe://example.org/role/app/shop");
  ListenTls();
  const Wire shop = Wire::ToTls(tls->port(), folder.path(), "shop");
  EXPECT_EQ(GetStatus(shop, token).As<v1::GetStatusResponse>().principal(), "spiffe://example.org/role/app/shop")
      << "where certificates tell who calls, a token says nothing";
}

TEST_F(TokenIdentityTest, ARevokedOneEndsOnOpenConnectionsToo) {
  const v1::CreateTokenResponse made = Create();
  const Wire wire = Connect();
  ASSERT_TRUE(GetStatus(wire, made.token()).ok());
  const Answer revoked = NewWire(policy::Role::kAdmin)
                             .Call("IdentityService.RevokeToken", "id: '" + made.id() + "' reason: 'was in a mail'");
  ASSERT_TRUE(revoked.ok()) << revoked.ToText();
  for (const Rpc& rpc : AllRpcs()) ExpectRefused(wire.Call(rpc.name, rpc.sample, Bearer(made.token())), rpc.name);
  EXPECT_EQ(stop.passed(kOrders), 1U) << "nothing acted after";
}

TEST_F(TokenIdentityTest, ACallThatRunsMeanwhileGetsNothing) {
  const v1::CreateTokenResponse made = Create();
  const Wire wire = Connect();
  stop.Hold(kOrders);
  auto answer = std::async(std::launch::async,
                           [&] { return wire.Call("SecretService.GetSecret", "path: 'none'", Bearer(made.token())); });
  ASSERT_TRUE(WaitUntil([&] { return stop.waiting() == 1; }));
  ASSERT_TRUE(barrier->Enter().value()->tokens->Revoke(made.id()).ok());
  stop.Release();
  ExpectRefused(answer.get(), "in flight");
}

TEST_F(TokenIdentityTest, ItRunsOut) {
  const std::string token = Create().token();
  const Wire wire = Connect();
  clock.Advance(3'599'999'999);
  EXPECT_TRUE(GetStatus(wire, token).ok());
  clock.Advance(1);
  ExpectRefused(GetStatus(wire, token), "its end");
}

TEST_F(TokenIdentityTest, WhileSealedNobodyKnowsIt) {
  const std::string token = Create().token();
  const Wire wire = Connect();
  ASSERT_TRUE(barrier->Seal().ok());
  const Answer sealed = GetStatus(wire, token);
  EXPECT_EQ(sealed.error, "sealed") << sealed.ToText();
  ASSERT_TRUE(barrier->Unseal(KeyFile()).ok());
  EXPECT_TRUE(GetStatus(wire, token).ok());
}

}  // namespace
}  // namespace coffer::keysvc
