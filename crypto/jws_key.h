// JwsPublicKey: verifies JSON Web Signatures (RFC 7515) with a key from a JSON Web Key (RFC 7517, RFC 7518 section 6,
// RFC 8037). The type of the key is its algorithm: no caller and no token chooses one, so none can be confused with
// another, and a public key never serves as a secret of HMAC.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "crypto/ed25519.h"

struct evp_pkey_st;

namespace coffer {

// RFC 7518 section 3.1 and RFC 8037 section 3.1; there are no others here.
enum class JwsAlgorithm : std::uint8_t { kEs256, kRs256, kEdDsa };
// "ES256", as a header has it, and back.
std::string_view JwsAlgorithmName(JwsAlgorithm algorithm);
std::optional<JwsAlgorithm> ParseJwsAlgorithm(std::string_view name);

// Immutable and thread-safe; a copy shares the key. Holds nothing secret.
class JwsPublicKey {
 public:
  static constexpr std::size_t kMinRsaBits = 2048;
  static constexpr std::size_t kMaxRsaBits = 8192;
  static constexpr std::size_t kMaxRsaExponentSize = 8;  // bytes
  static constexpr std::size_t kP256Size = 32;           // bytes of a coordinate, of r and of s

  // Each takes a JWK's members, decoded; numbers are big-endian. kInvalidArgument for what is said here.
  // RS256. `n` and `e` without leading zero bytes; `n` an odd composite of kMinRsaBits to kMaxRsaBits, `e` odd, from 3,
  // at most kMaxRsaExponentSize bytes.
  static Result<JwsPublicKey> FromRsa(ByteView n, ByteView e);
  // ES256. Both of kP256Size bytes, a point on the curve P-256.
  static Result<JwsPublicKey> FromP256(ByteView x, ByteView y);
  // EdDSA. As Ed25519PublicKey::FromBytes.
  static Result<JwsPublicKey> FromEd25519(ByteView x);

  JwsAlgorithm algorithm() const { return algorithm_; }

  // True when `signature` signs `message`, which is a token up to its second dot. Signatures have one size: that of the
  // modulus (RSASSA-PKCS1-v1_5 with SHA-256), or 64 bytes (r and s of ECDSA with SHA-256, both from 1 to the order
  // less 1; Ed25519). ECDSA has a second signature to each, with the other s: never take a signature for an identifier.
  bool Verify(ByteView message, ByteView signature) const;

 private:
  using EvpKey = std::shared_ptr<evp_pkey_st>;
  JwsPublicKey(JwsAlgorithm algorithm, std::variant<Ed25519PublicKey, EvpKey> key)
      : algorithm_(algorithm), key_(std::move(key)) {}

  JwsAlgorithm algorithm_;
  std::variant<Ed25519PublicKey, EvpKey> key_;
};

}  // namespace coffer
