// coffer db rewrap: a table's ciphertexts brought to the primary key version while it is used.
#include <algorithm>
#include <poll.h>
#include <unistd.h>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/db_columns.h"
#include "cli/printing.h"
#include "cli/progress.h"
#include "db/census.h"
#include "db/rewrap.h"
#include "io/terminal.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kRowsShown = 100;
constexpr std::uint32_t kWritersUnlessTold = 4;
constexpr std::uint32_t kMaxWriters = 32;
constexpr std::array<std::string_view, db::kRewrapFaults> kFaultNames = {"no_ciphertext", "unfit_row", "undecryptable",
                                                                         "key_disabled"};
constexpr std::array<std::string_view, db::kRewrapFaults> kFaultTexts = {
    "no ciphertext", "row id, bound column or tenant is no value of its type", "does not decrypt", "key disabled"};

struct RewrapCommand {
  DatabaseOption database;
  FieldColumnOptions columns;
  db::RewrapOptions rewrap;
  std::uint32_t writers = kWritersUnlessTold;
  bool show_rows = false;
};

// One field's column, rewrapped and then counted.
struct Rewrapped {
  db::EncryptedColumn column;
  db::RewrapReport report;
  db::ColumnCensus census;
};

Failure FailureOf(const db::RewrapError& error) {
  return error.service ? Failure(*error.service) : OfDatabase(*error.database);
}

Outcome<db::ColumnCensus> Count(const db::Source& source, const db::EncryptedColumn& column) {
  auto census = db::TakeCensus(source, std::span(&column.place, 1), SystemClock());
  if (!census.ok()) return OfDatabase(census.error());
  return std::move(census->columns.front());
}

// A signal may end it early: nothing depends on its length.
void Pause(std::int64_t micros) {
  constexpr std::int64_t kLongestMs = 60'000;
  poll(nullptr, 0, static_cast<int>(std::min(micros / 1'000 + 1, kLongestMs)));
}

// Of a SQLite file there is one writer at a time anyway.
Outcome<std::vector<std::unique_ptr<db::CipherRows>>> OpenWriters(const db::Source& source,
                                                                  const db::EncryptedColumn& column,
                                                                  std::uint32_t count) {
  std::vector<std::unique_ptr<db::CipherRows>> writers;
  while (source.engine == db::Engine::kPostgres && writers.size() < count) {
    auto writer = db::OpenCipherRows(source, column);
    if (!writer.ok()) return OfDatabase(writer.error());
    writers.push_back(std::move(*writer));
  }
  return writers;
}

Outcome<Rewrapped> RewrapOne(client::Client& client, const db::Source& source, const db::EncryptedColumn& column,
                             const RewrapCommand& command) {
  auto rows = db::OpenCipherRows(source, column);
  if (!rows.ok()) return OfDatabase(rows.error());
  COFFER_ASSIGN_OR_RETURN(auto writers, OpenWriters(source, column, command.writers));
  COFFER_ASSIGN_OR_RETURN(const db::ColumnCensus before, Count(source, column));
  const SystemClock clock;
  Progress bar(before.Values(), IsTerminal(STDERR_FILENO));
  db::RewrapPorts ports;
  ports.rewrap = [&client](const v1::RewrapFieldsRequest& request) { return client.RewrapFields(request); };
  for (const auto& writer : writers) ports.writers.push_back(writer.get());
  ports.clock = &clock;
  ports.pause = Pause;
  ports.progress = [&bar](std::uint64_t values) { bar.Show(values); };
  auto report = db::RewrapColumn(**rows, column, command.rewrap, ports);
  if (!report.ok()) return FailureOf(report.error());
  rows->reset();
  writers.clear();
  COFFER_ASSIGN_OR_RETURN(db::ColumnCensus after, Count(source, column));
  return Rewrapped{column, std::move(*report), std::move(after)};
}

Json ToJson(const Rewrapped& done, bool show_rows) {
  Json failed;
  for (std::size_t i = 0; i < kFaultNames.size(); ++i) failed[std::string(kFaultNames[i])] = done.report.failed[i];
  Json json = {{"field", done.column.field},
               {"column", done.column.place.ToText()},
               {"passes", done.report.passes},
               {"values", done.report.values},
               {"already_current", done.report.current},
               {"rewrapped", done.report.rewrapped},
               {"conflicts", done.report.conflicts},
               {"failed", failed},
               {"left", done.report.left},
               {"stopped_early", done.report.too_many_failed},
               {"settled", done.report.settled},
               {"keys", KeysJson(done.census.keys)},
               {"no_ciphertext", done.census.no_ciphertext}};
  if (!show_rows) return json;
  Json rows = Json::array();
  for (const db::FailedRow& row : done.report.failed_rows) {
    rows.push_back({{"key", row.key}, {"why", kFaultNames[static_cast<std::size_t>(row.fault)]}});
  }
  json["failed_rows"] = rows;
  return json;
}

std::string ToText(const Rewrapped& done, bool show_rows) {
  const db::RewrapReport& report = done.report;
  std::string text = done.column.field + " in " + done.column.place.ToText() + "\n";
  std::vector<std::pair<std::string, std::string>> lines = {
      {"  values", std::to_string(report.values)},
      {"  already current", std::to_string(report.current)},
      {"  rewrapped", std::to_string(report.rewrapped) + " in " + std::to_string(report.passes) + " pass(es)"},
      {"  others were first", std::to_string(report.conflicts)},
      {"  left", std::to_string(report.left)}};
  for (std::size_t i = 0; i < kFaultTexts.size(); ++i) {
    if (report.failed[i] > 0) lines.emplace_back("  " + std::string(kFaultTexts[i]), std::to_string(report.failed[i]));
  }
  text += AlignedLines(lines);
  for (const auto& [key, values] : done.census.keys) {
    text += "  under key " + std::to_string(key) + ": " + std::to_string(values) + "\n";
  }
  if (!show_rows) return text;
  for (const db::FailedRow& row : report.failed_rows) {
    text += "  failed:";
    for (const std::string& part : row.key)
      text += " " + Json(part).dump(-1, ' ', true, Json::error_handler_t::replace);
    text += ": " + std::string(kFaultTexts[static_cast<std::size_t>(row.fault)]) + "\n";
  }
  return text;
}

Outcome<int> Conclude(const std::vector<Rewrapped>& all) {
  std::uint64_t left = 0;
  std::uint64_t failed = 0;
  bool stopped = false;
  bool settled = true;
  for (const Rewrapped& one : all) {
    left += one.report.left;
    failed += one.report.FailedInAll();
    stopped = stopped || one.report.too_many_failed;
    settled = settled && one.report.settled;
  }
  if (stopped) {
    return Failure(kExitFailed, "stopped: too many values do not decrypt",
                   "see that --row, --context and the tenant are those that they were encrypted with, then raise "
                   "--max-failed");
  }
  if (left == 0 && settled) return kExitOk;
  if (left == 0) {
    return Failure(kExitFailed, "the last pass still found values of older versions",
                   "run it again; if that does not end, something puts old ciphertexts back: a trigger, or a program");
  }
  std::string step;
  if (failed > 0) step = "--show-rows names the rows of those that failed; they were left as they are";
  if (left > failed) step += std::string(step.empty() ? "" : "\n") + "run it again for those that others changed";
  return Failure(kExitFailed, std::to_string(left) + " value(s) are not under the primary key version", step);
}

// Before the first value is replaced.
Outcome<void> CheckAll(const db::Source& source, const std::vector<db::EncryptedColumn>& columns) {
  for (const db::EncryptedColumn& column : columns) {
    const auto rows = db::OpenCipherRows(source, column);
    if (!rows.ok()) return OfDatabase(rows.error());
  }
  return {};
}

Outcome<int> Rewrap(Session& session, RewrapCommand command) {
  command.rewrap.failed_rows_kept = command.show_rows ? kRowsShown : 0;
  COFFER_ASSIGN_OR_RETURN(const db::Source source, SourceOf(command.database));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kDbaRole));
  COFFER_ASSIGN_OR_RETURN(const auto columns, ColumnsOf(*client, command.columns));
  COFFER_TRY(CheckAll(source, columns));
  std::vector<Rewrapped> all;
  Json list = Json::array();
  for (const db::EncryptedColumn& column : columns) {
    COFFER_ASSIGN_OR_RETURN(Rewrapped done, RewrapOne(*client, source, column, command));
    list.push_back(ToJson(done, command.show_rows));
    if (!session.json()) COFFER_TRY(Print(ToText(done, command.show_rows)));
    all.push_back(std::move(done));
  }
  if (session.json()) COFFER_TRY(PrintJson({{"fields", list}}));
  return Conclude(all);
}

}  // namespace

