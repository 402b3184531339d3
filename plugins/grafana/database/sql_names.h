// Names of tables and columns in SQL.
#pragma once

#include <string>
#include <string_view>

namespace coffer::grafana {

// As an identifier, whatever is in it: SQLite and PostgreSQL agree.
inline std::string QuotedName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// ASCII letters in lower case: what an unquoted name means.
inline std::string FoldedName(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

}  // namespace coffer::grafana
