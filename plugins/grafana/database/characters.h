// Kinds of ASCII characters, whatever the locale.
#pragma once

namespace coffer::grafana {

inline bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
// U+0000 to U+001F, and U+007F.
inline bool IsControl(char c) { return (c >= 0 && c < ' ') || c == '\x7F'; }
inline bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

}  // namespace coffer::grafana
