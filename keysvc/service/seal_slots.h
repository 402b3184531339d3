// Seal slots: the root key, wrapped once for each way to open it (docs/FORMAT.md section 3, kind 4). A slot is a key
// file or a passphrase.
#pragma once

#include <string>
#include <variant>

#include "keysvc/service/key_engine.h"
#include "keysvc/store/records.h"

namespace coffer::keysvc {

// A file of 32 random bytes on the service's host.
struct KeyFileSeal {
  std::string path;                // absolute
  bool allow_same_device = false;  // as the store's: whoever takes that disk takes both
};
struct PassphraseSeal {
  SecretBytes passphrase;
};
using SealSource = std::variant<KeyFileSeal, PassphraseSeal>;

inline constexpr std::string_view kKeyFileSlotName = "key-file";
inline constexpr std::string_view kPassphraseSlotName = "passphrase";
std::string_view SlotKindName(const SealSlotRecord& slot);

// Makes a slot for `root`. For a key file: makes the file, 0600, which must not exist and must not be on the device of
// `store_dir` unless allowed (an empty `store_dir` has no device). kInvalidArgument names what is wrong with the
// source.
Result<SealSlotRecord> MakeSlot(const SealSource& source, const std::string& store_dir, StoreUuid store,
                                const RootKey& root, std::int64_t now_us);

// Opens the root key from the first slot of the source's kind that its key fits. kPermissionDenied when none does:
// another key, or slots that were altered.
Result<RootKey> OpenSlots(const SealSource& source, StoreUuid store, KeyId root_id,
                          const std::vector<SealSlotRecord>& slots);

}  // namespace coffer::keysvc
