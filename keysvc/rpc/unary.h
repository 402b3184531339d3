// How every unary call is answered: authenticate, run here or on the pool, finish once.
#pragma once

#include "keysvc/rpc/caller_source.h"
#include "keysvc/rpc/status.h"
#include "keysvc/rpc/work_pool.h"

namespace coffer::keysvc {

enum class RunOn : std::uint8_t { kTransport, kPool };

// What the doors of one server share. All must outlive the server.
struct DoorContext {
  const CallerSource& callers;
  WorkPool& pool;
};

// `handler(const Caller&) -> Status` fills the response that gRPC keeps until Finish.
template <typename Handler>
grpc::ServerUnaryReactor* AnswerUnary(grpc::CallbackServerContext* context, const DoorContext& door, RunOn where,
                                      Handler handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Result<Caller> caller = door.callers.Of(*context);
  if (!caller.ok()) {
    reactor->Finish(ToStatus(*context, caller.error()));
    return reactor;
  }
  auto run = [context, reactor, handler = std::move(handler), caller = std::move(caller).value()] {
    const Status status = handler(caller);
    reactor->Finish(status.ok() ? grpc::Status::OK : ToStatus(*context, status.error()));
  };
  if (where == RunOn::kTransport) {
    run();
  } else if (!door.pool.Submit(std::move(run))) {
    reactor->Finish(ToStatus(*context, Error(ErrorCode::kUnavailable, "too much is waiting: try again later")));
  }
  return reactor;
}

// For handlers that produce a value: `act(caller) -> Result<T>`, `fill(T&&, response)`.
template <typename Act, typename Fill, typename Response>
grpc::ServerUnaryReactor* AnswerWith(grpc::CallbackServerContext* context, const DoorContext& door, Response* response,
                                     Act act, Fill fill) {
  return AnswerUnary(context, door, RunOn::kPool, [=](const Caller& caller) -> Status {
    COFFER_ASSIGN_OR_RETURN(auto value, act(caller));
    fill(std::move(value), *response);
    return {};
  });
}

}  // namespace coffer::keysvc
