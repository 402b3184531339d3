// SecureValueServer: the gRPC server that an unmodified Grafana is pointed at.
#pragma once

#include <memory>

#include "plugins/grafana/securevalues/door_context.h"

namespace coffer::grafana {

struct ServerOptions {
  std::string listen;       // "address:port"; port 0: a free one
  std::string certificate;  // PEM chain; re-read each second, as a pair with the key; empty: no TLS
  std::string key;
  std::string client_ca;  // whose certificates Grafana must have one of; empty: it needs none
};

// Ok when the address's host is 127.0.0.0/8 or ::1, which nobody else on the network can listen to.
// kInvalidArgument: another one.
Status CheckLoopback(const std::string& listen);

// Thread-safe. Also answers gRPC's health service.
class SecureValueServer {
 public:
  // Calls at once; beyond them gRPC answers RESOURCE_EXHAUSTED.
  static constexpr int kMaxThreads = 32;

  // Listens, with TLS 1.3 alone: an existing client::Client has seen to that. kInvalidArgument: the address; without
  // TLS, one that is not loopback; a key without a certificate and the like. As ReadFile of the files. kUnavailable: it
  // cannot be listened there.
  static Result<std::unique_ptr<SecureValueServer>> Start(const ServerOptions& options, const DoorContext& context);
  ~SecureValueServer();
  SecureValueServer(const SecureValueServer&) = delete;
  SecureValueServer& operator=(const SecureValueServer&) = delete;

  int port() const;
  // Takes no new calls, lets those that run end for up to `patience`, then cuts them.
  void Shutdown(std::chrono::milliseconds patience);

  struct State;
  explicit SecureValueServer(std::unique_ptr<State> state);  // Start's

 private:
  std::unique_ptr<State> state_;
};

}  // namespace coffer::grafana
