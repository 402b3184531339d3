#include "keysvc/rpc/caller_source.h"

namespace coffer::keysvc {
namespace {

std::vector<std::string_view> ValuesOf(const grpc::AuthContext& properties, const char* name) {
  std::vector<std::string_view> values;
  for (const grpc::string_ref& value : properties.FindPropertyValues(name))
    values.emplace_back(value.data(), value.size());
  return values;
}

// Nothing is believed of it.
Claims ClaimsOf(const grpc::CallbackServerContext& context) {
  Claims claims;
  const auto& metadata = context.client_metadata();
  const auto read = [&metadata](const char* name, std::string& claim) {
    const auto found = metadata.find(name);
    if (found != metadata.end()) claim.assign(found->second.data(), found->second.size());
  };
  read("coffer-purpose", claims.purpose);
  read("coffer-on-behalf-of", claims.on_behalf_of);
  read("coffer-request-id", claims.request_id);
  return claims;
}

}  // namespace

Result<Caller> CallerSource::Of(const grpc::CallbackServerContext& context) const {
  if (const auto* fixed = std::get_if<Caller>(&source_)) {
    Caller caller = *fixed;
    caller.claims = ClaimsOf(context);
    return caller;
  }
  const std::shared_ptr<const grpc::AuthContext> properties = context.auth_context();
  const std::vector<std::string_view> pem = ValuesOf(*properties, "x509_pem_cert");
  if (pem.size() != 1) return Error(ErrorCode::kUnauthenticated, "a client certificate is required");
  const auto& certificates = *std::get<std::unique_ptr<const CertificateCallers>>(source_);
  COFFER_ASSIGN_OR_RETURN(Caller caller, certificates.Of(pem.front(), ValuesOf(*properties, "peer_uri")));
  caller.peer = context.peer();
  caller.claims = ClaimsOf(context);
  return caller;
}

}  // namespace coffer::keysvc
