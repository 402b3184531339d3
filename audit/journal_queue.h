// AppendQueue: where records wait for the journal's writer, in one buffer that is a frame already.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "audit/completion.h"
#include "audit/frame.h"
#include "audit/journal_spares.h"
#include "io/mutex.h"

namespace coffer::audit {

// Records of one frame in the order in which they came. Not thread-safe.
class Batch {
 public:
  void Add(ByteView record, const Digest& leaf, RecordClass who, Completion done);
  // Keeps the memory.
  void Clear();
  // Takes the ordinary records out and gives their completions.
  std::vector<Completion> DropOrdinary();

  bool empty() const { return leaves_.empty(); }
  bool has_ordinary() const { return has_ordinary_; }
  FrameBuilder& frame() { return frame_; }
  const FrameBuilder& frame() const { return frame_; }
  const std::vector<Digest>& leaves() const { return leaves_; }
  std::vector<Completion> TakeCompletions() { return std::exchange(completions_, {}); }

 private:
  FrameBuilder frame_;
  std::vector<Digest> leaves_;
  std::vector<RecordClass> classes_;
  std::vector<Completion> completions_;
  bool has_ordinary_ = false;
};

// Thread-safe, for one thread that pops.
class AppendQueue {
 public:
  // Holds at most `max_bytes` of records with their sizes. `max_records` bounds those that are not answered yet,
  // whether they wait here or elsewhere.
  AppendQueue(std::size_t max_records, std::size_t max_bytes);

  // On failure `done` is left alone. kUnavailable: full. After Close: its error.
  Status Push(ByteView record, const Digest& leaf, RecordClass who, Completion& done) COFFER_EXCLUDES(mutex_);
  // Waits for records and swaps them with `batch`, which is empty. False: closed, and nothing is left.
  bool Pop(Batch& batch) COFFER_EXCLUDES(mutex_);
  // Takes nothing more. The first reason counts.
  void Close(Error reason) COFFER_EXCLUDES(mutex_);

  // One record more was answered.
  void Answered() { unanswered_.fetch_sub(1, std::memory_order_relaxed); }
  std::size_t unanswered() const { return unanswered_.load(std::memory_order_relaxed); }

 private:
  const std::size_t max_records_;
  const std::size_t max_bytes_;
  std::atomic<std::size_t> unanswered_ = 0;

  Mutex mutex_;
  Condition not_empty_;
  Batch waiting_ COFFER_GUARDED_BY(mutex_);
  std::optional<Error> closed_ COFFER_GUARDED_BY(mutex_);
};

}  // namespace coffer::audit
