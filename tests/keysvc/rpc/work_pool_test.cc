// The bounded pool: what it takes, what it refuses, and that what it took is run.
#include "keysvc/rpc/work_pool.h"

#include <atomic>
#include <future>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

// A job that holds its thread until the gate opens.
class Gate {
 public:
  std::function<void()> job() {
    return [this, opened = opened_] {
      ++waiting_;
      opened.wait();
    };
  }
  void Open() { open_.set_value(); }
  int waiting() const { return waiting_; }

 private:
  std::promise<void> open_;
  std::shared_future<void> opened_ = open_.get_future().share();
  std::atomic<int> waiting_{0};
};

TEST(WorkPoolTest, RefusesWhenTheQueueIsFullAndTakesAgainOnceItIsNot) {
  Gate gate;
  std::atomic<int> ran{0};
  WorkPool pool(2, 3);
  ASSERT_TRUE(pool.Submit(gate.job()));
  ASSERT_TRUE(pool.Submit(gate.job()));
  ASSERT_TRUE(WaitUntil([&] { return gate.waiting() == 2; }));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.Submit([&] { ++ran; })) << i;
  bool taken_too_much = pool.Submit([&] { ran += 100; });
  EXPECT_FALSE(taken_too_much);
  gate.Open();
  EXPECT_TRUE(WaitUntil([&] { return ran == 3; }));
  EXPECT_TRUE(pool.Submit([&] { ++ran; }));
  EXPECT_TRUE(WaitUntil([&] { return ran == 4; })) << "the refused job never ran";
}

TEST(WorkPoolTest, AQueueOfNoneRefusesEverything) {
  WorkPool pool(1, 0);
  EXPECT_FALSE(pool.Submit([] { FAIL() << "was refused"; }));
}

TEST(WorkPoolTest, DestructionRunsWhatWasAccepted) {
  constexpr int kJobs = 100;
  Gate gate;
  std::atomic<int> ran{0};
  std::thread opener;
  {
    WorkPool pool(1, kJobs);
    ASSERT_TRUE(pool.Submit(gate.job()));
    ASSERT_TRUE(WaitUntil([&] { return gate.waiting() == 1; }));
    for (int i = 0; i < kJobs; ++i) ASSERT_TRUE(pool.Submit([&] { ++ran; }));
    EXPECT_EQ(ran, 0);
    opener = std::thread([&] { gate.Open(); });
  }
  EXPECT_EQ(ran, kJobs);
  opener.join();
}

TEST(WorkPoolTest, DestructionWithoutJobsEnds) {
  for (int i = 0; i < 100; ++i) WorkPool pool(4, 1);
}

TEST(WorkPoolTest, JobsOfManyThreadsEachRunOnce) {
  constexpr int kThreads = 4;
  constexpr int kJobs = 500;
  std::vector<std::atomic<int>> runs(kThreads * kJobs);
  {
    WorkPool pool(3, 16);
    std::vector<std::thread> submitters;
    for (int t = 0; t < kThreads; ++t) {
      submitters.emplace_back([&, t] {
        for (int i = 0; i < kJobs; ++i) {
          std::atomic<int>& run = runs[static_cast<std::size_t>(t * kJobs + i)];
          while (!pool.Submit([&run] { ++run; })) std::this_thread::yield();
        }
      });
    }
    for (std::thread& submitter : submitters) submitter.join();
  }
  EXPECT_TRUE(std::all_of(runs.begin(), runs.end(), [](const auto& run) { return run == 1; }));
}

}  // namespace
}  // namespace coffer::keysvc
