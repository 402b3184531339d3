// The bounded pool: what it takes and what it refuses, in which order it runs what it took, and that each job is told
// once what became of it.
#include "keysvc/rpc/work_pool.h"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

using Lane = WorkPool::Lane;
using Turn = WorkPool::Turn;

// A job that holds its thread until the gate opens.
class Gate {
 public:
  WorkPool::Job job() {
    return [this, opened = opened_](Turn) {
      ++waiting_;
      opened.wait();
    };
  }
  void Open() { open_.set_value(); }
  bool Holds(int jobs) const {
    return WaitUntil([&] { return waiting_ == jobs; });
  }

 private:
  std::promise<void> open_;
  std::shared_future<void> opened_ = open_.get_future().share();
  std::atomic<int> waiting_{0};
};

// What ran, in order, and what was dropped.
class Journal {
 public:
  WorkPool::Job job(const std::string& name) {
    return [this, name](Turn turn) {
      const Lock lock(mutex_);
      (turn == Turn::kRun ? ran_ : dropped_) += name + " ";
      ++count_;
    };
  }
  bool Has(int jobs) const {
    return WaitUntil([&] { return count_ == jobs; });
  }
  std::string ran() {
    const Lock lock(mutex_);
    return ran_;
  }
  std::string dropped() {
    const Lock lock(mutex_);
    return dropped_;
  }

 private:
  Mutex mutex_;
  std::string ran_;
  std::string dropped_;
  std::atomic<int> count_{0};
};

WorkPool::Job Nothing() {
  return [](Turn) {};
}
WorkPool::Job Refused() {
  return [](Turn) { ADD_FAILURE() << "was refused, and is called all the same"; };
}

constexpr WorkPool::LaneLimits kOne{.threads = 1, .queue = 100, .caller_queue = 100};

TEST(WorkPoolTest, RefusesWhenTheQueueIsFullAndTakesAgainOnceItIsNot) {
  Gate gate;
  Journal journal;
  WorkPool pool({.threads = 2, .queue = 3, .caller_queue = 3}, kOne, kOne);
  ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "a", gate.job()).ok());
  ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "a", gate.job()).ok());
  ASSERT_TRUE(gate.Holds(2));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "b", journal.job("b")).ok()) << i;
  for (const char* caller : {"a", "b", "c"}) {
    const Status full = pool.Submit(Lane::kOrdinary, caller, Refused());
    ASSERT_FALSE(full.ok()) << caller;
    EXPECT_EQ(full.error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(full.error().message(), "too many calls are waiting: try again later");
  }
  gate.Open();
  ASSERT_TRUE(journal.Has(3));
  EXPECT_TRUE(pool.Submit(Lane::kOrdinary, "c", journal.job("c")).ok());
  EXPECT_TRUE(journal.Has(4));
  EXPECT_EQ(journal.ran(), "b b b c ");
}

TEST(WorkPoolTest, AQueueOfNoneRefusesEverything) {
  WorkPool pool({.threads = 1, .queue = 0, .caller_queue = 0}, {.threads = 1, .queue = 1, .caller_queue = 0}, kOne);
  EXPECT_FALSE(pool.Submit(Lane::kOrdinary, "a", Refused()).ok());
  EXPECT_FALSE(pool.Submit(Lane::kOperator, "a", Refused()).ok());
}

TEST(WorkPoolTest, OneCallerGetsItsPartOfTheQueueAndNoMore) {
  Gate gate;
  Journal journal;
  WorkPool pool({.threads = 1, .queue = 100, .caller_queue = 2}, kOne, kOne);
  ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "greedy", gate.job()).ok());
  ASSERT_TRUE(gate.Holds(1));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "greedy", journal.job("greedy")).ok()) << i;
  const Status refused = pool.Submit(Lane::kOrdinary, "greedy", Refused());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(refused.error().message(), "too many of your calls are waiting: try again later");
  EXPECT_EQ(refused.error().limit(), 2U);
  EXPECT_TRUE(pool.Submit(Lane::kOrdinary, "modest", journal.job("modest")).ok());
  gate.Open();
  ASSERT_TRUE(journal.Has(3));
  EXPECT_TRUE(pool.Submit(Lane::kOrdinary, "greedy", journal.job("again")).ok()) << "its part is free again";
  EXPECT_TRUE(journal.Has(4));
}

TEST(WorkPoolTest, CallersTakeTurns) {
  Gate gate;
  Journal journal;
  WorkPool pool(kOne, kOne, kOne);
  ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "a", gate.job()).ok());
  ASSERT_TRUE(gate.Holds(1));
  for (const char* name : {"a1", "a2", "a3", "a4"})
    ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "a", journal.job(name)).ok());
  for (const char* name : {"b1", "b2"}) ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "b", journal.job(name)).ok());
  ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "c", journal.job("c1")).ok());
  gate.Open();
  ASSERT_TRUE(journal.Has(7));
  EXPECT_EQ(journal.ran(), "a1 b1 c1 a2 b2 a3 a4 ");
}

TEST(WorkPoolTest, AnOperatorIsServedWhileOrdinaryJobsHoldEveryThreadAndFillTheQueue) {
  Gate gate;
  Journal journal;
  WorkPool pool({.threads = 2, .queue = 4, .caller_queue = 4}, kOne, kOne);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "a", gate.job()).ok());
  ASSERT_TRUE(gate.Holds(2));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "a", Nothing()).ok());
  ASSERT_FALSE(pool.Submit(Lane::kOrdinary, "operator", Refused()).ok());
  ASSERT_TRUE(pool.Submit(Lane::kOperator, "operator", journal.job("seal")).ok());
  EXPECT_TRUE(journal.Has(1));
  gate.Open();
}

