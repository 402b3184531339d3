// TailCall: one TailRecords call, from its first byte to its last. As UnaryCall, with many messages between the record
// of its begin and that of its end: whatever ends a tail that has begun, the status leaves when the second one is
// durable.
//
// At any moment it does one thing: it runs on the pool, waits for records, writes a message, or records its end. So
// there is one message at a time, and a slow reader holds no more than that.
#pragma once

#include "coffer/v1/audit.grpc.pb.h"
#include "keysvc/rpc/unary.h"
#include "keysvc/service/audit_service.h"

namespace coffer::keysvc {

class TailCall final : public grpc::ServerWriteReactor<v1::TailRecordsResponse>,
                       public std::enable_shared_from_this<TailCall> {
  struct Key {};

 public:
  // What must outlive the server must outlive the call; the request need not.
  static grpc::ServerWriteReactor<v1::TailRecordsResponse>* Start(grpc::CallbackServerContext* context,
                                                                  const DoorContext& door, const AuditService& service,
                                                                  const v1::TailRecordsRequest& request);
  TailCall(Key key, grpc::CallbackServerContext* context, const DoorContext& door, const AuditService& service,
           const v1::TailRecordsRequest& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class Doing : std::uint8_t { kWork, kWaiting, kFinished };

  // Runs a step on the pool; the call ends when it cannot.
  void Submit(void (TailCall::*step)());
  void Open();
  Result<std::unique_ptr<AuditTail>> OpenTail();
  void Refuse(const Error& error);
  void Read();
  void Wait();
  void Woken();
  // The ends. Called by whoever goes on with the call, which nobody does after them.
  void EndFailed(const Error& error);
  void EndLeft();
  void End(const Status& outcome, const grpc::Status& status);
  void Finish(const grpc::Status& status);
  bool cancelled() COFFER_EXCLUDES(mutex_);

  grpc::CallbackServerContext* const context_;
  const DoorContext door_;
  const AuditService& service_;
  const v1::TailRecordsRequest request_;
  Caller caller_;
  Withheld withheld_;
  std::shared_ptr<AuditTail> tail_;  // not yet, or not any more: null
  v1::TailRecordsResponse message_;
  bool done_ = false;               // the message that is written is the last one
  std::shared_ptr<TailCall> self_;  // until gRPC is through with it
  Mutex mutex_;
  Doing doing_ COFFER_GUARDED_BY(mutex_) = Doing::kWork;
  bool cancelled_ COFFER_GUARDED_BY(mutex_) = false;
};

}  // namespace coffer::keysvc
