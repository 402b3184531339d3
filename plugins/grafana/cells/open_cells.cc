#include "plugins/grafana/cells/open_cells.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "io/input_stream.h"
#include "io/system_error.h"
#include "plugins/grafana/cells/postgres_cells.h"
#include "plugins/grafana/cells/sqlite_cells.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kSqlite("SQLite format 3\0", 16);

Error IsNoDatabase(const std::string& source) {
  return Error(
             ErrorCode::kInvalidArgument,
             "is neither a SQLite database nor a postgresql:// URL; a dump cannot be changed, only what it was made of")
      .At(source);
}

// The stream is closed before SQLite opens the file: closing it later would drop SQLite's locks.
Result<bool> BeginsAsSqlite(const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(InputStream stream, InputStream::Open(path));
  std::array<std::byte, kSqlite.size()> bytes = {};
  std::size_t filled = 0;
  while (filled < bytes.size() && !stream.ended()) {
    COFFER_ASSIGN_OR_RETURN(const std::size_t count, stream.Read(MutableBytes(bytes).subspan(filled)));
    filled += count;
  }
  return AsText(bytes) == kSqlite;
}

bool IsServer(const std::string& source) {
  return source.starts_with("postgres://") || source.starts_with("postgresql://");
}

}  // namespace

bool IsDatabaseFile(const std::string& source) { return source.find("://") == std::string::npos; }

Status CheckMayWrite(const std::string& source) {
  if (!IsServer(source)) return {};
  return PostgresCells::CheckMayWrite({.connection = source});
}

Result<std::unique_ptr<CellWriter>> OpenCells(const std::string& source) {
  if (IsServer(source)) {
    PostgresOptions options;
    options.connection = source;
    COFFER_ASSIGN_OR_RETURN(auto cells, PostgresCells::Open(options));
    return std::unique_ptr<CellWriter>(std::move(cells));
  }
  // Anything else with a scheme may have a password in it, and is no path.
  if (!IsDatabaseFile(source)) return IsNoDatabase("database");
  std::error_code failure;
  const auto kind = std::filesystem::status(source, failure).type();
  if (kind == std::filesystem::file_type::not_found) return SystemError(ENOENT).At(source);
  if (kind != std::filesystem::file_type::regular) return IsNoDatabase(source);
  COFFER_ASSIGN_OR_RETURN(const bool is_sqlite, BeginsAsSqlite(source));
  if (!is_sqlite) return IsNoDatabase(source);
  COFFER_ASSIGN_OR_RETURN(auto cells, SqliteCells::Open({.path = source, .busy_timeout_ms = 5'000, .vfs = ""}));
  return std::unique_ptr<CellWriter>(std::move(cells));
}

}  // namespace coffer::grafana
