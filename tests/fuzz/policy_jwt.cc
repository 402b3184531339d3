// Key sets and tokens. The first byte says what the rest is: k a key set, t a token, h a header or c claims that the
// issuer signs. What is taken keeps the rules by the library's own reading of the text, and altered it is refused.
#include <algorithm>
#include <cstdint>

#include "policy/internal/strict_json.h"
#include "policy/jwt.h"
#include "tests/support/jws_signer.h"

namespace coffer::policy {
namespace {

using nlohmann::json;

constexpr std::int64_t kNow = 1'700'000'000;
constexpr std::string_view kHeader = R"({"alg":"EdDSA","kid":"ed"})";
constexpr std::string_view kClaims = R"({"iss":"i","aud":"a","sub":"s","iat":1700000000,"exp":1700000600})";

struct Issuer {
  JwsSigner signer = JwsSigner::Ed25519FromSeed(Bytes(32, std::byte{0x11}));
  // The other two are those of RFC 7515 A.2 and A.3.
  Jwks keys =
      Jwks::Parse(
          "{\"keys\":[{" + signer.JwkMembers() +
          R"(,"kid":"ed"},{"kid":"ec","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
          R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},{"kid":"rsa","kty":"RSA","e":"AQAB",)"
          R"("n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-)"
          R"(yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQ)"
          R"(OS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q)"
          R"(2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}]})")
          .value();
};
const Issuer& TheIssuer() {
  static const Issuer issuer;
  return issuer;
}

JwtRules SomeRules() {
  JwtRules rules;
  rules.issuer = "i";
  rules.audience = "a";
  rules.subject = "s";
  return rules;
}

void CheckKeySet(std::string_view text) {
  const Result<Jwks> keys = Jwks::Parse(text);
  if (!keys.ok()) {
    COFFER_CHECK(keys.error().code() == ErrorCode::kInvalidArgument);
    return;
  }
  const json read = json::parse(text);
  COFFER_CHECK(keys->size() >= 1 && keys->size() + keys->skipped() == read.at("keys").size());
  for (const json& key : read.at("keys")) COFFER_CHECK(key.at("kty") != "oct" && !key.contains("d"));
}

void CheckNames(const KubernetesClaims::Object& object) {
  COFFER_CHECK(IsVisibleAscii(object.name, kMaxJwtName) && IsVisibleAscii(object.uid, kMaxJwtName));
}

void CheckClaims(const JwtClaims& claims, std::string_view text) {
  const json read = json::parse(text);
  COFFER_CHECK(read.at("iss") == "i" && read.at("sub") == "s" && claims.subject == "s");
  COFFER_CHECK(read.at("aud") == "a" || (read.at("aud").is_array() && read.at("aud").size() <= kMaxJwtAudiences));
  COFFER_CHECK(read.at("iat") == claims.issued_at_s && read.at("exp") == claims.expires_at_s);
  COFFER_CHECK(claims.issued_at_s <= kNow + kMaxJwtSkew && claims.expires_at_s > kNow - kMaxJwtSkew);
  COFFER_CHECK(claims.issued_at_s < claims.expires_at_s && claims.expires_at_s - claims.issued_at_s <= 600);
  COFFER_CHECK(claims.kubernetes.has_value() == read.contains("kubernetes.io"));
  if (!claims.kubernetes) return;
  COFFER_CHECK(IsVisibleAscii(claims.kubernetes->namespace_name, kMaxJwtName));
  CheckNames(claims.kubernetes->service_account);
  if (claims.kubernetes->pod) CheckNames(*claims.kubernetes->pod);
}

// Rules that ask for more take the same token exactly when it says so.
void CheckStricterRules(const std::string& token, const JwtClaims& claims) {
  JwtRules rules = SomeRules();
  rules.kubernetes_namespace = "n";
  rules.service_account = "s";
  rules.require_bound_pod = true;
  const bool fits = claims.kubernetes && claims.kubernetes->namespace_name == "n" &&
                    claims.kubernetes->service_account.name == "s" && claims.kubernetes->pod;
  const Result<JwtClaims> again = VerifyJwt(token, TheIssuer().keys, rules, kNow);
  COFFER_CHECK(again.ok() == fits && (!fits || *again == claims));
}

void CheckToken(const std::string& token) {
  const Result<JwtNames> names = ClaimedNames(token);
  COFFER_CHECK(names.ok() || names.error().code() == ErrorCode::kUnauthenticated);
  const Result<JwtClaims> claims = VerifyJwt(token, TheIssuer().keys, SomeRules(), kNow);
  COFFER_CHECK(!claims.ok() || (names.ok() && *names == JwtNames{"i", "s"}));
  if (!claims.ok()) {
    COFFER_CHECK(claims.error().code() == ErrorCode::kUnauthenticated);
    return;
  }
  COFFER_CHECK(token.size() <= kMaxJwtBytes && std::count(token.begin(), token.end(), '.') == 2);
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  const json header = json::parse(AsText(FromBase64Url(token.substr(0, first)).value()));
  COFFER_CHECK(header.at("kid") == claims->key_id && !header.contains("crit") && !header.contains("b64"));
  COFFER_CHECK(header.at("alg") == JwsAlgorithmName(TheIssuer().keys.Find(claims->key_id)->algorithm()));
  CheckClaims(*claims, AsText(FromBase64Url(token.substr(first + 1, last - first - 1)).value()));
  CheckStricterRules(token, *claims);
  // One bit less or more, anywhere: another token.
  for (std::size_t i = 0; i < token.size(); i += 1 + token.size() / 8) {
    std::string altered = token;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    COFFER_CHECK(!VerifyJwt(altered, TheIssuer().keys, SomeRules(), kNow).ok());
  }
}

}  // namespace
}  // namespace coffer::policy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace policy = coffer::policy;
  if (size == 0) return 0;
  const std::string_view text = coffer::AsText(std::as_bytes(std::span(data, size))).substr(1);
  const coffer::JwsSigner& signer = policy::TheIssuer().signer;
  if (data[0] == 'k') policy::CheckKeySet(text);
  if (data[0] == 't') policy::CheckToken(std::string(text));
  if (data[0] == 'h') policy::CheckToken(signer.Token(text, policy::kClaims));
  if (data[0] == 'c') policy::CheckToken(signer.Token(policy::kHeader, text));
  return 0;
}
