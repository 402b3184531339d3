// Starts Grafana with its secrets: fetches them, renders the provisioning files into a private folder in memory, runs
// the command with that folder, and wipes it at the end. While it runs, new versions can be handed to it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "io/private_dir.h"
#include "io/process.h"
#include "plugins/grafana/reload.h"
#include "plugins/grafana/signal_hold.h"
#include "plugins/grafana/vault_port.h"

namespace coffer::grafana {

struct RunOptions {
  std::string provisioning_dir;      // Grafana's folder: datasources/, dashboards/, alerting/, ...
  std::vector<std::string> command;  // The program and its arguments.
  std::set<std::string> shared;      // See RenderOptions.
  bool make_missing_keys = false;    // See FetchSecretKey: for a Grafana without a database yet.
  std::vector<std::string>
      memory_folders;       // Where the private folder may be made; empty: PrivateDir::Make(runtime_dir).
  std::string runtime_dir;  // XDG_RUNTIME_DIR of the caller, or empty.
  std::vector<std::string> hidden_variables;  // Not passed on to the command: our own credentials.
};

// Everything that Grafana needs, in place. Thread-compatible; one thread prepares, executes and destroys.
class PreparedRun {
 public:
  // Reads, fetches and renders all in memory, and only then makes the folder: a failure leaves nothing behind and
  // nothing started. datasources/*.yaml and *.yml are rendered (mode 0400); whatever else the provisioning folder holds
  // is linked, as it has no secrets of ours. The two keys are files too, next to the rendered folder.
  //
  // Errors carry the file and line, and the next step in their text: kUnavailable (the service is down), kSealed,
  // kNotFound (a secret or key is missing), kPermissionDenied (not for this caller, or a file that everybody may
  // write), kInvalidArgument (RenderFile's), kFailedPrecondition (a secret is deleted or expired; no folder in memory).
  static Result<PreparedRun> Prepare(const RunOptions& options, VaultPort& vault);

  // Has Execute keep the datasources at the newest versions of their secrets, on a thread of its own (reload.h). The
  // ports outlive Execute; only that thread uses them meanwhile. Asks the vault once, so that what is not allowed is
  // known before anything is started: the errors of CurrentVersions.
  Status ReloadWith(const ReloadPorts& ports, std::chrono::microseconds every);

  // Runs the command and waits: its exit code, or 128 + signal. SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2
  // reach it. The folder is wiped before this returns, also when the command cannot be started.
  Result<int> Execute() &&;

  // Where the command will find its files; for messages.
  const std::string& folder() const { return folder_.path(); }
  std::size_t references() const { return references_; }
  // Values of secureJsonData that were plain text in the files: `coffer grafana import` moves them.
  std::size_t plaintexts() const { return plaintexts_; }

 private:
  struct Reloading {
    ReloadPorts ports;
    std::chrono::microseconds every;
  };
  PreparedRun(SignalHold hold, PrivateDir folder) : hold_(std::move(hold)), folder_(std::move(folder)) {}

  Result<int> RunReloading(const ChildOptions& child);

  SignalHold hold_;  // Destroyed after the folder.
  PrivateDir folder_;
  std::vector<std::string> command_;
  std::vector<std::pair<std::string, std::string>> variables_;
  std::vector<std::string> hidden_variables_;
  HandedOut handed_;
  std::optional<Reloading> reloading_;
  std::size_t references_ = 0;
  std::size_t plaintexts_ = 0;
};

}  // namespace coffer::grafana