void AddDbRewrapCommand(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<RewrapCommand>();
  CLI::App& command = tree.AddCommand(
      group, "rewrap", "Bring a table's ciphertexts to the primary key version while it is used",
      "  coffer db rewrap postgresql:///shop --field shop.connection.password\n"
      "  coffer db rewrap postgresql:///shop --field shop.connection.password=connection.password_enc \\\n"
      "    --row id --context url=base_url --max-rate 5000\n"
      "  coffer db rewrap shop.db --scope shop --output json",
      [options](Session& session) { return Rewrap(session, *options); });
  AddDatabaseArgument(command, options->database);
  AddFieldOptions(command, options->columns);
  AddBindingOptions(command, options->columns);
  command.add_option("--batch", options->rewrap.batch, "Values a transaction; 1,000 unless told")
      ->type_name("N")
      ->check(NumberBetween(1, db::kMaxPage));
  command.add_option("--writers", options->writers, "Connections that write to PostgreSQL at a time; 4 unless told")
      ->type_name("N")
      ->check(NumberBetween(1, kMaxWriters));
  command.add_option("--max-rate", options->rewrap.max_rate, "Values a second, at most; no limit unless told")
      ->type_name("N")
      ->check(NumberBetween(1, 10'000'000));
  command
      .add_option("--max-failed", options->rewrap.max_failed, "Stop when more values than this fail; 100 unless told")
      ->type_name("N")
      ->check(NumberBetween(0, 1'000'000'000));
  command.add_option("--max-passes", options->rewrap.max_passes, "Passes over the table, at most; 10 unless told")
      ->type_name("N")
      ->check(NumberBetween(2, 1'000));
  command.add_flag("--show-rows", options->show_rows, "Name the rows that failed by their keys, which may be personal");
}

}  // namespace coffer::cli
