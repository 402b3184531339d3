// Tails of the audit log: who reads records as they come. A tail holds no records: a slow reader is only behind.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "audit/query_index.h"

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

  // False: there are kMaxTails.
  bool Enter();
  void Leave(const void* tail);
  // Calls `wake` once, from any thread: when the index has more than `size` records, when Advance is called, or at the
  // end. At once, when that is so already.
  void Wait(const void* tail, const audit::QueryIndex& index, std::uint64_t size, std::function<void()> wake);
  void Advance();
  void End();
  bool ended();

 private:
  Mutex mutex_;
  std::map<const void*, std::function<void()>> waiting_ COFFER_GUARDED_BY(mutex_);
  std::size_t open_ COFFER_GUARDED_BY(mutex_) = 0;
  bool ended_ COFFER_GUARDED_BY(mutex_) = false;
};

// One tail. Not thread-safe: Next and WhenMore in turn.
class AuditTail {
 public:
  static constexpr std::size_t kBatch = 64;  // records
  struct Batch {
    std::vector<audit::IndexedRecord> records;  // at most kBatch; may be none, with more to come
    std::uint64_t next = 0;                     // where the next batch begins
    bool more = false;                          // there is something to look at now
    bool done = false;                          // as many as asked for are out
  };

  // Takes a place that was entered in `tails`. `index` must outlive it.
  AuditTail(std::shared_ptr<AuditTails> tails, audit::QueryIndex& index, TailAsked asked)
      : tails_(std::move(tails)), index_(index), asked_(std::move(asked)), next_(asked_.filter.from) {}
  ~AuditTail();
  AuditTail(const AuditTail&) = delete;
  AuditTail& operator=(const AuditTail&) = delete;

  // Before the first Next.
  void BeginAt(std::uint64_t index) { next_ = index; }
  // kUnavailable: the service stops, or the index is being made anew.
  Result<Batch> Next();
  // Calls `wake` once when Next is worth a call.
  void WhenMore(std::function<void()> wake);

 private:
  const std::shared_ptr<AuditTails> tails_;
  audit::QueryIndex& index_;
  const TailAsked asked_;
  std::uint64_t next_;
  std::uint64_t given_ = 0;
};

}  // namespace coffer::keysvc
