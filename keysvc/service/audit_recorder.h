// AuditRecorder: what the pipeline hands in, as records of the audit log.
//
// A refusal by the policy is recorded like any call; the same refusal to the same caller more than ten times a second
// is recorded once for all of them, and their replies wait for that record: nobody fills the log by asking.
#pragma once

#include "audit/log.h"
#include "io/mutex.h"
#include "keysvc/service/pipeline.h"

namespace coffer::keysvc {

// Thread-safe.
class AuditRecorder {
 public:
  static constexpr std::uint64_t kDeniedASecond = 10;  // of one caller, operation and object, each with its own record
  static constexpr std::size_t kMaxHeld = 4'096;       // replies that wait for a record of several

  // Both must outlive it.
  AuditRecorder(audit::Log& log, const Clock& clock) : log_(log), clock_(clock) {}
  // Flushes all.
  ~AuditRecorder();

  // The pipeline's Recorder.
  void Take(const CallRecord& record, OnRecorded recorded);
  // What the service does by itself: a begin before it, whose index this gives, and a result. Both wait until the
  // record is durable; an error means that it must not be done.
  struct OwnAct {
    std::string_view operation;  // "Unseal", "RotateDue"
    std::string object = {};
    StoreUuid store = {};
    StoreEpoch store_epoch = {};
  };
  // A record of its own: of what the service noticed.
  Status NoteOwn(const OwnAct& act);
  Result<std::uint64_t> BeginOwn(const OwnAct& act, audit::RecordClass who = audit::RecordClass::kOrdinary);
  // `outcome`'s message is a literal.
  Status EndOwn(const OwnAct& act, std::uint64_t begin, const Status& outcome);
  // Records the refusals of seconds that are over. To be called some times a second.
  void Flush();

 private:
  struct Denied {
    audit::Record record;
    std::int64_t since_us = 0;  // monotonic
    std::uint64_t count = 0;    // in this second
    std::vector<OnRecorded> held;
  };
  // True: the refusal waits with others of its kind.
  bool Hold(const CallRecord& call, const audit::Record& record, OnRecorded& recorded) COFFER_EXCLUDES(mutex_);
  void FlushOlderThan(std::int64_t age_us) COFFER_EXCLUDES(mutex_);

  audit::Log& log_;
  const Clock& clock_;
  Mutex mutex_;
  std::map<std::string, Denied> denied_ COFFER_GUARDED_BY(mutex_);
  std::size_t held_ COFFER_GUARDED_BY(mutex_) = 0;
};

}  // namespace coffer::keysvc
