// The accept loop of io/unix_socket.h.
#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

#include "io/system_error.h"
#include "io/unix_socket.h"

namespace coffer {
namespace {

// Pause before trying again when the process is out of descriptors: poll would report the waiting connection at once.
constexpr int kRetryMillis = 50;

}  // namespace

UnixAcceptor::UnixAcceptor(Key, UniqueFd listener, UniqueFd stop_event, Handler handler)
    : listener_(std::move(listener)), stop_event_(std::move(stop_event)), handler_(std::move(handler)) {}

Result<std::unique_ptr<UnixAcceptor>> UnixAcceptor::Start(UniqueFd listener, Handler handler) {
  UniqueFd stop_event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_event.valid()) return SystemError(errno);
  auto acceptor = std::make_unique<UnixAcceptor>(Key(), std::move(listener), std::move(stop_event), std::move(handler));
  try {
    acceptor->thread_ = std::thread([raw = acceptor.get()] { raw->Run(); });
  } catch (const std::system_error&) {
    return SystemError(EAGAIN);
  }
  return acceptor;
}

UnixAcceptor::~UnixAcceptor() { Stop(); }

void UnixAcceptor::Stop() {
  if (!thread_.joinable()) return;
  COFFER_CHECK(thread_.get_id() != std::this_thread::get_id());
  COFFER_CHECK(eventfd_write(stop_event_.get(), 1) == 0);
  thread_.join();
  listener_.Reset();
}

void UnixAcceptor::Run() {
  bool exhausted = false;
  for (;;) {
    // The listener last: while descriptors are exhausted only the stop event is waited for.
    std::array<pollfd, 2> waited = {pollfd{stop_event_.get(), POLLIN, 0}, pollfd{listener_.get(), POLLIN, 0}};
    const int ready = poll(waited.data(), exhausted ? 1 : 2, exhausted ? kRetryMillis : -1);
    COFFER_CHECK(ready >= 0 || errno == EINTR || errno == ENOMEM);
    if (ready > 0 && waited[0].revents != 0) return;
    exhausted = !AcceptAll();
  }
}

// False when a connection waits that cannot be taken now.
bool UnixAcceptor::AcceptAll() {
  for (;;) {
    Result<UniqueFd> connection = AcceptUnix(listener_.get());
    if (!connection.ok()) return false;
    if (!connection->valid()) return true;
    const Result<PeerCredentials> peer = PeerOf(connection->get());
    if (peer.ok()) handler_(std::move(*connection), *peer);
  }
}

}  // namespace coffer
