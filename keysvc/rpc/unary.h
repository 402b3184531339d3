// How every unary call is answered: authenticate, run here or on the pool, wait for its record, finish once. The only
// place that finishes a call, so nothing leaves before its record is durable.
#pragma once

#include <google/protobuf/message.h>

#include "keysvc/rpc/caller_source.h"
#include "keysvc/rpc/held_refusals.h"
#include "keysvc/rpc/status.h"
#include "keysvc/rpc/work_pool.h"
#include "keysvc/service/pipeline.h"

namespace coffer::keysvc {

// kOperator: on the pool too, and on its operator's lane when the operator asks. kSlow: on its slow lane.
enum class RunOn : std::uint8_t { kTransport, kPool, kOperator, kSlow };

// SHA-256 of a request: of its type and its fields, in their order.
Digest DigestOf(const google::protobuf::Message& message);

// What the doors of one server share. All must outlive the server.
struct DoorContext {
  const CallerSource& callers;
  WorkPool& pool;
  HeldRefusals& refusals;
  const Pipeline& pipeline;
  const Clock& clock;
};

// The operator's lane is for the admin's unix socket, so that no other caller can fill it.
inline WorkPool::Lane LaneOf(RunOn where, const Caller& caller) {
  if (where == RunOn::kSlow) return WorkPool::Lane::kSlow;
  const bool is_operator = caller.local && caller.principal.role == policy::Role::kAdmin;
  return where == RunOn::kOperator && is_operator ? WorkPool::Lane::kOperator : WorkPool::Lane::kOrdinary;
}

// One call, from its first byte to its last. Lives as long as somebody will still go on with it.
template <typename Response, typename Handler>
class UnaryCall : public std::enable_shared_from_this<UnaryCall<Response, Handler>> {
 public:
  // `request` lives until the call is finished.
  UnaryCall(grpc::CallbackServerContext* context, const DoorContext& door, const google::protobuf::Message& request,
            Response* response, RunOn where, Handler handler)
      : context_(context),
        reactor_(context->DefaultReactor()),
        door_(door),
        request_(request),
        response_(response),
        where_(where),
        handler_(std::move(handler)) {}

  grpc::ServerUnaryReactor* Start() {
    grpc::ServerUnaryReactor* reactor = reactor_;  // gRPC's: it outlives this object
    Result<Caller> caller = door_.callers.Of(*context_);
    if (!caller.ok()) {
      Finish(caller.error());
      return reactor;
    }
    caller_ = std::move(caller).value();
    caller_.accepted_us = door_.clock.MonotonicMicros();
    caller_.withheld = &withheld_;
    if (!caller_.approval.empty()) caller_.approval.request = DigestOf(request_);
    // To ask and to use an approval is written to the store: never on gRPC's thread.
    Run(caller_.approval.empty() ? where_ : OnPool());
    return reactor;
  }

 private:
  RunOn OnPool() const { return where_ == RunOn::kTransport ? RunOn::kPool : where_; }

  void Run(RunOn where) {
    if (where == RunOn::kTransport) return Act();
    auto job = [self = this->shared_from_this()](WorkPool::Turn turn) {
      if (turn == WorkPool::Turn::kDropped) {
        self->Finish(Error(ErrorCode::kUnavailable, "the service is stopping: try again later"));
      } else if (self->context_->IsCancelled()) {
        self->reactor_->Finish(grpc::Status::CANCELLED);  // nobody hears it
      } else if (const Status still = self->StillLetIn(); !still.ok()) {
        self->Finish(still);
      } else {
        self->Act();
      }
    };
    const Status taken = door_.pool.Submit(LaneOf(where, caller_), caller_.principal.id, std::move(job));
    if (!taken.ok()) FinishHeld(taken);
  }

  // Who waited, or is done again, may have lost his certificate or token meanwhile.
  Status StillLetIn() const {
    const Result<Caller> caller = door_.callers.Of(*context_);
    return caller.ok() ? Status() : Status(caller.error());
  }

  void Act() {
    withheld_ = {};
    status_ = handler_(static_cast<const Caller&>(caller_));
    if (!withheld_.record) return Finish(status_);  // Nothing was decided: a record could not even be begun.
    door_.pipeline.Release(
        withheld_, [self = this->shared_from_this()](const Pipeline::Verdict& verdict) { self->Released(verdict); });
  }

  void Released(const Pipeline::Verdict& verdict) {
    switch (verdict.kind) {
      case Pipeline::Verdict::Kind::kGo:
        context_->AddTrailingMetadata(kAuditIndexMetadataKey, std::to_string(verdict.index));
        if (const std::string& asked = withheld_.record->asked; !asked.empty()) {
          context_->AddTrailingMetadata(kApprovalAskedMetadataKey, asked);
        }
        return Finish(status_);
      case Pipeline::Verdict::Kind::kRefuse:
        return Finish(*verdict.error);
      case Pipeline::Verdict::Kind::kAgain:
        break;
    }
    if (++attempts_ == Pipeline::kMaxAttempts) return Finish(Pipeline::KeptChanging());
    response_->Clear();
    caller_.so_far = std::move(withheld_.record->so_far);
    // This is the log's release thread, and every other reply waits for it. What is short otherwise may not be now: the
    // first value under a new version makes a key.
    Run(OnPool());
  }

  void Finish(const Status& status) {
    // Before the caller hears of the end: its next call may be here before this object is gone.
    if (withheld_.record) withheld_.record->in_flight.reset();
    if (!status.ok() && status.error().code() == ErrorCode::kResourceExhausted) return FinishHeld(status);
    Answer(status);
  }

  // A refusal of one who asks too much.
  void FinishHeld(const Status& status) {
    door_.refusals.Give(caller_.principal.id, request_.ByteSizeLong(),
                    [self = this->shared_from_this(), status] { self->Answer(status); });
  }

  void Answer(const Status& status) {
    reactor_->Finish(status.ok() ? grpc::Status::OK : ToStatus(*context_, status.error()));
  }

  grpc::CallbackServerContext* const context_;
  grpc::ServerUnaryReactor* const reactor_;
  const DoorContext door_;
  const google::protobuf::Message& request_;
  Response* const response_;
  const RunOn where_;
  Handler handler_;
  Caller caller_;
  Withheld withheld_;
  Status status_;
  int attempts_ = 0;
};

// `handler(const Caller&) -> Status` fills the response that gRPC keeps until the call is finished; it may be called
// more than once, each time with an empty one. It is not called when the call was cancelled, or the pool closed, while
// it waited.
template <typename Response, typename Handler>
grpc::ServerUnaryReactor* AnswerUnary(grpc::CallbackServerContext* context, const DoorContext& door,
                                      const google::protobuf::Message& request, Response* response, RunOn where,
                                      Handler handler) {
  return std::make_shared<UnaryCall<Response, Handler>>(context, door, request, response, where, std::move(handler))
      ->Start();
}

// For handlers that produce a value: `act(caller) -> Result<T>`, `fill(T&&, response)`.
template <typename Act, typename Fill, typename Response>
grpc::ServerUnaryReactor* AnswerWith(grpc::CallbackServerContext* context, const DoorContext& door,
                                     const google::protobuf::Message& request, Response* response, Act act, Fill fill,
                                     RunOn where = RunOn::kPool) {
  return AnswerUnary(context, door, request, response, where, [=](const Caller& caller) -> Status {
    COFFER_ASSIGN_OR_RETURN(auto value, act(caller));
    fill(std::move(value), *response);
    return {};
  });
}

}  // namespace coffer::keysvc
