#include "io/unix_socket.h"

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/directory.h"
#include "io/internal/path.h"
#include "io/system_error.h"

namespace coffer {
namespace {

using internal::PathError;

static_assert(kMaxUnixPath + 1 == sizeof(sockaddr_un::sun_path));

Result<sockaddr_un> AddressOf(const std::string& path) {
  COFFER_TRY(internal::CheckPath(path));
  if (path.size() > kMaxUnixPath) {
    return Error(ErrorCode::kInvalidArgument, "is too long for a socket, in bytes").At(path).WithLimit(kMaxUnixPath);
  }
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), std::begin(address.sun_path));
  return address;
}

// The sockets interface takes every family through one pointer type.
const sockaddr* Generic(const sockaddr_un& address) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

UniqueFd NewSocket(int extra_flags) { return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | extra_flags, 0)); }

// True when a connection is taken or would be (its queue is full). An error when this cannot be told.
Result<bool> SomebodyAnswers(const std::string& path, const sockaddr_un& address) {
  const UniqueFd probe = NewSocket(SOCK_NONBLOCK);
  if (!probe.valid()) return SystemError(errno);
  if (connect(probe.get(), Generic(address), sizeof(address)) == 0) return true;
  if (errno == EAGAIN || errno == EINPROGRESS) return true;
  if (errno == ECONNREFUSED || errno == ENOENT) return false;
  return PathError(errno, path);
}

Status RemoveStaleSocket(const std::string& path, const sockaddr_un& address) {
  const auto facts = FactsOf(path);
  if (!facts.ok() && facts.error().code() == ErrorCode::kNotFound) return {};
  if (!facts.ok()) return facts.error();
  if (facts->kind != FileKind::kSocket) {
    return Error(ErrorCode::kAlreadyExists, "should be a socket and is something else").At(path);
  }
  if (facts->owner != geteuid()) return Error(ErrorCode::kPermissionDenied, "is a socket of another user").At(path);
  COFFER_ASSIGN_OR_RETURN(const bool answered, SomebodyAnswers(path, address));
  if (answered) return Error(ErrorCode::kAlreadyExists, "is a socket that another process answers on").At(path);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return PathError(errno, path);
  return {};
}

}  // namespace

Result<UniqueFd> ListenUnix(const std::string& path, mode_t mode) {
  COFFER_ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  COFFER_TRY(RemoveStaleSocket(path, address));
  UniqueFd listener = NewSocket(SOCK_NONBLOCK);
  if (!listener.valid()) return SystemError(errno);
  if (bind(listener.get(), Generic(address), sizeof(address)) != 0) {
    return PathError(errno == EADDRINUSE ? EEXIST : errno, path);
  }
  // Until listen, every connection is refused: the mode that the umask left is never in effect.
  if (chmod(path.c_str(), mode) != 0 || listen(listener.get(), SOMAXCONN) != 0) {
    const int error = errno;
    unlink(path.c_str());
    return PathError(error, path);
  }
  return listener;
}

Result<UniqueFd> ConnectUnix(const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  UniqueFd connection = NewSocket(0);
  if (!connection.valid()) return SystemError(errno);
  while (connect(connection.get(), Generic(address), sizeof(address)) != 0) {
    if (errno != EINTR) return PathError(errno, path);
  }
  return connection;
}

Result<UniqueFd> AcceptUnix(int listener) {
  for (;;) {
    UniqueFd connection(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.valid()) return connection;
    if (errno == EAGAIN) return UniqueFd();
    if (errno != EINTR && errno != ECONNABORTED) return SystemError(errno);
  }
}

Result<PeerCredentials> PeerOf(int fd) {
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return SystemError(errno);
  // Sockets of other families, and unconnected ones, answer with no process.
  if (size != sizeof(peer) || peer.pid == 0 || peer.uid == static_cast<uid_t>(-1)) {
    return Error(ErrorCode::kFailedPrecondition, "the connection does not say which process is on its other end");
  }
  return PeerCredentials{peer.uid, peer.gid, peer.pid};
}

Result<uid_t> PeerUid(int fd) {
  COFFER_ASSIGN_OR_RETURN(const PeerCredentials peer, PeerOf(fd));
  return peer.uid;
}

}  // namespace coffer
