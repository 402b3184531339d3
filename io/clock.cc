#include "io/clock.h"

#include <time.h>

#include "crypto/result.h"

namespace coffer {
namespace {

std::int64_t MicrosOf(clockid_t clock) {
  timespec now{};
  COFFER_CHECK(clock_gettime(clock, &now) == 0);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

}  // namespace

std::int64_t SystemClock::UnixMicros() const { return MicrosOf(CLOCK_REALTIME); }
std::int64_t SystemClock::MonotonicMicros() const { return MicrosOf(CLOCK_BOOTTIME); }

FakeClock::FakeClock(std::int64_t unix_micros, std::int64_t monotonic_micros)
    : unix_micros_(unix_micros), monotonic_micros_(monotonic_micros) {}

std::int64_t FakeClock::UnixMicros() const { return unix_micros_.load(); }
std::int64_t FakeClock::MonotonicMicros() const { return monotonic_micros_.load(); }

void FakeClock::Advance(std::int64_t micros) {
  COFFER_CHECK(micros >= 0);
  unix_micros_.fetch_add(micros);
  monotonic_micros_.fetch_add(micros);
}

void FakeClock::SetUnixMicros(std::int64_t unix_micros) { unix_micros_.store(unix_micros); }

}  // namespace coffer
