// FakeService: an in-process service that answers as a test says.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

#include "client/client.h"
#include "coffer/v1/admin.grpc.pb.h"
#include "coffer/v1/field.grpc.pb.h"
#include "coffer/v1/secret.grpc.pb.h"

namespace coffer::client {

// Every call fails `failures` times with `status` (and the trailing coffer-error `word`, unless it is empty) before it
// succeeds.
class FakeService final : public v1::AdminService::Service,
                          public v1::FieldService::Service,
                          public v1::SecretService::Service {
 public:
  grpc::Status GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest* request,
                         v1::GetStatusResponse* response) override;
  grpc::Status PutSecret(grpc::ServerContext* context, const v1::PutSecretRequest* request,
                         v1::SecretVersion* response) override;
  // Holds its answer until the call is cancelled.
  grpc::Status Seal(grpc::ServerContext* context, const v1::SealRequest* request, v1::SealResponse* response) override;

  // One answer a query, its one version `version`.
  grpc::Status IndexTokens(grpc::ServerContext* context, const v1::IndexTokensRequest* request,
                           v1::IndexTokensResponse* response) override;
  // Gives each value back as it came, and keeps the request.
  grpc::Status DecryptFields(grpc::ServerContext* context, const v1::DecryptFieldsRequest* request,
                             v1::DecryptFieldsResponse* response) override;

  std::uint32_t version = 7;
  // Of the last call; read them when none is under way.
  v1::DecryptFieldsRequest decrypted;
  std::vector<std::string> authorization;  // that metadata's values
  CallClaims claims;

  std::atomic<int> failures = 0;
  std::atomic<int> calls = 0;
  std::atomic<int> cancelled = 0;  // of Seal
  grpc::Status status{grpc::StatusCode::UNAVAILABLE, "the disk is full"};
  std::string word = "unavailable";
  std::string principal = "unix:app:1000";

 private:
  grpc::Status Answer(grpc::ServerContext& context);
};

// Listens until destroyed.
class FakeServer {
 public:
  FakeServer(FakeService& service, const std::string& address, std::shared_ptr<grpc::ServerCredentials> credentials);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  int port() const { return port_; }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace coffer::client
