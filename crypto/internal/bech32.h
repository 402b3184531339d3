// Bech32 (BIP 173, checksum constant 1) without its limit of 90 characters, as age keys are written (docs/FORMAT.md
// section 7). In constant time for a given size, since identities are secrets. Internal to crypto/.
#pragma once

#include "crypto/bytes.h"

namespace coffer::internal {

// The size of the text of `bytes` bytes behind `prefix`.
std::size_t Bech32Size(std::string_view prefix, std::size_t bytes);

// In the case that `prefix` is written in: lower, or upper when it has an upper-case letter.
// text.size() == Bech32Size(prefix, in.size()). Thread-safe.
void EncodeBech32(std::string_view prefix, ByteView in, MutableBytes text);

// The reverse. kInvalidArgument for a text that EncodeBech32 does not write: another prefix, case, size or checksum, or
// unused bits that are not zero; what was written to `out` is then of no use. Thread-safe.
Status DecodeBech32(std::string_view prefix, ByteView text, MutableBytes out);

}  // namespace coffer::internal
