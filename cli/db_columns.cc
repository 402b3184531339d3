#include "cli/db_columns.h"

#include <algorithm>
#include <map>

#include "cli/grafana_database.h"
#include "cli/planned_index.h"
#include "cli/secret_options.h"

namespace coffer::cli {
namespace {

using Places = std::map<FieldName, std::optional<db::ColumnPlace>, bool (*)(const FieldName&, const FieldName&)>;

bool Before(const FieldName& a, const FieldName& b) {
  return std::tie(a.scope, a.table, a.column) < std::tie(b.scope, b.table, b.column);
}

Outcome<void> AddNamed(const std::string& text, Places& places) {
  const std::size_t equals = text.find('=');
  const auto field = FieldName::Parse(std::string_view(text).substr(0, equals));
  if (!field.ok() || field->IsSecret()) return UsageFailure("--field takes SCOPE.TABLE.COLUMN[=TABLE.COLUMN]");
  std::optional<db::ColumnPlace> place;
  if (equals != std::string::npos) {
    auto parsed = db::ColumnPlace::Parse(std::string_view(text).substr(equals + 1));
    if (!parsed.ok()) return Failure(std::move(parsed).error().At("--field"));
    place = std::move(*parsed);
  }
  if (!places.emplace(*field, std::move(place)).second) return UsageFailure("--field names a field twice");
  return {};
}

void AddScope(const policy::CatalogLock& lock, Places& places) {
  for (const policy::LockedField& field : lock.fields) {
    if (!field.retired) places.try_emplace({lock.scope, field.name.table, field.name.column}, std::nullopt);
  }
}

Outcome<db::ColumnNames> NamesOf(const FieldColumnOptions& options) {
  db::ColumnNames names;
  names.row = options.row;
  names.tenant = options.tenant;
  names.tenant_column = options.tenant_column;
  if (!names.tenant.empty() && !names.tenant_column.empty()) {
    return UsageFailure("--tenant is for all rows, --tenant-column has each row's: name one of them");
  }
  for (const std::string& text : options.contexts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
      return UsageFailure("--context takes NAME=COLUMN");
    }
    names.context[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return names;
}

Outcome<void> CheckWhose(const FieldColumnOptions& options, std::size_t fields) {
  if (fields == 0) return UsageFailure("name the fields with --field, or all of a catalog with --scope");
  if (fields > 1 && (!options.row.empty() || !options.contexts.empty())) {
    return UsageFailure("--row and --context are one field's: name it alone with --field");
  }
  return {};
}

}  // namespace

Json KeysJson(const db::KeyCounts& keys) {
  Json list = Json::array();
  for (const auto& [key, values] : keys) list.push_back({{"key_id", std::to_string(key)}, {"values", values}});
  return list;
}

Failure OfDatabase(const Error& error) { return DatabaseFailure(error); }

void AddDatabaseArgument(CLI::App& command, DatabaseOption& option) {
  command.add_option("database", option.database, "A postgresql:// URL without a password, or a SQLite file")
      ->type_name("DATABASE")
      ->required();
}

Outcome<db::Source> SourceOf(const DatabaseOption& option) {
  COFFER_TRY(CheckDatabaseName(option.database));
  auto source = db::ParseSource(option.database);
  if (!source.ok()) return OfDatabase(source.error());
  return std::move(*source);
}

void AddFieldOptions(CLI::App& command, FieldColumnOptions& options) {
  command
      .add_option("--field", options.fields,
                  "A field, and its column where that is not called as in the catalog; once a field")
      ->type_name("SCOPE.TABLE.COLUMN[=TABLE.COLUMN]")
      ->allow_extra_args(false);
  command.add_option("--scope", options.scope, "All fields of this scope's applied catalog")->type_name("SCOPE");
}

void AddBindingOptions(CLI::App& command, FieldColumnOptions& options) {
  command.add_option("--row", options.row, "The columns of the row id, in catalog order; the table's key unless told")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--context", options.contexts, "A bound column that the table calls otherwise; once a column")
      ->type_name("NAME=COLUMN")
      ->allow_extra_args(false);
  command.add_option("--tenant", options.tenant, "The tenant of all rows; \"default\" unless told")->type_name("NAME");
  command.add_option("--tenant-column", options.tenant_column, "The column that has each row's tenant, by its name")
      ->type_name("COLUMN");
}

Outcome<std::vector<db::EncryptedColumn>> ColumnsOf(client::Client& client, const FieldColumnOptions& options) {
  Places places(Before);
  std::map<std::string, policy::CatalogLock> locks;
  for (const std::string& text : options.fields) COFFER_TRY(AddNamed(text, places));
  COFFER_ASSIGN_OR_RETURN(db::ColumnNames names, NamesOf(options));
  if (!options.scope.empty()) {
    COFFER_ASSIGN_OR_RETURN(policy::CatalogLock lock, FetchLock(client, options.scope));
    AddScope(lock, places);
    locks.emplace(options.scope, std::move(lock));
  }
  COFFER_TRY(CheckWhose(options, places.size()));
  std::vector<db::EncryptedColumn> columns;
  for (const auto& [field, place] : places) {
    if (locks.find(field.scope) == locks.end()) {
      COFFER_ASSIGN_OR_RETURN(policy::CatalogLock lock, FetchLock(client, field.scope));
      locks.emplace(field.scope, std::move(lock));
    }
    names.place = place;
    auto column = db::MapField(locks.at(field.scope), field, names);
    if (!column.ok()) return Failure(column.error());
    columns.push_back(std::move(*column));
  }
  return columns;
}

}  // namespace coffer::cli
