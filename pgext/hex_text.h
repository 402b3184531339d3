// The text form of a ciphertext: "\x" and an even count of hex digits in either case, as bytea's hex form. Nothing else
// is taken, bytea's escape form neither.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace coffer::pgext {

inline constexpr std::size_t kHexPrefixSize = 2;

// The value of each hex digit, and 0x80 for every other character.
inline constexpr std::array<std::uint8_t, 256> kHexDigits = [] {
  std::array<std::uint8_t, 256> values{};
  for (std::uint8_t& value : values) value = 0x80;
  for (unsigned i = 0; i < 10; ++i) values['0' + i] = static_cast<std::uint8_t>(i);
  for (unsigned i = 0; i < 6; ++i) values['a' + i] = values['A' + i] = static_cast<std::uint8_t>(10 + i);
  return values;
}();

// How many bytes the text stands for, by its prefix and length alone.
constexpr std::optional<std::size_t> HexTextSize(std::string_view text) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return std::nullopt;
  return (text.size() - kHexPrefixSize) / 2;
}

// `out` has HexTextSize(text) bytes. False, and `out` is worthless, when one of the digits is none.
constexpr bool DecodeHexText(std::string_view text, std::span<std::uint8_t> out) {
  text.remove_prefix(kHexPrefixSize);
  unsigned wrong = 0;  // asked once, at the end: no branch a digit
  for (std::size_t i = 0; i < out.size(); ++i) {
    const unsigned high = kHexDigits[static_cast<std::uint8_t>(text[2 * i])];
    const unsigned low = kHexDigits[static_cast<std::uint8_t>(text[2 * i + 1])];
    wrong |= high | low;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return (wrong & 0x80) == 0;
}

}  // namespace coffer::pgext
