#include "keysvc/rpc/caller_source.h"

namespace coffer::keysvc {
namespace {

std::vector<std::string_view> ValuesOf(const grpc::AuthContext& properties, const char* name) {
  std::vector<std::string_view> values;
  for (const grpc::string_ref& value : properties.FindPropertyValues(name))
    values.emplace_back(value.data(), value.size());
  return values;
}

}  // namespace

Result<Caller> CallerSource::Of(const grpc::CallbackServerContext& context) const {
  if (const auto* fixed = std::get_if<Caller>(&source_)) return *fixed;
  const std::shared_ptr<const grpc::AuthContext> properties = context.auth_context();
  const std::vector<std::string_view> pem = ValuesOf(*properties, "x509_pem_cert");
  if (pem.size() != 1) return Error(ErrorCode::kUnauthenticated, "a client certificate is required");
  const auto& certificates = *std::get<std::unique_ptr<const CertificateCallers>>(source_);
  return certificates.Of(pem.front(), ValuesOf(*properties, "peer_uri"));
}

}  // namespace coffer::keysvc
