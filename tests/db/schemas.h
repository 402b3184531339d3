// Schemas made in memory, and tables of SQLite files.
#pragma once

#include <string>
#include <vector>

#include "db/schema.h"
#include "tests/support/sqlite_program.h"
#include "tests/support/temp_dir.h"

namespace coffer::db {

inline SchemaColumn ColumnOf(const std::string& name, const std::string& type = "text", bool not_null = false) {
  SchemaColumn column;
  column.name = name;
  column.type = column.base_type = type;
  column.not_null = not_null;
  return column;
}

inline SchemaTable TableOf(const std::string& name, std::vector<SchemaColumn> columns) {
  SchemaTable table;
  table.name = {"public", name};
  table.columns = std::move(columns);
  return table;
}

// `tables` by name.
inline Schema SchemaOf(std::vector<SchemaTable> tables) {
  Schema schema;
  schema.engine = Engine::kPostgres;
  schema.database = "shop";
  schema.tables = std::move(tables);
  return schema;
}

inline Source SqliteFile(const TempDir& folder, const std::string& sql) {
  const std::string path = folder / "app.db";
  EXPECT_EQ(RunSqlite(path, sql), SQLITE_OK);
  return {Engine::kSqlite, path};
}

}  // namespace coffer::db
