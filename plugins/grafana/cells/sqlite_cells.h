// The cells of a Grafana's SQLite file (io/sqlite_writer.h).
#pragma once

#include "io/sqlite_writer.h"
#include "plugins/grafana/cells/cell_writer.h"

namespace coffer::grafana {

// A backup is a copy of the whole database. Tables without row ids, which Grafana does not make, are kInvalidArgument
// when they are wanted.
class SqliteCells final : public CellWriter {
 public:
  // Has the file's write lock from here on.
  static Result<std::unique_ptr<SqliteCells>> Open(const SqliteWriterOptions& options);

  Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnLockedRow& on_row) override;
  Status BackUp(const std::string& path, std::span<const RowChange> changes) override;
  Status Update(const RowChange& change) override;
  Status Commit() override { return file_->Commit(); }

  explicit SqliteCells(std::unique_ptr<SqliteWriter> file) : file_(std::move(file)) {}  // Open's

 private:
  // What is no ordinary table.
  Status NoteOther(std::span<const WantedTable> wanted, std::size_t table, std::vector<FoundTable>& found);

  std::unique_ptr<SqliteWriter> file_;
};

}  // namespace coffer::grafana
