#include "cli/times.h"

#include <gtest/gtest.h>

namespace coffer::cli {
namespace {

constexpr std::int64_t kMicros = 1'000'000;

TEST(Times, KnownMomentsAreWrittenAndRead) {
  const std::vector<std::pair<std::int64_t, std::string>> cases = {{0, "1970-01-01T00:00:00Z"},
                                                                   {951'782'400, "2000-02-29T00:00:00Z"},
                                                                   {1'700'000'000, "2023-11-14T22:13:20Z"},
                                                                   {253'402'300'799, "9999-12-31T23:59:59Z"}};
  for (const auto& [seconds, text] : cases) {
    EXPECT_EQ(FormatTime(seconds * kMicros), text);
    ASSERT_TRUE(ParseTime(text).ok()) << text;
    EXPECT_EQ(*ParseTime(text), seconds * kMicros);
  }
  EXPECT_EQ(FormatTime(1'700'000'000'000'042, true), "2023-11-14T22:13:20.000042Z");
}

TEST(Times, OffsetsAndFractionsCount) {
  EXPECT_EQ(*ParseTime("1970-01-01T01:30:00+01:30"), 0);
  EXPECT_EQ(*ParseTime("1970-01-01T00:00:00-01:00"), 3'600 * kMicros);
  EXPECT_EQ(*ParseTime("1970-01-01T00:00:00.5Z"), kMicros / 2);
  EXPECT_EQ(*ParseTime("1970-01-01T00:00:00.000001Z"), 1);
}

TEST(Times, WhatIsNoTimeIsRefused) {
  for (const char* text : {"",
                           "Z",
                           "2027",
                           "2027-01-31",
                           "2027-01-31T00:00:00",
                           "2027-01-31 00:00:00Z",
                           "2027-01-31t00:00:00Z",
                           "2027-1-31T00:00:00Z",
                           "2027-02-29T00:00:00Z",
                           "2027-13-01T00:00:00Z",
                           "2027-00-01T00:00:00Z",
                           "2027-01-00T00:00:00Z",
                           "2027-01-31T24:00:00Z",
                           "2027-01-31T00:60:00Z",
                           "2027-01-31T00:00:60Z",
                           "2027-01-31T00:00:00.Z",
                           "2027-01-31T00:00:00.1234567Z",
                           "2027-01-31T00:00:00+1:00",
                           "2027-01-31T00:00:00+01",
                           "2027-01-31T00:00:00ZZ",
                           "02027-01-31T00:00:00Z",
                           "+027-01-31T00:00:00Z"}) {
    const auto time = ParseTime(text);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_EQ(time.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(LocalTimes, AreThoseOfTheMachinesZone) {
  ASSERT_EQ(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
  tzset();
  EXPECT_EQ(*ParseLocalTime("2026-11-21 19:11:18"), *ParseTime("2026-11-21T18:11:18Z"));
  EXPECT_EQ(*ParseLocalTime("2026-07-01 00:30"), *ParseTime("2026-06-30T22:30:00Z"));
  EXPECT_EQ(*ParseLocalTime("2026-11-21"), *ParseTime("2026-11-20T23:00:00Z"));
  unsetenv("TZ");
  tzset();
}

TEST(LocalTimes, AnythingElseIsRefused) {
  for (const char* text : {"", "2026", "2026-11", "2026-11-31", "2026-11-21 ", "2026-11-21 1:00", "2026-11-21 24:00",
                           "2026-11-21 10:60", "2026-11-21 10:00:", "2026-11-21 10:00:60", "2026-11-21 10:00:00Z",
                           "2026-11-21 10:00 ", "2026-11-21T10:00", "30d"}) {
    EXPECT_EQ(ParseLocalTime(text).error().code(), ErrorCode::kInvalidArgument) << text;
  }
}

TEST(Durations, EachUnitCounts) {
  EXPECT_EQ(*ParseDuration("1s"), kMicros);
  EXPECT_EQ(*ParseDuration("2m"), 120 * kMicros);
  EXPECT_EQ(*ParseDuration("3h"), 10'800 * kMicros);
  EXPECT_EQ(*ParseDuration("30d"), 30 * 86'400 * kMicros);
  EXPECT_EQ(*ParseDuration("2w"), 14 * 86'400 * kMicros);
  EXPECT_EQ(*ParseDuration("3660d"), 3'660 * 86'400 * kMicros);
}

TEST(Durations, WhatIsNoneIsRefused) {
  for (const char* text :
       {"", "d", "30", "0d", "-1d", "+1d", "1.5d", " 1d", "1d ", "1y", "1dd", "3661d", "99999999999999999999s"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(Expiry, ADurationCountsFromNow) {
  EXPECT_EQ(*ParseExpiry("1m", 5), 60 * kMicros + 5);
  EXPECT_EQ(*ParseExpiry("1970-01-01T00:00:01Z", 5), kMicros);
  EXPECT_FALSE(ParseExpiry("tomorrow", 5).ok());
}

TEST(Times, DurationsAreWrittenInTheLargestUnitThatFits) {
  for (const char* text : {"1s", "90s", "61m", "1h", "25h", "1d", "3652d"}) {
    const Result<std::int64_t> parsed = ParseDuration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(FormatDuration(*parsed), text);
  }
  EXPECT_EQ(FormatDuration(*ParseDuration("120s")), "2m");
  EXPECT_EQ(FormatDuration(*ParseDuration("2w")), "14d");
  EXPECT_EQ(FormatDuration(0), "0s");
}

}  // namespace
}  // namespace coffer::cli
