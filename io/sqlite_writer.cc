#include "io/sqlite_writer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <sys/stat.h>
#include <utility>

#include <sqlite3.h>

#include "io/directory.h"
#include "io/file.h"
#include "io/internal/foreign_sqlite.h"
#include "io/internal/path.h"
#include "io/system_error.h"

namespace coffer {
namespace {

using internal::CopyLogOnClose;
using internal::ForeignSqliteError;
using internal::ForeignSqliteStatus;
using internal::SqliteHandle;
using internal::SqliteStatementHandle;

constexpr std::uint32_t kLongestBusyTimeoutMs = 600'000;
constexpr int kOpenFlags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;

struct FreeText {
  void operator()(char* text) const { free(text); }
};

// Without links, as SQLite names the files beside it.
Result<std::string> RealPath(const std::string& given) {
  COFFER_TRY(internal::CheckPath(given));
  const std::unique_ptr<char, FreeText> real(realpath(given.c_str(), nullptr));
  if (real == nullptr) return SystemError(errno).At(given);
  COFFER_ASSIGN_OR_RETURN(const FileFacts facts, FactsOf(real.get()));
  if (facts.kind != FileKind::kRegular) return ForeignSqliteError(SQLITE_NOTADB).At(given);
  return std::string(real.get());
}

Result<bool> HasContent(const std::string& path) {
  const Result<FileFacts> facts = FactsOf(path);
  if (facts.ok()) return facts->size > 0;
  if (facts.error().code() == ErrorCode::kNotFound) return false;
  return facts.error();
}

Status Execute(sqlite3* database, const char* sql) {
  return ForeignSqliteStatus(sqlite3_exec(database, sql, nullptr, nullptr, nullptr));
}

Result<SqliteHandle> OpenHandle(const std::string& path, const std::string& vfs, int flags) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, kOpenFlags | flags, vfs.empty() ? nullptr : vfs.c_str());
  SqliteHandle handle(raw);
  COFFER_TRY(ForeignSqliteStatus(opened));
  return handle;
}

struct Binder {
  sqlite3_stmt* statement;
  int index;
  int operator()(std::int64_t number) const { return sqlite3_bind_int64(statement, index, number); }
  int operator()(std::string_view text) const {
    return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  int operator()(ByteView bytes) const {
    // A null pointer would bind NULL.
    if (bytes.empty()) return sqlite3_bind_zeroblob(statement, index, 0);
    return sqlite3_bind_blob64(statement, index, bytes.data(), bytes.size(), SQLITE_STATIC);
  }
};

Status CopyPages(sqlite3* from, sqlite3* to) {
  constexpr int kAllPages = -1;
  sqlite3_backup* const backup = sqlite3_backup_init(to, "main", from, "main");
  if (backup == nullptr) return ForeignSqliteError(sqlite3_extended_errcode(to));
  const int stepped = sqlite3_backup_step(backup, kAllPages);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE) return ForeignSqliteError(stepped);
  return ForeignSqliteStatus(finished);
}

}  // namespace

struct SqliteWriter::State {
  std::string path;
  std::string vfs;
  SqliteHandle database;

  Status Begin(const SqliteWriterOptions& options);
  Status CheckEncoding();
  Result<SqliteStatementHandle> Prepare(const std::string& sql, std::span<const SqliteParameter> parameters);
};

Status SqliteWriter::State::Begin(const SqliteWriterOptions& options) {
  vfs = options.vfs;
  path = options.path;
  if (vfs.empty()) {
    COFFER_ASSIGN_OR_RETURN(path, RealPath(options.path));
  }
  bool has_log = false;
  if (vfs.empty()) {
    COFFER_ASSIGN_OR_RETURN(has_log, HasContent(path + "-wal"));
  }
  COFFER_ASSIGN_OR_RETURN(database, OpenHandle(path, vfs, SQLITE_OPEN_READWRITE));
  sqlite3* const raw = database.get();
  COFFER_TRY(internal::HardenForeign(raw));
  COFFER_TRY(CopyLogOnClose(raw, !has_log));
  const std::uint32_t timeout_ms = std::min(options.busy_timeout_ms, kLongestBusyTimeoutMs);
  COFFER_TRY(ForeignSqliteStatus(sqlite3_busy_timeout(raw, static_cast<int>(timeout_ms))));
  // Changed pages wait in memory: what is killed before the commit has written a journal at most.
  COFFER_TRY(Execute(raw,
                     "PRAGMA synchronous=EXTRA; PRAGMA secure_delete=ON; PRAGMA mmap_size=0;"
                     "PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON; PRAGMA cache_spill=OFF"));
  COFFER_TRY(Execute(raw, "BEGIN IMMEDIATE"));
  // SQLite opens what may not be written for reading.
  if (sqlite3_db_readonly(raw, "main") != 0) return ForeignSqliteError(SQLITE_READONLY);
  return CheckEncoding();
}

