// coffer grafana scan: the secrets of a Grafana database that whoever holds it can read. No service is needed.
#include <iostream>
#include <optional>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/grafana_database.h"
#include "cli/printing.h"
#include "cli/progress.h"
#include "io/file.h"
#include "io/terminal.h"
#include "plugins/grafana/database/accepted_findings.h"
#include "plugins/grafana/database/open_rows.h"
#include "plugins/grafana/database/report.h"
#include "plugins/grafana/database/scan.h"

namespace coffer::cli {
namespace {

constexpr char kStandardInputFile[] = "/dev/stdin";
constexpr char kAccept[] = "--accept";

struct ScanArguments {
  std::string database;
  std::string secret_key_file;
  std::string manager_key_file;
  std::string accept_file;
  bool all = false;
};

Outcome<void> CheckArguments(const ScanArguments& arguments) {
  COFFER_TRY(CheckDatabaseName(arguments.database));
  const int from_input = (arguments.database == kStandardInput ? 1 : 0) +
                         (arguments.secret_key_file == kStandardInput ? 1 : 0) +
                         (arguments.manager_key_file == kStandardInput ? 1 : 0);
  if (from_input > 1) return UsageFailure("standard input can be one thing only");
  return {};
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

Outcome<grafana::AcceptedFindings> ReadAccepted(const std::string& file) {
  if (file.empty()) return grafana::AcceptedFindings();
  const auto text = ReadFile(file, grafana::AcceptedFindings::kMaxBytes);
  if (!text.ok()) return FileFailure(kAccept, file, text.error());
  auto accepted = grafana::AcceptedFindings::Parse(AsText(*text));
  if (!accepted.ok()) {
    return UsageFailure(std::string(kAccept) + ": " + ShownPath(file) + ": " + accepted.error().ToString());
  }
  return std::move(accepted).value();
}

// An entry that stands for nothing may be left out.
void ShowStale(const std::string& file, const std::vector<grafana::AcceptedFindings::Entry>& stale) {
  for (const grafana::AcceptedFindings::Entry& entry : stale) {
    std::cerr << "coffer: " << kAccept << ": " << ShownPath(file) << ": line " + std::to_string(entry.line)
              << ": no finding is like this now: " << entry.text << "\n";
  }
}

Outcome<grafana::ScanReport> ScanDatabase(const Session& session, const ScanArguments& arguments) {
  grafana::ScanOptions options;
  COFFER_ASSIGN_OR_RETURN(options.secret_key, ReadGrafanaKey("--secret-key-file", arguments.secret_key_file));
  COFFER_ASSIGN_OR_RETURN(options.manager_key,
                          ReadGrafanaKey("--secrets-manager-key-file", arguments.manager_key_file));
  options.count_personal = arguments.all;
  const bool from_input = arguments.database == kStandardInput;
  const auto rows = grafana::OpenRows(from_input ? kStandardInputFile : arguments.database);
  if (!rows.ok()) return DatabaseFailure(rows.error());
  ScanProgress progress(!session.json() && IsTerminal(STDERR_FILENO));
  options.on_progress = [&progress](grafana::ScanStep step, std::uint64_t done, std::uint64_t total) {
    progress.Show(step, done, total);
  };
  auto report = grafana::Scan(**rows, options);
  if (!report.ok()) return DatabaseFailure(report.error());
  return std::move(report).value();
}

enum class ReaderColumn : std::uint8_t { kNo, kYes };

// The groups that `is_shown` takes, or nothing where there is none.
std::string GroupsText(std::string_view title, const std::vector<grafana::ReportGroup>& groups, ReaderColumn reader,
                       bool (*is_shown)(const grafana::ReportGroup&)) {
  std::vector<std::string> header = {"COUNT", "WHERE", "PROTECTION", "FOR EXAMPLE"};
  if (reader == ReaderColumn::kYes) header.insert(header.end() - 1, "READABLE BY");
  Table table(std::move(header));
  bool any = false;
  for (const grafana::ReportGroup& group : groups) {
    if (!is_shown(group)) continue;
    std::vector<std::string> row = {std::to_string(group.count), group.column, group.protection, group.example};
    if (reader == ReaderColumn::kYes) row.insert(row.end() - 1, group.readable_by);
    table.Add(std::move(row));
    any = true;
  }
  return any ? "\n" + std::string(title) + "\n" + table.ToText() : "";
}

std::string GroupsText(const std::vector<grafana::ReportGroup>& groups) {
  using Group = grafana::ReportGroup;
  return GroupsText("Readable by whoever holds this database:", groups, ReaderColumn::kNo,
                    [](const Group& group) { return group.is_exposed; }) +
         GroupsText("Could not be judged:", groups, ReaderColumn::kNo,
                    [](const Group& group) { return group.is_unjudged; }) +
         GroupsText("Accepted:", groups, ReaderColumn::kYes, [](const Group& group) { return group.is_accepted; }) +
         GroupsText("Not readable from this database alone:", groups, ReaderColumn::kYes,
                    [](const Group& group) { return !group.is_exposed && !group.is_unjudged && !group.is_accepted; });
}

std::string LinesText(std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = "\n" + std::string(title) + "\n";
  for (const std::string& line : lines) text += "  " + line + "\n";
  return text;
}

// Every place, a line each, as --accept takes it.
std::string PlacesText(const grafana::ScanReport& report, bool accepted) {
  std::string text;
  for (const grafana::Finding& finding : report.findings) {
    if (finding.accepted == accepted) text.append("  ").append(grafana::LineOf(report, finding)).append("\n");
  }
  if (text.empty()) return "";
  return (accepted ? "\nEvery accepted place:\n" : "\nEvery place:\n") + text;
}

Outcome<void> PrintText(const Session& session, const grafana::ScanReport& report, bool all) {
  const grafana::ReportText text = grafana::TextOf(report);
  const Color color = text.is_exposed ? Color::kRed : text.is_unjudged ? Color::kYellow : Color::kGreen;
  COFFER_TRY(Print(Colored(text.headline, color, session.Colors(STDOUT_FILENO)) + "\n"));
  COFFER_TRY(Print(GroupsText(text.groups)));
  if (all) COFFER_TRY(Print(PlacesText(report, false) + PlacesText(report, true)));
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
  COFFER_ASSIGN_OR_RETURN(const grafana::AcceptedFindings accepted, ReadAccepted(arguments.accept_file));
  COFFER_ASSIGN_OR_RETURN(grafana::ScanReport report, ScanDatabase(session, arguments));
  const std::vector<grafana::AcceptedFindings::Entry> stale = accepted.Mark(report);
  COFFER_TRY(session.json() ? PrintReportJson(report) : PrintText(session, report, arguments.all));
  ShowStale(arguments.accept_file, stale);
  return grafana::IsExposed(report) || grafana::IsUnjudged(report) ? kExitFailed : kExitOk;
}

}  // namespace

void AddGrafanaScanCommand(CommandTree& tree, CLI::App& group) {
  auto arguments = std::make_shared<ScanArguments>();
  CLI::App& scan = tree.AddCommand(
      group, "scan",
      "Name every secret in a Grafana database and who can read it; exits with 1 when anybody can, or may",
      "  coffer grafana scan /var/lib/grafana/grafana.db\n"
      "  coffer grafana scan postgresql://grafana@db.example/grafana\n"
      "  pg_dump grafana | coffer grafana scan -\n"
      "  coffer grafana scan grafana.dump --secret-key-file key.txt -o json\n"
      "  coffer grafana scan /var/lib/grafana/grafana.db --accept accepted.txt",
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
  scan.add_option(
          "--accept", arguments->accept_file,
          "Findings that were judged, a line each as --all prints them, # for comments: shown, and exiting with "
          "1 no more. A line holds for one place, as it is read and protected today, whatever its value")
      ->type_name("FILE");
  scan.add_flag("--all", arguments->all, "Every place, and how much personal data is in clear");
}

}  // namespace coffer::cli
