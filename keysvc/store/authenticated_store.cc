#include "keysvc/store/authenticated_store.h"

#include <algorithm>

namespace coffer::keysvc {
namespace {

constexpr std::uint64_t kRenewedAtOnce = std::uint64_t{4} << 20;  // bytes of a journal
constexpr std::uint64_t kGrownJournal = std::uint64_t{16} << 20;
constexpr std::uint64_t kGrowth = 4;

Error RowAltered(const TableSpec& spec) {
  return Error(ErrorCode::kIntegrity, "a row was altered outside the service").At(spec.name);
}

// Another row than the one asked for, an earlier state of it, or one too many or too few.
Error NotAsCommitted(const TableSpec& spec) {
  return Error(ErrorCode::kIntegrity, "rows were moved, removed or put back outside the service").At(spec.name);
}

Error NoSuchRow(const TableSpec& spec) {
  return Error(ErrorCode::kNotFound, "there is no row with this key").At(spec.name);
}

Error HeadAltered() {
  return Error(ErrorCode::kIntegrity, "the store's head was altered outside the service").At("head");
}

}  // namespace

void EpochFloor::Raise(StoreEpoch epoch) {
  std::uint64_t floor = epoch_.load();
  while (floor < epoch.value && !epoch_.compare_exchange_weak(floor, epoch.value)) {
  }
}

AuthenticatedStore::AuthenticatedStore(KeyStore& store, StoreUuid uuid, IntegrityKeys keys,
                                       std::shared_ptr<EpochFloor> floor, std::shared_ptr<KeyJournal> journal)
    : store_(store),
      uuid_(uuid),
      keys_(std::move(keys)),
      macs_(uuid_, keys_),
      floor_(std::move(floor)),
      journal_(std::move(journal)),
      // A process that ended may have owed it.
      renew_owed_(journal_ != nullptr && !journal_->holds_snapshot_only()) {}

Status AuthenticatedStore::VerifyAll() {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(const StoredHead head, CheckedHead(*transaction));
  COFFER_ASSIGN_OR_RETURN(known_, CheckSum(*transaction, head));
  for (const TableSpec& spec : Schema()) {
    if (!spec.loaded_at_start) continue;
    ScanRequest request;
    request.table = spec.table;
    COFFER_TRY(Scan(*transaction, request));
  }
  return {};
}

Status AuthenticatedStore::Format() {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredHead> before, transaction->GetHead());
  std::size_t rows = 0;
  COFFER_TRY(transaction->ForEachMac([&rows](Table, const Row&, const Digest&) { ++rows; }));
  if (rows != 0 || (before && before->epoch.value != 0)) {
    return Error(ErrorCode::kAlreadyExists, "the store is not empty");
  }
  const MacSum empty;
  COFFER_TRY(transaction->PutHead({StoreEpoch{0}, empty.bytes(), HeadMac(keys_.head, uuid_, StoreEpoch{0}, empty)}));
  known_ = Known{};
  const Status committed = transaction->Commit();
  if (!committed.ok()) known_.reset();
  return committed;
}

Result<std::optional<Row>> AuthenticatedStore::Get(Table table, const Row& primary_key) {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, Open());
  COFFER_ASSIGN_OR_RETURN(std::optional<StoredRow> row, Find(*transaction, SpecOf(table), primary_key));
  if (!row) return std::optional<Row>();
  return std::optional(std::move(row->columns));
}

Result<std::vector<Row>> AuthenticatedStore::Scan(const ScanRequest& request) {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, Open());
  return Scan(*transaction, request);
}

Result<StoreEpoch> AuthenticatedStore::Epoch() {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, Open());
  COFFER_ASSIGN_OR_RETURN(const StoredHead head, CheckedHead(*transaction));
  return head.epoch;
}

Result<StoreMutation> AuthenticatedStore::Begin() {
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<StoreTransaction> transaction, Open());
  COFFER_ASSIGN_OR_RETURN(const StoredHead head, CheckedHead(*transaction));
  return StoreMutation(*this, std::move(transaction), head);
}

Result<std::unique_ptr<StoreTransaction>> AuthenticatedStore::Open() {
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<StoreTransaction> transaction, store_.Begin());
  if (!known_) return transaction;
  COFFER_ASSIGN_OR_RETURN(const StoredHead head, CheckedHead(*transaction));
  if (head.epoch != known_->epoch) {
    ++foreign_commits_;
    COFFER_ASSIGN_OR_RETURN(known_, CheckSum(*transaction, head));
  }
  return transaction;
}

