#include "db/postgres_session.h"

#include <algorithm>
#include <array>
#include <map>

#include "db/whole_number.h"
#include "io/postgres_trust.h"

namespace coffer::db {
namespace {

using Cells = std::span<const std::optional<ByteView>>;

constexpr const char* kIsSuperuser =
    "SELECT (pg_catalog.current_setting('is_superuser')::pg_catalog.bool OR u.rolsuper)::pg_catalog.text"
    " FROM pg_catalog.pg_roles u WHERE u.rolname OPERATOR(pg_catalog.=) SESSION_USER";

constexpr const char* kSchemas = "SELECT pg_catalog.unnest(pg_catalog.current_schemas(false))::pg_catalog.text";

// What a role or a database sets for its own work does not hold here. One setting is not on every server.
constexpr const char* kSettle =
    "SET search_path = pg_catalog;"
    "SET statement_timeout = 0;"
    "SET lock_timeout = '5s';"
    "SET idle_in_transaction_session_timeout = 0;"
    "SET default_transaction_isolation = 'read committed';"
    "SET default_transaction_read_only = off;"
    "SET default_transaction_deferrable = off;"
    "SET synchronous_commit = on;"
    "SET row_security = off;"
    "SET standard_conforming_strings = on;"
    "SET bytea_output = 'hex';"
    "SET timezone = 'UTC';"
    "SET datestyle = 'ISO';"
    "SET intervalstyle = 'postgres';"
    "SET extra_float_digits = 1;"
    "SET jit = off;"
    "SELECT pg_catalog.set_config(name, 'view, foreign-table', false) FROM pg_catalog.pg_settings"
    " WHERE name = 'restrict_nonsystem_relation_kind'";

constexpr const char* kKindOf =
    "SELECT c.relkind::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = $1 AND c.relname = $2";

// One row a column. 16384 is the first id that is not PostgreSQL's own. The extension's type belongs to a superuser,
// and so do its casts. The key is the primary key, else the unique index with the fewest columns that no row is missing
// from.
constexpr const char* kDescription =
    "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),"
    " (b.oid < 16384)::text, (b.oid = 'pg_catalog.bytea'::pg_catalog.regtype)::text,"
    " (t.typname = 'ciphertext' AND o.rolsuper AND EXISTS (SELECT FROM pg_catalog.pg_depend d"
    "   JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid"
    "   WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e'"
    "   AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.extname = 'coffer'))::text,"
    " a.attnotnull::text, (a.attgenerated <> '')::text, b.typname::text,"
    " coalesce((SELECT s.place + 1 FROM pg_catalog.generate_series(0, k.indnkeyatts - 1) AS s(place)"
    "   WHERE k.indkey[s.place] = a.attnum), 0)::text,"
    " (c.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid))::text"
    " FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
    " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " JOIN pg_catalog.pg_roles o ON o.oid = t.typowner"
    " JOIN pg_catalog.pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END"
    " LEFT JOIN LATERAL (SELECT i.indkey, i.indnkeyatts FROM pg_catalog.pg_index i"
    "   WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate"
    "   AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute n"
    "     WHERE n.attrelid = i.indrelid AND NOT n.attnotnull AND n.attnum = ANY (i.indkey::pg_catalog.int2[]))"
    "   ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) AS k ON true"
    " WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
    " ORDER BY a.attnum";

Error OtherCatalog() {
  return Error(ErrorCode::kInternal, "the PostgreSQL server describes its tables in another way");
}

Error Replaced() {
  return Error(ErrorCode::kConflict, "the table was altered or replaced while it was worked on: try again");
}

bool AllThere(Cells cells, std::size_t count) {
  return cells.size() == count &&
         std::all_of(cells.begin(), cells.end(), [](const auto& cell) { return cell.has_value(); });
}

bool IsTrue(const std::optional<ByteView>& cell) { return AsText(*cell) == "true"; }

}  // namespace

const PostgresColumn* PostgresTable::Find(std::string_view column) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [column](const PostgresColumn& candidate) { return candidate.name == column; });
  return found == columns.end() ? nullptr : &*found;
}

