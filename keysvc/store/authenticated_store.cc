#include "keysvc/store/authenticated_store.h"

namespace coffer::keysvc {
namespace {

Error RowAltered(const TableSpec& spec) {
  return Error(ErrorCode::kIntegrity, "a row was altered outside the service").At(spec.name);
}

Error HeadAltered() {
  return Error(ErrorCode::kIntegrity, "the store's head was altered outside the service").At("head");
}

}  // namespace

AuthenticatedStore::AuthenticatedStore(KeyStore& store, StoreUuid uuid, IntegrityKeys keys)
    : store_(store), uuid_(uuid), keys_(std::move(keys)) {}

Status AuthenticatedStore::VerifyAll() {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(const StoredHead head, CheckedHead(*transaction));
  COFFER_TRY(CheckSum(*transaction, head));
  for (const TableSpec& spec : Schema()) {
    if (!spec.loaded_at_start) continue;
    ScanRequest request;
    request.table = spec.table;
    COFFER_ASSIGN_OR_RETURN(std::vector<StoredRow> rows, transaction->Scan(request));
    for (StoredRow& row : rows) COFFER_TRY(Checked(spec, std::move(row)));
  }
  return {};
}

Status AuthenticatedStore::Format() {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredHead> before, transaction->GetHead());
  std::size_t rows = 0;
  COFFER_TRY(transaction->ForEachMac([&rows](Table, const Digest&) { ++rows; }));
  if (rows != 0 || (before && before->epoch.value != 0)) {
    return Error(ErrorCode::kAlreadyExists, "the store is not empty");
  }
  const MacSum empty;
  COFFER_TRY(transaction->PutHead({StoreEpoch{0}, empty.bytes(), HeadMac(keys_.head, uuid_, StoreEpoch{0}, empty)}));
  return transaction->Commit();
}

Result<std::optional<Row>> AuthenticatedStore::Get(Table table, const Row& primary_key) {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(std::optional<StoredRow> row, transaction->Get(table, primary_key));
  if (!row) return std::optional<Row>();
  COFFER_ASSIGN_OR_RETURN(Row checked, Checked(SpecOf(table), *std::move(row)));
  return std::optional(std::move(checked));
}

Result<std::vector<Row>> AuthenticatedStore::Scan(const ScanRequest& request) {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(std::vector<StoredRow> found, transaction->Scan(request));
  std::vector<Row> rows;
  rows.reserve(found.size());
  for (StoredRow& row : found) {
    COFFER_ASSIGN_OR_RETURN(Row checked, Checked(SpecOf(request.table), std::move(row)));
    rows.push_back(std::move(checked));
  }
  return rows;
}

Result<StoreEpoch> AuthenticatedStore::Epoch() {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(const StoredHead head, CheckedHead(*transaction));
  return head.epoch;
}

Result<StoreMutation> AuthenticatedStore::Begin() {
  COFFER_ASSIGN_OR_RETURN(std::unique_ptr<StoreTransaction> transaction, store_.Begin());
  COFFER_ASSIGN_OR_RETURN(const StoredHead head, CheckedHead(*transaction));
  return StoreMutation(*this, std::move(transaction), head);
}

Result<Digest> AuthenticatedStore::MacOf(const TableSpec& spec, const Row& columns, std::uint64_t row_epoch) const {
  std::vector<ScalarView> views;
  views.reserve(columns.size());
  for (const Datum& column : columns) views.push_back(ViewOf(column));
  Bytes key;
  COFFER_TRY(EncodeRow(std::span<const ScalarView>(views).first(spec.primary_key_columns), key));
  Bytes row;
  COFFER_TRY(EncodeStoredRow(views, row));
  return RowMac(keys_.rows, uuid_, spec.name, key, row_epoch, row);
}

Result<Row> AuthenticatedStore::Checked(const TableSpec& spec, StoredRow row) const {
  const Result<Digest> expected = MacOf(spec, row.columns, row.row_epoch);
  // What cannot even be encoded was not written by us.
  if (!expected.ok() || !EqualConstantTime(*expected, row.mac)) return RowAltered(spec);
  return std::move(row.columns);
}

Result<StoredHead> AuthenticatedStore::CheckedHead(StoreTransaction& transaction) {
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredHead> head, transaction.GetHead());
  if (!head) return Error(ErrorCode::kIntegrity, "the store has no head").At("head");
  if (!EqualConstantTime(HeadMac(keys_.head, uuid_, head->epoch, MacSum(head->sum)), head->mac)) return HeadAltered();
  if (head->epoch.value < epoch_floor_.load()) return HeadAltered();
  RaiseFloor(head->epoch);
  return *head;
}

