#include "keysvc/service/principal_limits.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "crypto/random.h"

namespace coffer::keysvc {
namespace {

constexpr double kMicrosPerMinute = 60e6;
constexpr std::int64_t kMicrosPerDay = std::int64_t{24} * 60 * 60 * 1'000'000;
constexpr std::size_t kBucketsOfALook = 16;

constexpr std::string_view kInFlight = "in_flight";
constexpr std::string_view kValuesPerMinute = "values_per_minute";
constexpr std::string_view kDistinctPerDay = "distinct_per_day";

std::int64_t DayOf(const Clock& clock) { return clock.UnixMicros() / kMicrosPerDay; }

std::uint64_t AsCount(std::int64_t limit) { return static_cast<std::uint64_t>(std::max<std::int64_t>(limit, 0)); }

Error Exhausted(Literal message, std::string_view key, std::uint64_t limit) {
  return Error(ErrorCode::kResourceExhausted, message).At(key).WithLimit(limit);
}

Error TooManyPrincipals(std::string_view key, std::uint64_t limit) {
  return Exhausted("more principals call than the service can count at once", key, limit);
}

// What is left of a minute, in values of the limit that was asked for last.
class Minute {
 public:
  // 0 < count <= limit.
  bool Take(std::uint64_t limit, std::uint64_t count, std::int64_t now_us) {
    Refill(static_cast<double>(limit), now_us);
    if (left_ < static_cast<double>(count)) return false;
    left_ -= static_cast<double>(count);
    return true;
  }
  bool IsWhole(std::int64_t now_us) const { return LeftAt(now_us) >= limit_; }

 private:
  double LeftAt(std::int64_t now_us) const {
    const auto since_us = static_cast<double>(std::max<std::int64_t>(now_us - at_us_, 0));
    return std::min(limit_, left_ + since_us * limit_ / kMicrosPerMinute);
  }
  void Refill(double limit, std::int64_t now_us) {
    left_ = limit_ == 0 ? limit : LeftAt(now_us);
    if (limit_ != 0 && limit_ != limit) left_ *= limit / limit_;
    limit_ = limit;
    at_us_ = std::max(at_us_, now_us);
  }

  double left_ = 0;
  double limit_ = 0;        // 0: nothing was taken yet
  std::int64_t at_us_ = 0;  // monotonic: when `left_` was right
};

}  // namespace

struct PrincipalLimits::Tally {
  explicit Tally(std::shared_ptr<SlotBudget> budget) : rows(std::move(budget)) {}

  // Forgets the rows of a day before `today`.
  void TurnTo(std::int64_t today) COFFER_REQUIRES(mutex) {
    if (day >= today) return;
    day = today;
    rows.Clear();
  }
  Status TakeRows(std::uint64_t limit, std::span<const Fingerprint> taken) COFFER_REQUIRES(mutex);
  // But for calls in flight, a new one would say the same.
  bool IsBlank(std::int64_t now_us) COFFER_EXCLUDES(mutex) {
    const Lock lock(mutex);
    return minute.IsWhole(now_us) && rows.size() == 0;
  }

