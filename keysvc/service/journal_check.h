// JournalCheck: whether a store and its key journal fit, before anything is served.
#pragma once

#include "crypto/derive.h"
#include "keysvc/store/key_journal.h"

namespace coffer::keysvc {

enum class JournalFit : std::uint8_t {
  kInStep,       // The same head, or the store was one commit behind and has taken it now.
  kMissing,      // There is no journal, and the store has had one.
  kDamaged,      // It cannot be read, or a part of it is not authentic.
  kForeign,      // It is of another store.
  kStoreOlder,   // The store was put back, or lost commits.
  kStoreNewer,   // The journal was put back, or lost commits.
  kBehindAudit,  // Store and journal are older than what the audit log has recorded: both were put back.
  kOtherLog,     // The store was used with another audit log than the one that runs: that one was thrown away.
  kForked,       // The same epoch with other rows, or a commit that is not one of this store's.
};

// What to tell an operator, and what to do; a literal sentence.
Literal SentenceOf(JournalFit fit);

struct JournalCheck {
  JournalFit fit = JournalFit::kMissing;
  StoreEpoch store_epoch;
  StoreEpoch journal_epoch;             // 0 without one
  std::unique_ptr<KeyJournal> journal;  // when there is one that is ours
};

// Opens the journal in `folder`, checks every commit of it, and compares. A store that is one commit behind gets that
// commit, which the journal took and power, or a disk, kept from the store; and the journal is made anew, for nothing
// says that the commit is on its disk. When they are in step the folder is tidied, else the journal is left as it is.
// kUnavailable: a disk does not answer. Others: what has the journal's name is no file, or may not be read.
Result<JournalCheck> CheckJournal(KeyStore& store, AppendFolder& folder, StoreUuid uuid, const IntegrityKeys& keys);

}  // namespace coffer::keysvc
