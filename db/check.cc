#include "db/check.h"

#include <algorithm>

namespace coffer::db {

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kHigh:
      return "high";
    case Severity::kMedium:
      return "medium";
    case Severity::kLow:
      break;
  }
  return "low";
}

bool CheckReport::HasHigh() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.severity == Severity::kHigh; });
}

void CheckReport::Add(Finding finding) {
  const auto graver = [](const Finding& a, const Finding& b) { return a.severity < b.severity; };
  findings.insert(std::upper_bound(findings.begin(), findings.end(), finding, graver), std::move(finding));
}

std::vector<std::string> TokenColumnsOf(const std::string& column, const policy::CatalogIndex& index) {
  const std::string name = column + "_" + index.name;
  return index.unique ? std::vector{name} : std::vector{name, name + "_iv"};
}

// A place without a schema gets the one where its table is.
Result<std::vector<CheckedField>> PlacesOf(const CheckOptions& options, const Schema& schema) {
  for (const auto& [field, place] : options.places) {
    if (options.catalog->Find(field) == nullptr) {
      return Error(ErrorCode::kInvalidArgument, "is not in the catalog").At("field." + field.ToText());
    }
  }
  std::vector<CheckedField> fields;
  for (const policy::CatalogField& field : options.catalog->fields) {
    const auto given = options.places.find(field.name);
    ColumnPlace place =
        given == options.places.end() ? ColumnPlace{{"", field.name.table}, field.name.column} : given->second;
    const SchemaTable* const table = schema.Resolve(place.table);
    if (table != nullptr) place.table = table->name;
    fields.push_back({field.name, std::move(place)});
  }
  return fields;
}

Result<CheckReport> CheckDatabase(const Source& source, const CheckOptions& options) {
  COFFER_ASSIGN_OR_RETURN(const Schema schema, ReadSchema(source));
  COFFER_ASSIGN_OR_RETURN(const std::vector<CheckedField> fields, PlacesOf(options, schema));
  CheckReport report;
  COFFER_TRY(CheckColumns(source, options, schema, fields, report));
  if (source.engine == Engine::kPostgres) COFFER_TRY(CheckServer(source, options, schema, fields, report));
  return report;
}

}  // namespace coffer::db
