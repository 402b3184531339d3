// The part of KeyEngine that turns wrapped keys into ciphers: loading, unwrapping, making data keys.
#include "crypto/random.h"
#include "keysvc/service/key_engine.h"
#include "keysvc/store/records.h"

namespace coffer::keysvc {
namespace {

// Every row of `table`, turned into its record and added.
template <typename Record>
Status AddAll(AuthenticatedStore& store, Table table, Result<Record> (*from_row)(const Row&), KeyTable& into) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, store.Scan({.table = table}));
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(Record record, from_row(row));
    COFFER_TRY(into.Add(std::move(record)));
  }
  return {};
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

Status KeyEngine::Reload() {
  COFFER_ASSIGN_OR_RETURN(KeyTable table, ReadTable());
  const Lock lock(table_mutex_);
  table_ = std::move(table);
  COFFER_TRY(OpenKeks());
  ciphers_.Clear();
  tokenizers_.Clear();
  generation_.fetch_add(1, std::memory_order_acq_rel);
  stale_ = false;
  return {};
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
    if (table_.FindDataKey(keyring->uuid, number, tenant) != nullptr) return {};
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
  return Mutate(act, [&](KeyTable& table, KekMap&) { return made ? table.Add(*made) : Status(); });
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
