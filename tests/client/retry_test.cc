#include "client/retry.h"

#include <gtest/gtest.h>

namespace coffer::client {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, PausesGrowToTheLongestAndStayThere) {
  Backoff backoff;
  milliseconds ceiling = Backoff::kFirst;
  for (int i = 0; i < 20; ++i) {
    const milliseconds pause = backoff.Next();
    EXPECT_GE(pause, ceiling / 2) << i;
    EXPECT_LE(pause, ceiling) << i;
    ceiling = std::min(ceiling * 2, Backoff::kLongest);
  }
}

TEST(Backoff, PausesOfTwoClientsDiffer) {
  std::set<std::int64_t> pauses;
  for (int i = 0; i < 50; ++i) {
    Backoff backoff;
    for (int step = 0; step < 8; ++step) backoff.Next();
    pauses.insert(backoff.Next().count());
  }
  EXPECT_GT(pauses.size(), 10U);
}

TEST(MayRetry, OnlyUnavailableIsTriedAgain) {
  for (int i = 1; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    EXPECT_EQ(MayRetry(Repeat::kSafe, code, milliseconds(1)), code == ErrorCode::kUnavailable) << i;
  }
}

TEST(MayRetry, AMutationIsNeverSentTwice) {
  EXPECT_FALSE(MayRetry(Repeat::kNever, ErrorCode::kUnavailable, milliseconds(1000)));
}

TEST(MayRetry, NothingIsTriedBeyondTheDeadline) {
  EXPECT_FALSE(MayRetry(Repeat::kSafe, ErrorCode::kUnavailable, milliseconds(0)));
  EXPECT_FALSE(MayRetry(Repeat::kSafe, ErrorCode::kUnavailable, milliseconds(-5)));
}

}  // namespace
}  // namespace coffer::client
