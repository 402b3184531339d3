// AuditIndexer: keeps the audit log's index up with the log, and now and then drops what the log need not keep, on a
// thread of its own that yields to the service's work.
#pragma once

#include <functional>
#include <string>

#include "audit/query_index.h"
#include "io/ticker.h"

namespace coffer::keysvc {

class AuditIndexer {
 public:
  struct Calls {
    // Both on the thread. After each time that records were taken.
    std::function<void()> advanced;
    // A minute after the start and then every hour, or after the next step when it returns true. May be empty.
    std::function<bool()> retain = {};
  };

  // Begins at once, and looks once a second. `index` and `clock` must outlive it. kUnavailable: no thread. It ends
  // after the step that runs.
  static Result<std::unique_ptr<AuditIndexer>> Start(audit::QueryIndex& index, const Clock& clock, Calls calls);

 private:
  AuditIndexer(audit::QueryIndex& index, const Clock& clock, Calls calls);
  // True: there is more to take now.
  bool Step();
  void RetainWhenDue();

  audit::QueryIndex& index_;
  const Clock& clock_;
  const Calls calls_;
  std::int64_t retain_at_us_;       // the thread's; monotonic
  std::string failure_;             // the thread's: what was logged last
  std::unique_ptr<Ticker> ticker_;  // last: it uses the others
};

}  // namespace coffer::keysvc
