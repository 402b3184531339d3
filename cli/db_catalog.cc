#include "cli/db_catalog.h"

#include "crypto/names.h"
#include "io/file.h"
#include "plugins/grafana/database/printable_text.h"

namespace coffer::cli {

CLI::Option* AddCatalogFileOptions(CLI::App& command, CatalogFileOptions& options) {
  command
      .add_option("--field", options.fields, "The column of a field that is not called as in the catalog; once a field")
      ->type_name("SCOPE.TABLE.COLUMN=TABLE.COLUMN")
      ->allow_extra_args(false);
  return command.add_option("--catalog", options.file, "The catalog of the database's fields")->type_name("FILE");
}

Outcome<CatalogFile> ReadCatalogFile(const CatalogFileOptions& options) {
  auto bytes = ReadFile(options.file, policy::kMaxCatalogBytes);
  if (!bytes.ok()) return Failure(kExitUsage, "--catalog: " + bytes.error().ToString());
  auto catalog = policy::ParseCatalog(AsText(*bytes));
  if (!catalog.ok()) return FileFailure("--catalog", options.file, catalog.error());
  CatalogFile file{std::move(*catalog), {}};
  for (const std::string& text : options.fields) {
    const std::size_t equals = text.find('=');
    const auto field = FieldName::Parse(std::string_view(text).substr(0, equals));
    if (equals == text.npos || !field.ok() || field->IsSecret()) {
      return UsageFailure("--field takes SCOPE.TABLE.COLUMN=TABLE.COLUMN");
    }
    if (field->scope != file.catalog.scope)
      return UsageFailure("--field names a field of another scope than --catalog");
    auto place = db::ColumnPlace::Parse(std::string_view(text).substr(equals + 1));
    if (!place.ok()) return Failure(std::move(place).error().At("--field"));
    if (!file.places.emplace(policy::ColumnName{field->table, field->column}, std::move(*place)).second) {
      return UsageFailure("--field names a field twice");
    }
  }
  return file;
}

std::string ShownName(std::string_view name) { return grafana::PrintableText(name); }

}  // namespace coffer::cli
