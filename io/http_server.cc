#include "io/http_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <charconv>
#include <cstring>
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
constexpr int kTickMillis = HttpServer::kTickUs / 1'000;
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

// Whom a connection counts for: an IPv4 address, or the /64 of an IPv6 one, all of which one host may have.
using Source = std::pair<sa_family_t, std::array<unsigned char, 8>>;

Source SourceOf(const sockaddr_storage& address) {
  Source source{address.ss_family, {}};
  if (address.ss_family == AF_INET) {
    sockaddr_in four = {};
    std::memcpy(&four, &address, sizeof(four));
    std::memcpy(source.second.data(), &four.sin_addr, sizeof(four.sin_addr));
  } else if (address.ss_family == AF_INET6) {
    constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};  // RFC 4291 2.5.5.2
    sockaddr_in6 six = {};
    std::memcpy(&six, &address, sizeof(six));
    const unsigned char* const bytes = six.sin6_addr.s6_addr;
    if (std::equal(kMapped.begin(), kMapped.end(), bytes)) {
      source.first = AF_INET;
      std::copy_n(bytes + kMapped.size(), sizeof(in_addr), source.second.begin());
    } else {
      std::copy_n(bytes, source.second.size(), source.second.begin());
    }
  }
  return source;
}

bool WantsDescriptor(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

bool IsReadable(int fd) {
  pollfd asked{fd, POLLIN, 0};
  return poll(&asked, 1, 0) == 1;
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
    Peer(UniqueFd fd_in, const Source& source_in, const State& state)
        : fd(std::move(fd_in)), source(source_in), connection(state.options, state.handler) {}
    UniqueFd fd;
    const Source source;
    HttpConnection connection;
    std::int64_t since_us = 0;  // of this request, this reply or this idleness
    bool was_idle = true;
    bool gone = false;
  };

  void Run();
  void Accept();
  void Admit(UniqueFd fd, const Source& source);
  void Serve(Peer& peer, short events);
  void Read(Peer& peer);
  void Write(Peer& peer);
  void NoteTime(Peer& peer);
  bool IsLate(const Peer& peer) const;
  // Drops the one that has been in its state longest, of this source if one is given.
  void DropLongest(const Source* source);

  const HttpServerOptions options;
  const Handler handler;
  SystemClock clock;
  UniqueFd listener;
  UniqueFd stop_event;
  std::uint16_t port = 0;
  std::list<Peer> peers;            // the server thread's
  std::int64_t accept_from_us = 0;  // the server thread's: nobody is accepted before
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> displaced{0};
  std::atomic<std::uint64_t> starved{0};
  std::thread thread;
};

// A few at a time: however many knock, those who got in are served in between.
void HttpServer::State::Accept() {
  bool made_room = false;
  for (std::size_t left = std::max<std::size_t>(options.max_connections / 4, 2); left > 0; --left) {
    sockaddr_storage address = {};
    socklen_t size = sizeof(address);
    UniqueFd fd(accept4(listener.get(), static_cast<sockaddr*>(static_cast<void*>(&address)), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
      made_room = false;
      Admit(std::move(fd), SourceOf(address));
    } else if (errno == EAGAIN) {
      return;
    } else if (WantsDescriptor(errno)) {
      if (!IsReadable(listener.get())) return;  // The kernel says it also when nobody knocks.
      if (made_room || peers.empty()) {
        // The listener stays readable: asked again at once, it would take the whole CPU.
        accept_from_us = clock.MonotonicMicros() + kTickUs;
        ++starved;
        return;
      }
      DropLongest(nullptr);
      made_room = true;
    }  // Else one that left while it waited, or a signal.
  }
}

void HttpServer::State::Admit(UniqueFd fd, const Source& source) {
  const auto is_of_source = [&source](const Peer& peer) { return peer.source == source; };
  const auto of_source = static_cast<std::size_t>(std::count_if(peers.begin(), peers.end(), is_of_source));
  if (of_source > 0 && of_source >= options.max_of_address) {
    DropLongest(&source);
  } else if (!peers.empty() && peers.size() >= options.max_connections) {
    DropLongest(nullptr);
  }
  peers.emplace_back(std::move(fd), source, *this).since_us = clock.MonotonicMicros();
  ++accepted;
}

void HttpServer::State::DropLongest(const Source* source) {
  auto longest = peers.end();
  for (auto peer = peers.begin(); peer != peers.end(); ++peer) {
    if (source != nullptr && peer->source != *source) continue;
    if (longest == peers.end() || peer->since_us < longest->since_us) longest = peer;
  }
  COFFER_CHECK(longest != peers.end());
  peers.erase(longest);
  ++displaced;
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
    const bool accepting = clock.MonotonicMicros() >= accept_from_us;
    waited = {pollfd{stop_event.get(), POLLIN, 0}, pollfd{accepting ? listener.get() : -1, POLLIN, 0}};
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

HttpServerFigures HttpServer::figures() const {
  return {.accepted = state_->accepted, .displaced = state_->displaced, .starved = state_->starved};
}

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
