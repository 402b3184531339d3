// Bytes: the views and owners that every floor passes around, and conversions that copy nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"

namespace coffer {

using ByteView = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;
using Bytes = std::vector<std::byte>;  // Not for secrets: SecretBytes wipes.

// The same memory as bytes, or as text (which need not be valid UTF-8).
ByteView AsBytes(std::string_view text);
std::string_view AsText(ByteView bytes);
MutableBytes AsMutableBytes(std::string& text);

// The same memory for C libraries.
const unsigned char* AsUnsigned(ByteView bytes);
unsigned char* AsUnsigned(MutableBytes bytes);

Bytes CopyOf(ByteView bytes);
void Append(Bytes& out, ByteView more);

// Lower-case hex. FromHex takes either case, an even count of digits and nothing else.
std::string ToHex(ByteView bytes);
Result<Bytes> FromHex(std::string_view hex);

// Base64url without padding (RFC 4648 section 5). The decoder takes the canonical form only: no '=', no white space,
// unused bits zero.
std::string ToBase64Url(ByteView bytes);
Result<Bytes> FromBase64Url(std::string_view text);

// True when `text` is valid UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).
bool IsUtf8(std::string_view text);

// Constant-time equality; false when the sizes differ.
bool EqualConstantTime(ByteView a, ByteView b);

// Overwrites with zeros in a way that the compiler keeps.
void Wipe(MutableBytes bytes);

}  // namespace coffer
