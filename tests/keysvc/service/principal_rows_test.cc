// Distinct rows of a day, and what stands for a row.
#include <atomic>

#include "tests/keysvc/service/principal_limits_fixture.h"

namespace coffer::keysvc {
namespace {

TEST_F(PrincipalLimitsTest, ARowOfTodayCostsNothing) {
  ASSERT_TRUE(TakeRows(10, 1, 10).ok());
  EXPECT_TRUE(TakeRows(10, 1, 10).ok());
  EXPECT_TRUE(TakeRows(10, 4, 1).ok());
  ExpectRefused(TakeRows(10, 11, 1), "distinct_per_day", 10);
}

TEST_F(PrincipalLimitsTest, RowsAreTakenAllOrNothing) {
  ASSERT_TRUE(TakeRows(10, 1, 6).ok());
  ExpectRefused(TakeRows(10, 5, 7), "distinct_per_day", 10);  // 5 and 6 were had, 7 to 11 are five
  EXPECT_TRUE(TakeRows(10, 101, 4).ok());
  ExpectRefused(TakeRows(10, 7, 1), "distinct_per_day", 10);
}

TEST_F(PrincipalLimitsTest, ARowThatACallHasTwiceCountsOnce) {
  std::vector<Fingerprint> rows = Rows(1, 5);
  const std::vector<Fingerprint> again = Rows(1, 5);
  rows.insert(rows.end(), again.begin(), again.end());
  EXPECT_TRUE(limits.TakeDistinct(kAnn, 5, rows).ok());
  EXPECT_TRUE(limits.TakeDistinct(kBob, 6, rows).ok());
  EXPECT_TRUE(TakeRows(6, 6, 1, kBob).ok());
  EXPECT_FALSE(TakeRows(6, 7, 1, kBob).ok());
  EXPECT_FALSE(limits.TakeDistinct("unix:app:1", 4, rows).ok());
  EXPECT_TRUE(TakeRows(6, 1, 2, "unix:app:2").ok());
  EXPECT_TRUE(limits.TakeDistinct("unix:app:2", 5, rows).ok()) << "three new ones, each twice";
}

TEST_F(PrincipalLimitsTest, ALowerLimitLeavesWhatWasHad) {
  ASSERT_TRUE(TakeRows(20, 1, 20).ok());
  EXPECT_TRUE(TakeRows(5, 1, 20).ok());
  ExpectRefused(TakeRows(5, 21, 1), "distinct_per_day", 5);
  EXPECT_TRUE(TakeRows(21, 21, 1).ok());
}

TEST_F(PrincipalLimitsTest, WithoutALimitRowsDoNotCount) {
  EXPECT_TRUE(TakeRows({}, 1, 100).ok());
  EXPECT_TRUE(TakeRows(5, 101, 5).ok());
  EXPECT_TRUE(TakeRows({}, 1, 100).ok());
  EXPECT_FALSE(TakeRows(5, 1, 1).ok());
  EXPECT_TRUE(limits.TakeDistinct(kAnn, 5, {}).ok());
}

TEST_F(PrincipalLimitsTest, ManyRowsAreCountedExactly) {
  ASSERT_TRUE(TakeRows(50'000, 0, 49'999).ok());
  EXPECT_FALSE(TakeRows(50'000, 49'998, 3).ok());
  EXPECT_TRUE(TakeRows(50'000, 49'998, 2).ok());
  EXPECT_FALSE(TakeRows(50'000, 50'000, 1).ok());
  EXPECT_TRUE(TakeRows(50'000, 0, 50'000).ok());
}

TEST_F(PrincipalLimitsTest, TheDayTurnsAtMidnightUtc) {
  clock.SetUnixMicros(kMidnight + kDay - 1);
  ASSERT_TRUE(TakeRows(5, 1, 5).ok());
  EXPECT_FALSE(TakeRows(5, 6, 1).ok());
  clock.Advance(1);
  EXPECT_TRUE(TakeRows(5, 6, 5).ok());
  EXPECT_FALSE(TakeRows(5, 1, 1).ok()) << "yesterday's row is a new one";
}

TEST_F(PrincipalLimitsTest, AClockSetBackDoesNotBringAFreshDay) {
  ASSERT_TRUE(TakeRows(5, 1, 5).ok());
  clock.SetUnixMicros(kMidnight - 1);
  EXPECT_FALSE(TakeRows(5, 6, 1).ok());
  EXPECT_TRUE(TakeRows(5, 1, 5).ok());
  EXPECT_TRUE(TakeRows(5, 1, 5, kBob).ok());
  clock.SetUnixMicros(kMidnight);
  EXPECT_FALSE(TakeRows(5, 6, 1).ok());
  EXPECT_FALSE(TakeRows(5, 6, 1, kBob).ok()) << "what is had with the clock back is the same day's";
  clock.SetUnixMicros(kMidnight + 2 * kDay);
  ASSERT_TRUE(TakeRows(5, 6, 5).ok());
  clock.SetUnixMicros(kMidnight + kDay);
  EXPECT_FALSE(TakeRows(5, 1, 1).ok());
}

TEST_F(PrincipalLimitsTest, ThreadsTakeExactlyTheRowsOfTheLimit) {
  std::atomic<int> taken{0};
  const std::vector<Fingerprint> rows = Rows(0, 40'000);
  InThreads([&](int thread) {
    for (std::size_t row = static_cast<std::size_t>(thread); row < rows.size(); row += 8) {
      if (limits.TakeDistinct(kAnn, 30'000, {&rows[row], 1}).ok()) taken.fetch_add(1);
    }
  });
  EXPECT_EQ(taken.load(), 30'000);
}

// ---- Fingerprints.

TEST_F(PrincipalLimitsTest, AFingerprintDependsOnEachPart) {
  TenantUuid other;
  other.bytes[0] = std::byte{1};
  const std::set<Fingerprint> prints = {limits.FingerprintOf("shop.user.email", TenantUuid{}, Row(1)),
                                        limits.FingerprintOf("shop.user.phone", TenantUuid{}, Row(1)),
                                        limits.FingerprintOf("shop.user.email", other, Row(1)),
                                        limits.FingerprintOf("shop.user.email", TenantUuid{}, Row(2)),
                                        limits.FingerprintOf("shop.user.email", TenantUuid{}, {})};
  EXPECT_EQ(prints.size(), 5U);
  EXPECT_EQ(limits.FingerprintOf("shop.user.email", TenantUuid{}, Row(1)), Rows(1, 1).front());
}

TEST_F(PrincipalLimitsTest, PartsOfAFingerprintCannotBeMovedIntoOneAnother) {
  const std::string zeros(16, '\0');
  EXPECT_NE(limits.FingerprintOf("a" + zeros, TenantUuid{}, AsBytes("x")),
            limits.FingerprintOf("a", TenantUuid{}, AsBytes(zeros + "x")));
}

TEST_F(PrincipalLimitsTest, FingerprintsDifferFromProcessToProcess) {
  const PrincipalLimits others(clock);
  EXPECT_NE(limits.FingerprintOf("shop.user.email", TenantUuid{}, Row(1)),
            others.FingerprintOf("shop.user.email", TenantUuid{}, Row(1)));
}

// ---- Room.

TEST_F(SmallPrincipalLimitsTest, WhoHadRowsTodayIsNotForgottenBeforeMidnight) {
  ASSERT_TRUE(small->TakeDistinct("a", 5, Rows(1, 5)).ok());
  ASSERT_TRUE(small->TakeDistinct("b", 5, Rows(1, 5)).ok());
  clock.Advance(kDay - 1);
  EXPECT_FALSE(TakesOne("c"));
  EXPECT_FALSE(small->TakeDistinct("a", 5, Rows(6, 1)).ok());
  clock.Advance(1);
  EXPECT_TRUE(TakesOne("c"));
  EXPECT_TRUE(small->TakeDistinct("d", 5, Rows(6, 5)).ok());
}

TEST_F(SmallPrincipalLimitsTest, RowsThatCannotBeCountedAreRefused) {
  const Status refused = small->TakeDistinct(kAnn, 1'000'000, Rows(1, 1'900));
  ExpectRefused(refused, "distinct_per_day", 1'000'000);
  EXPECT_NE(refused.error().ToString().find("no room to count"), std::string::npos) << refused.error().ToString();
  std::int64_t row = 0;
  while (small->TakeDistinct(kAnn, 1'000'000, Rows(row, 1)).ok()) ++row;
  EXPECT_GE(row, 100);
  EXPECT_LT(row, 1'600);
  EXPECT_TRUE(small->TakeDistinct(kAnn, 1'000'000, Rows(0, row)).ok()) << "what was had is had";
  EXPECT_TRUE(small->TakeDistinct(kBob, 100, Rows(0, 100)).ok()) << "one principal does not take all of the room";
}

TEST_F(SmallPrincipalLimitsTest, TheNextDayHasTheRoomOfTheLast) {
  Start({.principals = 1'000, .row_slots = 2'000});
  for (std::int64_t day = 0; day < 3; ++day) {
    int counted = 0;
    while (small->TakeDistinct("unix:app:" + std::to_string(counted), 50, Rows(day, 10)).ok()) ++counted;
    EXPECT_GE(counted, 20);
    const Result<InFlight> running = small->Enter("unix:app:0", {});
    clock.Advance(kDay);
    EXPECT_TRUE(small->TakeDistinct(kAnn, 300, Rows(day, 300)).ok()) << "while a call of yesterday still runs";
    clock.Advance(kDay);
  }
}

}  // namespace
}  // namespace coffer::keysvc
