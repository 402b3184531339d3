// What a TLS server of ours is made with: TLS 1.3, certificates that are read again when they change, and clients with
// a role's certificate only, or, where tokens tell who they are, with none.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/security/server_credentials.h>

#include "keysvc/rpc/refused_identities.h"

namespace coffer::keysvc {

struct TlsFiles {
  std::string listen;       // "host:port"
  std::string certificate;  // PEM chain; re-read each second, as a pair with the key
  std::string key;
  std::string client_ca;  // whose certificates are believed
  std::string trust_domain;
};

// Leaves TLS 1.3 only, for every connection of the process: gRPC 1.51 has no other way to set a minimum. Call before
// the first use of gRPC, while the process has one thread.
void AllowTls13Only();

// For one server: gRPC 1.51 aborts when the same options make credentials twice. A client without a certificate of
// `client_ca`, or whose certificate has no role's name, does not get through the handshake; the latter is logged, and
// noted in `refused`.
std::shared_ptr<grpc::ServerCredentials> MakeTlsCredentials(const TlsFiles& files,
                                                            std::shared_ptr<RefusedIdentities> refused);

// For one server that asks its clients for no certificate.
std::shared_ptr<grpc::ServerCredentials> MakeServerTlsCredentials(const std::string& certificate,
                                                                  const std::string& key);

}  // namespace coffer::keysvc
