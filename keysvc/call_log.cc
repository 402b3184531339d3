#include "keysvc/call_log.h"

#include <spdlog/spdlog.h>

namespace coffer::keysvc {
namespace {

// What nobody may miss: an emergency's beginning, end and review.
bool IsLoud(const CallRecord& record) {
  if (!record.ok) return false;
  return record.operation == policy::Operation::kBreakGlass ||
         record.operation == policy::Operation::kReviewBreakGlass ||
         (record.operation == policy::Operation::kRevokeGrant && record.object == policy::kBreakGlassRule);
}

spdlog::level::level_enum LevelOf(const CallRecord& record) {
  if (!record.ok || record.failed > 0 || IsLoud(record)) return spdlog::level::warn;
  return record.phase == CallRecord::Phase::kResult ? spdlog::level::info : spdlog::level::debug;
}

}  // namespace

bool CallLog::Admit() {
  const std::int64_t second = clock_.MonotonicMicros() / kMicrosPerSecond;
  std::int64_t unsaid = 0;
  bool admitted = true;
  {
    const Lock held(mutex_);
    if (second != second_) {
      unsaid = lines_ - kMaxFailures;
      second_ = second;
      lines_ = 0;
    }
    admitted = ++lines_ <= kMaxFailures;
  }
  if (unsaid > 0) spdlog::warn("{} more calls that failed or were refused are in the audit log only", unsaid);
  return admitted;
}

void CallLog::Note(const CallRecord& record) {
  if (record.phase == CallRecord::Phase::kBegin) return;
  const spdlog::level::level_enum level = LevelOf(record);
  if (!spdlog::should_log(level) || (level == spdlog::level::warn && !IsLoud(record) && !Admit())) return;
  const std::string_view outcome = record.ok ? "ok" : ErrorCodeName(record.error);
  spdlog::log(level, "{} by {} object={} tenant={} items={} failed={} unmatched={} rule={} outcome={}{}{}{}{}",
              policy::OperationName(record.operation), record.principal, record.object, record.tenant, record.items,
              record.failed, record.unmatched, record.rule, outcome, record.failure.empty() ? "" : ": ", record.failure,
              record.reason.empty() ? "" : " because: ", record.reason);
}

}  // namespace coffer::keysvc
