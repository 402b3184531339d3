#include "keysvc/audit_indexer.h"

#include <chrono>
#include <sys/resource.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

namespace coffer::keysvc {
namespace {

constexpr std::chrono::seconds kTick{1};
constexpr int kNiceness = 10;

}  // namespace

AuditIndexer::AuditIndexer(audit::QueryIndex& index, std::function<void()> advanced)
    : index_(index), advanced_(std::move(advanced)), thread_([this] { Run(); }) {}

AuditIndexer::~AuditIndexer() {
  {
    const Lock held(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
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
  if (index_.size() != before) advanced_();
  return progress.ok() && progress->more;
}

void AuditIndexer::Run() {
  // Linux gives each thread its own niceness. Without it the work is only less polite.
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness));
  while (true) {
    const bool more = Step();
    const Lock held(mutex_);
    if (!stopping_ && !more) changed_.wait_for(mutex_, kTick);
    if (stopping_) return;
  }
}

}  // namespace coffer::keysvc
