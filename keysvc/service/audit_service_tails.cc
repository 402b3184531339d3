#include "keysvc/service/audit_service_tails.h"

#include <algorithm>

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kLookUs = 200'000;  // one look of one tail

}  // namespace

bool AuditTails::Enter() {
  const Lock held(mutex_);
  if (open_ == kMaxTails) return false;
  ++open_;
  return true;
}

void AuditTails::Leave(const void* tail) {
  const Lock held(mutex_);
  waiting_.erase(tail);
  --open_;
}

void AuditTails::Wait(const void* tail, const audit::QueryIndex& index, std::uint64_t size,
                      std::function<void()> wake) {
  {
    const Lock held(mutex_);
    // Advance is called after the index has grown: either this sees it, or Advance sees this.
    if (!ended_ && index.size() <= size) {
      waiting_[tail] = std::move(wake);
      return;
    }
  }
  wake();
}

void AuditTails::Advance() {
  std::map<const void*, std::function<void()>> woken;
  {
    const Lock held(mutex_);
    woken.swap(waiting_);
  }
  for (const auto& [tail, wake] : woken) wake();
}

void AuditTails::End() {
  {
    const Lock held(mutex_);
    ended_ = true;
  }
  Advance();
}

bool AuditTails::ended() {
  const Lock held(mutex_);
  return ended_;
}

AuditTail::~AuditTail() { tails_->Leave(this); }

Result<AuditTail::Batch> AuditTail::Next() {
  if (tails_->ended()) return Error(ErrorCode::kUnavailable, "the service is stopping: try again later");
  Batch batch{.records = {}, .next = next_, .more = false, .done = false};
  const std::uint64_t size = index_.size();
  if (size <= next_) return batch;  // It may be smaller for a while, when the index is made anew.
  audit::RecordQuery query{.filter = asked_.filter, .oldest_first = true, .max_records = kBatch, .max_us = kLookUs};
  query.filter.from = next_;
  query.filter.to = size;
  if (asked_.max_records != 0) {
    query.max_records = static_cast<std::size_t>(std::min<std::uint64_t>(kBatch, asked_.max_records - given_));
  }
  COFFER_ASSIGN_OR_RETURN(audit::RecordPage page, index_.Search(query));
  next_ = page.next.value_or(size);
  given_ += page.records.size();
  batch.records = std::move(page.records);
  batch.next = next_;
  batch.more = page.next.has_value();
  batch.done = asked_.max_records != 0 && given_ >= asked_.max_records;
  return batch;
}

void AuditTail::WhenMore(std::function<void()> wake) { tails_->Wait(this, index_, next_, std::move(wake)); }

}  // namespace coffer::keysvc
