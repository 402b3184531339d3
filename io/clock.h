// Clock: what time it is, and how much time went by. The only place that asks the machine; tests and simulation take
// FakeClock.
#pragma once

#include <atomic>
#include <cstdint>

namespace coffer {

inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;

// Thread-safe in every implementation.
class Clock {
 public:
  virtual ~Clock() = default;
  // Microseconds since 1970-01-01 00:00 UTC. May jump when an operator sets the clock: for stamps, not for durations.
  virtual std::int64_t UnixMicros() const = 0;
  // Microseconds since some fixed moment; never goes back. It counts while the machine is suspended (CLOCK_BOOTTIME),
  // so that a deadline set before a suspend has passed after it.
  virtual std::int64_t MonotonicMicros() const = 0;
};

class SystemClock final : public Clock {
 public:
  std::int64_t UnixMicros() const override;
  std::int64_t MonotonicMicros() const override;
};

// Stands still until told otherwise.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(std::int64_t unix_micros = 1'700'000'000'000'000, std::int64_t monotonic_micros = 1'000'000);
  std::int64_t UnixMicros() const override;
  std::int64_t MonotonicMicros() const override;

  // Moves both clocks on. `micros` >= 0.
  void Advance(std::int64_t micros);
  // As when an operator sets the clock: either way, the monotonic one unmoved.
  void SetUnixMicros(std::int64_t unix_micros);

 private:
  std::atomic<std::int64_t> unix_micros_;
  std::atomic<std::int64_t> monotonic_micros_;
};

}  // namespace coffer
