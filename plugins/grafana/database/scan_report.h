// ScanReport: what a scan found. Places and kinds, never a value.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plugins/grafana/database/data_keys.h"
#include "plugins/grafana/database/misplaced.h"
#include "plugins/grafana/database/sensitive_columns.h"

namespace coffer::grafana {

enum class Protection : std::uint8_t {
  kPlaintext,
  kMisplaced,   // plaintext, where no secret belongs
  kLegacy,      // a blob under secret_key itself
  kEnvelope,    // a blob under a data key
  kManager,     // of the secrets manager, under its own data keys
  kUnknownKey,  // a blob whose data key has no row
  kUnreadable,  // cut short, not JSON, of another form
};
inline constexpr std::size_t kProtections = 7;
std::string_view ProtectionName(Protection protection);

enum class ReadableBy : std::uint8_t {
  kAnyone,     // who has the database
  kGivenKey,   // who has the secret_key that the scan was given, too
  kKeyHolder,  // who has a key that the scan was not given
  kNobody,     // the data key is gone
  kUnknown,    // it cannot be told: anyone, maybe
};
inline constexpr std::size_t kReaders = 5;
std::string_view ReadableByName(ReadableBy readable_by);

// One secret at one place.
struct Finding {
  static constexpr std::uint32_t kNoDataKey = ~std::uint32_t{0};

  std::uint32_t row = 0;   // of rows()
  std::uint32_t path = 0;  // of paths()
  std::uint32_t data_key = kNoDataKey;
  std::uint8_t column = 0;  // of SensitiveColumns()
  Protection protection = Protection::kUnreadable;
  ReadableBy readable_by = ReadableBy::kUnknown;
  BlobCipher cipher = BlobCipher::kAesCfb;
  MisplacedKind misplaced = MisplacedKind::kNamedKey;
  bool inferred = false;  // not tried itself: other values under the same key were
  bool accepted = false;  // AcceptedFindings
};

// A data key, of a row or of a blob that names it.
struct DataKeyUse {
  DataKeyTable table = DataKeyTable::kDataKeys;
  std::string id;
  std::string provider;
  std::string label;
  std::string name_space;
  bool has_row = false;
  bool active = false;
  bool damaged = false;     // its row does not parse
  bool is_twice = false;    // another row has its id
  std::uint64_t cells = 0;  // blobs under it
  ReadableBy readable_by = ReadableBy::kUnknown;
};

// What became of a key that the scan was given.
enum class GivenKey : std::uint8_t {
  kNone,        // none was given
  kIsDefault,   // it is Grafana's public one
  kOpens,       // it opens what there is under secret_key, or some of it
  kOpensNone,   // it opens nothing
  kNotTold,     // it may be right for some: too little is under it that would tell
  kNoneToOpen,  // there is nothing to try it on
};
std::string_view GivenKeyName(GivenKey given);

// How much is known of a table of data keys.
enum class DataKeyRows : std::uint8_t {
  kAll,
  kRefused,    // rows without an id, or with another one's
  kNoColumns,  // the table lacks its keys' ids, or the keys
  kNoTable,    // it is not in what was scanned
};
std::string_view DataKeyRowsName(DataKeyRows rows);

// What stands in the place of one of Grafana's tables, and was not read.
struct NotExamined {
  std::size_t table = 0;  // of SensitiveTables()
  TableKind kind = TableKind::kOther;
};

// Move-only.
class ScanReport {
 public:
  ScanReport() = default;
  ScanReport(ScanReport&&) = default;
  ScanReport& operator=(ScanReport&&) = default;

  std::vector<Finding> findings;  // in the database's order
  std::vector<DataKeyUse> data_keys;
  std::vector<std::uint64_t>
      personal;                     // non-empty cells of each of SensitiveColumns() that are kPersonal, if asked for
  std::vector<std::size_t> tables;  // of SensitiveTables() that are there
  std::vector<NotExamined> not_examined;
  std::vector<std::size_t> absent;  // of SensitiveColumns() whose table is there and has no such column
  std::uint64_t rows_read = 0;
  std::uint64_t sessions = 0;                                                                 // rows of user_auth_token
  std::array<DataKeyRows, 2> data_key_rows = {DataKeyRows::kNoTable, DataKeyRows::kNoTable};  // by DataKeyTable
  std::uint64_t damaged_data_keys = 0;                                                        // rows that were refused
  std::uint64_t legacy_tried = 0;
  std::uint64_t legacy_not_tried = 0;
  GivenKey secret_key = GivenKey::kNone;
  GivenKey manager_key = GivenKey::kNone;

  // The columns that name the finding's row, and what they hold; without those that are empty. What holds a secret
  // (FindMisplaced) is given as kHiddenName.
  std::vector<std::pair<std::string_view, std::string_view>> RowName(const Finding& finding) const;
  std::string_view Path(const Finding& finding) const { return *paths_[finding.path]; }
  const DataKeyUse* DataKeyOf(const Finding& finding) const;
  DataKeyRows RowsOf(DataKeyTable table) const { return data_key_rows[static_cast<std::size_t>(table)]; }

  // For the scan. A row's name: values of its table's row_name columns, in their order.
  std::uint32_t AddRow(const std::vector<std::string_view>& names);
  std::uint32_t AddPath(std::string_view path);
  // About how much memory findings, rows and paths take, in bytes.
  std::size_t kept_bytes() const { return findings.size() * sizeof(Finding) + names_and_paths_bytes_; }

 private:
  struct Row {
    std::uint64_t offset = 0;
    std::uint32_t size = 0;
  };

  std::string row_names_;  // of all rows, one behind the other
  std::vector<Row> rows_;
  std::size_t names_and_paths_bytes_ = 0;
  std::vector<const std::string*> paths_;  // of path_index_
  std::unordered_map<std::string, std::uint32_t> path_index_;
};

inline constexpr std::string_view kHiddenName = "<name>";

// Not one that cannot be read: nobody knows what it is.
bool IsSecret(const Finding& finding);
// Of what is encrypted.
std::optional<BlobCipher> CipherOf(const Finding& finding);

// Findings that have all of this in common.
struct FindingGroup {
  std::uint8_t column = 0;
  Protection protection = Protection::kUnreadable;
  ReadableBy readable_by = ReadableBy::kUnknown;
  std::optional<BlobCipher> cipher;        // where there is one
  std::optional<MisplacedKind> misplaced;  // of kMisplaced
  bool accepted = false;
  std::uint64_t count = 0;
  std::vector<std::size_t> examples;  // of findings
};
inline constexpr std::size_t kMaxExamples = 3;
// What anybody reads first; then in the order of the tables.
std::vector<FindingGroup> GroupFindings(const ScanReport& report);

std::uint64_t CountReadableBy(const ScanReport& report, ReadableBy readable_by);
// Of all findings, those that anyone can read for all that is known: secrets, and what cannot be read.
std::uint64_t CountUnjudged(const ScanReport& report);
std::uint64_t CountAccepted(const ScanReport& report);
// Whether there is, besides what was accepted, a secret that anyone can read.
bool IsExposed(const ScanReport& report);
// The same of what anyone can read for all that is known; a table that was not examined is never accepted.
bool IsUnjudged(const ScanReport& report);
// Secrets in history tables.
std::uint64_t CountInHistory(const ScanReport& report, ReadableBy readable_by);

}  // namespace coffer::grafana
