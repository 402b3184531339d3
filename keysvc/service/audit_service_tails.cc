#include "keysvc/service/audit_service_tails.h"

#include <algorithm>
#include <utility>

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kLookUs = 200'000;  // one look of one tail

}  // namespace

Status AuditTails::Enter(const std::string& caller) {
  const Lock held(mutex_);
  const auto of_caller = open_of_.find(caller);
  if (of_caller != open_of_.end() && of_caller->second >= kMaxOfOneCaller) {
    return Error(ErrorCode::kResourceExhausted, "as many tails as one caller may have run already")
        .WithLimit(kMaxOfOneCaller);
  }
  if (open_ == kMaxTails) {
    return Error(ErrorCode::kResourceExhausted, "as many tails as are allowed run already").WithLimit(kMaxTails);
  }
  ++open_of_[caller];
  ++open_;
  return {};
}

void AuditTails::Leave(const void* tail, const std::string& caller) {
  const Lock held(mutex_);
  waiting_.erase(tail);
  const auto of_caller = open_of_.find(caller);
  COFFER_CHECK(of_caller != open_of_.end() && open_ > 0);
  if (--of_caller->second == 0) open_of_.erase(of_caller);
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

AuditTail::~AuditTail() {
  if (last_.record) Close({}, [](const Pipeline::Verdict&) {});
  tails_->Leave(this, caller_);
}

void AuditTail::Begun(const Pipeline& pipeline, Withheld last) {
  COFFER_CHECK(last.record.has_value() && last.record->begin.has_value());
  pipeline_ = &pipeline;
  begin_ = *last.record->begin;
  last_ = std::move(last);
}

void AuditTail::Close(const Status& outcome, std::function<void(const Pipeline::Verdict&)> then) {
  COFFER_CHECK(last_.record.has_value());
  Withheld last = std::exchange(last_, {});
  CallRecord& record = *last.record;
  record.items = given_;
  record.ok = outcome.ok();
  if (!outcome.ok()) {
    record.error = outcome.error().code();
    record.failure = outcome.error().message();
  } else if (!AllGiven()) {
    record.failure = "the reader left";
  }
  // The log names the store of now: that of the begin may be another by then.
  record.store = {};
  record.store_epoch = 0;
  pipeline_->Release(last, std::move(then));
}

// The record of the end names the last decision.
Status AuditTail::DecideAgain(const CallerNow& caller_now) {
  const Result<Caller> caller = caller_now();
  if (caller.ok()) return pipeline_->DecideAgain(*caller, *last_.record);
  last_.record->allowed = false;
  return caller.error();
}

Result<AuditTail::Batch> AuditTail::Next(const CallerNow& caller_now) {
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
  COFFER_TRY(DecideAgain(caller_now));
  next_ = page.next.value_or(size);
  given_ += page.records.size();
  batch.records = std::move(page.records);
  batch.next = next_;
  batch.more = page.next.has_value();
  batch.done = AllGiven();
  return batch;
}

void AuditTail::WhenMore(std::function<void()> wake) { tails_->Wait(this, index_, next_, std::move(wake)); }

}  // namespace coffer::keysvc
