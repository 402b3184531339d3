// The part of KeyEngine that replaces KEKs, and rotates by age.
#include "crypto/random.h"
#include "keysvc/service/key_engine.h"

namespace coffer::keysvc {
namespace {

Error NoKeyring() { return Error(ErrorCode::kNotFound, "there is no keyring of this name").At("name"); }

}  // namespace

Result<std::vector<DataKey>> KeyEngine::RewrapDataKeys(StoreMutation& mutation, const Keyring& keyring, KeyId kek,
                                                       const SecretBytes& kek_bytes) {
  // The store's rows, not ours: a data key that somebody else has made meanwhile must not be left behind.
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                          mutation.Scan({.table = Table::kDataKey, .equals = {UuidDatum(keyring.uuid)}}));
  std::vector<DataKey> keys;
  keys.reserve(rows.size());
  const ReadLock lock(table_mutex_);
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(DataKey key, DataKeyFromRow(row));
    COFFER_ASSIGN_OR_RETURN(const SecretBytes bytes, UnwrapDataKey(key));
    const WrapContext context =
        WrapContext::DataKey(uuid_, key.keyring, key.version, key.id, key.tenant, keyring.purpose);
    COFFER_ASSIGN_OR_RETURN(key.wrapped, WrapKey(kek_bytes, kek, context, bytes));
    key.kek = kek;
    COFFER_TRY(mutation.Update(Table::kDataKey, ToRow(key)));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<KeyringView> KeyEngine::RotateKek(std::string_view name) {
  const SecretBytes bytes = RandomSecret(kKeySize);
  Keyring keyring;
  Kek kek{.check = DeriveKeyCheckValue(bytes), .created_us = clock_.UnixMicros()};
  KeyId old;
  std::vector<DataKey> rewrapped;
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      const Keyring* found = table_.FindKeyring(name);
      if (found == nullptr) return NoKeyring();
      keyring = *found;
      kek.id = UnusedKeyId();
    }
    old = keyring.kek;
    keyring.kek = kek.id;
    kek.keyring = keyring.uuid;
    COFFER_ASSIGN_OR_RETURN(kek.wrapped,
                            WrapKey(root_.bytes, root_.id, WrapContext::Kek(uuid_, keyring.uuid, kek.id), bytes));
    COFFER_TRY(mutation.Insert(Table::kKek, ToRow(kek)));
    COFFER_ASSIGN_OR_RETURN(rewrapped, RewrapDataKeys(mutation, keyring, kek.id, bytes));
    COFFER_TRY(mutation.Update(Table::kKeyring, ToRow(keyring)));
    return mutation.Erase(Table::kKek, {KeyIdDatum(old)});
  };
  COFFER_TRY(Mutate(name, act, [&](const Tables& tables) -> Status {
    COFFER_TRY(tables.keys.Add(kek));
    for (const DataKey& key : rewrapped) {
      COFFER_TRY(tables.keys.FindDataKey(key.id) == nullptr ? tables.keys.Add(key) : tables.keys.Replace(key));
    }
    COFFER_TRY(tables.keys.Replace(keyring));
    COFFER_TRY(tables.keys.RemoveKek(old));
    tables.keks.emplace(kek.id, bytes.Clone());
    tables.keks.erase(old);
    erase_pending_ = true;
    return {};
  }));
  // The KEK is replaced whether or not its bytes are out of the files yet.
  const Status erased = FinishErasing();
  static_cast<void>(erased);
  return GetKeyring(name);
}

Status KeyEngine::FinishErasing() {
  if (!erase_pending_.exchange(false)) return {};
  const Status erased = store_.PurgeErased();
  if (!erased.ok()) erase_pending_ = true;
  return erased;
}

// A process that ended between a commit and FinishErasing did not finish it. Doing it twice harms nothing.
bool KeyEngine::EndedLately() const {
  const std::int64_t lately = clock_.UnixMicros() - kMicrosPerDay;
  for (const auto& [key, destruction] : upkeep_.destructions) {
    if (destruction.done_us.value_or(0) >= lately) return true;
  }
  for (const Keyring* keyring : table_.KeyringsAfter({}, table_.keyring_count())) {
    const std::int64_t kek_made = table_.FindKek(keyring->kek)->created_us;
    if (kek_made > keyring->created_us && kek_made >= lately) return true;
  }
  return false;
}

Result<KeyringView> KeyEngine::SetRotation(std::string_view name, std::int64_t period_us) {
  if (period_us != 0 && (period_us < kMinRotationPeriod || period_us > kMaxRotationPeriod)) {
    return Error(ErrorCode::kInvalidArgument, "must be 0 for none, or an hour to ten years").At("period_us");
  }
  RotationRecord rotation{.keyring = {}, .period_us = period_us, .set_us = clock_.UnixMicros()};
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      const Keyring* keyring = table_.FindKeyring(name);
      if (keyring == nullptr) return NoKeyring();
      if (keyring->purpose != KeyringPurpose::kEncrypt) {
        return Error(ErrorCode::kFailedPrecondition,
                     "only a keyring of purpose encrypt is rotated by age: rotate this one by hand")
            .At("name");
      }
      rotation.keyring = keyring->uuid;
    }
    const Row key{UuidDatum(rotation.keyring)};
    COFFER_ASSIGN_OR_RETURN(const std::optional<Row> stored, mutation.Get(Table::kRotation, key));
    if (period_us != 0) {
      return stored ? mutation.Update(Table::kRotation, ToRow(rotation))
                    : mutation.Insert(Table::kRotation, ToRow(rotation));
    }
    return stored ? mutation.Erase(Table::kRotation, key) : Status();
  };
  COFFER_TRY(Mutate(name, act, [&](const Tables& tables) -> Status {
    if (period_us == 0) {
      tables.upkeep.rotations.erase(rotation.keyring);
    } else {
      tables.upkeep.rotations.insert_or_assign(rotation.keyring, rotation);
    }
    return {};
  }));
  return GetKeyring(name);
}

DueReport KeyEngine::RotateDue(std::int64_t now_us, const DueGate& gate) {
  std::vector<Keyring> due;
  {
    const ReadLock lock(table_mutex_);
    for (const auto& [uuid, rotation] : upkeep_.rotations) {
      const Keyring* keyring = table_.FindKeyring(uuid);
      if (keyring == nullptr) continue;
      const Version* primary = table_.FindVersion(uuid, keyring->primary);
      if (primary->created_us + rotation.period_us <= now_us) due.push_back(*keyring);
    }
  }
  DueReport report;
  for (const Keyring& keyring : due) {
    DueReport::Item item{.what = "keyring " + keyring.name + " version " + std::to_string(keyring.primary.value + 1)};
    if (!report.Pass(gate, item)) continue;
    // With the version that was seen: one that was rotated by hand meanwhile is not rotated again.
    const Result<KeyringView> rotated = RotateKeyring(keyring.name, keyring.primary);
    report.Add(std::move(item), rotated.ok() ? Status() : Status(rotated.error()));
  }
  return report;
}

}  // namespace coffer::keysvc
