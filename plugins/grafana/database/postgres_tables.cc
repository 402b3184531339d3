#include "plugins/grafana/database/postgres_tables.h"

#include <algorithm>
#include <array>
#include <optional>

#include "plugins/grafana/database/sql_names.h"

namespace coffer::grafana {
namespace {

using Cells = std::span<const std::optional<ByteView>>;

constexpr const char* kSchemas = "SELECT pg_catalog.unnest(pg_catalog.current_schemas(false))::pg_catalog.text";

// The setting is not on every server.
constexpr const char* kSettle =
    "SET search_path = pg_catalog;"
    "SELECT pg_catalog.set_config(name, 'view, foreign-table', false) FROM pg_catalog.pg_settings"
    " WHERE name = 'restrict_nonsystem_relation_kind'";

constexpr const char* kKindOf =
    "SELECT c.relkind::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = $1 AND c.relname = $2";

// 16384 is the first id that is not PostgreSQL's own. Virtual generated columns have expressions of others.
constexpr const char* kColumns =
    "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),"
    " (a.atttypid = 'pg_catalog.bytea'::pg_catalog.regtype)::text,"
    " (a.atttypid < 16384 OR (t.typtype = 'd' AND t.typbasetype < 16384))::text,"
    " (o.rolname <> current_user AND NOT o.rolsuper)::text,"
    " (pg_catalog.current_setting('is_superuser')::bool AND NOT o.rolsuper)::text"
    " FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_roles o ON o.oid = c.relowner"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
    " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
    " AND a.attgenerated <> 'v'";

Error OtherCatalog() {
  return Error(ErrorCode::kInternal, "the PostgreSQL server describes its tables in another way");
}

}  // namespace

Result<PostgresTables> PostgresTables::Open(PostgresConnection& server) {
  PostgresTables tables(server);
  COFFER_TRY(server.Execute("SET statement_timeout = 0"));  // a role's own is for other work
  COFFER_TRY(server.Query(kSchemas, {}, [&tables](Cells cells) -> Status {
    if (cells.size() != 1 || !cells[0]) return OtherCatalog();
    tables.schemas_.emplace_back(AsText(*cells[0]));
    return {};
  }));
  COFFER_TRY(server.Execute(kSettle));
  return tables;
}

Result<std::optional<std::string>> PostgresTables::Find(std::string_view table) const {
  for (const std::string& schema : schemas_) {
    std::string kind;
    const std::array parameters = {schema, std::string(table)};
    COFFER_TRY(server_->Query(kKindOf, parameters, [&kind](Cells cells) -> Status {
      if (cells.size() != 1 || !cells[0]) return OtherCatalog();
      kind = AsText(*cells[0]);
      return {};
    }));
    if (kind.empty()) continue;
    if (kind != "r" && kind != "p") return std::optional<std::string>();
    return std::optional(QuotedName(schema) + "." + QuotedName(table));
  }
  return std::optional<std::string>();
}

Status PostgresTables::Lock(const std::string& name, PostgresLock lock) const {
  const std::string_view mode = lock == PostgresLock::kForReading ? "ACCESS SHARE" : "SHARE ROW EXCLUSIVE";
  return server_->Execute("LOCK TABLE " + name + " IN " + std::string(mode) + " MODE");
}

Result<PostgresTable> PostgresTables::Define(std::string_view table, const std::string& name,
                                             const std::vector<std::string_view>& columns, PostgresLock lock) const {
  PostgresTable definition{name, {}};
  std::string foreign;
  bool is_trap = false;
  const std::array parameters = {name};
  COFFER_TRY(server_->Query(kColumns, parameters, [&](Cells cells) -> Status {
    const bool whole =
        cells.size() == 6 && std::all_of(cells.begin(), cells.end(), [](const auto& cell) { return cell.has_value(); });
    if (!whole) return OtherCatalog();
    const std::string_view column = AsText(*cells[0]);
    const bool is_wanted = std::find(columns.begin(), columns.end(), column) != columns.end();
    if (is_wanted && AsText(*cells[3]) != "true") foreign = std::string(table) + "." + std::string(column);
    is_trap = is_trap || AsText(*cells[lock == PostgresLock::kForWriting ? 4 : 5]) == "true";
    definition.columns.emplace(column, PostgresColumn{std::string(AsText(*cells[1])), AsText(*cells[2]) == "true"});
    return {};
  }));
  if (definition.columns.empty()) {
    return Error(ErrorCode::kConflict, "a table was replaced while it was looked at").At(table);
  }
  if (!foreign.empty()) {
    return Error(ErrorCode::kInvalidArgument, "a column has a type that Grafana does not use").At(foreign);
  }
  if (is_trap) {
    return Error(
               ErrorCode::kPermissionDenied,
               "functions of the table's owner, in triggers and indexes, would run with another role's rights: use the "
               "role that owns the tables")
        .At(table);
  }
  return definition;
}

}  // namespace coffer::grafana
