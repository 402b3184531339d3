#include "cli/token_predicate.h"

#include <algorithm>

#include "crypto/bytes.h"

namespace coffer::cli {
namespace {

bool IsDigit(char c) { return '0' <= c && c <= '9'; }
bool IsLower(char c) { return 'a' <= c && c <= 'z'; }
bool IsUpper(char c) { return 'A' <= c && c <= 'Z'; }

bool IsName(std::string_view text) {
  if (text.empty() || IsDigit(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsDigit(c) || IsLower(c) || IsUpper(c) || c == '_'; });
}

// Bare where it is surely no keyword and not folded: SQLite takes a quoted name that is no column for a string.
std::string Quoted(std::string_view name) {
  const bool bare = name.find('_') != name.npos && std::none_of(name.begin(), name.end(), IsUpper);
  return bare ? std::string(name) : "\"" + std::string(name) + "\"";
}

std::string Reference(std::string_view column) {
  const std::size_t dot = column.find('.');
  if (dot == column.npos) return Quoted(column);
  return Quoted(column.substr(0, dot)) + "." + Quoted(column.substr(dot + 1));
}

// "1, 2", or "'\x01..', '\x02..'".
std::string List(const v1::TokenSet& set) {
  std::string text;
  for (const std::int64_t number : set.numbers()) text += (text.empty() ? "" : ", ") + std::to_string(number);
  for (const std::string& bytes : set.bytes()) text += (text.empty() ? "'" : ", '") + ByteaText(bytes) + "'";
  return text;
}

std::string ArrayLiteral(const v1::TokenSet& set) {
  std::string text;
  for (const std::int64_t number : set.numbers()) text += (text.empty() ? "" : ",") + std::to_string(number);
  return "'{" + text + "}'";
}

std::string SetPredicate(const PlannedIndex& index, v1::TokenMatch match, const v1::TokenSet& set,
                         const std::string& reference) {
  if (!index.IsArray()) return reference + " IN (" + List(set) + ")";
  return reference + (match == v1::TOKEN_MATCH_ALL ? " @> " : " && ") + ArrayLiteral(set);
}

}  // namespace

std::string ByteaText(const std::string& bytes) { return "\\x" + ToHex(AsBytes(bytes)); }

bool IsColumnName(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == text.npos) return IsName(text);
  return IsName(text.substr(0, dot)) && IsName(text.substr(dot + 1));
}

std::string PredicateOf(const PlannedIndex& index, const v1::IndexVersionTokens& tokens, const std::string& column) {
  const std::string reference = Reference(index.ColumnOf(column, tokens.version()));
  std::string any;
  int sets = 0;
  for (const v1::TokenSet& set : tokens.sets()) {
    if (set.numbers().empty() && set.bytes().empty()) continue;
    any += (any.empty() ? "" : " OR ") + SetPredicate(index, tokens.match(), set, reference);
    ++sets;
  }
  if (sets == 0) return "FALSE";
  if (sets > 1) any = "(" + any + ")";
  const std::string version = index.VersionColumnOf(column);
  return version.empty() ? any : Reference(version) + " = " + std::to_string(tokens.version()) + " AND " + any;
}

std::string PredicateOf(const PlannedIndex& index, const v1::IndexAnswer& answer, const std::string& column) {
  std::string text;
  for (const v1::IndexVersionTokens& tokens : answer.versions()) {
    text += (text.empty() ? "(" : "\n OR ") + PredicateOf(index, tokens, column);
  }
  return text.empty() ? "FALSE" : text + ")";
}

}  // namespace coffer::cli
