#include "keysvc/rpc/refused_identities.h"

#include <spdlog/spdlog.h>

namespace coffer::keysvc {
namespace {

constexpr char kOperation[] = "Authenticate";  // No policy::Operation: nobody may do or not do it.
constexpr char kRule[] = "authenticate";
constexpr char kOtherFailures[] = "for other reasons";

}  // namespace

void RefusedIdentities::Note(RefusedIdentity refused) {
  Kind kind{refused.authentication, std::move(refused.role), std::move(refused.failure)};
  const Lock held(mutex_);
  if (kinds_.size() >= kMaxKinds && !kinds_.contains(kind)) kind.failure = kOtherFailures;
  Unwritten& unwritten = kinds_[std::move(kind)];
  if (unwritten.count++ == 0) unwritten.peer = std::move(refused.peer);
}

void RefusedIdentities::Flush(audit::Log& log, std::int64_t now_us) {
  for (const auto& [kind, due] : TakeDue(now_us)) Write(log, kind, due);
}

void RefusedIdentities::FlushAll(audit::Log& log) {
  for (const auto& [kind, due] : TakeDue(std::nullopt)) Write(log, kind, due);
}

RefusedIdentities::Due RefusedIdentities::TakeDue(std::optional<std::int64_t> now_us) {
  Due due;
  const Lock held(mutex_);
  for (auto& [kind, unwritten] : kinds_) {
    const bool too_early = now_us && unwritten.written_us && *now_us - *unwritten.written_us < kIntervalUs;
    if (unwritten.count == 0 || too_early) continue;
    due.emplace(kind, unwritten);
    unwritten = {.count = 0, .peer = {}, .written_us = now_us};
  }
  return due;
}

void RefusedIdentities::Write(audit::Log& log, const Kind& kind, const Unwritten& due) {
  const std::string_view tried = audit::AuthenticationName(kind.authentication);
  spdlog::warn("{} by {} role={} refused={} outcome={}: {}", kOperation, tried, kind.role, due.count,
               ErrorCodeName(ErrorCode::kUnauthenticated), kind.failure);
  audit::Record record;
  record.type = audit::RecordType::kDenied;
  record.authentication = kind.authentication;
  record.role = kind.role;
  record.operation = kOperation;
  record.items = due.count;
  record.rule = kRule;
  record.outcome = ErrorCodeName(ErrorCode::kUnauthenticated);
  record.failure = kind.failure;
  record.personal.peer = due.peer;
  log.Append(std::move(record), [this, kind, due](const Result<std::uint64_t>& index) {
    if (index.ok()) return;
    const Lock held(mutex_);
    Unwritten& unwritten = kinds_[kind];
    unwritten.count += due.count;
    unwritten.peer = due.peer;
  });
}

}  // namespace coffer::keysvc
