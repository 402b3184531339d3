// CRC-32C (Castagnoli, RFC 3720 appendix B.4): tells a torn or decayed record from a whole one. No protection against
// anybody who means it.
#pragma once

#include "crypto/bytes.h"

namespace coffer {

std::uint32_t Crc32c(ByteView bytes);

}  // namespace coffer
