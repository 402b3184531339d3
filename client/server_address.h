// Where the service is: the text form of its address.
//
//   unix:/run/coffer/app.sock   a socket: its name ends in ".sock"
//   unix:/run/coffer            a folder: the role's socket in it, "<folder>/<role>.sock"
//   host:port                   mutual TLS; host is a name, an IPv4 address or an IPv6 address in brackets
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer::client {

inline constexpr std::string_view kDefaultServer = "unix:/run/coffer";

class ServerAddress {
 public:
  enum class Kind : std::uint8_t { kSocket, kFolder, kTls };

  // kInvalidArgument for anything else than the three forms: a relative or overlong path, a bad name, port 0. The text
  // is never repeated in the error.
  static Result<ServerAddress> Parse(std::string_view text);

  Kind kind() const { return kind_; }

  // The same address with a folder made a socket. kInvalidArgument: `role` is no role's name ([a-z-]+), or the path
  // becomes too long. A socket or a host stays what it is.
  Result<ServerAddress> ForRole(std::string_view role) const;

  // The socket's or folder's path; empty for a host.
  const std::string& path() const { return path_; }
  // Without brackets; empty for a unix address.
  const std::string& host() const { return host_; }
  std::uint16_t port() const { return port_; }

  // The canonical text, which Parse takes back: a folder has no slash at its end.
  std::string ToText() const;

 private:
  ServerAddress() = default;
  static Result<ServerAddress> ParseUnix(std::string_view path);
  static Result<ServerAddress> ParseHost(std::string_view text);

  Kind kind_ = Kind::kSocket;
  std::string path_;
  std::string host_;
  std::uint16_t port_ = 0;
};

// What the caller asked for, else the environment's COFFER_SERVER, else kDefaultServer.
std::string ServerFromEnvironment(std::string_view asked);

}  // namespace coffer::client
