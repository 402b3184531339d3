// The gRPC doors that Grafana knocks at: decryptv1, decryptv1beta1, inlinev1 and inlinev1beta1. Each checks the access
// token in the call's metadata, hands the call on, and says in one line of the log what came of it.
#pragma once

#include <memory>
#include <vector>

#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/status.h>

#include "plugins/grafana/securevalues/door_context.h"

namespace coffer::grafana {

// Grafana tries RESOURCE_EXHAUSTED and UNAVAILABLE again, three times, and nothing else: kSealed is UNAVAILABLE.
grpc::Status ToGrafanaStatus(const Error& error);

// To be registered with one server, and kept until it is shut down.
std::vector<std::unique_ptr<grpc::Service>> MakeDoors(const DoorContext& context);

}  // namespace coffer::grafana
