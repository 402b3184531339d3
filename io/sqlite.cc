#include "io/sqlite.h"

#include <array>
#include <map>

#include <sqlite3.h>

#include "io/directory.h"
#include "io/file.h"
#include "io/internal/erasing_vfs.h"

namespace coffer {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

Error ErrorOf(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Error(ErrorCode::kUnavailable, "the database's disk is full");
    case SQLITE_IOERR:
      return Error(ErrorCode::kUnavailable, "the database's file has an I/O error");
    case SQLITE_BUSY:
      return Error(ErrorCode::kUnavailable, "the database's file is locked by another process");
    case SQLITE_LOCKED:
      return Error(ErrorCode::kUnavailable, "the database is locked by another statement");
    case SQLITE_CANTOPEN:
      return Error(ErrorCode::kUnavailable, "the database's file cannot be opened");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Error(ErrorCode::kUnavailable, "the database's file cannot be written");
    case SQLITE_NOMEM:
      return Error(ErrorCode::kUnavailable, "there is not enough memory for the database");
    case SQLITE_CORRUPT:
      return Error(ErrorCode::kIntegrity, "the database's file is damaged");
    case SQLITE_NOTADB:
      return Error(ErrorCode::kIntegrity, "the file is not a database");
    case SQLITE_CONSTRAINT:
      return Error(ErrorCode::kAlreadyExists, "a row with this key exists");
    case SQLITE_TOOBIG:
      return Error(ErrorCode::kInvalidArgument, "a value is too large for the database");
    default:
      return Error(ErrorCode::kInternal, "the database does not understand a statement");
  }
}

Status StatusOf(int code) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return {};
  return ErrorOf(code);
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// SQLite makes its files with mode 0644 and leaves the folder unsynced, so the file is made here first.
Status CreateFileFirst(const std::string& path) {
  const Status created = CreateFileDurably(path, ByteView(), 0600);
  if (created.ok()) return {};
  if (created.error().code() != ErrorCode::kAlreadyExists) return ErrorOf(SQLITE_CANTOPEN);
  return SyncDirectory(FolderOf(path));
}

bool StoppedUncleanly(const SqliteOptions& options) {
  if (!options.vfs.empty()) return true;
  const Result<FileFacts> wal = FactsOf(options.path + "-wal");
  return wal.ok() && wal->size > 0;
}

// "file:..." would be a URI and ":memory:" no file at all.
std::string PlainPath(const SqliteOptions& options) {
  const bool plain = !options.vfs.empty() || options.path.front() == '/';
  return plain ? options.path : "./" + options.path;
}

