// What opening another program's SQLite file needs, for reading and for writing: settings that trust nothing of it, and
// errors in our words. The file's content is attacker's input.
#pragma once

#include <memory>
#include <optional>

#include "crypto/bytes.h"

struct sqlite3;
struct sqlite3_stmt;

namespace coffer::internal {

struct CloseSqlite {
  void operator()(sqlite3* database) const;
};
using SqliteHandle = std::unique_ptr<sqlite3, CloseSqlite>;

struct FinalizeSqlite {
  void operator()(sqlite3_stmt* statement) const;
};
using SqliteStatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeSqlite>;

// Of a value, and of a row, in bytes.
inline constexpr std::size_t kMaxForeignValue = std::size_t{256} << 20;

// kUnavailable: an outage, or another program holds the file; kPermissionDenied: the file or its folder may not be
// written; kInvalidArgument: no database, a damaged one, or a value above kMaxForeignValue.
Error ForeignSqliteError(int code);
// Ok for SQLITE_OK, SQLITE_ROW and SQLITE_DONE.
Status ForeignSqliteStatus(int code);

// No views, triggers, virtual tables' side effects, extensions or attached files.
Status HardenForeign(sqlite3* database);

// Whether the last one to close the file copies its log into it.
Status CopyLogOnClose(sqlite3* database, bool copies);

// The bytes of a blob, the UTF-8 of all else, nothing for NULL. Until the statement's next step.
Result<std::optional<ByteView>> ForeignCell(sqlite3_stmt* statement, int column);

}  // namespace coffer::internal
