// When a call is tried again, and after how long.
#pragma once

#include <chrono>

#include "crypto/result.h"

namespace coffer::client {

// What may be done twice.
enum class Repeat : std::uint8_t {
  kSafe,   // A read, or an act whose repeat changes nothing: encrypt, decrypt, rewrap.
  kNever,  // A mutation: its answer may be lost after it was done.
};

// Exponential backoff with jitter: the n-th pause is drawn from the upper half of min(kFirst * 2^n, kLongest), so that
// many clients of one service that restarts do not return together. Thread-compatible.
class Backoff {
 public:
  using Duration = std::chrono::milliseconds;
  static constexpr Duration kFirst{50};
  static constexpr Duration kLongest{2'000};

  Duration Next();

 private:
  Duration ceiling_ = kFirst;
};

// Whether a call that failed with `code` may be sent again when `left` of its deadline remains.
bool MayRetry(Repeat repeat, ErrorCode code, std::chrono::milliseconds left);

}  // namespace coffer::client
