// Access tokens: what Grafana shows with each call, in the form that its client expects (a JSON Web Token of RFC 9068,
// signed with ES256: its client keeps none of another algorithm). Made and verified by us alone.
#pragma once

#include "crypto/es256_key.h"
#include "plugins/grafana/vault_port.h"

namespace coffer::grafana {

// Seconds. Grafana's client drops a token 15 s before its end, and older ones kept for ever what ends sooner.
inline constexpr std::int64_t kMinAccessTokenLife = 60;
inline constexpr std::int64_t kMaxAccessTokenLife = 3'600;
inline constexpr std::size_t kMaxAccessToken = 4 * 1024;  // bytes

// Who shows a token, and for what.
struct AccessClaims {
  std::string identity;        // IsIdentity
  std::string namespace_name;  // canonical, or kAllNamespaces
  std::int64_t expires_at_s = 0;

  // Whether it is good for this canonical namespace.
  bool Covers(std::string_view name) const;
};

// Move-only; const methods are thread-safe.
class AccessTokens {
 public:
  explicit AccessTokens(Es256PrivateKey key);

  // Good from `now_unix_s` until `claims.expires_at_s`.
  std::string Issue(const AccessClaims& claims, std::int64_t now_unix_s) const;
  // kUnauthenticated, with a sentence that holds nothing of the token: not one of Issue's under this key, not for
  // kSecretAudience, or expired.
  Result<AccessClaims> Verify(std::string_view token, std::int64_t now_unix_s) const;

 private:
  Es256PrivateKey key_;
  std::string header_;  // base64url, the same of every token
};

// The key that the vault has at `path`; when there is none, a new one, stored there: all who serve one prefix agree.
// kIntegrity: what is there is no such key. Others as of VaultPort.
Result<Es256PrivateKey> FetchAccessTokenKey(VaultPort& vault, const SecretPath& path);

}  // namespace coffer::grafana
