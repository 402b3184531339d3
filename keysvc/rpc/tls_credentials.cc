#include "keysvc/rpc/tls_credentials.h"

#include <stdlib.h>

#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <spdlog/spdlog.h>

#include "keysvc/rpc/certificate_callers.h"

namespace coffer::keysvc {
namespace {

constexpr unsigned kCertificateRefreshSeconds = 1;

// After a handshake, a resumed one too. It refers to nothing of the server, because a handshake can outlive that: what
// it notes in is its own as well. Nobody tells it the peer's address.
class RoleNames final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  RoleNames(std::string trust_domain, std::shared_ptr<RefusedIdentities> refused)
      : trust_domain_(std::move(trust_domain)), refused_(std::move(refused)) {}

  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* verdict) override {
    std::vector<std::string_view> uris;
    for (const grpc::string_ref& uri : request->uri_names()) uris.emplace_back(uri.data(), uri.size());
    const Result<policy::Principal> principal = PrincipalOfNames(uris, trust_domain_);
    if (!principal.ok()) {
      const std::string failure = principal.error().ToString();
      spdlog::warn("refused a TLS connection: {}", failure);
      refused_->Note({.authentication = audit::Authentication::kCertificate, .failure = failure});
      *verdict = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "no role's certificate");
    }
    return true;  // done
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::string trust_domain_;
  const std::shared_ptr<RefusedIdentities> refused_;
};

}  // namespace

void AllowTls13Only() {
  // A list that TLS 1.2 cannot use with certificates; TLS 1.3 has its own list, which this does not touch.
  setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES256-GCM-SHA384", 1);
}

std::shared_ptr<grpc::ServerCredentials> MakeTlsCredentials(const TlsFiles& files,
                                                            std::shared_ptr<RefusedIdentities> refused) {
  using grpc::experimental::ExternalCertificateVerifier;
  auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.client_ca, kCertificateRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions options(provider);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.set_certificate_verifier(
      ExternalCertificateVerifier::Create<RoleNames>(files.trust_domain, std::move(refused)));
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> MakeServerTlsCredentials(const std::string& certificate,
                                                                  const std::string& key) {
  auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(key, certificate,
                                                                                       kCertificateRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  return grpc::experimental::TlsServerCredentials(options);
}

}  // namespace coffer::keysvc
