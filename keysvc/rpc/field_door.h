// The gRPC door of FieldService: messages to plain structs and back, nothing else.
#pragma once

#include "coffer/v1/field.grpc.pb.h"
#include "keysvc/rpc/unary.h"
#include "keysvc/service/field_service.h"

namespace coffer::keysvc {

class FieldDoor final : public v1::FieldService::CallbackService {
 public:
  FieldDoor(const FieldService& service, const DoorContext& context) : service_(service), context_(context) {}

  grpc::ServerUnaryReactor* EncryptFields(grpc::CallbackServerContext* context, const v1::EncryptFieldsRequest* request,
                                          v1::EncryptFieldsResponse* response) override;
  grpc::ServerUnaryReactor* DecryptFields(grpc::CallbackServerContext* context, const v1::DecryptFieldsRequest* request,
                                          v1::DecryptFieldsResponse* response) override;
  grpc::ServerUnaryReactor* RewrapFields(grpc::CallbackServerContext* context, const v1::RewrapFieldsRequest* request,
                                         v1::RewrapFieldsResponse* response) override;
  grpc::ServerUnaryReactor* IndexTokens(grpc::CallbackServerContext* context, const v1::IndexTokensRequest* request,
                                        v1::IndexTokensResponse* response) override;

 private:
  const FieldService& service_;
  const DoorContext context_;
};

}  // namespace coffer::keysvc
