#include "keysvc/keys/cipher_cache.h"

namespace coffer::keysvc {

std::size_t CipherCache::KeyHash::operator()(const CipherKey& key) const noexcept {
  return static_cast<std::size_t>(key.data_key.value) ^ std::hash<FieldUuid>()(key.field) ^ key.form.SecondByte();
}

CipherCache::CipherCache(std::size_t capacity) : shard_capacity_(capacity / kShards) {
  COFFER_CHECK(shard_capacity_ > 0);
}

CipherCache::Shard& CipherCache::ShardOf(const CipherKey& key) { return shards_[key.data_key.value % kShards]; }

std::shared_ptr<const FieldCipher> CipherCache::Find(const CipherKey& key) {
  Shard& shard = ShardOf(key);
  const Lock lock(shard.mutex);
  const auto found = shard.by_key.find(key);
  if (found == shard.by_key.end()) return nullptr;
  shard.by_use.splice(shard.by_use.begin(), shard.by_use, found->second);
  return found->second->cipher;
}

std::shared_ptr<const FieldCipher> CipherCache::Insert(const CipherKey& key, FieldCipher cipher) {
  auto shared = std::make_shared<const FieldCipher>(std::move(cipher));
  std::shared_ptr<const FieldCipher> evicted;  // Destroyed, and so wiped, outside of the lock.
  Shard& shard = ShardOf(key);
  const Lock lock(shard.mutex);
  const auto found = shard.by_key.find(key);
  if (found != shard.by_key.end()) return found->second->cipher;
  if (shard.by_use.size() == shard_capacity_) {
    evicted = std::move(shard.by_use.back().cipher);
    shard.by_key.erase(shard.by_use.back().key);
    shard.by_use.pop_back();
  }
  shard.by_use.push_front(Entry{key, shared});
  shard.by_key.emplace(key, shard.by_use.begin());
  return shared;
}

void CipherCache::Clear() {
  for (Shard& shard : shards_) {
    std::list<Entry> dropped;
    const Lock lock(shard.mutex);
    shard.by_key.clear();
    dropped.swap(shard.by_use);
  }
}

std::size_t CipherCache::size() const {
  std::size_t total = 0;
  for (const Shard& shard : shards_) {
    const Lock lock(shard.mutex);
    total += shard.by_use.size();
  }
  return total;
}

}  // namespace coffer::keysvc
