// Kinds of ASCII characters, whatever the locale.
#pragma once

#include <string_view>

namespace coffer::grafana {

inline constexpr std::string_view kSpaces = " \t\r\n";
inline bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
// Without the spaces around it.
inline std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}
// U+0000 to U+001F, and U+007F.
inline bool IsControl(char c) { return (c >= 0 && c < ' ') || c == '\x7F'; }
inline bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

}  // namespace coffer::grafana
