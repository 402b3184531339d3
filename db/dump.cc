#include "db/dump.h"

#include "db/plan_figures.h"

namespace coffer::db {
namespace {

// Columns whose names say nothing, and whose values do.
Status FindByValues(const Source& source, std::uint32_t limit, RedactOptions& redact) {
  COFFER_ASSIGN_OR_RETURN(const Schema schema, ReadSchema(source, SchemaOptions{false}));
  for (const SchemaTable& table : schema.tables) {
    COFFER_ASSIGN_OR_RETURN(const auto forms, SampleForms(source, table, limit));
    for (const auto& [column, content] : forms) redact.found_by_values.push_back({{table.name, column}, content});
  }
  return {};
}

}  // namespace

Result<DumpReport> DumpRedacted(const Source& source, const DumpOptions& options, const DumpSink& sink) {
  DumpOptions all = options;
  if (all.redact.guess && all.sample > 0) COFFER_TRY(FindByValues(source, all.sample, all.redact));
  return source.engine == Engine::kSqlite ? DumpSqlite(source, all, sink) : DumpPostgres(source, all, sink);
}

}  // namespace coffer::db
