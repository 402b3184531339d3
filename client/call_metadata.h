// What a call says besides its request, as gRPC's metadata. Internal to client/.
#pragma once

#include <grpcpp/client_context.h>

#include "client/client.h"

namespace coffer::client {

// kInvalidArgument for what gRPC does not take as metadata, which would end the process, and for what the service would
// refuse.
RpcResult<void> CheckClaims(const CallClaims& claims);
RpcResult<void> CheckWish(const ApprovalWish& wish);

// What was checked, into one call.
void AddClaims(const CallClaims& claims, grpc::ClientContext& context);
void AddWish(const ApprovalWish& wish, grpc::ClientContext& context);

}  // namespace coffer::client
