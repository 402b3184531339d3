// Times and durations as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer::cli {

// Microseconds since 1970-01-01 UTC as RFC 3339: "2026-11-21T00:42:16Z", with six decimals when `micros`. Years 1970 to
// 9999.
std::string FormatTime(std::int64_t unix_micros, bool micros = false);

// RFC 3339 with offset or Z, at most six decimals. kInvalidArgument for anything else.
Result<std::int64_t> ParseTime(std::string_view text);

// "2026-11-21", "2026-11-21 00:42" or "2026-11-21 00:42:16" in this machine's time zone, as tables show times.
// kInvalidArgument for anything else.
Result<std::int64_t> ParseLocalTime(std::string_view text);

// A whole number and one of s, m, h, d, w: "90s", "30d"; from 1 second to 10 years. Gives microseconds.
Result<std::int64_t> ParseDuration(std::string_view text);

// The same in the largest unit but weeks that divides it; less than a second: "0s". `micros` >= 0.
std::string FormatDuration(std::int64_t micros);

// A time, or a duration counted from `now_unix_micros`.
Result<std::int64_t> ParseExpiry(std::string_view text, std::int64_t now_unix_micros);

}  // namespace coffer::cli
