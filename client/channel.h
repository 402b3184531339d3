// The gRPC channel to the service and one attempt's outcome in our terms. Internal to client/.
#pragma once

#include <chrono>
#include <memory>

#include <grpcpp/grpcpp.h>

#include "client/client.h"

namespace coffer::client {

using TimePoint = std::chrono::system_clock::time_point;  // what gRPC takes as a deadline

// Bytes of one message either way: above the service's own limits, which answer with a better sentence.
inline constexpr int kMaxMessageBytes = 16 << 20;

// `server` is a socket or a host. Connects until `options.deadline`; errors as Client::Connect.
RpcResult<std::shared_ptr<grpc::Channel>> OpenChannel(const ServerAddress& server, const ClientOptions& options);

// The service says which of our codes it means in trailing metadata; without it the status code decides.
RpcError ErrorOf(const grpc::Status& status, const grpc::ClientContext& context);

}  // namespace coffer::client
