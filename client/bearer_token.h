// The bearer token of a client that has no certificate: one of the service's own, or a workload's JSON Web Token.
#pragma once

#include <string>

#include "crypto/secret_bytes.h"

namespace coffer::client {

inline constexpr std::size_t kMaxBearerToken = 8 * 1024;  // bytes

// The one line of the file `path`, without its end. The file is read as ReadSecretFile reads one (the group may, as
// orchestrators mount it), but for symbolic links, which are followed: a mounted token is one, and is replaced while it
// is read. kInvalidArgument: not one line of 1 to kMaxBearerToken visible ASCII characters; others as of
// ReadSecretFile. Thread-safe.
Result<SecretBytes> ReadBearerToken(const std::string& path);

}  // namespace coffer::client
