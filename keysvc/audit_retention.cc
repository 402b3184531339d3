#include "keysvc/audit_retention.h"

#include <spdlog/spdlog.h>

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kMicrosPerDay = 86'400'000'000;
constexpr std::int64_t kMaxAheadUs = 300'000'000;  // what clocks are corrected by

}  // namespace

// A month whose names could not be taken out of the index is out of its key all the same; the index forgets them when
// it is opened the next time.
Status AuditRetention::ErasePeople(std::int64_t now_us) {
  if (options_.people_days == 0) return {};
  COFFER_ASSIGN_OR_RETURN(const std::vector<audit::Month> months, log_.month_keys().All());
  for (const audit::Month month : months) {
    if (audit::EndOfMonth(month) + options_.people_days * kMicrosPerDay > now_us) return {};
    COFFER_TRY(index_.EraseMonth(month));
    spdlog::info("audit log: people's names of month {} were erased", month);
  }
  return {};
}

Result<bool> AuditRetention::DropRecords(std::int64_t now_us) {
  if (options_.records_days == 0) return false;
  audit::PruneLimits limits{.before_us = now_us - options_.records_days * kMicrosPerDay};
  if (options_.below) limits.below = options_.below();
  COFFER_ASSIGN_OR_RETURN(const audit::Pruned pruned, log_.Prune(limits));
  if (pruned.records > 0) {
    spdlog::info("audit log: {} records were dropped, the oldest one is now {}", pruned.records, log_.oldest());
  }
  return pruned.more;
}

// Records get no time before the newest one: behind one of the future nothing grows old before that future is over.
Status AuditRetention::CheckTimes() const {
  if (options_.records_days == 0 || log_.Ahead() <= kMaxAheadUs) return {};
  return Error(ErrorCode::kFailedPrecondition,
               "the newest record is of a time that is not yet: the clock was once set forward, and records since then "
               "are not dropped before that time");
}

bool AuditRetention::Pass() {
  const std::int64_t now_us = log_.RetentionNow();
  const Status times = CheckTimes();
  const Status erased = ErasePeople(now_us);
  const Result<bool> more = DropRecords(now_us);
  std::string failure;
  for (const Status& status : {times, erased, more.ok() ? Status() : Status(more.error())}) {
    if (!status.ok()) failure += (failure.empty() ? "" : "; ") + status.error().ToString();
  }
  if (!failure.empty() && failure != failure_) spdlog::error("the audit log's retention: {}", failure);
  failure_ = failure;
  return more.ok() && *more;
}

}  // namespace coffer::keysvc