Result<std::optional<StoredRow>> AuthenticatedStore::Find(StoreTransaction& transaction, const TableSpec& spec,
                                                          const Row& primary_key) {
  COFFER_ASSIGN_OR_RETURN(std::optional<StoredRow> row, transaction.Get(spec.table, primary_key));
  if (row) {
    COFFER_TRY(Check(spec, *row));
    // A search in a tree whose pages were reordered ends at another row, whose MAC is right.
    if (PrimaryKeyOf(spec, row->columns) != primary_key) return NotAsCommitted(spec);
  }
  if (known_ && !known_->rows.Expects(spec, primary_key, row)) return NotAsCommitted(spec);
  return row;
}

Result<std::vector<Row>> AuthenticatedStore::Scan(StoreTransaction& transaction, const ScanRequest& request) {
  const TableSpec& spec = SpecOf(request.table);
  COFFER_ASSIGN_OR_RETURN(std::vector<StoredRow> found, transaction.Scan(request));
  for (const StoredRow& row : found) COFFER_TRY(Check(spec, row));
  COFFER_TRY(CheckFound(spec, request, found));
  if (known_ && !known_->rows.Expects(request, found)) return NotAsCommitted(spec);
  std::vector<Row> rows;
  rows.reserve(found.size());
  for (StoredRow& row : found) rows.push_back(std::move(row.columns));
  return rows;
}

Status AuthenticatedStore::Check(const TableSpec& spec, const StoredRow& row) const {
  const Result<Digest> expected = StoredRowMac(macs_, spec, row.columns, row.row_epoch);
  // What cannot even be encoded was not written by us.
  if (!expected.ok() || !EqualConstantTime(*expected, row.mac)) return RowAltered(spec);
  return {};
}

Result<StoredHead> AuthenticatedStore::CheckedHead(StoreTransaction& transaction) {
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredHead> head, transaction.GetHead());
  if (!head) return Error(ErrorCode::kIntegrity, "the store has no head").At("head");
  if (!EqualConstantTime(HeadMac(keys_.head, uuid_, head->epoch, MacSum(head->sum)), head->mac)) return HeadAltered();
  if (head->epoch.value < floor_->epoch().value) return HeadAltered();
  floor_->Raise(head->epoch);
  return *head;
}

// The order says that every row is found where a search looks for it: a table's rows are the entries of its b-tree,
// and a search in a tree whose entries ascend from end to end misses none.
Result<AuthenticatedStore::Known> AuthenticatedStore::CheckSum(StoreTransaction& transaction,
                                                               const StoredHead& head) const {
  MacSum sum;
  Known known{{}, head.epoch};
  std::optional<std::pair<Table, Row>> before;
  std::optional<Table> disordered;
  COFFER_TRY(transaction.ForEachMac([&](Table table, const Row& primary_key, const Digest& mac) {
    std::pair<Table, Row> here(table, primary_key);
    if (before && *before >= here) disordered = table;
    before = std::move(here);
    macs_.Add(sum, mac);
    known.rows.Set(SpecOf(table), primary_key, mac);
  }));
  if (disordered) return NotAsCommitted(SpecOf(*disordered));
  if (EqualConstantTime(sum.bytes(), head.sum)) return known;
  return Error(ErrorCode::kIntegrity, "rows were added, removed or put back outside the service").At("head");
}

// Before the store's own commit: what is in the store is in the journal too, always.
Status AuthenticatedStore::Journal(const CommitGroup& group) {
  return journal_ == nullptr ? Status() : journal_->Append(group);
}

// After a commit that failed: what the store did not take is not left in the journal, where the next start would find
// the store behind; and a journal that was removed is made anew. What cannot be done now, the next commit, Maintain or
// start does.
void AuthenticatedStore::SettleJournal(StoreEpoch failed) {
  if (journal_ == nullptr) return;
  const Result<std::unique_ptr<StoreTransaction>> transaction = store_.Begin();
  if (!transaction.ok()) return;
  if (const Result<bool> gone = journal_->Gone(); gone.ok() && *gone) {
    static_cast<void>(RenewJournal(**transaction));
    return;
  }
  const Result<std::optional<StoredHead>> head = (*transaction)->GetHead();
  const bool not_taken = head.ok() && *head && (*head)->epoch.value + 1 == failed.value;
  if (not_taken) static_cast<void>(journal_->Drop(failed));
}

