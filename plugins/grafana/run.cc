#include "plugins/grafana/run.h"

#include <algorithm>
#include <array>

#include "io/ticker.h"
#include "plugins/grafana/provisioning_folder.h"
#include "plugins/grafana/secret_key.h"
#include "plugins/grafana/version_notes.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kProvisioningVariable = "GF_PATHS_PROVISIONING";

// The failures of fetching, said with their next step. Others keep their own words.
Error NothingStarted(Error error) {
  const auto place = [&error](Error explained) { return std::move(explained).At(error.path()).AtLine(error.line()); };
  switch (error.code()) {
    case ErrorCode::kUnavailable:
      return place(Error(ErrorCode::kUnavailable,
                         "the key service does not answer, nothing was started; start cofferd, then run this again"));
    case ErrorCode::kSealed:
      return place(
          Error(ErrorCode::kSealed,
                "the key service is sealed, nothing was started; run `coffer operator unseal`, then this again"));
    case ErrorCode::kUnauthenticated:
      return place(
          Error(ErrorCode::kUnauthenticated,
                "the key service does not know this caller, nothing was started; check the socket or certificate"));
    default:
      return error;
  }
}

Error MissingSecret(Error error) {
  if (error.code() == ErrorCode::kFailedPrecondition) {
    return Error(ErrorCode::kFailedPrecondition,
                 "the secret is deleted, destroyed or expired, or its key is disabled, nothing was started; bring it "
                 "back (`coffer secret undelete`), put a new version, or take it out of the file")
        .At(error.path())
        .AtLine(error.line());
  }
  if (error.code() != ErrorCode::kNotFound) return NothingStarted(std::move(error));
  return Error(ErrorCode::kNotFound,
               "the vault has no such secret, nothing was started; put it there, or import the file that had it")
      .At(error.path())
      .AtLine(error.line());
}

Error MissingKey(Error error, GrafanaKey key) {
  if (error.code() != ErrorCode::kNotFound) return NothingStarted(std::move(error));
  Error missing =
      key == GrafanaKey::kSecurity
          ? Error(
                ErrorCode::kNotFound,
                "the vault has no such key, nothing was started; run `coffer grafana rotate-secret-key` for a Grafana "
                "that has a database, `coffer grafana secret-key import` to keep its key, or --make-keys when there "
                "is no database yet")
          : Error(ErrorCode::kNotFound,
                  "the vault has no such key, nothing was started; run `coffer grafana secret-key create --which "
                  "secrets-manager`, or, when `coffer grafana scan` shows secret_data_key in Grafana's database, "
                  "`coffer grafana secret-key import --which secrets-manager` with the one that Grafana uses");
  return std::move(missing).At(error.path());
}

struct FetchedKey {
  GrafanaKey key;
  SecretBytes value;
};

Result<std::vector<FetchedKey>> FetchKeys(VaultPort& vault, bool make_missing) {
  std::vector<FetchedKey> keys;
  for (const GrafanaKey key : {GrafanaKey::kSecurity, GrafanaKey::kSecretsManager}) {
    auto value = FetchSecretKey(vault, key, make_missing);
    if (!value.ok()) return MissingKey(std::move(value).error(), key);
    keys.push_back({key, std::move(value).value()});
  }
  return keys;
}

Result<PrivateDir> MakeFolder(const RunOptions& options) {
  if (options.memory_folders.empty()) return PrivateDir::Make(options.runtime_dir);
  return PrivateDir::MakeIn(options.memory_folders);
}

// Grafana ends $__file{...} at the first '}' and expands what looks like a variable.
bool IsPlainPath(std::string_view path) {
  return path.starts_with('/') && path.find_first_of("{}$%\n\r") == std::string_view::npos;
}

// Threads that are started while it lives write into closed pipes and sockets and live: SIGPIPE would end us, and the
// folder would stay.
class SigpipeHold {
 public:
  SigpipeHold() {
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~SigpipeHold() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SigpipeHold(const SigpipeHold&) = delete;
  SigpipeHold& operator=(const SigpipeHold&) = delete;

 private:
  sigset_t before_ = {};
};

}  // namespace

