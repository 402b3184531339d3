#include "keysvc/service/due_clock.h"

#include <gtest/gtest.h>

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kHour = std::int64_t{3600} * 1'000'000;

TEST(DueClockTest, GoesWithTheTimeThatGoesBy) {
  FakeClock clock;
  const DueClock due(clock);
  clock.Advance(5 * kHour);
  EXPECT_EQ(due.Now(), clock.UnixMicros());
  EXPECT_EQ(due.Ahead(), 0);
}

TEST(DueClockTest, AClockThatIsSetForwardIsNotFollowed) {
  FakeClock clock;
  const DueClock due(clock);
  const std::int64_t before = clock.UnixMicros();
  clock.SetUnixMicros(before + 1'000 * kHour);
  EXPECT_EQ(due.Now(), before + DueClock::kTolerance);
  EXPECT_EQ(due.Ahead(), 1'000 * kHour);
  clock.Advance(kHour);
  EXPECT_EQ(due.Now(), before + kHour + DueClock::kTolerance);
}

TEST(DueClockTest, ACorrectionOfMinutesIsFollowed) {
  FakeClock clock;
  const DueClock due(clock);
  clock.SetUnixMicros(clock.UnixMicros() + DueClock::kTolerance);
  EXPECT_EQ(due.Now(), clock.UnixMicros());
}

TEST(DueClockTest, AClockThatIsSetBackIsFollowed) {
  FakeClock clock;
  const DueClock due(clock);
  clock.SetUnixMicros(clock.UnixMicros() - 5 * kHour);
  EXPECT_EQ(due.Now(), clock.UnixMicros());
  EXPECT_EQ(due.Ahead(), -5 * kHour);
}

}  // namespace
}  // namespace coffer::keysvc
