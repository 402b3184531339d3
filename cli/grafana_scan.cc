// coffer grafana scan: the secrets of a Grafana database that whoever holds it can read. No service is needed.
#include <iostream>
#include <optional>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/printing.h"
#include "cli/progress.h"
#include "cli/secret_input.h"
#include "io/terminal.h"
#include "plugins/grafana/database/open_rows.h"
#include "plugins/grafana/database/report.h"
#include "plugins/grafana/database/scan.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kMaxKeyFile = 1'026;  // a key's limit and a line end
constexpr char kStandardInputFile[] = "/dev/stdin";

struct ScanArguments {
  std::string database;
  std::string secret_key_file;
  std::string manager_key_file;
  bool all = false;
};

// "user:password@", or a parameter, of a URL or of libpq's "key=value" text. Who has the process list has it too.
bool HoldsPassword(std::string_view database) {
  const std::size_t scheme = database.find("://");
  const std::size_t at = database.rfind('@');
  if (database.find("password=") != std::string_view::npos) return true;
  if (scheme == std::string_view::npos || at == std::string_view::npos) return false;
  const std::size_t colon = database.find(':', scheme + 1);
  return colon != std::string_view::npos && colon < at;
}

Outcome<void> CheckArguments(const ScanArguments& arguments) {
  if (HoldsPassword(arguments.database)) {
    return Failure(
        kExitUsage, "database: a password does not belong on the command line",
        "leave it out, and put it into PGPASSWORD, ~/.pgpass (PGPASSFILE) or a service file (?service=NAME)");
  }
  const int from_input = (arguments.database == kStandardInput ? 1 : 0) +
                         (arguments.secret_key_file == kStandardInput ? 1 : 0) +
                         (arguments.manager_key_file == kStandardInput ? 1 : 0);
  if (from_input > 1) return UsageFailure("standard input can be one thing only");
  return {};
}

Outcome<std::optional<SecretBytes>> ReadKey(std::string_view option, const std::string& file) {
  if (file.empty()) return std::optional<SecretBytes>();
  auto key = ReadValue(file, {}, kMaxKeyFile);
  if (!key.ok()) return Failure(key.error().exit_code, std::string(option) + ": " + key.error().sentence);
  SecretBytes line = WithoutFinalNewline(std::move(key).value());
  if (line.empty()) return UsageFailure(std::string(option) + ": there is no key in the file");
  return std::optional(std::move(line));
}

// On a terminal: how many rows were read, then a bar for the keys that are tried.
class ScanProgress {
 public:
  explicit ScanProgress(bool enabled) : enabled_(enabled) {}
  ~ScanProgress() { ClearRows(); }
  ScanProgress(const ScanProgress&) = delete;
  ScanProgress& operator=(const ScanProgress&) = delete;

  void Show(grafana::ScanStep step, std::uint64_t done, std::uint64_t total) {
    if (!enabled_) return;
    if (step == grafana::ScanStep::kReading) {
      std::cerr << "\r" << done << " rows" << std::flush;
      shows_rows_ = true;
      return;
    }
    ClearRows();
    if (!bar_) bar_.emplace(total, true);
    bar_->Show(done);
  }

 private:
  void ClearRows() {
    if (shows_rows_) std::cerr << "\r\x1b[K" << std::flush;
    shows_rows_ = false;
  }

  bool enabled_;
  bool shows_rows_ = false;
  std::optional<Progress> bar_;
};

// Where nothing else says so, the error is about the database.
Failure AboutDatabase(const Error& error) {
  return Failure(error.path().empty() ? Error(error).At("database") : error);
}

Outcome<grafana::ScanReport> ScanDatabase(const Session& session, const ScanArguments& arguments) {
  grafana::ScanOptions options;
  COFFER_ASSIGN_OR_RETURN(options.secret_key, ReadKey("--secret-key-file", arguments.secret_key_file));
  COFFER_ASSIGN_OR_RETURN(options.manager_key, ReadKey("--secrets-manager-key-file", arguments.manager_key_file));
  options.count_personal = arguments.all;
  const bool from_input = arguments.database == kStandardInput;
  const auto rows = grafana::OpenRows(from_input ? kStandardInputFile : arguments.database);
  if (!rows.ok()) return AboutDatabase(rows.error());
  ScanProgress progress(!session.json() && IsTerminal(STDERR_FILENO));
  options.on_progress = [&progress](grafana::ScanStep step, std::uint64_t done, std::uint64_t total) {
    progress.Show(step, done, total);
  };
  auto report = grafana::Scan(**rows, options);
  if (!report.ok()) return AboutDatabase(report.error());
  return std::move(report).value();
}

