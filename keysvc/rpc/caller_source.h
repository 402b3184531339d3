// CallerSource: who is calling, from what the transport proved. Never from metadata, but for a token that is verified.
//
// A unix connection is handed, after SO_PEERCRED was read, to a server of its own for (role, uid), so its caller is
// fixed before the first byte is parsed; gRPC tells a handler no peer uid. A TLS connection's caller is its
// certificate's one URI SAN; on the listener for tokens it is whom the token stands for.
#pragma once

#include <memory>
#include <variant>

#include <grpcpp/grpcpp.h>

#include "keysvc/rpc/certificate_callers.h"
#include "keysvc/rpc/refused_identities.h"
#include "keysvc/rpc/token_callers.h"

namespace coffer::keysvc {

// Thread-safe.
class CallerSource {
 public:
  static CallerSource Fixed(Caller caller) { return {std::move(caller), nullptr}; }
  // Who is refused is noted in `refused`.
  static CallerSource Certificates(std::unique_ptr<const CertificateCallers> callers,
                                   std::shared_ptr<RefusedIdentities> refused) {
    return {std::move(callers), std::move(refused)};
  }
  static CallerSource Tokens(std::unique_ptr<const TokenCallers> callers, std::shared_ptr<RefusedIdentities> refused) {
    return {std::move(callers), std::move(refused)};
  }

  // Errors of CertificateCallers::Of and TokenCallers::Of.
  Result<Caller> Of(const grpc::CallbackServerContext& context) const;

 private:
  using Source = std::variant<Caller, std::unique_ptr<const CertificateCallers>, std::unique_ptr<const TokenCallers>>;
  CallerSource(Source source, std::shared_ptr<RefusedIdentities> refused)
      : source_(std::move(source)), refused_(std::move(refused)) {}
  Result<Caller> OfCertificate(const grpc::CallbackServerContext& context) const;

  Source source_;
  std::shared_ptr<RefusedIdentities> refused_;  // null: nobody is refused
};

}  // namespace coffer::keysvc
