// SQLite, wrapped: a connection, a statement, typed values. The only place that calls sqlite3, but for its
// fault-injecting twin.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "crypto/value.h"

struct sqlite3;
struct sqlite3_stmt;

namespace coffer {

// One stored column's value, owned. UUIDs are 16-byte blobs in SQL; the schema tells them from bytes.
using Datum = std::variant<NullValue, std::int64_t, Uuid, std::string, Bytes>;
using Row = std::vector<Datum>;
ScalarView ViewOf(const Datum& datum);

struct SqliteOptions {
  std::string path;
  std::string vfs;                        // Empty: the system's. Tests name a fault-injecting one (io/fault_vfs.h).
  std::uint32_t busy_timeout_ms = 5'000;  // how long to wait for another process that holds the file
};

class SqliteStatement;

// One connection with our settings: WAL, synchronous=FULL, locking_mode=EXCLUSIVE, trusted_schema=OFF,
// cell_size_check=ON, secure_delete=ON, foreign_keys=ON, no triggers, no views, defensive; at most 2^25 - 1 pages (128
// GiB). Pages go into the file without remains of what they held before. Not thread-safe: callers serialise.
//
// Errors of every call: kUnavailable for an outage (disk full, I/O error, locked by another process, no memory, cannot
// be opened), kIntegrity for a damaged file, kAlreadyExists for a constraint, kInternal for SQL that does not fit the
// database. After kUnavailable or kIntegrity SQLite may have rolled the transaction back by itself.
class SqliteDatabase {
  struct State;

 public:
  // Creates the file with mode 0600; the other files take its mode. Syncs its folder, so that a WAL which the last
  // close removed stays away. Holds the file's lock until destroyed. Runs QuickCheck when a non-empty "-wal" file tells
  // of an unclean stop (always on another VFS).
  static Result<std::unique_ptr<SqliteDatabase>> Open(const SqliteOptions& options);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  // Statements without parameters; rows are thrown away.
  Status Execute(const std::string& sql);
  // Cached by text: a second call with the same SQL gives the same statement, reset.
  Result<SqliteStatement> Prepare(std::string_view sql);
  // PRAGMA quick_check; kIntegrity when it is not "ok".
  Status QuickCheck();
  // Whatever is visible now survives a power cut. A commit does that by itself; what a crashed process left visible
  // need not.
  Status MakeDurable();
  // The same, and nothing that was deleted or replaced is in any of the database's files any more: all of the WAL is
  // copied, and the WAL empty. kUnavailable: it may still be there; nothing else is lost.
  Status TruncateLog();

  explicit SqliteDatabase(std::unique_ptr<State> state);  // Open's

 private:
  Result<std::string> JournalMode();
  int Checkpoint();

  std::unique_ptr<State> state_;
};

// Borrowed from its database's cache; reset when it goes out of scope. A statement that writes is stepped until there
// is no row: outside a transaction it commits with its last step, and a reset would hide how that went.
class SqliteStatement {
 public:
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&&) = delete;
  ~SqliteStatement();
  // Parameters count from 1. The value is copied.
  Status Bind(int index, const Datum& value);
  // True: a row is there.
  Result<bool> Step();
  // Columns count from 0. kIntegrity when the stored value is not of the declared type (kNull allowed where
  // `nullable`).
  Result<Datum> Column(int index, ValueType type, bool nullable) const;

 private:
  friend class SqliteDatabase;
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}
  sqlite3_stmt* statement_;
};

}  // namespace coffer
