// SecretCache: a bounded cache of objects that hold keys, least recently used out first, wiped on the way out. The only
// kind of place that keeps unwrapped keys between calls.
#pragma once

#include <array>
#include <list>
#include <memory>
#include <unordered_map>

#include "crypto/result.h"
#include "io/mutex.h"

namespace coffer::keysvc {

// `Hash` gives the key's hash and, by ShardOf, the number whose remainder chooses the shard. Values wipe themselves
// when destroyed; one that a caller still holds lives until the caller lets go. Thread-safe.
template <typename Key, typename Value, typename Hash>
class SecretCache {
 public:
  static constexpr std::size_t kShards = 16;

  // `capacity` >= kShards: how many values.
  explicit SecretCache(std::size_t capacity) : shard_capacity_(capacity / kShards) {
    COFFER_CHECK(shard_capacity_ > 0);
  }

  std::shared_ptr<const Value> Find(const Key& key) {
    Shard& shard = ShardOf(key);
    const Lock lock(shard.mutex);
    const auto found = shard.by_key.find(key);
    if (found == shard.by_key.end()) return nullptr;
    shard.by_use.splice(shard.by_use.begin(), shard.by_use, found->second);
    return found->second->value;
  }

  // Keeps the one that is there already when two threads made the same; returns the one kept.
  std::shared_ptr<const Value> Insert(const Key& key, Value value) {
    auto shared = std::make_shared<const Value>(std::move(value));
    std::shared_ptr<const Value> evicted;  // Destroyed, and so wiped, outside of the lock.
    Shard& shard = ShardOf(key);
    const Lock lock(shard.mutex);
    const auto found = shard.by_key.find(key);
    if (found != shard.by_key.end()) return found->second->value;
    if (shard.by_use.size() == shard_capacity_) {
      evicted = std::move(shard.by_use.back().value);
      shard.by_key.erase(shard.by_use.back().key);
      shard.by_use.pop_back();
    }
    shard.by_use.push_front(Entry{key, shared});
    shard.by_key.emplace(key, shard.by_use.begin());
    return shared;
  }

  void Clear() {
    for (Shard& shard : shards_) {
      std::list<Entry> dropped;
      const Lock lock(shard.mutex);
      shard.by_key.clear();
      dropped.swap(shard.by_use);
    }
  }

  std::size_t size() const {
    std::size_t total = 0;
    for (const Shard& shard : shards_) {
      const Lock lock(shard.mutex);
      total += shard.by_use.size();
    }
    return total;
  }

 private:
  struct Entry {
    Key key;
    std::shared_ptr<const Value> value;
  };
  struct Shard {
    mutable Mutex mutex;
    std::list<Entry> by_use COFFER_GUARDED_BY(mutex);  // front: used last
    std::unordered_map<Key, typename std::list<Entry>::iterator, Hash> by_key COFFER_GUARDED_BY(mutex);
  };
  Shard& ShardOf(const Key& key) { return shards_[Hash::ShardOf(key) % kShards]; }

  const std::size_t shard_capacity_;
  std::array<Shard, kShards> shards_;
};

}  // namespace coffer::keysvc
