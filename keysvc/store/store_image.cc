#include "keysvc/store/store_image.h"

#include <algorithm>

namespace coffer::keysvc {
namespace {

Error DoesNotFit() {
  return {ErrorCode::kIntegrity, "the key journal holds a change that does not fit the rows before it"};
}

Status Redo(const RowChange& change, const SecretBytes& head_key, StoreTransaction& transaction, MacSum& sum) {
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredRow> before, transaction.Get(change.table, change.primary_key));
  if (before) sum.Remove(head_key, before->mac);
  if (!change.columns) return transaction.Erase(change.table, change.primary_key);
  sum.Add(head_key, change.mac);
  const StoredRow row{*change.columns, change.row_epoch, change.mac};
  return before ? transaction.Update(change.table, row) : transaction.Insert(change.table, row);
}

}  // namespace

Result<StoreImage> StoreImage::Read(JournalReader& journal) {
  StoreImage image;
  std::optional<CommitGroup> pending;
  bool snapshot = true;
  while (true) {
    COFFER_ASSIGN_OR_RETURN(std::optional<CommitGroup> next, journal.Next());
    const bool replaced = next && pending && next->head.epoch == pending->head.epoch && !snapshot;
    if (pending && !replaced) {
      COFFER_TRY(image.Apply(*pending, snapshot));
      snapshot = false;
    }
    if (!next) break;
    pending = std::move(next);
  }
  if (snapshot) return Error(ErrorCode::kIntegrity, "the key journal is cut off before its first state is whole");
  return image;
}

Status StoreImage::Apply(const CommitGroup& group, bool snapshot) {
  for (const RowChange& change : group.changes) {
    const Key key(change.table, change.primary_key);
    if (change.columns) {
      const bool is_new = rows_.insert_or_assign(key, StoredRow{*change.columns, change.row_epoch, change.mac}).second;
      if (snapshot && !is_new) return DoesNotFit();
    } else if (snapshot || rows_.erase(key) == 0) {
      return DoesNotFit();
    }
  }
  head_ = group.head;
  return {};
}

std::vector<StoredRow> StoreImage::RowsOf(Table table) const {
  std::vector<StoredRow> rows;
  for (const auto& [key, row] : rows_) {
    if (key.first == table) rows.push_back(row);
  }
  return rows;
}

std::vector<StoredRow> StoreImage::RowsUnder(Table table, const Row& key_begins) const {
  std::vector<StoredRow> rows;
  for (auto row = rows_.lower_bound(Key(table, key_begins)); row != rows_.end() && row->first.first == table; ++row) {
    const Row& key = row->first.second;
    if (!std::equal(key_begins.begin(), key_begins.end(), key.begin())) break;
    rows.push_back(row->second);
  }
  return rows;
}

Status StoreImage::Verify(StoreUuid store, const IntegrityKeys& keys) const {
  const ManyMacs macs(store, keys);
  MacSum sum;
  for (const auto& [key, row] : rows_) {
    const TableSpec& spec = SpecOf(key.first);
    const Result<Digest> mac = StoredRowMac(macs, spec, row.columns, row.row_epoch);
    if (!mac.ok() || !EqualConstantTime(*mac, row.mac)) {
      return Error(ErrorCode::kIntegrity, "a row of the key journal was altered").At(spec.name);
    }
    macs.Add(sum, row.mac);
  }
  const bool whole =
      sum == MacSum(head_.sum) && EqualConstantTime(HeadMac(keys.head, store, head_.epoch, sum), head_.mac);
  if (whole) return {};
  return Error(ErrorCode::kIntegrity, "rows of the key journal were added, removed or altered").At("head");
}

StoreImage::Difference StoreImage::To(const StoreImage& later) const {
  Difference difference;
  for (const auto& [key, row] : later.rows_) {
    const auto before = rows_.find(key);
    if (before == rows_.end()) {
      ++difference.rows_added;
    } else if (before->second.mac != row.mac) {
      ++difference.rows_changed;
    }
  }
  for (const auto& [key, row] : rows_) difference.rows_gone += later.rows_.contains(key) ? 0 : 1;
  return difference;
}

Status StoreImage::WriteTo(KeyStore& store) const {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store.Begin());
  std::vector<Key> old;
  COFFER_TRY(transaction->ForEachMac(
      [&](Table table, const Row& primary_key, const Digest&) { old.emplace_back(table, primary_key); }));
  for (const auto& [table, key] : old) COFFER_TRY(transaction->Erase(table, key));
  for (const auto& [key, row] : rows_) COFFER_TRY(transaction->Insert(key.first, row));
  COFFER_TRY(transaction->PutHead(head_));
  return transaction->Commit();
}

CommitGroup StoreImage::AsGroup() const {
  CommitGroup group;
  group.head = head_;
  group.changes.reserve(rows_.size());
  for (const auto& [key, row] : rows_) {
    group.changes.push_back({.table = key.first,
                             .primary_key = key.second,
                             .row_epoch = row.row_epoch,
                             .columns = row.columns,
                             .mac = row.mac});
  }
  return group;
}

Result<StoreImage> StoreImage::Make(std::vector<std::pair<Table, Row>> rows, StoreEpoch epoch, StoreUuid store,
                                    const IntegrityKeys& keys) {
  StoreImage image;
  MacSum sum;
  for (auto& [table, columns] : rows) {
    const TableSpec& spec = SpecOf(table);
    COFFER_ASSIGN_OR_RETURN(const Digest mac, StoredRowMac(keys.rows, store, spec, columns, epoch.value));
    sum.Add(keys.head, mac);
    Row key = PrimaryKeyOf(spec, columns);
    image.rows_.emplace(Key(table, std::move(key)), StoredRow{std::move(columns), epoch.value, mac});
  }
  image.head_ = {epoch, sum.bytes(), HeadMac(keys.head, store, epoch, sum)};
  return image;
}

Result<StoreImage> StoreImage::Of(StoreTransaction& transaction) {
  StoreImage image;
  for (const TableSpec& spec : Schema()) {
    COFFER_ASSIGN_OR_RETURN(std::vector<StoredRow> rows, transaction.Scan({.table = spec.table}));
    for (StoredRow& row : rows) {
      Row key = PrimaryKeyOf(spec, row.columns);
      image.rows_.emplace(Key(spec.table, std::move(key)), std::move(row));
    }
  }
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredHead> head, transaction.GetHead());
  if (!head) return Error(ErrorCode::kIntegrity, "the store has no head").At("head");
  image.head_ = *head;
  return image;
}

Status RedoGroup(const CommitGroup& group, const StoredHead& before, const IntegrityKeys& keys, KeyStore& store) {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<StoreTransaction> transaction, store.Begin());
  COFFER_ASSIGN_OR_RETURN(const std::optional<StoredHead> head, transaction->GetHead());
  const bool fits = head && head->epoch == before.epoch && head->sum == before.sum && head->mac == before.mac &&
                    before.epoch.value + 1 == group.head.epoch.value;
  if (!fits) return DoesNotFit();
  MacSum sum(before.sum);
  for (const RowChange& change : group.changes) {
    const Status redone = Redo(change, keys.head, *transaction, sum);
    if (redone.ok()) continue;
    const ErrorCode code = redone.error().code();
    const bool other_rows = code == ErrorCode::kNotFound || code == ErrorCode::kAlreadyExists;
    return other_rows ? DoesNotFit() : redone.error();
  }
  // Rows of the store that are none of the journal's.
  if (sum != MacSum(group.head.sum)) return DoesNotFit();
  COFFER_TRY(transaction->PutHead(group.head));
  return transaction->Commit();
}

}  // namespace coffer::keysvc
