// HttpServer: a small HTTP/1.1 server, for a witness, and for Grafana on this host. One thread, no TLS (put a proxy in
// front, or sign what is said), and a bound on everything: connections, heads, bodies, and how long anybody may take.
//
// A new connection always gets in: at a limit, or when the process has no descriptor left, the one goes that has been
// in its state longest, be it idle or slow with its request. One address (of IPv6: one /64) has a part of the places
// only, beyond which it displaces its own. When nobody has a descriptor to give up, those who knock wait for the next
// tick.
//
// Why not a library: docs/adr/0014-our-own-small-http-server.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "io/http_message.h"

namespace coffer {

struct HttpRequest {
  std::string method;
  std::string target;
  std::string body;
  HttpHeaders headers = {};
};

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // an address, IPv4 or IPv6, no name
  std::uint16_t port = 0;          // 0: a free one
  std::size_t max_body = 1U << 20U;
  std::size_t max_connections = 64;
  std::size_t max_of_address = 16;        // of them; a proxy in front is one address
  std::int64_t patience_us = 10'000'000;  // for one request to be there, or one reply to be taken
  std::int64_t idle_us = 60'000'000;      // between requests
};

// Since the start.
struct HttpServerFigures {
  std::uint64_t accepted = 0;
  std::uint64_t displaced = 0;  // connections that gave way to another
  std::uint64_t starved = 0;    // times that nobody was accepted for want of a descriptor, at most one a tick
};

class HttpServer {
 public:
  static constexpr std::int64_t kTickUs = 250'000;  // how exact deadlines are

  // On the server's thread, one at a time; must not throw or block for long.
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  // kInvalidArgument: the host is no address. kAlreadyExists: the port is taken. kPermissionDenied; kUnavailable.
  static Result<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options, Handler handler);
  // Cuts what runs.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  // Thread-safe.
  HttpServerFigures figures() const;

  struct State;
  explicit HttpServer(std::unique_ptr<State> state);  // Start's

 private:
  std::unique_ptr<State> state_;
};

// "127.0.0.1:7480", "[::1]:7480". kInvalidArgument: no such thing.
struct HostAndPort {
  std::string host;
  std::uint16_t port = 0;
  static Result<HostAndPort> Parse(std::string_view text);
};

}  // namespace coffer
