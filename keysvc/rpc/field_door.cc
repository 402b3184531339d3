#include "keysvc/rpc/field_door.h"

#include "keysvc/rpc/field_messages.h"

namespace coffer::keysvc {
namespace {

using Method = Result<FieldOutput> (FieldService::*)(const Caller&, const std::vector<FieldColumn>&) const;

template <typename Request, typename Response>
grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const DoorContext& door,
                                 const FieldService& service, const Request& request, Response* response, Method method,
                                 bool makes_keys) {
  Result<std::vector<FieldColumn>> columns = ColumnsOf(request.columns());
  // What cannot be read is refused by the handler, after the caller is known.
  const bool quick = !columns.ok() || service.IsQuick(*columns, makes_keys);
  auto handler = [&service, method, response, columns = std::move(columns)](const Caller& caller) -> Status {
    if (!columns.ok()) return columns.error();
    COFFER_ASSIGN_OR_RETURN(FieldOutput output, (service.*method)(caller, *columns));
    FillColumns(output, *response->mutable_columns());
    if constexpr (std::is_same_v<Response, v1::RewrapFieldsResponse>) response->set_rewrapped(output.rewrapped);
    return {};
  };
  return AnswerUnary(context, door, quick ? RunOn::kTransport : RunOn::kPool, std::move(handler));
}

}  // namespace

grpc::ServerUnaryReactor* FieldDoor::EncryptFields(grpc::CallbackServerContext* context,
                                                   const v1::EncryptFieldsRequest* request,
                                                   v1::EncryptFieldsResponse* response) {
  return Answer(context, context_, service_, *request, response, &FieldService::Encrypt, true);
}

grpc::ServerUnaryReactor* FieldDoor::DecryptFields(grpc::CallbackServerContext* context,
                                                   const v1::DecryptFieldsRequest* request,
                                                   v1::DecryptFieldsResponse* response) {
  return Answer(context, context_, service_, *request, response, &FieldService::Decrypt, false);
}

grpc::ServerUnaryReactor* FieldDoor::RewrapFields(grpc::CallbackServerContext* context,
                                                  const v1::RewrapFieldsRequest* request,
                                                  v1::RewrapFieldsResponse* response) {
  return Answer(context, context_, service_, *request, response, &FieldService::Rewrap, true);
}

}  // namespace coffer::keysvc
