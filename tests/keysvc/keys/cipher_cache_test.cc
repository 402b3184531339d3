#include "keysvc/keys/cipher_cache.h"

#include <thread>

#include <gtest/gtest.h>

#include "crypto/random.h"

namespace coffer::keysvc {
namespace {

CipherKey Key(std::uint64_t id) { return {.data_key = KeyId{id}, .field = FieldUuid::Generate(1), .form = {}}; }

FieldCipher Cipher(KeyId id) {
  return FieldCipher::Create(RandomSecret(32), id, {}, {.scope = {}, .tenant = {}, .field = {}}).value();
}

TEST(CipherCacheTest, FindsWhatWasInserted) {
  CipherCache cache(64);
  const CipherKey key = Key(5);
  EXPECT_EQ(cache.Find(key), nullptr);
  const auto kept = cache.Insert(key, Cipher(key.data_key));
  EXPECT_EQ(cache.Find(key), kept);
}

TEST(CipherCacheTest, KeepsTheFirstOfTwo) {
  CipherCache cache(64);
  const CipherKey key = Key(5);
  const auto first = cache.Insert(key, Cipher(key.data_key));
  EXPECT_EQ(cache.Insert(key, Cipher(key.data_key)), first);
}

TEST(CipherCacheTest, AnotherFormFieldOrKeyIsAnotherCipher) {
  CipherCache cache(64);
  const CipherKey key = Key(5);
  cache.Insert(key, Cipher(key.data_key));
  CipherKey other = key;
  other.form.row_bound = false;
  EXPECT_EQ(cache.Find(other), nullptr);
  other = key;
  other.form.pad_multiple = 16;
  EXPECT_EQ(cache.Find(other), nullptr);
  other = key;
  other.field = FieldUuid::Generate(2);
  EXPECT_EQ(cache.Find(other), nullptr);
  other = key;
  other.data_key = KeyId{5 + CipherCache::kShards};
  EXPECT_EQ(cache.Find(other), nullptr);
}

TEST(CipherCacheTest, IsBoundedAndDropsTheLeastRecentlyUsed) {
  CipherCache cache(2 * CipherCache::kShards);
  const CipherKey old = Key(CipherCache::kShards);
  const CipherKey used = Key(2 * CipherCache::kShards);
  const CipherKey fresh = Key(3 * CipherCache::kShards);
  cache.Insert(used, Cipher(used.data_key));
  cache.Insert(old, Cipher(old.data_key));
  cache.Find(used);
  cache.Insert(fresh, Cipher(fresh.data_key));
  EXPECT_EQ(cache.Find(old), nullptr);
  EXPECT_NE(cache.Find(used), nullptr);
  for (std::uint64_t id = 1; id < 1000; ++id) cache.Insert(Key(id), Cipher(KeyId{id}));
  EXPECT_LE(cache.size(), 2 * CipherCache::kShards);
}

TEST(CipherCacheTest, ClearDropsAllButWhatIsHeld) {
  CipherCache cache(64);
  const CipherKey key = Key(5);
  const auto held = cache.Insert(key, Cipher(key.data_key));
  cache.Clear();
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.Find(key), nullptr);
  EXPECT_EQ(held->key_id(), key.data_key) << "a call that runs keeps its cipher";
}

TEST(CipherCacheTest, ThreadsShareIt) {
  CipherCache cache(32);
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&cache, thread] {
      for (std::uint64_t i = 0; i < 200; ++i) {
        const CipherKey key{.data_key = KeyId{1 + (i * 7 + thread) % 50}, .field = {}, .form = {}};
        if (cache.Find(key) == nullptr) cache.Insert(key, Cipher(key.data_key));
        if (i % 50 == 49) cache.Clear();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.size(), 32U);
}

}  // namespace
}  // namespace coffer::keysvc
