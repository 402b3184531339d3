#include "keysvc/keys/key_table.h"

#include <algorithm>

namespace coffer::keysvc {
namespace {

Error Twice() { return Error(ErrorCode::kIntegrity, "the store holds a key record twice"); }
Error Orphan() { return Error(ErrorCode::kIntegrity, "the store holds a key record without its parent"); }

template <typename Item>
std::vector<const Item*> PageAfter(const std::map<std::string, Item, std::less<>>& items, std::string_view after,
                                   std::size_t limit) {
  std::vector<const Item*> page;
  for (auto at = items.upper_bound(after); at != items.end() && page.size() < limit; ++at) page.push_back(&at->second);
  return page;
}

}  // namespace

std::size_t KeyTable::PlaceHash::operator()(const std::pair<VersionKey, TenantUuid>& place) const noexcept {
  const std::size_t keyring = std::hash<KeyringUuid>()(place.first.first);
  const std::size_t tenant = std::hash<TenantUuid>()(place.second);
  return keyring ^ (tenant * 0x9e3779b97f4a7c15ULL) ^ place.first.second.value;
}

Status KeyTable::Add(Tenant tenant) {
  if (!tenant_names_.emplace(tenant.uuid, tenant.name).second) return Twice();
  std::string name = tenant.name;
  if (!tenants_.emplace(std::move(name), std::move(tenant)).second) return Twice();
  return {};
}

Status KeyTable::Add(Keyring keyring) {
  if (!keyring_names_.emplace(keyring.uuid, keyring.name).second) return Twice();
  std::string name = keyring.name;
  if (!keyrings_.emplace(std::move(name), std::move(keyring)).second) return Twice();
  return {};
}

Status KeyTable::Add(Kek kek) {
  if (!keyring_names_.contains(kek.keyring)) return Orphan();
  if (!kek.id.IsValid() || HasKeyId(kek.id)) return Twice();
  const KeyId id = kek.id;
  keks_.emplace(id, std::move(kek));
  return {};
}

Status KeyTable::Add(Version version) {
  if (!keyring_names_.contains(version.keyring)) return Orphan();
  if (!versions_.emplace(VersionKey{version.keyring, version.version}, version).second) return Twice();
  return {};
}

Status KeyTable::Add(DataKey key) {
  const VersionKey version{key.keyring, key.version};
  const Kek* kek = FindKek(key.kek);
  if (!versions_.contains(version) || !tenant_names_.contains(key.tenant)) return Orphan();
  if (kek == nullptr || kek->keyring != key.keyring) return Orphan();
  if (!key.id.IsValid() || HasKeyId(key.id)) return Twice();
  if (!data_key_places_.emplace(std::make_pair(version, key.tenant), key.id).second) return Twice();
  ++data_key_counts_[version];
  const KeyId id = key.id;
  data_keys_.emplace(id, std::move(key));
  return {};
}

Status KeyTable::Replace(const Keyring& keyring) {
  const auto found = keyrings_.find(keyring.name);
  if (found == keyrings_.end() || found->second.uuid != keyring.uuid) return Orphan();
  found->second = keyring;
  return {};
}

Status KeyTable::Replace(const Version& version) {
  const auto found = versions_.find(VersionKey{version.keyring, version.version});
  if (found == versions_.end()) return Orphan();
  found->second = version;
  return {};
}

Status KeyTable::Replace(const DataKey& key) {
  const auto found = data_keys_.find(key.id);
  const Kek* kek = FindKek(key.kek);
  if (found == data_keys_.end() || kek == nullptr || kek->keyring != key.keyring) return Orphan();
  const DataKey& before = found->second;
  if (before.keyring != key.keyring || before.version != key.version || before.tenant != key.tenant) return Orphan();
  found->second = key;
  return {};
}

void KeyTable::Remove(KeyId data_key) {
  const auto found = data_keys_.find(data_key);
  if (found == data_keys_.end()) return;
  const VersionKey version{found->second.keyring, found->second.version};
  data_key_places_.erase({version, found->second.tenant});
  --data_key_counts_[version];
  data_keys_.erase(found);
}

Status KeyTable::RemoveKek(KeyId kek) {
  const auto found = keks_.find(kek);
  if (found == keks_.end()) return Orphan();
  const Keyring* keyring = FindKeyring(found->second.keyring);
  const bool named = std::any_of(data_keys_.begin(), data_keys_.end(),
                                 [kek](const auto& data_key) { return data_key.second.kek == kek; });
  if (named || keyring == nullptr || keyring->kek == kek) return Orphan();
  keks_.erase(found);
  return {};
}

Status KeyTable::CheckComplete() const {
  for (const auto& [name, keyring] : keyrings_) {
    const Kek* kek = FindKek(keyring.kek);
    if (kek == nullptr || kek->keyring != keyring.uuid) return Orphan();
    if (FindVersion(keyring.uuid, keyring.primary) == nullptr) return Orphan();
  }
  return {};
}

const Tenant* KeyTable::FindTenant(std::string_view name) const {
  const auto found = tenants_.find(name);
  return found == tenants_.end() ? nullptr : &found->second;
}

const Tenant* KeyTable::FindTenant(TenantUuid uuid) const {
  const auto found = tenant_names_.find(uuid);
  return found == tenant_names_.end() ? nullptr : FindTenant(found->second);
}

const Keyring* KeyTable::FindKeyring(std::string_view name) const {
  const auto found = keyrings_.find(name);
  return found == keyrings_.end() ? nullptr : &found->second;
}

const Keyring* KeyTable::FindKeyring(KeyringUuid uuid) const {
  const auto found = keyring_names_.find(uuid);
  return found == keyring_names_.end() ? nullptr : FindKeyring(found->second);
}

const Kek* KeyTable::FindKek(KeyId id) const {
  const auto found = keks_.find(id);
  return found == keks_.end() ? nullptr : &found->second;
}

const Version* KeyTable::FindVersion(KeyringUuid keyring, KeyVersion version) const {
  const auto found = versions_.find(VersionKey{keyring, version});
  return found == versions_.end() ? nullptr : &found->second;
}

const DataKey* KeyTable::FindDataKey(KeyId id) const {
  const auto found = data_keys_.find(id);
  return found == data_keys_.end() ? nullptr : &found->second;
}

const DataKey* KeyTable::FindDataKey(KeyringUuid keyring, KeyVersion version, TenantUuid tenant) const {
  const auto found = data_key_places_.find({VersionKey{keyring, version}, tenant});
  return found == data_key_places_.end() ? nullptr : FindDataKey(found->second);
}

bool KeyTable::HasKeyId(KeyId id) const { return data_keys_.contains(id) || keks_.contains(id); }

std::vector<const Keyring*> KeyTable::KeyringsAfter(std::string_view after, std::size_t limit) const {
  return PageAfter(keyrings_, after, limit);
}

std::vector<const Version*> KeyTable::VersionsOf(KeyringUuid uuid) const {
  std::vector<const Version*> all;
  for (auto at = versions_.lower_bound(VersionKey{uuid, KeyVersion{0}});
       at != versions_.end() && at->first.first == uuid; ++at) {
    all.push_back(&at->second);
  }
  return all;
}

std::uint64_t KeyTable::DataKeyCount(KeyringUuid keyring, KeyVersion version) const {
  const auto found = data_key_counts_.find(VersionKey{keyring, version});
  return found == data_key_counts_.end() ? 0 : found->second;
}

std::uint64_t KeyTable::DataKeyCount(TenantUuid tenant) const {
  return static_cast<std::uint64_t>(std::count_if(data_keys_.begin(), data_keys_.end(), [tenant](const auto& data_key) {
    return data_key.second.tenant == tenant;
  }));
}

std::vector<const Tenant*> KeyTable::TenantsAfter(std::string_view after, std::size_t limit) const {
  return PageAfter(tenants_, after, limit);
}

}  // namespace coffer::keysvc
