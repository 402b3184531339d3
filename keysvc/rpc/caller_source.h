// CallerSource: who is calling, from what the transport proved. Never from metadata.
//
// A unix connection is handed, after SO_PEERCRED was read, to a server of its own for (role, uid), so its caller is
// fixed before the first byte is parsed; gRPC tells a handler no peer uid. A TLS connection's caller is its
// certificate's one URI SAN.
#pragma once

#include <memory>
#include <variant>

#include <grpcpp/grpcpp.h>

#include "keysvc/rpc/certificate_callers.h"

namespace coffer::keysvc {

// Thread-safe.
class CallerSource {
 public:
  static CallerSource Fixed(Caller caller) { return CallerSource(std::move(caller)); }
  // `clock` must outlive it.
  static CallerSource Certificates(std::string trust_domain, const Clock& clock) {
    return CallerSource(std::make_unique<CertificateCallers>(std::move(trust_domain), clock));
  }

  // kUnauthenticated: as CertificateCallers::Of.
  Result<Caller> Of(const grpc::CallbackServerContext& context) const;

 private:
  using Source = std::variant<Caller, std::unique_ptr<const CertificateCallers>>;
  explicit CallerSource(Source source) : source_(std::move(source)) {}
  Source source_;
};

}  // namespace coffer::keysvc
