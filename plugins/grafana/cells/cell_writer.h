// CellWriter: the rows of a Grafana database, read and changed in one transaction that nobody writes beside.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana {

// Until the callback returns. `row_id` says which row it is for the rest of the transaction; it is the database's own
// (SQLite's rowid, PostgreSQL's ctid), and changes with a change of the row.
using OnLockedRow = std::function<Status(std::string_view row_id, const ReadRow& row)>;

struct CellChange {
  std::string_view column;
  Bytes before;
  Bytes after;
};
// Of one row; once in a transaction.
struct RowChange {
  std::string_view table;
  std::string row_id;
  // Columns that tell the row from others, and their text; empty where that is NULL or the column is not there.
  std::vector<std::pair<std::string_view, std::string>> names;
  std::vector<CellChange> cells;  // each column once
  bool stamps = false;            // column "updated" becomes now, in UTC, but at least a second more than it was
};

// Not thread-safe. Destroyed without a Commit, it leaves the database as it was.
//
// Errors of every call: those of RowReader::Read; kPermissionDenied: this user may not write; kUnavailable: an outage,
// or others hold what is to be locked for longer than a few seconds; kConflict: a transaction of others got in between.
// After one nothing is left to do but to destroy this.
class CellWriter {
 public:
  virtual ~CellWriter() = default;

  // As RowReader::Read. Nobody else changes, adds or removes a row of these tables from here on. A later call, of the
  // same tables, sees what was changed.
  virtual Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnLockedRow& on_row) = 0;

  // What undoes `changes`, in a new file of mode 0600 that survives a power cut; before the first Update.
  // kAlreadyExists: something has the name.
  virtual Status BackUp(const std::string& path, std::span<const RowChange> changes) = 0;

  // kConflict: the row is gone, or one of the cells is not what it was before.
  virtual Status Update(const RowChange& change) = 0;

  // After kUnavailable it may have happened or not.
  virtual Status Commit() = 0;
};

}  // namespace coffer::grafana
