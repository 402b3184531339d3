// Rows of a Grafana database on a PostgreSQL server.
#pragma once

#include "io/postgres.h"
#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

// One repeatable-read, read-only transaction, on a standby as well: all rows are of one moment, and no writer waits.
// Whoever changes the definition of one of the tables waits until the end (postgres_tables.h). A wanted table is what
// its bare name means to this user (search_path), if that is an ordinary or partitioned table without foreign parts.
// Cells of type bytea are bytes, all others text in UTF-8. Tables whose row security would hide rows are
// kPermissionDenied.
class PostgresRows : public RowReader {
 public:
  // Nothing is opened before Read, which may be called again.
  explicit PostgresRows(PostgresOptions options) : options_(std::move(options)) {}

  // As RowReader::Read, and what PostgresConnection may answer.
  Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnRow& on_row) override;

 private:
  PostgresOptions options_;
};

}  // namespace coffer::grafana
