// The one pipeline, for every RPC: authenticate -> authorise -> act -> record durable -> release.
//
// The doors (rpc/) authenticate and hand in a Caller. Nothing leaves before its record, with the real outcome, is on
// disk; a mutation is recorded before and after. Before a read is released, one generation number (seal, key states,
// catalogs, policy) is compared: if it moved, the decision is made and the act done again.
//
// The policy decides twice: here, before the act, whether the caller may do such a thing at all; and in the act
// (authorisation.h), once it is known what it is about. An operation that rules do not narrow is decided here.
//
// Who has many callers does not wait: with Caller::withheld set, a call's last record is left there, and Release has it
// recorded and tells when the reply may go. Without it the calls below wait.
#pragma once

#include <atomic>
#include <functional>

#include "keysvc/service/authorisation.h"

namespace coffer::keysvc {

// Told once, from any thread: the record's index in the log when it is durable, or why it is not.
using OnRecorded = std::function<void(Result<std::uint64_t>)>;
// Takes a record. Thread-safe. The seat of the audit log.
using Recorder = std::function<void(const CallRecord&, OnRecorded)>;
// One that is asked and has answered at once.
Recorder Immediately(std::function<Status(const CallRecord&)> take);

// Thread-safe.
class Pipeline {
 public:
  // `barrier` must outlive it.
  Pipeline(Barrier& barrier, Recorder recorder)
      : barrier_(barrier), recorder_(std::move(recorder)), spent_(barrier.clock()) {}

  // Reads: `act(Unsealed&, CallRecord&) -> Result<T>`. May run more than once, so it must be free of effects that a
  // second run would double, but for those that CallSoFar remembers. The record says what the request is about until
  // the act says it better.
  template <typename Act>
  auto Read(const Caller& caller, policy::Operation operation, Act&& act, const Subject& subject = {}) const
      -> decltype(act(std::declval<Unsealed&>(), std::declval<CallRecord&>())) {
    calls_.fetch_add(1, std::memory_order_relaxed);
    CallSoFar so_far = caller.so_far;
    for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
      const std::uint64_t generation = barrier_.generation();
      CallRecord record = NewRecord(caller, operation, subject);
      record.so_far = std::move(so_far);
      auto result = Guarded(record, act);
      // An outage is not a decision that could have changed; a failed commit moves the generation by itself, because
      // keys are read again after it.
      const bool outage = !result.ok() && result.error().code() == ErrorCode::kUnavailable;
      Note(record, result);
      if (caller.withheld != nullptr) {
        Withhold(caller, std::move(record), outage ? std::nullopt : std::optional(generation));
        return result;
      }
      COFFER_TRY(Record(record));
      if (outage || barrier_.generation() == generation) return result;
      so_far = std::move(record.so_far);
    }
    return Reject(caller, operation, KeptChanging());
  }

  // For a door that cannot read a request: the refusal when the caller may not do the act at all, else `error`;
  // recorded either way.
  Error Reject(const Caller& caller, policy::Operation operation, Error error) const;

  // Mutations: the same, recorded before and after, run once.
  template <typename Act>
  auto Mutate(const Caller& caller, policy::Operation operation, Act&& act, const Subject& subject = {}) const
      -> decltype(act(std::declval<Unsealed&>(), std::declval<CallRecord&>())) {
    calls_.fetch_add(1, std::memory_order_relaxed);
    CallRecord record = NewRecord(caller, operation, subject);
    COFFER_TRY(Begin(record));
    auto result = Guarded(record, act, Runs::kOnce);
    COFFER_TRY(End(caller, std::move(record), result));
    return result;
  }

  // Acts on the barrier itself (init, unseal, seal, status), which do not need it open: `act(Barrier&, CallRecord&) ->
  // Result<T>`.
  template <typename Act>
  auto Control(const Caller& caller, policy::Operation operation, Act&& act, const Subject& subject = {}) const
      -> decltype(act(std::declval<Barrier&>(), std::declval<CallRecord&>())) {
    calls_.fetch_add(1, std::memory_order_relaxed);
    CallRecord record = NewRecord(caller, operation, subject);
    COFFER_TRY(Begin(record));
    auto result = Controlled(record, act);
    NoteOpenStore(record);
    COFFER_TRY(End(caller, std::move(record), result));
    return result;
  }

  // The same for acts that change nothing: recorded once.
  template <typename Act>
  auto Look(const Caller& caller, policy::Operation operation, Act&& act) const
      -> decltype(act(std::declval<Barrier&>(), std::declval<CallRecord&>())) {
    calls_.fetch_add(1, std::memory_order_relaxed);
    CallRecord record = NewRecord(caller, operation, {});
    auto result = Controlled(record, act);
    COFFER_TRY(End(caller, std::move(record), result));
    return result;
  }

