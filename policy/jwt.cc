#include "policy/jwt.h"

#include <algorithm>
#include <array>

#include "policy/internal/kubernetes_claims.h"
#include "policy/internal/strict_json.h"

namespace coffer::policy {
namespace {

using nlohmann::json;

constexpr std::array kForbiddenMembers = {"crit", "jku", "jwk", "x5u", "x5c", "zip", "b64"};
constexpr std::int64_t kMaxTime = 253'402'300'799;  // the end of the year 9999

Error Refused(Literal message) { return {ErrorCode::kUnauthenticated, message}; }
Error BadRule(const char* member, Literal message) { return Error(ErrorCode::kInvalidArgument, message).At(member); }

struct Parts {
  std::string_view header;
  std::string_view claims;
  std::string_view signature;
  std::string_view signed_text;  // header and claims with their dot
};

Result<Parts> Split(std::string_view token) {
  if (token.size() > kMaxJwtBytes) return Refused("the token is longer than allowed, in bytes").WithLimit(kMaxJwtBytes);
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  const bool two_dots = first != last && token.find('.', first + 1) == last;
  if (!two_dots || first == 0 || last == first + 1 || last + 1 == token.size()) {
    return Refused("the token is not three parts with dots between them");
  }
  return Parts{token.substr(0, first), token.substr(first + 1, last - first - 1), token.substr(last + 1),
               token.substr(0, last)};
}

Result<json> ReadPart(std::string_view part, std::string_view name) {
  const auto bytes = FromBase64Url(part);
  if (!bytes.ok()) return Refused("is not base64url without padding").At(name);
  auto object = ParseJsonObject(AsText(*bytes), ErrorCode::kUnauthenticated);
  if (!object.ok()) return std::move(object).error().At(name);
  return object;
}

bool EqualIgnoringCase(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
}

Status CheckHeader(const json& header) {
  for (const char* const member : kForbiddenMembers) {
    if (header.contains(member)) {
      return Refused("the token's header has one of crit, jku, jwk, x5u, x5c, zip and b64, which are refused");
    }
  }
  const std::string* const type = FindText(header, "typ");
  if (header.contains("typ") &&
      (type == nullptr || (!EqualIgnoringCase(*type, "jwt") && !EqualIgnoringCase(*type, "at+jwt")))) {
    return Refused("the token's typ is neither JWT nor at+jwt");
  }
  return {};
}

// With its kid.
Result<std::pair<std::string, JwsPublicKey>> ChooseKey(const json& header, const Jwks& keys) {
  const std::string* const name = FindText(header, "alg");
  const std::optional<JwsAlgorithm> algorithm = name == nullptr ? std::nullopt : ParseJwsAlgorithm(*name);
  if (!algorithm) return Refused("the token's alg is none of ES256, RS256 and EdDSA");
  const std::string* const key_id = FindText(header, "kid");
  if (key_id == nullptr) return Refused("the token has no kid that is a text");
  const JwsPublicKey* const key = keys.Find(*key_id);
  if (key == nullptr) return Refused("the token's kid names no key of the key set");
  if (key->algorithm() != *algorithm) return Refused("the token's alg is not the one of its key");
  return std::pair(*key_id, *key);
}

Result<std::string> CheckSubject(const json& claims, const JwtRules& rules) {
  const std::string* const subject = FindText(claims, "sub");
  if (subject == nullptr || !IsVisibleAscii(*subject, kMaxJwtName)) {
    return Refused("the token needs a sub of 1 to 256 visible ASCII characters");
  }
  if (*subject != rules.subject) return Refused("the token's sub is not the subject that is asked for");
  return *subject;
}

Status CheckIssuerAndAudience(const json& claims, const JwtRules& rules) {
  const std::string* const issuer = FindText(claims, "iss");
  if (issuer == nullptr || *issuer != rules.issuer)
    return Refused("the token's iss is not the issuer that is asked for");
  const json* const audience = FindMember(claims, "aud");
  if (audience == nullptr) return Refused("the token has no aud");
  bool found = audience->is_string() && *audience->get_ptr<const std::string*>() == rules.audience;
  if (audience->is_array()) {
    if (audience->size() > kMaxJwtAudiences) {
      return Refused("the token's aud has more entries than allowed").WithLimit(kMaxJwtAudiences);
    }
    for (const json& entry : *audience) {
      const auto* const text = entry.get_ptr<const std::string*>();
      if (text == nullptr) return Refused("the token's aud has an entry that is no text");
      found = found || *text == rules.audience;
    }
  }
  if (!found) return Refused("the token's aud is not the audience that is asked for, and does not hold it");
  return {};
}

// Whole seconds: 17e8 and 1700000000.0 are numbers to the library that are not integers.
std::optional<std::int64_t> FindTime(const json& claims, const char* name) {
  const json* const member = FindMember(claims, name);
  if (member == nullptr || !member->is_number_unsigned()) return std::nullopt;
  const auto seconds = member->get<std::uint64_t>();
  if (seconds > static_cast<std::uint64_t>(kMaxTime)) return std::nullopt;
  return static_cast<std::int64_t>(seconds);
}

Status ReadTimes(const json& claims, const JwtRules& rules, std::int64_t now, JwtClaims& out) {
  const std::optional<std::int64_t> issued = FindTime(claims, "iat");
  const std::optional<std::int64_t> expires = FindTime(claims, "exp");
  const std::optional<std::int64_t> from = claims.contains("nbf") ? FindTime(claims, "nbf") : issued;
  if (!issued) return Refused("the token needs an iat in whole seconds");
  if (!expires) return Refused("the token needs an exp in whole seconds");
  if (!from) return Refused("the token's nbf is not in whole seconds");
  if (*expires <= *issued) return Refused("the token's exp is not after its iat");
  if (*expires - *issued > rules.max_life_s) {
    return Refused("the token's life, from iat to exp, is longer than allowed, in seconds")
        .WithLimit(static_cast<std::uint64_t>(rules.max_life_s));
  }
  if (now >= *expires + kMaxJwtSkew) return Refused("the token has expired by its exp");
  if (*issued - kMaxJwtSkew > now) return Refused("the token's iat is in the future");
  if (*from - kMaxJwtSkew > now) return Refused("the token is not valid yet by its nbf");
  out.issued_at_s = *issued;
  out.expires_at_s = *expires;
  return {};
}

}  // namespace

Status JwtRules::Validate() const {
  const auto fits = [](std::string_view text, std::size_t max) { return !text.empty() && text.size() <= max; };
  if (!fits(issuer, kMaxJwtRuleText)) return BadRule("issuer", "has 1 to 1024 characters");
  if (!fits(audience, kMaxJwtRuleText)) return BadRule("audience", "has 1 to 1024 characters");
  if (!IsVisibleAscii(subject, kMaxJwtName)) return BadRule("subject", "has 1 to 256 visible ASCII characters");
  if (max_life_s < 1 || max_life_s > kMaxJwtLife) return BadRule("max_life_s", "is 1 to 3600 seconds");
  if (kubernetes_namespace && !fits(*kubernetes_namespace, kMaxJwtName)) {
    return BadRule("kubernetes_namespace", "has 1 to 256 characters");
  }
  if (service_account && !fits(*service_account, kMaxJwtName)) {
    return BadRule("service_account", "has 1 to 256 characters");
  }
  return {};
}

Result<JwtClaims> VerifyJwt(std::string_view token, const Jwks& keys, const JwtRules& rules, std::int64_t now_unix_s) {
  COFFER_TRY(rules.Validate());
  COFFER_ASSIGN_OR_RETURN(const Parts parts, Split(token));
  COFFER_ASSIGN_OR_RETURN(const json header, ReadPart(parts.header, "header"));
  COFFER_TRY(CheckHeader(header));
  COFFER_ASSIGN_OR_RETURN(const auto chosen, ChooseKey(header, keys));
  const auto signature = FromBase64Url(parts.signature);
  if (!signature.ok()) return Refused("is not base64url without padding").At("signature");
  if (!chosen.second.Verify(AsBytes(parts.signed_text), *signature)) {
    return Refused("the token's signature is not of its key");
  }
  COFFER_ASSIGN_OR_RETURN(const json claims, ReadPart(parts.claims, "claims"));
  COFFER_TRY(CheckIssuerAndAudience(claims, rules));
  JwtClaims out;
  out.key_id = chosen.first;
  COFFER_ASSIGN_OR_RETURN(out.subject, CheckSubject(claims, rules));
  COFFER_TRY(ReadTimes(claims, rules, now_unix_s, out));
  COFFER_ASSIGN_OR_RETURN(out.kubernetes, ReadKubernetesClaims(claims));
  COFFER_TRY(CheckKubernetesClaims(out.kubernetes, rules));
  return out;
}

Result<JwtNames> ClaimedNames(std::string_view token) {
  COFFER_ASSIGN_OR_RETURN(const Parts parts, Split(token));
  COFFER_ASSIGN_OR_RETURN(const json claims, ReadPart(parts.claims, "claims"));
  const std::string* const issuer = FindText(claims, "iss");
  const std::string* const subject = FindText(claims, "sub");
  if (issuer == nullptr || subject == nullptr) return Refused("the token needs an iss and a sub that are texts");
  return JwtNames{*issuer, *subject};
}

}  // namespace coffer::policy
