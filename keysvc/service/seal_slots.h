// Seal slots: the root key, wrapped once for each way to open it (docs/FORMAT.md section 3, kind 4). A slot has a key
// of its own; how that is kept is the slot's kind.
#pragma once

#include <map>
#include <string>
#include <variant>

#include "crypto/age_keys.h"
#include "crypto/share_combiner.h"
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
// The key that the configured token keeps.
struct Pkcs11Seal {
  SecretBytes pin;
};
// The configured program.
struct CommandSeal {};

// New: shares are made, and handed out once.
struct NewShares {
  SharePlan plan;
};
// New: whoever has an identity of these opens it, and the backups.
struct NewRecovery {
  std::vector<AgeRecipient> recipients;
};
// Opens a recovery slot.
struct RecoverySeal {
  std::vector<AgeIdentity> identities;
};
// Opens the slot whose shares were put together.
struct SharedSeal {
  KeyId slot;
  SecretBytes key;
};

// Opens the slot whose shares they are.
struct SharesSeal {
  std::vector<Share> shares;
};

using NewSeal = std::variant<KeyFileSeal, PassphraseSeal, NewShares, NewRecovery, Pkcs11Seal, CommandSeal>;
using SealSource =
    std::variant<KeyFileSeal, PassphraseSeal, SharedSeal, RecoverySeal, Pkcs11Seal, CommandSeal, SharesSeal>;

inline constexpr std::size_t kMaxSealSlots = 32;

NewSeal CloneOf(const NewSeal& seal);
RecoverySeal CloneOf(const RecoverySeal& seal);

// Something outside of this process that encrypts slot keys. Thread-safe.
class SlotKeeper {
 public:
  virtual ~SlotKeeper() = default;
  // `slot` is bound to what is encrypted where the keeper can do that. kUnavailable: it does not answer;
  // kPermissionDenied: it refuses the PIN, or what is decrypted; kInvalidArgument names what is wrong otherwise.
  virtual Result<SlotParams> Encrypt(KeyId slot, const SecretBytes& key, const SecretBytes& pin) = 0;
  virtual Result<SecretBytes> Decrypt(KeyId slot, const SlotParams& params, const SecretBytes& pin) = 0;
};

// What slots need of the host.
struct SealTools {
  std::string store_dir;          // whose device a key file must not be on; empty: the store is in memory
  SlotKeeper* pkcs11 = nullptr;   // null: none is configured
  SlotKeeper* command = nullptr;  // likewise
};

// Whether MakeSlot could make it, as far as is known without making anything: kInvalidArgument names what is wrong with
// it, kFailedPrecondition what is not configured, kAlreadyExists a key file.
Status CheckNewSeal(const NewSeal& seal, const SealTools& tools);

struct MadeSlot {
  SealSlotRecord record;
  std::vector<Share> shares;  // of NewShares, to be handed out
};

// Makes a slot for `root`. For a key file: makes the file, 0600, which must not exist and must not be on the device of
// the store unless allowed. Errors as of CheckNewSeal, and of what keeps the key.
Result<MadeSlot> MakeSlot(const NewSeal& seal, const SealTools& tools, StoreUuid store, const RootKey& root,
                          std::int64_t now_us);

// Opens the root key from the first slot of the source's kind that its key fits. kPermissionDenied when none does:
// another key, or slots that were altered.
Result<RootKey> OpenSlots(const SealSource& source, const SealTools& tools, StoreUuid store, KeyId root_id,
                          const std::vector<SealSlotRecord>& slots);

// The records of the table's rows. kIntegrity: a row is none.
Result<std::vector<SealSlotRecord>> SealSlotsFrom(const std::vector<Row>& rows);
Result<std::vector<SealSlotRecord>> SealSlotsFrom(const std::vector<StoredRow>& rows);

// The one of this id, when it may go: kNotFound; kFailedPrecondition for the last one, and for the last recovery slot
// without `accept_total_loss`.
Result<SealSlotRecord> RemovableSlot(const std::vector<SealSlotRecord>& slots, KeyId slot, bool accept_total_loss);

// Whom backups are encrypted to: the recipients of all recovery slots.
std::vector<AgeRecipient> RecoveryRecipients(const std::vector<SealSlotRecord>& slots);

}  // namespace coffer::keysvc
