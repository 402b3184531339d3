// Errors on the wire: our closed codes to gRPC's, once.
#pragma once

#include <grpcpp/grpcpp.h>

#include "crypto/result.h"

namespace coffer::keysvc {

// The trailing metadata key that carries ErrorCodeName(): gRPC's codes are fewer than ours.
inline constexpr char kErrorMetadataKey[] = "coffer-error";

grpc::StatusCode StatusCodeOf(ErrorCode code);
// Code, the error's one sentence, and the metadata.
grpc::Status ToStatus(grpc::CallbackServerContext& context, const Error& error);

}  // namespace coffer::keysvc
