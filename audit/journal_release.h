// Releaser: the thread on which completions run, so that the writer goes on writing and syncing meanwhile.
#pragma once

#include <thread>
#include <vector>

#include "audit/completion.h"
#include "audit/journal_queue.h"
#include "io/mutex.h"

namespace coffer::audit {

// Thread-safe. What it holds is bounded by the queue's bound on unanswered records.
class Releaser {
 public:
  // Tells `queue`, which must outlive it, of each answer.
  explicit Releaser(AppendQueue& queue);
  // Runs what is left.
  ~Releaser();
  Releaser(const Releaser&) = delete;
  Releaser& operator=(const Releaser&) = delete;

  // All of them, in this order: with indexes from `first` on, or each with the error.
  void Release(std::vector<Completion> completions, Result<std::uint64_t> first) COFFER_EXCLUDES(mutex_);

  bool IsThisThread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  struct Answers {
    std::vector<Completion> completions;
    Result<std::uint64_t> first;
  };

  void Run() COFFER_EXCLUDES(mutex_);
  // Waits for answers; none when it is time to stop.
  std::vector<Answers> Next() COFFER_EXCLUDES(mutex_);

  AppendQueue& queue_;
  Mutex mutex_;
  Condition changed_;
  std::vector<Answers> waiting_ COFFER_GUARDED_BY(mutex_);
  bool stopping_ COFFER_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace coffer::audit
