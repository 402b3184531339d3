#include "bench/rounds.h"

#include <chrono>

#include "bench/spread.h"

namespace coffer::bench {
namespace {

constexpr int kRounds = 9;
constexpr std::chrono::milliseconds kRoundTime{100};

// Nanoseconds a call in one round. The clock is read once in so many calls as a first one says.
double RoundNanoseconds(const std::function<void()>& work, int calls_at_once) {
  const auto start = std::chrono::steady_clock::now();
  const auto end = start + kRoundTime;
  std::uint64_t calls = 0;
  while (std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < calls_at_once; ++i) work();
    calls += static_cast<std::uint64_t>(calls_at_once);
  }
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
  return spent.count() / static_cast<double>(calls);
}

// Short work is not to be drowned by reading the clock, long work not to be repeated for nothing.
int CallsAtOnce(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::steady_clock::now() - start > std::chrono::milliseconds(1) ? 1 : 64;
}

}  // namespace

nlohmann::json RunRounds(const std::vector<Contestant>& contestants) {
  std::vector<int> calls_at_once;
  for (const Contestant& contestant : contestants) calls_at_once.push_back(CallsAtOnce(contestant.work));
  std::vector<std::vector<double>> times(contestants.size());
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      times[i].push_back(RoundNanoseconds(contestants[i].work, calls_at_once[i]) / contestants[i].calls);
    }
  }
  nlohmann::json report;
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    std::vector<double> ratios;
    for (int round = 0; round < kRounds; ++round) ratios.push_back(times[i][round] / times[0][round]);
    report[contestants[i].name] = {{"ns", AsJson(SpreadOf(times[i]))}, {"ratio", AsJson(SpreadOf(ratios))}};
  }
  return report;
}

}  // namespace coffer::bench
