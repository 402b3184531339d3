#include "client/channel.h"

#include <cstdlib>
#include <mutex>
#include <unistd.h>

#include <grpcpp/security/credentials.h>

#include "client/bearer_token.h"
#include "crypto/ids.h"
#include "io/directory.h"
#include "io/file.h"
#include "io/unix_socket.h"

namespace coffer::client {
namespace {

constexpr std::uint64_t kMaxPem = std::uint64_t{1} << 20;
constexpr std::string_view kErrorKey = "coffer-error";
constexpr std::string_view kAskedKey = "coffer-approval-asked";

// gRPC 1.51 has no setting for the lowest TLS version; with a TLS 1.2 cipher that no certificate can use, 1.3 is all
// that is left.
void RestrictToTls13() {
  static std::once_flag once;
  std::call_once(once, [] { setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES256-GCM-SHA384", 1); });
}

RpcError Nobody(const ServerAddress& server, std::string_view why) {
  return RpcError(ErrorCode::kUnavailable, "no service at " + server.ToText() + std::string(why));
}

// Where others may write beside the socket, one of them could answer on it and take what callers send: the other end
// must be root, ourselves, or the owner of the folder.
bool IsTrustedPeer(const std::string& socket, const UniqueFd& connection) {
  const auto peer = PeerUid(connection.get());
  if (!peer.ok()) return false;
  if (*peer == 0 || *peer == geteuid()) return true;
  const std::size_t slash = socket.rfind('/');
  const auto folder = FactsOf(socket.substr(0, slash + 1) + ".");
  return folder.ok() && folder->owner == *peer;
}

// Asks the socket itself first, because it says why it does not answer and gRPC does not.
RpcResult<void> ProbeSocket(const ServerAddress& server) {
  const auto probe = ConnectUnix(server.path());
  if (probe.ok()) {
    if (IsTrustedPeer(server.path(), *probe)) return {};
    return RpcError(ErrorCode::kPermissionDenied,
                    "whoever answers on " + server.ToText() + " is neither root, nor you, nor the folder's owner");
  }
  switch (probe.error().code()) {
    case ErrorCode::kPermissionDenied:
      return RpcError(ErrorCode::kPermissionDenied, "this user may not use " + server.ToText());
    case ErrorCode::kNotFound:
      return Nobody(server, "");
    default:
      return Nobody(server, ": nobody answers on the socket");
  }
}

// gRPC takes a URI.
std::string EscapedPath(std::string_view path) {
  constexpr std::string_view kPlain = "/._-~";
  std::string escaped;
  for (const char c : path) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || kPlain.find(c) != kPlain.npos) {
      escaped += c;
    } else {
      escaped += '%' + ToHex(AsBytes(std::string_view(&c, 1)));
    }
  }
  return escaped;
}

std::string TargetOf(const ServerAddress& server) {
  if (server.kind() == ServerAddress::Kind::kTls) return "dns:///" + server.ToText();
  return "unix:" + EscapedPath(server.path());
}

Result<std::string> ReadPem(const std::string& path, std::string_view option) {
  if (path.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "a TLS address needs a CA file, and a certificate file with its key file or a token file")
        .At(option);
  }
  COFFER_ASSIGN_OR_RETURN(const Bytes pem, ReadFile(path, kMaxPem));
  return std::string(AsText(pem));
}

// The token itself goes with each call; here it is only seen to be there.
Status CheckToken(const TlsFiles& files) {
  if (!files.certificate.empty() || !files.key.empty()) {
    return Error(ErrorCode::kInvalidArgument, "stands instead of a certificate and its key, not beside them")
        .At("token-file");
  }
  COFFER_TRY(ReadBearerToken(files.token));
  return {};
}

Result<std::shared_ptr<grpc::ChannelCredentials>> TlsCredentials(const TlsFiles& files) {
  grpc::SslCredentialsOptions options;
  COFFER_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(files.ca, "tls-ca"));
  if (!files.token.empty()) {
    COFFER_TRY(CheckToken(files));
    return grpc::SslCredentials(options);
  }
  COFFER_ASSIGN_OR_RETURN(options.pem_cert_chain, ReadPem(files.certificate, "tls-cert"));
  if (files.key.empty()) COFFER_TRY(ReadPem(files.key, "tls-key"));
  COFFER_ASSIGN_OR_RETURN(const SecretBytes key, ReadSecretFile(files.key, kMaxPem, SecretFileReaders::kGroupToo));
  options.pem_private_key = AsText(key.Expose(SecretAccess::kCipher));
  auto credentials = grpc::SslCredentials(options);
  Wipe(AsMutableBytes(options.pem_private_key));
  return credentials;
}

