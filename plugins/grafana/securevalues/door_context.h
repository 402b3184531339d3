// What the gRPC doors for Grafana work with; without gRPC's headers, for whoever only starts a server.
#pragma once

#include "plugins/grafana/securevalues/secure_value_calls.h"
#include "plugins/grafana/securevalues/token_exchange.h"

namespace coffer::grafana {

// All must outlive the doors, and be thread-safe.
struct DoorContext {
  const SecureValueCalls& calls;
  const AccessTokens& tokens;
  const Clock& clock;
  const LogLine& log;
};

}  // namespace coffer::grafana
