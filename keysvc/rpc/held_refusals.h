// HeldRefusals: whoever is refused again and again for asking too much is answered a moment later each time, so that
// who asks again as soon as he is refused does not keep the service busy with refusing.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <unordered_map>

#include "io/mutex.h"

namespace coffer::keysvc {

// Thread-safe.
class HeldRefusals {
 public:
  using Answer = std::function<void()>;  // must not throw
  struct Limits {
    std::chrono::milliseconds pause{1000};      // for which an answer is held
    std::size_t at_once = 20;                   // refusals of a principal in a pause that are answered right away
    std::size_t answers = 4096;                 // that are held; those beyond are given right away
    std::size_t bytes = std::size_t{64} << 20;  // of their requests; the same
  };

  explicit HeldRefusals(const Limits& limits);
  // Close(), and waits for the answer that is being given.
  ~HeldRefusals();
  HeldRefusals(const HeldRefusals&) = delete;
  HeldRefusals& operator=(const HeldRefusals&) = delete;

  // Gives the answer, once: on this thread, or a pause later on its own. `bytes`: what the request takes meanwhile.
  void Give(const std::string& principal, std::size_t bytes, Answer answer);
  // Gives what is held on this thread, and from now on every answer right away. Again: nothing.
  void Close();

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Held {
    Instant due;
    std::size_t bytes;
    Answer answer;
  };

  bool HasToWait(const std::string& principal, std::size_t bytes, Instant now) COFFER_REQUIRES(mutex_);
  void Run();

  const Limits limits_;
  Mutex mutex_;
  Condition changed_;
  std::deque<Held> held_ COFFER_GUARDED_BY(mutex_);  // the first one is due first
  std::size_t bytes_ COFFER_GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::string, std::size_t> refused_ COFFER_GUARDED_BY(mutex_);  // since `since_`
  Instant since_ COFFER_GUARDED_BY(mutex_);
  bool closed_ COFFER_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace coffer::keysvc
