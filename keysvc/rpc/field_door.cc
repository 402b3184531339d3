#include "keysvc/rpc/field_door.h"

#include "keysvc/rpc/field_messages.h"

namespace coffer::keysvc {
namespace {

// Where a call over these fields runs. What cannot be read is refused by the handler, after the caller is known.
template <typename Item>
RunOn PlaceOf(const FieldService& service, const Result<std::vector<Item>>& items, bool quick, bool makes_tokens) {
  if (!items.ok()) return RunOn::kTransport;
  if (makes_tokens) {
    std::vector<std::string_view> fields;
    for (const Item& item : *items) fields.push_back(item.field);
    if (service.UsesSlowIndex(fields)) return RunOn::kSlow;
  }
  return quick ? RunOn::kTransport : RunOn::kPool;
}

// `act(caller, columns) -> Result<FieldOutput>`.
template <typename Request, typename Response, typename Act>
grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const DoorContext& door,
                                 const FieldService& service, const Request& request, Response* response,
                                 policy::Operation operation, Act act) {
  Result<std::vector<FieldColumn>> columns = ColumnsOf(request.columns());
  const bool encrypts = operation != policy::Operation::kDecryptFields;
  const bool quick = columns.ok() && service.IsQuick(*columns, encrypts);
  const RunOn where = PlaceOf(service, columns, quick, encrypts);
  auto handler = [&service, act, operation, response, columns = std::move(columns)](const Caller& caller) -> Status {
    if (!columns.ok()) return service.Reject(caller, operation, columns.error());
    COFFER_ASSIGN_OR_RETURN(FieldOutput output, act(caller, *columns));
    FillColumns(output, *response->mutable_columns());
    if constexpr (std::is_same_v<Response, v1::RewrapFieldsResponse>) response->set_rewrapped(output.rewrapped);
    return {};
  };
  return AnswerUnary(context, door, request, response, where, std::move(handler));
}

}  // namespace

grpc::ServerUnaryReactor* FieldDoor::EncryptFields(grpc::CallbackServerContext* context,
                                                   const v1::EncryptFieldsRequest* request,
                                                   v1::EncryptFieldsResponse* response) {
  const auto act = [this](const Caller& caller, const std::vector<FieldColumn>& columns) {
    return service_.Encrypt(caller, columns);
  };
  return Answer(context, context_, service_, *request, response, policy::Operation::kEncryptFields, act);
}

grpc::ServerUnaryReactor* FieldDoor::DecryptFields(grpc::CallbackServerContext* context,
                                                   const v1::DecryptFieldsRequest* request,
                                                   v1::DecryptFieldsResponse* response) {
  const auto act = [this](const Caller& caller, const std::vector<FieldColumn>& columns) {
    return service_.Decrypt(caller, columns);
  };
  return Answer(context, context_, service_, *request, response, policy::Operation::kDecryptFields, act);
}

grpc::ServerUnaryReactor* FieldDoor::RewrapFields(grpc::CallbackServerContext* context,
                                                  const v1::RewrapFieldsRequest* request,
                                                  v1::RewrapFieldsResponse* response) {
  const auto act = [this, with_tokens = request->with_tokens()](const Caller& caller,
                                                                const std::vector<FieldColumn>& columns) {
    return service_.Rewrap(caller, columns, with_tokens);
  };
  return Answer(context, context_, service_, *request, response, policy::Operation::kRewrapFields, act);
}

grpc::ServerUnaryReactor* FieldDoor::IndexTokens(grpc::CallbackServerContext* context,
                                                 const v1::IndexTokensRequest* request,
                                                 v1::IndexTokensResponse* response) {
  Result<std::vector<IndexQuery>> queries = QueriesOf(request->queries());
  const RunOn where = PlaceOf(service_, queries, queries.ok() && service_.IsQuickSearch(*queries), true);
  auto handler = [this, response, queries = std::move(queries)](const Caller& caller) -> Status {
    if (!queries.ok()) return service_.Reject(caller, policy::Operation::kIndexTokens, queries.error());
    COFFER_ASSIGN_OR_RETURN(IndexAnswers answers, service_.Search(caller, *queries));
    FillAnswers(answers, *response);
    return {};
  };
  return AnswerUnary(context, context_, *request, response, where, std::move(handler));
}

}  // namespace coffer::keysvc
