// The gRPC door of AdminService: messages to plain structs and back, nothing else.
#pragma once

#include "coffer/v1/admin.grpc.pb.h"
#include "keysvc/rpc/unary.h"
#include "keysvc/service/admin_service.h"
#include "keysvc/service/operator_service.h"

namespace coffer::keysvc {

class AdminDoor final : public v1::AdminService::CallbackService {
 public:
  AdminDoor(const AdminService& service, const OperatorService& operators, const DoorContext& context)
      : service_(service), operators_(operators), context_(context) {}

  grpc::ServerUnaryReactor* Init(grpc::CallbackServerContext* context, const v1::InitRequest* request,
                                 v1::InitResponse* response) override;
  grpc::ServerUnaryReactor* Unseal(grpc::CallbackServerContext* context, const v1::UnsealRequest* request,
                                   v1::UnsealResponse* response) override;
  grpc::ServerUnaryReactor* Seal(grpc::CallbackServerContext* context, const v1::SealRequest* request,
                                 v1::SealResponse* response) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest* request,
                                      v1::GetStatusResponse* response) override;
  grpc::ServerUnaryReactor* ApplyCatalog(grpc::CallbackServerContext* context, const v1::ApplyCatalogRequest* request,
                                         v1::ApplyCatalogResponse* response) override;
  grpc::ServerUnaryReactor* DiffCatalog(grpc::CallbackServerContext* context, const v1::DiffCatalogRequest* request,
                                        v1::DiffCatalogResponse* response) override;
  grpc::ServerUnaryReactor* GetCatalog(grpc::CallbackServerContext* context, const v1::GetCatalogRequest* request,
                                       v1::GetCatalogResponse* response) override;

  grpc::ServerUnaryReactor* StartRecovery(grpc::CallbackServerContext* context, const v1::StartRecoveryRequest* request,
                                          v1::StartRecoveryResponse* response) override;
  grpc::ServerUnaryReactor* ListSealSlots(grpc::CallbackServerContext* context, const v1::ListSealSlotsRequest* request,
                                          v1::ListSealSlotsResponse* response) override;
  grpc::ServerUnaryReactor* AddSealSlot(grpc::CallbackServerContext* context, const v1::AddSealSlotRequest* request,
                                        v1::AddSealSlotResponse* response) override;
  grpc::ServerUnaryReactor* RemoveSealSlot(grpc::CallbackServerContext* context,
                                           const v1::RemoveSealSlotRequest* request,
                                           v1::RemoveSealSlotResponse* response) override;
  grpc::ServerUnaryReactor* Rekey(grpc::CallbackServerContext* context, const v1::RekeyRequest* request,
                                  v1::RekeyResponse* response) override;
  grpc::ServerUnaryReactor* Backup(grpc::CallbackServerContext* context, const v1::BackupRequest* request,
                                   v1::BackupResponse* response) override;
  grpc::ServerUnaryReactor* MergeStore(grpc::CallbackServerContext* context, const v1::MergeStoreRequest* request,
                                       v1::MergeStoreResponse* response) override;
  grpc::ServerUnaryReactor* Recover(grpc::CallbackServerContext* context, const v1::RecoverRequest* request,
                                    v1::RecoverResponse* response) override;
  grpc::ServerUnaryReactor* CheckStore(grpc::CallbackServerContext* context, const v1::CheckStoreRequest* request,
                                       v1::CheckStoreResponse* response) override;

 private:
  const AdminService& service_;
  const OperatorService& operators_;
  const DoorContext context_;
};

}  // namespace coffer::keysvc
