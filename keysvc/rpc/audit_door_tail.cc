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
      self->EndFailed(Stopping());
    } else if (self->cancelled()) {
      self->EndLeft();
    } else {
      (self.get()->*step)();
    }
  };
  const Status taken = door_.pool.Submit(LaneOf(RunOn::kPool, caller_), caller_.principal.id, std::move(job));
  if (!taken.ok()) EndFailed(taken.error());
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
  if (!tail.ok()) return Refuse(tail.error());
  tail_ = std::move(tail).value();
  context_->AddInitialMetadata(kAuditIndexMetadataKey, std::to_string(tail_->begin()));
  if (!request_.filter().has_from_index()) tail_->BeginAt(tail_->begin() + 1);  // behind its own record
  StartSendInitialMetadata();
  Read();
}

void TailCall::Refuse(const Error& error) {
  if (!withheld_.record) return Finish(ToStatus(*context_, error));  // Not even a begin could be recorded.
  door_.pipeline.Release(withheld_, [self = shared_from_this(), error](const Pipeline::Verdict& verdict) {
    const bool refused = verdict.kind == Pipeline::Verdict::Kind::kRefuse;
    if (refused) return self->Finish(ToStatus(*self->context_, *verdict.error));
    self->context_->AddInitialMetadata(kAuditIndexMetadataKey, std::to_string(verdict.index));
    self->Finish(ToStatus(*self->context_, error));
  });
}

void TailCall::Read() {
  Result<AuditTail::Batch> batch = tail_->Next([this] { return door_.callers.Of(*context_); });
  if (!batch.ok()) return EndFailed(batch.error());
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
  const std::shared_ptr<AuditTail> tail = tail_;  // Once it waits, the call may end at any moment.
  bool gone = false;
  {
    const Lock held(mutex_);
    gone = cancelled_;
    if (!gone) doing_ = Doing::kWaiting;
  }
  if (gone) return EndLeft();
  tail->WhenMore([weak = weak_from_this()] {
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
  if (!ok || cancelled()) return EndLeft();
  if (done_) return End({}, grpc::Status::OK);
  Submit(&TailCall::Read);
}

void TailCall::OnCancel() {
  {
    const Lock held(mutex_);
    cancelled_ = true;
    if (doing_ != Doing::kWaiting) return;  // whoever works or writes sees it
    doing_ = Doing::kWork;
  }
  EndLeft();
}

void TailCall::OnDone() {
  const std::shared_ptr<TailCall> last = std::move(self_);  // may be the last one
}

void TailCall::EndFailed(const Error& error) { End(error, ToStatus(*context_, error)); }

// Nobody hears the status, but whoever reads the log does.
void TailCall::EndLeft() { End({}, grpc::Status::CANCELLED); }

void TailCall::End(const Status& outcome, const grpc::Status& status) {
  if (tail_ == nullptr) return Finish(status);  // It never began.
  tail_->Close(outcome, [self = shared_from_this(), status](const Pipeline::Verdict& verdict) {
    self->tail_.reset();  // Its place is free before the caller hears of the end.
    const bool refused = verdict.kind == Pipeline::Verdict::Kind::kRefuse;
    self->Finish(refused ? ToStatus(*self->context_, *verdict.error) : status);
  });
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
