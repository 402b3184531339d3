#include "plugins/grafana/database/open_rows.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "io/directory.h"
#include "plugins/grafana/database/dump_rows.h"
#include "plugins/grafana/database/postgres_rows.h"
#include "plugins/grafana/database/source_name.h"
#include "plugins/grafana/database/sqlite_rows.h"

namespace coffer::grafana {
namespace {

using Rows = std::unique_ptr<RowReader>;

constexpr std::string_view kArchive = "PGDMP";
constexpr std::string_view kTarArchive("toc.dat\0", 8);
constexpr std::array<std::string_view, 4> kCompressed = {"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xfd\x37zXZ", "BZh"};

Result<Rows> OpenFolder(const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(const bool is_dump, Exists(path + "/toc.dat"));
  if (!is_dump) return Error(ErrorCode::kInvalidArgument, "is a folder, and not one of pg_dump's").At(path);
  return Rows(std::make_unique<DumpRows>(path, DumpForm::kArchive));
}

Result<Rows> OpenFile(const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(const std::string first, FirstBytes(path));
  const auto begins = [&first](std::string_view magic) { return first.starts_with(magic); };
  if (begins(kSqliteMagic)) return Rows(std::make_unique<SqliteRows>(path));
  if (begins(kArchive) || begins(kTarArchive)) return Rows(std::make_unique<DumpRows>(path, DumpForm::kArchive));
  if (std::any_of(kCompressed.begin(), kCompressed.end(), begins)) {
    return Error(ErrorCode::kInvalidArgument, "is compressed: uncompress it, or read it from a pipe").At(path);
  }
  return Rows(std::make_unique<DumpRows>(path, DumpForm::kSql));
}

}  // namespace

Result<std::unique_ptr<RowReader>> OpenRows(const std::string& source) {
  if (NamesServer(source)) {
    PostgresOptions options;
    options.connection = source;
    return Rows(std::make_unique<PostgresRows>(std::move(options)));
  }
  if (!NamesFile(source)) {
    return Error(ErrorCode::kInvalidArgument, "the database is neither a file nor a postgresql:// URL");
  }
  std::error_code failure;
  const auto kind = std::filesystem::status(source, failure).type();
  if (kind == std::filesystem::file_type::directory) return OpenFolder(source);
  const bool is_stream = kind == std::filesystem::file_type::fifo || kind == std::filesystem::file_type::character ||
                         kind == std::filesystem::file_type::socket;
  if (is_stream) return Rows(std::make_unique<DumpRows>(source, DumpForm::kSql));
  return OpenFile(source);
}

}  // namespace coffer::grafana
