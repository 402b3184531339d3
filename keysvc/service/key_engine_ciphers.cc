// The part of KeyEngine that turns wrapped keys into ciphers: loading, unwrapping, making data keys.
#include "crypto/random.h"
#include "keysvc/service/key_engine.h"
#include "keysvc/store/records.h"

namespace coffer::keysvc {
namespace {

// Every row of `table`, turned into its record.
template <typename Record, typename Add>
Status ForEachRecord(AuthenticatedStore& store, Table table, Result<Record> (*from_row)(const Row&), Add add) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, store.Scan({.table = table}));
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(Record record, from_row(row));
    COFFER_TRY(add(std::move(record)));
  }
  return {};
}

template <typename Record>
Status AddAll(AuthenticatedStore& store, Table table, Result<Record> (*from_row)(const Row&), KeyTable& into) {
  return ForEachRecord(store, table, from_row, [&into](Record record) { return into.Add(std::move(record)); });
}

Error NoFieldKeyring() {
  return Error(ErrorCode::kFailedPrecondition, "the field's keyring does not exist").At("keyring");
}

Error NotOurKey() { return Error(ErrorCode::kIntegrity, "a wrapped key of the store does not open"); }

Result<SecretBytes> UnwrapChecked(const SecretBytes& wrapping, KeyId wrapping_id, const WrapContext& context,
                                  const WrappedKey& wrapped, const KeyCheckValue& check) {
  Result<SecretBytes> key = UnwrapKey(wrapping, wrapping_id, context, wrapped);
  if (!key.ok() || !EqualConstantTime(DeriveKeyCheckValue(*key), check)) return NotOurKey();
  return key;
}

}  // namespace

Result<KeyTable> KeyEngine::ReadTable() {
  KeyTable table;
  COFFER_TRY(AddAll<Tenant>(store_, Table::kTenant, TenantFromRow, table));
  COFFER_TRY(AddAll<Keyring>(store_, Table::kKeyring, KeyringFromRow, table));
  COFFER_TRY(AddAll<Kek>(store_, Table::kKek, KekFromRow, table));
  COFFER_TRY(AddAll<Version>(store_, Table::kKeyVersion, KeyVersionFromRow, table));
  COFFER_TRY(AddAll<DataKey>(store_, Table::kDataKey, DataKeyFromRow, table));
  COFFER_TRY(table.CheckComplete());
  return table;
}

Result<Upkeep> KeyEngine::ReadUpkeep() {
  Upkeep upkeep;
  COFFER_TRY(ForEachRecord(store_, Table::kDestruction, DestructionFromRow, [&](DestructionRecord record) -> Status {
    upkeep.Put(std::move(record));
    return {};
  }));
  COFFER_TRY(ForEachRecord(store_, Table::kCensusSource, CensusSourceFromRow, [&](CensusSourceRecord record) -> Status {
    std::string name = record.name;
    upkeep.sources.emplace(std::move(name), std::move(record));
    return {};
  }));
  COFFER_TRY(ForEachRecord(store_, Table::kRotation, RotationFromRow, [&](const RotationRecord& record) -> Status {
    upkeep.rotations.emplace(record.keyring, record);
    return {};
  }));
  const auto put_origin = [&](const VersionOriginRecord& record) -> Status {
    upkeep.Put(record);
    return {};
  };
  COFFER_TRY(ForEachRecord(store_, Table::kVersionOrigin, VersionOriginFromRow, put_origin));
  return upkeep;
}

Status KeyEngine::Reload() {
  const std::uint64_t foreign = store_.foreign_commits();
  COFFER_ASSIGN_OR_RETURN(KeyTable table, ReadTable());
  COFFER_ASSIGN_OR_RETURN(Upkeep upkeep, ReadUpkeep());
  const Lock lock(table_mutex_);
  table_ = std::move(table);
  upkeep_ = std::move(upkeep);
  COFFER_TRY(OpenKeks());
  ForgetDerived();
  stale_ = false;
  foreign_seen_ = foreign;
  return {};
}

void KeyEngine::ForgetDerived() {
  ciphers_.Clear();
  tokenizers_.Clear();
  generation_.fetch_add(1, std::memory_order_acq_rel);
}

