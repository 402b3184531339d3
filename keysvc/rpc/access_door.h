// The gRPC door of AccessService: messages to plain structs and back, nothing else.
#pragma once

#include "coffer/v1/access.grpc.pb.h"
#include "keysvc/rpc/unary.h"
#include "keysvc/service/access_service.h"

namespace coffer::keysvc {

class AccessDoor final : public v1::AccessService::CallbackService {
 public:
  AccessDoor(const AccessService& service, const DoorContext& context) : service_(service), context_(context) {}

  grpc::ServerUnaryReactor* ApplyPolicy(grpc::CallbackServerContext* context, const v1::ApplyPolicyRequest* request,
                                        v1::ApplyPolicyResponse* response) override;
  grpc::ServerUnaryReactor* GetPolicy(grpc::CallbackServerContext* context, const v1::GetPolicyRequest* request,
                                      v1::GetPolicyResponse* response) override;
  grpc::ServerUnaryReactor* ListApprovals(grpc::CallbackServerContext* context, const v1::ListApprovalsRequest* request,
                                          v1::ListApprovalsResponse* response) override;
  grpc::ServerUnaryReactor* Approve(grpc::CallbackServerContext* context, const v1::ApproveRequest* request,
                                    v1::ApproveResponse* response) override;
  grpc::ServerUnaryReactor* Deny(grpc::CallbackServerContext* context, const v1::DenyRequest* request,
                                 v1::DenyResponse* response) override;
  grpc::ServerUnaryReactor* IssueGrant(grpc::CallbackServerContext* context, const v1::IssueGrantRequest* request,
                                       v1::IssueGrantResponse* response) override;
  grpc::ServerUnaryReactor* ListGrants(grpc::CallbackServerContext* context, const v1::ListGrantsRequest* request,
                                       v1::ListGrantsResponse* response) override;
  grpc::ServerUnaryReactor* RevokeGrant(grpc::CallbackServerContext* context, const v1::RevokeGrantRequest* request,
                                        v1::RevokeGrantResponse* response) override;
  grpc::ServerUnaryReactor* BreakGlass(grpc::CallbackServerContext* context, const v1::BreakGlassRequest* request,
                                       v1::BreakGlassResponse* response) override;
  grpc::ServerUnaryReactor* ReviewBreakGlass(grpc::CallbackServerContext* context,
                                             const v1::ReviewBreakGlassRequest* request,
                                             v1::ReviewBreakGlassResponse* response) override;

 private:
  const AccessService& service_;
  const DoorContext context_;
};

}  // namespace coffer::keysvc
