// The schema of a SQLite file, out of SQLite's own pragmas. Texts of views, triggers and CHECKs are looked through for
// names, word by word.
#include <algorithm>
#include <functional>

#include "db/schema.h"
#include "db/sql_words.h"
#include "io/sqlite_reader.h"

namespace coffer::db {
namespace {

Error TooLarge(std::size_t limit) {
  return Error(ErrorCode::kResourceExhausted, "the database has more tables, columns or parts than are looked at")
      .At("database")
      .WithLimit(limit);
}

// SQLite's rules (sqlite.org/datatype3.html, 3.1).
std::string AffinityOf(std::string_view declared) {
  const std::string type = FoldedName(declared);
  const auto has = [&type](std::string_view part) { return type.find(part) != type.npos; };
  if (has("int")) return "integer";
  if (has("char") || has("clob") || has("text")) return "text";
  if (has("blob") || type.empty()) return "blob";
  if (has("real") || has("floa") || has("doub")) return "real";
  return "numeric";
}

struct NamedSql {
  std::string kind;
  std::string name;
  std::string table;
  std::string sql;  // folded
};

class SqliteReading {
 public:
  explicit SqliteReading(SqliteReader& reader) : reader_(reader) {}
  Result<Schema> Run();

 private:
  using OnRow = std::function<Status(const SqliteQuery&)>;
  Status Each(const std::string& sql, std::string_view parameter, const OnRow& on_row);
  static Result<std::string> Text(const SqliteQuery& row, int column);

  Status ReadStatements();
  Status ReadTable(const std::string& name, std::string_view folded_sql);
  Status ReadColumns(SchemaTable& table, std::vector<std::pair<std::int64_t, std::string>>& key);
  Status ReadIndexes(SchemaTable& table);
  Status ReadForeignKeys(SchemaTable& table);
  Status ReadRows(SchemaTable& table);
  void AddUses();

