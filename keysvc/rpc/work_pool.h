// WorkPool: the bounded pool for what would hold a transport's thread too long: commits, key stretching, large batches.
//
// Three lanes. The ordinary one serves its callers in turn, one job each, so that nobody waits behind all that somebody
// else has sent. The operator's has threads of its own, and while it has a job no further ordinary one starts: an
// operator waits, for a thread and for the store, at most for jobs that run already. The slow lane is like the ordinary
// one, for jobs that take much memory and time each: its few threads bound both.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "crypto/result.h"
#include "io/mutex.h"

namespace coffer::keysvc {

// Thread-safe.
class WorkPool {
 public:
  enum class Lane : std::uint8_t { kOrdinary, kOperator, kSlow };
  static constexpr std::size_t kLanes = 3;
  // What a job is called for, once: to do its work, or only to answer that it will not be done.
  enum class Turn : std::uint8_t { kRun, kDropped };
  using Job = std::function<void(Turn)>;  // must not throw

  struct LaneLimits {
    std::size_t threads = 1;
    std::size_t queue = 0;         // jobs that may wait beside those that run
    std::size_t caller_queue = 0;  // of them, one caller's
  };

  WorkPool(const LaneLimits& ordinary, const LaneLimits& operators, const LaneLimits& slow);
  // Close(), and waits for the jobs that run.
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // kUnavailable, and the job is not taken and never called: the lane's or the caller's part of the queue is full, or
  // the pool is closed.
  Status Submit(Lane lane, const std::string& caller, Job job);

  // Takes no further job, and drops those that wait (on this thread) before it returns. Does not wait for those that
  // run. Again: nothing.
  void Close();

 private:
  // Jobs of one lane that wait, by caller; `turns` has each of these callers once, the next one first.
  struct Queue {
    LaneLimits limits;
    std::map<std::string, std::deque<Job>> by_caller;
    std::deque<std::string> turns;
    std::size_t size = 0;

    Job Take();
  };
  static std::size_t IndexOf(Lane lane) { return static_cast<std::size_t>(lane); }

  void Run(Lane lane);
  Queue& QueueOf(Lane lane) COFFER_REQUIRES(mutex_) { return queues_[IndexOf(lane)]; }
  bool MayStart(Lane lane) COFFER_REQUIRES(mutex_);

  Mutex mutex_;
  std::array<Condition, kLanes> changed_;
  std::array<Queue, kLanes> queues_ COFFER_GUARDED_BY(mutex_);
  std::size_t operators_running_ COFFER_GUARDED_BY(mutex_) = 0;
  bool closed_ COFFER_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace coffer::keysvc