Status Harden(sqlite3* database) {
  constexpr std::array kSwitches = {
      std::pair{SQLITE_DBCONFIG_DEFENSIVE, 1},      std::pair{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
      std::pair{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, std::pair{SQLITE_DBCONFIG_ENABLE_VIEW, 0},
      std::pair{SQLITE_DBCONFIG_DQS_DML, 0},        std::pair{SQLITE_DBCONFIG_DQS_DDL, 0},
      std::pair{SQLITE_DBCONFIG_ENABLE_FKEY, 1},
  };
  for (const auto& [name, value] : kSwitches) {
    int result = -1;
    COFFER_TRY(StatusOf(sqlite3_db_config(database, name, value, &result)));
    if (result != value) return Error(ErrorCode::kInternal, "the database refuses a setting");
  }
  return {};
}

}  // namespace

ScalarView ViewOf(const Datum& datum) {
  struct Viewer {
    ScalarView operator()(NullValue value) const { return value; }
    ScalarView operator()(std::int64_t value) const { return value; }
    ScalarView operator()(const Uuid& value) const { return value; }
    ScalarView operator()(const std::string& value) const { return TextView{value}; }
    ScalarView operator()(const Bytes& value) const { return BytesView{value}; }
  };
  return std::visit(Viewer{}, datum);
}

struct SqliteDatabase::State {
  std::unique_ptr<internal::ErasingVfs> vfs;  // above the connection, so that it goes last
  std::unique_ptr<sqlite3, CloseDatabase> database;
  // Below the connection, so that statements go first.
  std::map<std::string, std::unique_ptr<sqlite3_stmt, FinalizeStatement>, std::less<>> statements;
};

SqliteDatabase::SqliteDatabase(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteDatabase::~SqliteDatabase() = default;

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const SqliteOptions& options) {
  if (options.path.empty()) return Error(ErrorCode::kInvalidArgument, "the database's path is empty");
  if (options.vfs.empty()) COFFER_TRY(CreateFileFirst(options.path));
  const bool unclean = StoppedUncleanly(options);

  auto state = std::make_unique<State>();
  COFFER_ASSIGN_OR_RETURN(state->vfs, internal::ErasingVfs::Over(options.vfs));
  sqlite3* raw = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                         SQLITE_OPEN_EXRESCODE;
  const int opened = sqlite3_open_v2(PlainPath(options).c_str(), &raw, kFlags, state->vfs->name().c_str());
  state->database.reset(raw);
  COFFER_TRY(StatusOf(opened));
  COFFER_TRY(Harden(raw));
  COFFER_TRY(StatusOf(sqlite3_busy_timeout(raw, static_cast<int>(options.busy_timeout_ms))));

  auto database = std::make_unique<SqliteDatabase>(std::move(state));
  // Exclusive before anything is read: then the WAL's index lives in our memory, not in a file that others may write.
  COFFER_TRY(database->Execute(
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA synchronous=FULL;"
      "PRAGMA cell_size_check=ON; PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON;"
      "PRAGMA max_page_count=" +
      std::to_string(internal::kMaxErasablePages)));
  // To its end: the change of mode is a transaction that commits after the answer. The next transaction enters the WAL,
  // or does not.
  COFFER_TRY(database->Execute("PRAGMA journal_mode=WAL; BEGIN IMMEDIATE; COMMIT"));
  COFFER_ASSIGN_OR_RETURN(const std::string mode, database->JournalMode());
  if (mode != "wal") return Error(ErrorCode::kUnavailable, "the database cannot keep a WAL here");
  if (unclean) COFFER_TRY(database->QuickCheck());
  return database;
}

Status SqliteDatabase::Execute(const std::string& sql) {
  return StatusOf(sqlite3_exec(state_->database.get(), sql.c_str(), nullptr, nullptr, nullptr));
}

Result<SqliteStatement> SqliteDatabase::Prepare(std::string_view sql) {
  const auto known = state_->statements.find(sql);
  if (known != state_->statements.end()) {
    sqlite3_reset(known->second.get());
    sqlite3_clear_bindings(known->second.get());
    return SqliteStatement(known->second.get());
  }
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(state_->database.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement(raw);
  COFFER_TRY(StatusOf(code));
  if (raw == nullptr) return Error(ErrorCode::kInternal, "a statement is empty");
  state_->statements.emplace(std::string(sql), std::move(statement));
  return SqliteStatement(raw);
}

Result<std::string> SqliteDatabase::JournalMode() {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement query, Prepare("PRAGMA journal_mode"));
  COFFER_TRY(query.Step());
  COFFER_ASSIGN_OR_RETURN(Datum mode, query.Column(0, ValueType::kText, false));
  return std::get<std::string>(std::move(mode));
}

Status SqliteDatabase::QuickCheck() {
  COFFER_ASSIGN_OR_RETURN(SqliteStatement check, Prepare("PRAGMA quick_check(1)"));
  COFFER_ASSIGN_OR_RETURN(const bool row, check.Step());
  if (!row) return Error(ErrorCode::kInternal, "the database's check gave no answer");
  COFFER_ASSIGN_OR_RETURN(const Datum answer, check.Column(0, ValueType::kText, false));
  if (std::get<std::string>(answer) != "ok") return ErrorOf(SQLITE_CORRUPT);
  return {};
}

int SqliteDatabase::Checkpoint() {
  return sqlite3_wal_checkpoint_v2(state_->database.get(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

Status SqliteDatabase::MakeDurable() {
  const int code = Checkpoint();
  // The WAL is synced before its pages are copied, and only the copying needs space.
  if ((code & 0xff) == SQLITE_FULL) return {};
  return StatusOf(code);
}

Status SqliteDatabase::TruncateLog() { return StatusOf(Checkpoint()); }

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)) {}

SqliteStatement::~SqliteStatement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Status SqliteStatement::Bind(int index, const Datum& value) {
  struct Binder {
    sqlite3_stmt* statement;
    int index;
    int operator()(NullValue) const { return sqlite3_bind_null(statement, index); }
    int operator()(std::int64_t number) const { return sqlite3_bind_int64(statement, index, number); }
    int operator()(const Uuid& uuid) const { return Blob(uuid.view()); }
    int operator()(const std::string& text) const {
      return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    int operator()(const Bytes& bytes) const { return Blob(bytes); }
    int Blob(ByteView bytes) const {
      // A null pointer would bind NULL.
      if (bytes.empty()) return sqlite3_bind_zeroblob(statement, index, 0);
      return sqlite3_bind_blob64(statement, index, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
    }
  };
  return StatusOf(std::visit(Binder{statement_, index}, value));
}

Result<bool> SqliteStatement::Step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return ErrorOf(code);
}

Result<Datum> SqliteStatement::Column(int index, ValueType type, bool nullable) const {
  const int stored = sqlite3_column_type(statement_, index);
  if (stored == SQLITE_NULL && nullable) return Datum(NullValue{});
  if (type == ValueType::kInt64 && stored == SQLITE_INTEGER) {
    return Datum(static_cast<std::int64_t>(sqlite3_column_int64(statement_, index)));
  }
  const bool text = type == ValueType::kText && stored == SQLITE_TEXT;
  const bool blob = (type == ValueType::kUuid || type == ValueType::kBytes) && stored == SQLITE_BLOB;
  if (!text && !blob) return Error(ErrorCode::kIntegrity, "a stored value is not of its column's type");

  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, index));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, index));
  const ByteView bytes(data, size);
  if (data == nullptr && size != 0) return ErrorOf(SQLITE_NOMEM);
  if (text) return Datum(std::string(AsText(bytes)));
  if (type == ValueType::kBytes) return Datum(CopyOf(bytes));
  if (size != Uuid{}.bytes.size()) return Error(ErrorCode::kIntegrity, "a stored UUID is not 16 bytes");
  COFFER_ASSIGN_OR_RETURN(const Uuid uuid, Uuid::FromBytes(bytes));
  return Datum(uuid);
}

}  // namespace coffer
