#include "io/clock.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace coffer {
namespace {

TEST(SystemClockTest, TellsTheTimeOfThisCentury) {
  const SystemClock clock;
  EXPECT_GT(clock.UnixMicros(), 1'700'000'000'000'000);  // 2023
  EXPECT_LT(clock.UnixMicros(), 4'102'444'800'000'000);  // 2100
}

TEST(SystemClockTest, MonotonicTimeNeverGoesBack) {
  const SystemClock clock;
  std::int64_t last = clock.MonotonicMicros();
  for (int i = 0; i < 10'000; ++i) {
    const std::int64_t now = clock.MonotonicMicros();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(FakeClockTest, StandsStillUntilAdvanced) {
  FakeClock clock(500, 7);
  EXPECT_EQ(clock.UnixMicros(), 500);
  EXPECT_EQ(clock.MonotonicMicros(), 7);
  clock.Advance(3);
  EXPECT_EQ(clock.UnixMicros(), 503);
  EXPECT_EQ(clock.MonotonicMicros(), 10);
}

TEST(FakeClockTest, SettingTheTimeLeavesTheMonotonicClock) {
  FakeClock clock(500, 7);
  clock.SetUnixMicros(100);
  EXPECT_EQ(clock.UnixMicros(), 100);
  EXPECT_EQ(clock.MonotonicMicros(), 7);
}

TEST(FakeClockTest, AdvancesFromSeveralThreads) {
  FakeClock clock(0, 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&clock] {
      for (int j = 0; j < 1000; ++j) clock.Advance(1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(clock.UnixMicros(), 4000);
  EXPECT_EQ(clock.MonotonicMicros(), 4000);
}

TEST(FakeClockDeathTest, RefusesToGoBack) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  FakeClock clock;
  EXPECT_DEATH(clock.Advance(-1), "micros >= 0");
}

}  // namespace
}  // namespace coffer
