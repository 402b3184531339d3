// Rounds: pieces of work of this process timed in turns.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace coffer::bench {

// One thing to time, under its name in the report.
struct Contestant {
  std::string name;
  std::function<void()> work;
  double calls = 1;  // that one piece of work makes, of what is timed
};

// All contestants take turns in every round, so that a slow moment of the machine meets each of them. For each
// {"ns": spread of the time of one call, "ratio": spread of that to the first contestant's, taken round by round}.
nlohmann::json RunRounds(const std::vector<Contestant>& contestants);

}  // namespace coffer::bench
