#include "keysvc/service/fingerprint_set.h"

#include <random>

#include <gtest/gtest.h>

namespace coffer::keysvc {
namespace {

std::shared_ptr<SlotBudget> Budget(std::size_t slots) { return std::make_shared<SlotBudget>(slots); }

void Add(FingerprintSet& set, std::uint64_t value) {
  ASSERT_TRUE(set.Reserve(1));
  set.Insert(Fingerprint{value});
}

TEST(FingerprintSetTest, IsEmptyAtFirst) {
  const FingerprintSet set(Budget(64));
  EXPECT_FALSE(set.Contains(Fingerprint{0}));
  EXPECT_FALSE(set.Contains(Fingerprint{7}));
  EXPECT_EQ(set.size(), 0U);
  EXPECT_EQ(set.room(), 0U);
}

TEST(FingerprintSetTest, ContainsWhatWasInsertedAndNothingElse) {
  FingerprintSet set(Budget(1 << 20));
  std::mt19937_64 random(1);
  std::set<std::uint64_t> inserted;
  for (int round = 0; round < 50'000; ++round) {
    const std::uint64_t value = random();
    EXPECT_EQ(set.Contains(Fingerprint{value}), inserted.contains(value));
    Add(set, value);
    inserted.insert(value);
  }
  EXPECT_EQ(set.size(), inserted.size());
  for (const std::uint64_t value : inserted) EXPECT_TRUE(set.Contains(Fingerprint{value}));
  for (int round = 0; round < 50'000; ++round) EXPECT_FALSE(set.Contains(Fingerprint{random()}));
}

TEST(FingerprintSetTest, FingerprintsOfOnePlaceAreToldApartUpToTheLastSlot) {
  FingerprintSet set(Budget(1 << 10));
  const std::uint64_t top = ~std::uint64_t{0} - 100;
  for (std::uint64_t i = 0; i < 100; ++i) Add(set, top + i);
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_TRUE(set.Contains(Fingerprint{top + i}));
  EXPECT_FALSE(set.Contains(Fingerprint{top + 100}));
  EXPECT_EQ(set.size(), 100U);
}

TEST(FingerprintSetTest, ATwiceInsertedFingerprintCountsOnce) {
  FingerprintSet set(Budget(64));
  Add(set, 5);
  Add(set, 5);
  EXPECT_EQ(set.size(), 1U);
}

TEST(FingerprintSetTest, ZeroIsAFingerprintAndTheSameAsOne) {
  FingerprintSet set(Budget(64));
  Add(set, 0);
  EXPECT_EQ(set.size(), 1U);
  EXPECT_TRUE(set.Contains(Fingerprint{0}));
  EXPECT_TRUE(set.Contains(Fingerprint{1}));
  EXPECT_FALSE(set.Contains(Fingerprint{2}));
}

TEST(FingerprintSetTest, AMillionTakeAtMostFifteenMegabytes) {
  constexpr std::size_t kSlots = std::size_t{1} << 24;
  const auto budget = Budget(kSlots);
  FingerprintSet set(budget);
  std::mt19937_64 random(2);
  while (set.size() < 1'000'000) Add(set, random());
  EXPECT_LE((kSlots - budget->left()) * sizeof(std::uint64_t), 15'000'000U);
}

TEST(FingerprintSetTest, WhatTheBudgetRefusesChangesNothing) {
  const auto budget = Budget(64);
  FingerprintSet set(budget);
  Add(set, 3);
  const std::size_t left = budget->left();
  EXPECT_FALSE(set.Reserve(1'000));
  EXPECT_FALSE(set.Reserve(~std::size_t{0}));
  EXPECT_EQ(budget->left(), left);
  EXPECT_TRUE(set.Contains(Fingerprint{3}));
  EXPECT_TRUE(set.Reserve(1));
}

TEST(FingerprintSetTest, ClearGivesTheSlotsBack) {
  const auto budget = Budget(1'000);
  FingerprintSet set(budget);
  for (std::uint64_t i = 0; i < 100; ++i) Add(set, i << 40);
  EXPECT_LT(budget->left(), 1'000U - 100);
  set.Clear();
  EXPECT_EQ(budget->left(), 1'000U);
  EXPECT_EQ(set.size(), 0U);
  EXPECT_FALSE(set.Contains(Fingerprint{std::uint64_t{5} << 40}));
}

TEST(FingerprintSetTest, TheEndOfASetGivesTheSlotsBack) {
  const auto budget = Budget(1'000);
  { Add(*std::make_unique<FingerprintSet>(budget), 9); }
  EXPECT_EQ(budget->left(), 1'000U);
}

TEST(FingerprintSetTest, WhoGrowsWithoutEndLeavesRoomForOthers) {
  const auto budget = Budget(10'000);
  FingerprintSet greedy(budget);
  std::uint64_t next = 0;
  while (greedy.Reserve(1)) greedy.Insert(Fingerprint{++next << 40});
  EXPECT_GE(greedy.size(), 1'000U);
  FingerprintSet modest(budget);
  EXPECT_TRUE(modest.Reserve(1'000));
}

TEST(SlotBudgetTest, GivesHalfOfWhatIsLeft) {
  SlotBudget budget(100);
  EXPECT_FALSE(budget.Take(51));
  EXPECT_TRUE(budget.Take(50));
  EXPECT_FALSE(budget.Take(26));
  EXPECT_TRUE(budget.Take(25));
  EXPECT_EQ(budget.left(), 25U);
  budget.Return(75);
  EXPECT_EQ(budget.left(), 100U);
}

TEST(SlotBudgetTest, ThreadsNeverTakeMoreThanThereIs) {
  SlotBudget budget(1'000);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&budget] {
      for (int round = 0; round < 20'000; ++round) {
        if (budget.Take(100)) budget.Return(100);
        EXPECT_LE(budget.left(), 1'000U);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.left(), 1'000U);
}

}  // namespace
}  // namespace coffer::keysvc
