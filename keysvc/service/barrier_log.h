// RunningLog: the audit log that runs, as far as a store remembers it: which one, and how far it had come.
#pragma once

#include <functional>
#include <string>

#include "audit/log.h"

namespace coffer::keysvc {

struct RunningLog {
  // Text of its key. Empty: the store does not look at its log (tests).
  std::string vkey;
  // The last one; of size 0 when nothing is signed yet.
  std::function<audit::TreeHead()> signed_head = {};
  // Whether that continues an earlier one: by a proof, or by all records where the log's tiles no longer give one.
  // kUnavailable, kPermissionDenied: they cannot be read now.
  std::function<Result<bool>(const audit::TreeHead&)> continues = {};
};

// `log` must outlive it. Thread-safe.
RunningLog RunningLogOf(const audit::Log& log);

}  // namespace coffer::keysvc
