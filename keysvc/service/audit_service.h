// AuditService: the audit log read: who did what, and the proofs that the log is whole. Through the pipeline like every
// call, so reading is recorded too; the record holds how much was found, never what was looked for.
//
// A record that no checkpoint signs yet is proved by signing one at once, so that nobody has to ask again: at most one
// every kForcedEvery, whatever the number of callers. Who comes in between waits for the next, which serves all who
// wait, or is served by the log's own, once a second. Nothing else here makes the log sign.
#pragma once

#include <chrono>

#include "audit/query_index.h"
#include "audit/tlog_proof.h"
#include "keysvc/service/audit_service_tails.h"
#include "keysvc/service/pipeline.h"

namespace coffer::keysvc {

struct RecordsAsked {
  audit::RecordFilter filter = {};
  bool oldest_first = false;
  std::uint32_t page_size = 0;  // 0 means 100, at most 1,000
  std::string page_token = {};
};

struct RecordsFound {
  std::vector<audit::IndexedRecord> records;
  std::string next;  // the page token of the next page; empty on the last
};

struct LogHead {
  std::string origin;
  std::string vkey;
  SignedNote note;
  audit::TreeHead signed_head;  // what the note says
  std::uint64_t durable_size = 0;
  std::uint64_t indexed_size = 0;
  std::uint64_t oldest_index = 0;  // of what retention has kept
};

struct ConsistencyProved {
  audit::Growth growth;
  audit::Proof proof;
};

struct RecordProved {
  audit::TlogProof proof;
  Bytes record;
};

// Thread-safe. kUnavailable of all that asks the index: it is not open, or is being made anew.
class AuditService {
 public:
  static constexpr std::size_t kMaxName = 1'024;  // bytes of a principal or an object in a filter
  static constexpr std::chrono::milliseconds kForcedEvery{100};

  // All must outlive it.
  AuditService(const Pipeline& pipeline, audit::Log& log, audit::QueryIndex& index)
      : pipeline_(pipeline), log_(log), index_(index), tails_(std::make_shared<AuditTails>()) {}

  Result<RecordsFound> Query(const Caller& caller, const RecordsAsked& asked) const;
  Result<audit::RecordGroups> Aggregate(const Caller& caller, const audit::RecordFilter& filter,
                                        const std::vector<audit::GroupBy>& by) const;
  // Records from `filter.from` on, or those that come. kResourceExhausted: AuditTails::Enter. `caller.withheld` must be
  // set: a refusal's record is left there; nothing is when the tail begins, which then has a record of its own to close
  // it.
  Result<std::unique_ptr<AuditTail>> Tail(const Caller& caller, const TailAsked& asked) const;

  // kUnavailable: there is none for now. The log signs one within a second.
  Result<LogHead> Checkpoint(const Caller& caller) const;
  // `growth.to` 0: what the last checkpoint signs.
  Result<ConsistencyProved> ProveConsistency(const Caller& caller, audit::Growth growth) const;
  // kNotFound: dropped by retention. May wait for kForcedEvery. kUnavailable: as Checkpoint, or nothing can be signed.
  Result<RecordProved> ProveRecord(const Caller& caller, std::uint64_t index) const;

  // The index took records: tails look again.
  void Advance() { tails_->Advance(); }
  // The service stops: every tail ends with kUnavailable.
  void EndTails() { tails_->End(); }

  // Pipeline::Reject.
  Error Reject(const Caller& caller, policy::Operation operation, Error error) const {
    return pipeline_.Reject(caller, operation, std::move(error));
  }

 private:
  Result<std::pair<SignedNote, audit::TreeHead>> LastSigned() const;
  // Until a checkpoint signs this record, which is durable.
  Status Sign(std::uint64_t index) const COFFER_EXCLUDES(forcing_mutex_);

  const Pipeline& pipeline_;
  audit::Log& log_;
  audit::QueryIndex& index_;
  const std::shared_ptr<AuditTails> tails_;
  mutable Mutex forcing_mutex_;  // before the log's own
  mutable Condition forcing_turn_;
  mutable std::optional<std::chrono::steady_clock::time_point> forced_ COFFER_GUARDED_BY(forcing_mutex_);  // last time
};

}  // namespace coffer::keysvc