Status AuthenticatedStore::RenewJournal() {
  if (journal_ == nullptr) return {};
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, Open());
  return RenewJournal(*transaction);
}

Status AuthenticatedStore::RenewJournal(StoreTransaction& transaction) {
  COFFER_TRY(CheckedHead(transaction));
  COFFER_ASSIGN_OR_RETURN(const StoreImage image, Snapshot(transaction));
  COFFER_TRY(journal_->Prepare(image.AsGroup()));
  COFFER_TRY(journal_->Adopt());
  renewed_size_ = journal_->size();
  renew_owed_ = false;
  return {};
}

Status AuthenticatedStore::PurgeErased() {
  renew_owed_ = journal_ != nullptr;
  COFFER_TRY(store_.PurgeErased());
  COFFER_ASSIGN_OR_RETURN(const std::uint64_t size, JournalSize());
  return size <= kRenewedAtOnce ? RenewJournal() : Status();
}

Status AuthenticatedStore::Maintain() {
  COFFER_ASSIGN_OR_RETURN(const bool due, RenewalIsDue());
  return due ? RenewJournal() : Status();
}

Result<bool> AuthenticatedStore::RenewalIsDue() {
  if (journal_ == nullptr) return false;
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(const bool gone, journal_->Gone());
  const std::uint64_t size = journal_->size();
  const std::uint64_t limit = journal_->max_bytes();
  const std::uint64_t renewed = std::min<std::uint64_t>(renewed_size_, limit);
  const bool grown = size > kGrownJournal && size > kGrowth * renewed;
  // Half of the limit; of what a store leaves of it, when that is large itself.
  const bool near_limit = size > renewed + (limit - renewed) / 2;
  return gone || renew_owed_ || grown || near_limit;
}

Result<std::uint64_t> AuthenticatedStore::JournalSize() {
  if (journal_ == nullptr) return std::uint64_t{0};
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store_.Begin());
  return journal_->size();
}

Result<std::uint64_t> AuthenticatedStore::CheckJournal() {
  if (journal_ == nullptr) return std::uint64_t{0};
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, Open());
  COFFER_ASSIGN_OR_RETURN(const StoreImage image, Snapshot(*transaction));
  COFFER_ASSIGN_OR_RETURN(const StoreImage copy, journal_->Image());
  COFFER_TRY(copy.Verify(uuid_, keys_));
  if (copy.head().mac != image.head().mac) {
    return Error(ErrorCode::kIntegrity, "the key journal does not make the store that is there");
  }
  return journal_->size();
}

Result<StoreImage> AuthenticatedStore::Snapshot() {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, Open());
  return Snapshot(*transaction);
}

Result<StoreImage> AuthenticatedStore::Snapshot(StoreTransaction& transaction) const {
  COFFER_ASSIGN_OR_RETURN(StoreImage image, StoreImage::Of(transaction));
  COFFER_TRY(image.Verify(uuid_, keys_));
  return image;
}

StoreMutation::StoreMutation(AuthenticatedStore& owner, std::unique_ptr<StoreTransaction> transaction,
                             const StoredHead& head)
    : owner_(&owner), transaction_(std::move(transaction)), sum_(head.sum), next_epoch_{head.epoch.value + 1} {}

StoreMutation::~StoreMutation() {
  if (transaction_ != nullptr) TakeBackNotes();
}

Status StoreMutation::CheckOpen() const {
  if (transaction_ == nullptr) return Error(ErrorCode::kInternal, "the mutation is over");
  return {};
}

Result<std::optional<Row>> StoreMutation::Get(Table table, const Row& primary_key) {
  COFFER_TRY(CheckOpen());
  COFFER_ASSIGN_OR_RETURN(std::optional<StoredRow> row, owner_->Find(*transaction_, SpecOf(table), primary_key));
  if (!row) return std::optional<Row>();
  return std::optional(std::move(row->columns));
}

Result<std::vector<Row>> StoreMutation::Scan(const ScanRequest& request) {
  COFFER_TRY(CheckOpen());
  return owner_->Scan(*transaction_, request);
}

