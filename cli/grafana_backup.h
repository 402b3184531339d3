// The backup that a command makes before it changes a Grafana's database: its options, and where it goes.
#pragma once

#include <string>

#include "cli/outcome.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace coffer::cli {

struct BackupOptions {
  std::string file;   // empty: beside a SQLite file
  bool none = false;  // somebody has one
};

struct AddedBackupOptions {
  CLI::Option* file;
  CLI::Option* none;
};
AddedBackupOptions AddBackupOptions(CLI::App& command, BackupOptions& options);

// A server has no folder of its own where a backup could go: somebody has to say. A dry run makes none.
Outcome<void> CheckBackup(const std::string& database, const BackupOptions& options, bool dry_run);

// The file that was named, or a name beside the SQLite file: "grafana.db.before-20261122T083000Z"; empty when none is
// to be made.
std::string BackupFile(const std::string& database, const BackupOptions& options, bool dry_run);

}  // namespace coffer::cli
