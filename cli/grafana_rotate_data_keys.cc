// coffer grafana rotate-data-keys: values of a Grafana's database from old data keys to the newest one.
#include <optional>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/grafana_backup.h"
#include "cli/grafana_database.h"
#include "cli/grafana_progress.h"
#include "cli/grafana_vault.h"
#include "cli/printing.h"
#include "cli/secret_options.h"
#include "io/process_memory.h"
#include "io/terminal.h"
#include "plugins/grafana/cells/open_cells.h"
#include "plugins/grafana/database/open_rows.h"
#include "plugins/grafana/rotation/data_key_text.h"

namespace coffer::cli {
namespace {

struct DataKeysArguments {
  std::string database;
  std::string secret_key_file;
  BackupOptions backup;
  bool dry_run = false;
  bool all = false;
  bool accept_unreadable = false;
  SecretOptions whose;  // the tenant alone
};

Json JsonOf(const grafana::DataKeyReport& report, const grafana::DataKeyOccasion& occasion) {
  const bool refused = report.refusal != grafana::DataKeyRefusal::kNone;
  Json keys = Json::array();
  for (const grafana::DataKeyCount& key : report.data_keys) {
    keys.push_back({{"id", key.id},
                    {"label", key.label},
                    {"provider", key.provider},
                    {"active", key.active},
                    {"newest", key.is_target},
                    {"moved", key.moved},
                    {"values", key.values},
                    {"unneeded", key.unneeded}});
  }
  Json json = {{"outcome", refused            ? "refused"
                           : occasion.is_plan ? "planned"
                                              : "rotated"},
               {"refusal", nullptr},
               {"all", occasion.all},
               {"values", refused ? Json::array() : ValuesJson(report.values)},
               {"rows", refused ? 0 : report.rows},
               {"already_under_key", report.already},
               {"legacy", report.legacy},
               {"of_others", report.of_others},
               {"unread", report.unread},
               {"data_keys", keys},
               {"unreadable", UnreadableJson(report.unreadable)},
               {"backup", nullptr},
               {"steps", grafana::TextOf(report, occasion).steps}};
  if (refused) json["refusal"] = grafana::DataKeyRefusalName(report.refusal);
  if (!occasion.backup.empty()) json["backup"] = occasion.backup;
  return json;
}

Outcome<int> PrintReport(const Session& session, const grafana::DataKeyReport& report,
                         const grafana::DataKeyOccasion& occasion) {
  constexpr std::size_t kMaxLines = 40;
  const bool refused = report.refusal != grafana::DataKeyRefusal::kNone;
  const int code = refused ? kExitFailed : kExitOk;
  if (session.json()) {
    COFFER_TRY(PrintJson(JsonOf(report, occasion)));
    return code;
  }
  const grafana::DataKeyText text = grafana::TextOf(report, occasion);
  const Color color = refused ? Color::kRed : Color::kGreen;
  COFFER_TRY(Print(Colored(text.headline, color, session.Colors(STDOUT_FILENO)) + "\n"));
  COFFER_TRY(Print(LinesText(occasion.is_plan ? "Would move:" : "Moved:", text.changed, text.changed.size())));
  COFFER_TRY(Print(LinesText("Stays as it is:", text.unchanged, text.unchanged.size())));
  COFFER_TRY(
      Print(LinesText(refused ? "Does not open:" : "Does not open, and stays as it is:", text.unreadable, kMaxLines)));
  COFFER_TRY(
      Print(LinesText(occasion.is_plan ? "Other data keys, then:" : "Other data keys:", text.data_keys, kMaxLines)));
  COFFER_TRY(Print(LinesText("Next:", text.steps, text.steps.size())));
  return code;
}

Outcome<grafana::DataKeyReport> Run(const DataKeysArguments& arguments, const SecretBytes& key,
                                    const grafana::DataKeyRotationOptions& options) {
  if (arguments.dry_run) {
    const auto rows = grafana::OpenRows(arguments.database);
    if (!rows.ok()) return DatabaseFailure(rows.error());
    auto report = grafana::PlanDataKeyRotation(**rows, key, options);
    if (!report.ok()) return DatabaseFailure(report.error());
    return std::move(report).value();
  }
  const auto cells = grafana::OpenCells(arguments.database);
  if (!cells.ok()) return DatabaseFailure(cells.error());
  auto report = grafana::RotateDataKeys(**cells, key, options);
  if (!report.ok()) return WritingFailure(report.error());
  return std::move(report).value();
}

Outcome<int> RotateWith(const Session& session, const DataKeysArguments& arguments, const SecretBytes& key) {
  std::optional<StepProgress> progress(std::in_place, !session.json() && IsTerminal(STDERR_FILENO));
  grafana::DataKeyRotationOptions options;
  options.all = arguments.all;
  options.accept_unreadable = arguments.accept_unreadable;
  options.backup = BackupFile(arguments.database, arguments.backup, arguments.dry_run);
  options.on_progress = [&progress](grafana::RotationStep step, std::uint64_t done, std::uint64_t total) {
    progress->Show(step, done, total);
  };
  const auto report = Run(arguments, key, options);
  progress.reset();
  if (!report.ok()) return report.error();
  grafana::DataKeyOccasion occasion;
  occasion.is_plan = arguments.dry_run;
  occasion.all = arguments.all;
  const bool wrote = report->refusal == grafana::DataKeyRefusal::kNone && report->rows > 0;
  if (wrote) occasion.backup = options.backup;
  return PrintReport(session, *report, occasion);
}

Outcome<int> DataKeysCommand(Session& session, const DataKeysArguments& arguments) {
  COFFER_TRY(CheckDatabaseName(arguments.database));
  COFFER_TRY(CheckBackup(arguments.database, arguments.backup, arguments.dry_run));
  // Where the system gives no lock, values may reach swap, as those of any other client of the service.
  static_cast<void>(LockMemory(true));
  COFFER_ASSIGN_OR_RETURN(const std::optional<SecretBytes> given,
                          ReadGrafanaKey("--secret-key-file", arguments.secret_key_file));
  if (given) return RotateWith(session, arguments, *given);
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  GrafanaVault vault(*client, arguments.whose.tenant);
  COFFER_ASSIGN_OR_RETURN(const SecretBytes key, GrafanaSecretKey({}, vault));
  return RotateWith(session, arguments, key);
}

}  // namespace

void AddGrafanaRotateDataKeysCommand(CommandTree& tree, CLI::App& group) {
  auto arguments = std::make_shared<DataKeysArguments>();
  CLI::App& rotate = tree.AddCommand(
      group, "rotate-data-keys", "Move what Grafana leaves under old data keys to the newest one, in one transaction",
      "  coffer grafana rotate-data-keys /var/lib/grafana/grafana.db --dry-run\n"
      "  coffer grafana rotate-data-keys /var/lib/grafana/grafana.db\n"
      "  coffer grafana rotate-data-keys postgresql://grafana@db.example/grafana --all --backup old-cells.sql\n"
      "First in Grafana: POST /api/admin/encryption/rotate-data-keys, then reencrypt-secrets.",
      [arguments](Session& session) { return DataKeysCommand(session, *arguments); });
  rotate.add_option("database", arguments->database, "A SQLite file, or a PostgreSQL URL without a password")
      ->type_name("DATABASE")
      ->required();
  rotate
      .add_option("--secret-key-file", arguments->secret_key_file,
                  "Grafana's [security] secret_key, where the vault does not have it; - for standard input")
      ->type_name("FILE");
  rotate.add_flag("--all", arguments->all, "The values of every column, those too that Grafana moves itself");
  CLI::Option* const dry_run =
      rotate.add_flag("--dry-run", arguments->dry_run, "Try the key, count, change nothing; a dump will do");
  const auto [backup, no_backup] = AddBackupOptions(rotate, arguments->backup);
  rotate.add_flag("--accept-unreadable", arguments->accept_unreadable,
                  "Leave what does not open as it is, and list it");
  backup->excludes(dry_run);
  no_backup->excludes(dry_run);
  AddTenantOption(rotate, arguments->whose);
}

}  // namespace coffer::cli
