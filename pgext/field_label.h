// The text of a security label: "field=scope.table.column", the field that a column holds (docs/FORMAT.md, section 6).
#pragma once

#include <cstddef>
#include <string_view>

namespace coffer::pgext {

inline constexpr std::size_t kNameSizeMax = 63;

// [a-z_][a-z0-9_]{0,62}
constexpr bool IsFieldNamePart(std::string_view name) {
  if (name.empty() || name.size() > kNameSizeMax || (name.front() >= '0' && name.front() <= '9')) return false;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  return true;
}

constexpr bool IsFieldLabel(std::string_view label) {
  constexpr std::string_view kKey = "field=";
  if (!label.starts_with(kKey)) return false;
  label.remove_prefix(kKey.size());
  for (int dots = 0; dots < 2; ++dots) {
    const std::size_t end = label.find('.');
    if (end == std::string_view::npos || !IsFieldNamePart({label.data(), end})) return false;
    label.remove_prefix(end + 1);
  }
  return IsFieldNamePart(label);
}

}  // namespace coffer::pgext