Result<std::unique_ptr<PostgresSession>> PostgresSession::Open(const Source& source) {
  PostgresOptions options;
  options.connection = source.location;
  COFFER_ASSIGN_OR_RETURN(auto server, PostgresConnection::Open(options));
  auto session = std::make_unique<PostgresSession>(std::move(server));
  COFFER_TRY(session->server_->Query(kIsSuperuser, {}, [&session](Cells cells) -> Status {
    if (!AllThere(cells, 1)) return OtherCatalog();
    session->is_superuser_ = IsTrue(cells[0]);
    return {};
  }));
  COFFER_TRY(session->server_->Query(kSchemas, {}, [&session](Cells cells) -> Status {
    if (!AllThere(cells, 1)) return OtherCatalog();
    session->schemas_.emplace_back(AsText(*cells[0]));
    return {};
  }));
  COFFER_TRY(session->server_->Execute(kSettle));
  return session;
}

Result<std::string> PostgresSession::NameOf(const TableName& name) {
  const std::vector<std::string> schemas = name.schema.empty() ? schemas_ : std::vector{name.schema};
  for (const std::string& schema : schemas) {
    std::string kind;
    const std::array parameters = {schema, name.table};
    COFFER_TRY(server_->Query(kKindOf, parameters, [&kind](Cells cells) -> Status {
      if (!AllThere(cells, 1)) return OtherCatalog();
      kind = AsText(*cells[0]);
      return {};
    }));
    if (kind.empty()) continue;
    if (kind != "r" && kind != "p") return Error(ErrorCode::kInvalidArgument, "is not a table").At(name.table);
    return SqlName({schema, name.table});
  }
  return Error(ErrorCode::kNotFound, "the database has no such table, or it is not in this user's search_path")
      .At(name.table);
}

Result<PostgresTable> PostgresSession::Lock(const TableName& name) {
  COFFER_ASSIGN_OR_RETURN(const std::string quoted, NameOf(name));
  Result<PostgresTable> table = LockQuoted(quoted);
  if (!table.ok()) return Error(table.error()).At(name.table);
  return table;
}

Status PostgresSession::LockAgain(const PostgresTable& table) {
  COFFER_ASSIGN_OR_RETURN(const PostgresTable now, LockQuoted(table.name));
  return now == table ? Status() : Replaced();
}

Result<PostgresTable> PostgresSession::LockQuoted(const std::string& name) {
  // The second keeps out who may hang a trigger on a table that is not his, and few others may take it.
  const std::string mode = is_superuser_ ? "ROW EXCLUSIVE" : "ACCESS SHARE";
  COFFER_TRY(server_->Execute("LOCK TABLE " + name + " IN " + mode + " MODE"));
  COFFER_TRY(CheckTrust(name));
  PostgresTable table;
  table.name = name;
  std::map<std::uint64_t, std::string> key;  // place to name
  const std::array parameters = {name};
  COFFER_TRY(server_->Query(kDescription, parameters, [&table, &key](Cells cells) -> Status {
    if (!AllThere(cells, 10)) return OtherCatalog();
    PostgresColumn& column = table.columns.emplace_back();
    column.name = AsText(*cells[0]);
    column.type = AsText(*cells[1]);
    column.is_own_type = IsTrue(cells[2]);
    column.is_bytes = IsTrue(cells[3]);
    column.is_ciphertext = IsTrue(cells[4]);
    column.not_null = IsTrue(cells[5]);
    column.generated = IsTrue(cells[6]);
    if (column.is_own_type) column.base_type = AsText(*cells[7]);
    table.has_children = IsTrue(cells[9]);
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t place, WholeNumber(cells[8]));
    if (place > 0) key.emplace(place, column.name);
    return {};
  }));
  if (table.columns.empty()) return Replaced();
  for (const auto& [place, column] : key) table.key.push_back(column);
  return table;
}

Status PostgresSession::CheckTrust(const std::string& name) {
  if (!is_superuser_) return {};
  COFFER_ASSIGN_OR_RETURN(const bool is_trusted, IsOfSuperusers(*server_, name));
  if (is_trusted) return {};
  return Error(ErrorCode::kPermissionDenied,
               "a superuser would run code of the table's owner: log in as a role that may do no more than this");
}

}  // namespace coffer::db
