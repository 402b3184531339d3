// KeyedCells: what of a Grafana database is directly under one of its secret_keys, and the rows that hold it: data
// keys, and values from before there were data keys ("legacy").
#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include "plugins/grafana/database/data_keys.h"
#include "plugins/grafana/database/key_samples.h"
#include "plugins/grafana/database/plausible.h"
#include "plugins/grafana/database/sensitive_columns.h"
#include "plugins/grafana/secret_key.h"

namespace coffer::grafana {

// The columns that tell a row of SensitiveTables() from others, and their text; "" for NULL.
using RowNames = std::vector<std::pair<std::string_view, std::string>>;
// Empty where there is no such column.
std::string_view NameIn(const RowNames& names, std::string_view column);

// Where the data keys of this secret_key are, and which of SensitiveColumns() holds them.
DataKeyTable TableOf(GrafanaKey which);
std::size_t ColumnOfDataKeys(DataKeyTable table);

struct DataKeyRow {
  std::string row_id;
  RowNames names;
  const DataKey* key = nullptr;  // with what is wrapped
  Bytes cell;                    // the same as bytes
};

// A value under secret_key itself. Histories and copies hold it in many cells.
struct LegacyValue {
  SecretBlob blob;
  PlaintextKind kind = PlaintextKind::kText;
  bool may_be_raw = false;  // the plaintext need not be text
};

struct LegacyCell {
  std::size_t column = 0;  // of SensitiveColumns()
  Bytes content;
};
// A row with at least one legacy value, and its cells that have one.
struct LegacyRow {
  std::string_view table;
  std::string row_id;
  RowNames names;
  std::vector<LegacyCell> cells;
};

// How much there is; the same before and after a rotation.
struct CellCensus {
  std::map<std::string_view, std::uint64_t> rows;     // of each table that is there
  std::map<std::size_t, std::uint64_t> legacy_cells;  // values under secret_key itself, of each of SensitiveColumns()
  std::uint64_t envelopes = 0;                        // values under a data key
  std::uint64_t plaintexts = 0;                       // where a blob should be
  std::uint64_t unreadable = 0;
  bool operator==(const CellCensus&) const = default;
};

// "data_source.secure_json_data: password of id=1 org_id=1", printable.
std::string PlaceText(std::size_t column, const RowNames& names, std::string_view path);

// Not thread-safe while it is filled.
class KeyedCells {
 public:
  static constexpr std::size_t kMaxValues = 1'000'000;
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 30;  // of cells with legacy values

  // How one of wanted() is laid out.
  struct Asked {
    std::size_t table = 0;             // of SensitiveTables()
    std::size_t names = 0;             // how many of the columns name the row
    std::vector<std::size_t> columns;  // of SensitiveColumns(), behind the names
  };

  explicit KeyedCells(GrafanaKey which);

  // What to ask for.
  const std::vector<WantedTable>& wanted() const { return wanted_; }
  const std::vector<Asked>& asked() const { return asked_; }  // as wanted()
  static RowNames NamesOf(const Asked& asked, const ReadRow& row);
  // kResourceExhausted: more than the limits.
  Status Take(std::string_view row_id, const ReadRow& row);
  // After the last row. kInvalidArgument: none of Grafana's tables.
  Status Finish(const std::vector<FoundTable>& found);

  // Those that could be read, whoever wraps them.
  const DataKeys& keys() const { return keys_; }
  // Wrapped by this secret_key's provider.
  const std::vector<DataKeyRow>& data_keys() const { return data_keys_; }
  // The samples under it.
  const std::vector<TrialSample>& SamplesOf(const DataKeyRow& row) const;
  const std::vector<LegacyValue>& values() const { return values_; }
  // Which of values() these bytes are.
  std::optional<std::size_t> ValueOf(ByteView blob) const;
  const std::vector<LegacyRow>& legacy_rows() const { return legacy_rows_; }
  const CellCensus& census() const { return census_; }
  // Of what cannot be read as what it should be, whatever the key: a data key's row, JSON, a blob that is cut short.
  const std::vector<std::string>& damaged() const { return damaged_; }
  std::uint64_t other_data_keys() const { return other_data_keys_; }  // of other providers
  std::uint64_t sessions() const { return sessions_; }
  // Whether a change of this table's rows has to be stamped (RowChange::stamps).
  bool Stamps(std::string_view table) const;

 private:
  void AskFor(std::size_t table);
  void TakeDataKey(std::string_view row_id, const Asked& asked, const ReadRow& row);
  Status TakeCell(const Asked& asked, const ReadRow& row, std::size_t column, ByteView cell, LegacyRow& legacy);
  bool AddBlob(const Asked& asked, const ReadRow& row, std::size_t column, ByteView bytes);

  GrafanaKey which_;
  DataKeys keys_;
  std::vector<WantedTable> wanted_;
  std::vector<Asked> asked_;
  std::vector<DataKeyRow> data_keys_;
  std::map<std::string, KeySamples, std::less<>> samples_;
  std::vector<LegacyValue> values_;
  std::unordered_map<std::string, std::size_t> value_of_;  // by SHA-256
  std::vector<LegacyRow> legacy_rows_;
  std::size_t legacy_bytes_ = 0;
  CellCensus census_;
  std::vector<std::string> damaged_;
  std::uint64_t other_data_keys_ = 0;
  std::uint64_t sessions_ = 0;
  std::vector<std::string_view> stamped_;
};

}  // namespace coffer::grafana
