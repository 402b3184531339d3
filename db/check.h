// Check: what a database whose fields a catalog names leaks or has drifted into: protected columns that hold something
// else than ciphertext or are not there, what guards them, and settings of the server that write values elsewhere.
//
// Nothing is changed; what would mend a finding is said as SQL. No value is kept or shown.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "db/encrypted_column.h"
#include "db/schema.h"
#include "policy/catalog.h"

namespace coffer::db {

enum class Severity : std::uint8_t {
  kHigh,    // plaintext is there, or what was encrypted cannot be had
  kMedium,  // a mistake would leak, or a guard is missing
  kLow,     // known to leak little, or only to those who have more already
};
std::string_view SeverityName(Severity severity);  // "high"

struct Finding {
  Severity severity = Severity::kLow;
  std::string_view check;  // stable: "plaintext", "column-missing", "setting", ...
  std::string where;       // a column, table, setting or publication
  std::string what;
  std::string why;
  std::string mend;  // SQL; empty where SQL does not mend it
};

// Where a field of the catalog is stored.
struct CheckedField {
  policy::ColumnName field;
  ColumnPlace place;
};

struct CheckOptions {
  const policy::Catalog* catalog = nullptr;
  // Fields that are stored elsewhere than under their own table and column.
  std::map<policy::ColumnName, ColumnPlace> places;
};

struct CheckedColumn {
  std::string field;  // "shop.user.email"
  std::string place;
  std::uint64_t values = 0;
  std::uint64_t no_ciphertext = 0;
  std::uint64_t keys = 0;  // different ones
};

struct CheckReport {
  std::vector<CheckedColumn> columns;  // those that are there and could be counted
  std::vector<Finding> findings;       // gravest first
  bool HasHigh() const;
  // Behind those that are as grave.
  void Add(Finding finding);
};

// kInvalidArgument At "field.<name>": a place for a field that the catalog does not have; else as ReadSchema and
// TakeCensus. Reads all protected columns. Thread-safe.
Result<CheckReport> CheckDatabase(const Source& source, const CheckOptions& options);

// Its parts. `schema` was read from the database.
Result<std::vector<CheckedField>> PlacesOf(const CheckOptions& options, const Schema& schema);
Status CheckColumns(const Source& source, const CheckOptions& options, const Schema& schema,
                    const std::vector<CheckedField>& fields, CheckReport& report);
Status CheckServer(const Source& source, const CheckOptions& options, const Schema& schema,
                   const std::vector<CheckedField>& fields, CheckReport& report);

// "email_exact" and, where the index is not unique, "email_exact_iv".
std::vector<std::string> TokenColumnsOf(const std::string& column, const policy::CatalogIndex& index);

}  // namespace coffer::db