Result<std::shared_ptr<grpc::ChannelCredentials>> CredentialsFor(const ServerAddress& server, const TlsFiles& files) {
  if (server.kind() == ServerAddress::Kind::kTls) return TlsCredentials(files);
  if (!files.token.empty()) {
    return Error(ErrorCode::kInvalidArgument, "is for a TLS address, host:port: a token is not sent over a unix socket")
        .At("token-file");
  }
  return grpc::experimental::LocalCredentials(UDS);
}

grpc::ChannelArguments ArgumentsFor(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  // Repeats are ours: gRPC cannot know which calls may be sent twice.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  // Without it two clients of one address would share a connection, and so an identity.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  return arguments;
}

// The first failed attempt is an answer: whoever starts a client wants to know now.
RpcResult<void> WaitForFirstConnection(grpc::Channel& channel, const ServerAddress& server, TimePoint deadline) {
  for (auto state = channel.GetState(true); state != GRPC_CHANNEL_READY; state = channel.GetState(true)) {
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
      return Nobody(server, server.kind() == ServerAddress::Kind::kTls
                                ? ", or it and we do not trust each other's certificates"
                                : "");
    }
    if (!channel.WaitForStateChange(state, deadline)) return Nobody(server, " within the time allowed");
  }
  return {};
}

ErrorCode CodeOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
      return ErrorCode::kInvalidArgument;
    case grpc::StatusCode::UNAUTHENTICATED:
      return ErrorCode::kUnauthenticated;
    case grpc::StatusCode::PERMISSION_DENIED:
      return ErrorCode::kPermissionDenied;
    case grpc::StatusCode::NOT_FOUND:
      return ErrorCode::kNotFound;
    case grpc::StatusCode::ALREADY_EXISTS:
      return ErrorCode::kAlreadyExists;
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::UNIMPLEMENTED:
      return ErrorCode::kFailedPrecondition;
    case grpc::StatusCode::ABORTED:
      return ErrorCode::kConflict;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::CANCELLED:
      return ErrorCode::kUnavailable;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return ErrorCode::kResourceExhausted;
    case grpc::StatusCode::DATA_LOSS:
      return ErrorCode::kIntegrity;
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace

RpcResult<std::shared_ptr<grpc::Channel>> OpenChannel(const ServerAddress& server, const ClientOptions& options) {
  RestrictToTls13();
  COFFER_ASSIGN_OR_RETURN(const auto credentials, CredentialsFor(server, options.tls));
  if (server.kind() == ServerAddress::Kind::kSocket) COFFER_TRY(ProbeSocket(server));
  auto channel = grpc::CreateCustomChannel(TargetOf(server), credentials, ArgumentsFor(options));
  COFFER_TRY(WaitForFirstConnection(*channel, server, std::chrono::system_clock::now() + options.deadline));
  return channel;
}

RpcError ErrorOf(const grpc::Status& status, const grpc::ClientContext& context) {
  const auto& trailer = context.GetServerTrailingMetadata();
  const auto said = trailer.find(grpc::string_ref(kErrorKey.data(), kErrorKey.size()));
  if (said != trailer.end()) {
    const auto code = ParseErrorCode({said->second.data(), said->second.size()});
    RpcError error(code.value_or(CodeOf(status.error_code())), status.error_message(), true);
    const auto asked = trailer.find(grpc::string_ref(kAskedKey.data(), kAskedKey.size()));
    if (asked != trailer.end()) {
      const Result<Uuid> id = Uuid::Parse({asked->second.data(), asked->second.size()});
      if (id.ok()) error.asked = id->ToText();
    }
    return error;
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return RpcError(ErrorCode::kUnavailable, "no answer within the time allowed");
  }
  return RpcError(CodeOf(status.error_code()), status.error_message());
}

}  // namespace coffer::client
