#include "io/internal/foreign_sqlite.h"

#include <array>
#include <utility>

#include <sqlite3.h>

namespace coffer::internal {

void CloseSqlite::operator()(sqlite3* database) const { sqlite3_close_v2(database); }
void FinalizeSqlite::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Error ForeignSqliteError(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(ErrorCode::kUnavailable, "the database's file is held by another program for too long: try again");
    case SQLITE_FULL:
      return Error(ErrorCode::kUnavailable, "the database's disk is full");
    case SQLITE_IOERR:
      return Error(ErrorCode::kUnavailable, "the database's file has an I/O error");
    case SQLITE_NOMEM:
      return Error(ErrorCode::kUnavailable, "there is not enough memory for the database");
    case SQLITE_CANTOPEN:
      return Error(ErrorCode::kUnavailable, "the database's file, or one beside it, cannot be opened");
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return Error(ErrorCode::kPermissionDenied, "the database's file or its folder may not be written by this user");
    case SQLITE_TOOBIG:
      return Error(ErrorCode::kInvalidArgument, "the database has a value that is longer than allowed")
          .WithLimit(kMaxForeignValue);
    case SQLITE_NOTADB:
      return Error(ErrorCode::kInvalidArgument, "the file is not a SQLite database");
    case SQLITE_CONSTRAINT:
      return Error(ErrorCode::kAlreadyExists, "a constraint of the database refuses the row");
    default:
      return Error(ErrorCode::kInvalidArgument, "the database's file is damaged, or of a newer SQLite");
  }
}

Status ForeignSqliteStatus(int code) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return {};
  return ForeignSqliteError(code);
}

Status HardenForeign(sqlite3* database) {
  constexpr std::array kSwitches = {
      std::pair{SQLITE_DBCONFIG_DEFENSIVE, 1},      std::pair{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
      std::pair{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, std::pair{SQLITE_DBCONFIG_ENABLE_VIEW, 0},
      std::pair{SQLITE_DBCONFIG_DQS_DML, 0},        std::pair{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
  };
  for (const auto& [name, value] : kSwitches) {
    int result = -1;
    COFFER_TRY(ForeignSqliteStatus(sqlite3_db_config(database, name, value, &result)));
    if (result != value) return Error(ErrorCode::kInternal, "SQLite refuses a setting");
  }
  sqlite3_limit(database, SQLITE_LIMIT_LENGTH, static_cast<int>(kMaxForeignValue));
  sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
  return {};
}

Status CopyLogOnClose(sqlite3* database, bool copies) {
  int result = -1;
  return ForeignSqliteStatus(sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, copies ? 0 : 1, &result));
}

Result<std::optional<ByteView>> ForeignCell(sqlite3_stmt* statement, int column) {
  const int type = sqlite3_column_type(statement, column);
  if (type == SQLITE_NULL) return std::optional<ByteView>();
  // Makes UTF-8 of a number, and of the text of a UTF-16 database.
  if (type != SQLITE_BLOB && sqlite3_column_text(statement, column) == nullptr) {
    return ForeignSqliteError(SQLITE_NOMEM);
  }
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  if (bytes == nullptr && size != 0) return ForeignSqliteError(SQLITE_NOMEM);
  return std::optional(ByteView(bytes, size));
}

}  // namespace coffer::internal
