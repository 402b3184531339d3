// The part of Barrier by which a store remembers its audit log: a log that was thrown away, or emptied, has no epoch
// that the store could be too old for.
#include "keysvc/service/barrier_log.h"

#include "audit/proof.h"
#include "keysvc/service/barrier.h"

namespace coffer::keysvc {
namespace {

// Tiles are not synced: a power cut may have spoilt one. Then the records tell.
Result<bool> RecordsContinue(const audit::Log& log, const audit::TreeHead& earlier, const audit::TreeHead& now) {
  audit::Frontier tree = log.oldest_tree();
  bool passed = tree.Head() == earlier;
  const auto take = [&](std::uint64_t index, ByteView record) -> Result<bool> {
    if (index != tree.size()) return Error(ErrorCode::kUnavailable, "the audit log drops records now: try again");
    tree.Append(audit::LeafHash(record));
    if (tree.size() == earlier.size) passed = tree.Head() == earlier;
    return true;
  };
  COFFER_TRY(log.ReadRecords({.from = tree.size(), .to = now.size}, take));
  return passed && tree.Head() == now;
}

Result<bool> Continues(const audit::Log& log, const audit::TreeHead& earlier) {
  const audit::TreeHead now = log.signed_head();
  if (earlier.size > now.size) return false;
  const Result<audit::Proof> proof = log.ProveConsistency({.from = earlier.size, .to = now.size});
  if (proof.ok()) return audit::VerifyConsistency(earlier, now, *proof).ok();
  const ErrorCode code = proof.error().code();
  if (code == ErrorCode::kUnavailable || code == ErrorCode::kPermissionDenied) return proof.error();
  return RecordsContinue(log, earlier, now);
}

}  // namespace

RunningLog RunningLogOf(const audit::Log& log) {
  return {.vkey = log.vkey(),
          .signed_head = [&log] { return log.signed_head(); },
          .continues = [&log](const audit::TreeHead& earlier) { return Continues(log, earlier); }};
}

Result<bool> Barrier::NamesOtherLog(const std::vector<Row>& rows) const {
  const RunningLog& log = options_.audit_log;
  if (log.vkey.empty() || rows.empty()) return false;
  if (rows.size() > 1) return Error(ErrorCode::kIntegrity, "holds several rows").At("audit_log");
  COFFER_ASSIGN_OR_RETURN(const AuditLogRecord record, AuditLogFromRow(rows.front()));
  if (record.vkey != log.vkey) return true;
  COFFER_ASSIGN_OR_RETURN(const bool continues, log.continues({.size = record.size, .root = record.root}));
  return !continues;
}

Status Barrier::NoteAuditLog(Unsealed& unsealed, bool other_log) {
  const RunningLog& log = options_.audit_log;
  if (log.vkey.empty()) return {};
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, unsealed.store->Scan({.table = Table::kAuditLog}));
  const audit::TreeHead head = log.signed_head();
  // What is remembered binds this log already, only to less of it.
  const bool may_fail = !rows.empty() && !other_log;
  if (head.size == 0) {
    if (rows.empty() || may_fail) return {};
    return Error(ErrorCode::kUnavailable, "the audit log that is here has no checkpoint yet: make room on its disk");
  }
  const auto note = [&]() -> Status {
    const Row row =
        ToRow(AuditLogRecord{.vkey = log.vkey, .size = head.size, .root = head.root, .noted_us = clock_.UnixMicros()});
    COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, unsealed.store->Begin());
    COFFER_TRY(rows.empty() ? mutation.Insert(Table::kAuditLog, row) : mutation.Update(Table::kAuditLog, row));
    return mutation.Commit();
  };
  const Status noted = note();
  if (may_fail && !noted.ok() && noted.error().code() != ErrorCode::kIntegrity) return {};
  return noted;
}

}  // namespace coffer::keysvc
