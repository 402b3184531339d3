// Certificate: what has to be known of a peer's X.509 certificate after its handshake.
#pragma once

#include <cstdint>
#include <string_view>

#include "crypto/result.h"

namespace coffer {

// Larger ones are refused unread.
inline constexpr std::size_t kMaxCertificatePem = 64 * 1024;

// The end of validity (RFC 5280 4.1.2.5) of the first certificate in `pem`, in seconds since 1970-01-01 00:00 UTC: that
// second is the last one in which it is valid. Nothing else of the certificate is checked. kInvalidArgument: no
// certificate, or its time cannot be read. Thread-safe.
Result<std::int64_t> CertificateNotAfter(std::string_view pem);

}  // namespace coffer
