// The gRPC door of SecretService: messages to plain structs and back, nothing else.
#pragma once

#include "coffer/v1/secret.grpc.pb.h"
#include "keysvc/rpc/unary.h"
#include "keysvc/service/secret_service.h"

namespace coffer::keysvc {

class SecretDoor final : public v1::SecretService::CallbackService {
 public:
  SecretDoor(const SecretService& service, const DoorContext& context) : service_(service), context_(context) {}

  grpc::ServerUnaryReactor* PutSecret(grpc::CallbackServerContext* context, const v1::PutSecretRequest* request,
                                      v1::SecretVersion* response) override;
  grpc::ServerUnaryReactor* GetSecret(grpc::CallbackServerContext* context, const v1::GetSecretRequest* request,
                                      v1::GetSecretResponse* response) override;
  grpc::ServerUnaryReactor* ListSecrets(grpc::CallbackServerContext* context, const v1::ListSecretsRequest* request,
                                        v1::ListSecretsResponse* response) override;
  grpc::ServerUnaryReactor* GetSecretHistory(grpc::CallbackServerContext* context,
                                             const v1::GetSecretHistoryRequest* request,
                                             v1::GetSecretHistoryResponse* response) override;
  grpc::ServerUnaryReactor* DeleteSecret(grpc::CallbackServerContext* context, const v1::DeleteSecretRequest* request,
                                         v1::DeleteSecretResponse* response) override;
  grpc::ServerUnaryReactor* UndeleteSecret(grpc::CallbackServerContext* context,
                                           const v1::UndeleteSecretRequest* request,
                                           v1::UndeleteSecretResponse* response) override;
  grpc::ServerUnaryReactor* DestroySecret(grpc::CallbackServerContext* context, const v1::DestroySecretRequest* request,
                                          v1::DestroySecretResponse* response) override;

 private:
  const SecretService& service_;
  const DoorContext context_;
};

}  // namespace coffer::keysvc