Status KeyEngine::OpenKeks() {
  keks_.clear();
  for (const Keyring* keyring : table_.KeyringsAfter({}, table_.keyring_count())) {
    const Kek* kek = table_.FindKek(keyring->kek);
    const WrapContext context = WrapContext::Kek(uuid_, keyring->uuid, kek->id);
    COFFER_ASSIGN_OR_RETURN(SecretBytes opened,
                            UnwrapChecked(root_.bytes, root_.id, context, kek->wrapped, kek->check));
    keks_.emplace(kek->id, std::move(opened));
  }
  return {};
}

KeyId KeyEngine::UnusedKeyId() const {
  KeyId id = KeyId::Generate();
  while (table_.HasKeyId(id)) id = KeyId::Generate();
  return id;
}

Result<SecretBytes> KeyEngine::UnwrapDataKey(const DataKey& key) const {
  const Keyring* keyring = table_.FindKeyring(key.keyring);
  const auto kek = keks_.find(key.kek);
  if (keyring == nullptr || kek == keks_.end()) return NotOurKey();
  const WrapContext context =
      WrapContext::DataKey(uuid_, key.keyring, key.version, key.id, key.tenant, keyring->purpose);
  return UnwrapChecked(kek->second, key.kek, context, key.wrapped, key.check);
}

Result<CipherPointer> KeyEngine::CipherOf(const DataKey& key, const FieldPlaceAndForm& field) {
  // A cached cipher is found by its data key's id alone, so the tenant is compared here (each data key has exactly
  // one).
  COFFER_CHECK(key.tenant == field.place.tenant);
  const CipherKey cache_key{.data_key = key.id, .field = field.place.field, .form = field.form};
  if (CipherPointer cached = ciphers_.Find(cache_key)) return cached;
  COFFER_ASSIGN_OR_RETURN(const SecretBytes data_key, UnwrapDataKey(key));
  COFFER_ASSIGN_OR_RETURN(FieldCipher cipher, FieldCipher::Create(data_key, key.id, field.form, field.place));
  return ciphers_.Insert(cache_key, std::move(cipher));
}

bool KeyEngine::HasDataKey(std::string_view keyring_name, TenantUuid tenant) const {
  const ReadLock lock(table_mutex_);
  const Keyring* keyring = table_.FindKeyring(keyring_name);
  return keyring != nullptr && table_.FindDataKey(keyring->uuid, keyring->primary, tenant) != nullptr;
}

Result<CipherPointer> KeyEngine::CipherForEncrypt(const FieldPlaceAndForm& field) {
  for (;;) {
    {
      const ReadLock lock(table_mutex_);
      COFFER_TRY(CheckTenantLives(field.place.tenant));
      const Keyring* keyring = table_.FindKeyring(field.keyring);
      if (keyring == nullptr) return NoFieldKeyring();
      const Version* primary = table_.FindVersion(keyring->uuid, keyring->primary);
      if (primary->state != VersionState::kEnabled) {
        return Error(ErrorCode::kFailedPrecondition, "the keyring's primary version is not enabled").At("keyring");
      }
      const DataKey* key = table_.FindDataKey(keyring->uuid, keyring->primary, field.place.tenant);
      if (key != nullptr) return CipherOf(*key, field);
    }
    // Not there: made, committed, and looked for again, so that only what is durable is ever used.
    COFFER_TRY(MakeDataKey(field.keyring, KeyVersion{}, field.place.tenant));
  }
}

Result<DataKey> KeyEngine::NewDataKey(const Keyring& keyring, KeyVersion version, TenantUuid tenant, KeyId id) const {
  const SecretBytes bytes = RandomSecret(kKeySize);
  DataKey key{.keyring = keyring.uuid,
              .version = version,
              .tenant = tenant,
              .id = id,
              .kek = keyring.kek,
              .check = DeriveKeyCheckValue(bytes),
              .created_us = clock_.UnixMicros()};
  const auto kek = keks_.find(keyring.kek);
  if (kek == keks_.end()) return NotOurKey();
  const WrapContext context =
      WrapContext::DataKey(uuid_, key.keyring, key.version, key.id, key.tenant, keyring.purpose);
  COFFER_ASSIGN_OR_RETURN(key.wrapped, WrapKey(kek->second, keyring.kek, context, bytes));
  return key;
}

