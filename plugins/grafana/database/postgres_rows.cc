#include "plugins/grafana/database/postgres_rows.h"

#include "plugins/grafana/database/postgres_tables.h"
#include "plugins/grafana/database/sql_names.h"

namespace coffer::grafana {
namespace {

// Locks are waited for as long as elsewhere; the server's own limits are for other work than a long read. Row security
// must not hide rows. What follows the first SELECT, under all locks, sees that moment.
constexpr const char* kBegin =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    "SET LOCAL lock_timeout = '5s';"
    "SET LOCAL statement_timeout = 0;"
    "SET LOCAL idle_in_transaction_session_timeout = 0;"
    "SET LOCAL row_security = off;"
    "SET LOCAL datestyle = 'ISO';"
    "SET LOCAL intervalstyle = 'postgres'";

using Cells = std::span<const std::optional<ByteView>>;

struct LockedTable {
  std::size_t wanted = 0;
  std::string name;
};

// Those that are there, in the order of `wanted`; what is no table goes to `others`.
Result<std::vector<LockedTable>> FindTables(const PostgresTables& tables, std::span<const WantedTable> wanted,
                                            std::vector<FoundTable>& others) {
  std::vector<LockedTable> found;
  for (std::size_t table = 0; table < wanted.size(); ++table) {
    COFFER_ASSIGN_OR_RETURN(std::optional<PostgresRelation> relation, tables.Find(wanted[table].name));
    if (!relation) continue;
    if (relation->kind == TableKind::kTable) {
      found.push_back({table, std::move(relation->name)});
      continue;
    }
    COFFER_ASSIGN_OR_RETURN(FoundTable other, FoundOther(wanted, table, relation->kind));
    others.push_back(std::move(other));
  }
  return found;
}

// Reads `wanted` and notes what there is of it.
std::string SelectOf(const WantedTable& wanted, const PostgresTable& definition, FoundTable& found) {
  std::string selected;
  for (const std::string_view name : wanted.columns) {
    const auto column = definition.columns.find(name);
    const bool exists = column != definition.columns.end();
    found.has_column.push_back(exists);
    if (!selected.empty()) selected += ", ";
    selected += exists ? QuotedName(name) : "NULL";
    selected += exists && column->second.is_bytes ? "" : "::pg_catalog.text";
  }
  return "SELECT " + selected + " FROM " + definition.name;
}

}  // namespace

Result<std::vector<FoundTable>> PostgresRows::Read(std::span<const WantedTable> wanted, const OnRow& on_row) {
  COFFER_ASSIGN_OR_RETURN(const auto server, PostgresConnection::Open(options_));
  COFFER_ASSIGN_OR_RETURN(const PostgresTables tables, PostgresTables::Open(*server));
  std::vector<FoundTable> read;
  COFFER_ASSIGN_OR_RETURN(const std::vector<LockedTable> locked, FindTables(tables, wanted, read));
  COFFER_TRY(server->Execute(kBegin));
  for (const LockedTable& table : locked) {
    const Status status = tables.Lock(table.name, PostgresLock::kForReading);
    if (!status.ok()) return Error(status.error()).At(wanted[table.wanted].name);
  }
  ReadRow row;
  for (const LockedTable& table : locked) {
    const WantedTable& asked = wanted[table.wanted];
    COFFER_ASSIGN_OR_RETURN(const PostgresTable definition,
                            tables.Define(asked.name, table.name, asked.columns, PostgresLock::kForReading));
    FoundTable found;
    found.table = row.table = table.wanted;
    const std::string select = SelectOf(asked, definition, found);
    COFFER_TRY(server->Query(select, {}, [&](Cells cells) -> Status {
      if (cells.size() != found.has_column.size()) {
        return Error(ErrorCode::kInternal, "the PostgreSQL server answers with other columns than it was asked for");
      }
      ++found.rows;
      row.cells.assign(cells.begin(), cells.end());
      return on_row(row);
    }));
    read.push_back(std::move(found));
  }
  return read;
}

}  // namespace coffer::grafana
