// The part of `coffer grafana run` that reloads a running Grafana: its options, and what they make.
#pragma once

#include <memory>
#include <string>

#include "cli/grafana_vault.h"
#include "cli/session.h"
#include "plugins/grafana/run.h"

namespace CLI {
class App;
}

namespace coffer::cli {

struct ReloadOptions {
  std::string url;  // of Grafana; empty: it is not reloaded
  std::string every = "30s";
  std::string user;
  std::string password_file;
  std::string password_secret;
  std::string token_file;
  std::string token_secret;
  std::string ca;
};

void AddReloadOptions(CLI::App& command, ReloadOptions& options);

// A usage failure unless there is one login for the URL.
Outcome<void> CheckReloadOptions(const ReloadOptions& options);

// What a reloading thread uses; it outlives Execute.
class GrafanaReload {
 public:
  // Over the connection of `client`, with calls that end in time.
  static Outcome<std::unique_ptr<GrafanaReload>> Create(const Session& session, const client::Client& client,
                                                        const ReloadOptions& options, const std::string& tenant);
  // Create's.
  GrafanaReload(std::unique_ptr<client::Client> client, const ReloadOptions& options, const std::string& tenant);
  GrafanaReload(const GrafanaReload&) = delete;
  GrafanaReload& operator=(const GrafanaReload&) = delete;
  // Has `run` reload, once files and login can be read and the vault lists versions.
  Outcome<void> Join(grafana::PreparedRun& run);

 private:
  const std::unique_ptr<client::Client> client_;
  const ReloadOptions options_;
  GrafanaVault vault_;
  grafana::AdminApi api_;
  const SystemClock clock_;
};

}  // namespace coffer::cli
