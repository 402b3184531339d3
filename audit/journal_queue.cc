#include "audit/journal_queue.h"

namespace coffer::audit {

void Batch::Add(ByteView record, const Digest& leaf, RecordClass who, Completion done) {
  frame_.Add(record);
  leaves_.push_back(leaf);
  classes_.push_back(who);
  completions_.push_back(std::move(done));
  has_ordinary_ = has_ordinary_ || who == RecordClass::kOrdinary;
}

void Batch::Clear() {
  frame_.Clear();
  leaves_.clear();
  classes_.clear();
  completions_.clear();
  has_ordinary_ = false;
}

std::vector<Completion> Batch::DropOrdinary() {
  Batch kept;
  std::vector<Completion> dropped;
  RecordWalk walk(frame_.records());
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    const std::optional<ByteView> record = walk.Next();
    COFFER_CHECK(record.has_value());
    if (classes_[i] == RecordClass::kOrdinary) {
      dropped.push_back(std::move(completions_[i]));
    } else {
      kept.Add(*record, leaves_[i], classes_[i], std::move(completions_[i]));
    }
  }
  *this = std::move(kept);
  return dropped;
}

AppendQueue::AppendQueue(std::size_t max_records, std::size_t max_bytes)
    : max_records_(max_records), max_bytes_(max_bytes) {
  COFFER_CHECK(max_records <= kMaxFrameRecords && max_bytes <= kMaxFrameRecordsBytes);
}

Status AppendQueue::Push(ByteView record, const Digest& leaf, RecordClass who, Completion& done) {
  bool first = false;
  {
    const Lock lock(mutex_);
    if (closed_) return *closed_;
    if (unanswered() >= max_records_ || !waiting_.frame().HasRoomFor(record.size(), max_bytes_)) {
      return Error(ErrorCode::kUnavailable, "too many audit records wait for the disk");
    }
    unanswered_.fetch_add(1, std::memory_order_relaxed);
    first = waiting_.empty();
    waiting_.Add(record, leaf, who, std::move(done));
  }
  if (first) not_empty_.notify_one();
  return {};
}

bool AppendQueue::Pop(Batch& batch) {
  COFFER_CHECK(batch.empty());
  const Lock lock(mutex_);
  while (waiting_.empty()) {
    if (closed_) return false;
    not_empty_.wait(mutex_);
  }
  std::swap(waiting_, batch);
  return true;
}

void AppendQueue::Close(Error reason) {
  const Lock lock(mutex_);
  if (!closed_) closed_ = std::move(reason);
  not_empty_.notify_one();
}

}  // namespace coffer::audit
