#include "io/ticker.h"

#include <atomic>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/support/wait_until.h"

namespace coffer {
namespace {

constexpr std::chrono::hours kNever{24};

TEST(TickerTest, BeginsAtOnceAndWaitsForItsIntervalThen) {
  std::atomic<int> passes = 0;
  const auto ticker = Ticker::Start({.interval = kNever}, [&passes] {
    ++passes;
    return false;
  });
  ASSERT_TRUE(ticker.ok());
  EXPECT_TRUE(WaitUntil([&passes] { return passes == 1; }));
}

TEST(TickerTest, MayWaitBeforeItsFirstPass) {
  std::atomic<int> passes = 0;
  const auto pass = [&passes] {
    ++passes;
    return false;
  };
  {
    const auto never = Ticker::Start({.interval = kNever, .wait_first = true}, pass);
    ASSERT_TRUE(never.ok());
  }
  EXPECT_EQ(passes, 0);
  const auto soon = Ticker::Start({.interval = std::chrono::milliseconds(1), .wait_first = true}, pass);
  ASSERT_TRUE(soon.ok());
  EXPECT_TRUE(WaitUntil([&passes] { return passes > 0; }));
}

TEST(TickerTest, GoesOnWithoutAWaitWhileThereIsMore) {
  std::atomic<int> passes = 0;
  const auto ticker = Ticker::Start({.interval = kNever}, [&passes] { return ++passes < 5; });
  ASSERT_TRUE(ticker.ok());
  EXPECT_TRUE(WaitUntil([&passes] { return passes == 5; }));
}

TEST(TickerTest, ComesBackAfterItsInterval) {
  std::atomic<int> passes = 0;
  const auto ticker = Ticker::Start({.interval = std::chrono::milliseconds(1)}, [&passes] {
    ++passes;
    return false;
  });
  ASSERT_TRUE(ticker.ok());
  EXPECT_TRUE(WaitUntil([&passes] { return passes >= 3; }));
}

TEST(TickerTest, EndsAfterThePassThatRunsHoweverLongItWouldHaveWaited) {
  std::atomic<bool> begun = false;
  std::atomic<bool> let_go = false;
  std::atomic<bool> ended = false;
  auto ticker = Ticker::Start({.interval = kNever}, [&] {
    begun = true;
    EXPECT_TRUE(WaitUntil([&let_go] { return let_go.load(); }));
    ended = true;
    return true;
  });
  ASSERT_TRUE(ticker.ok());
  ASSERT_TRUE(WaitUntil([&begun] { return begun.load(); }));
  std::thread last([&ticker] { ticker->reset(); });
  let_go = true;
  last.join();
  EXPECT_TRUE(ended);
}

TEST(TickerTest, APoliteOneLetsOthersGoFirst) {
  if (getpriority(PRIO_PROCESS, 0) != 0) GTEST_SKIP() << "this process was started with a niceness of its own";
  std::atomic<int> niceness = -1000;
  const auto ticker = Ticker::Start({.interval = kNever, .polite = true}, [&niceness] {
    niceness = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
    return false;
  });
  ASSERT_TRUE(ticker.ok());
  ASSERT_TRUE(WaitUntil([&niceness] { return niceness != -1000; }));
  EXPECT_EQ(niceness, 19);
  EXPECT_EQ(getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())), 0) << "the others are as they were";
}

}  // namespace
}  // namespace coffer
