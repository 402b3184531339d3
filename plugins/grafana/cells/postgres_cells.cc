#include "plugins/grafana/cells/postgres_cells.h"

#include <algorithm>
#include <array>

#include "io/file.h"
#include "plugins/grafana/database/sensitive_columns.h"
#include "plugins/grafana/database/sql_names.h"

namespace coffer::grafana {
namespace {

using Cells = std::span<const std::optional<ByteView>>;

// With the tables locked before they are read, each statement sees the newest there is. Times are in UTC.
constexpr const char* kBegin =
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
    "SET LOCAL lock_timeout = '5s';"
    "SET LOCAL statement_timeout = 0;"
    "SET LOCAL idle_in_transaction_session_timeout = 0;"
    "SET LOCAL synchronous_commit = on;"
    "SET LOCAL row_security = off;"
    "SET LOCAL standard_conforming_strings = on;"
    "SET LOCAL bytea_output = 'hex';"
    "SET LOCAL timezone = 'UTC';"
    "SET LOCAL datestyle = 'ISO';"
    "SET LOCAL intervalstyle = 'postgres'";

constexpr std::string_view kStamp =
    "\"updated\" = greatest(pg_catalog.date_trunc('second', pg_catalog.now()::timestamp),"
    " \"updated\" + interval '1 second')";

constexpr std::string_view kScriptHead =
    "-- Cells of a Grafana database as they were before they were changed: ciphertext, and what stood there in clear.\n"
    "-- It puts all of them back, or none when one of them has been changed since. With Grafana stopped:\n"
    "--   psql --no-psqlrc --quiet --tuples-only --set ON_ERROR_STOP=1 --file THIS_FILE\n"
    "-- Where a statement stops it, the cell is another one now: take that statement out to leave it as it is. Then\n"
    "-- Grafana needs the keys that it had then. Destroy this file when it is not needed any more.\n"
    "SET client_encoding = 'UTF8';\n"
    "SET standard_conforming_strings = on;\n"
    "BEGIN;\n"
    "SET LOCAL search_path = pg_catalog;\n";
constexpr std::string_view kScriptEnd = "COMMIT;\n";

template <std::size_t kSize>
bool Contains(const std::array<std::string_view, kSize>& columns, std::string_view column) {
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

std::string Literal(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

// " AND id = '1'", of what never changes of a row. A uid, a type and most names can be changed in Grafana.
std::string IdCondition(const RowChange& change) {
  constexpr std::array<std::string_view, 3> kAlone = {"id", "guid", "uid"};
  constexpr std::array<std::string_view, 5> kTogether = {"namespace", "name", "version", "section", "key"};
  const auto condition = [](std::string_view column, std::string_view value) {
    return value.empty() ? std::string() : " AND " + QuotedName(column) + " = " + Literal(value);
  };
  std::string conditions;
  for (const auto& [column, value] : change.names) {
    if (&column == &change.names.front().first && Contains(kAlone, column)) return condition(column, value);
    if (Contains(kTogether, column)) conditions += condition(column, value);
  }
  return conditions;
}

// Any other count fails, with these words in PostgreSQL's error: what is no number is no integer.
std::string UnlessOne(const std::string& cell) {
  return " SELECT CASE WHEN pg_catalog.count(*) <> 1 THEN (pg_catalog.count(*)::text || " +
         Literal(" rows have what was written to " + cell) + ")::pg_catalog.int4 END FROM changed;\n";
}

// As a parameter: libpq's text ends with the first NUL, and bytes may have one.
std::string ParameterOf(ByteView bytes, bool is_bytes) {
  return is_bytes ? "\\x" + ToHex(bytes) : std::string(AsText(bytes));
}

}  // namespace

Result<std::unique_ptr<PostgresCells>> PostgresCells::Open(const PostgresOptions& options) {
  COFFER_ASSIGN_OR_RETURN(auto server, PostgresConnection::Open(options));
  COFFER_ASSIGN_OR_RETURN(PostgresTables tables, PostgresTables::Open(*server));
  COFFER_TRY(server->Execute(kBegin));
  return std::make_unique<PostgresCells>(std::move(server), std::move(tables));
}

Status PostgresCells::CheckMayWrite(const PostgresOptions& options) {
  COFFER_ASSIGN_OR_RETURN(const auto server, PostgresConnection::Open(options));
  COFFER_ASSIGN_OR_RETURN(const PostgresTables tables, PostgresTables::Open(*server));
  for (const SensitiveTable& table : SensitiveTables()) {
    COFFER_ASSIGN_OR_RETURN(const std::optional<PostgresRelation> relation, tables.Find(table.name));
    if (!relation || relation->kind != TableKind::kTable) continue;  // What is no table, Read refuses if it is wanted.
    COFFER_TRY(tables.Define(table.name, relation->name, {}, PostgresLock::kForWriting));
  }
  return {};
}

// Those that are not locked yet, each in its turn, so that two of us wait for each other and never both.
Status PostgresCells::Lock(std::span<const WantedTable> wanted, std::vector<FoundTable>& others) {
  for (std::size_t at = 0; at < wanted.size(); ++at) {
    const WantedTable& table = wanted[at];
    if (locked_.find(table.name) != locked_.end()) continue;
    COFFER_ASSIGN_OR_RETURN(const std::optional<PostgresRelation> relation, tables_.Find(table.name));
    if (!relation) continue;
    if (relation->kind != TableKind::kTable) {
      COFFER_ASSIGN_OR_RETURN(FoundTable other, FoundOther(wanted, at, relation->kind));
      others.push_back(std::move(other));
      continue;
    }
    const Status locked = tables_.Lock(relation->name, PostgresLock::kForWriting);
    if (!locked.ok()) return Error(locked.error()).At(table.name);
    COFFER_ASSIGN_OR_RETURN(PostgresTable definition,
                            tables_.Define(table.name, relation->name, table.columns, PostgresLock::kForWriting));
    locked_.emplace(std::string(table.name), std::move(definition));
  }
  return {};
}

Result<std::vector<FoundTable>> PostgresCells::Read(std::span<const WantedTable> wanted, const OnLockedRow& on_row) {
  std::vector<FoundTable> tables;
  COFFER_TRY(Lock(wanted, tables));
  ReadRow row;
  for (std::size_t table = 0; table < wanted.size(); ++table) {
    const auto definition = locked_.find(wanted[table].name);
    if (definition == locked_.end()) continue;
    FoundTable& found = tables.emplace_back();
    found.table = row.table = table;
    // Partitions have their own ctids.
    std::string select = "SELECT tableoid::pg_catalog.text || ' ' || ctid::pg_catalog.text";
    for (const std::string_view name : wanted[table].columns) {
      const auto column = definition->second.columns.find(name);
      found.has_column.push_back(column != definition->second.columns.end());
      const bool is_bytes = found.has_column.back() && column->second.is_bytes;
      select += ", " + (found.has_column.back() ? QuotedName(name) : "NULL") + (is_bytes ? "" : "::pg_catalog.text");
    }
    COFFER_TRY(server_->Query(select + " FROM " + definition->second.name, {}, [&](Cells cells) -> Status {
      if (cells.size() != found.has_column.size() + 1 || !cells[0]) {
        return Error(ErrorCode::kInternal, "the PostgreSQL server answers with other columns than it was asked for");
      }
      ++found.rows;
      row.cells.assign(cells.begin() + 1, cells.end());
      return on_row(AsText(*cells[0]), row);
    }));
  }
  return tables;
}

Result<const PostgresTable*> PostgresCells::Find(std::string_view table) const {
  const auto found = locked_.find(table);
  if (found == locked_.end()) return Error(ErrorCode::kInternal, "a row is to be changed that was not read").At(table);
  return &found->second;
}

Result<const PostgresColumn*> PostgresCells::Find(const PostgresTable& table, std::string_view column) {
  const auto found = table.columns.find(column);
  if (found == table.columns.end()) return Error(ErrorCode::kInternal, "a row has no such column").At(column);
  return &found->second;
}

Status PostgresCells::Update(const RowChange& change) {
  COFFER_ASSIGN_OR_RETURN(const PostgresTable* const table, Find(change.table));
  std::vector<std::string> parameters;
  const auto add = [&parameters](std::string parameter) {
    parameters.push_back(std::move(parameter));
    return "$" + std::to_string(parameters.size());
  };
  std::string set;
  std::string where;
  for (const CellChange& cell : change.cells) {
    COFFER_ASSIGN_OR_RETURN(const PostgresColumn* const column, Find(*table, cell.column));
    const std::string name = QuotedName(cell.column);
    if (!set.empty()) set += ", ";
    set += name + " = CAST(" + add(ParameterOf(cell.after, column->is_bytes)) + " AS " + column->type + ")";
    where += " AND " + name + (column->is_bytes ? "" : "::text") + " = " +
             add(ParameterOf(cell.before, column->is_bytes)) + (column->is_bytes ? "::bytea" : "::text");
  }
  if (change.stamps) set.append(", ").append(kStamp);
  const std::size_t space = change.row_id.find(' ');
  if (space == std::string::npos) return Error(ErrorCode::kInternal, "a row's id is not PostgreSQL's");
  const std::string sql =
      "UPDATE " + table->name + " SET " + set + " WHERE tableoid = " + add(change.row_id.substr(0, space)) +
      "::oid AND ctid = " + add(change.row_id.substr(space + 1)) + "::tid" + where + " RETURNING '1'::text";
  std::uint64_t changed = 0;
  COFFER_TRY(server_->Query(sql, parameters, [&changed](Cells) -> Status {
    ++changed;
    return {};
  }));
  if (changed != 1) return Error(ErrorCode::kConflict, "a row is not what it was a moment ago").At(change.table);
  return {};
}

// A new cell tells what it was before: cells that are equal now were equal then.
Status PostgresCells::BackUp(const std::string& path, std::span<const RowChange> changes) {
  std::string script(kScriptHead);
  for (const RowChange& change : changes) {
    COFFER_ASSIGN_OR_RETURN(const PostgresTable* const table, Find(change.table));
    for (const CellChange& cell : change.cells) {
      COFFER_ASSIGN_OR_RETURN(const PostgresColumn* const column, Find(*table, cell.column));
      const std::string name = QuotedName(cell.column);
      script += "WITH changed AS (UPDATE " + table->name + " SET " + name + " = CAST(" +
                Literal(ParameterOf(cell.before, column->is_bytes)) + " AS " + column->type + ") WHERE " + name +
                (column->is_bytes ? "" : "::text") + " = " + Literal(ParameterOf(cell.after, column->is_bytes)) +
                (column->is_bytes ? "::bytea" : "") + IdCondition(change) + " RETURNING 1)" +
                UnlessOne(std::string(change.table) + "." + std::string(cell.column));
    }
  }
  script += kScriptEnd;
  return CreateFileDurably(path, AsBytes(script), 0600);
}

}  // namespace coffer::grafana
