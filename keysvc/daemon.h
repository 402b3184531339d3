// Daemon: cofferd put together. Store, barrier, pipeline, services, servers, sockets; started in that order, stopped in
// the reverse one.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "keysvc/config.h"

namespace coffer::keysvc {

// A folder of the configuration that cannot be used.
struct FolderRefusal {
  std::string_view key;  // which one: "data_dir"
  Error error;           // with the folder's path
};

// Makes the data folder when it is absent, and checks that nobody else can put another store or another service in a
// folder's place. Nothing: both can be used.
std::optional<FolderRefusal> CheckFolders(const Config& config);

// Start and Stop from one thread.
class Daemon {
 public:
  // Checks the folders as CheckFolders does, takes the data folder, opens the store, unseals with the configured key
  // file if there is one, and listens. kUnavailable: another process has the folder. `memory_locked` is only shown in
  // the status.
  static Result<std::unique_ptr<Daemon>> Start(const Config& config, bool memory_locked);
  // Stop().
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // For `cofferd dev`: initialises the empty store with a key file in the data folder.
  Status InitThrowaway();
  int tcp_port() const;    // 0: none
  int token_port() const;  // 0: none
  // Why the service stops by itself: the audit log takes nothing any more. SIGTERM was sent to this process.
  std::optional<Error> failure() const;

  // No new connections, running calls end within 10 s or are cut, keys are wiped.
  void Stop();

 private:
  struct State;
  explicit Daemon(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace coffer::keysvc
