#include "keysvc/service/journal_check.h"

#include "crypto/store_integrity.h"

namespace coffer::keysvc {
namespace {

Result<std::optional<StoredHead>> HeadOf(KeyStore& store) {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store.Begin());
  return transaction->GetHead();
}

JournalFit Compare(const StoredHead& store, const StoredHead& journal) {
  if (store.epoch.value < journal.epoch.value) return JournalFit::kStoreOlder;
  if (store.epoch.value > journal.epoch.value) return JournalFit::kStoreNewer;
  return store.mac == journal.mac ? JournalFit::kInStep : JournalFit::kForked;
}

// The journal, checked whole; null: there is none. A replacement that is not authentic is nobody's business.
Result<std::unique_ptr<KeyJournal>> OpenChecked(AppendFolder& folder, const StoredHead& store_head, StoreUuid uuid,
                                                const IntegrityKeys& keys) {
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<KeyJournal> journal, KeyJournal::Open(folder, store_head));
  if (journal != nullptr && journal->is_replacement()) {
    const Status verified =
        journal->store() == uuid ? journal->Verify(keys) : Error(ErrorCode::kIntegrity, "is foreign");
    if (verified.ok() || verified.error().code() != ErrorCode::kIntegrity) {
      COFFER_TRY(verified);
      return journal;
    }
    COFFER_ASSIGN_OR_RETURN(journal, KeyJournal::Open(folder, std::nullopt));
  }
  if (journal != nullptr && journal->store() == uuid) COFFER_TRY(journal->Verify(keys));
  return journal;
}

// One commit that the store has not taken. The journal's next file is whole before the store takes it, and has its name
// after that.
Result<JournalFit> TakeLast(KeyStore& store, KeyJournal& journal, const IntegrityKeys& keys) {
  COFFER_ASSIGN_OR_RETURN(const StoreImage image, journal.Image());
  COFFER_TRY(journal.Prepare(image.AsGroup()));
  const Status redone = RedoGroup(journal.last(), *journal.before_last(), keys, store);
  if (!redone.ok() && redone.error().code() == ErrorCode::kIntegrity) return JournalFit::kForked;
  COFFER_TRY(redone);
  COFFER_TRY(journal.Adopt());
  return JournalFit::kInStep;
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
    case JournalFit::kBehindAudit:
      return "the store and its key journal are older than the audit log: 'coffer operator recover' explains and "
             "repairs";
    case JournalFit::kOtherLog:
      return "the store was used with another audit log than the one that is here: 'coffer operator recover' explains";
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
  Result<std::unique_ptr<KeyJournal>> opened = OpenChecked(folder, *head, uuid, keys);
  if (!opened.ok()) {
    if (opened.error().code() != ErrorCode::kIntegrity) return opened.error();
    check.fit = JournalFit::kDamaged;
    return check;
  }
  if (*opened == nullptr) return check;
  check.journal = std::move(opened).value();
  KeyJournal& journal = *check.journal;
  const StoredHead last = journal.last().head;
  check.journal_epoch = last.epoch;
  check.fit = JournalFit::kForeign;
  if (journal.store() != uuid) {
    check.journal.reset();
    return check;
  }
  check.fit = Compare(*head, last);
  if (const std::optional<StoredHead> before = journal.before_last(); before && before->epoch == head->epoch) {
    check.fit = JournalFit::kForked;
    if (before->mac == head->mac) {
      COFFER_ASSIGN_OR_RETURN(check.fit, TakeLast(store, journal, keys));
    }
  }
  if (check.fit == JournalFit::kInStep) COFFER_TRY(journal.Settle());
  return check;
}

}  // namespace coffer::keysvc
