#include "client/retry.h"

#include <algorithm>
#include <array>

#include "crypto/random.h"

namespace coffer::client {

Backoff::Duration Backoff::Next() {
  std::array<std::byte, 2> random;
  FillRandom(random);
  const auto draw = (std::to_integer<std::int64_t>(random[0]) << 8) | std::to_integer<std::int64_t>(random[1]);
  const std::int64_t half = ceiling_.count() / 2;
  const Duration pause(half + draw * half / 0xffff);
  ceiling_ = std::min(ceiling_ * 2, kLongest);
  return pause;
}

bool MayRetry(Repeat repeat, ErrorCode code, std::chrono::milliseconds left) {
  return repeat == Repeat::kSafe && code == ErrorCode::kUnavailable && left.count() > 0;
}

}  // namespace coffer::client
