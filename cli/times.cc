#include "cli/times.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>

namespace coffer::cli {
namespace {

constexpr std::int64_t kMicros = 1'000'000;
constexpr std::int64_t kSecondsADay = 86'400;
constexpr std::int64_t kLongestDuration = 10 * 366 * kSecondsADay;  // seconds

Error BadTime() {
  return Error(ErrorCode::kInvalidArgument, "is no time: write 2027-01-31T00:00:00Z, or a duration like 30d");
}

// Takes exactly `digits` digits off the front.
std::optional<int> TakeNumber(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool Take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// Days since 1970-01-01 of "YYYY-MM-DD".
std::optional<std::int64_t> TakeDate(std::string_view& text) {
  const auto year = TakeNumber(text, 4);
  if (!year || *year < 1970 || !Take(text, '-')) return std::nullopt;
  const auto month = TakeNumber(text, 2);
  if (!month || !Take(text, '-')) return std::nullopt;
  const auto day = TakeNumber(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

// Seconds of "HH:MM", each below its limit.
std::optional<std::int64_t> TakeHoursMinutes(std::string_view& text) {
  const auto hours = TakeNumber(text, 2);
  if (!hours || *hours > 23 || !Take(text, ':')) return std::nullopt;
  const auto minutes = TakeNumber(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return *hours * 3600 + *minutes * 60;
}

// Microseconds of ".123456", 0 where there is no point.
std::optional<std::int64_t> TakeFraction(std::string_view& text) {
  if (!Take(text, '.')) return 0;
  std::int64_t micros = 0;
  std::int64_t unit = kMicros;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    unit /= 10;
    if (unit == 0) return std::nullopt;
    micros += (text.front() - '0') * unit;
    text.remove_prefix(1);
  }
  if (unit == kMicros) return std::nullopt;
  return micros;
}

// Seconds east of UTC of "Z" or "+HH:MM".
std::optional<std::int64_t> TakeOffset(std::string_view& text) {
  if (Take(text, 'Z')) return 0;
  const bool west = text.starts_with('-');
  if (!Take(text, west ? '-' : '+')) return std::nullopt;
  const auto offset = TakeHoursMinutes(text);
  if (!offset) return std::nullopt;
  return west ? -*offset : *offset;
}

std::int64_t SecondsOf(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3'600;
    case 'd':
      return kSecondsADay;
    case 'w':
      return 7 * kSecondsADay;
    default:
      return 0;
  }
}

}  // namespace

std::string FormatTime(std::int64_t unix_micros, bool micros) {
  const std::chrono::sys_time<std::chrono::microseconds> time{std::chrono::microseconds(unix_micros)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 80> text{};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): bounded, all numbers.
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  std::string result = text.data();
  if (micros) {
    const std::string digits = std::to_string(clock.subseconds().count());
    result += "." + std::string(6 - digits.size(), '0') + digits;
  }
  return result + "Z";
}

Result<std::int64_t> ParseTime(std::string_view text) {
  const auto days = TakeDate(text);
  if (!days || !Take(text, 'T')) return BadTime();
  const auto minutes = TakeHoursMinutes(text);
  if (!minutes || !Take(text, ':')) return BadTime();
  const auto seconds = TakeNumber(text, 2);
  if (!seconds || *seconds > 59) return BadTime();
  const auto fraction = TakeFraction(text);
  if (!fraction) return BadTime();
  const auto offset = TakeOffset(text);
  if (!offset || !text.empty()) return BadTime();
  return (*days * kSecondsADay + *minutes + *seconds - *offset) * kMicros + *fraction;
}

Result<std::int64_t> ParseLocalTime(std::string_view text) {
  const auto days = TakeDate(text);
  if (!days) return BadTime();
  std::int64_t seconds = 0;
  if (Take(text, ' ')) {
    const auto minutes = TakeHoursMinutes(text);
    const auto rest = minutes && Take(text, ':') ? TakeNumber(text, 2) : std::optional(0);
    if (!minutes || !rest || *rest > 59) return BadTime();
    seconds = *minutes + *rest;
  }
  if (!text.empty()) return BadTime();
  // What the clock on the wall showed: mktime knows where the zone was then.
  const auto as_utc = static_cast<std::time_t>(*days * kSecondsADay + seconds);
  std::tm wall{};
  if (gmtime_r(&as_utc, &wall) == nullptr) return BadTime();
  wall.tm_isdst = -1;
  const std::time_t local = std::mktime(&wall);
  return local < 0 ? Result<std::int64_t>(BadTime()) : Result<std::int64_t>(std::int64_t{local} * kMicros);
}

Result<std::int64_t> ParseDuration(std::string_view text) {
  if (text.empty()) return BadTime();
  const std::int64_t unit = SecondsOf(text.back());
  text.remove_suffix(1);
  std::int64_t count = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (unit == 0 || error != std::errc{} || stop != text.data() + text.size() || count < 1) return BadTime();
  if (count > kLongestDuration / unit) return Error(ErrorCode::kInvalidArgument, "is longer than 10 years");
  return count * unit * kMicros;
}

std::string FormatDuration(std::int64_t micros) {
  const std::int64_t seconds = micros / kMicros;
  // Weeks are read and not written: "90d" is what people say.
  for (const char unit : {'d', 'h', 'm'}) {
    if (seconds != 0 && seconds % SecondsOf(unit) == 0) return std::to_string(seconds / SecondsOf(unit)) + unit;
  }
  return std::to_string(seconds) + "s";
}

Result<std::int64_t> ParseExpiry(std::string_view text, std::int64_t now_unix_micros) {
  if (text.find('T') != text.npos) return ParseTime(text);
  COFFER_ASSIGN_OR_RETURN(const std::int64_t duration, ParseDuration(text));
  return now_unix_micros + duration;
}

}  // namespace coffer::cli
