// SHA-256 (FIPS 180-4), HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869), over OpenSSL. All thread-safe.
#pragma once

#include <array>
#include <initializer_list>

#include "crypto/secret_bytes.h"

namespace coffer {

using Digest = std::array<std::byte, 32>;

// Over the concatenation of `pieces`.
Digest Sha256(std::initializer_list<ByteView> pieces);
Digest HmacSha256(ByteView key, std::initializer_list<ByteView> pieces);
// `length` 1 to 8160 bytes.
SecretBytes HkdfSha256(ByteView ikm, ByteView salt, ByteView info, std::size_t length);

}  // namespace coffer
