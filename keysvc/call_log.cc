#include "keysvc/call_log.h"

#include <spdlog/spdlog.h>

namespace coffer::keysvc {
namespace {

spdlog::level::level_enum LevelOf(const CallRecord& record) {
  if (!record.ok || record.failed > 0) return spdlog::level::warn;
  return record.phase == CallRecord::Phase::kResult ? spdlog::level::info : spdlog::level::debug;
}

}  // namespace

void LogCall(const CallRecord& record) {
  if (record.phase == CallRecord::Phase::kBegin) return;
  const spdlog::level::level_enum level = LevelOf(record);
  if (!spdlog::should_log(level)) return;
  const std::string_view outcome = record.ok ? "ok" : ErrorCodeName(record.error);
  spdlog::log(level, "{} by {} object={} tenant={} items={} failed={} unmatched={} rule={} outcome={}{}{}{}{}",
              policy::OperationName(record.operation), record.principal, record.object, record.tenant, record.items,
              record.failed, record.unmatched, record.rule, outcome, record.failure.empty() ? "" : ": ", record.failure,
              record.alone_reason.empty() ? "" : " alone: ", record.alone_reason);
}

}  // namespace coffer::keysvc
