// The one pipeline, for every RPC: authenticate -> authorise -> act -> record durable -> release.
//
// The doors (rpc/) authenticate and hand in a Caller. Nothing leaves before its record was taken with the real outcome;
// a mutation is recorded before and after. Before a read is released, one generation number (seal, key states,
// catalogs) is compared: if it moved, the decision is made and the act done again.
#pragma once

#include <atomic>
#include <functional>

#include "keysvc/service/barrier.h"
#include "keysvc/service/call.h"

namespace coffer::keysvc {

// Takes a record before the reply is released; an error withholds the reply. Thread-safe. The seat of the audit log.
using Recorder = std::function<Status(const CallRecord&)>;

// Thread-safe.
class Pipeline {
 public:
  // `barrier` must outlive it.
  Pipeline(Barrier& barrier, Recorder recorder) : barrier_(barrier), recorder_(std::move(recorder)) {}

  // Reads: `act(Unsealed&, CallRecord&) -> Result<T>`. May run more than once, so it must be free of effects that a
  // second run would double.
  template <typename Act>
  auto Read(const Caller& caller, policy::Operation operation, Act&& act) const
      -> decltype(act(std::declval<Unsealed&>(), std::declval<CallRecord&>())) {
    calls_.fetch_add(1, std::memory_order_relaxed);
    for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
      const std::uint64_t generation = barrier_.generation();
      CallRecord record = NewRecord(caller, operation);
      auto result = Guarded(record, act);
      COFFER_TRY(Finish(record, result));
      // An outage is not a decision that could have changed; a failed commit moves the generation by itself, because
      // keys are read again after it.
      const bool outage = !result.ok() && result.error().code() == ErrorCode::kUnavailable;
      if (outage || barrier_.generation() == generation) return result;
    }
    return Reject(caller, operation,
                  Error(ErrorCode::kUnavailable, "keys or policy kept changing while the call ran: try again"));
  }

  // For a door that cannot read a request: the refusal when the caller may not do the act at all, else `error`;
  // recorded either way.
  Error Reject(const Caller& caller, policy::Operation operation, Error error) const;

  // Mutations: the same, recorded before and after, run once.
  template <typename Act>
  auto Mutate(const Caller& caller, policy::Operation operation, Act&& act) const
      -> decltype(act(std::declval<Unsealed&>(), std::declval<CallRecord&>())) {
    calls_.fetch_add(1, std::memory_order_relaxed);
    CallRecord record = NewRecord(caller, operation);
    COFFER_TRY(Begin(record));
    auto result = Guarded(record, act);
    record.phase = CallRecord::Phase::kResult;
    COFFER_TRY(Finish(record, result));
    return result;
  }

  // Acts on the barrier itself (init, unseal, seal, status), which do not need it open: `act(Barrier&, CallRecord&) ->
  // Result<T>`.
  template <typename Act>
  auto Control(const Caller& caller, policy::Operation operation, Act&& act) const
      -> decltype(act(std::declval<Barrier&>(), std::declval<CallRecord&>())) {
    calls_.fetch_add(1, std::memory_order_relaxed);
    CallRecord record = NewRecord(caller, operation);
    COFFER_TRY(Begin(record));
    using ResultType = decltype(act(barrier_, record));
    ResultType result = record.allowed ? act(barrier_, record) : ResultType(Refusal());
    record.phase = CallRecord::Phase::kResult;
    COFFER_TRY(Finish(record, result));
    return result;
  }

  // Calls so far; tells an idle service.
  std::uint64_t calls() const { return calls_.load(std::memory_order_relaxed); }

  // An act that asks a second person: allowed to one alone only on the admin's unix socket and with a reason of 1 to
  // 200 characters.
  static Status CheckAlone(const Caller& caller, std::string_view reason, CallRecord& record);

 private:
  static constexpr int kMaxAttempts = 4;

  // Authorises: the record says allowed and by which rule.
  CallRecord NewRecord(const Caller& caller, policy::Operation operation) const;
  static Error Refusal();
  // Records the begin of a mutation that is allowed.
  Status Begin(CallRecord& record) const;

  template <typename Act>
  auto Guarded(CallRecord& record, Act& act) const -> decltype(act(std::declval<Unsealed&>(), record)) {
    if (!record.allowed) return Refusal();
    COFFER_ASSIGN_OR_RETURN(const std::shared_ptr<Unsealed> unsealed, barrier_.Enter());
    return act(*unsealed, record);
  }

  template <typename T>
  Status Finish(CallRecord& record, const Result<T>& result) const {
    record.ok = result.ok();
    if (!result.ok()) {
      record.error = result.error().code();
      record.failure = result.error().message();
    }
    return recorder_(record);
  }

  Barrier& barrier_;
  Recorder recorder_;
  mutable std::atomic<std::uint64_t> calls_{0};
};

}  // namespace coffer::keysvc
