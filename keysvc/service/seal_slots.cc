#include "keysvc/service/seal_slots.h"

#include <algorithm>

#include "crypto/age_file.h"
#include "crypto/argon2.h"
#include "crypto/random.h"
#include "crypto/secret_equality.h"
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

Error KeyFileIsThere() {
  return Error(ErrorCode::kAlreadyExists,
               "there is a file already, and it may be the only key of a store, of this one too when the answer of a "
               "rekey was lost: see whether it unseals before you remove it")
      .At("key_file.path");
}

Status CheckKeyFile(const KeyFileSeal& seal, const std::string& store_dir) {
  COFFER_TRY(CheckPath(seal.path));
  COFFER_ASSIGN_OR_RETURN(const bool exists, Exists(seal.path));
  if (exists) return KeyFileIsThere();
  if (seal.allow_same_device || store_dir.empty()) return {};
  COFFER_ASSIGN_OR_RETURN(const std::uint64_t key_device, DeviceOf(FolderOf(seal.path)));
  COFFER_ASSIGN_OR_RETURN(const std::uint64_t store_device, DeviceOf(store_dir));
  if (key_device != store_device) return {};
  return Error(ErrorCode::kInvalidArgument,
               "is on the store's own device, where whoever takes the disk takes both: name another, or allow it with "
               "--allow-same-device")
      .At("key_file.path");
}

