// Tails of the audit log: who reads records as they come. A tail holds no records: a slow reader is only behind.
//
// A tail is a pair of records, as a mutation is: a begin, durable before anything is sent, and a result that says how
// many records went out, whatever ended it. Whether its caller may read is decided again before each batch: a tail ends
// when its permission does.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "audit/query_index.h"
#include "keysvc/service/pipeline.h"

namespace coffer::keysvc {

struct TailAsked {
  audit::RecordFilter filter = {};
  bool from_now = true;           // else from filter.from
  std::uint64_t max_records = 0;  // 0: no end
};

// The tails that are open, and which of them wait. Thread-safe.
class AuditTails {
 public:
  static constexpr std::size_t kMaxTails = 16;
  static constexpr std::size_t kMaxOfOneCaller = 4;

  // Takes a place for this principal. kResourceExhausted: it has kMaxOfOneCaller, or all together kMaxTails.
  Status Enter(const std::string& caller);
  void Leave(const void* tail, const std::string& caller);
  // Calls `wake` once, from any thread: when the index has more than `size` records, when Advance is called, or at the
  // end. At once, when that is so already.
  void Wait(const void* tail, const audit::QueryIndex& index, std::uint64_t size, std::function<void()> wake);
  void Advance();
  void End();
  bool ended();

 private:
  Mutex mutex_;
  std::map<const void*, std::function<void()>> waiting_ COFFER_GUARDED_BY(mutex_);
  std::map<std::string, std::size_t> open_of_ COFFER_GUARDED_BY(mutex_);  // by principal, of those that have some
  std::size_t open_ COFFER_GUARDED_BY(mutex_) = 0;
  bool ended_ COFFER_GUARDED_BY(mutex_) = false;
};

// One tail. Not thread-safe: Next, WhenMore and Close in turn.
class AuditTail {
 public:
  static constexpr std::size_t kBatch = 64;  // records
  struct Batch {
    std::vector<audit::IndexedRecord> records;  // at most kBatch; may be none, with more to come
    std::uint64_t next = 0;                     // where the next batch begins
    bool more = false;                          // there is something to look at now
    bool done = false;                          // as many as asked for are out
  };

  // Takes a place that `caller` entered in `tails`. `index` must outlive it.
  AuditTail(std::shared_ptr<AuditTails> tails, std::string caller, audit::QueryIndex& index, TailAsked asked)
      : tails_(std::move(tails)),
        caller_(std::move(caller)),
        index_(index),
        asked_(std::move(asked)),
        next_(asked_.filter.from) {}
  // Closes it, and gives its place back.
  ~AuditTail();
  AuditTail(const AuditTail&) = delete;
  AuditTail& operator=(const AuditTail&) = delete;

  // Its begin was recorded; `last` is the record of its end, which Close completes. `pipeline` must outlive it.
  void Begun(const Pipeline& pipeline, Withheld last);
  // Where its begin is in the log.
  std::uint64_t begin() const { return begin_; }
  // Before the first Next.
  void BeginAt(std::uint64_t index) { next_ = index; }
  // Who calls now; asked after the records were read. kUnauthenticated: nobody any more.
  using CallerNow = std::function<Result<Caller>()>;
  // After Begun. kUnavailable: the service stops, or the index is being made anew. Errors of `caller_now`, and those of
  // a decision (authorisation.h), when the caller may not read any more; the record of the end says so.
  Result<Batch> Next(const CallerNow& caller_now);
  // Calls `wake` once when Next is worth a call.
  void WhenMore(std::function<void()> wake);
  // Records the end: how many records Next has given, and why there are no more. Good: all that was asked for is out,
  // or the reader left. `then` is called once, from any thread, when the record is durable or cannot be; the tail may
  // be destroyed in it. Once; nothing but the destructor is called any more.
  void Close(const Status& outcome, std::function<void(const Pipeline::Verdict&)> then);

 private:
  Status DecideAgain(const CallerNow& caller_now);
  bool AllGiven() const { return asked_.max_records != 0 && given_ >= asked_.max_records; }

  const std::shared_ptr<AuditTails> tails_;
  const std::string caller_;
  audit::QueryIndex& index_;
  const TailAsked asked_;
  std::uint64_t next_;
  std::uint64_t given_ = 0;
  std::uint64_t begin_ = 0;
  const Pipeline* pipeline_ = nullptr;  // set with last_
  Withheld last_;                       // holds a record until Close
};

}  // namespace coffer::keysvc
