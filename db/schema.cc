#include "db/schema.h"

#include <algorithm>

#include "db/postgres_session.h"

namespace coffer::db {

const SchemaColumn* SchemaTable::Find(std::string_view column) const {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [column](const SchemaColumn& one) { return one.name == column; });
  return found == columns.end() ? nullptr : &*found;
}

bool SchemaTable::HasUnique(std::string_view column) const {
  const std::vector<std::string> alone = {std::string(column)};
  const auto constrains = [&alone](const SchemaConstraint& one) {
    return (one.kind == ConstraintKind::kUnique || one.kind == ConstraintKind::kPrimaryKey) && one.columns == alone;
  };
  const auto indexes_it = [&alone](const SchemaIndex& one) { return one.unique && one.columns == alone; };
  return std::any_of(constraints.begin(), constraints.end(), constrains) ||
         std::any_of(indexes.begin(), indexes.end(), indexes_it);
}

const SchemaTable* Schema::Find(const TableName& name) const {
  const auto found =
      std::lower_bound(tables.begin(), tables.end(), name,
                       [](const SchemaTable& table, const TableName& wanted) { return table.name < wanted; });
  return found == tables.end() || found->name != name ? nullptr : &*found;
}

const SchemaTable* Schema::Resolve(const TableName& name) const {
  if (!name.schema.empty()) return Find(name);
  const SchemaTable* only = nullptr;
  for (const SchemaTable& table : tables) {
    const bool same = engine == Engine::kSqlite ? FoldedName(table.name.table) == FoldedName(name.table)
                                                : table.name.table == name.table;
    if (!same) continue;
    if (table.name.schema == "public") return &table;
    if (only != nullptr) return nullptr;
    only = &table;
  }
  return only;
}

std::string ShownTable(const TableName& name) {
  return name.schema.empty() || name.schema == "public" ? name.table : name.schema + "." + name.table;
}

std::string ShownColumn(const TableName& name, std::string_view column) {
  return ShownTable(name) + "." + std::string(column);
}

Result<Schema> ReadSchema(const Source& source, const SchemaOptions& options) {
  if (source.engine == Engine::kSqlite) return ReadSqliteSchema(source.location);
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<PostgresSession> session, PostgresSession::Open(source));
  return ReadPostgresSchema(*session, options);
}

}  // namespace coffer::db
