// RpcServer: one gRPC server a principal of a unix socket, one for mutual TLS, one for tokens over TLS. It takes
// connections that were accepted elsewhere, or listens on TCP itself.
#pragma once

#include <chrono>
#include <memory>

#include "io/unique_fd.h"
#include "keysvc/rpc/caller_source.h"
#include "keysvc/rpc/held_refusals.h"
#include "keysvc/rpc/tls_credentials.h"
#include "keysvc/rpc/work_pool.h"
#include "keysvc/service/access_service.h"
#include "keysvc/service/admin_service.h"
#include "keysvc/service/audit_service.h"
#include "keysvc/service/field_service.h"
#include "keysvc/service/identity_service.h"
#include "keysvc/service/key_service.h"
#include "keysvc/service/operator_service.h"
#include "keysvc/service/secret_service.h"

namespace coffer::keysvc {

// The services that every server offers. All must outlive the servers.
struct Services {
  const FieldService& fields;
  const KeyService& keys;
  const SecretService& secrets;
  const AdminService& admin;
  const OperatorService& operators;
  const AccessService& access;
  const IdentityService& identity;
  const AuditService& audit;
  WorkPool& pool;
  WorkPool& audit_pool;  // reads through the audit log, which may take long
  HeldRefusals& refusals;
  const Pipeline& pipeline;
  const Barrier& barrier;   // whose store knows tokens and denied certificates
  const Clock& clock;       // against which certificates expire
  bool reflection = false;  // gRPC's, for `cofferd dev` only
  std::shared_ptr<RefusedIdentities> refused = std::make_shared<RefusedIdentities>();
};

// A listener with TLS 1.3 whose clients have no certificate, but tokens.
struct TokenListener {
  std::string name;         // that tokens of the service's own are bound to
  std::string listen;       // "host:port"
  std::string certificate;  // as TlsFiles'
  std::string key;
  std::vector<JwtTrust> trusts;  // may be empty
};

// Thread-safe.
class RpcServer {
 public:
  // For connections of one caller, handed in by Adopt.
  static Result<std::unique_ptr<RpcServer>> ForCaller(const Services& services, Caller caller);
  // Listens with mutual TLS 1.3. kInvalidArgument: the files do not make a server, or the address cannot be listened
  // on.
  static Result<std::unique_ptr<RpcServer>> ForTls(const Services& services, const TlsFiles& files);
  // The same for tokens; and as JwtCallers::Start.
  static Result<std::unique_ptr<RpcServer>> ForTokens(const Services& services, TokenListener listener);
  ~RpcServer();

  // Serves a connected, non-blocking socket. Only for ForCaller.
  void Adopt(UniqueFd connection);
  // What the health service answers; "not serving" until told.
  void SetServing(bool serving);
  // Takes no new calls, lets those that run end for up to `patience`, then cuts them.
  void Shutdown(std::chrono::milliseconds patience);
  int port() const;  // of TCP; 0 otherwise

 private:
  struct State;
  // `config_key` is what an address that cannot be had is blamed on.
  static Result<std::unique_ptr<RpcServer>> Listen(std::unique_ptr<State> state, const std::string& address,
                                                   std::shared_ptr<grpc::ServerCredentials> credentials,
                                                   std::string_view config_key);
  explicit RpcServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace coffer::keysvc
