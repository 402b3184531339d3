#include "keysvc/service/seal_slots.h"

#include "crypto/argon2.h"
#include "crypto/random.h"
#include "io/directory.h"
#include "io/file.h"

namespace coffer::keysvc {
namespace {

constexpr std::size_t kMaxPath = 4096;

Status CheckPath(const std::string& path) {
  if (path.empty() || path.front() != '/')
    return Error(ErrorCode::kInvalidArgument, "must be an absolute path").At("key_file.path");
  if (path.size() > kMaxPath)
    return Error(ErrorCode::kInvalidArgument, "is longer than allowed").At("key_file.path").WithLimit(kMaxPath);
  return {};
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<SecretBytes> MakeKeyFile(const KeyFileSeal& seal, const std::string& store_dir) {
  COFFER_TRY(CheckPath(seal.path));
  if (!seal.allow_same_device && !store_dir.empty()) {
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t key_device, DeviceOf(FolderOf(seal.path)));
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t store_device, DeviceOf(store_dir));
    if (key_device == store_device) {
      return Error(ErrorCode::kInvalidArgument,
                   "is on the store's own device, where whoever takes the disk takes both: name another, or allow it "
                   "with "
                   "--allow-same-device")
          .At("key_file.path");
    }
  }
  SecretBytes key = RandomSecret(kKeySize);
  const Status created = CreateFileDurably(seal.path, key, 0600);
  if (!created.ok() && created.error().code() == ErrorCode::kAlreadyExists) {
    return Error(ErrorCode::kAlreadyExists,
                 "there is a file already: if no store was made with it, remove it and try again")
        .At("key_file.path");
  }
  COFFER_TRY(created);
  return key;
}

Result<SecretBytes> ReadKeyFile(const KeyFileSeal& seal) {
  COFFER_TRY(CheckPath(seal.path));
  COFFER_ASSIGN_OR_RETURN(SecretBytes key, ReadSecretFile(seal.path, kKeySize));
  if (key.size() != kKeySize)
    return Error(ErrorCode::kInvalidArgument, "a key file has exactly 32 bytes").At("key_file.path");
  return key;
}

Status CheckPassphrase(const SecretBytes& passphrase) {
  if (passphrase.size() < kMinPassphrase) {
    return Error(ErrorCode::kInvalidArgument, "is shorter than allowed").At("passphrase").WithLimit(kMinPassphrase);
  }
  if (passphrase.size() > kMaxPassphrase) {
    return Error(ErrorCode::kInvalidArgument, "is longer than allowed").At("passphrase").WithLimit(kMaxPassphrase);
  }
  return {};
}

// The key that `slot` is wrapped under, from a source of the slot's kind.
Result<SecretBytes> SlotKey(const SealSource& source, const SealSlotRecord& slot) {
  if (const auto* file = std::get_if<KeyFileSeal>(&source)) return ReadKeyFile(*file);
  // Costs from the store are attacker's input: Argon2id refuses what would exhaust memory.
  return Argon2id(std::get<PassphraseSeal>(source).passphrase, *slot.passphrase);
}

SealSlotKind KindOf(const SealSource& source) {
  return std::holds_alternative<KeyFileSeal>(source) ? SealSlotKind::kKeyFile : SealSlotKind::kPassphrase;
}

}  // namespace

std::string_view SlotKindName(const SealSlotRecord& slot) {
  switch (slot.kind) {
    case SealSlotKind::kKeyFile:
      return kKeyFileSlotName;
    case SealSlotKind::kPassphrase:
      return kPassphraseSlotName;
  }
  return "";
}

Result<SealSlotRecord> MakeSlot(const SealSource& source, const std::string& store_dir, StoreUuid store,
                                const RootKey& root, std::int64_t now_us) {
  SealSlotRecord slot;
  slot.slot = KeyId::Generate();
  slot.kind = KindOf(source);
  slot.label = std::string(SlotKindName(slot));
  slot.created_us = now_us;
  SecretBytes slot_key;
  if (const auto* passphrase = std::get_if<PassphraseSeal>(&source)) {
    COFFER_TRY(CheckPassphrase(passphrase->passphrase));
    const Argon2Params params = Argon2Params::Generate();
    slot.passphrase = params;
    COFFER_ASSIGN_OR_RETURN(slot_key, Argon2id(passphrase->passphrase, params));
  } else {
    COFFER_ASSIGN_OR_RETURN(slot_key, MakeKeyFile(std::get<KeyFileSeal>(source), store_dir));
  }
  COFFER_ASSIGN_OR_RETURN(slot.wrapped,
                          WrapKey(slot_key, slot.slot, WrapContext::SealSlot(store, root.id), root.bytes));
  return slot;
}

Result<RootKey> OpenSlots(const SealSource& source, StoreUuid store, KeyId root_id,
                          const std::vector<SealSlotRecord>& slots) {
  if (const auto* passphrase = std::get_if<PassphraseSeal>(&source))
    COFFER_TRY(CheckPassphrase(passphrase->passphrase));
  for (const SealSlotRecord& slot : slots) {
    if (slot.kind != KindOf(source)) continue;
    COFFER_ASSIGN_OR_RETURN(const SecretBytes slot_key, SlotKey(source, slot));
    Result<SecretBytes> root = UnwrapKey(slot_key, slot.slot, WrapContext::SealSlot(store, root_id), slot.wrapped);
    if (root.ok()) return RootKey{.id = root_id, .bytes = std::move(root).value()};
  }
  return Error(ErrorCode::kPermissionDenied, "no seal slot opens with this: another key, or the store was altered");
}

}  // namespace coffer::keysvc
