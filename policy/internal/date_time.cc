#include "policy/internal/date_time.h"

#include <algorithm>
#include <array>

namespace coffer::policy {
namespace {

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

}  // namespace

bool TakeCharacter(std::string_view& word, char c) {
  if (word.empty() || word.front() != c) return false;
  word.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> TakeDate(std::string_view& word) {
  const int year = TakeDigits(word, 4);
  if (year < 0 || !TakeCharacter(word, '-')) return std::nullopt;
  const int month = TakeDigits(word, 2);
  if (month < 1 || month > 12 || !TakeCharacter(word, '-')) return std::nullopt;
  const int day = TakeDigits(word, 2);
  if (day < 1 || day > DaysInMonth(year, month)) return std::nullopt;
  return DaysFromCivil(year, month, day) * 86400;
}

std::optional<std::int64_t> TakeTime(std::string_view& word) {
  const int hour = TakeDigits(word, 2);
  if (hour < 0 || hour > 23 || !TakeCharacter(word, ':')) return std::nullopt;
  const int minute = TakeDigits(word, 2);
  if (minute < 0 || minute > 59 || !TakeCharacter(word, ':')) return std::nullopt;
  const int second = TakeDigits(word, 2);
  if (second < 0 || second > 59) return std::nullopt;
  return std::int64_t{hour} * 3600 + std::int64_t{minute} * 60 + second;
}

std::optional<std::int64_t> TakeOffset(std::string_view& word, bool postgres) {
  if (TakeCharacter(word, 'Z')) return 0;
  const bool west = TakeCharacter(word, '-');
  if (!west && !TakeCharacter(word, '+')) return std::nullopt;
  const int hour = TakeDigits(word, 2);
  if (hour < 0 || hour > 23) return std::nullopt;
  std::int64_t offset = std::int64_t{hour} * 3600;
  if (!postgres || !word.empty()) {
    if (!TakeCharacter(word, ':')) return std::nullopt;
    const int minute = TakeDigits(word, 2);
    if (minute < 0 || minute > 59) return std::nullopt;
    offset += std::int64_t{minute} * 60;
    if (postgres && TakeCharacter(word, ':')) {
      const int second = TakeDigits(word, 2);
      if (second < 0 || second > 59) return std::nullopt;
      offset += second;
    }
  }
  return west ? -offset : offset;
}

}  // namespace coffer::policy
