// Names of tables and columns, and texts, in SQL.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace coffer::db {

// As an identifier, whatever is in it: SQLite and PostgreSQL agree.
inline std::string QuotedName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// ASCII letters in lower case: how SQLite compares names.
inline std::string FoldedName(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

// Case counts on PostgreSQL, not on SQLite, where the schema is empty.
struct TableName {
  std::string schema;  // empty: what the bare name means to this user (search_path)
  std::string table;
  auto operator<=>(const TableName&) const = default;
};

// As SQL calls the table.
inline std::string SqlName(const TableName& name) {
  return (name.schema.empty() ? "" : QuotedName(name.schema) + ".") + QuotedName(name.table);
}

// As a literal, where backslashes stand for themselves (PostgreSQL's standard_conforming_strings, and SQLite).
inline std::string SqlText(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace coffer::db
