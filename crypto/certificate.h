// Certificate: what has to be known of a peer's X.509 certificate after its handshake.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "crypto/hash.h"

namespace coffer {

// Larger ones are refused unread.
inline constexpr std::size_t kMaxCertificatePem = 64 * 1024;

// The end of validity (RFC 5280 4.1.2.5) of the first certificate in `pem`, in seconds since 1970-01-01 00:00 UTC: that
// second is the last one in which it is valid. Nothing else of the certificate is checked. kInvalidArgument: no
// certificate, or its time cannot be read. Thread-safe.
Result<std::int64_t> CertificateNotAfter(std::string_view pem);

// SHA-256 of the DER form of the first certificate in `pem`, as `openssl x509 -fingerprint -sha256` prints it.
// kInvalidArgument: no certificate. Thread-safe.
Result<Digest> CertificateSha256(std::string_view pem);

// That, and behind it those of the other forms that are as good: from an ECDSA signature (r, s) anybody makes
// (r, n - s), which is valid too. n is tried of P-256, P-384, P-521, secp256k1 and the three Brainpool curves of these
// sizes. Who looks a certificate up by its digest looks for all of them. kInvalidArgument: no certificate. Thread-safe.
Result<std::vector<Digest>> CertificateDigests(std::string_view pem);

}  // namespace coffer