  SqliteReader& reader_;
  Schema schema_;
  std::vector<NamedSql> statements_;
  std::size_t columns_ = 0;
};

Result<std::string> SqliteReading::Text(const SqliteQuery& row, int column) {
  COFFER_ASSIGN_OR_RETURN(const std::optional<ByteView> cell, row.Cell(column));
  return std::string(AsText(cell.value_or(ByteView())));
}

Status SqliteReading::Each(const std::string& sql, std::string_view parameter, const OnRow& on_row) {
  COFFER_ASSIGN_OR_RETURN(SqliteQuery query, reader_.Prepare(sql));
  if (!parameter.empty()) COFFER_TRY(query.Bind(1, parameter));
  for (std::size_t rows = 0;; ++rows) {
    COFFER_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return {};
    if (rows == kMaxSchemaParts) return TooLarge(kMaxSchemaParts);
    COFFER_TRY(on_row(query));
  }
}

Status SqliteReading::ReadStatements() {
  return Each("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name", "",
              [this](const SqliteQuery& row) -> Status {
                NamedSql one;
                COFFER_ASSIGN_OR_RETURN(one.kind, Text(row, 0));
                COFFER_ASSIGN_OR_RETURN(one.name, Text(row, 1));
                COFFER_ASSIGN_OR_RETURN(one.table, Text(row, 2));
                COFFER_ASSIGN_OR_RETURN(const std::string sql, Text(row, 3));
                one.sql = FoldedName(sql);
                statements_.push_back(std::move(one));
                return {};
              });
}

Status SqliteReading::ReadColumns(SchemaTable& table, std::vector<std::pair<std::int64_t, std::string>>& key) {
  return Each("SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1, 'main')", table.name.table,
              [&](const SqliteQuery& row) -> Status {
                if (++columns_ > kMaxColumns) return TooLarge(kMaxColumns);
                SchemaColumn column;
                COFFER_ASSIGN_OR_RETURN(column.name, Text(row, 0));
                COFFER_ASSIGN_OR_RETURN(column.type, Text(row, 1));
                column.base_type = AffinityOf(column.type);
                column.not_null = row.Integer(2) != 0;
                column.generated = row.Integer(4) != 0;
                if (row.Integer(3) != 0) key.emplace_back(row.Integer(3), column.name);
                table.columns.push_back(std::move(column));
                return {};
              });
}

Status SqliteReading::ReadIndexes(SchemaTable& table) {
  std::vector<SchemaIndex> indexes;
  COFFER_TRY(Each("SELECT name, \"unique\", partial, origin FROM pragma_index_list(?1, 'main')", table.name.table,
                  [&indexes](const SqliteQuery& row) -> Status {
                    SchemaIndex index;
                    COFFER_ASSIGN_OR_RETURN(index.name, Text(row, 0));
                    index.unique = row.Integer(1) != 0;
                    index.has_expression = row.Integer(2) != 0;
                    indexes.push_back(std::move(index));
                    return {};
                  }));
  for (SchemaIndex& index : indexes) {
    COFFER_TRY(Each("SELECT name, cid FROM pragma_index_xinfo(?1, 'main') WHERE key = 1", index.name,
                    [&index](const SqliteQuery& row) -> Status {
                      if (row.Integer(1) == -2) index.has_expression = true;
                      COFFER_ASSIGN_OR_RETURN(std::string name, Text(row, 0));
                      if (!name.empty()) index.columns.push_back(std::move(name));
                      return {};
                    }));
    const auto statement = std::find_if(statements_.begin(), statements_.end(), [&index](const NamedSql& one) {
      return one.kind == "index" && one.name == index.name;
    });
    for (const SchemaColumn& column : table.columns) {
      const bool known = std::find(index.columns.begin(), index.columns.end(), column.name) != index.columns.end();
      if (index.has_expression && !known && statement != statements_.end() &&
          HasWord(statement->sql, FoldedName(column.name))) {
        index.columns.push_back(column.name);
      }
    }
    table.indexes.push_back(std::move(index));
  }
  return {};
}

Status SqliteReading::ReadForeignKeys(SchemaTable& table) {
  std::int64_t last = -1;
  return Each("SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1, 'main') ORDER BY id, seq",
              table.name.table, [&table, &last](const SqliteQuery& row) -> Status {
                if (row.Integer(0) != last) {
                  last = row.Integer(0);
                  SchemaConstraint constraint;
                  constraint.kind = ConstraintKind::kForeignKey;
                  constraint.name = "foreign key " + std::to_string(last);
                  COFFER_ASSIGN_OR_RETURN(constraint.other.table, Text(row, 1));
                  table.constraints.push_back(std::move(constraint));
                }
                SchemaConstraint& constraint = table.constraints.back();
                COFFER_ASSIGN_OR_RETURN(std::string from, Text(row, 2));
                COFFER_ASSIGN_OR_RETURN(std::string to, Text(row, 3));
                constraint.columns.push_back(std::move(from));
                constraint.other_columns.push_back(std::move(to));
                return {};
              });
}

// sqlite_stat1 is there after ANALYZE: "<rows> <rows per key>...".
Status SqliteReading::ReadRows(SchemaTable& table) {
  COFFER_ASSIGN_OR_RETURN(const std::optional<SqliteColumns> statistics, reader_.ColumnsOf("sqlite_stat1"));
  if (!statistics) return {};
  return Each("SELECT max(CAST(stat AS INTEGER)) FROM sqlite_stat1 WHERE tbl = ?1 HAVING count(*) > 0",
              table.name.table, [&table](const SqliteQuery& row) -> Status {
                table.rows = row.Integer(0) > 0 ? static_cast<std::uint64_t>(row.Integer(0)) : 0;
                table.rows_are_known = true;
                return {};
              });
}

Status SqliteReading::ReadTable(const std::string& name, std::string_view folded_sql) {
  if (schema_.tables.size() == kMaxTables) return TooLarge(kMaxTables);
  SchemaTable table;
  table.name.table = name;
  std::vector<std::pair<std::int64_t, std::string>> key;
  COFFER_TRY(ReadColumns(table, key));
  std::sort(key.begin(), key.end());
  for (auto& [place, column] : key) table.key.push_back(std::move(column));
  // An INTEGER PRIMARY KEY is the rowid: SQLite gives it with the INSERT, unless it is said.
  if (table.key.size() == 1) {
    for (SchemaColumn& column : table.columns) {
      column.is_known_after_insert = column.name == table.key[0] && FoldedName(column.type) == "integer";
    }
  }
  if (HasWord(folded_sql, "check")) {
    SchemaConstraint check;
    check.name = "CHECK";
    const std::string_view text = folded_sql.substr(std::min(folded_sql.find("check"), folded_sql.size()));
    for (const SchemaColumn& column : table.columns) {
      if (HasWord(text, FoldedName(column.name))) check.columns.push_back(column.name);
    }
    table.constraints.push_back(std::move(check));
  }
  COFFER_TRY(ReadIndexes(table));
  COFFER_TRY(ReadForeignKeys(table));
  COFFER_TRY(ReadRows(table));
  schema_.tables.push_back(std::move(table));
  return {};
}

// Which column of which table a text means is not resolved: one that names both is taken to.
void SqliteReading::AddUses() {
  for (const NamedSql& statement : statements_) {
    if (statement.kind == "trigger") {
      for (SchemaTable& table : schema_.tables) {
        if (table.name.table != statement.table) continue;
        table.triggers.push_back({statement.name, HasWord(statement.sql, "insert")});
      }
    }
    if (statement.kind != "view") continue;
    SchemaView view;
    view.name.table = statement.name;
    for (const SchemaTable& table : schema_.tables) {
      if (!HasWord(statement.sql, FoldedName(table.name.table))) continue;
      const bool all = statement.sql.find('*') != std::string::npos;
      for (const SchemaColumn& column : table.columns) {
        if (all || HasWord(statement.sql, FoldedName(column.name))) view.uses.push_back({table.name, column.name});
      }
    }
    schema_.views.push_back(std::move(view));
  }
}

Result<Schema> SqliteReading::Run() {
  COFFER_TRY(ReadStatements());
  std::vector<std::string> names;
  COFFER_TRY(
      Each("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND"
           " name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
           "", [&names](const SqliteQuery& row) -> Status {
             COFFER_ASSIGN_OR_RETURN(std::string name, Text(row, 0));
             names.push_back(std::move(name));
             return {};
           }));
  for (const std::string& name : names) {
    const auto statement = std::find_if(statements_.begin(), statements_.end(), [&name](const NamedSql& one) {
      return one.kind == "table" && one.name == name;
    });
    COFFER_TRY(ReadTable(name, statement == statements_.end() ? std::string_view() : statement->sql));
  }
  AddUses();
  std::sort(schema_.tables.begin(), schema_.tables.end(),
            [](const SchemaTable& a, const SchemaTable& b) { return a.name < b.name; });
  COFFER_TRY(reader_.Check());
  return std::move(schema_);
}

}  // namespace

Result<Schema> ReadSqliteSchema(const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<SqliteReader> reader, SqliteReader::Open(path));
  COFFER_ASSIGN_OR_RETURN(Schema schema, SqliteReading(*reader).Run());
  schema.database = path.substr(path.rfind('/') + 1);
  return schema;
}

}  // namespace coffer::db
