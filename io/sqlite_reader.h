// A SQLite file of another program, which may be running: read, and left as it is.
//
// No byte of the file is written, no file is made beside it, and the other program can go on. How depends on what it
// left there ("-wal" is its write-ahead log, "-shm" the log's index):
//
//   no log          An ordinary read transaction. A program that commits waits for its end (delays_writers): keep it
//                   short.
//   log and index   An ordinary read transaction; nobody waits for it. The index gets our mark, as from any reader, or
//                   none where we may not write it.
//   only one,       Nobody has the file open. An ordinary reader would make the missing files and leave them there, as
//   or neither,     its own user's. So this one takes no lock and makes no index of SQLite's; it holds a shared lock of
//   of a file       its own. Whoever opens the file meanwhile has to make the missing files, and cannot remove them
//   that had a log  before we let go: as long as they are missing, nobody has written (Check).
//
// Its content is attacker's input: no views, triggers, virtual tables or extensions are read, and its schema is not
// trusted.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/bytes.h"

struct sqlite3_stmt;

namespace coffer {

class SqliteQuery;

struct SqliteColumns {
  std::vector<std::string> names;  // without generated columns, whose expressions may cost anything
  bool has_row_ids = false;        // "_rowid_" numbers its rows
};

// One transaction: all that is read is of one moment. Not thread-safe. While it lives, nothing else in this process may
// open the file: closing it would drop SQLite's locks.
//
// Errors of every call: kNotFound, kPermissionDenied: the file; kInvalidArgument: no database, a damaged one, or a
// value above kMaxValue; kFailedPrecondition: a crash left it in the middle of a write; kUnavailable: an outage, or
// another program holds or has opened it.
class SqliteReader {
  struct State;

 public:
  static constexpr std::size_t kMaxValue = std::size_t{256} << 20;  // bytes of a value, and of a row

  // `busy_timeout_ms`: how long to wait for another program that holds the file.
  static Result<std::unique_ptr<SqliteReader>> Open(const std::string& path, std::uint32_t busy_timeout_ms = 5'000);
  ~SqliteReader();
  SqliteReader(const SqliteReader&) = delete;
  SqliteReader& operator=(const SqliteReader&) = delete;

  // What was read until now counts when this is ok, and not before. It may be asked again.
  Status Check() const;
  // Whether another program waits with its commits until this is destroyed.
  bool delays_writers() const;

  // The columns of an ordinary table; nothing when there is none of this name (case does not count).
  Result<std::optional<SqliteColumns>> ColumnsOf(std::string_view table);
  // One statement, which must not outlive this.
  Result<SqliteQuery> Prepare(const std::string& sql);
  // Bytes of all pages of the database.
  Result<std::uint64_t> Size();

  explicit SqliteReader(std::unique_ptr<State> state);  // Open's

 private:
  std::unique_ptr<State> state_;
};

// Move-only.
class SqliteQuery {
 public:
  SqliteQuery(SqliteQuery&& other) noexcept;
  SqliteQuery& operator=(SqliteQuery&&) = delete;
  ~SqliteQuery();

  // Parameters count from 1. Text is copied.
  Status Bind(int index, std::int64_t value);
  Status Bind(int index, std::string_view text);
  // True: a row is there.
  Result<bool> Step();

  // Columns of the row count from 0.
  std::int64_t Integer(int column) const;
  // The bytes of a blob, the UTF-8 of all else, nothing for NULL. Until the next Step.
  Result<std::optional<ByteView>> Cell(int column) const;

 private:
  friend class SqliteReader;
  explicit SqliteQuery(sqlite3_stmt* statement) : statement_(statement) {}
  sqlite3_stmt* statement_;
};

}  // namespace coffer
