#include "keysvc/rpc/audit_door_tail.h"

#include "keysvc/rpc/audit_messages.h"

namespace coffer::keysvc {
namespace {

Error Stopping() { return {ErrorCode::kUnavailable, "the service is stopping: try again later"}; }

}  // namespace

TailCall::TailCall(Key, grpc::CallbackServerContext* context, const DoorContext& door, const AuditService& service,
                   const v1::TailRecordsRequest& request)
    : context_(context), door_(door), service_(service), request_(request) {}

grpc::ServerWriteReactor<v1::TailRecordsResponse>* TailCall::Start(grpc::CallbackServerContext* context,
                                                                   const DoorContext& door, const AuditService& service,
                                                                   const v1::TailRecordsRequest& request) {
  auto call = std::make_shared<TailCall>(Key(), context, door, service, request);
  TailCall* const reactor = call.get();
  reactor->self_ = std::move(call);
  Result<Caller> caller = door.callers.Of(*context);
  if (!caller.ok()) {
    reactor->Finish(ToStatus(*context, caller.error()));
    return reactor;
  }
  reactor->caller_ = std::move(caller).value();
  reactor->caller_.accepted_us = door.clock.MonotonicMicros();
  reactor->caller_.withheld = &reactor->withheld_;
  reactor->Submit(&TailCall::Open);
  return reactor;
}

void TailCall::Submit(void (TailCall::*step)()) {
  auto job = [self = shared_from_this(), step](WorkPool::Turn turn) {
    if (turn == WorkPool::Turn::kDropped) {
      self->Finish(ToStatus(*self->context_, Stopping()));
    } else if (self->cancelled()) {
      self->Finish(grpc::Status::CANCELLED);  // nobody hears it
    } else {
      (self.get()->*step)();
    }
  };
  const Status taken = door_.pool.Submit(LaneOf(RunOn::kPool, caller_), caller_.principal.id, std::move(job));
  if (!taken.ok()) Finish(ToStatus(*context_, taken.error()));
}

Result<std::unique_ptr<AuditTail>> TailCall::OpenTail() {
  Result<audit::RecordFilter> filter = FilterOf(request_.filter());
  if (!filter.ok()) return service_.Reject(caller_, policy::Operation::kTailRecords, filter.error());
  return service_.Tail(caller_, {.filter = std::move(filter).value(),
                                 .from_now = !request_.filter().has_from_index(),
                                 .max_records = request_.max_records()});
}

void TailCall::Open() {
  Result<std::unique_ptr<AuditTail>> tail = OpenTail();
  if (tail.ok()) {
    tail_ = std::move(tail).value();
  } else {
    refused_ = tail.error();
  }
  if (!withheld_.record) return Finish(ToStatus(*context_, *refused_));
  door_.pipeline.Release(withheld_,
                         [self = shared_from_this()](const Pipeline::Verdict& verdict) { self->Released(verdict); });
}

// On the thread that has recorded: nothing here may take long.
void TailCall::Released(const Pipeline::Verdict& verdict) {
  if (verdict.kind == Pipeline::Verdict::Kind::kRefuse) return Finish(ToStatus(*context_, *verdict.error));
  context_->AddInitialMetadata(kAuditIndexMetadataKey, std::to_string(verdict.index));
  if (refused_) return Finish(ToStatus(*context_, *refused_));
  if (!request_.filter().has_from_index()) tail_->BeginAt(verdict.index + 1);  // behind its own record
  StartSendInitialMetadata();
  Submit(&TailCall::Read);
}

void TailCall::Read() {
  Result<AuditTail::Batch> batch = tail_->Next();
  if (!batch.ok()) return Finish(ToStatus(*context_, batch.error()));
  if (!batch->records.empty()) {
    message_.Clear();
    for (const audit::IndexedRecord& record : batch->records) FillRecord(record, *message_.add_records());
    message_.set_next_index(batch->next);
    done_ = batch->done;
    return StartWrite(&message_);
  }
  if (batch->more) return Submit(&TailCall::Read);
  Wait();
}

void TailCall::Wait() {
  bool gone = false;
  {
    const Lock held(mutex_);
    gone = cancelled_;
    if (!gone) doing_ = Doing::kWaiting;
  }
  if (gone) return Finish(grpc::Status::CANCELLED);
  tail_->WhenMore([weak = weak_from_this()] {
    const std::shared_ptr<TailCall> self = weak.lock();
    if (self != nullptr) self->Woken();
  });
}

// Goes on once, whoever wakes it first.
void TailCall::Woken() {
  {
    const Lock held(mutex_);
    if (doing_ != Doing::kWaiting) return;
    doing_ = Doing::kWork;
  }
  Submit(&TailCall::Read);
}

void TailCall::OnWriteDone(bool ok) {
  if (!ok || cancelled()) return Finish(grpc::Status::CANCELLED);
  if (done_) return Finish(grpc::Status::OK);
  Submit(&TailCall::Read);
}

void TailCall::OnCancel() {
  {
    const Lock held(mutex_);
    cancelled_ = true;
    if (doing_ != Doing::kWaiting) return;  // whoever works or writes sees it
    doing_ = Doing::kWork;
  }
  Finish(grpc::Status::CANCELLED);
}

void TailCall::OnDone() {
  const std::shared_ptr<TailCall> last = std::move(self_);  // may be the last one
}

void TailCall::Finish(const grpc::Status& status) {
  {
    const Lock held(mutex_);
    COFFER_CHECK(doing_ != Doing::kFinished);
    doing_ = Doing::kFinished;
  }
  grpc::ServerWriteReactor<v1::TailRecordsResponse>::Finish(status);
}

bool TailCall::cancelled() {
  const Lock held(mutex_);
  return cancelled_;
}

}  // namespace coffer::keysvc
