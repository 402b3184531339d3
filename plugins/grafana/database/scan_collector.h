// ScanCollector: the rows' part of a scan. Notes every secret's place as the rows come, and keeps what keys will be
// tried on when all of them are known.
#pragma once

#include <array>
#include <map>
#include <unordered_map>
#include <vector>

#include "plugins/grafana/database/cell_secrets.h"
#include "plugins/grafana/database/key_samples.h"
#include "plugins/grafana/database/scan.h"

namespace coffer::grafana {

// A finding that is a blob under secret_key itself.
struct LegacyCell {
  static constexpr std::uint32_t kNotTried = ~std::uint32_t{0};

  std::uint32_t finding = 0;
  std::uint32_t unit = kNotTried;  // of TakeLegacyUnits()
};

class ScanCollector {
 public:
  // The options have to outlive it.
  explicit ScanCollector(const ScanOptions& options);

  // What to ask a RowReader for.
  const std::vector<WantedTable>& wanted() const { return wanted_; }
  // kResourceExhausted: ScanOptions::max_kept_bytes.
  Status Take(const ReadRow& row);
  // Which tables and columns there were, and the rows of data keys into report().data_keys. kInvalidArgument: none;
  // kResourceExhausted as Take.
  Status Finish(const std::vector<FoundTable>& found);

  ScanReport& report() { return report_; }
  const std::vector<LegacyCell>& legacy() const { return legacy_; }
  // Each value once, however many copies there are.
  std::vector<TrialUnit> TakeLegacyUnits() { return std::move(legacy_units_); }
  // Of report().data_keys.
  std::vector<TrialSample> TakeSamplesOf(std::size_t data_key) { return samples_[data_key].Take(); }
  const DataKeys& keys(DataKeyTable table) const { return keys_[static_cast<std::size_t>(table)]; }

 private:
  // One of wanted_.
  struct Asked {
    struct Column {
      std::size_t column = 0;  // of SensitiveColumns()
      std::size_t cell = 0;    // of the row: one of its names, or behind them
    };
    std::size_t table = 0;  // of SensitiveTables()
    std::size_t names = 0;  // how many of the cells name the row
    std::vector<Column> columns;
  };
  // The row that is being taken; it is named when something is found in it.
  struct Current {
    const ReadRow* row = nullptr;
    const Asked* asked = nullptr;
    std::optional<std::uint32_t> name;
  };

  void AskFor(std::size_t table);
  std::string_view NameOf(std::string_view column) const;
  void TakeDataKey(DataKeyTable table, const ReadRow& row);
  Status TakeCell(std::size_t column, ByteView cell);
  Status SearchCell(std::size_t column, ByteView cell, bool is_broken);
  Status AddSecret(std::size_t column, const CellSecret& secret);
  Status AddBlob(std::size_t column, const CellSecret& secret);
  Status AddMisplaced(std::size_t column, std::string_view path, MisplacedKind kind);
  Status AddFinding(Finding finding, std::string_view path);
  std::uint32_t UseOf(DataKeyTable table, std::string_view id);
  void AddSample(std::uint32_t data_key, SecretBlob blob, std::size_t column);
  void AddLegacy(SecretBlob blob, std::size_t column);
  PlaintextKind KindOf(std::size_t column) const;
  Status CheckMemory() const;
  void NoteDataKeyRows(const FoundTable& found);
  void NoteDataKeys();

  const ScanOptions& options_;
  std::size_t kept_bytes_ = 0;  // besides report_.kept_bytes()
  std::size_t legacy_bytes_ = 0;
  std::vector<WantedTable> wanted_;
  std::vector<Asked> asked_;
  Current current_;
  ScanReport report_;
  std::array<DataKeys, 2> keys_ = {DataKeys(DataKeyTable::kDataKeys), DataKeys(DataKeyTable::kSecretDataKey)};
  std::array<bool, 2> refused_rows_ = {};                                  // of keys_
  std::array<std::map<std::string, std::uint32_t, std::less<>>, 2> uses_;  // of report_.data_keys
  std::vector<KeySamples> samples_;                                        // as report_.data_keys
  std::vector<LegacyCell> legacy_;
  std::vector<TrialUnit> legacy_units_;
  std::unordered_map<std::uint64_t, std::uint32_t> unit_of_;  // by a digest of salt, IV and body
};

}  // namespace coffer::grafana
