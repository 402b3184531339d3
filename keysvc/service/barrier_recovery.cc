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
  std::uint64_t damaged = 0;      // bytes behind what the image is of
  std::vector<StoredHead> heads;  // of a journal: of each state that it has gone through
};

std::optional<StoredHead> HeadNow(KeyStore& store) {
  const Result<std::unique_ptr<StoreTransaction>> transaction = store.Begin();
  if (!transaction.ok()) return std::nullopt;
  const Result<std::optional<StoredHead>> head = (*transaction)->GetHead();
  return head.ok() ? *head : std::nullopt;
}

// As far as the journal holds together, however damaged the rest is. Nothing: there is none, or not even its beginning.
Result<std::optional<Candidate>> JournalCandidate(AppendFolder* folder, KeyStore& store) {
  if (folder == nullptr) return std::optional<Candidate>();
  const Result<std::unique_ptr<KeyJournal>> journal = KeyJournal::Open(*folder, HeadNow(store));
  if (!journal.ok() && journal.error().code() == ErrorCode::kUnavailable) return journal.error();
  if (journal.ok() && *journal == nullptr) return std::optional<Candidate>();
  if (journal.ok()) {
    Result<StoreImage> image = (*journal)->Image();
    COFFER_ASSIGN_OR_RETURN(std::vector<StoredHead> heads, (*journal)->Heads());
    if (image.ok()) {
      return std::optional(Candidate{std::move(image).value(), (*journal)->store(), 0, std::move(heads)});
    }
  }
  Result<std::optional<SalvagedJournal>> salvaged = KeyJournal::Salvage(*folder);
  if (!salvaged.ok() || !*salvaged) return std::optional<Candidate>();
  SalvagedJournal& part = **salvaged;
  return std::optional(Candidate{std::move(part.image), part.store, part.passed_over, {}});
}

// A journal that was made whole beside the old one and never got its name: what the store took last, if power failed
// then. Looked at when nothing else opens.
std::optional<Candidate> ReplacementCandidate(AppendFolder* folder) {
  if (folder == nullptr) return std::nullopt;
  Result<std::optional<SalvagedJournal>> whole = KeyJournal::Salvage(*folder, nullptr, KeyJournal::Which::kReplacement);
  if (!whole.ok() || !*whole || (*whole)->passed_over > 0) return std::nullopt;
  return Candidate{std::move((*whole)->image), (*whole)->store, 0, {}};
}

