// Ed25519 signatures (RFC 8032), over libsodium: deterministic, of the message itself, strict when verified.
#pragma once

#include <array>

#include "crypto/secret_bytes.h"

namespace coffer {

using Ed25519Signature = std::array<std::byte, 64>;

// Immutable and thread-safe.
class Ed25519PublicKey {
 public:
  static constexpr std::size_t kSize = 32;

  // kInvalidArgument: not 32 bytes, or not the one encoding of a point of the prime-order group (so no point of low
  // order, under which a signature would fit many messages).
  static Result<Ed25519PublicKey> FromBytes(ByteView bytes);
  const std::array<std::byte, kSize>& bytes() const { return bytes_; }

  // True when `signature` is 64 bytes and signs `message`. The encodings of R and S must be canonical: nobody turns one
  // signature into another.
  bool Verify(ByteView message, ByteView signature) const;

  bool operator==(const Ed25519PublicKey&) const = default;

 private:
  friend class Ed25519PrivateKey;
  explicit Ed25519PublicKey(const std::array<std::byte, kSize>& bytes) : bytes_(bytes) {}
  std::array<std::byte, kSize> bytes_;
};

// Move-only; wiped when destroyed. const methods are thread-safe.
class Ed25519PrivateKey {
 public:
  static constexpr std::size_t kSeedSize = 32;

  static Ed25519PrivateKey Generate();
  // The 32 bytes that RFC 8032 calls the private key. kInvalidArgument: another size.
  static Result<Ed25519PrivateKey> FromSeed(const SecretBytes& seed);

  Ed25519Signature Sign(ByteView message) const;
  const Ed25519PublicKey& public_key() const { return public_key_; }
  // For a file that only its owner reads.
  SecretBytes Seed() const;

 private:
  Ed25519PrivateKey(SecretBytes seed_and_public, const Ed25519PublicKey& public_key);
  SecretBytes seed_and_public_;  // 64 bytes, as libsodium has them
  Ed25519PublicKey public_key_;
};

}  // namespace coffer
