// JSON Web Tokens (RFC 7519, by the advice of RFC 8725), signed in the compact form (RFC 7515): verified offline
// against pinned keys. Text in, claims out; what they may do is decided elsewhere. Made for short-lived workload
// tokens, those of Kubernetes service accounts among them: whoever may create tokens or pods in a namespace is every
// account there, and a pod that was deleted is not noticed before its token has expired.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/jwks.h"

namespace coffer::policy {

inline constexpr std::size_t kMaxJwtBytes = 8 * 1024;
inline constexpr std::size_t kMaxJwtAudiences = 16;
inline constexpr std::size_t kMaxJwtName = 256;       // characters of sub and of the names below
inline constexpr std::int64_t kMaxJwtLife = 3600;     // seconds
inline constexpr std::int64_t kMaxJwtSkew = 30;       // seconds that the issuer's clock may be before or behind ours
inline constexpr std::size_t kMaxJwtRuleText = 1024;  // characters of issuer and audience

// What a token has to be. All texts are compared byte by byte.
struct JwtRules {
  std::string issuer;                               // 1 to kMaxJwtRuleText characters
  std::string audience;                             // as issuer
  std::string subject;                              // 1 to kMaxJwtName visible ASCII characters
  std::int64_t max_life_s = 600;                    // exp - iat; 1 to kMaxJwtLife
  std::optional<std::string> kubernetes_namespace;  // 1 to kMaxJwtName characters; nothing: any, or none
  std::optional<std::string> service_account;       // as kubernetes_namespace
  bool require_bound_pod = false;

  // kInvalidArgument, with the member as the path: a limit above is broken.
  Status Validate() const;
};

// "kubernetes.io" of a service account's token (KEP-1205). 1 to kMaxJwtName visible ASCII characters each.
struct KubernetesClaims {
  struct Object {
    std::string name;
    std::string uid;
    bool operator==(const Object&) const = default;
  };
  std::string namespace_name;
  Object service_account;
  std::optional<Object> pod;  // nothing: the token is not bound to one
  bool operator==(const KubernetesClaims&) const = default;
};

// Of a token that was verified.
struct JwtClaims {
  std::string subject;  // 1 to kMaxJwtName visible ASCII characters
  std::string key_id;
  std::int64_t issued_at_s = 0;  // Unix seconds
  std::int64_t expires_at_s = 0;
  std::optional<KubernetesClaims> kubernetes;
  bool operator==(const JwtClaims&) const = default;
};

// Taken is a token that, at `now_unix_s`, keeps all of this:
//   form       at most kMaxJwtBytes; three parts of canonical base64url; no key twice in header or claims
//   header     `kid` of `keys`, `alg` that key's one; `typ`, if there, JWT or at+jwt; none of crit, jku, jwk, x5u, x5c,
//              zip and b64, which would have the token say how it wants to be verified
//   signature  by that key, checked before a claim is read
//   claims     `iss`; `aud`, or one of at most kMaxJwtAudiences; `sub`; `exp` and `iat`, and `nbf` if there, whole
//              seconds; not expired, not of the future (kMaxJwtSkew either way), of a life up to max_life_s
//   Kubernetes whatever the rules ask for; if there at all, complete
// Else kUnauthenticated with a sentence that names the claim and holds nothing of the token; kInvalidArgument when the
// rules break their own limits. Thread-safe.
Result<JwtClaims> VerifyJwt(std::string_view token, const Jwks& keys, const JwtRules& rules, std::int64_t now_unix_s);

// Whom a token says that it is of. Nothing of it is verified: only to choose, of several rules, those by which
// VerifyJwt then decides.
struct JwtNames {
  std::string issuer;
  std::string subject;
  auto operator<=>(const JwtNames&) const = default;
};
// kUnauthenticated: not the form of a token, or `iss` or `sub` is not a text. Thread-safe.
Result<JwtNames> ClaimedNames(std::string_view token);

}  // namespace coffer::policy
