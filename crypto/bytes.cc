#include "crypto/bytes.h"

#include <cstring>
#include <optional>

#include <openssl/crypto.h>

namespace coffer {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64UrlDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::optional<unsigned> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<unsigned> Base64UrlDigit(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0' + 52);
  if (c == '-') return 62U;
  if (c == '_') return 63U;
  return std::nullopt;
}

// The size of the UTF-8 sequence at the front of `text`, or 0 when it is not valid (RFC 3629 section 4).
std::size_t Utf8SequenceSize(std::string_view text) {
  const auto at = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto continues = [&at](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned lead = at(0);
  if (lead < 0x80U) return 1;
  if (lead >= 0xC2U && lead <= 0xDFU) return continues(1) ? 2 : 0;
  if (lead >= 0xE0U && lead <= 0xEFU) {
    if ((lead == 0xE0U && at(1) < 0xA0U) || (lead == 0xEDU && at(1) > 0x9FU)) return 0;
    return continues(1) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xF0U && lead <= 0xF4U) {
    if ((lead == 0xF0U && at(1) < 0x90U) || (lead == 0xF4U && at(1) > 0x8FU)) return 0;
    return continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

ByteView AsBytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// The three casts that bytes.h promises in place of everybody else's: char types may alias anything.
std::string_view AsText(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

MutableBytes AsMutableBytes(std::string& text) { return std::as_writable_bytes(std::span(text)); }

const unsigned char* AsUnsigned(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

unsigned char* AsUnsigned(MutableBytes bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

Bytes CopyOf(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

void Append(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }

std::string ToHex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (std::byte b : bytes) {
    text += kHexDigits[std::to_integer<std::size_t>(b >> 4)];
    text += kHexDigits[std::to_integer<std::size_t>(b & std::byte{15})];
  }
  return text;
}

Result<Bytes> FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) return Error(ErrorCode::kInvalidArgument, "hex has an odd number of digits");
  Bytes bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto high = HexDigit(hex[i]);
    const auto low = HexDigit(hex[i + 1]);
    if (!high || !low) return Error(ErrorCode::kInvalidArgument, "hex has a character that is no digit");
    bytes.push_back(static_cast<std::byte>(*high << 4 | *low));
  }
  return bytes;
}

std::string ToBase64Url(ByteView bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (std::byte b : bytes) {
    bits = bits << 8 | std::to_integer<std::uint32_t>(b);
    for (count += 8; count >= 6; count -= 6) text += kBase64UrlDigits[bits >> (count - 6) & 63U];
  }
  if (count > 0) text += kBase64UrlDigits[bits << (6 - count) & 63U];
  return text;
}

Result<Bytes> FromBase64Url(std::string_view text) {
  if (text.size() % 4 == 1) return Error(ErrorCode::kInvalidArgument, "base64url has an impossible length");
  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (char c : text) {
    const auto digit = Base64UrlDigit(c);
    if (!digit) return Error(ErrorCode::kInvalidArgument, "base64url has a character that is no digit");
    bits = bits << 6 | *digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<std::byte>(bits >> count & 0xFFU));
  }
  if ((bits & ((1U << count) - 1U)) != 0) {
    return Error(ErrorCode::kInvalidArgument, "base64url has unused bits that are not zero");
  }
  return bytes;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = Utf8SequenceSize(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

bool EqualConstantTime(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

void Wipe(MutableBytes bytes) {
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

}  // namespace coffer
