// Jwks: the pinned keys of whoever issues JSON Web Tokens, from a JSON Web Key Set (RFC 7517). Text in, keys out; the
// caller reads the file, and reads it again when the issuer rotates.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "crypto/jws_key.h"

namespace coffer::policy {

inline constexpr std::size_t kMaxJwksBytes = 64 * 1024;
inline constexpr std::size_t kMaxJwksKeys = 32;  // skipped ones included
inline constexpr std::size_t kMaxJwtKeyId = 256;

// Immutable and thread-safe; copies share their keys.
class Jwks {
 public:
  // Each key has a `kty` and a `kid` (1 to kMaxJwtKeyId visible ASCII characters, unique). Used are RSA (RS256), EC
  // P-256 (ES256) and OKP Ed25519 (EdDSA) keys for signatures. Skipped and counted: other types and curves, another
  // `alg` such as RS512 or PS256, a `use` other than "sig", `key_ops` without "verify". kInvalidArgument, with
  // keys[<n>] as the path: a symmetric or a private key, which has no place in a key set that is handed out; an `alg`
  // of another type of key; a key's numbers that are none; a JSON key twice; a limit above; nothing left to verify
  // with.
  static Result<Jwks> Parse(std::string_view text);

  // The key that is named so; null when there is none. Lives as long as this.
  const JwsPublicKey* Find(std::string_view key_id) const;
  std::size_t size() const { return keys_.size(); }  // from 1
  std::size_t skipped() const { return skipped_; }

 private:
  Jwks(std::map<std::string, JwsPublicKey, std::less<>> keys, std::size_t skipped)
      : keys_(std::move(keys)), skipped_(skipped) {}

  std::map<std::string, JwsPublicKey, std::less<>> keys_;
  std::size_t skipped_;
};

}  // namespace coffer::policy
