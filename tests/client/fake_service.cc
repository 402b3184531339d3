#include "tests/client/fake_service.h"

#include "tests/support/wait_until.h"

namespace coffer::client {
namespace {

std::string MetadataOf(const grpc::ServerContext& context, const char* key) {
  const auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return "";
  return {found->second.data(), found->second.size()};
}

}  // namespace

grpc::Status FakeService::Answer(grpc::ServerContext& context) {
  authorization.clear();
  const auto [first, last] = context.client_metadata().equal_range("authorization");
  for (auto one = first; one != last; ++one) authorization.emplace_back(one->second.data(), one->second.size());
  claims = {.purpose = MetadataOf(context, "coffer-purpose"),
            .on_behalf_of = MetadataOf(context, "coffer-on-behalf-of"),
            .request_id = MetadataOf(context, "coffer-request-id")};
  if (calls++ >= failures) return grpc::Status::OK;
  if (!word.empty()) context.AddTrailingMetadata("coffer-error", word);
  return status;
}

grpc::Status FakeService::GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest*,
                                    v1::GetStatusResponse* response) {
  response->set_principal(principal);
  return Answer(*context);
}

grpc::Status FakeService::PutSecret(grpc::ServerContext* context, const v1::PutSecretRequest* request,
                                    v1::SecretVersion* response) {
  response->set_version(request->value().size());
  return Answer(*context);
}

grpc::Status FakeService::Seal(grpc::ServerContext* context, const v1::SealRequest*, v1::SealResponse*) {
  ++calls;
  if (WaitUntil([context] { return context->IsCancelled(); })) ++cancelled;
  return grpc::Status::CANCELLED;
}

grpc::Status FakeService::IndexTokens(grpc::ServerContext* context, const v1::IndexTokensRequest* request,
                                      v1::IndexTokensResponse* response) {
  for (int query = 0; query < request->queries_size(); ++query) {
    response->add_answers()->add_versions()->set_version(version);
  }
  return Answer(*context);
}

grpc::Status FakeService::DecryptFields(grpc::ServerContext* context, const v1::DecryptFieldsRequest* request,
                                        v1::DecryptFieldsResponse* response) {
  decrypted = *request;
  for (const v1::Column& column : request->columns()) *response->add_columns()->mutable_values() = column.values();
  return Answer(*context);
}

FakeServer::FakeServer(FakeService& service, const std::string& address,
                       std::shared_ptr<grpc::ServerCredentials> credentials) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, std::move(credentials), &port_);
  builder.RegisterService(static_cast<v1::AdminService::Service*>(&service));
  builder.RegisterService(static_cast<v1::FieldService::Service*>(&service));
  builder.RegisterService(static_cast<v1::SecretService::Service*>(&service));
  builder.SetMaxReceiveMessageSize(16 << 20);
  server_ = builder.BuildAndStart();
}

FakeServer::~FakeServer() {
  if (server_) server_->Shutdown(std::chrono::system_clock::now());
}

}  // namespace coffer::client
