// Walking over valid UTF-8 by code points. Internal to crypto/.
#pragma once

#include <cstddef>
#include <string_view>

namespace coffer::internal {

// The size of the code point that starts with `lead`, a lead byte of valid UTF-8.
inline std::size_t CodePointSize(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0x80U) return 1;
  if (byte < 0xE0U) return 2;
  return byte < 0xF0U ? 3 : 4;
}

// The bytes of the first `count` code points, or nothing (npos) when `text` has fewer.
inline std::size_t PrefixSize(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (at >= text.size()) return std::string_view::npos;
    at += CodePointSize(text[at]);
  }
  return at;
}

// Where the last code point of `text`, which is not empty, starts.
inline std::size_t LastCodePoint(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) --at;
  return at;
}

}  // namespace coffer::internal
