#include "io/sqlite_reader.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <sqlite3.h>

#include "io/clock.h"
#include "io/directory.h"
#include "io/internal/foreign_sqlite.h"
#include "io/internal/whole.h"
#include "io/system_error.h"
#include "io/unique_fd.h"

namespace coffer {
namespace {

// SQLite's lock bytes (sqlite.org/lockingv3.html) and the places of its header (sqlite.org/fileformat2.html).
constexpr off_t kPendingByte = 0x40000000;
constexpr off_t kSharedFirst = kPendingByte + 2;
constexpr off_t kSharedSize = 510;
constexpr std::size_t kHeaderSize = 100;
constexpr std::size_t kReadVersionAt = 19;
constexpr std::byte kReadVersionWal{2};
constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr int kRetryMs = 5;
static_assert(SqliteReader::kMaxValue == internal::kMaxForeignValue);

struct FreeText {
  void operator()(char* text) const { free(text); }
};

Error LeftInTheMiddle() {
  return Error(ErrorCode::kFailedPrecondition,
               "a crash left the database in the middle of a write: start its program once, then try again");
}

Error ErrorOf(int code) {
  if (code == SQLITE_READONLY_ROLLBACK) return LeftInTheMiddle();
  if ((code & 0xff) != SQLITE_READONLY) return internal::ForeignSqliteError(code);
  return Error(ErrorCode::kPermissionDenied,
               "the index of the database's log may not be written by this user: read as its program's user");
}

Status StatusOf(int code) {
  if (internal::ForeignSqliteStatus(code).ok()) return {};
  return ErrorOf(code);
}

// What lies beside the database's file.
struct Neighbours {
  bool log = false;
  bool index = false;
  bool operator==(const Neighbours&) const = default;
};

Result<Neighbours> NeighboursOf(const std::string& path) {
  Neighbours found;
  COFFER_ASSIGN_OR_RETURN(found.log, Exists(path + "-wal"));
  COFFER_ASSIGN_OR_RETURN(found.index, Exists(path + "-shm"));
  return found;
}

// A rollback journal that waits for its rollback, by SQLite's own sign.
bool HasHotJournal(const std::string& path) {
  const UniqueFd journal(open((path + "-journal").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  char first = 0;
  return journal.valid() && pread(journal.get(), &first, 1, 0) == 1 && first != 0;
}

enum class Way {
  kOrdinary,  // SQLite's own locks
  kNoIndex,   // a log without its index
  kNoLog,     // neither matters: the file is whole
};

Way WayOf(const Neighbours& found, bool had_log) {
  if (!found.log) return had_log ? Way::kNoLog : Way::kOrdinary;
  return found.index ? Way::kOrdinary : Way::kNoIndex;
}

// Every character that means something in a URI.
std::string UriOf(const std::string& path, Way way) {
  std::string uri = "file:";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/._-").find(c) != std::string_view::npos;
    if (plain) {
      uri += c;
    } else {
      uri += "%" + ToHex(AsBytes(std::string_view(&c, 1)));
    }
  }
  return way == Way::kNoLog ? uri + "?immutable=1" : uri;
}

// 0, or its errno: EAGAIN or EACCES while another program's lock is in the way.
int SetLock(int fd, short type, off_t first, off_t size) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = first;
  lock.l_len = size;
  return fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

// SQLite's shared lock, its way: not past a program that waits to write.
int TryLockShared(int fd) {
  int error = SetLock(fd, F_RDLCK, kPendingByte, 1);
  if (error != 0) return error;
  error = SetLock(fd, F_RDLCK, kSharedFirst, kSharedSize);
  SetLock(fd, F_UNLCK, kPendingByte, 1);
  return error;
}

Status LockShared(int fd, std::uint32_t busy_timeout_ms) {
  const SystemClock clock;
  const std::int64_t deadline = clock.MonotonicMicros() + std::int64_t{busy_timeout_ms} * 1'000;
  for (int error = TryLockShared(fd); error != 0; error = TryLockShared(fd)) {
    if (error != EAGAIN && error != EACCES) {
      return Error(ErrorCode::kUnavailable, "the database lies where files cannot be locked: read a copy of it");
    }
    if (clock.MonotonicMicros() >= deadline) return ErrorOf(SQLITE_BUSY);
    poll(nullptr, 0, kRetryMs);
  }
  return {};
}

// True: the file had a write-ahead log when it was last used.
Result<bool> ReadHeader(int fd) {
  std::array<std::byte, kHeaderSize> header = {};
  std::size_t filled = 0;
  const auto read = [fd](std::byte* out, std::size_t size, off_t at) { return pread(fd, out, size, at); };
  const int error = internal::ReadWhole(read, 0, header, &filled);
  if (error != 0) return SystemError(error);
  if (filled < header.size() || AsText(header).substr(0, kMagic.size()) != kMagic) return ErrorOf(SQLITE_NOTADB);
  return header[kReadVersionAt] == kReadVersionWal;
}

Status Execute(sqlite3* database, const char* sql) {
  return StatusOf(sqlite3_exec(database, sql, nullptr, nullptr, nullptr));
}

}  // namespace

struct SqliteReader::State {
  std::string path;  // without links, as SQLite names the files beside it
  UniqueFd file;     // above the connection, so that it goes last: closing it drops SQLite's locks
  Way way = Way::kOrdinary;
  Neighbours neighbours;
  bool delays_writers = false;
  internal::SqliteHandle database;

