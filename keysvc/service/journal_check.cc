#include "keysvc/service/journal_check.h"

#include "crypto/store_integrity.h"

namespace coffer::keysvc {
namespace {

Status Verify(const CommitGroup& group, bool snapshot, StoreUuid uuid, const IntegrityKeys& keys) {
  const Error forged(ErrorCode::kIntegrity, "the end of the key journal is not authentic");
  for (const RowChange& change : group.changes) {
    const TableSpec& spec = SpecOf(change.table);
    const Result<Digest> mac = change.columns
                                   ? StoredRowMac(keys.rows, uuid, spec, *change.columns, change.row_epoch)
                                   : ErasedRowMac(keys.rows, uuid, spec, change.primary_key, change.row_epoch);
    const bool fresh = snapshot || change.row_epoch == group.head.epoch.value;
    if (!mac.ok() || !fresh || !EqualConstantTime(*mac, change.mac)) return forged;
  }
  const Digest mac = HeadMac(keys.head, uuid, group.head.epoch, MacSum(group.head.sum));
  return EqualConstantTime(mac, group.head.mac) ? Status() : Status(forged);
}

Result<std::optional<StoredHead>> HeadOf(KeyStore& store) {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store.Begin());
  return transaction->GetHead();
}

JournalFit Compare(const StoredHead& store, const StoredHead& journal) {
  if (store.epoch.value < journal.epoch.value) return JournalFit::kStoreOlder;
  if (store.epoch.value > journal.epoch.value) return JournalFit::kStoreNewer;
  return store.mac == journal.mac ? JournalFit::kInStep : JournalFit::kForked;
}

}  // namespace

Literal SentenceOf(JournalFit fit) {
  switch (fit) {
    case JournalFit::kInStep:
      return "the store and its key journal fit";
    case JournalFit::kMissing:
      return "the store's key journal is gone: 'coffer operator recover' explains and repairs";
    case JournalFit::kDamaged:
      return "the store's key journal is damaged: 'coffer operator recover' explains and repairs";
    case JournalFit::kForeign:
      return "the key journal is of another store: put the right one in its place";
    case JournalFit::kStoreOlder:
      return "the store is older than its key journal: 'coffer operator recover' explains and repairs";
    case JournalFit::kStoreNewer:
      return "the store is newer than its key journal: 'coffer operator recover' explains and repairs";
    case JournalFit::kForked:
      break;
  }
  return "the store and its key journal went different ways: 'coffer operator recover' explains and repairs";
}

Result<JournalCheck> CheckJournal(KeyStore& store, AppendFolder& folder, StoreUuid uuid, const IntegrityKeys& keys) {
  JournalCheck check;
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredHead> head, HeadOf(store));
  if (!head) return Error(ErrorCode::kIntegrity, "the store has no head").At("head");
  check.store_epoch = head->epoch;
  Result<std::unique_ptr<KeyJournal>> journal = KeyJournal::Open(folder, head);
  if (!journal.ok()) {
    if (journal.error().code() == ErrorCode::kUnavailable) return journal.error();
    check.fit = JournalFit::kDamaged;
    return check;
  }
  if (*journal == nullptr) return check;
  check.journal_epoch = (*journal)->last().head.epoch;
  check.fit = JournalFit::kForeign;
  if ((*journal)->store() != uuid) return check;
  check.journal = std::move(journal).value();
  const CommitGroup& last = check.journal->last();
  const bool snapshot = check.journal->holds_snapshot_only();
  check.fit = JournalFit::kDamaged;
  if (!Verify(last, snapshot, uuid, keys).ok()) return check;
  const bool one_behind = head->epoch.value + 1 == last.head.epoch.value && !snapshot;
  if (one_behind) COFFER_TRY(RedoGroup(last, store));
  check.fit = one_behind ? JournalFit::kInStep : Compare(*head, last.head);
  return check;
}

}  // namespace coffer::keysvc
