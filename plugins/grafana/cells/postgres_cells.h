// The cells of a Grafana database on a PostgreSQL server.
#pragma once

#include <map>

#include "io/postgres.h"
#include "plugins/grafana/cells/cell_writer.h"
#include "plugins/grafana/database/postgres_tables.h"

namespace coffer::grafana {

// One transaction. Read locks the tables first, in SHARE ROW EXCLUSIVE MODE: others read, nobody writes. That keeps out
// rows that are not there yet too, as row locks would not, and writes to none of the rows that stay as they are. A
// wanted table is what its bare name means to this user (search_path), if that is an ordinary or partitioned table
// without foreign parts. Who
// does not own a table is refused, unless a superuser owns it (postgres_tables.h).
//
// A backup is a SQL script for psql that puts the old cells back: all of them, or none when one has changed since.
class PostgresCells final : public CellWriter {
 public:
  // Begins the transaction, and locks nothing yet.
  static Result<std::unique_ptr<PostgresCells>> Open(const PostgresOptions& options);

  // kPermissionDenied where Read would refuse this user, whatever the tables hold. Locks nothing.
  static Status CheckMayWrite(const PostgresOptions& options);

  Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnLockedRow& on_row) override;
  Status BackUp(const std::string& path, std::span<const RowChange> changes) override;
  Status Update(const RowChange& change) override;
  Status Commit() override { return server_->Execute("COMMIT"); }

  PostgresCells(std::unique_ptr<PostgresConnection> server, PostgresTables tables)  // Open's
      : server_(std::move(server)), tables_(std::move(tables)) {}

 private:
  // What is no table goes to `others`.
  Status Lock(std::span<const WantedTable> wanted, std::vector<FoundTable>& others);
  // Of what is locked.
  Result<const PostgresTable*> Find(std::string_view table) const;
  static Result<const PostgresColumn*> Find(const PostgresTable& table, std::string_view column);

  std::unique_ptr<PostgresConnection> server_;
  PostgresTables tables_;
  std::map<std::string, PostgresTable, std::less<>> locked_;
};

}  // namespace coffer::grafana
