#include "tests/client/fake_service.h"

#include "tests/support/wait_until.h"

namespace coffer::client {

grpc::Status FakeService::Answer(grpc::ServerContext& context) {
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
  WaitUntil([context] { return context->IsCancelled(); });
  return grpc::Status::CANCELLED;
}

FakeServer::FakeServer(FakeService& service, const std::string& address,
                       std::shared_ptr<grpc::ServerCredentials> credentials) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, std::move(credentials), &port_);
  builder.RegisterService(static_cast<v1::AdminService::Service*>(&service));
  builder.RegisterService(static_cast<v1::SecretService::Service*>(&service));
  builder.SetMaxReceiveMessageSize(16 << 20);
  server_ = builder.BuildAndStart();
}

FakeServer::~FakeServer() {
  if (server_) server_->Shutdown(std::chrono::system_clock::now());
}

}  // namespace coffer::client