Status AuthenticatedStore::CheckSum(StoreTransaction& transaction, const StoredHead& head) const {
  MacSum sum;
  COFFER_TRY(transaction.ForEachMac([&](Table, const Digest& mac) { sum.Add(keys_.head, mac); }));
  if (EqualConstantTime(sum.bytes(), head.sum)) return {};
  return Error(ErrorCode::kIntegrity, "rows were added, removed or put back outside the service").At("head");
}

void AuthenticatedStore::RaiseFloor(StoreEpoch epoch) {
  std::uint64_t floor = epoch_floor_.load();
  while (floor < epoch.value && !epoch_floor_.compare_exchange_weak(floor, epoch.value)) {
  }
}

StoreMutation::StoreMutation(AuthenticatedStore& owner, std::unique_ptr<StoreTransaction> transaction,
                             const StoredHead& head)
    : owner_(&owner), transaction_(std::move(transaction)), sum_(head.sum), next_epoch_{head.epoch.value + 1} {}

Status StoreMutation::CheckOpen() const {
  if (transaction_ == nullptr) return Error(ErrorCode::kInternal, "the mutation is over");
  return {};
}

Result<std::optional<StoredRow>> StoreMutation::Find(const TableSpec& spec, const Row& primary_key) {
  COFFER_TRY(CheckOpen());
  COFFER_ASSIGN_OR_RETURN(std::optional<StoredRow> row, transaction_->Get(spec.table, primary_key));
  if (row) COFFER_TRY(owner_->Checked(spec, *row));
  return row;
}

Result<std::optional<Row>> StoreMutation::Get(Table table, const Row& primary_key) {
  COFFER_ASSIGN_OR_RETURN(std::optional<StoredRow> row, Find(SpecOf(table), primary_key));
  if (!row) return std::optional<Row>();
  return std::optional(std::move(row->columns));
}

Result<std::vector<Row>> StoreMutation::Scan(const ScanRequest& request) {
  COFFER_TRY(CheckOpen());
  COFFER_ASSIGN_OR_RETURN(std::vector<StoredRow> found, transaction_->Scan(request));
  std::vector<Row> rows;
  rows.reserve(found.size());
  for (StoredRow& row : found) {
    COFFER_ASSIGN_OR_RETURN(Row checked, owner_->Checked(SpecOf(request.table), std::move(row)));
    rows.push_back(std::move(checked));
  }
  return rows;
}

Result<StoredRow> StoreMutation::WithMac(const TableSpec& spec, Row columns) const {
  COFFER_TRY(CheckOpen());
  COFFER_TRY(CheckColumns(spec, columns));
  COFFER_ASSIGN_OR_RETURN(const Digest mac, owner_->MacOf(spec, columns, next_epoch_.value));
  return StoredRow{std::move(columns), next_epoch_.value, mac};
}

Status StoreMutation::Insert(Table table, Row row) {
  COFFER_ASSIGN_OR_RETURN(const StoredRow stored, WithMac(SpecOf(table), std::move(row)));
  COFFER_TRY(transaction_->Insert(table, stored));
  sum_.Add(owner_->keys_.head, stored.mac);
  return {};
}

Status StoreMutation::Update(Table table, Row row) {
  const TableSpec& spec = SpecOf(table);
  COFFER_ASSIGN_OR_RETURN(const StoredRow stored, WithMac(spec, std::move(row)));
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredRow> before, Find(spec, PrimaryKeyOf(spec, stored.columns)));
  if (!before) return Error(ErrorCode::kNotFound, "there is no row with this key").At(spec.name);
  COFFER_TRY(transaction_->Update(table, stored));
  sum_.Remove(owner_->keys_.head, before->mac);
  sum_.Add(owner_->keys_.head, stored.mac);
  return {};
}

Status StoreMutation::Erase(Table table, const Row& primary_key) {
  const TableSpec& spec = SpecOf(table);
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredRow> before, Find(spec, primary_key));
  if (!before) return Error(ErrorCode::kNotFound, "there is no row with this key").At(spec.name);
  COFFER_TRY(transaction_->Erase(table, primary_key));
  sum_.Remove(owner_->keys_.head, before->mac);
  return {};
}

Status StoreMutation::Commit() {
  COFFER_TRY(CheckOpen());
  // Ends here whatever happens: a caller that asks the store for the outcome must not wait for its own transaction.
  const std::unique_ptr<StoreTransaction> transaction = std::move(transaction_);
  COFFER_TRY(
      transaction->PutHead({next_epoch_, sum_.bytes(), HeadMac(owner_->keys_.head, owner_->uuid_, next_epoch_, sum_)}));
  COFFER_TRY(transaction->Commit());
  owner_->RaiseFloor(next_epoch_);
  return {};
}

}  // namespace coffer::keysvc
