#include "crypto/ed25519.h"

#include <algorithm>

#include <sodium.h>

#include "crypto/random.h"

namespace coffer {
namespace {

static_assert(sizeof(Ed25519Signature) == crypto_sign_BYTES);
static_assert(Ed25519PublicKey::kSize == crypto_sign_PUBLICKEYBYTES);
static_assert(Ed25519PrivateKey::kSeedSize == crypto_sign_SEEDBYTES);

void StartSodium() {
  static const bool started = sodium_init() >= 0;
  COFFER_CHECK(started);
}

}  // namespace

Result<Ed25519PublicKey> Ed25519PublicKey::FromBytes(ByteView bytes) {
  if (bytes.size() != kSize) return Error(ErrorCode::kInvalidArgument, "an Ed25519 public key is 32 bytes");
  StartSodium();
  if (crypto_core_ed25519_is_valid_point(AsUnsigned(bytes)) != 1) {
    return Error(ErrorCode::kInvalidArgument, "these 32 bytes are no Ed25519 public key");
  }
  std::array<std::byte, kSize> copy{};
  std::copy(bytes.begin(), bytes.end(), copy.begin());
  return Ed25519PublicKey(copy);
}

bool Ed25519PublicKey::Verify(ByteView message, ByteView signature) const {
  return signature.size() == sizeof(Ed25519Signature) &&
         crypto_sign_verify_detached(AsUnsigned(signature), AsUnsigned(message), message.size(),
                                     AsUnsigned(ByteView(bytes_))) == 0;
}

Ed25519PrivateKey::Ed25519PrivateKey(SecretBytes seed_and_public, const Ed25519PublicKey& public_key)
    : seed_and_public_(std::move(seed_and_public)), public_key_(public_key) {}

Ed25519PrivateKey Ed25519PrivateKey::Generate() { return FromSeed(RandomSecret(kSeedSize)).value(); }

Result<Ed25519PrivateKey> Ed25519PrivateKey::FromSeed(const SecretBytes& seed) {
  if (seed.size() != kSeedSize) return Error(ErrorCode::kInvalidArgument, "an Ed25519 seed is 32 bytes");
  StartSodium();
  SecretBytes pair(crypto_sign_SECRETKEYBYTES);
  std::array<std::byte, Ed25519PublicKey::kSize> public_key{};
  COFFER_CHECK(crypto_sign_seed_keypair(AsUnsigned(MutableBytes(public_key)),
                                        AsUnsigned(pair.ExposeMutable(SecretAccess::kCipher)),
                                        AsUnsigned(seed.Expose(SecretAccess::kCipher))) == 0);
  return Ed25519PrivateKey(std::move(pair), Ed25519PublicKey(public_key));
}

Ed25519Signature Ed25519PrivateKey::Sign(ByteView message) const {
  Ed25519Signature signature{};
  COFFER_CHECK(crypto_sign_detached(AsUnsigned(MutableBytes(signature)), nullptr, AsUnsigned(message), message.size(),
                                    AsUnsigned(seed_and_public_.Expose(SecretAccess::kCipher))) == 0);
  return signature;
}

SecretBytes Ed25519PrivateKey::Seed() const {
  SecretBytes seed = seed_and_public_.Clone();
  seed.Truncate(kSeedSize);
  return seed;
}

}  // namespace coffer
