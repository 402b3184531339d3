#include "keysvc/audit_indexer.h"

#include <spdlog/spdlog.h>

namespace coffer::keysvc {
namespace {

constexpr std::chrono::seconds kTick{1};
constexpr std::int64_t kFirstRetention = 60'000'000;  // after the start, microseconds
constexpr std::int64_t kRetentionEvery = 3'600'000'000;

}  // namespace

AuditIndexer::AuditIndexer(audit::QueryIndex& index, const Clock& clock, Calls calls)
    : index_(index),
      clock_(clock),
      calls_(std::move(calls)),
      retain_at_us_(clock.MonotonicMicros() + kFirstRetention) {}

Result<std::unique_ptr<AuditIndexer>> AuditIndexer::Start(audit::QueryIndex& index, const Clock& clock, Calls calls) {
  std::unique_ptr<AuditIndexer> indexer(new AuditIndexer(index, clock, std::move(calls)));
  COFFER_ASSIGN_OR_RETURN(indexer->ticker_, Ticker::Start({.interval = kTick, .polite = true}, [raw = indexer.get()] {
                            const bool more = raw->Step();
                            raw->RetainWhenDue();
                            return more;
                          }));
  return indexer;
}

bool AuditIndexer::Step() {
  const std::uint64_t before = index_.size();
  const Result<audit::QueryIndex::Progress> progress = index_.Follow();
  const std::string failure = progress.ok() ? "" : progress.error().ToString();
  if (!failure.empty() && failure != failure_) spdlog::error("the audit log's index: {}", failure);
  failure_ = failure;
  if (progress.ok() && progress->made_anew) {
    spdlog::warn("the audit log's index was damaged or not this log's: it is made anew");
  }
  if (index_.size() != before) calls_.advanced();
  return progress.ok() && progress->more;
}

void AuditIndexer::RetainWhenDue() {
  if (!calls_.retain || clock_.MonotonicMicros() < retain_at_us_) return;
  if (!calls_.retain()) retain_at_us_ = clock_.MonotonicMicros() + kRetentionEvery;
}

}  // namespace coffer::keysvc
