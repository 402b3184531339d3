// AuditIndexer: keeps the audit log's index up with the log, on a thread of its own that yields to the service's work.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "audit/query_index.h"

namespace coffer::keysvc {

class AuditIndexer {
 public:
  // Begins at once, and looks once a second. `advanced` is called, on the thread, after each time that records were
  // taken. `index` must outlive it.
  AuditIndexer(audit::QueryIndex& index, std::function<void()> advanced);
  // Stops after the step that runs.
  ~AuditIndexer();
  AuditIndexer(const AuditIndexer&) = delete;
  AuditIndexer& operator=(const AuditIndexer&) = delete;

 private:
  void Run() COFFER_EXCLUDES(mutex_);
  // True: there is more to take now.
  bool Step();

  audit::QueryIndex& index_;
  const std::function<void()> advanced_;
  std::string failure_;  // the thread's: what was logged last
  Mutex mutex_;
  Condition changed_;
  bool stopping_ COFFER_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace coffer::keysvc
