// Tokens for the tests of policy/jwt: a good header and good claims, of which a test changes one member.
#pragma once

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "policy/jwt.h"
#include "tests/support/jws_signer.h"

namespace coffer::policy::tokens {

inline constexpr std::int64_t kNow = 1'700'000'000;

inline JwtRules SomeRules() {
  JwtRules rules;
  rules.issuer = "https://issuer.example";
  rules.audience = "coffer";
  rules.subject = "grafana";
  return rules;
}
inline JwtRules PodRules() {
  JwtRules rules = SomeRules();
  rules.kubernetes_namespace = "grafana";
  rules.service_account = "grafana-sa";
  rules.require_bound_pod = true;
  return rules;
}

// One key of each type, made once, under the kids "rsa", "ec" and "ed".
struct Issuer {
  JwsSigner rsa = JwsSigner::Rsa();
  JwsSigner ec = JwsSigner::P256();
  JwsSigner ed = JwsSigner::Ed25519();
  Jwks keys = Jwks::Parse("{\"keys\":[{" + rsa.JwkMembers() + ",\"kid\":\"rsa\"},{" + ec.JwkMembers() +
                          ",\"kid\":\"ec\"},{" + ed.JwkMembers() + ",\"kid\":\"ed\"}]}")
                  .value();
};
inline const Issuer& TheIssuer() {
  static const Issuer issuer;
  return issuer;
}

// JSON members by name; a test replaces or takes out one.
using Members = std::map<std::string, std::string>;

inline Members GoodHeader() { return {{"alg", "\"EdDSA\""}, {"kid", "\"ed\""}}; }
inline Members GoodClaims() {
  return {{"iss", "\"https://issuer.example\""},
          {"aud", "\"coffer\""},
          {"sub", "\"grafana\""},
          {"iat", "1699999900"},
          {"exp", "1700000500"}};
}
inline constexpr char kPodClaim[] =
    R"({"namespace":"grafana","node":{"name":"n1","uid":"u0"},"pod":{"name":"grafana-7f","uid":"u1"},)"
    R"("serviceaccount":{"name":"grafana-sa","uid":"u2"},"warnafter":1700000300})";

inline std::string Json(const Members& members) {
  std::string text;
  for (const auto& [name, value] : members) text += (text.empty() ? "{\"" : ",\"") + name + "\":" + value;
  return text.empty() ? "{}" : text + "}";
}
inline Members With(Members members, const std::string& name, const std::string& value) {
  members[name] = value;
  return members;
}
inline Members Without(Members members, const std::string& name) {
  members.erase(name);
  return members;
}

inline std::string TokenOf(const std::string& header, const std::string& claims) {
  return TheIssuer().ed.Token(header, claims);
}
inline std::string TokenWithClaims(const Members& claims) { return TokenOf(Json(GoodHeader()), Json(claims)); }
inline std::string TokenWithHeader(const Members& header) { return TokenOf(Json(header), Json(GoodClaims())); }
inline std::string GoodToken() { return TokenWithClaims(GoodClaims()); }

inline Result<JwtClaims> Verify(const std::string& token, const JwtRules& rules = SomeRules(),
                                std::int64_t now = kNow) {
  return VerifyJwt(token, TheIssuer().keys, rules, now);
}

inline void ExpectRefused(const Result<JwtClaims>& claims, std::string_view sentence, const std::string& what = "") {
  ASSERT_FALSE(claims.ok()) << sentence << ": " << what;
  EXPECT_EQ(claims.error().code(), ErrorCode::kUnauthenticated) << what;
  EXPECT_EQ(claims.error().ToString(), sentence) << what;
}

}  // namespace coffer::policy::tokens
