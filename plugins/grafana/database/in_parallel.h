// The same work on each of many things, on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <system_error>
#include <thread>
#include <vector>

namespace coffer::grafana {

// `wanted`, or as many as there are cores for 0.
inline unsigned ThreadsFor(unsigned wanted) {
  return wanted != 0 ? wanted : std::max(1U, std::thread::hardware_concurrency());
}

// Calls `work(i)` once for each i below `count`, in any order and at once, and returns after the last. `on_done` is
// called on the caller's thread, now and then, with about how many are done.
template <typename Work>
void InParallel(std::size_t count, unsigned threads, const Work& work,
                const std::function<void(std::size_t)>& on_done) {
  std::atomic<std::size_t> next{0};
  const auto take = [&next, &work, count](const std::function<void(std::size_t)>& after_each) {
    for (std::size_t at = next++; at < count; at = next++) {
      work(at);
      after_each(at);
    }
  };
  std::vector<std::jthread> others;
  try {
    const std::size_t wanted = std::min<std::size_t>(std::max(threads, 1U), count);
    for (std::size_t i = 1; i < wanted; ++i) others.emplace_back([&take] { take([](std::size_t) {}); });
  } catch (const std::system_error&) {
    // No more threads are to be had: it takes longer with those that are.
  }
  take(on_done);
  others.clear();  // joins
  on_done(count);
}

}  // namespace coffer::grafana
