#include "keysvc/rpc/caller_source.h"

namespace coffer::keysvc {
namespace {

std::vector<std::string_view> ValuesOf(const grpc::AuthContext& properties, const char* name) {
  std::vector<std::string_view> values;
  for (const grpc::string_ref& value : properties.FindPropertyValues(name))
    values.emplace_back(value.data(), value.size());
  return values;
}

std::vector<std::string_view> AuthorizationsOf(const grpc::CallbackServerContext& context) {
  std::vector<std::string_view> values;
  const auto [begin, end] = context.client_metadata().equal_range("authorization");
  for (auto at = begin; at != end; ++at) values.emplace_back(at->second.data(), at->second.size());
  return values;
}

constexpr char kApprovalReasonMetadataKey[] = "coffer-approval-reason-bin";
constexpr char kApprovalMetadataKey[] = "coffer-approval";

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

ApprovalWish WishOf(const grpc::CallbackServerContext& context) {
  ApprovalWish wish;
  const auto& metadata = context.client_metadata();
  const auto reason = metadata.find(kApprovalReasonMetadataKey);
  if (reason != metadata.end()) wish.reason.assign(reason->second.data(), reason->second.size());
  const auto id = metadata.find(kApprovalMetadataKey);
  if (id != metadata.end()) wish.id.assign(id->second.data(), id->second.size());
  return wish;
}

}  // namespace

Result<Caller> CallerSource::Of(const grpc::CallbackServerContext& context) const {
  if (const auto* fixed = std::get_if<Caller>(&source_)) {
    Caller caller = *fixed;
    caller.claims = ClaimsOf(context);
    caller.approval = WishOf(context);
    return caller;
  }
  const auto* tokens = std::get_if<std::unique_ptr<const TokenCallers>>(&source_);
  auto tried = audit::Authentication::kCertificate;
  Result<Caller> caller = tokens == nullptr ? OfCertificate(context) : (*tokens)->Of(AuthorizationsOf(context), tried);
  if (!caller.ok()) {
    refused_->Note({.authentication = tried, .failure = caller.error().ToString(), .peer = context.peer()});
    return caller;
  }
  caller->peer = context.peer();
  caller->claims = ClaimsOf(context);
  caller->approval = WishOf(context);
  return caller;
}

Result<Caller> CallerSource::OfCertificate(const grpc::CallbackServerContext& context) const {
  const std::shared_ptr<const grpc::AuthContext> properties = context.auth_context();
  const std::vector<std::string_view> pem = ValuesOf(*properties, "x509_pem_cert");
  if (pem.size() != 1) return Error(ErrorCode::kUnauthenticated, "a client certificate is required");
  const auto& certificates = *std::get<std::unique_ptr<const CertificateCallers>>(source_);
  return certificates.Of(pem.front(), ValuesOf(*properties, "peer_uri"));
}

}  // namespace coffer::keysvc
