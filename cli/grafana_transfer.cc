// coffer grafana import-db and export-db: credentials of a Grafana's database into the vault, and back.
#include <algorithm>
#include <unistd.h>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/grafana_backup.h"
#include "cli/grafana_database.h"
#include "cli/grafana_vault.h"
#include "cli/printing.h"
#include "cli/secret_options.h"
#include "io/process_memory.h"
#include "plugins/grafana/cells/open_cells.h"
#include "plugins/grafana/database/open_rows.h"
#include "plugins/grafana/transfer/export_database.h"
#include "plugins/grafana/transfer/import_database.h"

namespace coffer::cli {
namespace {

constexpr char kStandardInputFile[] = "/dev/stdin";

struct TransferArguments {
  std::string database;
  std::string secret_key_file;
  std::string only;
  bool dry_run = false;
  bool overwrite = false;
  bool accept_unreadable = false;
  bool accept_unproven = false;
  BackupOptions backup;
  bool add = false;
  bool clear_plaintext = false;
  bool accept_other_origin = false;
  SecretOptions whose;  // the tenant alone
};

std::vector<std::string> KindNames() {
  std::vector<std::string> names;
  for (std::size_t kind = 0; kind < grafana::kCredentialKinds; ++kind) {
    names.emplace_back(grafana::CredentialKindName(static_cast<grafana::CredentialKind>(kind)));
  }
  return names;
}

std::optional<grafana::CredentialKind> KindOf(const std::string& name) {
  const std::vector<std::string> names = KindNames();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<grafana::CredentialKind>(found - names.begin());
}

// What a database's rows came to.
struct DatabaseChanges {
  std::uint64_t rows = 0;
  std::uint64_t cleared = 0;  // old columns in clear
};

struct Printed {
  const grafana::TransferReport& report;
  bool dry_run = false;
  std::optional<DatabaseChanges> changes;  // of an export
  std::string backup;                      // its file; empty: none was made
};

Json JsonOf(const Printed& printed) {
  const grafana::TransferReport& report = printed.report;
  const bool refused = report.refusal != grafana::TransferRefusal::kNone;
  Json credentials = Json::array();
  for (const grafana::TransferredCredential& each : report.credentials) {
    Json line = {{"kind", grafana::CredentialKindName(each.kind)},
                 {"path", nullptr},
                 {"places", each.places},
                 {"outcome", grafana::TransferOutcomeName(each.outcome)},
                 {"reason", nullptr}};
    if (!each.path.empty()) line["path"] = each.path;
    if (each.reason != grafana::SkipReason::kNone) line["reason"] = grafana::SkipReasonName(each.reason);
    credentials.push_back(std::move(line));
  }
  Json left_out = Json::array();
  for (const grafana::LeftOut& each : report.left_out) {
    left_out.push_back({{"table", each.table}, {"column", each.column}, {"count", each.count}});
  }
  Json json = {{"outcome", refused           ? "refused"
                           : printed.dry_run ? "planned"
                                             : "done"},
               {"refusal", nullptr},
               {"credentials", credentials},
               {"left_out", left_out}};
  if (refused) json["refusal"] = grafana::TransferRefusalName(report.refusal);
  if (printed.changes) {
    json["rows"] = printed.changes->rows;
    json["cleared"] = printed.changes->cleared;
    json["backup"] = nullptr;
  }
  if (!printed.backup.empty()) json["backup"] = printed.backup;
  return json;
}

std::string LinesOf(const grafana::TransferReport& report) {
  std::string text;
  for (const grafana::TransferredCredential& each : report.credentials) {
    text += std::string(grafana::TransferOutcomeName(each.outcome)) + "  " +
            (each.path.empty() ? "(no path)" : each.path) + "\n";
    for (const std::string& place : each.places) text += "    " + place + "\n";
    if (each.reason != grafana::SkipReason::kNone) {
      text += "    it " + std::string(grafana::SkipReasonText(each.reason));
      text += each.reason == grafana::SkipReason::kOtherOrigin ? ": --accept-other-origin if it is meant\n" : "\n";
    }
  }
  return text;
}

std::string LeftOutOf(const grafana::TransferReport& report) {
  if (report.left_out.empty()) return {};
  std::string text = "\nLeft where they are, for nobody entered them, or they are old versions:\n";
  for (const grafana::LeftOut& each : report.left_out) {
    text.append("  ").append(each.table).append(".").append(each.column).append(": ");
    text += std::to_string(each.count) + (each.count == 1 ? " value\n" : " values\n");
  }
  return text;
}

std::string CountsOf(const grafana::TransferReport& report) {
  using enum grafana::TransferOutcome;
  std::string text;
  for (const grafana::TransferOutcome outcome : {kCreated, kUpdated, kAdded, kUnchanged, kSkipped, kHeld}) {
    const std::size_t count = report.Count(outcome);
    if (count == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " ";
    text += grafana::TransferOutcomeName(outcome);
  }
  return text.empty() ? "no credentials" : text;
}

std::string_view RefusalText(grafana::TransferRefusal refusal, bool is_export) {
  switch (refusal) {
    case grafana::TransferRefusal::kNone:
      return "";
    case grafana::TransferRefusal::kOpensNothing:
      return "Refused: the secret_key is not this database's. Give the one that this Grafana runs with in "
             "--secret-key-file; where that is the public default, coffer grafana rotate-secret-key comes first.";
    case grafana::TransferRefusal::kUnproven:
      return is_export ? "Refused: there is too little in the database to tell whether the secret_key is right. Save a "
                         "password of 20 letters in Grafana, then say this again."
                       : "Refused: there is too little in the database to tell whether the secret_key is right. If you "
                         "know that it is: --accept-unproven.";
    case grafana::TransferRefusal::kUnreadable:
      return "Refused: not everything can be taken over. What is skipped says why; for the rest alone: "
             "--accept-unreadable.";
    case grafana::TransferRefusal::kOtherValue:
      return "Refused: the vault holds other values. Where the vault is newer: coffer grafana export-db. Where "
             "Grafana is newer: --overwrite makes its values the vault's newest versions.";
  }
  return "";
}

std::string SummaryOf(const Printed& printed, bool refused) {
  if (printed.report.credentials.empty() && refused) return "nothing was changed\n";
  std::string text = (printed.dry_run ? "it would be: " : "") + CountsOf(printed.report);
  if (printed.changes && printed.changes->cleared > 0) {
    text += "; old columns emptied: " + std::to_string(printed.changes->cleared);
  }
  if (printed.dry_run || refused) text += "; nothing was changed";
  if (!printed.backup.empty()) text += "\nThe database as it was: " + ShownPath(printed.backup);
  return text + "\n";
}

Outcome<int> PrintReport(const Session& session, const Printed& printed) {
  const grafana::TransferReport& report = printed.report;
  const bool refused = report.refusal != grafana::TransferRefusal::kNone;
  const int code = refused ? kExitFailed : kExitOk;
  if (session.json()) {
    COFFER_TRY(PrintJson(JsonOf(printed)));
    return code;
  }
  const std::string lines = LinesOf(report) + LeftOutOf(report);
  COFFER_TRY(Print(lines + (lines.empty() ? "" : "\n") + SummaryOf(printed, refused)));
  if (!refused) return code;
  const std::string_view text = RefusalText(report.refusal, printed.changes.has_value());
  COFFER_TRY(Print(Colored(text, Color::kRed, session.Colors(STDOUT_FILENO)) + "\n"));
  return code;
}

Outcome<void> CheckArguments(const TransferArguments& arguments) {
  COFFER_TRY(CheckDatabaseName(arguments.database));
  if (arguments.database == kStandardInput && arguments.secret_key_file == kStandardInput) {
    return UsageFailure("standard input can be one thing only");
  }
  return {};
}

Failure FailureOf(const Error& error, const GrafanaVault& vault) {
  Failure failure = vault.FailureOf(error);
  return failure.next_step.empty() ? DatabaseFailure(error) : failure;
}

Outcome<int> ImportCommand(Session& session, const TransferArguments& arguments) {
  COFFER_TRY(CheckArguments(arguments));
  // Where the system gives no lock, values may reach swap, as those of any other client of the service.
  static_cast<void>(LockMemory(true));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  GrafanaVault vault(*client, arguments.whose.tenant);
  COFFER_ASSIGN_OR_RETURN(const SecretBytes key, GrafanaSecretKey(arguments.secret_key_file, vault));
  const bool from_input = arguments.database == kStandardInput;
  const auto rows = grafana::OpenRows(from_input ? kStandardInputFile : arguments.database);
  if (!rows.ok()) return DatabaseFailure(rows.error());
  grafana::DatabaseImportOptions options;
  options.dry_run = arguments.dry_run;
  options.overwrite = arguments.overwrite;
  options.accept_unreadable = arguments.accept_unreadable;
  options.accept_unproven = arguments.accept_unproven;
  options.only = KindOf(arguments.only);
  const auto report = grafana::ImportDatabase(**rows, key, vault, options);
  if (!report.ok()) return FailureOf(report.error(), vault);
  return PrintReport(session, Printed{*report, arguments.dry_run, {}, {}});
}

Outcome<grafana::ExportReport> Export(const TransferArguments& arguments, const SecretBytes& key, GrafanaVault& vault,
                                      const grafana::DatabaseExportOptions& options) {
  if (arguments.dry_run) {
    const Status may_write = grafana::CheckMayWrite(arguments.database);
    if (!may_write.ok()) return DatabaseFailure(may_write.error());
    const auto rows = grafana::OpenRows(arguments.database);
    if (!rows.ok()) return DatabaseFailure(rows.error());
    auto report = grafana::PlanExport(**rows, key, {vault, vault}, options);
    if (!report.ok()) return FailureOf(report.error(), vault);
    return std::move(report).value();
  }
  const auto cells = grafana::OpenCells(arguments.database);
  if (!cells.ok()) return DatabaseFailure(cells.error());
  auto report = grafana::ExportDatabase(**cells, key, {vault, vault}, options);
  if (!report.ok()) {
    Failure failure = vault.FailureOf(report.error());
    return failure.next_step.empty() ? WritingFailure(report.error()) : failure;
  }
  return std::move(report).value();
}

Outcome<int> ExportCommand(Session& session, const TransferArguments& arguments) {
  COFFER_TRY(CheckArguments(arguments));
  COFFER_TRY(CheckBackup(arguments.database, arguments.backup, arguments.dry_run));
  // Where the system gives no lock, values may reach swap, as those of any other client of the service.
  static_cast<void>(LockMemory(true));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  GrafanaVault vault(*client, arguments.whose.tenant);
  COFFER_ASSIGN_OR_RETURN(const SecretBytes key, GrafanaSecretKey(arguments.secret_key_file, vault));
  grafana::DatabaseExportOptions options;
  options.accept_unreadable = arguments.accept_unreadable;
  options.add = arguments.add;
  options.clear_plaintext = arguments.clear_plaintext;
  options.accept_other_origin = arguments.accept_other_origin;
  options.only = KindOf(arguments.only);
  options.backup = BackupFile(arguments.database, arguments.backup, arguments.dry_run);
  COFFER_ASSIGN_OR_RETURN(const grafana::ExportReport report, Export(arguments, key, vault, options));
  const bool wrote = report.rows > 0 && !arguments.dry_run;
  const DatabaseChanges changes{report.rows, report.cleared};
  const std::string backup = wrote ? options.backup : std::string();
  return PrintReport(session, Printed{report.transfer, arguments.dry_run, changes, backup});
}

void AddDatabaseOptions(CLI::App& command, TransferArguments& arguments, const std::string& database) {
  command.add_option("database", arguments.database, database)->type_name("DATABASE")->required();
  command
      .add_option("--secret-key-file", arguments.secret_key_file,
                  "Grafana's [security] secret_key, where the vault does not have it; - for standard input")
      ->type_name("FILE");
  std::string kinds;
  for (const std::string& kind : KindNames()) kinds += (kinds.empty() ? "" : ", ") + kind;
  command.add_option("--only", arguments.only, "Credentials of one kind alone: " + kinds)
      ->type_name("KIND")
      ->check(OneOf(KindNames()));
  command.add_flag("--dry-run", arguments.dry_run, "Say what would be done, change nothing");
  command.add_flag("--accept-unreadable", arguments.accept_unreadable, "Leave out what cannot be taken, and list it");
  AddTenantOption(command, arguments.whose);
}

}  // namespace

void AddGrafanaTransferCommands(CommandTree& tree, CLI::App& group) {
  auto importing = std::make_shared<TransferArguments>();
  CLI::App& import = tree.AddCommand(
      group, "import-db", "Put the credentials of a Grafana's database into the vault, each with its origin",
      "  coffer grafana import-db /var/lib/grafana/grafana.db --dry-run\n"
      "  coffer grafana import-db postgresql://grafana@db.example/grafana --only datasources\n"
      "  pg_dump grafana | coffer grafana import-db - --secret-key-file key.txt",
      [importing](Session& session) { return ImportCommand(session, *importing); });
  AddDatabaseOptions(import, *importing,
                     "A SQLite file, a PostgreSQL URL without a password, or a dump; - for a dump on standard input");
  import.add_flag("--overwrite", importing->overwrite, "A path that holds another value gets a new version");
  import.add_flag("--accept-unproven", importing->accept_unproven,
                  "Take the key for right where there is too little to tell and nothing speaks against it");

  auto exporting = std::make_shared<TransferArguments>();
  CLI::App& to_database =
      tree.AddCommand(group, "export-db", "Write the vault's values back into a Grafana's database, where they differ",
                      "  coffer grafana export-db /var/lib/grafana/grafana.db --dry-run\n"
                      "  coffer grafana export-db /var/lib/grafana/grafana.db --only datasources\n"
                      "  coffer grafana export-db postgresql://grafana@db.example/grafana --backup old-cells.sql",
                      [exporting](Session& session) { return ExportCommand(session, *exporting); });
  AddDatabaseOptions(to_database, *exporting, "A SQLite file, or a PostgreSQL URL without a password");
  AddBackupOptions(to_database, exporting->backup);
  to_database.add_flag("--add", exporting->add, "Add what the vault has for a datasource and the database has not");
  to_database.add_flag("--accept-other-origin", exporting->accept_other_origin,
                       "Write values too that import-db did not put there, e.g. those of provisioning files");
  to_database.add_flag("--clear-plaintext", exporting->clear_plaintext,
                       "Empty old columns in clear whose value is in secure_json_data");
}

}  // namespace coffer::cli
