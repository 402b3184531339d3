// PrincipalLimits: counts what each principal has, against the limits that a policy gives it (policy::AccessLimits).
//
// All of it is in memory: a restart begins anew. A limit is the one that holds for the act, so it may differ from call
// to call of a principal; what the principal has is counted once, over all its acts. No limit: nothing is refused.
//
// A refusal is kResourceExhausted at the limit's key, with the limit: "in_flight: ... (limit 16)".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "crypto/hash.h"
#include "crypto/ids.h"
#include "io/clock.h"
#include "io/mutex.h"
#include "keysvc/service/fingerprint_set.h"

namespace coffer::keysvc {

// Thread-safe. One mutex finds a principal, another of its own counts it, so that principals do not wait for each other
// longer than a look-up takes; leaving takes neither. A principal that is known costs no allocation, but for distinct
// rows when their set grows or the limit is near.
class PrincipalLimits {
  struct Tally;

 public:
  struct Caps {
    // That are counted at once, of about 300 bytes each. One is forgotten, when there is no room for another, that has
    // no call in flight, its whole minute, and no row counted today.
    std::size_t principals = 100'000;
    // Of all sets of distinct rows together, 8 bytes each. A row takes 1.25 to 1.9 of them, so a million takes 10 to
    // 15 MB; the default is 128 MiB. A set grows by no more than half of what is left.
    std::size_t row_slots = std::size_t{1} << 24;
  };

  // A call in flight, until it is destroyed or assigned to: by any thread, and after the PrincipalLimits if need be.
  class [[nodiscard]] InFlight {
   public:
    ~InFlight() { Leave(); }
    InFlight(InFlight&&) noexcept = default;
    InFlight& operator=(InFlight&& other) noexcept;

   private:
    friend class PrincipalLimits;
    explicit InFlight(std::shared_ptr<Tally> tally) : tally_(std::move(tally)) {}
    void Leave();
    std::shared_ptr<Tally> tally_;  // null: moved from, or not counted
  };

  // `clock` must outlive it.
  explicit PrincipalLimits(const Clock& clock);
  PrincipalLimits(const Clock& clock, const Caps& caps);
  ~PrincipalLimits();

  // Counted without a limit as well, so that a limit that comes later knows of it. Refused, too, when there is a limit
  // and no room for another principal; without a limit the call is then let in uncounted.
  Result<InFlight> Enter(std::string_view principal, std::optional<std::int64_t> limit);

  // Takes `count` values, all or nothing. Whoever has taken none for a minute has the whole limit, and it comes back
  // evenly, a limit a minute: so within any minute at most twice the limit is given. Under several limits each take
  // uses up its part of the minute: half of one limit leaves half of another. Values taken without a limit do not
  // count. Refused, too, when there is no room for another principal.
  Status TakeValues(std::string_view principal, std::optional<std::int64_t> limit, std::uint64_t count);

  // Counts the rows that the principal has not had in this UTC day, all or nothing; the others cost nothing, so a call
  // that is done again may take again. Rows had without a limit do not count. Refused, too, when there is no room for
  // another principal or for more rows: never is a row given uncounted, but for one whose fingerprint is another's.
  // That happens to the next row after n with a probability of n / 2^64, and to any of n rows with less than n^2 /
  // 2^65: 3e-8 for a million. A clock set back does not bring a day again; one set forward brings the day, which then
  // stays until the clock has caught up.
  Status TakeDistinct(std::string_view principal, std::optional<std::int64_t> limit, std::span<const Fingerprint> rows);

  // What stands for a row of a tenant: `name` is the field's, or the secret's, then with an empty row; `row` as
  // EncodeRow made it. Under a random key of this object, so that nobody can choose rows that collide.
  Fingerprint FingerprintOf(std::string_view name, TenantUuid tenant, ByteView row) const;

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Tallies = std::unordered_map<std::string, std::shared_ptr<Tally>, TextHash, std::equal_to<>>;

  // Null: there is no room.
  std::shared_ptr<Tally> Find(std::string_view principal);
  std::shared_ptr<Tally> Add(std::string_view principal) COFFER_REQUIRES(mutex_);
  // Forgets one that may be forgotten, if there is one where it looks; each time it looks at a few others.
  bool ForgetOne() COFFER_REQUIRES(mutex_);
  // The greatest day that the clock has shown, in days since 1970. Whoever sees it turn gives back the memory of rows.
  std::int64_t Today();
  void ClearPastDays(std::int64_t today);

  const Clock& clock_;
  const Caps caps_;
  const std::shared_ptr<SlotBudget> slots_;
  std::array<std::byte, 32> key_;  // of fingerprints
  std::atomic<std::int64_t> day_;
  Mutex mutex_;  // taken before a tally's
  Tallies tallies_ COFFER_GUARDED_BY(mutex_);
  std::size_t hand_ COFFER_GUARDED_BY(mutex_) = 0;  // the bucket of tallies_ that ForgetOne looked at last
};

}  // namespace coffer::keysvc