  std::atomic<std::uint64_t> in_flight{0};
  Mutex mutex;
  Minute minute COFFER_GUARDED_BY(mutex);
  std::int64_t day COFFER_GUARDED_BY(mutex) = 0;
  FingerprintSet rows COFFER_GUARDED_BY(mutex);
};

Status PrincipalLimits::Tally::TakeRows(std::uint64_t limit, std::span<const Fingerprint> taken) {
  const auto is_new = [this](Fingerprint row) COFFER_REQUIRES(mutex) { return !rows.Contains(row); };
  auto more = static_cast<std::size_t>(std::count_if(taken.begin(), taken.end(), is_new));
  if (more == 0) return {};
  if (more > rows.room() || rows.size() + more > limit) {
    // Now it matters which of them are the same.
    std::vector<Fingerprint> fresh;
    fresh.reserve(more);
    std::copy_if(taken.begin(), taken.end(), std::back_inserter(fresh), is_new);
    std::sort(fresh.begin(), fresh.end());
    more = static_cast<std::size_t>(std::unique(fresh.begin(), fresh.end()) - fresh.begin());
  }
  if (rows.size() + more > limit) {
    return Exhausted("the principal has had its distinct rows of this day: the next begins at midnight UTC",
                     kDistinctPerDay, limit);
  }
  if (!rows.Reserve(more)) {
    return Exhausted("the service has no room to count more distinct rows before midnight UTC", kDistinctPerDay, limit);
  }
  for (const Fingerprint row : taken) rows.Insert(row);
  return {};
}

PrincipalLimits::InFlight& PrincipalLimits::InFlight::operator=(InFlight&& other) noexcept {
  if (this == &other) return *this;
  Leave();
  tally_ = std::move(other.tally_);
  return *this;
}

void PrincipalLimits::InFlight::Leave() {
  if (tally_ == nullptr) return;
  tally_->in_flight.fetch_sub(1);
  tally_.reset();
}

PrincipalLimits::PrincipalLimits(const Clock& clock) : PrincipalLimits(clock, Caps()) {}

PrincipalLimits::PrincipalLimits(const Clock& clock, const Caps& caps)
    : clock_(clock), caps_(caps), slots_(std::make_shared<SlotBudget>(caps.row_slots)), day_(DayOf(clock)) {
  FillRandom(key_);
  const Lock lock(mutex_);
  tallies_.reserve(caps.principals);
}

PrincipalLimits::~PrincipalLimits() = default;

Result<PrincipalLimits::InFlight> PrincipalLimits::Enter(std::string_view principal,
                                                         std::optional<std::int64_t> limit) {
  const std::uint64_t most = limit ? AsCount(*limit) : std::numeric_limits<std::uint64_t>::max();
  std::shared_ptr<Tally> tally = Find(principal);
  if (tally == nullptr && limit) return TooManyPrincipals(kInFlight, most);
  if (tally == nullptr) return InFlight(nullptr);
  std::uint64_t running = tally->in_flight.load();
  do {
    if (running >= most) {
      return Exhausted("the principal has as many calls running as it may have at once", kInFlight, most);
    }
  } while (!tally->in_flight.compare_exchange_weak(running, running + 1));
  return InFlight(std::move(tally));
}

Status PrincipalLimits::TakeValues(std::string_view principal, std::optional<std::int64_t> limit, std::uint64_t count) {
  if (!limit || count == 0) return {};
  const std::uint64_t most = AsCount(*limit);
  if (count > most) {
    return Exhausted("the call is about more values than the principal may have in a minute", kValuesPerMinute, most);
  }
  const std::shared_ptr<Tally> tally = Find(principal);
  if (tally == nullptr) return TooManyPrincipals(kValuesPerMinute, most);
  const std::int64_t now = clock_.MonotonicMicros();
  const Lock lock(tally->mutex);
  if (tally->minute.Take(most, count, now)) return {};
  return Exhausted("the principal has had its values of this minute: all of them are back a minute from now",
                   kValuesPerMinute, most);
}

Status PrincipalLimits::TakeDistinct(std::string_view principal, std::optional<std::int64_t> limit,
                                     std::span<const Fingerprint> rows) {
  if (!limit || rows.empty()) return {};
  const std::uint64_t most = AsCount(*limit);
  const std::int64_t today = Today();
  const std::shared_ptr<Tally> tally = Find(principal);
  if (tally == nullptr) return TooManyPrincipals(kDistinctPerDay, most);
  const Lock lock(tally->mutex);
  tally->TurnTo(today);
  return tally->TakeRows(most, rows);
}

// A hash of key and text is a MAC here: the key has a fixed length, no input can be read in two ways, and of the 32
// bytes only 8 are used, so that no hash can be continued. HMAC would cost four times as much.
Fingerprint PrincipalLimits::FingerprintOf(std::string_view name, TenantUuid tenant, ByteView row) const {
  const std::uint64_t size = name.size();
  const Digest digest = Sha256({key_, std::as_bytes(std::span(&size, 1)), AsBytes(name), tenant.view(), row});
  std::uint64_t value = 0;
  std::copy_n(digest.begin(), sizeof(value), std::as_writable_bytes(std::span(&value, 1)).begin());
  return Fingerprint{value};
}

std::shared_ptr<PrincipalLimits::Tally> PrincipalLimits::Find(std::string_view principal) {
  {
    const Lock lock(mutex_);
    const auto found = tallies_.find(principal);
    if (found != tallies_.end()) return found->second;
    if (tallies_.size() < caps_.principals) return Add(principal);
  }
  Today();  // Those who had rows yesterday may be forgotten.
  const Lock lock(mutex_);
  const auto found = tallies_.find(principal);
  if (found != tallies_.end()) return found->second;
  return tallies_.size() < caps_.principals || ForgetOne() ? Add(principal) : nullptr;
}

std::shared_ptr<PrincipalLimits::Tally> PrincipalLimits::Add(std::string_view principal) {
  return tallies_.emplace(principal, std::make_shared<Tally>(slots_)).first->second;
}

bool PrincipalLimits::ForgetOne() {
  const std::int64_t now = clock_.MonotonicMicros();
  const std::size_t buckets = tallies_.bucket_count();
  for (std::size_t i = 0; i < std::min(kBucketsOfALook, buckets); ++i) {
    hand_ = (hand_ + 1) % buckets;
    // Who has a tally got it under the mutex that is held now: while nobody has one, nobody can come to have it.
    const auto idle = std::find_if(tallies_.begin(hand_), tallies_.end(hand_), [now](const auto& entry) {
      return entry.second.use_count() == 1 && entry.second->IsBlank(now);
    });
    if (idle == tallies_.end(hand_)) continue;
    tallies_.erase(tallies_.find(idle->first));
    return true;
  }
  return false;
}

std::int64_t PrincipalLimits::Today() {
  const std::int64_t day = DayOf(clock_);
  std::int64_t greatest = day_.load();
  while (greatest < day) {
    if (!day_.compare_exchange_weak(greatest, day)) continue;
    ClearPastDays(day);
    return day;
  }
  return greatest;
}

// A few at a time, so that nobody waits for all; the table never rehashes.
void PrincipalLimits::ClearPastDays(std::int64_t today) {
  std::vector<std::shared_ptr<Tally>> some;
  for (std::size_t bucket = 0, buckets = 1; bucket < buckets;) {
    {
      const Lock lock(mutex_);
      buckets = tallies_.bucket_count();
      for (const std::size_t end = std::min(bucket + kBucketsOfALook, buckets); bucket < end; ++bucket) {
        for (auto at = tallies_.begin(bucket); at != tallies_.end(bucket); ++at) some.push_back(at->second);
      }
    }
    for (const std::shared_ptr<Tally>& tally : some) {
      const Lock lock(tally->mutex);
      tally->TurnTo(today);
    }
    some.clear();
  }
}

}  // namespace coffer::keysvc
