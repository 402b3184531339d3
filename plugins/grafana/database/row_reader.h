// RowReader: the rows of a Grafana database, wherever it is: a SQLite file, a PostgreSQL server, a dump of one.
//
// It only ever reads. What it hands over may be secret: nothing of it goes into an error.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer::grafana {

// What has a wanted table's name. Of anything but a table no row is read: what stands behind it is not the table's own.
enum class TableKind : std::uint8_t {
  kTable,
  kView,
  kMaterializedView,
  kForeignTable,
  kForeignParts,  // a table with parts that are foreign tables
  kPartitioned,   // of a dump: the rows have the names of its parts
  kVirtualTable,
  kOther,
};
// "table", "view", "materialized-view"...
std::string_view TableKindName(TableKind kind);

// A table and what is read of it.
struct WantedTable {
  std::string_view name;
  std::vector<std::string_view> columns;
  bool may_be_other = false;  // what is no table is in FoundTable::kind; else it is an error
};

// One row: the cells of WantedTable::columns in their order; nothing for NULL and for a column that the table lacks.
// Numbers, booleans and times are text; a boolean is true or false, and 1 or 0 of SQLite's. Views live until the
// callback returns.
struct ReadRow {
  std::size_t table = 0;  // of the tables that were asked for
  std::vector<std::optional<ByteView>> cells;
};
using OnRow = std::function<Status(const ReadRow&)>;

// What there was of a wanted table.
struct FoundTable {
  std::size_t table = 0;
  std::vector<bool> has_column;  // as WantedTable::columns
  std::uint64_t rows = 0;
  TableKind kind = TableKind::kTable;
};

// For readers: `wanted[table]` is of another kind than a table. One without rows and columns, or, where that may not
// be, kInvalidArgument.
Result<FoundTable> FoundOther(std::span<const WantedTable> wanted, std::size_t table, TableKind kind);

class RowReader {
 public:
  virtual ~RowReader() = default;

  // Every row of those tables that are there, each table whole before the next, in the order of the database or dump.
  // All rows are of one moment where the source can promise that. An error of `on_row` ends it and is given back.
  // Again: of another moment. kInvalidArgument: what is no such database, a dump that is cut short, with its line, and
  // what is no table in the place of one (WantedTable::may_be_other); kUnavailable: an outage, or locked by another
  // process for longer than a few seconds; kNotFound, kPermissionDenied: what is not there or may not be read;
  // kFailedPrecondition: a crash left a SQLite file in the middle of a write.
  virtual Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnRow& on_row) = 0;
};

}  // namespace coffer::grafana
