#include "examples/postgres/sql_tokens.h"

#include <algorithm>
#include <utility>

namespace shop {
namespace {

// The column of a unique index's version.
std::string UniqueColumn(const std::string& column, std::uint32_t version) {
  return version == 1 ? column : column + "_" + std::to_string(version);
}

// "{1,2}"
template <typename Numbers>
std::string ArrayText(Numbers begin, Numbers end) {
  std::string text;
  for (; begin != end; ++begin) text += (text.empty() ? "{" : ",") + std::to_string(*begin);
  return text.empty() ? "{}" : text + "}";
}

// What belongs into the column of the tokens for one value.
std::string TokensOf(const coffer::v1::IndexColumn& tokens, int item) {
  const int width = static_cast<int>(tokens.width());
  if (!tokens.bytes().empty()) return ByteaText(tokens.bytes(item));
  if (width == 1) return std::to_string(tokens.numbers(item));
  const auto first = tokens.numbers().begin() + item * width;
  return ArrayText(first, first + width);
}

// Appends `text` with the next parameter in place of '?'.
void Append(const std::string& text, const std::string& parameter, Condition& condition) {
  condition.parameters.push_back(parameter);
  const std::size_t at = text.find('?');
  condition.sql += text.substr(0, at) + "$" + std::to_string(condition.parameters.size()) + text.substr(at + 1);
}

void AppendSet(const std::string& column, Tokens tokens, coffer::v1::TokenMatch match, const coffer::v1::TokenSet& set,
               Condition& condition) {
  condition.sql += column;
  if (tokens == Tokens::kArray) {
    const std::string array = ArrayText(set.numbers().begin(), set.numbers().end());
    return Append(match == coffer::v1::TOKEN_MATCH_ALL ? " @> ?" : " && ?", array, condition);
  }
  // A parameter a token, and no array of them: a prepared statement keeps its plan.
  condition.sql += " IN (";
  const char* next = "?";
  for (const std::int64_t number : set.numbers()) Append(std::exchange(next, ", ?"), std::to_string(number), condition);
  for (const std::string& bytes : set.bytes()) Append(std::exchange(next, ", ?"), ByteaText(bytes), condition);
  condition.sql += ")";
}

}  // namespace

void AddTokens(const std::string& column, const coffer::v1::ColumnResult& result, int item, NamedRow& row) {
  for (const coffer::v1::IndexColumn& tokens : result.indexes()) {
    const std::string index = column + "_" + tokens.index();
    const auto version = row.find(index + "_iv");
    const auto place = row.find(version == row.end() ? UniqueColumn(index, tokens.version()) : index);
    if (place == row.end()) throw Failure("the table has no column for a version of the index " + index);
    if (std::count(tokens.nulls().begin(), tokens.nulls().end(), item) != 0) continue;
    place->second = TokensOf(tokens, item);
    if (version != row.end()) version->second = std::to_string(tokens.version());
  }
}

Condition ConditionOf(const std::string& column, Tokens tokens, const coffer::v1::IndexAnswer& answer) {
  Condition condition{"FALSE", {}};
  for (const coffer::v1::IndexVersionTokens& version : answer.versions()) {
    const bool unique = tokens == Tokens::kUnique;
    for (const coffer::v1::TokenSet& set : version.sets()) {
      condition.sql += " OR (";
      AppendSet(unique ? UniqueColumn(column, version.version()) : column, tokens, version.match(), set, condition);
      condition.sql += unique ? ")" : " AND " + column + "_iv = " + std::to_string(version.version()) + ")";
    }
  }
  return condition;
}

}  // namespace shop
