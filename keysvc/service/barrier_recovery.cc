// The part of Barrier that brings back a store that was lost or put back: from its key journal or from a backup.
#include <algorithm>

#include "crypto/random.h"
#include "keysvc/service/barrier.h"

namespace coffer::keysvc {

Result<Barrier::Header> Barrier::HeaderOf(const StoreImage& image) {
  const std::vector<StoredRow> stores = image.RowsOf(Table::kStore);
  if (stores.size() != 1) return Error(ErrorCode::kIntegrity, "holds no store");
  return HeaderFrom(stores.front(), image.RowsOf(Table::kSealSlot));
}

namespace {

struct Candidate {
  StoreImage image;
  StoreUuid store;
};

Result<std::optional<Candidate>> JournalCandidate(AppendFolder* folder, KeyStore& store) {
  if (folder == nullptr) return std::optional<Candidate>();
  std::optional<StoredHead> head;
  {
    COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store.Begin());
    COFFER_ASSIGN_OR_RETURN(head, transaction->GetHead());
  }
  const Result<std::unique_ptr<KeyJournal>> journal = KeyJournal::Open(*folder, head);
  if (!journal.ok() && journal.error().code() == ErrorCode::kUnavailable) return journal.error();
  if (!journal.ok() || *journal == nullptr) return std::optional<Candidate>();
  Result<StoreImage> image = (*journal)->Image();
  if (!image.ok()) return std::optional<Candidate>();
  return std::optional(Candidate{std::move(image).value(), (*journal)->store()});
}

Result<std::optional<Candidate>> BackupCandidate(ByteView backup) {
  if (backup.empty()) return std::optional<Candidate>();
  const auto read = [&]() -> Result<std::optional<Candidate>> {
    COFFER_ASSIGN_OR_RETURN(JournalReader reader, JournalReader::Open(backup));
    COFFER_ASSIGN_OR_RETURN(StoreImage image, StoreImage::Read(reader));
    if (reader.whole_size() != backup.size()) return Error(ErrorCode::kIntegrity, "is cut off or damaged");
    return std::optional(Candidate{std::move(image), reader.header().store});
  };
  Result<std::optional<Candidate>> candidate = read();
  if (!candidate.ok()) return std::move(candidate).error().At("backup");
  return candidate;
}

}  // namespace

// Opens a picture's root key and checks every row of it.
Result<RootKey> Barrier::OpenImage(const SealSource& source, const StoreImage& image, Header& header) const {
  COFFER_ASSIGN_OR_RETURN(header, HeaderOf(image));
  COFFER_ASSIGN_OR_RETURN(RootKey root,
                          OpenSlots(source, options_.tools, header.record.uuid, header.record.root_key, header.slots));
  COFFER_TRY(image.Verify(header.record.uuid, DeriveIntegrityKeys(root.bytes, header.record.uuid)));
  return root;
}

// Which picture of the store is the newest that holds together, what it would change, and its root key.
Result<Barrier::Recovery> Barrier::Choose(const SealSource& source, const RecoverOptions& options, StoreImage& chosen,
                                          Header& header, RootKey& root) {
  Recovery recovery;
  recovery.fit = fit_.load();
  COFFER_ASSIGN_OR_RETURN(std::optional<Candidate> journal, JournalCandidate(options_.journal_folder, store_));
  COFFER_ASSIGN_OR_RETURN(std::optional<Candidate> backup, BackupCandidate(options.backup));
  COFFER_ASSIGN_OR_RETURN(const std::optional<Header> present, ReadHeader());
  recovery.store_existed = present.has_value();
  StoreImage current;
  if (present) {
    COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store_.Begin());
    COFFER_ASSIGN_OR_RETURN(current, StoreImage::Of(*transaction));
    recovery.store_epoch = current.head().epoch;
  }
  std::vector<Candidate*> candidates;  // the newest first; their epochs are not authentic yet
  if (journal && !options.new_journal) candidates.push_back(&*journal);
  if (backup && !options.new_journal) candidates.push_back(&*backup);
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate* a, const Candidate* b) {
    return a->image.head().epoch.value > b->image.head().epoch.value;
  });
  Candidate store{.image = current, .store = present ? present->record.uuid : StoreUuid()};
  if (options.new_journal && present) candidates.push_back(&store);
  Error refused(ErrorCode::kFailedPrecondition,
                "there is neither a key journal nor a backup to recover from: name a backup");
  for (Candidate* const candidate : candidates) {
    if (present && candidate->store != present->record.uuid) {
      refused = Error(ErrorCode::kFailedPrecondition, "is of another store than the one that is there");
      continue;
    }
    Result<RootKey> opened = OpenImage(source, candidate->image, header);
    if (!opened.ok()) {
      refused = opened.error();
      continue;
    }
    root = std::move(opened).value();
    recovery.from_journal = journal && candidate == &*journal;
    chosen = std::move(candidate->image);
    recovery.source_epoch = chosen.head().epoch;
    recovery.difference = current.To(chosen);
    return recovery;
  }
  return refused;
}

Result<Barrier::Recovery> Barrier::Recover(const SealSource& source, const RecoverOptions& options) {
  const Lock changing(change_mutex_);
  if (state() == BarrierState::kUnsealed) {
    return Error(ErrorCode::kFailedPrecondition,
                 "the store is open and fits its key journal: nothing is to be recovered");
  }
  StoreImage chosen;
  Header header;
  RootKey root;
  COFFER_ASSIGN_OR_RETURN(Recovery recovery, Choose(source, options, chosen, header, root));
  if (!options.apply) return recovery;
  if (recovery.source_epoch.value < recovery.store_epoch.value && !options.go_back) {
    return Error(ErrorCode::kFailedPrecondition,
                 "what there is to recover from is older than the store: begin a new journal, or say --go-back to lose "
                 "what the store has since");
  }
  const StoreUuid uuid = header.record.uuid;
  if (options_.journal_folder != nullptr) {
    journal_.reset();
    COFFER_ASSIGN_OR_RETURN(journal_, KeyJournal::Create(*options_.journal_folder, uuid, chosen.AsGroup()));
  }
  COFFER_TRY(chosen.WriteTo(store_));
  COFFER_TRY(store_.PurgeErased());
  floors_.erase(uuid);  // an operator said that this is how far the store has come
  COFFER_TRY(OpenWith(header, std::move(root)));
  recovery.repaired = true;
  return recovery;
}

}  // namespace coffer::keysvc
