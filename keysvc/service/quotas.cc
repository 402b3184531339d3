#include "keysvc/service/quotas.h"

#include <algorithm>

namespace coffer::keysvc {
namespace {

constexpr double kMicrosPerMinute = 60e6;

double Refilled(double left, std::int64_t since_us, std::uint32_t limit) {
  return std::min<double>(limit, left + static_cast<double>(since_us) * limit / kMicrosPerMinute);
}

}  // namespace

std::uint32_t Quotas::LimitOf(Use use) const {
  return use == Use::kSearch ? limits_.searches_a_minute : limits_.values_a_minute;
}

void Quotas::DropFullBuckets(std::int64_t now_us) {
  for (auto at = buckets_.begin(); at != buckets_.end();) {
    const std::uint32_t limit = LimitOf(at->first.use);
    const bool full = Refilled(at->second.left, now_us - at->second.at_us, limit) >= limit;
    at = full ? buckets_.erase(at) : std::next(at);
  }
}

Status Quotas::Take(Use use, const std::string& principal, const std::string& index, std::uint64_t count) {
  const std::uint32_t limit = LimitOf(use);
  const std::int64_t now = clock_.MonotonicMicros();
  const Error exhausted =
      Error(ErrorCode::kResourceExhausted, "the caller's quota for this index is used up: the limit is for a minute")
          .At("index")
          .WithLimit(limit);
  const Lock lock(mutex_);
  const auto found = buckets_.find(Key{use, principal, index});
  if (found == buckets_.end()) {
    if (buckets_.size() >= kMaxEntries) DropFullBuckets(now);
    if (count > limit || buckets_.size() >= kMaxEntries) return exhausted;
    buckets_.emplace(Key{use, principal, index},
                     Bucket{.left = static_cast<double>(limit) - static_cast<double>(count), .at_us = now});
    return {};
  }
  Bucket& bucket = found->second;
  bucket.left = Refilled(bucket.left, now - bucket.at_us, limit);
  bucket.at_us = now;
  if (bucket.left < static_cast<double>(count)) return exhausted;
  bucket.left -= static_cast<double>(count);
  return {};
}

}  // namespace coffer::keysvc
