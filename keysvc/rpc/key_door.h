// The gRPC door of KeyService: messages to plain structs and back, nothing else.
#pragma once

#include "coffer/v1/key.grpc.pb.h"
#include "keysvc/rpc/unary.h"
#include "keysvc/service/key_service.h"

namespace coffer::keysvc {

class KeyDoor final : public v1::KeyService::CallbackService {
 public:
  KeyDoor(const KeyService& service, const DoorContext& context) : service_(service), context_(context) {}

  grpc::ServerUnaryReactor* CreateKeyring(grpc::CallbackServerContext* context, const v1::CreateKeyringRequest* request,
                                          v1::Keyring* response) override;
  grpc::ServerUnaryReactor* GetKeyring(grpc::CallbackServerContext* context, const v1::GetKeyringRequest* request,
                                       v1::Keyring* response) override;
  grpc::ServerUnaryReactor* ListKeyrings(grpc::CallbackServerContext* context, const v1::ListKeyringsRequest* request,
                                         v1::ListKeyringsResponse* response) override;
  grpc::ServerUnaryReactor* RotateKeyring(grpc::CallbackServerContext* context, const v1::RotateKeyringRequest* request,
                                          v1::Keyring* response) override;
  grpc::ServerUnaryReactor* DisableKeyVersion(grpc::CallbackServerContext* context,
                                              const v1::DisableKeyVersionRequest* request,
                                              v1::Keyring* response) override;
  grpc::ServerUnaryReactor* EnableKeyVersion(grpc::CallbackServerContext* context,
                                             const v1::EnableKeyVersionRequest* request,
                                             v1::Keyring* response) override;
  grpc::ServerUnaryReactor* CreateTenant(grpc::CallbackServerContext* context, const v1::CreateTenantRequest* request,
                                         v1::Tenant* response) override;
  grpc::ServerUnaryReactor* ListTenants(grpc::CallbackServerContext* context, const v1::ListTenantsRequest* request,
                                        v1::ListTenantsResponse* response) override;

 private:
  const KeyService& service_;
  const DoorContext context_;
};

}  // namespace coffer::keysvc
