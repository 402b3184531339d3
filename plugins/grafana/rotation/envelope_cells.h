// EnvelopeCells: what of a Grafana database is under data keys of table data_keys, and the rows that hold it.
#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include "crypto/hash.h"
#include "plugins/grafana/cells/cell_writer.h"
#include "plugins/grafana/rotation/keyed_cells.h"

namespace coffer::grafana {

// A value under a data key. Histories hold it in many cells.
struct EnvelopeValue {
  SecretBlob blob;
  bool may_be_raw = false;  // the plaintext need not be text
};
// A row with at least one such value, and its cells that have one, by column of SensitiveColumns().
struct EnvelopeRow {
  std::string_view table;
  std::string row_id;
  RowNames names;
  std::vector<std::pair<std::size_t, Bytes>> cells;
};

// Every cell of a Grafana database that may hold a value, and its data keys, as digests: whether two databases have the
// same. Not thread-safe.
class CellDigests {
 public:
  // `layout` must outlive it.
  explicit CellDigests(const KeyedCells& layout) : layout_(layout) {}
  void Take(const ReadRow& row);
  // As it is after these changes. Once, after the last row.
  void Apply(std::span<const RowChange> changes);
  bool IsSame(CellDigests& other);

 private:
  const KeyedCells& layout_;
  std::vector<Digest> digests_;
};

// Not thread-safe while it is filled.
class EnvelopeCells {
 public:
  // `all`: the values of every column; else of those that Grafana's own re-encryption does not visit.
  explicit EnvelopeCells(bool all) : all_(all), keyed_(GrafanaKey::kSecurity) {}

  // What to ask for.
  const std::vector<WantedTable>& wanted() const { return keyed_.wanted(); }
  // kResourceExhausted: more than KeyedCells' limits.
  Status Take(std::string_view row_id, const ReadRow& row);
  // After the last row. kInvalidArgument: no Grafana database.
  Status Finish(const std::vector<FoundTable>& found) { return keyed_.Finish(found); }

  // The data keys, and what is known of all columns.
  const KeyedCells& keyed() const { return keyed_; }
  // How many values, in all columns, name each data key.
  const std::map<std::string, std::uint64_t, std::less<>>& uses() const { return uses_; }

  // Of the chosen columns.
  const std::vector<EnvelopeValue>& values() const { return values_; }
  // Which of values() these bytes are.
  std::optional<std::size_t> ValueOf(ByteView blob) const;
  const std::vector<EnvelopeRow>& rows() const { return rows_; }
  std::uint64_t legacy() const { return legacy_; }  // values under secret_key itself
  const std::vector<std::string>& damaged() const { return damaged_; }

 private:
  bool TakeCell(std::size_t column, ByteView cell, const RowNames& names);

  bool all_;
  KeyedCells keyed_;
  std::map<std::string, std::uint64_t, std::less<>> uses_;
  std::vector<EnvelopeValue> values_;
  std::unordered_map<std::string, std::size_t> value_of_;  // by SHA-256
  std::vector<EnvelopeRow> rows_;
  std::size_t bytes_ = 0;
  std::uint64_t legacy_ = 0;
  std::vector<std::string> damaged_;
};

}  // namespace coffer::grafana