Result<StoredRow> StoreMutation::WithMac(const TableSpec& spec, Row columns) const {
  COFFER_TRY(CheckOpen());
  COFFER_TRY(CheckColumns(spec, columns));
  COFFER_ASSIGN_OR_RETURN(const Digest mac,
                          StoredRowMac(owner_->keys_.rows, owner_->uuid_, spec, columns, next_epoch_.value));
  return StoredRow{std::move(columns), next_epoch_.value, mac};
}

void StoreMutation::Note(const TableSpec& spec, const Row& primary_key, const std::optional<Digest>& mac) {
  if (owner_->known_) notes_.push_back(owner_->known_->rows.Set(spec, primary_key, mac));
}

void StoreMutation::TakeBackNotes() {
  for (auto note = notes_.rbegin(); note != notes_.rend(); ++note) owner_->known_->rows.Restore(std::move(*note));
  notes_.clear();
}

Status StoreMutation::Insert(Table table, Row row) {
  const TableSpec& spec = SpecOf(table);
  COFFER_ASSIGN_OR_RETURN(const StoredRow stored, WithMac(spec, std::move(row)));
  const Row key = PrimaryKeyOf(spec, stored.columns);
  // The database's word that the key is free is not enough: a row that it no longer finds would be shadowed.
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredRow> before, owner_->Find(*transaction_, spec, key));
  if (before) return Error(ErrorCode::kAlreadyExists, "a row with this key exists").At(spec.name);
  COFFER_TRY(transaction_->Insert(table, stored));
  sum_.Add(owner_->keys_.head, stored.mac);
  Note(spec, key, stored.mac);
  changes_.push_back({table, key, stored.row_epoch, stored.columns, stored.mac});
  return {};
}

Status StoreMutation::Update(Table table, Row row) {
  const TableSpec& spec = SpecOf(table);
  COFFER_ASSIGN_OR_RETURN(const StoredRow stored, WithMac(spec, std::move(row)));
  const Row key = PrimaryKeyOf(spec, stored.columns);
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredRow> before, owner_->Find(*transaction_, spec, key));
  if (!before) return NoSuchRow(spec);
  COFFER_TRY(transaction_->Update(table, stored));
  sum_.Remove(owner_->keys_.head, before->mac);
  sum_.Add(owner_->keys_.head, stored.mac);
  Note(spec, key, stored.mac);
  changes_.push_back({table, key, stored.row_epoch, stored.columns, stored.mac});
  return {};
}

Status StoreMutation::Erase(Table table, const Row& primary_key) {
  COFFER_TRY(CheckOpen());
  const TableSpec& spec = SpecOf(table);
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredRow> before, owner_->Find(*transaction_, spec, primary_key));
  if (!before) return NoSuchRow(spec);
  COFFER_TRY(transaction_->Erase(table, primary_key));
  sum_.Remove(owner_->keys_.head, before->mac);
  Note(spec, primary_key, std::nullopt);
  COFFER_ASSIGN_OR_RETURN(const Digest mac,
                          ErasedRowMac(owner_->keys_.rows, owner_->uuid_, spec, primary_key, next_epoch_.value));
  changes_.push_back({table, primary_key, next_epoch_.value, std::nullopt, mac});
  return {};
}

Status StoreMutation::Commit() {
  COFFER_TRY(CheckOpen());
  // Ends here whatever happens: a caller that asks the store for the outcome must not wait for its own transaction.
  std::unique_ptr<StoreTransaction> transaction = std::move(transaction_);
  // Before the commit, which lets the next transaction begin; after one that fails it is still ours.
  if (owner_->known_) owner_->known_->epoch = next_epoch_;
  const StoredHead head{next_epoch_, sum_.bytes(), HeadMac(owner_->keys_.head, owner_->uuid_, next_epoch_, sum_)};
  Status committed = owner_->Journal({std::move(changes_), head});
  if (committed.ok()) committed = transaction->PutHead(head);
  if (committed.ok()) committed = transaction->Commit();
  if (committed.ok()) {
    owner_->floor_->Raise(next_epoch_);
    return {};
  }
  TakeBackNotes();
  if (owner_->known_) owner_->known_->epoch = {next_epoch_.value - 1};
  transaction.reset();
  owner_->SettleJournal(next_epoch_);
  return committed;
}

}  // namespace coffer::keysvc
