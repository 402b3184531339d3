// WorkPool: the bounded pool for what would hold a transport's thread too long: commits, key stretching, large batches.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "io/mutex.h"

namespace coffer::keysvc {

// Thread-safe.
class WorkPool {
 public:
  // `queue` jobs may wait beside those that run.
  WorkPool(std::size_t threads, std::size_t queue);
  // Runs what was accepted, then stops.
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // False when the queue is full: the job is not taken. Jobs must not throw.
  [[nodiscard]] bool Submit(std::function<void()> job);

 private:
  void Run();

  const std::size_t queue_limit_;
  Mutex mutex_;
  Condition changed_;
  std::deque<std::function<void()>> jobs_ COFFER_GUARDED_BY(mutex_);
  bool stopping_ COFFER_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace coffer::keysvc
