#include "crypto/internal/slow_value.h"

#include <sodium.h>

namespace coffer::internal {

Result<SecretBytes> SlowValue(ByteView value, const SecretBytes& salt, const SlowCost& cost) {
  constexpr std::size_t kSize = 32;
  COFFER_CHECK(sodium_init() >= 0 && salt.size() == crypto_pwhash_argon2id_SALTBYTES);
  SecretBytes slow(kSize);
  const std::string_view text = value.empty() ? std::string_view("") : AsText(value);  // Never null.
  if (crypto_pwhash_argon2id(AsUnsigned(slow.ExposeMutable(SecretAccess::kCipher)), slow.size(), text.data(),
                             text.size(), AsUnsigned(salt.Expose(SecretAccess::kCipher)), cost.passes,
                             std::size_t{cost.memory_kib} * 1024, crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
    return Error(ErrorCode::kUnavailable, "there is not enough memory for a slow index token");
  }
  return slow;
}

}  // namespace coffer::internal
