// ScanCollector: the rows' part of a scan. Notes every secret's place as the rows come, and keeps what keys will be
// tried on when all of them are known.
#pragma once

#include <array>
#include <map>
#include <unordered_map>
#include <vector>

#include "plugins/grafana/database/cell_secrets.h"
#include "plugins/grafana/database/key_samples.h"
#include "plugins/grafana/database/scan_report.h"

namespace coffer::grafana {

// A finding that is a blob under secret_key itself.
struct LegacyCell {
  static constexpr std::uint32_t kNotTried = ~std::uint32_t{0};

  std::uint32_t finding = 0;
  std::uint32_t unit = kNotTried;  // of legacy_units()
};

class ScanCollector {
 public:
  ScanCollector(bool count_personal, std::size_t max_legacy);

  // What to ask a RowReader for.
  const std::vector<WantedTable>& wanted() const { return wanted_; }
  // kResourceExhausted: more findings than are kept.
  Status Take(const ReadRow& row);
  // Which tables and columns there were, and the rows of data keys into report().data_keys. kInvalidArgument: none.
  Status Finish(const std::vector<FoundTable>& found);

  ScanReport& report() { return report_; }
  const std::vector<LegacyCell>& legacy() const { return legacy_; }
  // Each value once, however many copies there are.
  const std::vector<TrialUnit>& legacy_units() const { return legacy_units_; }
  // Of report().data_keys.
  const std::vector<TrialSample>& SamplesOf(std::size_t data_key) const { return samples_[data_key].samples(); }
  const DataKeys& keys(DataKeyTable table) const { return keys_[static_cast<std::size_t>(table)]; }

 private:
  // One of wanted_.
  struct Asked {
    std::size_t table = 0;             // of SensitiveTables()
    std::size_t names = 0;             // how many of the columns name the row
    std::vector<std::size_t> columns;  // of SensitiveColumns(), behind the names
  };
  // The row that is being taken; it is named when something is found in it.
  struct Current {
    const ReadRow* row = nullptr;
    const Asked* asked = nullptr;
    std::optional<std::uint32_t> name;
  };

  void AskFor(std::size_t table, bool count_personal);
  std::string_view NameOf(std::string_view column) const;
  Status TakeCell(std::size_t column, ByteView cell);
  Status AddSecret(std::size_t column, const CellSecret& secret);
  Status AddBlob(Finding finding, ByteView bytes, CellEncoding encoding);
  Status AddFinding(const Finding& finding, std::string_view path);
  std::uint32_t UseOf(DataKeyTable table, std::string_view id);
  void AddLegacy(std::uint32_t finding, SecretBlob blob, bool may_be_raw);

  std::size_t max_legacy_;
  std::size_t legacy_bytes_ = 0;
  std::vector<WantedTable> wanted_;
  std::vector<Asked> asked_;
  Current current_;
  ScanReport report_;
  std::array<DataKeys, 2> keys_ = {DataKeys(DataKeyTable::kDataKeys), DataKeys(DataKeyTable::kSecretDataKey)};
  std::array<std::map<std::string, std::uint32_t, std::less<>>, 2> uses_;  // of report_.data_keys
  std::vector<KeySamples> samples_;                                        // as report_.data_keys
  std::vector<LegacyCell> legacy_;
  std::vector<TrialUnit> legacy_units_;
  std::unordered_map<std::uint64_t, std::uint32_t> unit_of_;  // by a digest of salt, IV and body
};

}  // namespace coffer::grafana
