// A SQLite file of another program, changed in one transaction.
//
// The file stays as the other program wants it: its journal mode is not touched, nothing is made that was not there,
// and what is beside it afterwards is what SQLite leaves there. Until Commit no byte of the file or of its write-ahead
// log changes; a journal that a crash left is rolled back when the file is opened, as by any program. Replaced bytes
// are overwritten in the file (secure_delete), not in a log or in a disk's old blocks.
//
// Its content is attacker's input: no views, triggers or extensions, and its schema is not trusted.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "io/sqlite_reader.h"

namespace coffer {

struct SqliteWriterOptions {
  std::string path;
  std::uint32_t busy_timeout_ms = 5'000;  // how long to wait for another program that holds the file
  std::string vfs;                        // Empty: the system's. Tests name a fault-injecting one (io/fault_vfs.h).
};

// Bound as an integer, as text, as a blob; views must live during the call.
using SqliteParameter = std::variant<std::int64_t, std::string_view, ByteView>;

// One write transaction, which nobody else writes beside: from Open to Commit, or rolled back when this is destroyed.
// Others may read, but not while it commits. Not thread-safe. While it lives, nothing else in this process may open the
// file: closing it would drop SQLite's locks.
//
// Errors of every call: kNotFound, kPermissionDenied: the file; kInvalidArgument: no database, a damaged one, one that
// is not in UTF-8, or a value above SqliteReader::kMaxValue; kUnavailable: an outage, or another program holds the
// file. An error leaves nothing to do but to destroy this.
class SqliteWriter {
  struct State;

 public:
  // The cells of one row; nothing for NULL. Until the callback returns.
  using OnRow = std::function<Status(std::span<const std::optional<ByteView>>)>;

  static Result<std::unique_ptr<SqliteWriter>> Open(const SqliteWriterOptions& options);
  ~SqliteWriter();
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  // The columns of an ordinary table; nothing when there is none of this name (case does not count).
  Result<std::optional<SqliteColumns>> ColumnsOf(std::string_view table);
  // One statement that reads. An error of `on_row` ends it and is given back.
  Status Query(const std::string& sql, std::span<const SqliteParameter> parameters, const OnRow& on_row);
  // One statement that changes rows: how many.
  Result<std::uint64_t> Change(const std::string& sql, std::span<const SqliteParameter> parameters);

  // Copies the database as it was before this transaction to a new file of mode 0600, which then survives a power cut.
  // Only before the first Change. kAlreadyExists: something has the name.
  Status BackUp(const std::string& path);

  // Survives a power cut when it is ok. Then nothing more can be done.
  Status Commit();

  explicit SqliteWriter(std::unique_ptr<State> state);  // Open's

 private:
  std::unique_ptr<State> state_;
};

}  // namespace coffer
