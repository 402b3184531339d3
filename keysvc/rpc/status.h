// Errors on the wire: our closed codes to gRPC's, once.
#pragma once

#include <grpcpp/grpcpp.h>

#include "crypto/result.h"

namespace coffer::keysvc {

// The trailing metadata key that carries ErrorCodeName(): gRPC's codes are fewer than ours.
inline constexpr char kErrorMetadataKey[] = "coffer-error";
// And the one that carries the receipt: the index of the call's record in the audit log, in decimal digits.
inline constexpr char kAuditIndexMetadataKey[] = "coffer-audit-index";
// And the id of the approval that was asked for instead of acting (coffer/v1/access.proto).
inline constexpr char kApprovalAskedMetadataKey[] = "coffer-approval-asked";

grpc::StatusCode StatusCodeOf(ErrorCode code);
// Code, the error's one sentence, and the metadata.
grpc::Status ToStatus(grpc::CallbackServerContext& context, const Error& error);

}  // namespace coffer::keysvc
