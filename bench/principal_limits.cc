// principal_limits: what counting a principal costs each call, by one thread and by two, beside a counter under a
// mutex in the same run. JSON on stdout.
#include "keysvc/service/principal_limits.h"

#include <iostream>
#include <latch>
#include <thread>

#include "bench/rounds.h"
#include "crypto/value.h"

namespace coffer::bench {
namespace {

using keysvc::Fingerprint;
using keysvc::PrincipalLimits;

constexpr int kTurns = 100'000;  // of each thread, in one piece of work
constexpr int kRows = 1'000;     // of one call
constexpr int kPrincipals = 64;
constexpr std::int64_t kNeverReached = 1'000'000'000;
constexpr char kField[] = "bench.user.email";

struct Counter {
  void Add() {
    const Lock lock(mutex);
    ++count;
  }
  Mutex mutex;
  std::uint64_t count COFFER_GUARDED_BY(mutex) = 0;
};

std::vector<std::string> Principals(int count) {
  std::vector<std::string> principals;
  for (int i = 0; i < count; ++i) principals.push_back("spiffe://example.org/role/app/orders-" + std::to_string(i));
  return principals;
}

// `turn(thread, i)` kTurns times in each thread.
template <typename Turn>
Contestant InThreads(std::string name, int threads, Turn turn) {
  return {.name = std::move(name),
          .work =
              [threads, turn] {
                std::latch start(threads);
                const auto run = [&start, &turn](int thread) {
                  start.arrive_and_wait();
                  for (int i = 0; i < kTurns; ++i) turn(thread, i);
                };
                std::vector<std::thread> others;
                for (int thread = 1; thread < threads; ++thread) others.emplace_back(run, thread);
                run(0);
                for (std::thread& other : others) other.join();
              },
          .calls = static_cast<double>(threads) * kTurns};
}

Contestant Count(int threads) {
  const auto counter = std::make_shared<Counter>();
  return InThreads("counter_under_a_mutex_threads_" + std::to_string(threads), threads,
                   [counter](int, int) { counter->Add(); });
}

// A call from its start to its end, of one value: each thread's by its own principals in turn, or by the one of all.
Contestant EnterTakeLeave(const Clock& clock, int threads, int principals) {
  const auto limits = std::make_shared<PrincipalLimits>(clock);
  return InThreads("enter_take_leave_threads_" + std::to_string(threads) + "_principals_" + std::to_string(principals),
                   threads, [limits, names = Principals(principals)](int thread, int i) {
                     const std::size_t place = static_cast<std::size_t>(thread * 7919 + i) % names.size();
                     const auto in_flight = limits->Enter(names[place], kNeverReached);
                     if (!in_flight.ok() || !limits->TakeValues(names[place], kNeverReached, 1).ok()) std::abort();
                   });
}

Contestant Refused(const Clock& clock) {
  const auto limits = std::make_shared<PrincipalLimits>(clock);
  const std::vector<std::string> names = Principals(1);
  if (!limits->TakeValues(names[0], 1, 1).ok()) std::abort();  // all of a minute
  return InThreads("values_refused", 1, [limits, names](int, int) {
    if (limits->TakeValues(names[0], 1, 1).ok()) std::abort();
  });
}

std::vector<Fingerprint> Rows(const PrincipalLimits& limits, std::int64_t first, int count) {
  std::vector<Fingerprint> rows;
  for (std::int64_t number = first; number < first + count; ++number) {
    const ScalarView part = number;
    Bytes row;
    if (!EncodeRow({&part, 1}, row).ok()) std::abort();
    rows.push_back(limits.FingerprintOf(kField, TenantUuid{}, row));
  }
  return rows;
}

Contestant Fingerprints(const Clock& clock) {
  const auto limits = std::make_shared<PrincipalLimits>(clock);
  return {.name = "fingerprint_of_a_row",
          .work = [limits] { Rows(*limits, 0, kRows); },
          .calls = static_cast<double>(kRows)};
}

// Rows that the principal has had today, and those that it has not: of a set that begins empty each time.
Contestant KnownRows(const Clock& clock) {
  const auto limits = std::make_shared<PrincipalLimits>(clock);
  return {.name = "distinct_rows_had_today",
          .work =
              [limits, names = Principals(1), rows = Rows(*limits, 0, kRows)] {
                if (!limits->TakeDistinct(names[0], kNeverReached, rows).ok()) std::abort();
              },
          .calls = static_cast<double>(kRows)};
}

Contestant NewRows(const Clock& clock) {
  constexpr int kCalls = 200;
  const auto limits = std::make_shared<PrincipalLimits>(clock);
  return {.name = "distinct_rows_new",
          .work =
              [&clock, names = Principals(1), rows = Rows(*limits, 0, kCalls * kRows)] {
                PrincipalLimits fresh(clock, {.principals = 1, .row_slots = std::size_t{1} << 24});
                for (int call = 0; call < kCalls; ++call) {
                  const auto some = std::span(rows).subspan(static_cast<std::size_t>(call) * kRows, kRows);
                  if (!fresh.TakeDistinct(names[0], kNeverReached, some).ok()) std::abort();
                }
              },
          .calls = static_cast<double>(kCalls) * kRows};
}

nlohmann::json Measure() {
  const SystemClock clock;
  std::vector<Contestant> contestants;
  contestants.push_back(Count(1));
  contestants.push_back(Count(2));
  contestants.push_back(EnterTakeLeave(clock, 1, 1));
  contestants.push_back(EnterTakeLeave(clock, 2, 1));
  contestants.push_back(EnterTakeLeave(clock, 2, kPrincipals));
  contestants.push_back(Refused(clock));
  contestants.push_back(Fingerprints(clock));
  contestants.push_back(KnownRows(clock));
  contestants.push_back(NewRows(clock));
  return RunRounds(contestants);
}

}  // namespace
}  // namespace coffer::bench

int main() {
  std::cout << coffer::bench::Measure().dump(2) << "\n";
  return 0;
}
