// Who is calling, as text that audit records and rules can name: a unix socket's peer, a certificate's one URI SAN,
// what the configuration says that a JSON Web Token stands for, or the store that a token of the service's own does.
#pragma once

#include <string>
#include <string_view>

#include "policy/roles.h"

namespace coffer::policy {

struct Principal {
  enum class Method : std::uint8_t { kUnixSocket, kCertificate, kDev, kJwt, kToken };

  std::string id;  // "unix:dba:1000" or the SPIFFE id
  Role role = Role::kApp;
  Method method = Method::kUnixSocket;
  bool operator==(const Principal&) const = default;
};
std::string_view MethodName(Principal::Method method);  // "unix_socket"

// [a-z0-9._-]{1,255}: the part of a SPIFFE id that the configuration fixes.
bool IsTrustDomain(std::string_view text);

// "spiffe://<trust domain>/role/<role>/<name>", name [a-z0-9._-]{1,63} and neither "." nor "..". kUnauthenticated for
// anything else, another trust domain included. Thread-safe.
Result<Principal> ParseSpiffeId(std::string_view uri, std::string_view trust_domain);

// The peer of a role's unix socket, and the same from its text "unix:<role>:<uid>" (uid in decimal without leading
// zeros, below 2^32 - 1, which the kernel uses for "none"). kUnauthenticated otherwise.
Result<Principal> UnixPrincipal(Role role, std::uint32_t uid);
Result<Principal> ParseUnixPrincipal(std::string_view text);

// What a bearer token may stand for: the text of a SPIFFE id, of whatever trust domain. kUnauthenticated for anything
// else; kPermissionDenied for the roles admin, restorer and auditor, because whoever copies the token is its holder.
Result<Principal> ParseBearerPrincipal(std::string_view text);

// Who is behind a principal, whatever the role: "unix::1000", "spiffe://example.org/role//alice". A text that is no
// principal is its own.
std::string HolderOf(std::string_view principal);

// A principal as rules name it: either of the two texts above, of whatever trust domain. kUnauthenticated otherwise.
Result<Principal> ParsePrincipal(std::string_view text);

}  // namespace coffer::policy
