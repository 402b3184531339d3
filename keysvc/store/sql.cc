#include "keysvc/store/sql.h"

namespace coffer::keysvc {
namespace {

std::string Quoted(std::string_view name) { return '"' + std::string(name) + '"'; }

std::string_view SqlType(ValueType type) {
  switch (type) {
    case ValueType::kInt64:
      return "INTEGER";
    case ValueType::kText:
      return "TEXT";
    case ValueType::kUuid:
    case ValueType::kBytes:
    case ValueType::kNull:
      break;
  }
  return "BLOB";
}

template <typename Indexes>
std::string Names(const TableSpec& spec, const Indexes& indexes) {
  std::string names;
  for (const std::size_t index : indexes) {
    if (!names.empty()) names += ", ";
    names += Quoted(spec.columns[index].name);
  }
  return names;
}

std::vector<std::size_t> Numbers(std::size_t from, std::size_t to) {
  std::vector<std::size_t> numbers;
  for (std::size_t i = from; i < to; ++i) numbers.push_back(i);
  return numbers;
}

std::string PrimaryKeyNames(const TableSpec& spec) { return Names(spec, Numbers(0, spec.primary_key_columns)); }
std::string AllNames(const TableSpec& spec) {
  return Names(spec, Numbers(0, spec.columns.size())) + ", row_epoch, mac";
}

std::string WherePrimaryKey(const TableSpec& spec) {
  std::string where = " WHERE ";
  for (std::size_t i = 0; i < spec.primary_key_columns; ++i) {
    if (i != 0) where += " AND ";
    where += Quoted(spec.columns[i].name) + " = ?" + std::to_string(i + 1);
  }
  return where;
}

std::string Definition(const ColumnSpec& column) {
  return Quoted(column.name) + " " + std::string(SqlType(column.type)) + (column.nullable ? ", " : " NOT NULL, ");
}

// Epoch and MAC stand right behind the primary key, so that reading all MACs does not walk through large ciphertexts.
std::string CreateTableSql(const TableSpec& spec) {
  std::string sql = "CREATE TABLE " + Quoted(spec.name) + " (";
  for (std::size_t i = 0; i < spec.primary_key_columns; ++i) sql += Definition(spec.columns[i]);
  sql += "row_epoch INTEGER NOT NULL, mac BLOB NOT NULL, ";
  for (std::size_t i = spec.primary_key_columns; i < spec.columns.size(); ++i) sql += Definition(spec.columns[i]);
  sql += "PRIMARY KEY (" + PrimaryKeyNames(spec) + ")";
  if (!spec.unique.empty()) sql += ", UNIQUE (" + Names(spec, spec.unique) + ")";
  return sql + ") STRICT, WITHOUT ROWID";
}

}  // namespace

std::vector<SchemaObject> SchemaObjects(std::int64_t version) {
  std::vector<SchemaObject> objects;
  objects.push_back(
      {"head",
       "CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, sum BLOB NOT NULL, "
       "mac BLOB NOT NULL) STRICT"});
  for (const TableSpec& spec : Schema()) {
    if (spec.since <= version) objects.push_back({std::string(spec.name), CreateTableSql(spec)});
  }
  return objects;
}

std::vector<SchemaObject> ObjectsSince(std::int64_t version) {
  std::vector<SchemaObject> objects;
  for (const TableSpec& spec : Schema()) {
    if (spec.since > version) objects.push_back({std::string(spec.name), CreateTableSql(spec)});
  }
  return objects;
}

std::string GetSql(const TableSpec& spec) {
  return "SELECT " + AllNames(spec) + " FROM " + Quoted(spec.name) + WherePrimaryKey(spec);
}

std::string ScanSql(const TableSpec& spec, const ScanRequest& request) {
  std::string sql = "SELECT " + AllNames(spec) + " FROM " + Quoted(spec.name);
  std::size_t parameter = 0;
  const auto add = [&](std::size_t column, std::string_view comparison) {
    sql += parameter == 0 ? " WHERE " : " AND ";
    sql += Quoted(spec.columns[column].name) + std::string(comparison) + "?" + std::to_string(++parameter);
  };
  const std::size_t next = request.equals.size();
  for (std::size_t i = 0; i < next; ++i) add(i, " = ");
  if (!request.text_prefix.empty()) add(next, " >= ");
  if (request.after) add(next, " > ");
  sql += " ORDER BY " + PrimaryKeyNames(spec);
  if (request.limit != 0) sql += " LIMIT ?" + std::to_string(++parameter);
  return sql;
}

std::string InsertSql(const TableSpec& spec) {
  std::string sql = "INSERT INTO " + Quoted(spec.name) + " (" + AllNames(spec) + ") VALUES (?1";
  for (std::size_t i = 2; i <= spec.columns.size() + 2; ++i) sql += ", ?" + std::to_string(i);
  return sql + ")";
}

std::string UpdateSql(const TableSpec& spec) {
  std::string sql = "UPDATE " + Quoted(spec.name) + " SET ";
  for (std::size_t i = spec.primary_key_columns; i < spec.columns.size(); ++i) {
    sql += Quoted(spec.columns[i].name) + " = ?" + std::to_string(i + 1) + ", ";
  }
  sql +=
      "row_epoch = ?" + std::to_string(spec.columns.size() + 1) + ", mac = ?" + std::to_string(spec.columns.size() + 2);
  return sql + WherePrimaryKey(spec) + " RETURNING 1";
}

std::string EraseSql(const TableSpec& spec) {
  return "DELETE FROM " + Quoted(spec.name) + WherePrimaryKey(spec) + " RETURNING 1";
}

std::string MacsSql(const TableSpec& spec) {
  return "SELECT " + PrimaryKeyNames(spec) + ", mac FROM " + Quoted(spec.name);
}

}  // namespace coffer::keysvc
