// Base64 with padding (RFC 4648 section 4). Thread-safe.
#pragma once

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer {

std::string ToBase64(ByteView bytes);
// kInvalidArgument: not the canonical form, which pads to a multiple of four and leaves no bits over.
Result<Bytes> FromBase64(std::string_view text);

}  // namespace coffer
