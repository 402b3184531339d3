#include "keysvc/service/principal_limits.h"

#include <atomic>
#include <deque>
#include <limits>

#include "tests/keysvc/service/principal_limits_fixture.h"

namespace coffer::keysvc {
namespace {

// ---- In flight.

TEST_F(PrincipalLimitsTest, AsManyCallsRunAsTheLimitSays) {
  for (const std::int64_t limit : {1, 2, 16}) {
    std::vector<InFlight> running;
    for (std::int64_t i = 0; i < limit; ++i) {
      Result<InFlight> entered = limits.Enter(kAnn, limit);
      ASSERT_TRUE(entered.ok());
      running.push_back(std::move(*entered));
    }
    ExpectRefused(limits.Enter(kAnn, limit), static_cast<std::uint64_t>(limit));
    running.pop_back();
    EXPECT_TRUE(limits.Enter(kAnn, limit).ok());
  }
}

TEST_F(PrincipalLimitsTest, ALimitOfNothingRefusesAll) {
  for (const std::int64_t limit : {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::min()}) {
    ExpectRefused(limits.Enter(kAnn, limit), 0);
    ExpectRefused(TakeValues(limit, 1), "values_per_minute", 0);
    ExpectRefused(TakeRows(limit, 1, 1), "distinct_per_day", 0);
  }
}

TEST_F(PrincipalLimitsTest, CallsWithoutALimitAreKnownToALaterLimit) {
  const Result<InFlight> first = limits.Enter(kAnn, {});
  const Result<InFlight> second = limits.Enter(kAnn, {});
  ASSERT_TRUE(first.ok() && second.ok());
  ExpectRefused(limits.Enter(kAnn, 2), 2);
  EXPECT_TRUE(limits.Enter(kAnn, 3).ok());
}

TEST_F(PrincipalLimitsTest, AMovedTicketIsOneCall) {
  InFlight first = limits.Enter(kAnn, 2).value();
  InFlight moved = std::move(first);
  InFlight second = limits.Enter(kAnn, 2).value();
  ExpectRefused(limits.Enter(kAnn, 2), 2);
  moved = std::move(second);
  const Result<InFlight> third = limits.Enter(kAnn, 2);
  EXPECT_TRUE(third.ok()) << "what was assigned to has left";
  ExpectRefused(limits.Enter(kAnn, 2), 2);
}

TEST_F(SmallPrincipalLimitsTest, ATicketMayOutliveTheCounts) {
  std::optional<InFlight> ticket = small->Enter(kAnn, 1).value();
  ASSERT_TRUE(small->TakeDistinct(kAnn, 10, Rows(1, 5)).ok());
  small.reset();
  ticket.reset();
}

class InFlightThreadsTest : public PrincipalLimitsTest, public ::testing::WithParamInterface<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Limits, InFlightThreadsTest, ::testing::Values(1, 3));

TEST_P(InFlightThreadsTest, ThreadsNeverRunMoreCallsThanTheLimit) {
  const std::int64_t limit = GetParam();
  std::atomic<std::int64_t> running{0};
  std::atomic<std::int64_t> entered{0};
  InThreads([&](int) {
    for (int round = 0; round < 50'000; ++round) {
      const Result<InFlight> ticket = limits.Enter(kAnn, limit);
      if (!ticket.ok()) continue;
      EXPECT_LE(running.fetch_add(1) + 1, limit);
      entered.fetch_add(1);
      std::this_thread::yield();  // lets others find the limit reached
      running.fetch_sub(1);
    }
  });
  EXPECT_GT(entered.load(), 0);
  std::vector<InFlight> all;
  for (std::int64_t i = 0; i < limit; ++i) all.push_back(limits.Enter(kAnn, limit).value());
  ExpectRefused(limits.Enter(kAnn, limit), static_cast<std::uint64_t>(limit));
}

TEST_F(SmallPrincipalLimitsTest, TicketsThatOtherThreadsEndAreCountedWhilePrincipalsComeAndGo) {
  constexpr std::int64_t kLimit = 3;
  std::atomic<std::int64_t> running{0};
  Mutex mutex;
  std::deque<InFlight> handed;  // guarded by mutex
  const auto end_one = [&] {
    std::optional<InFlight> ended;
    const Lock lock(mutex);
    if (handed.empty()) return;
    running.fetch_sub(1);
    ended.emplace(std::move(handed.front()));
    handed.pop_front();
  };
  InThreads([&](int i) {
    for (int round = 0; round < 5'000; ++round) {
      clock.Advance(kSecond);
      EXPECT_TRUE(small->Enter(std::to_string(i) + "/" + std::to_string(round % 7), {}).ok());
      Result<InFlight> ticket = small->Enter(kAnn, kLimit);
      if (ticket.ok()) {
        EXPECT_LE(running.fetch_add(1) + 1, kLimit);
        const Lock lock(mutex);
        handed.push_back(std::move(*ticket));
      }
      end_one();
    }
  });
  while (!handed.empty()) end_one();
  clock.Advance(kMinute);
  std::vector<InFlight> all;
  for (std::int64_t i = 0; i < kLimit; ++i) all.push_back(small->Enter(kAnn, kLimit).value());
  ExpectRefused(small->Enter(kAnn, kLimit), kLimit);
}

// ---- Values a minute.

TEST_F(PrincipalLimitsTest, ValuesAreTakenUpToTheLimitAllOrNothing) {
  struct Case {
    std::int64_t limit;
    std::vector<std::uint64_t> taken;
    std::uint64_t refused;
    std::uint64_t rest;
  };
  const std::vector<Case> cases = {
      {1, {1}, 1, 0},           {7, {1, 1, 1, 1, 1, 1, 1}, 1, 0}, {100, {60}, 41, 40},
      {100, {0, 100, 0}, 1, 0}, {6'000, {4'096}, 4'096, 1'904},   {1'000'000'000, {999'999'999}, 2, 1}};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string principal = "unix:app:" + std::to_string(i);
    for (const std::uint64_t count : cases[i].taken) EXPECT_TRUE(TakeValues(cases[i].limit, count, principal).ok());
    ExpectRefused(TakeValues(cases[i].limit, cases[i].refused, principal), "values_per_minute",
                  static_cast<std::uint64_t>(cases[i].limit));
    EXPECT_TRUE(TakeValues(cases[i].limit, cases[i].rest, principal).ok()) << "a refusal takes nothing";
    EXPECT_FALSE(TakeValues(cases[i].limit, 1, principal).ok());
  }
}

TEST_F(PrincipalLimitsTest, MoreThanAMinutesValuesIsRefusedForGood) {
  ExpectRefused(TakeValues(10, 11), "values_per_minute", 10);
  ExpectRefused(TakeValues(10, ~std::uint64_t{0}), "values_per_minute", 10);
  clock.Advance(2 * kMinute);
  ExpectRefused(TakeValues(10, 11), "values_per_minute", 10);
  EXPECT_TRUE(TakeValues(10, 10).ok());
}

TEST_F(PrincipalLimitsTest, ValuesComeBackEvenlyAndNoMoreThanTheLimit) {
  ASSERT_TRUE(TakeValues(60, 60).ok());
  clock.Advance(kSecond - 1);
  EXPECT_FALSE(TakeValues(60, 1).ok());
  clock.Advance(1);
  EXPECT_TRUE(TakeValues(60, 1).ok());
  EXPECT_FALSE(TakeValues(60, 1).ok());
  clock.Advance(10 * kSecond);
  EXPECT_FALSE(TakeValues(60, 11).ok());
  EXPECT_TRUE(TakeValues(60, 10).ok());
  clock.Advance(5 * kMinute);
  EXPECT_TRUE(TakeValues(60, 60).ok());
  EXPECT_FALSE(TakeValues(60, 1).ok());
}

TEST_F(PrincipalLimitsTest, ValuesDoNotComeBackWhenTheClockIsSet) {
  ASSERT_TRUE(TakeValues(60, 60).ok());
  clock.SetUnixMicros(kMidnight + kDay);
  EXPECT_FALSE(TakeValues(60, 1).ok());
  clock.SetUnixMicros(kMidnight - kDay);
  EXPECT_FALSE(TakeValues(60, 1).ok());
}

TEST_F(PrincipalLimitsTest, UnderSeveralLimitsEachTakeUsesUpItsPartOfTheMinute) {
  ASSERT_TRUE(TakeValues(100, 50).ok());
  EXPECT_FALSE(TakeValues(6'000, 3'001).ok());
  EXPECT_TRUE(TakeValues(6'000, 1'500).ok());
  EXPECT_FALSE(TakeValues(100, 26).ok());
  EXPECT_TRUE(TakeValues(100, 25).ok());
  EXPECT_FALSE(TakeValues(6'000, 1).ok());
  clock.Advance(kSecond);
  EXPECT_FALSE(TakeValues(6'000, 101).ok());
  EXPECT_TRUE(TakeValues(6'000, 100).ok());
}

TEST_F(PrincipalLimitsTest, TurningLimitsDoNotGiveMoreThanEachOfThem) {
  std::uint64_t small_taken = 0;
  for (int step = 0; step < 600; ++step) {
    EXPECT_TRUE(TakeValues(1'000'000, 1).ok() || step < 1);
    if (TakeValues(10, 1).ok()) ++small_taken;
    clock.Advance(kMinute / 60);
  }
  EXPECT_LE(small_taken, 10U + 100U) << "a burst, and ten minutes";
  EXPECT_GE(small_taken, 100U);
}

TEST_F(PrincipalLimitsTest, WithoutALimitValuesDoNotCount) {
  EXPECT_TRUE(TakeValues({}, ~std::uint64_t{0}).ok());
  EXPECT_TRUE(TakeValues(5, 5).ok());
  EXPECT_TRUE(TakeValues({}, 1).ok());
}

TEST_F(PrincipalLimitsTest, ThreadsTakeExactlyTheLimit) {
  std::atomic<std::int64_t> taken{0};
  InThreads([&](int) {
    for (int round = 0; round < 50'000; ++round) {
      if (TakeValues(1'000'000, 3).ok()) taken.fetch_add(3);
    }
  });
  EXPECT_EQ(taken.load(), 999'999);
}

// ---- Principals beside each other.

TEST_F(PrincipalLimitsTest, APrincipalAtItsLimitsRefusesNobodyElse) {
  const Result<InFlight> anns = limits.Enter(kAnn, 1);
  ASSERT_TRUE(TakeValues(10, 10).ok());
  ASSERT_TRUE(TakeRows(10, 1, 10).ok());
  EXPECT_FALSE(limits.Enter(kAnn, 1).ok());
  EXPECT_FALSE(TakeValues(10, 1).ok());
  EXPECT_FALSE(TakeRows(10, 11, 1).ok());
  EXPECT_TRUE(limits.Enter(kBob, 1).ok());
  EXPECT_TRUE(TakeValues(10, 10, kBob).ok());
  EXPECT_TRUE(TakeRows(10, 11, 10, kBob).ok());
}

TEST_F(PrincipalLimitsTest, APrincipalThatIsRefusedAllTheTimeTakesNothingFromAnother) {
  ASSERT_TRUE(TakeValues(10, 10).ok());
  ASSERT_TRUE(TakeRows(10, 1, 10).ok());
  const std::vector<Fingerprint> more = Rows(11, 4'096);
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!done.load()) {
        EXPECT_FALSE(TakeValues(10, 1).ok());
        EXPECT_FALSE(limits.TakeDistinct(kAnn, 10, more).ok());
      }
    });
  }
  for (std::int64_t round = 0; round < 2'000; ++round) {
    EXPECT_TRUE(limits.Enter(kBob, 1).ok());
    EXPECT_TRUE(TakeValues(2'000, 1, kBob).ok());
    EXPECT_TRUE(TakeRows(2'000, round, 1, kBob).ok());
  }
  done.store(true);
  for (std::thread& thread : threads) thread.join();
}

// ---- Caps.

TEST_F(SmallPrincipalLimitsTest, AFullTableRefusesWhoIsNewAndHasALimit) {
  ASSERT_TRUE(TakesOne("a"));
  ASSERT_TRUE(TakesOne("b"));
  ExpectRefused(small->TakeValues("c", 10, 1), "values_per_minute", 10);
  ExpectRefused(small->TakeDistinct("c", 10, Rows(1, 1)), "distinct_per_day", 10);
  ExpectRefused(small->Enter("c", 10), 10);
  EXPECT_TRUE(small->Enter("c", {}).ok());
  EXPECT_TRUE(TakesOne("a")) << "who is known goes on";
}

TEST_F(SmallPrincipalLimitsTest, WhoHasItsWholeMinuteIsForgotten) {
  ASSERT_TRUE(small->TakeValues("a", 10, 10).ok());
  ASSERT_TRUE(TakesOne("b"));
  clock.Advance(kMinute - 1);
  EXPECT_TRUE(TakesOne("c")) << "in place of b";
  EXPECT_FALSE(TakesOne("d"));
  clock.Advance(1);
  EXPECT_TRUE(TakesOne("d")) << "in place of a";
}

TEST_F(SmallPrincipalLimitsTest, WhoHasACallInFlightIsNotForgotten) {
  std::optional<InFlight> ticket = small->Enter("a", 1).value();
  for (int i = 0; i < 100; ++i) {
    clock.Advance(2 * kMinute);
    ASSERT_TRUE(TakesOne("other" + std::to_string(i)));
    ExpectRefused(small->Enter("a", 1), 1);
  }
  clock.Advance(kDay);
  EXPECT_TRUE(small->TakeDistinct("b", 10, Rows(1, 1)).ok());
  ExpectRefused(small->Enter("a", 1), 1);
  ticket.reset();
  EXPECT_TRUE(small->Enter("a", 1).ok());
}

TEST_F(SmallPrincipalLimitsTest, TheOneThatMayBeForgottenIsFoundInTheEnd) {
  Start({.principals = 500, .row_slots = 2'000});
  std::vector<InFlight> running;
  for (int i = 0; i < 500; ++i) running.push_back(small->Enter("unix:app:" + std::to_string(i), {}).value());
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(TakesOne(kAnn));
  running.pop_back();
  int tries = 1;
  while (!TakesOne(kAnn) && tries < 200) ++tries;
  EXPECT_LT(tries, 200);
  EXPECT_FALSE(TakesOne(kBob));
}

}  // namespace
}  // namespace coffer::keysvc
