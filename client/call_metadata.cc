#include "client/call_metadata.h"

#include <algorithm>

#include "crypto/ids.h"

namespace coffer::client {
namespace {

// As the service has them (keysvc/service/call.h).
constexpr std::size_t kMaxOnBehalfOf = 128;
constexpr std::size_t kMaxWord = 64;

bool IsWord(std::string_view claim) {
  return claim.size() <= kMaxWord && std::all_of(claim.begin(), claim.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-';
         });
}

}  // namespace

RpcResult<void> CheckClaims(const CallClaims& claims) {
  if (!IsWord(claims.purpose)) {
    return RpcError(ErrorCode::kInvalidArgument, "the claimed purpose is at most 64 letters, digits, '.', '_' and '-'");
  }
  if (!IsWord(claims.request_id)) {
    return RpcError(ErrorCode::kInvalidArgument,
                    "the claimed request id is at most 64 letters, digits, '.', '_' and '-'");
  }
  const std::string& person = claims.on_behalf_of;
  const bool printable = std::all_of(person.begin(), person.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (printable && person.size() <= kMaxOnBehalfOf) return {};
  return RpcError(ErrorCode::kInvalidArgument,
                  "whom the call is claimed to be on behalf of is at most 128 printable ASCII characters");
}

void AddClaims(const CallClaims& claims, grpc::ClientContext& context) {
  if (!claims.purpose.empty()) context.AddMetadata("coffer-purpose", claims.purpose);
  if (!claims.on_behalf_of.empty()) context.AddMetadata("coffer-on-behalf-of", claims.on_behalf_of);
  if (!claims.request_id.empty()) context.AddMetadata("coffer-request-id", claims.request_id);
}

RpcResult<void> CheckWish(const ApprovalWish& wish) {
  if (!wish.reason.empty() && !wish.id.empty()) {
    return RpcError(ErrorCode::kInvalidArgument, "an approval is asked for or used, not both at once");
  }
  if (wish.id.empty() || Uuid::Parse(wish.id).ok()) return {};
  return RpcError(ErrorCode::kInvalidArgument, "the approval's id is no UUID");
}

// The reason is UTF-8, which gRPC takes only under a key that ends with -bin.
void AddWish(const ApprovalWish& wish, grpc::ClientContext& context) {
  if (!wish.reason.empty()) context.AddMetadata("coffer-approval-reason-bin", wish.reason);
  if (!wish.id.empty()) context.AddMetadata("coffer-approval", wish.id);
}

}  // namespace coffer::client