Result<SecretBytes> MakeKeyFile(const std::string& path) {
  SecretBytes key = RandomSecret(kKeySize);
  const Status created = CreateFileDurably(path, key, 0600);
  if (!created.ok() && created.error().code() == ErrorCode::kAlreadyExists) return KeyFileIsThere();
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

Error NoKeeper(Literal message) { return {ErrorCode::kFailedPrecondition, message}; }
Error NoTool(SealSlotKind kind) {
  return kind == SealSlotKind::kPkcs11 ? NoKeeper("no PKCS#11 token is configured")
                                       : NoKeeper("no seal command is configured");
}

// A new slot's key, and what is kept of it.
struct SlotKey {
  SecretBytes key;
  SlotParams params;
  std::vector<Share> shares;
};

SealSlotKind KindOf(const SealSource& source) {
  constexpr SealSlotKind kKinds[] = {SealSlotKind::kKeyFile,  SealSlotKind::kPassphrase, SealSlotKind::kShares,
                                     SealSlotKind::kRecovery, SealSlotKind::kPkcs11,     SealSlotKind::kCommand,
                                     SealSlotKind::kShares};
  static_assert(std::size(kKinds) == std::variant_size_v<SealSource>);
  return kKinds[source.index()];
}

class SealChecker {
 public:
  explicit SealChecker(const SealTools& tools) : tools_(tools) {}

  Status operator()(const KeyFileSeal& seal) const { return CheckKeyFile(seal, tools_.store_dir); }
  Status operator()(const PassphraseSeal& seal) const { return CheckPassphrase(seal.passphrase); }
  Status operator()(const NewShares& seal) const { return CheckSharePlan(seal.plan); }
  Status operator()(const NewRecovery& seal) const {
    COFFER_TRY(AgeEncryptor::Create(seal.recipients));
    return {};
  }
  Status operator()(const Pkcs11Seal&) const { return CheckKeeper(tools_.pkcs11, SealSlotKind::kPkcs11); }
  Status operator()(const CommandSeal&) const { return CheckKeeper(tools_.command, SealSlotKind::kCommand); }

 private:
  static Status CheckKeeper(const SlotKeeper* keeper, SealSlotKind kind) {
    return keeper == nullptr ? Status(NoTool(kind)) : Status();
  }

  const SealTools& tools_;
};

// Of seals that were checked.
class SlotMaker {
 public:
  SlotMaker(const SealTools& tools, KeyId slot, std::int64_t now_us) : tools_(tools), slot_(slot), now_us_(now_us) {}

  Result<SlotKey> operator()(const KeyFileSeal& seal) const {
    COFFER_ASSIGN_OR_RETURN(SecretBytes key, MakeKeyFile(seal.path));
    return SlotKey{std::move(key), KeyFileSlot{}, {}};
  }
  Result<SlotKey> operator()(const PassphraseSeal& seal) const {
    const Argon2Params params = Argon2Params::Generate();
    COFFER_ASSIGN_OR_RETURN(SecretBytes key, Argon2id(seal.passphrase, params));
    return SlotKey{std::move(key), PassphraseSlot{params}, {}};
  }
  Result<SlotKey> operator()(const NewShares& seal) const {
    SecretBytes key = RandomSecret(kKeySize);
    COFFER_ASSIGN_OR_RETURN(ShareSplit split,
                            ShareSplit::Of(key, seal.plan, static_cast<std::uint64_t>(now_us_ / 1000)));
    return SlotKey{std::move(key), SharesSlot{std::move(split.set)}, std::move(split.shares)};
  }
  Result<SlotKey> operator()(const NewRecovery& seal) const {
    SecretBytes key = RandomSecret(kKeySize);
    RecoverySlot slot;
    COFFER_ASSIGN_OR_RETURN(slot.file, AgeEncrypt(seal.recipients, key));
    for (const AgeRecipient& recipient : seal.recipients) slot.recipients.push_back(recipient.ToText());
    return SlotKey{std::move(key), std::move(slot), {}};
  }
  Result<SlotKey> operator()(const Pkcs11Seal& seal) const { return Kept(*tools_.pkcs11, seal.pin); }
  Result<SlotKey> operator()(const CommandSeal&) const { return Kept(*tools_.command, SecretBytes()); }

 private:
  Result<SlotKey> Kept(SlotKeeper& keeper, const SecretBytes& pin) const {
    SecretBytes key = RandomSecret(kKeySize);
    COFFER_ASSIGN_OR_RETURN(SlotParams params, keeper.Encrypt(slot_, key, pin));
    // What cannot be decrypted again is no way in.
    COFFER_ASSIGN_OR_RETURN(const SecretBytes again, keeper.Decrypt(slot_, params, pin));
    if (!EqualConstantTime(again, key)) {
      return Error(ErrorCode::kUnavailable, "gives back another key than it was given");
    }
    return SlotKey{std::move(key), std::move(params), {}};
  }

  const SealTools& tools_;
  const KeyId slot_;
  const std::int64_t now_us_;
};

// The key that a slot of the source's kind is wrapped under. Parameters are attacker's input: Argon2id refuses what
// would exhaust memory.
class SlotOpener {
 public:
  SlotOpener(const SealTools& tools, const SealSlotRecord& slot) : tools_(tools), slot_(slot) {}

  Result<SecretBytes> operator()(const KeyFileSeal& seal) const { return ReadKeyFile(seal); }
  Result<SecretBytes> operator()(const PassphraseSeal& seal) const {
    return Argon2id(seal.passphrase, std::get<PassphraseSlot>(slot_.params).argon2);
  }
  Result<SecretBytes> operator()(const SharedSeal& seal) const {
    if (seal.slot != slot_.slot) return Error(ErrorCode::kPermissionDenied, "is of another slot");
    return seal.key.Clone();
  }
  Result<SecretBytes> operator()(const SharesSeal& seal) const {
    const ShareSet& set = std::get<SharesSlot>(slot_.params).set;
    if (seal.shares.empty() || seal.shares.front().set() != set.uuid) {
      return Error(ErrorCode::kPermissionDenied, "the shares are of another slot");
    }
    COFFER_ASSIGN_OR_RETURN(ShareCombiner combiner, ShareCombiner::Create(set));
    for (const Share& share : seal.shares) {
      COFFER_ASSIGN_OR_RETURN(Share copy, Share::FromBytes(share.ToBytes()));
      COFFER_TRY(combiner.Add(std::move(copy)));
    }
    return combiner.Combine();
  }
  Result<SecretBytes> operator()(const RecoverySeal& seal) const {
    return AgeDecrypt(seal.identities, std::get<RecoverySlot>(slot_.params).file);
  }
  Result<SecretBytes> operator()(const Pkcs11Seal& seal) const { return Kept(tools_.pkcs11, seal.pin); }
  Result<SecretBytes> operator()(const CommandSeal&) const { return Kept(tools_.command, SecretBytes()); }

 private:
  Result<SecretBytes> Kept(SlotKeeper* keeper, const SecretBytes& pin) const {
    if (keeper == nullptr) return NoTool(KindOf(slot_.params));
    return keeper->Decrypt(slot_.slot, slot_.params, pin);
  }

  const SealTools& tools_;
  const SealSlotRecord& slot_;
};

// Whether the next slot may be tried: this one is for another key.
bool IsRefusal(const Error& error) {
  return error.code() == ErrorCode::kPermissionDenied || error.code() == ErrorCode::kDecryptFailed;
}

}  // namespace

NewSeal CloneOf(const NewSeal& seal) {
  if (const auto* passphrase = std::get_if<PassphraseSeal>(&seal))
    return PassphraseSeal{passphrase->passphrase.Clone()};
  if (const auto* token = std::get_if<Pkcs11Seal>(&seal)) return Pkcs11Seal{token->pin.Clone()};
  if (const auto* file = std::get_if<KeyFileSeal>(&seal)) return *file;
  if (const auto* shares = std::get_if<NewShares>(&seal)) return *shares;
  if (const auto* recovery = std::get_if<NewRecovery>(&seal)) return *recovery;
  return CommandSeal{};
}

