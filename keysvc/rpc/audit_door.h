// The gRPC door of AuditService: messages to plain structs and back, nothing else.
#pragma once

#include "coffer/v1/audit.grpc.pb.h"
#include "keysvc/rpc/unary.h"
#include "keysvc/service/audit_service.h"

namespace coffer::keysvc {

class AuditDoor final : public v1::AuditService::CallbackService {
 public:
  // `reading` has a pool of its own, so that nobody who reads through the log, or waits for it, takes a thread from
  // other work.
  AuditDoor(const AuditService& service, const DoorContext& context, const DoorContext& reading)
      : service_(service), context_(context), reading_(reading) {}

  grpc::ServerUnaryReactor* QueryRecords(grpc::CallbackServerContext* context, const v1::QueryRecordsRequest* request,
                                         v1::QueryRecordsResponse* response) override;
  grpc::ServerUnaryReactor* AggregateRecords(grpc::CallbackServerContext* context,
                                             const v1::AggregateRecordsRequest* request,
                                             v1::AggregateRecordsResponse* response) override;
  grpc::ServerWriteReactor<v1::TailRecordsResponse>* TailRecords(grpc::CallbackServerContext* context,
                                                                 const v1::TailRecordsRequest* request) override;
  grpc::ServerUnaryReactor* GetCheckpoint(grpc::CallbackServerContext* context, const v1::GetCheckpointRequest* request,
                                          v1::GetCheckpointResponse* response) override;
  grpc::ServerUnaryReactor* ProveConsistency(grpc::CallbackServerContext* context,
                                             const v1::ProveConsistencyRequest* request,
                                             v1::ProveConsistencyResponse* response) override;
  grpc::ServerUnaryReactor* ProveRecord(grpc::CallbackServerContext* context, const v1::ProveRecordRequest* request,
                                        v1::ProveRecordResponse* response) override;

 private:
  const AuditService& service_;
  const DoorContext context_;
  const DoorContext reading_;
};

}  // namespace coffer::keysvc
