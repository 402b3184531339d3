#include "plugins/grafana/database/postgres_tables.h"

#include <algorithm>
#include <array>
#include <optional>

#include "io/postgres_trust.h"
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

// With it, its partitions and what inherits from it: rows of all of them are the table's.
constexpr const char* kKindOf =
    "WITH RECURSIVE named AS ("
    "  SELECT c.oid, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "  WHERE n.nspname = $1 AND c.relname = $2),"
    " parts (oid) AS ("
    "  SELECT oid FROM named UNION"
    "  SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN parts p ON i.inhparent = p.oid)"
    " SELECT named.relkind::text, (EXISTS (SELECT FROM parts JOIN pg_catalog.pg_class c ON c.oid = parts.oid"
    "  WHERE c.relkind = 'f'))::text FROM named";

// 16384 is the first id that is not PostgreSQL's own. Virtual generated columns have expressions of others.
constexpr const char* kColumns =
    "WITH RECURSIVE parts (oid) AS ("
    "  SELECT pg_catalog.to_regclass($1)::pg_catalog.oid UNION"
    "  SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN parts p ON i.inhparent = p.oid),"
    " owners AS ("
    "  SELECT pg_catalog.bool_or(o.rolname <> current_user AND NOT o.rolsuper) AS are_others,"
    "  pg_catalog.bool_or(c.relkind = 'f') AS are_foreign"
    "  FROM parts JOIN pg_catalog.pg_class c ON c.oid = parts.oid JOIN pg_catalog.pg_roles o ON o.oid = c.relowner)"
    "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),"
    " (a.atttypid = 'pg_catalog.bytea'::pg_catalog.regtype)::text,"
    " (a.atttypid < 16384 OR (t.typtype = 'd' AND t.typbasetype < 16384))::text,"
    " owners.are_others::text, (pg_catalog.current_setting('is_superuser')::bool OR EXISTS ("
    "   SELECT FROM pg_catalog.pg_roles u WHERE u.rolname = SESSION_USER AND u.rolsuper))::text"
    " FROM owners, pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
    " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
    " AND a.attgenerated <> 'v' AND NOT owners.are_foreign";

TableKind KindOf(std::string_view relkind, bool has_foreign) {
  if (relkind == "r" || relkind == "p") return has_foreign ? TableKind::kForeignParts : TableKind::kTable;
  if (relkind == "v") return TableKind::kView;
  if (relkind == "m") return TableKind::kMaterializedView;
  return relkind == "f" ? TableKind::kForeignTable : TableKind::kOther;
}

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

Result<std::optional<PostgresRelation>> PostgresTables::Find(std::string_view table) const {
  std::optional<PostgresRelation> found;
  for (const std::string& schema : schemas_) {
    const std::array parameters = {schema, std::string(table)};
    COFFER_TRY(server_->Query(kKindOf, parameters, [&](Cells cells) -> Status {
      if (cells.size() != 2 || !cells[0] || !cells[1]) return OtherCatalog();
      found = {QuotedName(schema) + "." + QuotedName(table), KindOf(AsText(*cells[0]), AsText(*cells[1]) == "true")};
      return {};
    }));
    if (found) break;
  }
  return found;
}

Status PostgresTables::Lock(const std::string& name, PostgresLock lock) const {
  const std::string_view mode = lock == PostgresLock::kForReading ? "ACCESS SHARE" : "SHARE ROW EXCLUSIVE";
  return server_->Execute("LOCK TABLE " + name + " IN " + std::string(mode) + " MODE");
}

Result<PostgresTable> PostgresTables::Define(std::string_view table, const std::string& name,
                                             const std::vector<std::string_view>& columns, PostgresLock lock) const {
  PostgresTable definition{name, {}};
  std::string foreign;
  bool are_others = false;
  bool is_superuser = false;
  const std::array parameters = {name};
  COFFER_TRY(server_->Query(kColumns, parameters, [&](Cells cells) -> Status {
    const bool whole =
        cells.size() == 6 && std::all_of(cells.begin(), cells.end(), [](const auto& cell) { return cell.has_value(); });
    if (!whole) return OtherCatalog();
    const std::string_view column = AsText(*cells[0]);
    const bool is_wanted = std::find(columns.begin(), columns.end(), column) != columns.end();
    if (is_wanted && AsText(*cells[3]) != "true") foreign = std::string(table) + "." + std::string(column);
    are_others = AsText(*cells[4]) == "true";
    is_superuser = AsText(*cells[5]) == "true";
    definition.columns.emplace(column, PostgresColumn{std::string(AsText(*cells[1])), AsText(*cells[2]) == "true"});
    return {};
  }));
  if (definition.columns.empty()) {
    return Error(ErrorCode::kConflict, "a table was replaced while it was looked at").At(table);
  }
  if (!foreign.empty()) {
    return Error(ErrorCode::kInvalidArgument, "a column has a type that Grafana does not use").At(foreign);
  }
  bool is_trap = lock == PostgresLock::kForWriting && are_others;
  if (is_superuser && !is_trap) {
    COFFER_ASSIGN_OR_RETURN(const bool is_trusted, IsOfSuperusers(*server_, name));
    is_trap = !is_trusted;
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
