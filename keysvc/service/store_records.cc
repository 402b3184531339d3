#include "keysvc/service/store_records.h"

#include <algorithm>

namespace coffer::keysvc {
namespace {

Error DoesNotOpen() { return {ErrorCode::kIntegrity, "a wrapped key of the store does not open"}; }

template <typename Record, typename Keep>
Status ReadAll(const RowSource& rows, Table table, Result<Record> (*from_row)(const Row&), Keep keep) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> all, rows(table));
  for (const Row& row : all) {
    COFFER_ASSIGN_OR_RETURN(Record record, from_row(row));
    COFFER_TRY(keep(std::move(record)));
  }
  return {};
}

Status ReadKeys(const RowSource& rows, StoreRecords& records) {
  KeyTable& keys = records.keys;
  COFFER_TRY(ReadAll<Tenant>(rows, Table::kTenant, TenantFromRow, [&](const Tenant& tenant) {
    records.tenants.push_back(tenant);
    return keys.Add(tenant);
  }));
  COFFER_TRY(ReadAll<Keyring>(rows, Table::kKeyring, KeyringFromRow,
                              [&](Keyring keyring) { return keys.Add(std::move(keyring)); }));
  COFFER_TRY(ReadAll<Kek>(rows, Table::kKek, KekFromRow, [&](const Kek& kek) { return keys.Add(kek); }));
  COFFER_TRY(ReadAll<Version>(rows, Table::kKeyVersion, KeyVersionFromRow,
                              [&](const Version& version) { return keys.Add(version); }));
  COFFER_TRY(ReadAll<DataKey>(rows, Table::kDataKey, DataKeyFromRow, [&](const DataKey& key) {
    records.data_keys.push_back(key);
    return keys.Add(key);
  }));
  return keys.CheckComplete();
}

Status OpenKeks(const RootKey& root, StoreRecords& records) {
  for (const Keyring* keyring : records.keys.KeyringsAfter({}, records.keys.keyring_count())) {
    const Kek* kek = records.keys.FindKek(keyring->kek);
    Result<SecretBytes> opened =
        UnwrapKey(root.bytes, root.id, WrapContext::Kek(records.uuid, keyring->uuid, kek->id), kek->wrapped);
    if (!opened.ok() || !EqualConstantTime(DeriveKeyCheckValue(*opened), kek->check)) return DoesNotOpen();
    records.keks.emplace(kek->id, std::move(opened).value());
  }
  return {};
}

}  // namespace

Result<StoreRecords> StoreRecords::Read(const RowSource& rows, StoreUuid uuid, const RootKey& root) {
  StoreRecords records;
  records.uuid = uuid;
  COFFER_TRY(ReadKeys(rows, records));
  COFFER_TRY(OpenKeks(root, records));
  COFFER_TRY(ReadAll<DestructionRecord>(rows, Table::kDestruction, DestructionFromRow,
                                        [&](DestructionRecord record) -> Status {
                                          records.upkeep.Put(std::move(record));
                                          return {};
                                        }));
  COFFER_TRY(ReadAll<VersionOriginRecord>(rows, Table::kVersionOrigin, VersionOriginFromRow,
                                          [&](const VersionOriginRecord& record) -> Status {
                                            records.upkeep.Put(record);
                                            return {};
                                          }));
  COFFER_TRY(ReadAll<CatalogScopeRecord>(
      rows, Table::kCatalogScope, CatalogScopeFromRow, [&](const CatalogScopeRecord& record) -> Status {
        COFFER_ASSIGN_OR_RETURN(policy::CatalogLock lock, policy::ParseCatalogLock(record.lock));
        records.locks.emplace(record.uuid, std::move(lock));
        return {};
      }));
  return records;
}

Result<SecretBytes> StoreRecords::Unwrap(const DataKey& key) const {
  const Keyring* keyring = keys.FindKeyring(key.keyring);
  const auto kek = keks.find(key.kek);
  if (keyring == nullptr || kek == keks.end()) return DoesNotOpen();
  const WrapContext context =
      WrapContext::DataKey(uuid, key.keyring, key.version, key.id, key.tenant, keyring->purpose);
  Result<SecretBytes> bytes = UnwrapKey(kek->second, key.kek, context, key.wrapped);
  if (!bytes.ok() || !EqualConstantTime(DeriveKeyCheckValue(*bytes), key.check)) return DoesNotOpen();
  return bytes;
}

Result<WrappedKey> StoreRecords::Wrap(const DataKey& key, const SecretBytes& bytes) const {
  const Keyring* keyring = keys.FindKeyring(key.keyring);
  const auto kek = keks.find(key.kek);
  if (keyring == nullptr || kek == keks.end()) return DoesNotOpen();
  return WrapKey(kek->second, key.kek,
                 WrapContext::DataKey(uuid, key.keyring, key.version, key.id, key.tenant, keyring->purpose), bytes);
}

bool StoreRecords::HasIndexUnder(std::string_view keyring, KeyVersion version) const {
  const auto made_under = [&](const policy::LockedIndexVersion& of) {
    return of.keyring == keyring && of.key_version == version;
  };
  for (const auto& [scope, lock] : locks) {
    for (const policy::LockedField& field : lock.fields) {
      for (const policy::LockedIndex& index : field.indexes) {
        if (!index.retired && std::any_of(index.versions.begin(), index.versions.end(), made_under)) return true;
      }
    }
  }
  return false;
}

const policy::CatalogLock* StoreRecords::FindScope(std::string_view name) const {
  for (const auto& [id, lock] : locks) {
    if (lock.scope == name) return &lock;
  }
  return nullptr;
}

}  // namespace coffer::keysvc
