// CipherCache: the unwrapped keys, and the only place that keeps them between calls. Bounded, least recently used out
// first, wiped on the way out.
#pragma once

#include <array>
#include <list>
#include <memory>
#include <unordered_map>

#include "crypto/field_cipher.h"
#include "io/mutex.h"

namespace coffer::keysvc {

// A cipher is of one data key, so of one tenant: the tenant is not part of the key, and the caller checks it before
// asking.
struct CipherKey {
  KeyId data_key;
  FieldUuid field;
  FieldForm form;
  auto operator<=>(const CipherKey&) const = default;
};

// Thread-safe. A cipher that a caller still holds lives until the caller lets go.
class CipherCache {
 public:
  // `capacity` >= kShards: how many ciphers, about 0.6 KiB each.
  explicit CipherCache(std::size_t capacity);

  std::shared_ptr<const FieldCipher> Find(const CipherKey& key);
  // Keeps the one that is there already when two threads made the same; returns the one kept.
  std::shared_ptr<const FieldCipher> Insert(const CipherKey& key, FieldCipher cipher);
  void Clear();
  std::size_t size() const;

  static constexpr std::size_t kShards = 16;

 private:
  struct Entry {
    CipherKey key;
    std::shared_ptr<const FieldCipher> cipher;
  };
  struct KeyHash {
    std::size_t operator()(const CipherKey& key) const noexcept;
  };
  struct Shard {
    mutable Mutex mutex;
    std::list<Entry> by_use COFFER_GUARDED_BY(mutex);  // front: used last
    std::unordered_map<CipherKey, std::list<Entry>::iterator, KeyHash> by_key COFFER_GUARDED_BY(mutex);
  };
  Shard& ShardOf(const CipherKey& key);

  const std::size_t shard_capacity_;
  std::array<Shard, kShards> shards_;
};

}  // namespace coffer::keysvc
