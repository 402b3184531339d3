// Rows of a SQLite file that a Grafana may have open (io/sqlite_reader.h: it is left as it is).
#pragma once

#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

// Rows are first read into memory, then handed over with the file let go, kSpoolBytes at a time: a Grafana without a
// write-ahead log waits for the reading at most, never for `on_row`. More than that is of several moments there, each
// piece of one; a row that was in its table all the time comes once. Anywhere else all rows are of one moment.
class SqliteRows : public RowReader {
 public:
  static constexpr std::size_t kSpoolBytes = std::size_t{128} << 20;

  // Nothing is opened before Read, which may be called again. `spool_bytes` is a test's.
  explicit SqliteRows(std::string path, std::size_t spool_bytes = kSpoolBytes)
      : path_(std::move(path)), spool_bytes_(spool_bytes) {}

  // As RowReader::Read, and what SqliteReader::Open may answer.
  Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnRow& on_row) override;

 private:
  std::string path_;
  std::size_t spool_bytes_;
};

}  // namespace coffer::grafana
