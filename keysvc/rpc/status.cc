#include "keysvc/rpc/status.h"

namespace coffer::keysvc {

grpc::StatusCode StatusCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::kUnauthenticated:
      return grpc::StatusCode::UNAUTHENTICATED;
    case ErrorCode::kPermissionDenied:
      return grpc::StatusCode::PERMISSION_DENIED;
    case ErrorCode::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case ErrorCode::kAlreadyExists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case ErrorCode::kFailedPrecondition:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorCode::kConflict:
      return grpc::StatusCode::ABORTED;
    case ErrorCode::kDecryptFailed:
      return grpc::StatusCode::DATA_LOSS;
    // Waiting helps once an operator unseals, and clients that only know gRPC's codes should wait.
    case ErrorCode::kSealed:
      return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::kUnavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::kResourceExhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::kIntegrity:
      return grpc::StatusCode::DATA_LOSS;
    case ErrorCode::kInternal:
      return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

grpc::Status ToStatus(grpc::CallbackServerContext& context, const Error& error) {
  context.AddTrailingMetadata(kErrorMetadataKey, std::string(ErrorCodeName(error.code())));
  return {StatusCodeOf(error.code()), error.ToString()};
}

}  // namespace coffer::keysvc
