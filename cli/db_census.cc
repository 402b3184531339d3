// coffer db census: how many values of a database's columns name each key, and the report of it to the service.
#include <algorithm>

#include "cli/commands.h"
#include "cli/db_columns.h"
#include "cli/destroy_options.h"
#include "cli/key_texts.h"
#include "cli/times.h"
#include "db/census.h"

namespace coffer::cli {
namespace {

struct CensusCommand {
  DatabaseOption database;
  FieldColumnOptions fields;
  std::vector<std::string> columns;
  std::string report;
};

Outcome<std::vector<db::ColumnPlace>> PlacesOf(Session& session, const CensusCommand& command) {
  std::vector<db::ColumnPlace> places;
  const auto add = [&places](db::ColumnPlace place) {
    if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(std::move(place));
  };
  for (const std::string& text : command.columns) {
    auto place = db::ColumnPlace::Parse(text);
    if (!place.ok()) return Failure(std::move(place).error().At("--column"));
    add(std::move(*place));
  }
  if (!command.fields.fields.empty() || !command.fields.scope.empty()) {
    COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
    COFFER_ASSIGN_OR_RETURN(const auto columns, ColumnsOf(*client, command.fields));
    for (const db::EncryptedColumn& column : columns) add(column.place);
  }
  if (places.empty()) return UsageFailure("name columns with --column or --field, or all of a catalog with --scope");
  return places;
}

Json ToJson(const db::DatabaseCensus& census) {
  Json columns = Json::array();
  for (const db::ColumnCensus& column : census.columns) {
    columns.push_back({{"column", column.place.ToText()},
                       {"values", column.Values()},
                       {"no_ciphertext", column.no_ciphertext},
                       {"keys", KeysJson(column.keys)}});
  }
  return {{"as_of", FormatTime(census.as_of_unix_micros)},
          {"no_ciphertext", census.NoCiphertext()},
          {"keys", KeysJson(census.Keys())},
          {"columns", columns}};
}

std::string ToText(const db::DatabaseCensus& census) {
  Table table({"column", "key id", "values"});
  for (const db::ColumnCensus& column : census.columns) {
    const std::string name = column.place.ToText();
    for (const auto& [key, values] : column.keys) table.Add({name, std::to_string(key), std::to_string(values)});
    if (column.no_ciphertext > 0) table.Add({name, "no ciphertext", std::to_string(column.no_ciphertext)});
    if (column.Values() == 0) table.Add({name, "-", "0"});
  }
  return table.ToText() + "counted as of " + FormatTime(census.as_of_unix_micros) + "\n";
}

// What is no ciphertext may be one that something damaged, and then its key is not known.
Outcome<v1::CensusSource> Report(Session& session, const std::string& source, const db::DatabaseCensus& census) {
  if (census.NoCiphertext() > 0) {
    return Failure(kExitFailed, "not reported: some values are no ciphertext, so nobody knows which keys they need",
                   "encrypt or remove them, then count again");
  }
  v1::ReportCensusRequest request;
  request.set_source(source);
  request.set_as_of_us(census.as_of_unix_micros);
  for (const auto& [key, values] : census.Keys()) {
    request.add_key_ids(key);
    request.add_values(values);
  }
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  COFFER_ASSIGN_OR_RETURN(v1::CensusSource reported, client->ReportCensus(request));
  return reported;
}

Outcome<int> Census(Session& session, const CensusCommand& command) {
  COFFER_ASSIGN_OR_RETURN(const db::Source source, SourceOf(command.database));
  COFFER_ASSIGN_OR_RETURN(const std::vector<db::ColumnPlace> places, PlacesOf(session, command));
  auto census = db::TakeCensus(source, places, SystemClock());
  if (!census.ok()) return OfDatabase(census.error());
  Json json = ToJson(*census);
  if (!session.json()) COFFER_TRY(Print(ToText(*census)));
  if (command.report.empty()) {
    if (session.json()) COFFER_TRY(PrintJson(json));
    return kExitOk;
  }
  auto reported = Report(session, command.report, *census);
  json["reported"] = reported.ok() ? SourceJson(*reported) : Json();
  if (session.json()) COFFER_TRY(PrintJson(json));
  if (!reported.ok()) return reported.error();
  if (!session.json()) COFFER_TRY(Print("reported to the service as " + command.report + "\n"));
  return kExitOk;
}

}  // namespace

void AddDbCensusCommand(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<CensusCommand>();
  CLI::App& command =
      tree.AddCommand(group, "census", "Count the values that name each key, and report it before keys are destroyed",
                      "  coffer db census shop.db --column connection.password\n"
                      "  coffer db census postgresql:///shop --scope shop --report shop-db",
                      [options](Session& session) { return Census(session, *options); });
  AddDatabaseArgument(command, options->database);
  AddFieldOptions(command, options->fields);
  command.add_option("--column", options->columns, "A column that no field names; once a column")
      ->type_name("TABLE.COLUMN")
      ->allow_extra_args(false);
  command.add_option("--report", options->report, "Report it as this registered source (`coffer census add`)")
      ->type_name("NAME")
      ->check(IsName());
}

}  // namespace coffer::cli
