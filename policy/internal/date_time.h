// Dates and times as RFC 3339 writes them, taken off the front of a text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace coffer::policy {

// Takes `c`, when it is there.
bool TakeCharacter(std::string_view& word, char c);

// "2027-01-31" as seconds since 1970-01-01 UTC, in the proleptic Gregorian calendar; a day that exists.
std::optional<std::int64_t> TakeDate(std::string_view& word);
// "23:59:59" as seconds; no leap second.
std::optional<std::int64_t> TakeTime(std::string_view& word);
// "Z" or "+01:00" as seconds east of UTC. With `postgres` also "+01" and "+00:19:32", which it writes for whole hours
// and for local mean time.
std::optional<std::int64_t> TakeOffset(std::string_view& word, bool postgres);

}  // namespace coffer::policy