RecoverySeal CloneOf(const RecoverySeal& seal) {
  RecoverySeal clone;
  for (const AgeIdentity& identity : seal.identities) clone.identities.push_back(identity.Clone());
  return clone;
}

Status CheckNewSeal(const NewSeal& seal, const SealTools& tools) { return std::visit(SealChecker(tools), seal); }

Result<MadeSlot> MakeSlot(const NewSeal& seal, const SealTools& tools, StoreUuid store, const RootKey& root,
                          std::int64_t now_us) {
  COFFER_TRY(CheckNewSeal(seal, tools));
  MadeSlot made;
  made.record.slot = KeyId::Generate();
  made.record.created_us = now_us;
  COFFER_ASSIGN_OR_RETURN(SlotKey slot, std::visit(SlotMaker(tools, made.record.slot, now_us), seal));
  made.record.params = std::move(slot.params);
  made.record.label = std::string(SlotKindName(KindOf(made.record.params)));
  made.shares = std::move(slot.shares);
  COFFER_ASSIGN_OR_RETURN(made.record.wrapped,
                          WrapKey(slot.key, made.record.slot, WrapContext::SealSlot(store, root.id), root.bytes));
  return made;
}

Result<RootKey> OpenSlots(const SealSource& source, const SealTools& tools, StoreUuid store, KeyId root_id,
                          const std::vector<SealSlotRecord>& slots) {
  if (const auto* passphrase = std::get_if<PassphraseSeal>(&source))
    COFFER_TRY(CheckPassphrase(passphrase->passphrase));
  std::optional<Error> trouble;
  for (const SealSlotRecord& slot : slots) {
    if (KindOf(slot.params) != KindOf(source)) continue;
    const Result<SecretBytes> slot_key = std::visit(SlotOpener(tools, slot), source);
    // A slot that makes trouble, perhaps on purpose, does not hide the ones behind it.
    if (!slot_key.ok() && !IsRefusal(slot_key.error()) && !trouble) trouble = slot_key.error();
    if (!slot_key.ok()) continue;
    Result<SecretBytes> root = UnwrapKey(*slot_key, slot.slot, WrapContext::SealSlot(store, root_id), slot.wrapped);
    if (root.ok()) return RootKey{.id = root_id, .bytes = std::move(root).value()};
  }
  if (trouble) return *trouble;
  return Error(ErrorCode::kPermissionDenied, "no seal slot opens with this: another key, or the store was altered");
}

Result<std::vector<SealSlotRecord>> SealSlotsFrom(const std::vector<Row>& rows) {
  std::vector<SealSlotRecord> slots;
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(SealSlotRecord slot, SealSlotFromRow(row));
    slots.push_back(std::move(slot));
  }
  return slots;
}

Result<std::vector<SealSlotRecord>> SealSlotsFrom(const std::vector<StoredRow>& rows) {
  std::vector<Row> columns;
  for (const StoredRow& row : rows) columns.push_back(row.columns);
  return SealSlotsFrom(columns);
}

Result<SealSlotRecord> RemovableSlot(const std::vector<SealSlotRecord>& slots, KeyId slot, bool accept_total_loss) {
  const auto is_recovery = [](const SealSlotRecord& one) { return std::holds_alternative<RecoverySlot>(one.params); };
  const auto found =
      std::find_if(slots.begin(), slots.end(), [slot](const SealSlotRecord& one) { return one.slot == slot; });
  if (found == slots.end()) return Error(ErrorCode::kNotFound, "there is no seal slot of this id").At("slot");
  if (is_recovery(*found) && !accept_total_loss && std::count_if(slots.begin(), slots.end(), is_recovery) == 1) {
    return Error(ErrorCode::kFailedPrecondition,
                 "is the last recovery slot: without it nothing restores the service, and no backup can be made. Say "
                 "--accept-total-loss to go on")
        .At("slot");
  }
  if (slots.size() > 1) return *found;
  return Error(ErrorCode::kFailedPrecondition, "the last seal slot cannot be removed: add another one first")
      .At("slot");
}

std::vector<AgeRecipient> RecoveryRecipients(const std::vector<SealSlotRecord>& slots) {
  std::vector<AgeRecipient> recipients;
  for (const SealSlotRecord& slot : slots) {
    const auto* recovery = std::get_if<RecoverySlot>(&slot.params);
    if (recovery == nullptr) continue;
    for (const std::string& text : recovery->recipients) {
      const Result<AgeRecipient> recipient = AgeRecipient::Parse(text);
      const bool known =
          !recipient.ok() || std::find(recipients.begin(), recipients.end(), *recipient) != recipients.end();
      if (!known && recipients.size() < kMaxAgeKeys) recipients.push_back(*recipient);
    }
  }
  return recipients;
}

}  // namespace coffer::keysvc