  Status OpenFile(const std::string& given);
  Status Begin(std::uint32_t busy_timeout_ms);
};

Status SqliteReader::State::OpenFile(const std::string& given) {
  if (given.empty() || given.find('\0') != std::string::npos) return SystemError(EINVAL);
  const std::unique_ptr<char, FreeText> real(realpath(given.c_str(), nullptr));
  if (real == nullptr) return SystemError(errno).At(given);
  path = real.get();
  file = UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.valid()) return SystemError(errno).At(given);
  struct stat facts = {};
  if (fstat(file.get(), &facts) != 0) return SystemError(errno).At(given);
  if (!S_ISREG(facts.st_mode)) return ErrorOf(SQLITE_NOTADB);
  return {};
}

// Under the lock nobody changes between the two kinds of journal, and nobody removes what lies beside the file.
Status SqliteReader::State::Begin(std::uint32_t busy_timeout_ms) {
  COFFER_TRY(LockShared(file.get(), busy_timeout_ms));
  COFFER_ASSIGN_OR_RETURN(const bool had_log, ReadHeader(file.get()));
  COFFER_ASSIGN_OR_RETURN(neighbours, NeighboursOf(path));
  way = WayOf(neighbours, had_log);
  if (way != Way::kOrdinary && HasHotJournal(path)) return LeftInTheMiddle();
  delays_writers = way == Way::kOrdinary && !neighbours.log;

  sqlite3* raw = nullptr;
  constexpr int kFlags =
      SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
  const int opened =
      sqlite3_open_v2(UriOf(path, way).c_str(), &raw, kFlags, way == Way::kOrdinary ? "unix" : "unix-none");
  database.reset(raw);
  COFFER_TRY(StatusOf(opened));
  COFFER_TRY(internal::HardenForeign(raw));
  COFFER_TRY(internal::CopyLogOnClose(raw, false));
  COFFER_TRY(StatusOf(sqlite3_busy_timeout(raw, static_cast<int>(std::min<std::uint32_t>(busy_timeout_ms, 600'000)))));
  // Without locks it can have the index of a log in its own memory, as whoever is alone with a file.
  if (way == Way::kNoIndex) COFFER_TRY(Execute(raw, "PRAGMA locking_mode=EXCLUSIVE"));
  COFFER_TRY(Execute(raw,
                     "PRAGMA query_only=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;"
                     "PRAGMA cell_size_check=ON; BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1"));
  // Now SQLite has its own lock.
  if (way == Way::kOrdinary) SetLock(file.get(), F_UNLCK, kSharedFirst, kSharedSize);
  return {};
}

SqliteReader::SqliteReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteReader::~SqliteReader() = default;

Result<std::unique_ptr<SqliteReader>> SqliteReader::Open(const std::string& path, std::uint32_t busy_timeout_ms) {
  auto state = std::make_unique<State>();
  COFFER_TRY(state->OpenFile(path));
  const Status begun = state->Begin(busy_timeout_ms);
  if (begun.ok()) return std::make_unique<SqliteReader>(std::move(state));
  // Whoever opened the file just now may have been the reason.
  const SqliteReader failed(std::move(state));
  COFFER_TRY(failed.Check());
  return begun.error();
}

Status SqliteReader::Check() const {
  if (state_->way == Way::kOrdinary) return {};
  COFFER_ASSIGN_OR_RETURN(const Neighbours now, NeighboursOf(state_->path));
  if (now == state_->neighbours) return {};
  return Error(ErrorCode::kUnavailable, "another program opened the database while it was read: try again");
}

bool SqliteReader::delays_writers() const { return state_->delays_writers; }

Result<std::optional<SqliteColumns>> SqliteReader::ColumnsOf(std::string_view table) {
  COFFER_ASSIGN_OR_RETURN(SqliteQuery found,
                          Prepare("SELECT wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND "
                                  "name = ?1 COLLATE NOCASE"));
  COFFER_TRY(found.Bind(1, table));
  COFFER_ASSIGN_OR_RETURN(const bool exists, found.Step());
  if (!exists) return std::optional<SqliteColumns>();
  SqliteColumns columns;
  columns.has_row_ids = found.Integer(0) == 0;

  COFFER_ASSIGN_OR_RETURN(SqliteQuery names, Prepare("SELECT name, hidden = 0 FROM pragma_table_xinfo(?1, 'main')"));
  COFFER_TRY(names.Bind(1, table));
  for (;;) {
    COFFER_ASSIGN_OR_RETURN(const bool row, names.Step());
    if (!row) return std::optional(std::move(columns));
    COFFER_ASSIGN_OR_RETURN(const std::optional<ByteView> name, names.Cell(0));
    std::string text(AsText(name.value_or(ByteView())));
    if (sqlite3_stricmp(text.c_str(), "_rowid_") == 0) columns.has_row_ids = false;
    if (names.Integer(1) != 0) columns.names.push_back(std::move(text));
  }
}

Result<std::uint64_t> SqliteReader::Size() {
  COFFER_ASSIGN_OR_RETURN(SqliteQuery size, Prepare("SELECT page_count * page_size FROM pragma_page_count, "
                                                    "pragma_page_size"));
  COFFER_ASSIGN_OR_RETURN(const bool row, size.Step());
  return row ? static_cast<std::uint64_t>(size.Integer(0)) : 0;
}

Result<SqliteQuery> SqliteReader::Prepare(const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(state_->database.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  SqliteQuery query(raw);
  COFFER_TRY(StatusOf(code));
  return query;
}

SqliteQuery::SqliteQuery(SqliteQuery&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
SqliteQuery::~SqliteQuery() { sqlite3_finalize(statement_); }

Status SqliteQuery::Bind(int index, std::int64_t value) {
  return StatusOf(sqlite3_bind_int64(statement_, index, value));
}

Status SqliteQuery::Bind(int index, std::string_view text) {
  return StatusOf(sqlite3_bind_text64(statement_, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

Result<bool> SqliteQuery::Step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return ErrorOf(code);
}

std::int64_t SqliteQuery::Integer(int column) const { return sqlite3_column_int64(statement_, column); }

Result<std::optional<ByteView>> SqliteQuery::Cell(int column) const {
  return internal::ForeignCell(statement_, column);
}

}  // namespace coffer
