// KeyTable: every tenant, keyring, KEK, version and wrapped data key of one store, indexed for look-up by name and id.
// Holds no unwrapped key and does no I/O: it mirrors rows that are already durable.
#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include "keysvc/keys/model.h"

namespace coffer::keysvc {

// Not thread-safe: its owner holds a lock. Pointers stay valid until the next change of the same kind of record.
class KeyTable {
 public:
  // Each is kIntegrity when it contradicts what is there: a name, UUID or id twice, or a parent that does not exist.
  // Parents first.
  Status Add(Tenant tenant);
  Status Add(Keyring keyring);
  Status Add(Kek kek);
  Status Add(Version version);
  Status Add(DataKey key);

  // Replaces the record with the same identity, which must exist.
  Status Replace(const Keyring& keyring);
  Status Replace(const Version& version);
  // Its place and its KEK's keyring stay what they were.
  Status Replace(const DataKey& key);

  // Nothing happens when there is none.
  void Remove(KeyId data_key);
  // kIntegrity while a keyring or a data key names it.
  Status RemoveKek(KeyId kek);

  // Every keyring has its KEK and an existing primary version; kIntegrity otherwise. Called once after loading.
  Status CheckComplete() const;

  const Tenant* FindTenant(std::string_view name) const;
  const Keyring* FindKeyring(std::string_view name) const;
  const Keyring* FindKeyring(KeyringUuid uuid) const;
  const Kek* FindKek(KeyId id) const;
  const Version* FindVersion(KeyringUuid keyring, KeyVersion version) const;
  const DataKey* FindDataKey(KeyId id) const;
  const DataKey* FindDataKey(KeyringUuid keyring, KeyVersion version, TenantUuid tenant) const;
  std::uint64_t DataKeyCount(TenantUuid tenant) const;  // goes through all of them
  const Tenant* FindTenant(TenantUuid uuid) const;
  // True when a data key or a KEK has this id.
  bool HasKeyId(KeyId id) const;

  std::vector<const Version*> VersionsOf(KeyringUuid uuid) const;  // by number
  std::uint64_t DataKeyCount(KeyringUuid keyring, KeyVersion version) const;
  // Up to `limit` whose names follow `after`, by name.
  std::vector<const Keyring*> KeyringsAfter(std::string_view after, std::size_t limit) const;
  std::vector<const Tenant*> TenantsAfter(std::string_view after, std::size_t limit) const;

  std::size_t tenant_count() const { return tenants_.size(); }
  std::size_t keyring_count() const { return keyrings_.size(); }
  std::size_t data_key_count() const { return data_keys_.size(); }

 private:
  using VersionKey = std::pair<KeyringUuid, KeyVersion>;
  struct PlaceHash {
    std::size_t operator()(const std::pair<VersionKey, TenantUuid>& place) const noexcept;
  };

  std::map<std::string, Tenant, std::less<>> tenants_;
  std::map<std::string, Keyring, std::less<>> keyrings_;
  std::unordered_map<KeyringUuid, std::string> keyring_names_;
  std::unordered_map<TenantUuid, std::string> tenant_names_;
  std::unordered_map<KeyId, Kek> keks_;
  std::map<VersionKey, Version> versions_;
  std::map<VersionKey, std::uint64_t> data_key_counts_;
  std::unordered_map<KeyId, DataKey> data_keys_;
  std::unordered_map<std::pair<VersionKey, TenantUuid>, KeyId, PlaceHash> data_key_places_;
};

}  // namespace coffer::keysvc
