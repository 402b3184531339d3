#include "plugins/grafana/rotation/envelope_cells.h"

#include <algorithm>
#include <iterator>

#include "plugins/grafana/database/cell_secrets.h"

namespace coffer::grafana {
namespace {

Digest DigestOf(std::string_view table, std::string_view column, const RowNames& names, ByteView cell) {
  std::string place = std::string(table) + '.' + std::string(column);
  for (const auto& [name, value] : names) {
    place += ' ' + std::to_string(value.size()) + ' ' + value;
  }
  const Digest content = Sha256({cell});
  return Sha256({AsBytes(place), content});
}

std::string KeyOf(ByteView blob) { return std::string(AsText(Sha256({blob}))); }

}  // namespace

void CellDigests::Take(const ReadRow& row) {
  const KeyedCells::Asked& asked = layout_.asked()[row.table];
  const WantedTable& wanted = layout_.wanted()[row.table];
  const RowNames names = KeyedCells::NamesOf(asked, row);
  // A data key's row is named by its first column; the others are all there is of it.
  const bool is_data_key = wanted.name == DataKeyColumns(DataKeyTable::kDataKeys).name;
  const std::size_t columns =
      is_data_key ? DataKeyColumns(DataKeyTable::kDataKeys).columns.size() - asked.names : asked.columns.size();
  for (std::size_t i = asked.names; i < asked.names + columns; ++i) {
    if (row.cells[i]) digests_.push_back(DigestOf(wanted.name, wanted.columns[i], names, *row.cells[i]));
  }
}

void CellDigests::Apply(std::span<const RowChange> changes) {
  std::vector<Digest> removed;
  std::vector<Digest> added;
  for (const RowChange& change : changes) {
    for (const CellChange& cell : change.cells) {
      removed.push_back(DigestOf(change.table, cell.column, change.names, cell.before));
      added.push_back(DigestOf(change.table, cell.column, change.names, cell.after));
    }
  }
  std::sort(digests_.begin(), digests_.end());
  std::sort(removed.begin(), removed.end());
  std::vector<Digest> after;
  std::set_difference(digests_.begin(), digests_.end(), removed.begin(), removed.end(), std::back_inserter(after));
  after.insert(after.end(), added.begin(), added.end());
  digests_ = std::move(after);
}

bool CellDigests::IsSame(CellDigests& other) {
  std::sort(digests_.begin(), digests_.end());
  std::sort(other.digests_.begin(), other.digests_.end());
  return digests_ == other.digests_;
}

Status EnvelopeCells::Take(std::string_view row_id, const ReadRow& row) {
  COFFER_TRY(keyed_.Take(row_id, row));
  const KeyedCells::Asked& asked = keyed_.asked()[row.table];
  EnvelopeRow found;
  found.names = KeyedCells::NamesOf(asked, row);
  for (std::size_t i = 0; i < asked.columns.size(); ++i) {
    const std::optional<ByteView>& cell = row.cells[asked.names + i];
    if (!cell || !TakeCell(asked.columns[i], *cell, found.names)) continue;
    bytes_ += cell->size();
    found.cells.emplace_back(asked.columns[i], CopyOf(*cell));
  }
  if (bytes_ > KeyedCells::kMaxBytes) {
    return Error(ErrorCode::kResourceExhausted, "more is under data keys than fits into one transaction, in bytes")
        .WithLimit(KeyedCells::kMaxBytes);
  }
  if (values_.size() > KeyedCells::kMaxValues) {
    return Error(ErrorCode::kResourceExhausted, "more values are under data keys than fit into one transaction")
        .WithLimit(KeyedCells::kMaxValues);
  }
  if (found.cells.empty()) return {};
  found.table = SensitiveTables()[asked.table].name;
  found.row_id = row_id;
  rows_.push_back(std::move(found));
  return {};
}

// True: the column is chosen, and a value of it is under a data key.
bool EnvelopeCells::TakeCell(std::size_t column, ByteView cell, const RowNames& names) {
  const SensitiveColumn& asked = SensitiveColumns()[column];
  const bool is_chosen = all_ || !asked.rotated;
  bool is_found = false;
  ReadCell(asked.encoding, cell, [&](const CellSecret& secret) {
    if (secret.form == SecretForm::kUnreadable && is_chosen) {
      damaged_.push_back(PlaceText(column, names, secret.path));
    }
    if (secret.form != SecretForm::kBlob) return;
    SecretBlob blob = SecretBlob::Parse(secret.bytes).value();
    if (blob.data_key) ++uses_[*blob.data_key];
    if (!is_chosen) return;
    if (!blob.data_key) {
      ++legacy_;
      return;
    }
    is_found = true;
    if (!value_of_.try_emplace(KeyOf(secret.bytes), values_.size()).second) return;
    values_.push_back({std::move(blob), MayBeRaw(column)});
  });
  return is_found;
}

std::optional<std::size_t> EnvelopeCells::ValueOf(ByteView blob) const {
  const auto found = value_of_.find(KeyOf(blob));
  return found == value_of_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace coffer::grafana
