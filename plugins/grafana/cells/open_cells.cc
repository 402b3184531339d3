#include "plugins/grafana/cells/open_cells.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "io/system_error.h"
#include "plugins/grafana/cells/postgres_cells.h"
#include "plugins/grafana/cells/sqlite_cells.h"
#include "plugins/grafana/database/source_name.h"

namespace coffer::grafana {
namespace {

Error IsNoDatabase(const std::string& source) {
  return Error(
             ErrorCode::kInvalidArgument,
             "is neither a SQLite database nor a postgresql:// URL; a dump cannot be changed, only what it was made of")
      .At(source);
}

}  // namespace

Status CheckMayWrite(const std::string& source) {
  if (!NamesServer(source)) return {};
  return PostgresCells::CheckMayWrite({.connection = source});
}

Result<std::unique_ptr<CellWriter>> OpenCells(const std::string& source) {
  if (NamesServer(source)) {
    PostgresOptions options;
    options.connection = source;
    COFFER_ASSIGN_OR_RETURN(auto cells, PostgresCells::Open(options));
    return std::unique_ptr<CellWriter>(std::move(cells));
  }
  if (!NamesFile(source)) return IsNoDatabase("database");
  std::error_code failure;
  const auto kind = std::filesystem::status(source, failure).type();
  if (kind == std::filesystem::file_type::not_found) return SystemError(ENOENT).At(source);
  if (kind != std::filesystem::file_type::regular) return IsNoDatabase(source);
  COFFER_ASSIGN_OR_RETURN(const std::string first, FirstBytes(source));
  if (first != kSqliteMagic) return IsNoDatabase(source);
  COFFER_ASSIGN_OR_RETURN(auto cells, SqliteCells::Open({.path = source, .busy_timeout_ms = 5'000, .vfs = ""}));
  return std::unique_ptr<CellWriter>(std::move(cells));
}

}  // namespace coffer::grafana
