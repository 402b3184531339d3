// The rows that searches are measured over: made from their number, so that whoever knows it knows the row.
#pragma once

#include <cstdint>
#include <string>

namespace coffer::bench {

struct SearchRow {
  std::string email;    // all different, 24 to 38 characters
  std::string name;     // three words of syllables, 14 to 23 lower-case letters and spaces; some occur twice
  std::int64_t income;  // 0 to kMaxIncome - 1, evenly spread
};

inline constexpr std::int64_t kMaxIncome = 9'999'999;

// The row of a number.
SearchRow RowOf(std::int64_t id);

// The same for the same `seed`, evenly spread over 64 bits.
std::uint64_t Mixed(std::uint64_t seed);

}  // namespace coffer::bench
