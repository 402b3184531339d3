// Rows of a SQLite file that a Grafana may have open (io/sqlite_reader.h: it is left as it is).
#pragma once

#include "io/sqlite_reader.h"
#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

// What has a name (?1; case does not count), in SQLite's words: "table", "view", "virtual", "shadow"; no row: nothing.
inline constexpr const char* kSqliteTypeOf =
    "SELECT type FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE";
TableKind SqliteKind(std::string_view type);

struct SpoolLimits {
  std::size_t spool_bytes = std::size_t{128} << 20;  // that are in memory before they are handed over
  std::size_t row_bytes = SqliteReader::kMaxValue;   // of the wanted cells; a longer row is refused
};

// Rows are first read into memory, then handed over with the file let go, spool_bytes at a time: a Grafana without a
// write-ahead log waits for the reading at most, never for `on_row`. More than that is of several moments there, each
// piece of one; a row that was in its table all the time comes once. Anywhere else all rows are of one moment.
class SqliteRows : public RowReader {
 public:
  // Nothing is opened before Read, which may be called again. `limits` are a test's.
  explicit SqliteRows(std::string path, const SpoolLimits& limits = {}) : path_(std::move(path)), limits_(limits) {}

  // As RowReader::Read, and what SqliteReader::Open may answer.
  Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnRow& on_row) override;

 private:
  std::string path_;
  SpoolLimits limits_;
};

}  // namespace coffer::grafana
