// DueClock: what time it is for acts that cannot be undone. A machine's clock that is set forward by mistake must not
// make what was scheduled for next month due now.
#pragma once

#include <algorithm>

#include "io/clock.h"

namespace coffer::keysvc {

// Thread-safe.
class DueClock {
 public:
  static constexpr std::int64_t kTolerance =
      std::int64_t{300} * 1'000'000;  // microseconds: what clocks are corrected by

  // Believes `clock` as it is now. It must outlive this.
  explicit DueClock(const Clock& clock)
      : clock_(clock), started_us_(clock.UnixMicros()), started_monotonic_us_(clock.MonotonicMicros()) {}

  // The clock's time, but never more than kTolerance ahead of the time that went by since the start.
  std::int64_t Now() const { return std::min(clock_.UnixMicros(), Expected() + kTolerance); }
  // How far the clock is ahead of the time that went by, in microseconds; negative when it was set back.
  std::int64_t Ahead() const { return clock_.UnixMicros() - Expected(); }

 private:
  std::int64_t Expected() const { return started_us_ + clock_.MonotonicMicros() - started_monotonic_us_; }

  const Clock& clock_;
  const std::int64_t started_us_;
  const std::int64_t started_monotonic_us_;
};

}  // namespace coffer::keysvc
