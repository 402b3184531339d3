#include "keysvc/service/audit_recorder.h"

#include <algorithm>

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::size_t kMaxKinds = 1'024;  // of refusals that are counted at once

audit::RecordType TypeOf(CallRecord::Phase phase) {
  switch (phase) {
    case CallRecord::Phase::kBegin:
      return audit::RecordType::kBegin;
    case CallRecord::Phase::kResult:
      return audit::RecordType::kResult;
    case CallRecord::Phase::kCall:
      break;
  }
  return audit::RecordType::kCall;
}

// What an administrator on the host must be able to do while the disk is full. Nobody else has a part of the reserve:
// it is small.
bool MayUseReserve(const CallRecord& call) {
  if (!call.allowed || call.role != policy::Role::kAdmin) return false;
  if (call.authentication != audit::Authentication::kUnixSocket) return false;
  switch (call.operation) {
    case policy::Operation::kInitStore:
    case policy::Operation::kUnseal:
    case policy::Operation::kSeal:
    case policy::Operation::kShowStatus:
    case policy::Operation::kListSealSlots:
    case policy::Operation::kRecoverStore:
    case policy::Operation::kCheckStore:
      return true;
    default:
      return false;
  }
}

void FillRows(const CallRecord& call, const AuditKey* key, audit::Record& record) {
  if (key == nullptr || !call.rows_digest) return;
  const Result<Digest> all = key->RowMac(*call.rows_digest);
  if (!all.ok()) return;
  record.rows = *all;
  for (const Bytes& row : call.rows) {
    const Result<Digest> mac = key->RowMac(row);
    if (!mac.ok()) return;
    audit::RowTag& tag = record.row_tags.emplace_back();
    std::copy_n(mac->begin(), tag.size(), tag.begin());
  }
}

audit::Record OwnRecord(const AuditRecorder::OwnAct& act) {
  audit::Record record;
  record.authentication = audit::Authentication::kService;
  record.operation = act.operation;
  record.object = act.object;
  record.allowed = true;
  record.rule = "service";
  record.store = act.store;
  record.store_epoch = act.store_epoch.value;
  return record;
}

}  // namespace

AuditRecorder::~AuditRecorder() { FlushOlderThan(0); }

void AuditRecorder::Take(const CallRecord& call, OnRecorded recorded) {
  audit::Record record;
  record.type = TypeOf(call.phase);
  record.authentication = call.authentication;
  record.role = policy::RoleName(call.role);
  record.operation = policy::OperationName(call.operation);
  record.object = call.object;
  record.tenant = call.tenant;
  record.keys = call.keys;
  record.items = call.items;
  record.failed = call.failed;
  record.unmatched = call.unmatched;
  record.reasons = call.reasons;
  record.purpose = call.claims.purpose;
  record.request_id = call.claims.request_id;
  record.allowed = call.allowed;
  record.rule = call.rule;
  record.policy_serial = call.policy == nullptr ? 0 : call.policy->serial();
  record.store = call.store;
  record.store_epoch = call.store_epoch;
  record.begin = call.begin;
  if (call.phase != CallRecord::Phase::kBegin) {
    record.outcome = call.ok ? "ok" : ErrorCodeName(call.error);
    record.failure = call.failure;
  }
  if (call.accepted_us != 0) {
    record.latency_us =
        static_cast<std::uint64_t>(std::max<std::int64_t>(clock_.MonotonicMicros() - call.accepted_us, 0));
  }
  record.personal = {
      .principal = call.principal, .peer = call.peer, .on_behalf_of = call.claims.on_behalf_of, .reason = call.reason};
  if (call.rows_digest) {
    // The log keeps this time: a month's turn between the two would leave tags that no search finds.
    record.time_us = log_.Now();
    const auto key = log_.month_keys().For(audit::MonthOf(record.time_us));
    if (key.ok()) FillRows(call, key->get(), record);
  }
  // A mutation's begin waits for its own result, and what was asked for has an id that stands nowhere else.
  const bool may_be_counted = !call.allowed && call.phase == CallRecord::Phase::kCall && call.asked.empty();
  if (may_be_counted && Hold(call, record, recorded)) return;
  const audit::RecordClass who = MayUseReserve(call) ? audit::RecordClass::kReserve : audit::RecordClass::kOrdinary;
  log_.Append(std::move(record), std::move(recorded), who);
}

Status AuditRecorder::NoteOwn(const OwnAct& act) {
  audit::Record record = OwnRecord(act);
  record.type = audit::RecordType::kUpkeep;
  record.outcome = "ok";
  const Result<std::uint64_t> index = log_.AppendAndWait(std::move(record));
  return index.ok() ? Status() : Status(index.error());
}

Result<std::uint64_t> AuditRecorder::BeginOwn(const OwnAct& act, audit::RecordClass who) {
  audit::Record record = OwnRecord(act);
  record.type = audit::RecordType::kBegin;
  return log_.AppendAndWait(std::move(record), who);
}

Status AuditRecorder::EndOwn(const OwnAct& act, std::uint64_t begin, const Status& outcome) {
  audit::Record record = OwnRecord(act);
  record.type = audit::RecordType::kResult;
  record.begin = begin;
  record.outcome = outcome.ok() ? "ok" : ErrorCodeName(outcome.error().code());
  if (!outcome.ok()) record.failure = outcome.error().message();
  // What was begun may always be ended.
  const Result<std::uint64_t> index = log_.AppendAndWait(std::move(record), audit::RecordClass::kReserve);
  return index.ok() ? Status() : Status(index.error());
}

bool AuditRecorder::Hold(const CallRecord& call, const audit::Record& record, OnRecorded& recorded) {
  const std::string kind = call.principal + "\n" + record.operation + "\n" + call.object;
  const std::int64_t now = clock_.MonotonicMicros();
  bool full = false;
  {
    const Lock held(mutex_);
    auto found = denied_.find(kind);
    if (found == denied_.end()) {
      if (denied_.size() >= kMaxKinds) return false;
      found = denied_.emplace(kind, Denied{.record = record, .since_us = now, .count = 0, .held = {}}).first;
    }
    Denied& denied = found->second;
    if (++denied.count <= kDeniedASecond) return false;
    full = held_ >= kMaxHeld;
    if (!full) {
      denied.held.push_back(std::move(recorded));
      ++held_;
      return true;
    }
  }
  recorded(Error(ErrorCode::kUnavailable, "too many calls are refused at once: try again later"));
  return true;
}

void AuditRecorder::Flush() { FlushOlderThan(kSecondUs); }

void AuditRecorder::FlushOlderThan(std::int64_t age_us) {
  const std::int64_t now = clock_.MonotonicMicros();
  std::vector<Denied> over;
  {
    const Lock held(mutex_);
    for (auto at = denied_.begin(); at != denied_.end();) {
      if (now - at->second.since_us < age_us) {
        ++at;
        continue;
      }
      held_ -= at->second.held.size();
      if (!at->second.held.empty()) over.push_back(std::move(at->second));
      at = denied_.erase(at);
    }
  }
  for (Denied& denied : over) {
    denied.record.type = audit::RecordType::kDenied;
    denied.record.items = denied.held.size();
    denied.record.latency_us = 0;
    log_.Append(std::move(denied.record), [held = std::move(denied.held)](const Result<std::uint64_t>& index) {
      for (const OnRecorded& recorded : held) recorded(index);
    });
  }
}

}  // namespace coffer::keysvc
