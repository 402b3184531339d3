// The form of a field ciphertext: what its bytes show without a key (docs/FORMAT.md, section 1). Header only and
// C++20's library headers only, since a backend gets nothing but libc. A test holds it against crypto/field_header.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace coffer::pgext {

inline constexpr std::size_t kHeaderSize = 10;

struct CiphertextForm {
  std::uint8_t suite = 0;    // 1 XAES-256-GCM, 2 the same and committing, 4 AES-256-SIV
  std::uint64_t key_id = 0;  // 1 to 2^63 - 1
};

// The least size in bytes of a ciphertext with this second byte (suite and flags); 0 when version 1 has no such byte.
constexpr std::size_t LeastSize(std::uint8_t second_byte) {
  constexpr std::uint8_t kPadded = 0x80;    // at least one byte more
  constexpr std::uint8_t kRowBound = 0x40;  // never with suite 4
  const std::size_t padding = (second_byte & kPadded) != 0 ? 1 : 0;
  switch (second_byte & 0x1F) {  // flag 10 is always 0
    case 1:
      return kHeaderSize + 24 + 16 + padding;
    case 2:
      return kHeaderSize + 24 + 16 + 32 + padding;
    case 4:
      return (second_byte & kRowBound) != 0 ? 0 : kHeaderSize + 16 + padding;
    default:
      return 0;
  }
}

// The form of a value of `size` bytes that begins with `head`: all of it, or at least kHeaderSize bytes of it. Nothing
// when it is no field ciphertext.
constexpr std::optional<CiphertextForm> ParseForm(std::span<const std::uint8_t> head, std::size_t size) {
  constexpr std::uint8_t kFormatByte = 0xC1;
  if (head.size() < kHeaderSize || head[0] != kFormatByte) return std::nullopt;
  const std::size_t least = LeastSize(head[1]);
  if (least == 0 || size < least) return std::nullopt;
  std::uint64_t key_id = 0;
  for (const std::uint8_t byte : head.subspan(2, 8)) key_id = key_id << 8 | byte;
  if (key_id == 0 || key_id >> 63 != 0) return std::nullopt;
  return CiphertextForm{static_cast<std::uint8_t>(head[1] & 0x0F), key_id};
}

}  // namespace coffer::pgext
