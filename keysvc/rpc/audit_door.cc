#include "keysvc/rpc/audit_door.h"

#include "keysvc/rpc/audit_door_tail.h"
#include "keysvc/rpc/audit_messages.h"

namespace coffer::keysvc {

grpc::ServerUnaryReactor* AuditDoor::QueryRecords(grpc::CallbackServerContext* context,
                                                  const v1::QueryRecordsRequest* request,
                                                  v1::QueryRecordsResponse* response) {
  const auto act = [this, request](const Caller& caller) -> Result<RecordsFound> {
    Result<audit::RecordFilter> filter = FilterOf(request->filter());
    if (!filter.ok()) return service_.Reject(caller, policy::Operation::kQueryRecords, filter.error());
    return service_.Query(caller, {.filter = std::move(filter).value(),
                                   .oldest_first = request->oldest_first(),
                                   .page_size = request->page_size(),
                                   .page_token = request->page_token()});
  };
  return AnswerWith(context, reading_, *request, response, act,
                    [](const RecordsFound& found, v1::QueryRecordsResponse& message) {
                      for (const audit::IndexedRecord& record : found.records) {
                        FillRecord(record, *message.add_records());
                      }
                      message.set_next_page_token(found.next);
                    });
}

grpc::ServerUnaryReactor* AuditDoor::AggregateRecords(grpc::CallbackServerContext* context,
                                                      const v1::AggregateRecordsRequest* request,
                                                      v1::AggregateRecordsResponse* response) {
  struct Counted {
    audit::RecordGroups groups;
    std::vector<audit::GroupBy> by;
  };
  const auto act = [this, request](const Caller& caller) -> Result<Counted> {
    const Result<audit::RecordFilter> filter = FilterOf(request->filter());
    if (!filter.ok()) return service_.Reject(caller, policy::Operation::kAggregateRecords, filter.error());
    Result<std::vector<audit::GroupBy>> by = DimensionsOf(request->by());
    if (!by.ok()) return service_.Reject(caller, policy::Operation::kAggregateRecords, by.error());
    COFFER_ASSIGN_OR_RETURN(audit::RecordGroups groups, service_.Aggregate(caller, *filter, *by));
    return Counted{std::move(groups), std::move(by).value()};
  };
  return AnswerWith(context, reading_, *request, response, act,
                    [](const Counted& counted, v1::AggregateRecordsResponse& message) {
                      FillGroups(counted.groups, counted.by, message);
                    });
}

grpc::ServerWriteReactor<v1::TailRecordsResponse>* AuditDoor::TailRecords(grpc::CallbackServerContext* context,
                                                                          const v1::TailRecordsRequest* request) {
  return TailCall::Start(context, reading_, service_, *request);
}

grpc::ServerUnaryReactor* AuditDoor::GetCheckpoint(grpc::CallbackServerContext* context,
                                                   const v1::GetCheckpointRequest* request,
                                                   v1::GetCheckpointResponse* response) {
  const auto act = [this](const Caller& caller) { return service_.Checkpoint(caller); };
  return AnswerWith(context, context_, *request, response, act, FillHead);
}

grpc::ServerUnaryReactor* AuditDoor::ProveConsistency(grpc::CallbackServerContext* context,
                                                      const v1::ProveConsistencyRequest* request,
                                                      v1::ProveConsistencyResponse* response) {
  const auto act = [this, request](const Caller& caller) {
    return service_.ProveConsistency(caller, {.from = request->from_size(), .to = request->to_size()});
  };
  return AnswerWith(context, context_, *request, response, act, FillConsistency);
}

grpc::ServerUnaryReactor* AuditDoor::ProveRecord(grpc::CallbackServerContext* context,
                                                 const v1::ProveRecordRequest* request,
                                                 v1::ProveRecordResponse* response) {
  const auto act = [this, request](const Caller& caller) { return service_.ProveRecord(caller, request->index()); };
  return AnswerWith(context, reading_, *request, response, act, FillProof);  // It may wait for a checkpoint.
}

}  // namespace coffer::keysvc
