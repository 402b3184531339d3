// The gRPC door of IdentityService: messages to plain structs and back, nothing else.
#pragma once

#include "coffer/v1/identity.grpc.pb.h"
#include "keysvc/rpc/unary.h"
#include "keysvc/service/identity_service.h"

namespace coffer::keysvc {

class IdentityDoor final : public v1::IdentityService::CallbackService {
 public:
  IdentityDoor(const IdentityService& service, const DoorContext& context) : service_(service), context_(context) {}

  grpc::ServerUnaryReactor* CreateToken(grpc::CallbackServerContext* context, const v1::CreateTokenRequest* request,
                                        v1::CreateTokenResponse* response) override;
  grpc::ServerUnaryReactor* ListTokens(grpc::CallbackServerContext* context, const v1::ListTokensRequest* request,
                                       v1::ListTokensResponse* response) override;
  grpc::ServerUnaryReactor* RevokeToken(grpc::CallbackServerContext* context, const v1::RevokeTokenRequest* request,
                                        v1::RevokeTokenResponse* response) override;
  grpc::ServerUnaryReactor* DenyCertificate(grpc::CallbackServerContext* context,
                                            const v1::DenyCertificateRequest* request,
                                            v1::DenyCertificateResponse* response) override;
  grpc::ServerUnaryReactor* AllowCertificate(grpc::CallbackServerContext* context,
                                             const v1::AllowCertificateRequest* request,
                                             v1::AllowCertificateResponse* response) override;
  grpc::ServerUnaryReactor* ListDeniedCertificates(grpc::CallbackServerContext* context,
                                                   const v1::ListDeniedCertificatesRequest* request,
                                                   v1::ListDeniedCertificatesResponse* response) override;

 private:
  const IdentityService& service_;
  const DoorContext context_;
};

}  // namespace coffer::keysvc
