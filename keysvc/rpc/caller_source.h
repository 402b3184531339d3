// CallerSource: who is calling, from what the transport proved. Never from metadata, but for a token that is verified.
//
// A unix connection is handed, after SO_PEERCRED was read, to a server of its own for (role, uid), so its caller is
// fixed before the first byte is parsed; gRPC tells a handler no peer uid. A TLS connection's caller is its
// certificate's one URI SAN; on the listener for tokens it is whom a JSON Web Token stands for.
#pragma once

#include <memory>
#include <variant>

#include <grpcpp/grpcpp.h>

#include "keysvc/rpc/certificate_callers.h"
#include "keysvc/rpc/jwt_callers.h"
#include "keysvc/rpc/refused_identities.h"

namespace coffer::keysvc {

// Thread-safe.
class CallerSource {
 public:
  static CallerSource Fixed(Caller caller) { return {std::move(caller), nullptr}; }
  // `clock` must outlive it. Who is refused is noted in `refused`.
  static CallerSource Certificates(std::string trust_domain, const Clock& clock,
                                   std::shared_ptr<RefusedIdentities> refused) {
    return {std::make_unique<CertificateCallers>(std::move(trust_domain), clock), std::move(refused)};
  }
  static CallerSource Tokens(std::unique_ptr<const JwtCallers> callers, std::shared_ptr<RefusedIdentities> refused) {
    return {std::move(callers), std::move(refused)};
  }

  // kUnauthenticated: as CertificateCallers::Of and JwtCallers::Of.
  Result<Caller> Of(const grpc::CallbackServerContext& context) const;

 private:
  using Source = std::variant<Caller, std::unique_ptr<const CertificateCallers>, std::unique_ptr<const JwtCallers>>;
  CallerSource(Source source, std::shared_ptr<RefusedIdentities> refused)
      : source_(std::move(source)), refused_(std::move(refused)) {}
  Result<Caller> OfCertificate(const grpc::CallbackServerContext& context) const;

  Source source_;
  std::shared_ptr<RefusedIdentities> refused_;  // null: nobody is refused
};

}  // namespace coffer::keysvc
