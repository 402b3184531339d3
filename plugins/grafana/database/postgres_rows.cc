#include "plugins/grafana/database/postgres_rows.h"

#include <algorithm>
#include <array>

#include "plugins/grafana/database/sql_names.h"

namespace coffer::grafana {
namespace {

// Locks are waited for as long as elsewhere; the server's own limits are for other work than a long read. Row security
// must not hide rows. What follows the first SELECT sees that moment.
constexpr const char* kBegin =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    "SET LOCAL lock_timeout = '5s';"
    "SET LOCAL statement_timeout = 0;"
    "SET LOCAL idle_in_transaction_session_timeout = 0;"
    "SET LOCAL row_security = off;"
    "SET LOCAL datestyle = 'ISO';"
    "SET LOCAL intervalstyle = 'postgres'";

constexpr const char* kColumnsOf =
    "SELECT n.nspname::text, a.attname::text, (a.atttypid = 'pg_catalog.bytea'::pg_catalog.regtype)::text"
    " FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
    " WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped";

struct Column {
  std::string name;
  bool is_bytes = false;
};

struct Definition {
  std::string schema;
  std::vector<Column> columns;
};

using Cells = std::span<const std::optional<ByteView>>;

// Without columns when there is no such table.
Result<Definition> DefinitionOf(PostgresConnection& server, std::string_view table) {
  Definition definition;
  const std::array parameters = {QuotedName(table)};
  COFFER_TRY(server.Query(kColumnsOf, parameters, [&definition](Cells cells) -> Status {
    const bool whole = cells.size() == 3 && cells[0] && cells[1] && cells[2];
    if (!whole) return Error(ErrorCode::kInternal, "the PostgreSQL server describes its tables in another way");
    definition.schema = AsText(*cells[0]);
    definition.columns.push_back({std::string(AsText(*cells[1])), AsText(*cells[2]) == "true"});
    return {};
  }));
  return definition;
}

// Reads `wanted` and notes what there is of it.
std::string SelectOf(const WantedTable& wanted, const Definition& definition, FoundTable& found) {
  std::string selected;
  for (const std::string_view name : wanted.columns) {
    const auto column = std::find_if(definition.columns.begin(), definition.columns.end(),
                                     [name](const Column& known) { return known.name == name; });
    const bool exists = column != definition.columns.end();
    found.has_column.push_back(exists);
    if (!selected.empty()) selected += ", ";
    selected += exists ? QuotedName(name) : "NULL";
    selected += exists && column->is_bytes ? "" : "::pg_catalog.text";
  }
  return "SELECT " + selected + " FROM " + QuotedName(definition.schema) + "." + QuotedName(wanted.name);
}

}  // namespace

Result<std::vector<FoundTable>> PostgresRows::Read(std::span<const WantedTable> wanted, const OnRow& on_row) {
  COFFER_ASSIGN_OR_RETURN(const auto server, PostgresConnection::Open(options_));
  COFFER_TRY(server->Execute(kBegin));
  std::vector<FoundTable> tables;
  ReadRow row;
  for (std::size_t table = 0; table < wanted.size(); ++table) {
    COFFER_ASSIGN_OR_RETURN(const Definition definition, DefinitionOf(*server, wanted[table].name));
    if (definition.columns.empty()) continue;
    FoundTable found;
    found.table = row.table = table;
    const std::string select = SelectOf(wanted[table], definition, found);
    COFFER_TRY(server->Query(select, {}, [&](Cells cells) -> Status {
      if (cells.size() != found.has_column.size()) {
        return Error(ErrorCode::kInternal, "the PostgreSQL server answers with other columns than it was asked for");
      }
      ++found.rows;
      row.cells.assign(cells.begin(), cells.end());
      return on_row(row);
    }));
    tables.push_back(std::move(found));
  }
  return tables;
}

}  // namespace coffer::grafana