Status KeyEngine::MakeDataKey(std::string_view keyring_name, KeyVersion version, TenantUuid tenant) {
  std::optional<DataKey> made;
  const auto act = [&](StoreMutation& mutation) -> Status {
    const ReadLock lock(table_mutex_);
    const Keyring* keyring = table_.FindKeyring(keyring_name);
    if (keyring == nullptr) return NoFieldKeyring();
    const KeyVersion number = version == KeyVersion{} ? keyring->primary : version;
    // What has been decided meanwhile: no key for a version that is disabled or worse, none for a tenant that ends.
    const Version* found = table_.FindVersion(keyring->uuid, number);
    if (found == nullptr || found->state != VersionState::kEnabled) {
      return Error(ErrorCode::kFailedPrecondition, "the keyring's version is not enabled").At("keyring");
    }
    COFFER_TRY(CheckTenantLives(tenant));
    COFFER_ASSIGN_OR_RETURN(const std::optional<Row> doomed,
                            mutation.Get(Table::kDestruction, DestructionKey::Of(tenant).ToPrimaryKey()));
    if (doomed) return Error(ErrorCode::kFailedPrecondition, "the tenant is to be destroyed").At("tenant");
    if (table_.FindDataKey(keyring->uuid, number, tenant) != nullptr) return {};
    // Two stores that made one would never be merged again.
    if (!upkeep_.OriginsOf(keyring->uuid, number).empty()) {
      return Error(ErrorCode::kFailedPrecondition,
                   "the keyring's version was merged in: only the store that it came from makes keys in it")
          .At("keyring");
    }
    const Row place{Uuid{keyring->uuid.bytes}, static_cast<std::int64_t>(number.value), Uuid{tenant.bytes}};
    COFFER_ASSIGN_OR_RETURN(const std::optional<Row> stored, mutation.Get(Table::kDataKey, place));
    if (!stored) {
      COFFER_ASSIGN_OR_RETURN(const DataKey fresh, NewDataKey(*keyring, number, tenant, UnusedKeyId()));
      COFFER_TRY(mutation.Insert(Table::kDataKey, ToRow(fresh)));
    }
    COFFER_ASSIGN_OR_RETURN(const std::optional<Row> read_back, mutation.Get(Table::kDataKey, place));
    if (!read_back) return Error(ErrorCode::kInternal, "a data key just inserted cannot be read");
    COFFER_ASSIGN_OR_RETURN(made, DataKeyFromRow(*read_back));
    return {};
  };
  return Mutate(keyring_name, act, [&](const Tables& tables) { return made ? tables.keys.Add(*made) : Status(); });
}

Result<CipherPointer> KeyEngine::Decoy(const FieldPlaceAndForm& field) {
  constexpr KeyId kDecoyId{1};
  const CipherKey cache_key{.data_key = KeyId{}, .field = field.place.field, .form = field.form};
  if (CipherPointer cached = ciphers_.Find(cache_key)) return cached;
  COFFER_ASSIGN_OR_RETURN(FieldCipher cipher, FieldCipher::Create(decoy_key_, kDecoyId, field.form, field.place));
  return ciphers_.Insert(cache_key, std::move(cipher));
}

Result<DecryptLookup> KeyEngine::CipherForDecrypt(const FieldPlaceAndForm& field, KeyId id) {
  DecryptLookup lookup;
  {
    const ReadLock lock(table_mutex_);
    COFFER_TRY(CheckTenantLives(field.place.tenant));
    const Keyring* keyring = table_.FindKeyring(field.keyring);
    const DataKey* key = table_.FindDataKey(id);
    const bool ours =
        keyring != nullptr && key != nullptr && key->keyring == keyring->uuid && key->tenant == field.place.tenant;
    if (ours) {
      const Version* version = table_.FindVersion(key->keyring, key->version);
      if (version == nullptr || version->state != VersionState::kEnabled) {
        lookup.outcome = DecryptLookup::Outcome::kRefused;
        return lookup;
      }
      COFFER_ASSIGN_OR_RETURN(lookup.cipher, CipherOf(*key, field));
      lookup.outcome = DecryptLookup::Outcome::kFound;
      lookup.version = key->version;
      lookup.primary = key->version == keyring->primary;
      return lookup;
    }
  }
  COFFER_ASSIGN_OR_RETURN(lookup.cipher, Decoy(field));
  return lookup;
}

KeyVersion KeyEngine::VersionOfKey(KeyId id) const {
  const ReadLock lock(table_mutex_);
  const DataKey* key = table_.FindDataKey(id);
  return key == nullptr ? KeyVersion{} : key->version;
}

}  // namespace coffer::keysvc
