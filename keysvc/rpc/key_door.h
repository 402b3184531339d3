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
  grpc::ServerUnaryReactor* RotateKek(grpc::CallbackServerContext* context, const v1::RotateKekRequest* request,
                                      v1::Keyring* response) override;
  grpc::ServerUnaryReactor* SetRotation(grpc::CallbackServerContext* context, const v1::SetRotationRequest* request,
                                        v1::Keyring* response) override;
  grpc::ServerUnaryReactor* ScheduleDestroy(grpc::CallbackServerContext* context,
                                            const v1::ScheduleDestroyRequest* request, v1::Keyring* response) override;
  grpc::ServerUnaryReactor* CancelDestroy(grpc::CallbackServerContext* context, const v1::CancelDestroyRequest* request,
                                          v1::Keyring* response) override;
  grpc::ServerUnaryReactor* GetTenant(grpc::CallbackServerContext* context, const v1::GetTenantRequest* request,
                                      v1::Tenant* response) override;
  grpc::ServerUnaryReactor* ShredTenant(grpc::CallbackServerContext* context, const v1::ShredTenantRequest* request,
                                        v1::Tenant* response) override;
  grpc::ServerUnaryReactor* CancelShredTenant(grpc::CallbackServerContext* context,
                                              const v1::CancelShredTenantRequest* request,
                                              v1::Tenant* response) override;
  grpc::ServerUnaryReactor* RegisterCensusSource(grpc::CallbackServerContext* context,
                                                 const v1::RegisterCensusSourceRequest* request,
                                                 v1::CensusSource* response) override;
  grpc::ServerUnaryReactor* RemoveCensusSource(grpc::CallbackServerContext* context,
                                               const v1::RemoveCensusSourceRequest* request,
                                               v1::RemoveCensusSourceResponse* response) override;
  grpc::ServerUnaryReactor* ListCensusSources(grpc::CallbackServerContext* context,
                                              const v1::ListCensusSourcesRequest* request,
                                              v1::ListCensusSourcesResponse* response) override;
  grpc::ServerUnaryReactor* ReportCensus(grpc::CallbackServerContext* context, const v1::ReportCensusRequest* request,
                                         v1::CensusSource* response) override;
  grpc::ServerUnaryReactor* GetCensus(grpc::CallbackServerContext* context, const v1::GetCensusRequest* request,
                                      v1::Census* response) override;
  grpc::ServerUnaryReactor* GenerateDataKey(grpc::CallbackServerContext* context,
                                            const v1::GenerateDataKeyRequest* request,
                                            v1::GenerateDataKeyResponse* response) override;
  grpc::ServerUnaryReactor* UnwrapDataKey(grpc::CallbackServerContext* context, const v1::UnwrapDataKeyRequest* request,
                                          v1::UnwrapDataKeyResponse* response) override;

 private:
  const KeyService& service_;
  const DoorContext context_;
};

}  // namespace coffer::keysvc
