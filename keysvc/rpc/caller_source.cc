#include "keysvc/rpc/caller_source.h"

namespace coffer::keysvc {

Result<Caller> CallerSource::Of(const grpc::CallbackServerContext& context) const {
  if (const auto* fixed = std::get_if<Caller>(&source_)) return *fixed;
  const std::vector<grpc::string_ref> uris = context.auth_context()->FindPropertyValues("peer_uri");
  if (uris.size() != 1) return Error(ErrorCode::kUnauthenticated, "the certificate must have exactly one URI name");
  const std::string uri(uris.front().data(), uris.front().size());
  COFFER_ASSIGN_OR_RETURN(policy::Principal principal, policy::ParseSpiffeId(uri, std::get<std::string>(source_)));
  return Caller{.principal = std::move(principal), .local = false};
}

}  // namespace coffer::keysvc