Result<PreparedRun> PreparedRun::Prepare(const RunOptions& options, VaultPort& vault) {
  if (options.command.empty()) return Error(ErrorCode::kInvalidArgument, "no command to run was given");
  VersionNotes values(vault);
  ValuesByReference handed_values;
  const FetchSecret fetch = [&values, &handed_values](const SecretReference& reference) -> Result<SecretBytes> {
    auto stored = values.Get(reference);
    if (!stored.ok()) return MissingSecret(std::move(stored).error());
    handed_values.insert_or_assign(KeyOf(reference), stored->value.Clone());
    return std::move(stored->value);
  };
  COFFER_ASSIGN_OR_RETURN(const RenderedFolder rendered,
                          RenderFolder(options.provisioning_dir, fetch, RenderOptions{options.shared}));
  VersionNotes key_values(vault);
  COFFER_ASSIGN_OR_RETURN(const std::vector<FetchedKey> keys, FetchKeys(key_values, options.make_missing_keys));

  SignalHold hold;
  COFFER_ASSIGN_OR_RETURN(PrivateDir folder, MakeFolder(options));
  if (!IsPlainPath(folder.path())) {
    return Error(ErrorCode::kFailedPrecondition, "the private folder's path has characters that Grafana would expand");
  }
  PreparedRun run(std::move(hold), std::move(folder));
  COFFER_ASSIGN_OR_RETURN(const std::string provisioning, LayOut(rendered, options.provisioning_dir, run.folder_));
  run.variables_.emplace_back(kProvisioningVariable, provisioning);
  for (const FetchedKey& key : keys) {
    const std::string name = KeyPath(key.key).Segments().back();
    COFFER_ASSIGN_OR_RETURN(const std::string path, run.folder_.WriteSecret(name, key.value, 0400));
    run.variables_.emplace_back(KeyVariable(key.key), "$__file{" + path + "}");
  }
  run.command_ = options.command;
  run.hidden_variables_ = options.hidden_variables;
  run.handed_ = {.provisioning_dir = options.provisioning_dir,
                 .render = RenderOptions{options.shared},
                 .references = values.versions(),
                 .keys = key_values.versions(),
                 .values = std::move(handed_values)};
  run.references_ = rendered.references;
  run.plaintexts_ = rendered.plaintexts;
  return run;
}

Status PreparedRun::ReloadWith(const ReloadPorts& ports, std::chrono::microseconds every) {
  COFFER_TRY(CurrentVersions(ports.lister, WatchedPaths(handed_)));
  reloading_.emplace(Reloading{ports, every});
  return {};
}

// The thread has ended when this returns, so nothing writes into the folder any more.
Result<int> PreparedRun::RunReloading(const ChildOptions& child) {
  constexpr std::chrono::seconds kBetweenPasses{1};
  std::atomic<bool> ended = false;
  Reloader reloader(reloading_->ports, reloading_->every, std::move(handed_), folder_);
  std::unique_ptr<Ticker> passes;
  {
    const SigpipeHold hold;
    COFFER_ASSIGN_OR_RETURN(passes, Ticker::Start({.interval = kBetweenPasses, .wait_first = true}, [&] {
                              reloader.Pass(ended);
                              return false;
                            }));
  }
  Result<int> code = RunForwardingSignals(command_, child);
  ended = true;
  if (reloading_->ports.give_up) reloading_->ports.give_up();
  return code;
}

Result<int> PreparedRun::Execute() && {
  ChildOptions child;
  for (const std::string& name : hidden_variables_) child.environment.push_back({name, std::nullopt});
  for (const auto& [name, value] : variables_) {
    // Grafana's container refuses to start with both a setting and its __FILE twin.
    child.environment.push_back({name + "__FILE", std::nullopt});
    child.environment.push_back({name, value});
  }
  if (!reloading_) handed_.values.clear();
  Result<int> code = reloading_ ? RunReloading(child) : RunForwardingSignals(command_, child);
  Status wiped = folder_.Wipe();
  if (!code.ok()) return code;
  if (!wiped.ok()) return std::move(wiped).error();
  return code;
}

}  // namespace coffer::grafana
