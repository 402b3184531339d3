#include "cli/grafana_backup.h"

#include <CLI/CLI.hpp>

#include "cli/times.h"
#include "io/clock.h"
#include "io/directory.h"
#include "plugins/grafana/database/source_name.h"

namespace coffer::cli {

AddedBackupOptions AddBackupOptions(CLI::App& command, BackupOptions& options) {
  AddedBackupOptions added{};
  added.file = command.add_option(
      "--backup", options.file,
      "Where what undoes it goes: a copy of a SQLite file (beside it unless told), a script for PostgreSQL");
  added.file->type_name("FILE");
  added.none = command.add_flag("--no-backup", options.none, "There is a backup: make none");
  added.file->excludes(added.none);
  return added;
}

Outcome<void> CheckBackup(const std::string& database, const BackupOptions& options, bool dry_run) {
  const bool is_said = !options.file.empty() || options.none || dry_run;
  if (is_said || grafana::NamesFile(database)) return {};
  return UsageFailure("say where the old cells go with --backup FILE, or --no-backup when you have a backup");
}

std::string BackupFile(const std::string& database, const BackupOptions& options, bool dry_run) {
  if (options.none || dry_run) return "";
  if (!options.file.empty()) return options.file;
  std::string time = FormatTime(SystemClock().UnixMicros());
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  const std::string file = database + ".before-" + time;
  std::string free = file;
  for (int number = 2; number < 1'000 && FactsOf(free).ok(); ++number) free = file + "-" + std::to_string(number);
  return free;
}

}  // namespace coffer::cli
