// WaitUntil: waits for a condition that another thread or process makes true.
#pragma once

#include <chrono>
#include <poll.h>

namespace coffer {

// True as soon as `condition()` is; false when it is not within `deadline`.
template <typename Condition>
bool WaitUntil(Condition condition, std::chrono::milliseconds deadline = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace coffer