std::string ExposedText(const std::vector<grafana::ReportGroup>& groups) {
  Table table({"COUNT", "WHERE", "PROTECTION", "FOR EXAMPLE"});
  bool any = false;
  for (const grafana::ReportGroup& group : groups) {
    if (group.is_exposed) table.Add({std::to_string(group.count), group.column, group.protection, group.example});
    any = any || group.is_exposed;
  }
  return any ? "\nReadable by whoever holds this database:\n" + table.ToText() : "";
}

std::string OthersText(const std::vector<grafana::ReportGroup>& groups) {
  Table table({"COUNT", "WHERE", "PROTECTION", "READABLE BY", "FOR EXAMPLE"});
  bool any = false;
  for (const grafana::ReportGroup& group : groups) {
    if (group.is_exposed) continue;
    table.Add({std::to_string(group.count), group.column, group.protection, group.readable_by, group.example});
    any = true;
  }
  return any ? "\nNot readable from this database alone:\n" + table.ToText() : "";
}

std::string LinesText(std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = "\n" + std::string(title) + "\n";
  for (const std::string& line : lines) text += "  " + line + "\n";
  return text;
}

// Every place, a line each.
std::string PlacesText(const grafana::ScanReport& report) {
  std::string text = report.findings.empty() ? "" : "\nEvery place:\n";
  for (const grafana::Finding& finding : report.findings) {
    text.append("  ").append(grafana::ReadableByName(finding.readable_by)).append("  ");
    text.append(grafana::ProtectionName(finding.protection)).append("  ");
    text.append(grafana::PlaceOf(report, finding)).append("\n");
  }
  return text;
}

Outcome<void> PrintText(const Session& session, const grafana::ScanReport& report, bool all) {
  const grafana::ReportText text = grafana::TextOf(report);
  const Color color = text.is_exposed ? Color::kRed : Color::kGreen;
  COFFER_TRY(Print(Colored(text.headline, color, session.Colors(STDOUT_FILENO)) + "\n"));
  COFFER_TRY(Print(ExposedText(text.groups) + OthersText(text.groups)));
  if (all) COFFER_TRY(Print(PlacesText(report)));
  return Print(LinesText("Also:", text.facts) + LinesText("Next:", text.steps));
}

Outcome<void> PrintReportJson(const grafana::ScanReport& report) {
  constexpr std::size_t kPiece = std::size_t{64} << 10;
  std::string waiting;
  Outcome<void> printed;
  const Status written = grafana::WriteReportJson(report, [&waiting, &printed](std::string_view piece) -> Status {
    waiting += piece;
    if (waiting.size() < kPiece) return {};
    printed = Print(waiting);
    waiting.clear();
    return printed.ok() ? Status() : Error(ErrorCode::kUnavailable, "the output is not taken");
  });
  if (!written.ok()) return printed;
  return Print(waiting);
}

Outcome<int> ScanCommand(Session& session, const ScanArguments& arguments) {
  COFFER_TRY(CheckArguments(arguments));
  COFFER_ASSIGN_OR_RETURN(const grafana::ScanReport report, ScanDatabase(session, arguments));
  COFFER_TRY(session.json() ? PrintReportJson(report) : PrintText(session, report, arguments.all));
  const bool exposed = grafana::CountReadableBy(report, grafana::ReadableBy::kAnyone) > 0;
  return exposed ? kExitFailed : kExitOk;
}

}  // namespace

void AddGrafanaScanCommand(CommandTree& tree, CLI::App& group) {
  auto arguments = std::make_shared<ScanArguments>();
  CLI::App& scan = tree.AddCommand(
      group, "scan", "Name every secret in a Grafana database and who can read it; exits with 1 when anybody can",
      "  coffer grafana scan /var/lib/grafana/grafana.db\n"
      "  coffer grafana scan postgresql://grafana@db.example/grafana\n"
      "  pg_dump grafana | coffer grafana scan -\n"
      "  coffer grafana scan grafana.dump --secret-key-file key.txt -o json",
      [arguments](Session& session) { return ScanCommand(session, *arguments); });
  scan.add_option("database", arguments->database,
                  "A SQLite file, a PostgreSQL URL without a password, or a dump; - for a dump on standard input")
      ->type_name("DATABASE")
      ->required();
  scan.add_option("--secret-key-file", arguments->secret_key_file,
                  "Grafana's [security] secret_key, to tell what is under it; - for standard input")
      ->type_name("FILE");
  scan.add_option("--secrets-manager-key-file", arguments->manager_key_file,
                  "The secret_key of Grafana's secrets manager, likewise")
      ->type_name("FILE");
  scan.add_flag("--all", arguments->all, "Every place, and how much personal data is in clear");
}

}  // namespace coffer::cli
