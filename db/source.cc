#include "db/source.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "io/input_stream.h"
#include "io/system_error.h"

namespace coffer::db {
namespace {

constexpr std::string_view kSqlite("SQLite format 3\0", 16);

Error IsNoDatabase() {
  return Error(ErrorCode::kInvalidArgument, "is neither a SQLite database nor a postgresql:// URL").At("database");
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
  return AsText(ByteView(bytes).first(filled)) == kSqlite;
}

}  // namespace

Result<Source> ParseSource(const std::string& text) {
  if (text.starts_with("postgres://") || text.starts_with("postgresql://")) return Source{Engine::kPostgres, text};
  // Anything else with a scheme may have a password in it, and is no path.
  if (text.empty() || text.find("://") != std::string::npos || text.find('\0') != std::string::npos) {
    return IsNoDatabase();
  }
  std::error_code failure;
  const auto kind = std::filesystem::status(text, failure).type();
  if (kind == std::filesystem::file_type::not_found) return SystemError(ENOENT).At("database");
  if (kind != std::filesystem::file_type::regular) return IsNoDatabase();
  const Result<bool> is_sqlite = BeginsAsSqlite(text);
  if (!is_sqlite.ok()) return Error(is_sqlite.error()).At("database");
  if (!*is_sqlite) return IsNoDatabase();
  return Source{Engine::kSqlite, text};
}

}  // namespace coffer::db
