// Unix sockets: listen without a gap in permissions, accept, and know who is on the other end.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <thread>

#include "crypto/result.h"
#include "io/unique_fd.h"

namespace coffer {

// The longest path of a unix socket, in bytes (sun_path less its NUL).
inline constexpr std::size_t kMaxUnixPath = 107;

// Of the process that connected, as it was then (SO_PEERCRED).
struct PeerCredentials {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
};

// A non-blocking, close-on-exec stream socket that listens at `path` with exactly `mode`; nobody can connect before the
// mode is set. A socket file of ours that nobody answers on is removed first. kAlreadyExists: somebody answers there,
// or it is not a socket. kPermissionDenied: somebody else's socket, or the folder. kInvalidArgument: the path is empty
// or longer than kMaxUnixPath. Two processes that start at the same time need a DirLock. The file stays when the socket
// is closed.
Result<UniqueFd> ListenUnix(const std::string& path, mode_t mode);

// A blocking, close-on-exec stream socket connected to `path`. kUnavailable: nobody listens, or the queue is full.
Result<UniqueFd> ConnectUnix(const std::string& path);

// The next connection, non-blocking and close-on-exec; not valid() when none waits. kUnavailable: out of descriptors or
// memory.
Result<UniqueFd> AcceptUnix(int listener);

Result<PeerCredentials> PeerOf(int fd);
Result<uid_t> PeerUid(int fd);

// One thread that accepts connections and hands them on.
class UnixAcceptor {
 public:
  // Called on the acceptor's thread, one connection at a time; must not throw, block for long or destroy the acceptor.
  using Handler = std::function<void(UniqueFd connection, const PeerCredentials& peer)>;

  // kUnavailable: no thread or descriptor left. Out of descriptors later: connections wait in the queue, none is
  // dropped.
  static Result<std::unique_ptr<UnixAcceptor>> Start(UniqueFd listener, Handler handler);
  // For Start alone, which has the key.
  class Key {
    friend class UnixAcceptor;
    Key() = default;
  };
  UnixAcceptor(Key, UniqueFd listener, UniqueFd stop_event, Handler handler);
  ~UnixAcceptor();
  UnixAcceptor(const UnixAcceptor&) = delete;
  UnixAcceptor& operator=(const UnixAcceptor&) = delete;

  // Waits for the handler to return and closes the listener. Again: nothing. One thread at a time, never the handler's.
  void Stop();

 private:
  void Run();
  bool AcceptAll();

  UniqueFd listener_;
  UniqueFd stop_event_;
  Handler handler_;
  std::thread thread_;
};

}  // namespace coffer
