// The log line of a call: for people who watch the service, not the audit record. Mutations and refusals at info and
// warn, reads at debug.
#pragma once

#include "keysvc/service/call.h"

namespace coffer::keysvc {

// Thread-safe.
void LogCall(const CallRecord& record);

}  // namespace coffer::keysvc
