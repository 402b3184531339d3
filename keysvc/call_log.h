// CallLog: the log lines of calls, for people who watch the service; not the audit record. Mutations and refusals at
// info and warn, reads at debug, and always, at warn, that an emergency begins, ends or is reviewed.
#pragma once

#include "io/clock.h"
#include "io/mutex.h"
#include "keysvc/service/call.h"

namespace coffer::keysvc {

// Thread-safe.
class CallLog {
 public:
  static constexpr int kMaxFailures = 50;  // lines a second; how many more there were is said afterwards

  // `clock` must outlive it.
  explicit CallLog(const Clock& clock) : clock_(clock) {}

  void Note(const CallRecord& record) COFFER_EXCLUDES(mutex_);

 private:
  // True: there is room for one more line of a call that failed, or was refused.
  bool Admit() COFFER_EXCLUDES(mutex_);

  const Clock& clock_;
  Mutex mutex_;
  std::int64_t second_ COFFER_GUARDED_BY(mutex_) = 0;
  std::int64_t lines_ COFFER_GUARDED_BY(mutex_) = 0;  // of that second
};

}  // namespace coffer::keysvc
