#include "client/server_address.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "io/unix_socket.h"

namespace coffer::client {
namespace {

constexpr std::string_view kUnixScheme = "unix:";
constexpr std::string_view kSocketEnding = ".sock";
constexpr std::size_t kMaxHost = 253;  // RFC 1035
constexpr std::size_t kMaxLabel = 63;  // likewise

Error BadAddress() {
  return Error(ErrorCode::kInvalidArgument,
               "is no server address: write unix:/path/to/role.sock, unix:/path/to/folder or host:port")
      .At("server");
}

bool IsPathByte(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; }

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), IsHostCharacter);
}

// A DNS name, or an IPv4 address, which looks like one.
bool IsHostName(std::string_view host) {
  if (host.size() > kMaxHost) return false;
  for (std::size_t dot = host.find('.'); dot != host.npos; dot = host.find('.')) {
    if (!IsLabel(host.substr(0, dot))) return false;
    host.remove_prefix(dot + 1);
  }
  return IsLabel(host);
}

// What the resolver will check; here only that nothing else hides in the brackets.
bool LooksLikeIpv6(std::string_view host) {
  constexpr std::size_t kMaxIpv6 = 45;
  return host.size() >= 2 && host.size() <= kMaxIpv6 && host.find(':') != host.npos &&
         host.find_first_not_of("0123456789abcdefABCDEF:.") == host.npos;
}

Result<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc{} || stop != end || port == 0 || text.front() == '0') return BadAddress();
  return port;
}

}  // namespace

Result<ServerAddress> ServerAddress::Parse(std::string_view text) {
  if (text.starts_with(kUnixScheme)) return ParseUnix(text.substr(kUnixScheme.size()));
  return ParseHost(text);
}

Result<ServerAddress> ServerAddress::ParseUnix(std::string_view path) {
  if (!path.starts_with('/') || !std::all_of(path.begin(), path.end(), IsPathByte)) return BadAddress();
  ServerAddress address;
  address.kind_ = path.ends_with(kSocketEnding) ? Kind::kSocket : Kind::kFolder;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path.size() > kMaxUnixPath) {
    return Error(ErrorCode::kInvalidArgument, "the socket's path is longer than a unix socket allows")
        .At("server")
        .WithLimit(kMaxUnixPath);
  }
  address.path_ = path;
  return address;
}

Result<ServerAddress> ServerAddress::ParseHost(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return BadAddress();
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed ? !LooksLikeIpv6(host) : !IsHostName(host)) return BadAddress();
  ServerAddress address;
  address.kind_ = Kind::kTls;
  address.host_ = host;
  COFFER_ASSIGN_OR_RETURN(address.port_, ParsePort(text.substr(colon + 1)));
  return address;
}

Result<ServerAddress> ServerAddress::ForRole(std::string_view role) const {
  if (kind_ != Kind::kFolder) return *this;
  const auto is_role_character = [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; };
  if (role.empty() || !std::all_of(role.begin(), role.end(), is_role_character)) {
    return Error(ErrorCode::kInvalidArgument, "is no role's name").At("role");
  }
  std::string path = path_;
  if (path != "/") path += '/';
  path.append(role).append(kSocketEnding);
  return ParseUnix(path);
}

std::string ServerAddress::ToText() const {
  if (kind_ != Kind::kTls) return std::string(kUnixScheme) + path_;
  const bool ipv6 = host_.find(':') != host_.npos;
  return (ipv6 ? "[" + host_ + "]" : host_) + ":" + std::to_string(port_);
}

std::string ServerFromEnvironment(std::string_view asked) {
  if (!asked.empty()) return std::string(asked);
  const char* const set = std::getenv("COFFER_SERVER");
  return set != nullptr && *set != '\0' ? std::string(set) : std::string(kDefaultServer);
}

}  // namespace coffer::client