Status SqliteWriter::State::CheckEncoding() {
  COFFER_ASSIGN_OR_RETURN(const SqliteStatementHandle query, Prepare("PRAGMA encoding", {}));
  COFFER_TRY(ForeignSqliteStatus(sqlite3_step(query.get())));
  COFFER_ASSIGN_OR_RETURN(const auto encoding, internal::ForeignCell(query.get(), 0));
  if (encoding && AsText(*encoding) == "UTF-8") return {};
  return Error(ErrorCode::kInvalidArgument, "the database keeps its text in another encoding than UTF-8");
}

Result<SqliteStatementHandle> SqliteWriter::State::Prepare(const std::string& sql,
                                                           std::span<const SqliteParameter> parameters) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(database.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  SqliteStatementHandle statement(raw);
  COFFER_TRY(ForeignSqliteStatus(code));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    COFFER_TRY(ForeignSqliteStatus(std::visit(Binder{raw, static_cast<int>(i) + 1}, parameters[i])));
  }
  return statement;
}

SqliteWriter::SqliteWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteWriter::~SqliteWriter() = default;

Result<std::unique_ptr<SqliteWriter>> SqliteWriter::Open(const SqliteWriterOptions& options) {
  auto state = std::make_unique<State>();
  COFFER_TRY(state->Begin(options));
  return std::make_unique<SqliteWriter>(std::move(state));
}

Result<std::optional<SqliteColumns>> SqliteWriter::ColumnsOf(std::string_view table) {
  std::optional<SqliteColumns> columns;
  const std::array<SqliteParameter, 1> name = {table};
  COFFER_TRY(
      Query("SELECT wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name = ?1 COLLATE "
            "NOCASE",
            name, [&columns](auto cells) -> Status {
              columns.emplace().has_row_ids = cells[0] && AsText(*cells[0]) == "0";
              return {};
            }));
  if (!columns) return columns;
  COFFER_TRY(
      Query("SELECT name, hidden = 0 FROM pragma_table_xinfo(?1, 'main')", name, [&columns](auto cells) -> Status {
        std::string text(AsText(cells[0].value_or(ByteView())));
        if (sqlite3_stricmp(text.c_str(), "_rowid_") == 0) columns->has_row_ids = false;
        if (cells[1] && AsText(*cells[1]) == "1") columns->names.push_back(std::move(text));
        return {};
      }));
  return columns;
}

Status SqliteWriter::Query(const std::string& sql, std::span<const SqliteParameter> parameters, const OnRow& on_row) {
  COFFER_ASSIGN_OR_RETURN(const SqliteStatementHandle query, state_->Prepare(sql, parameters));
  std::vector<std::optional<ByteView>> cells(static_cast<std::size_t>(sqlite3_column_count(query.get())));
  for (;;) {
    const int code = sqlite3_step(query.get());
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return ForeignSqliteError(code);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      COFFER_ASSIGN_OR_RETURN(cells[i], internal::ForeignCell(query.get(), static_cast<int>(i)));
    }
    COFFER_TRY(on_row(cells));
  }
}

Result<std::uint64_t> SqliteWriter::Change(const std::string& sql, std::span<const SqliteParameter> parameters) {
  COFFER_ASSIGN_OR_RETURN(const SqliteStatementHandle change, state_->Prepare(sql, parameters));
  const int code = sqlite3_step(change.get());
  if (code != SQLITE_DONE) return ForeignSqliteError(code);
  return static_cast<std::uint64_t>(sqlite3_changes64(state_->database.get()));
}

// The connection that writes cannot be copied from; another one of this process reads beside it.
Status SqliteWriter::BackUp(const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(const internal::PathParts parts, internal::SplitPath(path));
  COFFER_TRY(CreateFileDurably(path, ByteView(), 0600));
  COFFER_ASSIGN_OR_RETURN(const std::string copy, RealPath(path));
  const Status copied = [&]() -> Status {
    COFFER_ASSIGN_OR_RETURN(const SqliteHandle from, OpenHandle(state_->path, state_->vfs, SQLITE_OPEN_READONLY));
    COFFER_ASSIGN_OR_RETURN(const SqliteHandle to, OpenHandle(copy, "", SQLITE_OPEN_READWRITE));
    COFFER_TRY(internal::HardenForeign(from.get()));
    COFFER_TRY(CopyPages(from.get(), to.get()));
    return {};
  }();
  if (!copied.ok()) {
    static_cast<void>(RemoveFileDurably(path));  // What is left is empty or half; the failure itself is told.
    return copied;
  }
  COFFER_TRY(SyncFile(copy));
  return SyncDirectory(parts.folder);
}

Status SqliteWriter::Commit() {
  COFFER_TRY(Execute(state_->database.get(), "COMMIT"));
  return CopyLogOnClose(state_->database.get(), true);
}

}  // namespace coffer
