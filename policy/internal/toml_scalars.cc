#include "policy/internal/toml_scalars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace coffer::policy {
namespace {

using Kind = TomlNode::Kind;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes `width` digits off the front; -1 when they are not there.
int TakeDigits(std::string_view& word, std::size_t width) {
  if (word.size() < width || !std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(width), IsDigit))
    return -1;
  int value = 0;
  for (const char c : word.substr(0, width)) value = value * 10 + (c - '0');
  word.remove_prefix(width);
  return value;
}

bool Take(std::string_view& word, char c) {
  if (word.empty() || word.front() != c) return false;
  word.remove_prefix(1);
  return true;
}

int DaysInMonth(int year, int month) {
  constexpr std::array<int, 13> kDays = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return kDays[static_cast<std::size_t>(month)] + (month == 2 && leap ? 1 : 0);
}

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible date
// algorithms").
std::int64_t DaysFromCivil(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

// "2027-01-31" as seconds since 1970.
std::optional<std::int64_t> TakeDate(std::string_view& word) {
  const int year = TakeDigits(word, 4);
  if (year < 0 || !Take(word, '-')) return std::nullopt;
  const int month = TakeDigits(word, 2);
  if (month < 1 || month > 12 || !Take(word, '-')) return std::nullopt;
  const int day = TakeDigits(word, 2);
  if (day < 1 || day > DaysInMonth(year, month)) return std::nullopt;
  return DaysFromCivil(year, month, day) * 86400;
}

// "23:59" as seconds.
std::optional<std::int64_t> TakeClock(std::string_view& word) {
  const int hour = TakeDigits(word, 2);
  if (hour < 0 || hour > 23 || !Take(word, ':')) return std::nullopt;
  const int minute = TakeDigits(word, 2);
  if (minute < 0 || minute > 59) return std::nullopt;
  return std::int64_t{hour} * 3600 + std::int64_t{minute} * 60;
}

// "Z" or "+01:00" as seconds east of UTC.
std::optional<std::int64_t> TakeOffset(std::string_view& word) {
  if (Take(word, 'Z')) return 0;
  const bool west = Take(word, '-');
  if (!west && !Take(word, '+')) return std::nullopt;
  const auto offset = TakeClock(word);
  if (!offset) return std::nullopt;
  return west ? -*offset : *offset;
}

std::optional<std::int64_t> ParseInstant(std::string_view word) {
  const auto date = TakeDate(word);
  if (!date || !Take(word, 'T')) return std::nullopt;
  const auto clock = TakeClock(word);
  if (!clock || !Take(word, ':')) return std::nullopt;
  const int second = TakeDigits(word, 2);
  if (second < 0 || second > 59) return std::nullopt;
  const auto offset = TakeOffset(word);
  if (!offset || !word.empty()) return std::nullopt;
  return *date + *clock + second - *offset;
}

std::optional<std::int64_t> ParseInteger(std::string_view word) {
  std::string_view digits = word;
  const bool plus = Take(digits, '+');
  if (!plus) Take(digits, '-');
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), IsDigit)) return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  if (plus) word.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (failure != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
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
