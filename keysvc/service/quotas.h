// Quotas: how many index tokens a caller may have made in a minute, each index for itself. Whoever can have tokens made
// of chosen values and see the database can find out what is in it; a quota makes that slow.
#pragma once

#include <map>
#include <string>

#include "crypto/result.h"
#include "io/clock.h"
#include "io/mutex.h"

namespace coffer::keysvc {

// Thread-safe.
class Quotas {
 public:
  struct Limits {
    std::uint32_t searches_a_minute = 600;   // IndexTokens: queries
    std::uint32_t values_a_minute = 60'000;  // EncryptFields and RewrapFields: values that get tokens
  };
  enum class Use : std::uint8_t { kSearch, kValue };

  // `clock` must outlive it.
  Quotas(const Clock& clock, const Limits& limits) : clock_(clock), limits_(limits) {}

  // Takes `count` of what the caller has left for the index ("shop.user.email.exact"), all or nothing.
  // kResourceExhausted, with the limit, when that is less; a minute gives a whole limit back.
  Status Take(Use use, const std::string& principal, const std::string& index, std::uint64_t count);

  static constexpr std::size_t kMaxEntries = 10'000;  // pairs of a principal and an index that are used in one minute

 private:
  struct Key {
    Use use;
    std::string principal;
    std::string index;
    auto operator<=>(const Key&) const = default;
  };
  struct Bucket {
    double left = 0;
    std::int64_t at_us = 0;  // monotonic: when `left` was right
  };
  std::uint32_t LimitOf(Use use) const;
  void DropFullBuckets(std::int64_t now_us) COFFER_REQUIRES(mutex_);

  const Clock& clock_;
  const Limits limits_;
  Mutex mutex_;
  std::map<Key, Bucket> buckets_ COFFER_GUARDED_BY(mutex_);
};

}  // namespace coffer::keysvc
