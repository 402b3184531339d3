// coffer grafana rotate-secret-key: a Grafana's database from one secret_key to another.
#include <optional>
#include <unistd.h>

#include "cli/checks.h"
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
#include "plugins/grafana/rotation/rotation_text.h"

namespace coffer::cli {
namespace {

struct RotateArguments {
  std::string database;
  std::string which = "security";
  std::string old_key_file;
  BackupOptions backup;
  bool dry_run = false;
  bool undo = false;
  bool accept_unreadable = false;
  bool accept_unproven = false;
  SecretOptions whose;  // the tenant alone
};

grafana::GrafanaKey KeyOf(const RotateArguments& arguments) {
  return arguments.which == "security" ? grafana::GrafanaKey::kSecurity : grafana::GrafanaKey::kSecretsManager;
}

Json JsonOf(const grafana::RotationReport& report, const grafana::RotationOccasion& occasion) {
  const bool refused = report.refusal != grafana::RotationRefusal::kNone;
  Json json = {{"outcome", refused            ? "refused"
                           : occasion.is_plan ? "planned"
                                              : "rotated"},
               {"refusal", nullptr},
               {"kind", grafana::RotationKindName(occasion.kind)},
               {"key", {{"path", grafana::KeyPath(occasion.which).text()}, {"version", nullptr}}},
               {"data_keys", report.data_keys},
               {"values", ValuesJson(report.values)},
               {"rows", report.rows},
               {"envelopes", report.envelopes},
               {"already_under_key", report.already_under_target},
               {"data_keys_of_others", report.data_keys_of_others},
               {"sessions", report.sessions},
               {"unreadable", UnreadableJson(report.unreadable)},
               {"backup", nullptr},
               {"steps", grafana::TextOf(report, occasion).steps}};
  if (refused) json["refusal"] = grafana::RotationRefusalName(report.refusal);
  if (!refused && !occasion.is_plan) json["key"]["version"] = occasion.key_version;
  if (!occasion.backup.empty()) json["backup"] = occasion.backup;
  return json;
}

Outcome<int> PrintReport(const Session& session, const grafana::RotationReport& report,
                         const grafana::RotationOccasion& occasion) {
  constexpr std::size_t kMaxPlaces = 40;
  const bool refused = report.refusal != grafana::RotationRefusal::kNone;
  const int code = refused ? kExitFailed : kExitOk;
  if (session.json()) {
    COFFER_TRY(PrintJson(JsonOf(report, occasion)));
    return code;
  }
  const grafana::RotationText text = grafana::TextOf(report, occasion);
  const Color color = refused ? Color::kRed : Color::kGreen;
  COFFER_TRY(Print(Colored(text.headline, color, session.Colors(STDOUT_FILENO)) + "\n"));
  COFFER_TRY(Print(LinesText(occasion.is_plan ? "Would change:" : "Changed:", text.changed, text.changed.size())));
  COFFER_TRY(Print(LinesText("Stays as it is:", text.unchanged, text.unchanged.size())));
  COFFER_TRY(
      Print(LinesText(refused ? "Does not open:" : "Does not open, and stays as it is:", text.unreadable, kMaxPlaces)));
  COFFER_TRY(Print(LinesText("Next:", text.steps, text.steps.size())));
  return code;
}

grafana::RotationOptions OptionsOf(const RotateArguments& arguments, StepProgress& progress) {
  grafana::RotationOptions options;
  options.which = KeyOf(arguments);
  options.accept_unreadable = arguments.accept_unreadable;
  options.accept_unproven = arguments.accept_unproven;
  options.on_progress = [&progress](grafana::RotationStep step, std::uint64_t done, std::uint64_t total) {
    progress.Show(step, done, total);
  };
  return options;
}

Outcome<int> PlanWith(const Session& session, const RotateArguments& arguments, const grafana::RotationKeys& keys,
                      grafana::RotationOccasion occasion) {
  const Status may_write = grafana::CheckMayWrite(arguments.database);
  if (!may_write.ok()) return DatabaseFailure(may_write.error());
  const auto rows = grafana::OpenRows(arguments.database);
  if (!rows.ok()) return DatabaseFailure(rows.error());
  std::optional<StepProgress> progress(std::in_place, !session.json() && IsTerminal(STDERR_FILENO));
  const auto report = grafana::PlanRotation(**rows, keys, OptionsOf(arguments, *progress));
  progress.reset();
  if (!report.ok()) return DatabaseFailure(report.error());
  occasion.is_plan = true;
  return PrintReport(session, *report, occasion);
}

grafana::RotationOccasion OccasionOf(const RotateArguments& arguments) {
  grafana::RotationOccasion occasion;
  occasion.which = KeyOf(arguments);
  occasion.tenant = arguments.whose.tenant;
  return occasion;
}

grafana::RotationOccasion OccasionOf(const RotateArguments& arguments, const grafana::VaultRotation& rotation) {
  grafana::RotationOccasion occasion = OccasionOf(arguments);
  occasion.kind = rotation.kind();
  occasion.from_default = rotation.begins_with_default();
  return occasion;
}

// Grafana is not run without both of its keys.
bool LacksManagerKey(GrafanaVault& vault) {
  const auto key = grafana::FetchSecretKey(vault, grafana::GrafanaKey::kSecretsManager, false);
  return !key.ok() && key.error().code() == ErrorCode::kNotFound;
}

// How far it came, for what to say of a failure.
struct Course {
  bool stage_failed = false;
  bool may_be_committed = false;
};

Failure FailureOf(const Error& error, const Course& course, const GrafanaVault& vault) {
  if (course.stage_failed) return vault.FailureOf(error);
  Failure failure = WritingFailure(error);
  if (course.may_be_committed) {
    failure.next_step =
        "whether the database has the new key is not known: say the same again, before Grafana is started";
  }
  return failure;
}

Outcome<int> RotateWith(const Session& session, const RotateArguments& arguments, grafana::VaultRotation& rotation,
                        GrafanaVault& vault) {
  const auto cells = grafana::OpenCells(arguments.database);
  if (!cells.ok()) return DatabaseFailure(cells.error());
  std::optional<StepProgress> progress(std::in_place, !session.json() && IsTerminal(STDERR_FILENO));
  grafana::RotationOptions options = OptionsOf(arguments, *progress);
  options.backup = BackupFile(arguments.database, arguments.backup, arguments.dry_run);
  Course course;
  const auto report = grafana::Rotate(**cells, rotation.keys(), options, [&rotation, &course]() -> Status {
    const Status staged = rotation.Stage();
    course.stage_failed = !staged.ok();
    course.may_be_committed = staged.ok();
    return staged;
  });
  progress.reset();
  if (!report.ok()) return FailureOf(report.error(), course, vault);
  grafana::RotationOccasion occasion = OccasionOf(arguments, rotation);
  if (report->refusal == grafana::RotationRefusal::kNone) {
    const Status promoted = rotation.Promote();
    if (!promoted.ok()) {
      Failure failure = vault.FailureOf(promoted.error());
      failure.next_step =
          "the database has the new key, and the vault hands out the old one: say the same again, before "
          "Grafana is started";
      return failure;
    }
    if (report->rows > 0) occasion.backup = options.backup;
    occasion.lacks_manager_key = LacksManagerKey(vault);
  }
  occasion.key_version = rotation.version();
  occasion.next_version = rotation.next_version();
  return PrintReport(session, *report, occasion);
}

Outcome<int> RotateCommand(Session& session, const RotateArguments& arguments) {
  COFFER_TRY(CheckDatabaseName(arguments.database));
  COFFER_TRY(CheckBackup(arguments.database, arguments.backup, arguments.dry_run));
  // Where the system gives no lock, values may reach swap, as those of any other client of the service.
  static_cast<void>(LockMemory(true));
  COFFER_ASSIGN_OR_RETURN(std::optional<SecretBytes> old_key, ReadGrafanaKey("--old-key-file", arguments.old_key_file));
  if (arguments.dry_run && old_key) {
    grafana::RotationKeys keys;
    keys.target = grafana::MakeSecretKey();
    keys.old.push_back(std::move(*old_key));
    return PlanWith(session, arguments, keys, OccasionOf(arguments));
  }
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  GrafanaVault vault(*client, arguments.whose.tenant);
  const auto goal = arguments.undo ? grafana::RotationGoal::kUndo : grafana::RotationGoal::kNewKey;
  auto rotation = grafana::VaultRotation::Begin(vault, KeyOf(arguments), goal, std::move(old_key));
  if (!rotation.ok()) return vault.FailureOf(rotation.error());
  if (arguments.dry_run) return PlanWith(session, arguments, rotation->keys(), OccasionOf(arguments, *rotation));
  return RotateWith(session, arguments, *rotation, vault);
}

}  // namespace

void AddGrafanaRotateCommands(CommandTree& tree, CLI::App& group) {
  auto arguments = std::make_shared<RotateArguments>();
  CLI::App& rotate = tree.AddCommand(
      group, "rotate-secret-key", "Give a Grafana another secret_key, and its database with it, in one transaction",
      "  coffer grafana rotate-secret-key /var/lib/grafana/grafana.db --dry-run\n"
      "  coffer grafana rotate-secret-key /var/lib/grafana/grafana.db\n"
      "  coffer grafana rotate-secret-key postgresql://grafana@db.example/grafana --backup old-cells.sql\n"
      "  coffer grafana rotate-secret-key /var/lib/grafana/grafana.db --undo\n"
      "Stop Grafana first. What was interrupted goes on when the same is said again.",
      [arguments](Session& session) { return RotateCommand(session, *arguments); });
  rotate.add_option("database", arguments->database, "A SQLite file, or a PostgreSQL URL without a password")
      ->type_name("DATABASE")
      ->required();
  CLI::Option* const dry_run =
      rotate.add_flag("--dry-run", arguments->dry_run, "Try the key, count, change nothing; a dump will do");
  CLI::Option* const old_key =
      rotate
          .add_option("--old-key-file", arguments->old_key_file,
                      "The key that the database is under, when the vault does not have it; - for standard input")
          ->type_name("FILE");
  rotate
      .add_option("--which", arguments->which,
                  "security (unless told) or secrets-manager: the section of Grafana's settings")
      ->type_name("SECTION")
      ->check(OneOf({"security", "secrets-manager"}));
  const auto [backup, no_backup] = AddBackupOptions(rotate, arguments->backup);
  CLI::Option* const undo =
      rotate.add_flag("--undo", arguments->undo, "Back to the vault's version before, or give up what was interrupted");
  rotate.add_flag("--accept-unreadable", arguments->accept_unreadable,
                  "Leave what does not open as it is, and list it");
  rotate.add_flag("--accept-unproven", arguments->accept_unproven,
                  "Take the key for right where there is too little to tell and nothing speaks against it");
  backup->excludes(dry_run);
  no_backup->excludes(dry_run);
  undo->excludes(old_key);
  AddTenantOption(rotate, arguments->whose);
  AddGrafanaRotateDataKeysCommand(tree, group);
}

}  // namespace coffer::cli
