// Daemon: cofferd put together. Store, barrier, pipeline, services, servers, sockets; started in that order, stopped in
// the reverse one.
#pragma once

#include <memory>

#include "keysvc/config.h"

namespace coffer::keysvc {

// Start and Stop from one thread.
class Daemon {
 public:
  // Takes the data folder (made when absent), opens the store, unseals with the configured key file if there is one,
  // and listens. kUnavailable: another process has the folder. `memory_locked` is only shown in the status.
  static Result<std::unique_ptr<Daemon>> Start(const Config& config, bool memory_locked);
  // Stop().
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // For `cofferd dev`: initialises the empty store with a key file in the data folder.
  Status InitThrowaway();
  int tcp_port() const;  // 0: none

  // No new connections, running calls end within 10 s or are cut, keys are wiped.
  void Stop();

 private:
  struct State;
  explicit Daemon(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace coffer::keysvc
