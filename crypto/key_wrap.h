// Keys under keys: the 114-byte wrapped key (docs/FORMAT.md section 3), XAES-256-GCM with commitment.
#pragma once

#include "crypto/derive.h"

namespace coffer {

enum class WrapKind : std::uint8_t { kKek = 1, kDataKey = 2, kCallerKey = 3, kSealSlot = 4 };

enum class KeyringPurpose : std::uint8_t { kEncrypt = 1, kDeterministic = 2, kIndex = 3 };

// What a wrapped key is bound to. Made by the functions below, which fix the fields that the format's table
// fixes.
struct WrapContext {
  StoreUuid store;
  WrapKind kind = WrapKind::kKek;
  KeyringUuid keyring;
  KeyVersion version;
  KeyId inner;
  TenantUuid tenant;
  std::uint8_t purpose = 0;

  static WrapContext Kek(StoreUuid store, KeyringUuid keyring, KeyId kek);
  static WrapContext DataKey(StoreUuid store, KeyringUuid keyring, KeyVersion version, KeyId data_key,
                             TenantUuid tenant, KeyringPurpose purpose);
  // Under the `dek` of a data key, whose id is both the wrapping and the inner one.
  static WrapContext CallerKey(StoreUuid store, KeyringUuid keyring, KeyVersion version, KeyId data_key,
                               TenantUuid tenant);
  static WrapContext SealSlot(StoreUuid store, KeyId root_key);
};

inline constexpr std::size_t kWrappedKeySize = 114;
inline constexpr std::size_t kKeySize = 32;
using WrappedKey = std::array<std::byte, kWrappedKeySize>;

// kInvalidArgument when the context breaks the format's table, an id is not valid, or a key is not 32 bytes.
// Thread-safe.
Result<WrappedKey> WrapKey(const SecretBytes& wrapping_key, KeyId wrapping_key_id, const WrapContext& context,
                           const SecretBytes& key);

// kDecryptFailed for any wrapped key that WrapKey did not make with the same arguments. Thread-safe.
Result<SecretBytes> UnwrapKey(const SecretBytes& wrapping_key, KeyId wrapping_key_id, const WrapContext& context,
                              ByteView wrapped);

}  // namespace coffer