  // What became of a withheld reply.
  struct Verdict {
    enum class Kind : std::uint8_t {
      kGo,      // the record is durable
      kAgain,   // what was decided may not hold any more: do the call again
      kRefuse,  // the record could not be written
    };
    Kind kind = Kind::kGo;
    std::uint64_t index = 0;     // kGo: the record's
    std::optional<Error> error;  // kRefuse
  };
  // `then` is called once, from any thread. `withheld` holds a record.
  void Release(const Withheld& withheld, std::function<void(const Verdict&)> then) const;
  // For a call that goes on after it was let in: decides again whether it may, by the policy of now and as of who calls
  // now, and notes that in `record`. What the call takes of the caller's limits it keeps. For operations that rules do
  // not narrow.
  Status DecideAgain(const Caller& caller, CallRecord& record) const;
  // For a call that was done again kMaxAttempts times.
  static Error KeptChanging();
  static constexpr int kMaxAttempts = 4;

  // Calls so far; tells an idle service.
  std::uint64_t calls() const { return calls_.load(std::memory_order_relaxed); }

 private:
  // Of who asks for what; nothing is decided.
  CallRecord RecordOf(const Caller& caller, policy::Operation operation) const;
  // Authorises: the record says by which rule, and whether that is the last word.
  CallRecord NewRecord(const Caller& caller, policy::Operation operation, const Subject& subject) const;
  static void Decide(CallRecord& record);
  // Right before the act, once a store is open: what rules do not narrow and others have to approve is decided as a
  // whole.
  static Status AuthoriseWhole(CallRecord& record, Unsealed& unsealed);
  // The same where the store is opened only for that. kUnavailable: another policy was applied since.
  Status AuthoriseOpen(CallRecord& record) const;
  // kPermissionDenied, or what is wrong with the claims.
  static Status Admit(const CallRecord& record);
  // Records the begin of a mutation that is allowed, and waits.
  Status Begin(CallRecord& record) const;
  // Records, and waits until it is durable.
  Result<std::uint64_t> Wait(const CallRecord& record) const;
  Status Record(const CallRecord& record) const;
  static void Withhold(const Caller& caller, CallRecord record, std::optional<std::uint64_t> generation);

  // What runs once is not decided again when the policy changes: it is refused when that was before it ran.
  enum class Runs : std::uint8_t { kOnce, kAgain };
  template <typename Act>
  auto Guarded(CallRecord& record, Act& act, Runs runs = Runs::kAgain) const
      -> decltype(act(std::declval<Unsealed&>(), record)) {
    COFFER_TRY(Admit(record));
    COFFER_ASSIGN_OR_RETURN(const std::shared_ptr<Unsealed> unsealed, barrier_.Enter());
    if (runs == Runs::kOnce && unsealed->policies->view() != record.policy) return PolicyChanged();
    const Status authorised = AuthoriseWhole(record, *unsealed);
    decltype(act(*unsealed, record)) result = authorised.ok() ? act(*unsealed, record) : authorised.error();
    NoteStore(*unsealed, record);
    if (result.ok() && !record.decided) return Undecided();
    return result;
  }
  template <typename Act>
  auto Controlled(CallRecord& record, Act& act) const -> decltype(act(std::declval<Barrier&>(), record)) {
    COFFER_TRY(Admit(record));
    COFFER_TRY(AuthoriseOpen(record));
    decltype(act(std::declval<Barrier&>(), record)) result = act(barrier_, record);
    if (result.ok() && !record.decided) return Undecided();
    return result;
  }
  // An act that forgot to ask whether it is allowed: a defect, and nothing is released.
  static Error Undecided();
  static void NoteStore(const Unsealed& unsealed, CallRecord& record);
  // The same of the store that is open now, if one is.
  void NoteOpenStore(CallRecord& record) const;

  template <typename T>
  static void Note(CallRecord& record, const Result<T>& result) {
    record.ok = result.ok();
    if (result.ok()) return;
    record.error = result.error().code();
    record.failure = result.error().message();
  }

  // The last record of what runs once.
  template <typename T>
  Status End(const Caller& caller, CallRecord record, const Result<T>& result) const {
    if (record.phase == CallRecord::Phase::kBegin) record.phase = CallRecord::Phase::kResult;
    Note(record, result);
    if (caller.withheld == nullptr) return Record(record);
    Withhold(caller, std::move(record), std::nullopt);
    return {};
  }

  Barrier& barrier_;
  Recorder recorder_;
  mutable PrincipalLimits spent_;
  mutable std::atomic<std::uint64_t> calls_{0};
};

}  // namespace coffer::keysvc
