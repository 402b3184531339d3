// StoreRecords: a whole store's keys, tenants and catalogs as records, with its KEKs opened, read from wherever the
// rows are: a picture of another store, or a mutation of this one.
#pragma once

#include <functional>
#include <map>
#include <unordered_map>

#include "keysvc/service/key_engine.h"
#include "policy/catalog_lock.h"

namespace coffer::keysvc {

// All rows of a table.
using RowSource = std::function<Result<std::vector<Row>>(Table)>;

// Not thread-safe. Whoever changes the rows keeps it up to date.
struct StoreRecords {
  StoreUuid uuid;
  KeyTable keys;
  std::vector<Tenant> tenants;
  std::vector<DataKey> data_keys;
  Upkeep upkeep;  // destructions and origins
  std::map<ScopeUuid, policy::CatalogLock> locks;
  std::unordered_map<KeyId, SecretBytes> keks;  // unwrapped

  // kIntegrity: records that contradict each other, or a KEK that `root` does not open.
  static Result<StoreRecords> Read(const RowSource& rows, StoreUuid uuid, const RootKey& root);

  // kIntegrity when it does not open.
  Result<SecretBytes> Unwrap(const DataKey& key) const;
  // As Unwrap takes it, under the keyring's KEK.
  Result<WrappedKey> Wrap(const DataKey& key, const SecretBytes& bytes) const;
  // True: a version of an index that a catalog has, searched by it, is made under this one.
  bool HasIndexUnder(std::string_view keyring, KeyVersion version) const;
  const policy::CatalogLock* FindScope(std::string_view name) const;
};

}  // namespace coffer::keysvc
