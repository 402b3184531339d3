#include "crypto/argon2.h"

#include <sodium.h>

#include "crypto/random.h"

namespace coffer {
namespace {

constexpr std::uint32_t kMinPasses = 2;
constexpr std::uint32_t kMaxPasses = 16;
constexpr std::uint32_t kMinMemoryKib = 64 * 1024;
constexpr std::uint32_t kMaxMemoryKib = 1024 * 1024;
constexpr std::size_t kOutputSize = 32;

}  // namespace

Argon2Params Argon2Params::Generate() {
  Argon2Params params;
  FillRandom(params.salt);
  return params;
}

Status Argon2Params::Validate() const {
  if (passes < kMinPasses) return Error(ErrorCode::kInvalidArgument, "Argon2 has too few passes").WithLimit(kMinPasses);
  if (passes > kMaxPasses)
    return Error(ErrorCode::kInvalidArgument, "Argon2 has too many passes").WithLimit(kMaxPasses);
  if (memory_kib < kMinMemoryKib) {
    return Error(ErrorCode::kInvalidArgument, "Argon2 has too little memory, in KiB").WithLimit(kMinMemoryKib);
  }
  if (memory_kib > kMaxMemoryKib) {
    return Error(ErrorCode::kInvalidArgument, "Argon2 asks for too much memory, in KiB").WithLimit(kMaxMemoryKib);
  }
  return {};
}

Result<SecretBytes> Argon2id(const SecretBytes& passphrase, const Argon2Params& params) {
  COFFER_TRY(params.Validate());
  if (passphrase.size() < kMinPassphrase) {
    return Error(ErrorCode::kInvalidArgument, "the passphrase is too short, in bytes").WithLimit(kMinPassphrase);
  }
  if (passphrase.size() > kMaxPassphrase) {
    return Error(ErrorCode::kInvalidArgument, "the passphrase is too long, in bytes").WithLimit(kMaxPassphrase);
  }
  COFFER_CHECK(sodium_init() >= 0);
  static_assert(crypto_pwhash_argon2id_SALTBYTES == sizeof(params.salt));
  SecretBytes key(kOutputSize);
  const std::string_view text = AsText(passphrase.Expose(SecretAccess::kCipher));
  if (crypto_pwhash_argon2id(AsUnsigned(key.ExposeMutable(SecretAccess::kCipher)), key.size(), text.data(), text.size(),
                             AsUnsigned(ByteView(params.salt)), params.passes, std::size_t{params.memory_kib} * 1024,
                             crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
    return Error(ErrorCode::kUnavailable, "there is not enough memory for Argon2");
  }
  return key;
}

}  // namespace coffer