Result<std::optional<Candidate>> BackupCandidate(ByteView backup) {
  if (backup.empty()) return std::optional<Candidate>();
  const auto read = [&]() -> Result<std::optional<Candidate>> {
    COFFER_ASSIGN_OR_RETURN(JournalReader reader, JournalReader::Open(backup));
    COFFER_ASSIGN_OR_RETURN(StoreImage image, StoreImage::Read(reader));
    if (reader.whole_size() != backup.size()) return Error(ErrorCode::kIntegrity, "is cut off or damaged");
    return std::optional(Candidate{std::move(image), reader.header().store, 0, {}});
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

// What is there and not chosen, but authentic, must be a state that the chosen one has come from. Where that cannot be
// told, because the journal was made anew since, the epochs decide.
bool Barrier::Loses(const StoredHead& head, const StoreImage& chosen, const std::vector<StoredHead>& chosen_came_from) {
  if (head.epoch.value > chosen.head().epoch.value) return true;
  if (head.epoch == chosen.head().epoch) return head.mac != chosen.head().mac;
  return std::any_of(chosen_came_from.begin(), chosen_came_from.end(), [&head](const StoredHead& passed) {
    return passed.epoch == head.epoch && passed.mac != head.mac;
  });
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
  if (journal) recovery.journal_damaged = journal->damaged;
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
  std::optional<Candidate> replacement = ReplacementCandidate(options_.journal_folder);
  if (replacement && !options.new_journal) candidates.push_back(&*replacement);
  Candidate store{.image = current, .store = present ? present->record.uuid : StoreUuid(), .damaged = 0, .heads = {}};
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
    recovery.from_journal = (journal && candidate == &*journal) || (replacement && candidate == &*replacement);
    recovery.source_epoch = candidate->image.head().epoch;
    recovery.difference = current.To(candidate->image);
    const StoreUuid uuid = candidate->store;
    const IntegrityKeys keys = DeriveIntegrityKeys(root.bytes, uuid);
    // What is not authentic under this root key says nothing.
    const auto loses = [&](const StoreImage& other) {
      return other.Verify(uuid, keys).ok() && Loses(other.head(), candidate->image, candidate->heads);
    };
    std::vector<Row> logs;
    for (StoredRow& row : candidate->image.RowsOf(Table::kAuditLog)) logs.push_back(std::move(row.columns));
    COFFER_ASSIGN_OR_RETURN(recovery.other_log, NamesOtherLog(logs));
    // Where there is no store a disk was lost, and its log with it: whoever recovers knows that nothing can be
    // compared.
    recovery.loses = (recovery.other_log && present) || (present && candidate != &store && loses(current)) ||
                     (journal && !recovery.from_journal && journal->store == uuid && loses(journal->image)) ||
                     AuditedEpoch(uuid).value > recovery.source_epoch.value;
    chosen = std::move(candidate->image);
    return recovery;
  }
  return refused;
}

// What the audit log has recorded is never reached again: a store that goes back goes on above it.
Result<StoreImage> Barrier::AboveAudited(StoreImage image, StoreUuid uuid, const IntegrityKeys& keys) const {
  const StoreEpoch audited = AuditedEpoch(uuid);
  if (image.head().epoch.value >= audited.value) return image;
  std::vector<std::pair<Table, Row>> rows;
  for (const TableSpec& spec : Schema()) {
    for (StoredRow& row : image.RowsOf(spec.table)) rows.emplace_back(spec.table, std::move(row.columns));
  }
  return StoreImage::Make(std::move(rows), StoreEpoch{audited.value + 1}, uuid, keys);
}

Result<Barrier::Recovery> Barrier::Recover(const SealSource& source, const RecoverOptions& options) {
  const Lock changing(change_mutex_);
  if (state() == BarrierState::kUnsealed) {
    return Error(ErrorCode::kFailedPrecondition,
                 "the store is open and fits its key journal: nothing is to be recovered");
  }
  COFFER_TRY(CheckReleased());
  StoreImage chosen;
  Header header;
  RootKey root;
  COFFER_ASSIGN_OR_RETURN(Recovery recovery, Choose(source, options, chosen, header, root));
  if (!options.apply) return recovery;
  if (recovery.loses && recovery.other_log && !options.go_back) {
    return Error(ErrorCode::kFailedPrecondition,
                 "the store was used with another audit log than the one that is here, and nothing tells any more "
                 "whether it was put back: put that log back, or say --go-back");
  }
  if (recovery.loses && !options.go_back) {
    return Error(
        ErrorCode::kFailedPrecondition,
        "something that is there, or that the audit log has recorded, is newer than or no part of what would be "
        "restored, and would be lost: look at it with the newest backup or journal, or say --go-back");
  }
  const StoreUuid uuid = header.record.uuid;
  COFFER_ASSIGN_OR_RETURN(chosen, AboveAudited(std::move(chosen), uuid, DeriveIntegrityKeys(root.bytes, uuid)));
  if (options_.journal_folder != nullptr) {
    journal_.reset();
    COFFER_ASSIGN_OR_RETURN(KeyJournal::Replaced replaced,
                            KeyJournal::Replace(*options_.journal_folder, uuid, chosen.AsGroup(), clock_.UnixMicros()));
    journal_ = std::move(replaced.journal);
    recovery.journal_kept_as = replaced.kept_as.value_or("");
  }
  COFFER_TRY(chosen.WriteTo(store_));
  COFFER_TRY(store_.PurgeErased());
  floors_.erase(uuid);  // an operator said that this is how far the store has come
  COFFER_TRY(OpenWith(header, std::move(root), recovery.other_log));
  recovery.repaired = true;
  return recovery;
}

Result<MergeFacts> Barrier::Merge(const RecoverySeal& identity, ByteView backup, const MergeOptions& options,
                                  const std::string& by) {
  const Lock changing(change_mutex_);
  COFFER_ASSIGN_OR_RETURN(const std::shared_ptr<Unsealed> unsealed, Enter());
  COFFER_ASSIGN_OR_RETURN(std::optional<Candidate> candidate, BackupCandidate(backup));
  if (!candidate) return Error(ErrorCode::kInvalidArgument, "must be named").At("backup");
  MergeSource merged{.image = std::move(candidate->image), .uuid = candidate->store, .root = {}};
  Header header;
  Result<RootKey> root = OpenImage(CloneOf(identity), merged.image, header);
  if (!root.ok()) return std::move(root).error().At("backup");
  if (header.record.uuid != merged.uuid) {
    return Error(ErrorCode::kIntegrity, "contradicts itself: it names two stores").At("backup");
  }
  merged.root = std::move(root).value();
  const MergeTarget target{.uuid = unsealed->uuid,
                           .root = unsealed->root,
                           .now_us = clock_.UnixMicros(),
                           .destroy_delay_us = unsealed->keys->destroy_delay_us(),
                           .by = by};
  MergeFacts facts;
  const auto merge = [&](StoreMutation& mutation) -> Result<bool> {
    COFFER_ASSIGN_OR_RETURN(facts, MergeStores(merged, target, options, mutation));
    facts.merged = facts.changed && !options.dry_run;
    return facts.merged;
  };
  COFFER_TRY(unsealed->catalogs->ChangeUnder([&]() -> Result<bool> {
    COFFER_TRY(unsealed->keys->ChangeTables(merge));
    return facts.merged;
  }));
  // What was destroyed elsewhere is gone here too; the next commit tries again what fails now.
  if (facts.merged) static_cast<void>(unsealed->store->PurgeErased());
  COFFER_ASSIGN_OR_RETURN(facts.epoch_here, unsealed->store->Epoch());
  return facts;
}

}  // namespace coffer::keysvc
