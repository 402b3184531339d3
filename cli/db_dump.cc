// coffer db dump: a dump for whoever must not see values.
#include <iostream>
#include <unistd.h>

#include "cli/byte_sink.h"
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/db_catalog.h"
#include "cli/db_columns.h"
#include "db/dump.h"
#include "db/plan.h"
#include "io/terminal.h"

namespace coffer::cli {
namespace {

constexpr std::uint32_t kSampledUnlessTold = 200;

struct DumpCommand {
  DatabaseOption database;
  CatalogFileOptions catalog;
  bool redact = false;
  std::string out;
  std::vector<std::string> mask;
  std::vector<std::string> keep;
  std::vector<std::string> omit_rows;
  bool no_guess = false;
  std::uint32_t sample = kSampledUnlessTold;
  std::string pg_dump = "pg_dump";
};

Outcome<std::vector<db::ColumnPlace>> PlacesOf(std::string_view option, const std::vector<std::string>& texts) {
  std::vector<db::ColumnPlace> places;
  for (const std::string& text : texts) {
    auto place = db::ColumnPlace::Parse(text);
    if (!place.ok()) return Failure(std::move(place).error().At(option));
    places.push_back(std::move(*place));
  }
  return places;
}

Outcome<std::vector<db::TableName>> TablesOf(const std::vector<std::string>& texts) {
  std::vector<db::TableName> tables;
  for (const std::string& text : texts) {
    const std::size_t dot = text.find('.');
    db::TableName name =
        dot == text.npos ? db::TableName{"", text} : db::TableName{text.substr(0, dot), text.substr(dot + 1)};
    if (name.table.empty() || name.table.find('.') != text.npos)
      return UsageFailure("--omit-rows takes [SCHEMA.]TABLE");
    tables.push_back(std::move(name));
  }
  return tables;
}

Outcome<db::DumpOptions> OptionsOf(const DumpCommand& command, const CatalogFile& file) {
  db::DumpOptions options;
  if (!command.catalog.file.empty()) options.redact.catalog = &file.catalog;
  options.redact.places = file.places;
  COFFER_ASSIGN_OR_RETURN(options.redact.mask, PlacesOf("--mask", command.mask));
  COFFER_ASSIGN_OR_RETURN(options.redact.keep, PlacesOf("--keep", command.keep));
  COFFER_ASSIGN_OR_RETURN(options.redact.omit_rows, TablesOf(command.omit_rows));
  options.redact.guess = !command.no_guess;
  options.sample = command.no_guess ? 0 : command.sample;
  options.pg_dump = command.pg_dump;
  return options;
}

std::string_view MaskName(db::MaskKind kind) {
  switch (kind) {
    case db::MaskKind::kNull:
      return "NULL";
    case db::MaskKind::kCiphertext:
      return "placeholder";
    case db::MaskKind::kOpaque:
      return "opaque";
    case db::MaskKind::kConstant:
      return "constant";
    default:
      return "same form";
  }
}

Json ToJson(const db::DumpReport& report) {
  Json columns = Json::array();
  Json omitted = Json::array();
  for (const db::TableRedaction& table : report.tables) {
    if (table.omits_rows) omitted.push_back(db::ShownTable(table.table));
    for (const db::ColumnMask& mask : table.masks) {
      columns.push_back({{"column", db::ShownColumn(table.table, mask.column)},
                         {"mask", MaskName(mask.kind)},
                         {"because", db::MaskReasonName(mask.reason)}});
    }
  }
  return {{"rows", report.rows},
          {"masked", columns},
          {"without_rows", omitted},
          {"not_valid", report.not_valid},
          {"left_out", report.left_out}};
}

std::string ToText(const db::DumpReport& report) {
  Table table({"COLUMN", "INSTEAD", "BECAUSE"});
  std::string rest;
  bool any = false;
  for (const db::TableRedaction& one : report.tables) {
    if (one.omits_rows) rest += "without its rows: " + ShownName(db::ShownTable(one.table)) + "\n";
    for (const db::ColumnMask& mask : one.masks) {
      table.Add({ShownName(db::ShownColumn(one.table, mask.column)), std::string(MaskName(mask.kind)),
                 std::string(db::MaskReasonName(mask.reason))});
      any = true;
    }
  }
  for (const std::string& name : report.not_valid) rest += "CHECK that comes back NOT VALID: " + ShownName(name) + "\n";
  for (const std::string& what : report.left_out) rest += "left out: " + what + "\n";
  return std::to_string(report.rows) + " rows\n" + (any ? table.ToText() : "nothing is masked\n") + rest;
}

Outcome<void> CheckArguments(const DumpCommand& command) {
  if (!command.redact) {
    return Failure(kExitUsage, "--redact is missing: this makes no other dumps", "pg_dump and sqlite3 make whole ones");
  }
  if (IsStandardStream(command.out)) return UsageFailure("--out takes a new file");
  if (command.catalog.file.empty() && !command.catalog.fields.empty()) return UsageFailure("--field needs --catalog");
  if (command.no_guess && command.catalog.file.empty() && command.mask.empty()) {
    return UsageFailure("nothing would be masked: give --catalog or --mask, or leave --no-guess out");
  }
  return {};
}

Outcome<int> Dump(Session& session, const DumpCommand& command) {
  COFFER_TRY(CheckArguments(command));
  CatalogFile file;
  if (!command.catalog.file.empty()) {
    COFFER_ASSIGN_OR_RETURN(file, ReadCatalogFile(command.catalog));
  }
  COFFER_ASSIGN_OR_RETURN(db::DumpOptions options, OptionsOf(command, file));
  COFFER_ASSIGN_OR_RETURN(const db::Source source, SourceOf(command.database));
  COFFER_ASSIGN_OR_RETURN(ByteSink sink, ByteSink::Open(command.out));
  const bool shows = !session.json() && IsTerminal(STDERR_FILENO);
  if (shows) options.on_progress = [](std::uint64_t rows) { std::cerr << "\r" << rows << " rows" << std::flush; };
  Outcome<void> written;
  const auto report = db::DumpRedacted(source, options, [&sink, &written](std::string_view piece) -> Status {
    written = sink.Write(piece);
    return written.ok() ? Status() : Error(ErrorCode::kUnavailable, "the output is not taken");
  });
  if (shows) std::cerr << "\r\x1b[K" << std::flush;
  if (!written.ok()) return written.error();
  if (!report.ok()) return OfDatabase(report.error());
  COFFER_TRY(sink.Finish());
  COFFER_TRY(session.json() ? PrintJson(ToJson(*report)) : Print(ToText(*report)));
  return kExitOk;
}

}  // namespace

void AddDbDumpCommand(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<DumpCommand>();
  CLI::App& command = tree.AddCommand(
      group, "dump", "Dump a database with masks instead of secret and personal values; it restores as SQL",
      "  coffer db dump postgresql:///shop --redact --catalog catalog.toml --out shop.sql\n"
      "  coffer db dump postgresql:///shop --redact --mask customer.nickname --keep office.phone \\\n"
      "    --omit-rows audit_log --out shop.sql\n"
      "  coffer db dump shop.db --redact --out shop.sql && sqlite3 new.db < shop.sql",
      [options](Session& session) { return Dump(session, *options); });
  AddDatabaseArgument(command, options->database);
  command.add_flag("--redact", options->redact, "Mask values; required, as there is no other dump");
  command.add_option("--out", options->out, "The new file")->type_name("FILE")->required();
  AddCatalogFileOptions(command, options->catalog);
  const auto add = [&command](const std::string& name, std::vector<std::string>& list, const std::string& what,
                              const std::string& type) {
    command.add_option(name, list, what)->type_name(type)->allow_extra_args(false);
  };
  add("--mask", options->mask, "A column to mask; once a column", "TABLE.COLUMN");
  add("--keep", options->keep, "A column that only looks personal; once a column", "TABLE.COLUMN");
  add("--omit-rows", options->omit_rows, "A table whose rows are left out; once a table", "TABLE");
  command.add_flag("--no-guess", options->no_guess, "Mask only what the catalog and --mask name");
  command
      .add_option("--sample", options->sample,
                  "Values of each column of texts to look at for what its name does not say; 200 unless told")
      ->type_name("N")
      ->check(NumberBetween(0, db::kMaxSample));
  command.add_option("--pg-dump", options->pg_dump, "PostgreSQL's program, of the server's version or later")
      ->type_name("PROGRAM");
}

}  // namespace coffer::cli
