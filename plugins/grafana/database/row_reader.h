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

// A table and what is read of it.
struct WantedTable {
  std::string_view name;
  std::vector<std::string_view> columns;
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
};

class RowReader {
 public:
  virtual ~RowReader() = default;

  // Every row of those tables that are there, each table whole before the next, in the order of the database or dump.
  // All rows are of one moment where the source can promise that. An error of `on_row` ends it and is given back.
  // Again: of another moment. kInvalidArgument: what is no such database or a dump that is cut short, with its line;
  // kUnavailable: an outage, or locked by another process for longer than a few seconds; kNotFound, kPermissionDenied:
  // what is not there or may not be read; kFailedPrecondition: a crash left a SQLite file in the middle of a write.
  virtual Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnRow& on_row) = 0;
};

}  // namespace coffer::grafana
