// CallerSource: who is calling, from what the transport proved. Never from metadata.
//
// A unix connection is handed, after SO_PEERCRED was read, to a server of its own for (role, uid), so its caller is
// fixed before the first byte is parsed; gRPC tells a handler no peer uid. A TLS connection's caller is its
// certificate's one URI SAN.
#pragma once

#include <variant>

#include <grpcpp/grpcpp.h>

#include "keysvc/service/call.h"

namespace coffer::keysvc {

// Thread-safe.
class CallerSource {
 public:
  static CallerSource Fixed(Caller caller) { return CallerSource(std::move(caller)); }
  static CallerSource Certificates(std::string trust_domain) { return CallerSource(std::move(trust_domain)); }

  // kUnauthenticated: not exactly one URI SAN, or not one of our trust domain's.
  Result<Caller> Of(const grpc::CallbackServerContext& context) const;

 private:
  explicit CallerSource(std::variant<Caller, std::string> source) : source_(std::move(source)) {}
  std::variant<Caller, std::string> source_;  // a fixed caller, or the trust domain
};

}  // namespace coffer::keysvc
