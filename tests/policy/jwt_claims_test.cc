// Tokens of the right key whose claims are not as the rules ask.
#include <limits>

#include <gtest/gtest.h>

#include "policy/jwt.h"
#include "tests/policy/jwt_fixture.h"

namespace coffer::policy::tokens {
namespace {

constexpr std::string_view kNoIssuer = "the token's iss is not the issuer that is asked for";
constexpr std::string_view kNoAudience = "the token's aud is not the audience that is asked for, and does not hold it";
constexpr std::string_view kNoSubject = "the token needs a sub of 1 to 256 visible ASCII characters";
constexpr std::string_view kOtherSubject = "the token's sub is not the subject that is asked for";
constexpr std::string_view kNoIat = "the token needs an iat in whole seconds";
constexpr std::string_view kNoExp = "the token needs an exp in whole seconds";
constexpr std::string_view kNoNbf = "the token's nbf is not in whole seconds";
constexpr std::string_view kExpired = "the token has expired by its exp";

TEST(JwtClaimsTest, PodsTokenGivesItsNames) {
  const Result<JwtClaims> claims = Verify(TokenWithClaims(With(GoodClaims(), "kubernetes.io", kPodClaim)), PodRules());
  ASSERT_TRUE(claims.ok()) << claims.error().ToString();
  const KubernetesClaims expected = {"grafana", {"grafana-sa", "u2"}, KubernetesClaims::Object{"grafana-7f", "u1"}};
  EXPECT_EQ(claims->kubernetes, expected);
}

TEST(JwtClaimsTest, RequiredClaimsMustBeThere) {
  const std::pair<const char*, std::string_view> cases[] = {
      {"iss", kNoIssuer}, {"aud", "the token has no aud"}, {"sub", kNoSubject}, {"iat", kNoIat}, {"exp", kNoExp}};
  for (const auto& [name, sentence] : cases) {
    ExpectRefused(Verify(TokenWithClaims(Without(GoodClaims(), name))), sentence, name);
    ExpectRefused(Verify(TokenWithClaims(With(GoodClaims(), name, "null"))),
                  std::string_view(name) == "aud" ? kNoAudience : sentence, name);
  }
  ExpectRefused(Verify(TokenWithClaims({})), kNoIssuer);
}

TEST(JwtClaimsTest, IssuerIsComparedExactly) {
  for (const char* const issuer :
       {"\"\"", "\"https://issuer.example/\"", "\"https://issuer.exampl\"", "\"HTTPS://issuer.example\"",
        "\" https://issuer.example\"", "\"https://issuer.example\\u0000\"", "\"https://issuer.example.evil\"", "1",
        "[\"https://issuer.example\"]", "{}"}) {
    ExpectRefused(Verify(TokenWithClaims(With(GoodClaims(), "iss", issuer))), kNoIssuer, issuer);
  }
  EXPECT_TRUE(Verify(TokenWithClaims(With(GoodClaims(), "iss", "\"https:\\/\\/issuer.example\""))).ok());
}

TEST(JwtClaimsTest, AudienceIsOneOrOneOfAFew) {
  const auto verify = [](const std::string& audience) {
    return Verify(TokenWithClaims(With(GoodClaims(), "aud", audience)));
  };
  const auto list = [](int others) {
    std::string text = "[";
    for (int i = 0; i < others; ++i) text += "\"a" + std::to_string(i) + "\",";
    return text + "\"coffer\"]";
  };
  EXPECT_TRUE(verify("[\"coffer\"]").ok());
  EXPECT_TRUE(verify("[\"coffer\",\"other\"]").ok());
  EXPECT_TRUE(verify(list(15)).ok());
  ExpectRefused(verify(list(16)), "the token's aud has more entries than allowed (limit 16)");
  for (const char* const audience : {"\"\"", "\"Coffer\"", "\"coffer \"", "\"other\"", "\"other coffer\"", "[]",
                                     "[\"other\"]", "[\"coffe\",\"r\"]", "1", "true", "{\"coffer\":1}", "1e300"}) {
    ExpectRefused(verify(audience), kNoAudience, audience);
  }
  for (const char* const audience : {"[\"coffer\",1]", "[[\"coffer\"]]", "[null,\"coffer\"]", "[{\"a\":\"coffer\"}]"}) {
    ExpectRefused(verify(audience), "the token's aud has an entry that is no text", audience);
  }
}

TEST(JwtClaimsTest, SubjectIsComparedExactly) {
  for (const std::string& subject : {std::string(256, 'a'), std::string("system:serviceaccount:grafana:grafana-sa")}) {
    JwtRules rules = SomeRules();
    rules.subject = subject;
    const std::string token = TokenWithClaims(With(GoodClaims(), "sub", "\"" + subject + "\""));
    const Result<JwtClaims> claims = Verify(token, rules);
    ASSERT_TRUE(claims.ok()) << claims.error().ToString();
    EXPECT_EQ(claims->subject, subject);
    ExpectRefused(Verify(token), kOtherSubject, subject);
    ExpectRefused(Verify(GoodToken(), rules), kOtherSubject, subject);
  }
  for (const char* const subject : {"\"Grafana\"", "\"grafan\"", "\"grafana2\"", "\"grafana/\"", "\"*\""}) {
    ExpectRefused(Verify(TokenWithClaims(With(GoodClaims(), "sub", subject))), kOtherSubject, subject);
  }
  EXPECT_TRUE(Verify(TokenWithClaims(With(GoodClaims(), "sub", "\"gr\\u0061fana\""))).ok());
}

TEST(JwtClaimsTest, SubjectIsVisibleAscii) {
  const auto verify = [](const std::string& subject) {
    return Verify(TokenWithClaims(With(GoodClaims(), "sub", subject)));
  };
  for (const std::string subject : {"\"\"", "\"a b\"", "\"a\\n\"", "\"a\\u0000\"", "\"\\u007f\"", "\"\xc3\xa4\"", "1",
                                    "1.5", "[\"grafana\"]", "{}", "true"}) {
    ExpectRefused(verify(subject), kNoSubject, subject);
  }
  ExpectRefused(verify("\"" + std::string(257, 'a') + "\""), kNoSubject);
}

TEST(JwtClaimsTest, TimesAreWholeSeconds) {
  for (const char* const time :
       {"\"1700000000\"", "1700000000.0", "1700000000.5", "17e8", "1e300", "-1", "-1700000000", "-0", "true", "[]",
        "{}", "253402300800", "9223372036854775807", "9223372036854775808", "18446744073709551615",
        "18446744073709551616", "99999999999999999999999999999999999999"}) {
    const std::pair<const char*, std::string_view> names[] = {{"iat", kNoIat}, {"exp", kNoExp}, {"nbf", kNoNbf}};
    for (const auto& [name, sentence] : names) {
      ExpectRefused(Verify(TokenWithClaims(With(GoodClaims(), name, time))), sentence, time);
    }
  }
  ExpectRefused(Verify(TokenWithClaims(With(GoodClaims(), "nbf", "null"))), kNoNbf);
}

// iat 1699999900, exp 1700000500.
TEST(JwtClaimsTest, ATokenLivesFromIatToExpAndTheSkewAround) {
  const std::string token = GoodToken();
  EXPECT_TRUE(Verify(token, SomeRules(), 1'700'000'529).ok());
  EXPECT_TRUE(Verify(token, SomeRules(), 1'699'999'870).ok());
  ExpectRefused(Verify(token, SomeRules(), 1'700'000'530), kExpired);
  ExpectRefused(Verify(token, SomeRules(), std::numeric_limits<std::int64_t>::max()), kExpired);
  constexpr std::string_view kFuture = "the token's iat is in the future";
  ExpectRefused(Verify(token, SomeRules(), 1'699'999'869), kFuture);
  ExpectRefused(Verify(token, SomeRules(), 0), kFuture);
  ExpectRefused(Verify(token, SomeRules(), -1), kFuture);
  ExpectRefused(Verify(token, SomeRules(), std::numeric_limits<std::int64_t>::min()), kFuture);
}

TEST(JwtClaimsTest, NotBeforeIsKept) {
  const auto token = [](std::int64_t from) { return TokenWithClaims(With(GoodClaims(), "nbf", std::to_string(from))); };
  EXPECT_TRUE(Verify(token(kNow)).ok());
  EXPECT_TRUE(Verify(token(0)).ok());
  EXPECT_TRUE(Verify(token(kNow + 30)).ok());
  ExpectRefused(Verify(token(kNow + 31)), "the token is not valid yet by its nbf");
  ExpectRefused(Verify(token(253'402'300'799)), "the token is not valid yet by its nbf");
}

TEST(JwtClaimsTest, LifeIsBounded) {
  const auto verify = [](std::int64_t life, std::int64_t max_life) {
    JwtRules rules = SomeRules();
    rules.max_life_s = max_life;
    return Verify(
        TokenWithClaims(With(With(GoodClaims(), "iat", std::to_string(kNow)), "exp", std::to_string(kNow + life))),
        rules);
  };
  constexpr std::string_view kLife = "the token's life, from iat to exp, is longer than allowed, in seconds (limit ";
  constexpr std::string_view kOrder = "the token's exp is not after its iat";
  EXPECT_TRUE(verify(600, 600).ok());
  EXPECT_TRUE(verify(1, 1).ok());
  EXPECT_TRUE(verify(3600, 3600).ok());
  ExpectRefused(verify(601, 600), std::string(kLife) + "600)");
  ExpectRefused(verify(2, 1), std::string(kLife) + "1)");
  ExpectRefused(verify(3601, 3600), std::string(kLife) + "3600)");
  ExpectRefused(verify(250'000'000'000, 3600), std::string(kLife) + "3600)");
  ExpectRefused(verify(0, 600), kOrder);
  ExpectRefused(verify(-1, 600), kOrder);
  ExpectRefused(verify(-kNow, 600), kOrder);
}

TEST(JwtClaimsTest, KubernetesRulesAreKept) {
  constexpr std::string_view kNamespace = "the token's kubernetes.io is not of the namespace that is asked for";
  constexpr std::string_view kAccount = "the token's kubernetes.io is not of the serviceaccount that is asked for";
  constexpr std::string_view kPod = "the token's kubernetes.io names no pod that the token is bound to";
  const std::string pod = TokenWithClaims(With(GoodClaims(), "kubernetes.io", kPodClaim));
  const std::string no_pod = TokenWithClaims(With(
      GoodClaims(), "kubernetes.io", R"({"namespace":"grafana","serviceaccount":{"name":"grafana-sa","uid":"u2"}})"));
  // Flat claims of old tokens do not stand for it.
  const std::string flat =
      TokenWithClaims(With(With(GoodClaims(), "kubernetes.io/serviceaccount/namespace", "\"grafana\""),
                           "kubernetes.io/serviceaccount/service-account.name", "\"grafana-sa\""));
  const auto changed = [](std::optional<std::string> name_space, std::optional<std::string> account, bool bound) {
    JwtRules rules = SomeRules();
    rules.kubernetes_namespace = std::move(name_space);
    rules.service_account = std::move(account);
    rules.require_bound_pod = bound;
    return rules;
  };
  EXPECT_TRUE(Verify(pod).ok());
  EXPECT_TRUE(Verify(no_pod, changed("grafana", "grafana-sa", false)).ok());
  EXPECT_FALSE(Verify(no_pod, changed("grafana", "grafana-sa", false))->kubernetes->pod);
  ExpectRefused(Verify(no_pod, PodRules()), kPod);
  for (const char* const other : {"Grafana", "grafan", "grafana2", "default", "*"}) {
    ExpectRefused(Verify(pod, changed(other, std::nullopt, false)), kNamespace, other);
    ExpectRefused(Verify(pod, changed(std::nullopt, other, false)), kAccount, other);
  }
  for (const std::string& token : {flat, GoodToken()}) {
    ExpectRefused(Verify(token, changed("grafana", std::nullopt, false)), kNamespace);
    ExpectRefused(Verify(token, changed(std::nullopt, "grafana-sa", false)), kAccount);
    ExpectRefused(Verify(token, changed(std::nullopt, std::nullopt, true)), kPod);
    EXPECT_FALSE(Verify(token)->kubernetes);
  }
}

TEST(JwtClaimsTest, KubernetesClaimsAreCompleteOrAbsent) {
  constexpr std::string_view kNamespace =
      "the token's kubernetes.io needs a namespace of 1 to 256 visible ASCII characters";
  constexpr std::string_view kAccount = "the token's kubernetes.io needs a serviceaccount with a name and a uid";
  constexpr std::string_view kPod = "the token's kubernetes.io has a pod without a name and a uid";
  const std::string account = R"("serviceaccount":{"name":"s","uid":"u"})";
  const std::pair<std::string, std::string_view> cases[] = {
      {"null", "the token's kubernetes.io is not an object"},
      {"\"grafana\"", "the token's kubernetes.io is not an object"},
      {"[]", "the token's kubernetes.io is not an object"},
      {"{}", kNamespace},
      {R"({"namespace":1,)" + account + "}", kNamespace},
      {R"({"namespace":"",)" + account + "}", kNamespace},
      {R"({"namespace":"a b",)" + account + "}", kNamespace},
      {R"({"namespace":")" + std::string(257, 'n') + "\"," + account + "}", kNamespace},
      {R"({"namespace":"n"})", kAccount},
      {R"({"namespace":"n","serviceaccount":"s"})", kAccount},
      {R"({"namespace":"n","serviceaccount":{"name":"s"}})", kAccount},
      {R"({"namespace":"n","serviceaccount":{"uid":"u"}})", kAccount},
      {R"({"namespace":"n","serviceaccount":{"name":["s"],"uid":"u"}})", kAccount},
      {R"({"namespace":"n",)" + account + R"(,"pod":null})", kPod},
      {R"({"namespace":"n",)" + account + R"(,"pod":"p"})", kPod},
      {R"({"namespace":"n",)" + account + R"(,"pod":{}})", kPod},
      {R"({"namespace":"n",)" + account + R"(,"pod":{"name":"p"}})", kPod},
      {R"({"namespace":"n",)" + account + R"(,"pod":{"uid":"u"}})", kPod},
      {R"({"namespace":"n",)" + account + R"(,"pod":{"name":"","uid":"u"}})", kPod},
  };
  for (const auto& [claim, sentence] : cases) {
    ExpectRefused(Verify(TokenWithClaims(With(GoodClaims(), "kubernetes.io", claim))), sentence, claim);
  }
}

}  // namespace
}  // namespace coffer::policy::tokens
