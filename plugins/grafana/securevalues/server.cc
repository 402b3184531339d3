#include "plugins/grafana/securevalues/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "io/file.h"
#include "plugins/grafana/securevalues/doors.h"

namespace coffer::grafana {
namespace {

constexpr int kMaxRequestBytes = 256 * 1024;  // names and one value fit several times
constexpr int kMaxMetadataBytes = 16 * 1024;
constexpr int kMaxStreams = 128;  // at once, a connection
constexpr int kHandshakeMs = 20'000;
// Grafana's client connects again by itself. Who only holds connections open keeps nobody else out for long.
constexpr int kMaxIdleMs = 30'000;
constexpr int kMaxAgeMs = 600'000;
constexpr int kMaxAgeGraceMs = 40'000;
constexpr std::size_t kTransportBytes = std::size_t{64} << 20;
constexpr std::uint64_t kMaxPem = std::uint64_t{1} << 20;
constexpr unsigned kCertificateRefreshSeconds = 1;

Error Bad(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

// gRPC would only log what is wrong with a file.
Status CheckFiles(const ServerOptions& options) {
  COFFER_TRY(ReadFile(options.certificate, kMaxPem));
  COFFER_TRY(ReadSecretFile(options.key, kMaxPem, SecretFileReaders::kGroupToo));
  if (!options.client_ca.empty()) COFFER_TRY(ReadFile(options.client_ca, kMaxPem));
  return {};
}

std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const ServerOptions& options) {
  using grpc::experimental::FileWatcherCertificateProvider;
  const auto provider = options.client_ca.empty()
                            ? std::make_shared<FileWatcherCertificateProvider>(options.key, options.certificate,
                                                                               kCertificateRefreshSeconds)
                            : std::make_shared<FileWatcherCertificateProvider>(
                                  options.key, options.certificate, options.client_ca, kCertificateRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions tls(provider);
  tls.watch_identity_key_cert_pairs();
  if (options.client_ca.empty()) {
    tls.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  } else {
    tls.watch_root_certs();
    tls.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(tls);
}

Result<std::shared_ptr<grpc::ServerCredentials>> CredentialsFor(const ServerOptions& options) {
  COFFER_TRY(HostAndPort::Parse(options.listen));
  if (options.certificate.empty() != options.key.empty()) return Bad("a certificate and its key go together");
  if (!options.certificate.empty()) {
    COFFER_TRY(CheckFiles(options));
    return TlsCredentials(options);
  }
  if (!options.client_ca.empty()) return Bad("client certificates need a certificate of the server's own");
  COFFER_TRY(CheckLoopback(options.listen));
  return grpc::InsecureServerCredentials();
}

void SetLimits(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota;
  quota.Resize(kTransportBytes);
  quota.SetMaxThreads(SecureValueServer::kMaxThreads);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kMaxIdleMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kMaxAgeMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kMaxAgeGraceMs);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace

Status CheckLoopback(const std::string& listen) {
  COFFER_ASSIGN_OR_RETURN(const HostAndPort address, HostAndPort::Parse(listen));
  in_addr four = {};
  in6_addr six = {};
  const bool loopback = inet_pton(AF_INET, address.host.c_str(), &four) == 1
                            ? (ntohl(four.s_addr) >> 24U) == IN_LOOPBACKNET
                            : inet_pton(AF_INET6, address.host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six) != 0;
  if (loopback) return {};
  return Bad("without TLS only an address of this host alone is listened on, 127.0.0.1 or [::1]");
}

struct SecureValueServer::State {
  std::vector<std::unique_ptr<grpc::Service>> doors;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

SecureValueServer::SecureValueServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

SecureValueServer::~SecureValueServer() { Shutdown(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<SecureValueServer>> SecureValueServer::Start(const ServerOptions& options,
                                                                    const DoorContext& context) {
  COFFER_ASSIGN_OR_RETURN(auto credentials, CredentialsFor(options));
  auto state = std::make_unique<State>();
  state->doors = MakeDoors(context);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  SetLimits(builder);
  builder.AddListeningPort(options.listen, std::move(credentials), &state->port);
  for (const auto& door : state->doors) builder.RegisterService(door.get());
  state->server = builder.BuildAndStart();
  if (state->server == nullptr || state->port == 0) {
    return Error(ErrorCode::kUnavailable, "cannot be listened on: another process does, or the address is not ours");
  }
  return std::make_unique<SecureValueServer>(std::move(state));
}

int SecureValueServer::port() const { return state_->port; }

void SecureValueServer::Shutdown(std::chrono::milliseconds patience) {
  state_->server->Shutdown(std::chrono::system_clock::now() + patience);
  state_->server->Wait();
}

}  // namespace coffer::grafana
