// Reading a SQLite file whose program comes and goes.
#pragma once

#include <poll.h>

#include "crypto/result.h"
#include "io/clock.h"

namespace coffer::db {

// What SqliteReader read counts only if nobody opened or held the file meanwhile (io/sqlite_reader.h). So `read`, which
// opens it and gives a Result, is done again while it says kUnavailable: for 10 seconds, then that is the answer.
template <typename Read>
auto ReadPatiently(const Read& read) {
  constexpr std::int64_t kPatienceMicros = 10 * kMicrosPerSecond;
  constexpr int kPauseMs = 5;
  const SystemClock clock;
  const std::int64_t deadline = clock.MonotonicMicros() + kPatienceMicros;
  for (;;) {
    auto done = read();
    if (done.ok() || done.error().code() != ErrorCode::kUnavailable || clock.MonotonicMicros() >= deadline) return done;
    poll(nullptr, 0, kPauseMs);
  }
}

}  // namespace coffer::db