TEST(WorkPoolTest, NoOrdinaryJobStartsWhileAnOperatorsRunsOrWaits) {
  Gate seal;
  Gate ordinary;
  Journal journal;
  WorkPool pool({.threads = 2, .queue = 4, .caller_queue = 4}, kOne, kOne);
  ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "a", ordinary.job()).ok());
  ASSERT_TRUE(ordinary.Holds(1)) << "one ordinary thread is busy, the other one is free";
  ASSERT_TRUE(pool.Submit(Lane::kOperator, "operator", seal.job()).ok());
  ASSERT_TRUE(seal.Holds(1));
  ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "a", journal.job("a")).ok());
  ASSERT_TRUE(pool.Submit(Lane::kOperator, "operator", journal.job("status")).ok());
  seal.Open();
  ASSERT_TRUE(journal.Has(2));
  EXPECT_EQ(journal.ran(), "status a ");
  ordinary.Open();
}

TEST(WorkPoolTest, TheSlowLaneHoldsUpNobodyElse) {
  Gate gate;
  Journal journal;
  WorkPool pool(kOne, kOne, kOne);
  ASSERT_TRUE(pool.Submit(Lane::kSlow, "a", gate.job()).ok());
  ASSERT_TRUE(gate.Holds(1));
  ASSERT_TRUE(pool.Submit(Lane::kSlow, "a", journal.job("slow")).ok());
  Gate ordinary;
  ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "a", ordinary.job()).ok());
  EXPECT_TRUE(ordinary.Holds(1)) << "while the slow lane's one thread is busy";
  ordinary.Open();
  pool.Close();
  EXPECT_EQ(journal.dropped(), "slow ");
  gate.Open();
}

TEST(WorkPoolTest, CloseDropsWhatWaitsAndTakesNothingMore) {
  Gate gate;
  Journal journal;
  WorkPool pool(kOne, kOne, kOne);
  ASSERT_TRUE(pool.Submit(Lane::kOperator, "o", gate.job()).ok());
  ASSERT_TRUE(gate.Holds(1));
  for (const char* name : {"a", "b"}) ASSERT_TRUE(pool.Submit(Lane::kOrdinary, name, journal.job(name)).ok());
  ASSERT_TRUE(pool.Submit(Lane::kOperator, "o", journal.job("o")).ok());
  pool.Close();
  EXPECT_EQ(journal.dropped(), "a b o ") << "before Close returns, and while a job runs";
  for (const Lane lane : {Lane::kOrdinary, Lane::kOperator}) {
    const Status refused = pool.Submit(lane, "a", Refused());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(refused.error().message(), "the service is stopping: try again later");
  }
  pool.Close();
  gate.Open();
  EXPECT_EQ(journal.ran(), "");
}

TEST(WorkPoolTest, DestructionWaitsForWhatRunsAndDropsTheRest) {
  constexpr int kJobs = 100;
  Gate gate;
  std::atomic<int> dropped{0};
  std::thread opener;
  {
    WorkPool pool({.threads = 1, .queue = kJobs, .caller_queue = kJobs}, kOne, kOne);
    ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "a", gate.job()).ok());
    ASSERT_TRUE(gate.Holds(1));
    for (int i = 0; i < kJobs; ++i) {
      ASSERT_TRUE(pool.Submit(Lane::kOrdinary, "a", [&](Turn turn) { dropped += turn == Turn::kDropped; }).ok());
    }
    opener = std::thread([&] {
      EXPECT_TRUE(WaitUntil([&] { return dropped == kJobs; })) << "the running job does not hold up the others' answer";
      gate.Open();
    });
  }
  EXPECT_EQ(dropped, kJobs);
  opener.join();
}

TEST(WorkPoolTest, DestructionWithoutJobsEnds) {
  for (int i = 0; i < 100; ++i) WorkPool pool({.threads = 4, .queue = 1, .caller_queue = 1}, kOne, kOne);
}

TEST(WorkPoolTest, JobsOfManyThreadsEachRunOnce) {
  constexpr int kThreads = 4;
  constexpr int kJobs = 500;
  std::vector<std::atomic<int>> runs(kThreads * kJobs);
  std::atomic<int> done{0};
  WorkPool pool({.threads = 3, .queue = 16, .caller_queue = 8}, {.threads = 2, .queue = 4, .caller_queue = 4}, kOne);
  std::vector<std::thread> submitters;
  for (int t = 0; t < kThreads; ++t) {
    submitters.emplace_back([&, t] {
      const Lane lane = t == 0 ? Lane::kOperator : Lane::kOrdinary;
      for (int i = 0; i < kJobs; ++i) {
        std::atomic<int>& run = runs[static_cast<std::size_t>(t * kJobs + i)];
        const auto job = [&run, &done](Turn turn) {
          run += turn == Turn::kRun ? 1 : 100;
          ++done;
        };
        while (!pool.Submit(lane, std::to_string(t % 3), job).ok()) std::this_thread::yield();
      }
    });
  }
  for (std::thread& submitter : submitters) submitter.join();
  EXPECT_TRUE(WaitUntil([&] { return done == kThreads * kJobs; }));
  EXPECT_TRUE(std::all_of(runs.begin(), runs.end(), [](const auto& run) { return run == 1; }));
}

}  // namespace
}  // namespace coffer::keysvc
