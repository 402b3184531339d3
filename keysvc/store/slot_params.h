// SlotParams: what a seal slot keeps beside the wrapped root key, by its kind (docs/SCHEMA.md, seal_slot). Read before
// the root key is known, so all of it is attacker's input: costs have caps, and nothing here names a file or a program.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "crypto/argon2.h"
#include "crypto/share.h"

namespace coffer::keysvc {

// Stored as the number.
enum class SealSlotKind : std::uint8_t {
  kKeyFile = 1,
  kPassphrase = 2,
  kShares = 3,
  kPkcs11 = 4,
  kRecovery = 5,
  kCommand = 6,
};

inline constexpr std::size_t kMaxSlotBlob = 64 * 1024;
inline constexpr std::size_t kPkcs11KeyIdSize = 16;

// The slot key is the file.
struct KeyFileSlot {
  bool operator==(const KeyFileSlot&) const = default;
};
// The slot key is Argon2id of a passphrase.
struct PassphraseSlot {
  Argon2Params argon2;
};
// The slot key is split.
struct SharesSlot {
  ShareSet set;
};
// The slot key, encrypted by a key that does not leave its token.
struct Pkcs11Slot {
  std::array<std::byte, kPkcs11KeyIdSize> key_id{};  // CKA_ID of the key
  Bytes encrypted;                                   // nonce, ciphertext, tag
};
// The slot key in an age v1 file, and whom it is for.
struct RecoverySlot {
  std::vector<std::string> recipients;  // "age1...", 1 to kMaxAgeKeys
  Bytes file;
};
// The slot key, as the configured program encrypted it.
struct CommandSlot {
  Bytes encrypted;
};

using SlotParams = std::variant<KeyFileSlot, PassphraseSlot, SharesSlot, Pkcs11Slot, RecoverySlot, CommandSlot>;

SealSlotKind KindOf(const SlotParams& params);
// "key-file", "passphrase", "shares", "pkcs11", "recovery", "command".
std::string_view SlotKindName(SealSlotKind kind);

Bytes EncodeSlotParams(const SlotParams& params);
// kInvalidArgument for anything that EncodeSlotParams does not write of parameters within their limits.
Result<SlotParams> ParseSlotParams(SealSlotKind kind, ByteView bytes);

}  // namespace coffer::keysvc
