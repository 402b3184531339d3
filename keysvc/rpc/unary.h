// How every unary call is answered: authenticate, run here or on the pool, finish once.
#pragma once

#include "keysvc/rpc/caller_source.h"
#include "keysvc/rpc/status.h"
#include "keysvc/rpc/work_pool.h"

namespace coffer::keysvc {

// kOperator: on the pool too, and on its operator's lane when the operator asks. kSlow: on its slow lane.
enum class RunOn : std::uint8_t { kTransport, kPool, kOperator, kSlow };

// What the doors of one server share. All must outlive the server.
struct DoorContext {
  const CallerSource& callers;
  WorkPool& pool;
};

// The operator's lane is for the admin's unix socket, so that no other caller can fill it.
inline WorkPool::Lane LaneOf(RunOn where, const Caller& caller) {
  if (where == RunOn::kSlow) return WorkPool::Lane::kSlow;
  const bool is_operator = caller.local && caller.principal.role == policy::Role::kAdmin;
  return where == RunOn::kOperator && is_operator ? WorkPool::Lane::kOperator : WorkPool::Lane::kOrdinary;
}

// `handler(const Caller&) -> Status` fills the response that gRPC keeps until Finish. It is not called when the call
// was cancelled, or the pool closed, while it waited.
template <typename Handler>
grpc::ServerUnaryReactor* AnswerUnary(grpc::CallbackServerContext* context, const DoorContext& door, RunOn where,
                                      Handler handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto finish = [context, reactor](const Status& status) {
    reactor->Finish(status.ok() ? grpc::Status::OK : ToStatus(*context, status.error()));
  };
  Result<Caller> caller = door.callers.Of(*context);
  if (!caller.ok()) {
    finish(caller.error());
    return reactor;
  }
  if (where == RunOn::kTransport) {
    finish(handler(*caller));
    return reactor;
  }
  auto job = [context, reactor, finish, handler = std::move(handler), caller = *caller](WorkPool::Turn turn) {
    if (turn == WorkPool::Turn::kDropped) {
      finish(Error(ErrorCode::kUnavailable, "the service is stopping: try again later"));
    } else if (context->IsCancelled()) {
      reactor->Finish(grpc::Status::CANCELLED);  // nobody hears it
    } else {
      finish(handler(caller));
    }
  };
  const Status taken = door.pool.Submit(LaneOf(where, *caller), caller->principal.id, std::move(job));
  if (!taken.ok()) finish(taken);
  return reactor;
}

// For handlers that produce a value: `act(caller) -> Result<T>`, `fill(T&&, response)`.
template <typename Act, typename Fill, typename Response>
grpc::ServerUnaryReactor* AnswerWith(grpc::CallbackServerContext* context, const DoorContext& door, Response* response,
                                     Act act, Fill fill, RunOn where = RunOn::kPool) {
  return AnswerUnary(context, door, where, [=](const Caller& caller) -> Status {
    COFFER_ASSIGN_OR_RETURN(auto value, act(caller));
    fill(std::move(value), *response);
    return {};
  });
}

}  // namespace coffer::keysvc
