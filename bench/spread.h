// Spread: what a figure came to over its rounds.
#pragma once

#include <algorithm>
#include <vector>

#include <nlohmann/json.hpp>

namespace coffer::bench {

struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
};

// `rounds` holds at least one.
inline Spread SpreadOf(std::vector<double> rounds) {
  std::sort(rounds.begin(), rounds.end());
  return {.median = rounds[rounds.size() / 2], .min = rounds.front(), .max = rounds.back()};
}

inline nlohmann::json AsJson(const Spread& spread) {
  return {{"median", spread.median}, {"min", spread.min}, {"max", spread.max}};
}

}  // namespace coffer::bench
