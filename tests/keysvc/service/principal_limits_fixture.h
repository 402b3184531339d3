// PrincipalLimitsTest: two principals, rows and a clock that stands at midnight; SmallPrincipalLimitsTest: the same
// with little room.
#pragma once

#include <latch>

#include <gtest/gtest.h>

#include "crypto/value.h"
#include "keysvc/service/principal_limits.h"

namespace coffer::keysvc {

class PrincipalLimitsTest : public ::testing::Test {
 protected:
  using Limit = std::optional<std::int64_t>;
  using InFlight = PrincipalLimits::InFlight;

  static constexpr std::int64_t kSecond = 1'000'000;
  static constexpr std::int64_t kMinute = 60 * kSecond;
  static constexpr std::int64_t kDay = 24 * 60 * kMinute;
  static constexpr std::int64_t kMidnight = 20'000 * kDay;
  static constexpr char kAnn[] = "spiffe://example.org/role/app/ann";
  static constexpr char kBob[] = "spiffe://example.org/role/app/bob";

  static Bytes Row(std::int64_t number) {
    Bytes row;
    const ScalarView part = number;
    EXPECT_TRUE(EncodeRow({&part, 1}, row).ok());
    return row;
  }
  // Of `count` rows from `first` on.
  std::vector<Fingerprint> Rows(std::int64_t first, std::int64_t count) const {
    std::vector<Fingerprint> rows;
    for (std::int64_t row = first; row < first + count; ++row) {
      rows.push_back(limits.FingerprintOf("shop.user.email", TenantUuid{}, Row(row)));
    }
    return rows;
  }
  Status TakeRows(Limit limit, std::int64_t first, std::int64_t count, std::string_view principal = kAnn) {
    return limits.TakeDistinct(principal, limit, Rows(first, count));
  }
  Status TakeValues(Limit limit, std::uint64_t count, std::string_view principal = kAnn) {
    return limits.TakeValues(principal, limit, count);
  }
  static void ExpectRefused(const Status& status, std::string_view key, std::uint64_t limit) {
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kResourceExhausted);
    EXPECT_EQ(status.error().path(), key);
    EXPECT_EQ(status.error().limit(), limit);
  }
  static void ExpectRefused(const Result<InFlight>& entered, std::uint64_t limit) {
    ASSERT_FALSE(entered.ok());
    ExpectRefused(Status(entered.error()), "in_flight", limit);
  }

  // `work(thread)` in eight threads at once.
  static void InThreads(const std::function<void(int)>& work) {
    std::latch start(8);
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&work, &start, i] {
        start.arrive_and_wait();
        work(i);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  FakeClock clock = FakeClock(kMidnight);
  PrincipalLimits limits = PrincipalLimits(clock);
};

class SmallPrincipalLimitsTest : public PrincipalLimitsTest {
 protected:
  SmallPrincipalLimitsTest() { Start({.principals = 2, .row_slots = 2'000}); }
  void Start(const PrincipalLimits::Caps& caps) { small.emplace(clock, caps); }
  bool TakesOne(std::string_view principal) { return small->TakeValues(principal, 10, 1).ok(); }

  std::optional<PrincipalLimits> small;
};

}  // namespace coffer::keysvc
