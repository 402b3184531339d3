#include "io/http_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <errno.h>
#include <list>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

#include "io/clock.h"
#include "io/internal/http_connection.h"
#include "io/system_error.h"
#include "io/unique_fd.h"

namespace coffer {
namespace {

constexpr std::size_t kReadAtOnce = 16 * 1024;
constexpr int kTickMillis = 250;  // how exact deadlines are
constexpr int kBacklog = 128;
constexpr std::uint64_t kMaxPort = 65'535;

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

// A listening, non-blocking socket of that address.
Result<UniqueFd> Listen(const std::string& host, std::uint16_t port) {
  addrinfo wanted = {};
  wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found) != 0) {
    return Error(ErrorCode::kInvalidArgument, "is no address to listen on").At(host);
  }
  const std::unique_ptr<addrinfo, FreeAddresses> address(found);
  UniqueFd listener(socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener.valid()) return SystemError(errno);
  const int yes = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(listener.get(), address->ai_addr, address->ai_addrlen) != 0 || listen(listener.get(), kBacklog) != 0) {
    if (errno == EADDRINUSE) {
      return Error(ErrorCode::kAlreadyExists, "is an address that another process listens on").At(host);
    }
    return SystemError(errno).At(host);
  }
  return listener;
}

std::uint16_t PortOf(int listener) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getsockname(listener, static_cast<sockaddr*>(static_cast<void*>(&address)), &size) != 0) return 0;
  std::array<char, NI_MAXSERV> port{};
  if (getnameinfo(static_cast<const sockaddr*>(static_cast<const void*>(&address)), size, nullptr, 0, port.data(),
                  port.size(), NI_NUMERICSERV) != 0) {
    return 0;
  }
  std::uint16_t number = 0;
  std::from_chars(port.data(), port.data() + std::string_view(port.data()).size(), number);
  return number;
}

}  // namespace

Result<HostAndPort> HostAndPort::Parse(std::string_view text) {
  const Error bad(ErrorCode::kInvalidArgument, "must be ADDRESS:PORT, like 127.0.0.1:7480");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad;
  }
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool is_number = parsed.ec == std::errc() && parsed.ptr == port.data() + port.size();
  if (host.empty() || !is_number || number > kMaxPort) return bad;
  return HostAndPort{std::string(host), static_cast<std::uint16_t>(number)};
}

struct HttpServer::State {
  State(HttpServerOptions options_in, Handler handler_in)
      : options(std::move(options_in)), handler(std::move(handler_in)) {}

  struct Peer {
    Peer(UniqueFd fd_in, const State& state) : fd(std::move(fd_in)), connection(state.options, state.handler) {}
    UniqueFd fd;
    HttpConnection connection;
    std::int64_t since_us = 0;  // of this request, this reply or this idleness
    bool was_idle = true;
    bool gone = false;
  };

  void Run();
  void Accept();
  void Serve(Peer& peer, short events);
  void Read(Peer& peer);
  void Write(Peer& peer);
  void NoteTime(Peer& peer);
  bool IsLate(const Peer& peer) const;
  void DropIdlest();

  const HttpServerOptions options;
  const Handler handler;
  SystemClock clock;
  UniqueFd listener;
  UniqueFd stop_event;
  std::uint16_t port = 0;
  std::list<Peer> peers;  // the server thread's
  std::thread thread;
};

void HttpServer::State::Accept() {
  while (true) {
    UniqueFd fd(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid() && errno == EINTR) continue;
    if (!fd.valid()) return;  // none waits, or there is no descriptor: the next tick asks again
    if (peers.size() >= options.max_connections) DropIdlest();
    peers.emplace_back(std::move(fd), *this).since_us = clock.MonotonicMicros();
  }
}

void HttpServer::State::DropIdlest() {
  const auto idlest = std::min_element(peers.begin(), peers.end(), [](const Peer& a, const Peer& b) {
    return std::pair(!a.connection.idle(), a.since_us) < std::pair(!b.connection.idle(), b.since_us);
  });
  peers.erase(idlest);
}

void HttpServer::State::Read(Peer& peer) {
  std::array<char, kReadAtOnce> buffer{};
  const ssize_t count = recv(peer.fd.get(), buffer.data(), buffer.size(), 0);
  if (count > 0) {
    peer.connection.Take(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    peer.gone = true;
  }
}

void HttpServer::State::Write(Peer& peer) {
  const std::string_view out = peer.connection.out();
  const ssize_t count = send(peer.fd.get(), out.data(), out.size(), MSG_NOSIGNAL);
  if (count > 0) {
    peer.connection.Sent(static_cast<std::size_t>(count));
  } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
    peer.gone = true;
  }
}

void HttpServer::State::Serve(Peer& peer, short events) {
  if ((events & (POLLERR | POLLNVAL)) != 0) peer.gone = true;
  if (!peer.gone && peer.connection.out().empty() && (events & (POLLIN | POLLHUP)) != 0) Read(peer);
  if (!peer.gone && !peer.connection.out().empty()) Write(peer);
  if (peer.connection.closing() && peer.connection.out().empty()) peer.gone = true;
  NoteTime(peer);
}

// The clock of a request runs from its first byte until its reply is taken: bytes that trickle in do not stop it.
void HttpServer::State::NoteTime(Peer& peer) {
  const bool idle = peer.connection.idle();
  if (idle || peer.was_idle != idle) peer.since_us = clock.MonotonicMicros();
  peer.was_idle = idle;
}

bool HttpServer::State::IsLate(const Peer& peer) const {
  const std::int64_t spent = clock.MonotonicMicros() - peer.since_us;
  return spent > (peer.connection.idle() ? options.idle_us : options.patience_us);
}

void HttpServer::State::Run() {
  std::vector<pollfd> waited;
  while (true) {
    waited = {pollfd{stop_event.get(), POLLIN, 0}, pollfd{listener.get(), POLLIN, 0}};
    for (const Peer& peer : peers) {
      waited.push_back({peer.fd.get(), static_cast<short>(peer.connection.out().empty() ? POLLIN : POLLOUT), 0});
    }
    const int ready = poll(waited.data(), waited.size(), kTickMillis);
    COFFER_CHECK(ready >= 0 || errno == EINTR || errno == ENOMEM);
    if (ready > 0 && waited[0].revents != 0) return;
    auto peer = peers.begin();
    for (std::size_t i = 2; i < waited.size(); ++i) {
      if (ready > 0 && waited[i].revents != 0) Serve(*peer, waited[i].revents);
      const bool drop = peer->gone || IsLate(*peer);
      peer = drop ? peers.erase(peer) : std::next(peer);
    }
    if (ready > 0 && waited[1].revents != 0) Accept();
  }
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  if (!state_->thread.joinable()) return;
  COFFER_CHECK(eventfd_write(state_->stop_event.get(), 1) == 0);
  state_->thread.join();
}

std::uint16_t HttpServer::port() const { return state_->port; }

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options, Handler handler) {
  auto state = std::make_unique<State>(options, std::move(handler));
  COFFER_ASSIGN_OR_RETURN(state->listener, Listen(options.host, options.port));
  state->port = PortOf(state->listener.get());
  state->stop_event = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state->stop_event.valid()) return SystemError(errno);
  State* const raw = state.get();
  try {
    raw->thread = std::thread([raw] { raw->Run(); });
  } catch (const std::system_error&) {
    return SystemError(EAGAIN);
  }
  return std::make_unique<HttpServer>(std::move(state));
}

}  // namespace coffer
