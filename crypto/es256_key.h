// Es256PrivateKey: signs JSON Web Signatures with ECDSA over P-256 and SHA-256 (RFC 7518 section 3.4), over OpenSSL.
// For tokens whose readers want just this algorithm; whatever is ours alone is signed with Ed25519.
#pragma once

#include "crypto/jws_key.h"

namespace coffer {

// Move-only; wiped when destroyed. const methods are thread-safe.
class Es256PrivateKey {
 public:
  static constexpr std::size_t kSize = JwsPublicKey::kP256Size;
  using Signature = std::array<std::byte, 2 * kSize>;
  using Point = std::array<std::byte, 2 * kSize>;

  static Es256PrivateKey Generate();
  // RFC 7518's "d", big-endian. kInvalidArgument: not kSize bytes, or not from 1 to the curve's order less 1.
  static Result<Es256PrivateKey> FromScalar(const SecretBytes& d);
  // For whoever keeps it encrypted.
  SecretBytes Scalar() const;

  // r and s. Randomised: two signatures of one message differ.
  Signature Sign(ByteView message) const;

  const JwsPublicKey& public_key() const { return public_key_; }
  // x and y of the public key.
  const Point& point() const { return point_; }

 private:
  using EvpKey = std::shared_ptr<evp_pkey_st>;
  Es256PrivateKey(SecretBytes d, EvpKey key, const Point& point, JwsPublicKey public_key)
      : d_(std::move(d)), key_(std::move(key)), point_(point), public_key_(std::move(public_key)) {}

  SecretBytes d_;
  EvpKey key_;
  Point point_;
  JwsPublicKey public_key_;
};

}  // namespace coffer
