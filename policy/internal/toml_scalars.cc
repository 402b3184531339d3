#include "policy/internal/toml_scalars.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "policy/internal/date_time.h"

namespace coffer::policy {
namespace {

using Kind = TomlNode::Kind;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::int64_t> ParseInstant(std::string_view word) {
  const auto date = TakeDate(word);
  if (!date || !TakeCharacter(word, 'T')) return std::nullopt;
  const auto time = TakeTime(word);
  if (!time) return std::nullopt;
  const auto offset = TakeOffset(word, false);
  if (!offset || !word.empty()) return std::nullopt;
  return *date + *time - *offset;
}

// Digits without a leading zero; at least one.
bool IsWhole(std::string_view digits) {
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), IsDigit)) return false;
  return digits.size() == 1 || digits.front() != '0';
}

void SkipSign(std::string_view& word) {
  if (!TakeCharacter(word, '+')) TakeCharacter(word, '-');
}

std::optional<std::int64_t> ParseInteger(std::string_view word) {
  std::string_view digits = word;
  SkipSign(digits);
  if (!IsWhole(digits)) return std::nullopt;
  TakeCharacter(word, '+');
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (failure != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

// Digits, a dot, digits; not so many that a double overflows.
bool IsDecimal(std::string_view word) {
  if (word.size() > kMaxTomlDecimal) return false;
  SkipSign(word);
  const std::size_t dot = word.find('.');
  if (dot == std::string_view::npos || !IsWhole(word.substr(0, dot))) return false;
  const std::string_view fraction = word.substr(dot + 1);
  return !fraction.empty() && std::all_of(fraction.begin(), fraction.end(), IsDigit);
}

}  // namespace

TomlNode ParseTomlScalar(std::string_view word) {
  TomlNode node;
  if (word == "true" || word == "false") {
    node.kind = Kind::kBool;
    node.boolean = word == "true";
  } else if (const auto integer = ParseInteger(word)) {
    node.kind = Kind::kInteger;
    node.integer = *integer;
  } else if (const auto instant = ParseInstant(word)) {
    node.kind = Kind::kInstant;
    node.integer = *instant;
    node.text = word;
  } else if (IsDecimal(word)) {
    TakeCharacter(word, '+');
    node.kind = Kind::kDecimal;
    node.text = word;
  }
  return node;
}

bool AppendCodePoint(std::uint32_t code, std::string& out) {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
  return true;
}

}  // namespace coffer::policy
