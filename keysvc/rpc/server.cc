#include "keysvc/rpc/server.h"

#include <fcntl.h>

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>

#include "keysvc/rpc/access_door.h"
#include "keysvc/rpc/admin_door.h"
#include "keysvc/rpc/audit_door.h"
#include "keysvc/rpc/field_door.h"
#include "keysvc/rpc/identity_door.h"
#include "keysvc/rpc/key_door.h"
#include "keysvc/rpc/secret_door.h"

namespace coffer::keysvc {
namespace {

// gRPC answers what is larger with RESOURCE_EXHAUSTED; our own, lower limits answer INVALID_ARGUMENT.
constexpr int kMaxMessageBytes = 16 << 20;
constexpr int kMaxStreams = 256;  // at once, a connection; gRPC closes the connection that has more
constexpr int kMaxMetadataBytes = 16 << 10;
// What the connections of one server, so of one local caller or of all of a TCP port, may hold. Beyond it gRPC cancels
// calls of theirs with RESOURCE_EXHAUSTED and closes their idle connections; it may be a third over for a moment.
constexpr std::size_t kTransportBytes = std::size_t{256} << 20;
// gRPC 1.51 has no deadline for the rest of a message: a call that is never sent whole ends with its connection. It
// varies the age by a tenth.
constexpr int kConnectionAgeMs = 10 * 60 * 1000;
constexpr int kConnectionGraceMs = 60 * 1000;
constexpr int kHandshakeMs = 20 * 1000;

void SetLimits(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota;
  quota.Resize(kTransportBytes);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kConnectionAgeMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kConnectionGraceMs);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

// Whatever links gRPC's reflection library has reflection in every server: its static initialiser registers the plugin.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const auto& plugin) { return plugin->name() == "proto_server_reflection"; });
  }
};

}  // namespace

struct RpcServer::State {
  State(const Services& services, CallerSource source)
      : callers(std::move(source)),
        fields(services.fields, ContextOf(services, services.pool)),
        keys(services.keys, ContextOf(services, services.pool)),
        secrets(services.secrets, ContextOf(services, services.pool)),
        admin(services.admin, services.operators, ContextOf(services, services.pool)),
        access(services.access, ContextOf(services, services.pool)),
        identity(services.identity, ContextOf(services, services.pool)),
        audit(services.audit, ContextOf(services, services.pool), ContextOf(services, services.audit_pool)),
        reflection(services.reflection) {}

  DoorContext ContextOf(const Services& services, WorkPool& pool) const {
    return {callers, pool, services.refusals, services.pipeline, services.clock};
  }

  Status Start(grpc::ServerBuilder& builder) {
    SetLimits(builder);
    if (reflection) {
      grpc::reflection::InitProtoReflectionServerBuilderPlugin();  // once more does no harm
    } else {
      builder.SetOption(std::make_unique<WithoutReflection>());
    }
    grpc::EnableDefaultHealthCheckService(true);  // of servers built from now on; they are built by one thread
    builder.RegisterService(&fields);
    builder.RegisterService(&keys);
    builder.RegisterService(&secrets);
    builder.RegisterService(&admin);
    builder.RegisterService(&access);
    builder.RegisterService(&identity);
    builder.RegisterService(&audit);
    server = builder.BuildAndStart();
    if (server == nullptr)
      return Error(ErrorCode::kInvalidArgument, "the server cannot be started: see the log for gRPC's reason");
    SetServing(false);
    return {};
  }

  void SetServing(bool serving) {
    grpc::HealthCheckServiceInterface* health = server->GetHealthCheckService();
    COFFER_CHECK(health != nullptr);
    health->SetServingStatus(serving);
  }

  CallerSource callers;
  FieldDoor fields;
  KeyDoor keys;
  SecretDoor secrets;
  AdminDoor admin;
  AccessDoor access;
  IdentityDoor identity;
  AuditDoor audit;
  const bool reflection;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

RpcServer::RpcServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

RpcServer::~RpcServer() { Shutdown(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<RpcServer>> RpcServer::ForCaller(const Services& services, Caller caller) {
  auto state = std::make_unique<State>(services, CallerSource::Fixed(std::move(caller)));
  grpc::ServerBuilder builder;
  state->acceptor = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::experimental::LocalServerCredentials(UDS));
  COFFER_TRY(state->Start(builder));
  return std::unique_ptr<RpcServer>(new RpcServer(std::move(state)));
}

Result<std::unique_ptr<RpcServer>> RpcServer::ForTls(const Services& services, const TlsFiles& files) {
  auto callers = std::make_unique<const CertificateCallers>(files.trust_domain, services.clock,
                                                            [&barrier = services.barrier] { return barrier.denied(); });
  auto state = std::make_unique<State>(services, CallerSource::Certificates(std::move(callers), services.refused));
  return Listen(std::move(state), files.listen, MakeTlsCredentials(files, services.refused), "tcp.listen");
}

Result<std::unique_ptr<RpcServer>> RpcServer::ForTokens(const Services& services, TokenListener listener) {
  COFFER_ASSIGN_OR_RETURN(auto jwts, JwtCallers::Start(std::move(listener.trusts), services.clock));
  auto callers = std::make_unique<const TokenCallers>(listener.name, services.barrier, std::move(jwts));
  auto state = std::make_unique<State>(services, CallerSource::Tokens(std::move(callers), services.refused));
  return Listen(std::move(state), listener.listen, MakeServerTlsCredentials(listener.certificate, listener.key),
                "tokens.listen");
}

Result<std::unique_ptr<RpcServer>> RpcServer::Listen(std::unique_ptr<State> state, const std::string& address,
                                                     std::shared_ptr<grpc::ServerCredentials> credentials,
                                                     std::string_view config_key) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, std::move(credentials), &state->port);
  COFFER_TRY(state->Start(builder));
  if (state->port == 0) return Error(ErrorCode::kInvalidArgument, "cannot be listened on").At(config_key);
  return std::unique_ptr<RpcServer>(new RpcServer(std::move(state)));
}

void RpcServer::Adopt(UniqueFd connection) {
  COFFER_CHECK(state_->acceptor != nullptr);
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
  parameters.fd = connection.Release();
  state_->acceptor->HandleNewConnection(&parameters);
}

void RpcServer::SetServing(bool serving) { state_->SetServing(serving); }

void RpcServer::Shutdown(std::chrono::milliseconds patience) {
  state_->server->Shutdown(std::chrono::system_clock::now() + patience);
  state_->server->Wait();
}

int RpcServer::port() const { return state_->port; }

}  // namespace coffer::keysvc
