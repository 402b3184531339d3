// coffer db check: what a database leaks, or has drifted into, by its catalog.
#include <algorithm>
#include <unistd.h>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/db_catalog.h"
#include "cli/db_columns.h"
#include "db/check.h"
#include "db/check_sample.h"

namespace coffer::cli {
namespace {

struct CheckCommand {
  DatabaseOption database;
  CatalogFileOptions catalog;
  FieldColumnOptions binding;  // --row, --context, --tenant, --tenant-column
  std::uint32_t sample = 0;
};

Failure Of(const db::RewrapError& error) {
  return error.database ? OfDatabase(*error.database) : Failure(*error.service);
}

// By the service's applied catalog, which has the ids. Columns that are not there were found already.
Outcome<void> Sample(Session& session, const CheckCommand& command, const CatalogFile& file, const db::Source& source,
                     db::CheckReport& report) {
  FieldColumnOptions options = command.binding;
  options.fields = command.catalog.fields;
  options.scope = file.catalog.scope;
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kDbaRole));
  COFFER_ASSIGN_OR_RETURN(const auto columns, ColumnsOf(*client, options));
  const auto call = [client](const v1::RewrapFieldsRequest& request) { return client->RewrapFields(request); };
  for (const db::EncryptedColumn& column : columns) {
    const bool counted = std::any_of(report.columns.begin(), report.columns.end(),
                                     [&column](const db::CheckedColumn& one) { return one.field == column.field; });
    if (!counted) continue;
    const auto sampled = db::SampleColumn(source, column, command.sample, call);
    if (!sampled.ok()) return Of(sampled.error());
    for (db::Finding& finding : db::FindingsOf(*sampled, column)) report.Add(std::move(finding));
  }
  return {};
}

Json ToJson(const db::CheckReport& report) {
  Json columns = Json::array();
  for (const db::CheckedColumn& column : report.columns) {
    columns.push_back({{"field", column.field},
                       {"column", column.place},
                       {"values", column.values},
                       {"no_ciphertext", column.no_ciphertext},
                       {"keys", column.keys}});
  }
  Json findings = Json::array();
  for (const db::Finding& finding : report.findings) {
    findings.push_back({{"severity", db::SeverityName(finding.severity)},
                        {"check", finding.check},
                        {"where", finding.where},
                        {"what", finding.what},
                        {"why", finding.why},
                        {"mend", finding.mend}});
  }
  return {{"columns", columns}, {"findings", findings}};
}

Color ColorOf(db::Severity severity) {
  if (severity == db::Severity::kHigh) return Color::kRed;
  return severity == db::Severity::kMedium ? Color::kYellow : Color::kNone;
}

std::string ToText(const Session& session, const db::CheckReport& report) {
  Table table({"FIELD", "COLUMN", "VALUES", "NO CIPHERTEXT", "KEYS"});
  for (const db::CheckedColumn& column : report.columns) {
    table.Add({column.field, ShownName(column.place), std::to_string(column.values),
               std::to_string(column.no_ciphertext), std::to_string(column.keys)});
  }
  std::string text = report.columns.empty() ? "" : table.ToText();
  for (const db::Finding& finding : report.findings) {
    text += "\n" +
            Colored(db::SeverityName(finding.severity), ColorOf(finding.severity), session.Colors(STDOUT_FILENO)) +
            "  " + ShownName(finding.where) + ": " + ShownName(finding.what) + "\n  " + finding.why + "\n";
    if (!finding.mend.empty()) text += "  " + ShownName(finding.mend) + "\n";
  }
  return text + (report.findings.empty() ? "nothing found\n" : "");
}

Outcome<int> Check(Session& session, const CheckCommand& command) {
  COFFER_ASSIGN_OR_RETURN(const CatalogFile file, ReadCatalogFile(command.catalog));
  COFFER_ASSIGN_OR_RETURN(const db::Source source, SourceOf(command.database));
  auto report = db::CheckDatabase(source, {&file.catalog, file.places});
  if (!report.ok()) return OfDatabase(report.error());
  if (command.sample > 0) COFFER_TRY(Sample(session, command, file, source, *report));
  COFFER_TRY(session.json() ? PrintJson(ToJson(*report)) : Print(ToText(session, *report)));
  return report->HasHigh() ? kExitFailed : kExitOk;
}

}  // namespace

void AddDbCheckCommand(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<CheckCommand>();
  CLI::App& command = tree.AddCommand(
      group, "check", "Look for what a database leaks, or has drifted into; exits with 1 for what is grave",
      "  coffer db check postgresql:///shop --catalog catalog.toml\n"
      "  coffer db check shop.db --catalog catalog.toml --field shop.user.email=users.email_enc\n"
      "  coffer db check postgresql:///shop --catalog catalog.toml --sample 100 --output json",
      [options](Session& session) { return Check(session, *options); });
  AddDatabaseArgument(command, options->database);
  AddCatalogFileOptions(command, options->catalog)->required();
  AddBindingOptions(command, options->binding);
  command
      .add_option("--sample", options->sample,
                  "Ask the service whether so many values of each column decrypt; nobody sees one")
      ->type_name("N")
      ->check(NumberBetween(1, db::kMaxSampledValues));
}

}  // namespace coffer::cli
