// CRC-32C (Castagnoli, RFC 3720 appendix B.4): tells a torn or decayed record from a whole one. No protection against
// anybody who means it.
#pragma once

#include "crypto/bytes.h"

namespace coffer {

// Thread-safe, with the processor's instruction where it has one.
std::uint32_t Crc32c(ByteView bytes);
// The same on any processor; here for the tests that compare the two.
std::uint32_t Crc32cByTable(ByteView bytes);

}  // namespace coffer
