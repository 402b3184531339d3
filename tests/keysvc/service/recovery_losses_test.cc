// What recovering must not lose without being told to, and what it goes on with when much is lost.
#include <gtest/gtest.h>

#include "tests/keysvc/service/recovery_fixture.h"

namespace coffer::keysvc {
namespace {

TEST_F(RecoveryTest, StoreAndJournalPutBackTogetherAreOlderThanTheAuditLog) {
  std::unique_ptr<MemoryStore> yesterday = CopyOfStore(*home_.store);
  const Bytes journal = home_.journal.files()[kJournal];
  const auto before = std::make_pair(emails_, secrets_);
  Work();
  home_.audited = home_.barrier->Enter().value()->store->seen();
  home_.store = std::move(yesterday);
  home_.journal.Replace(kJournal, journal);
  home_.Restart();
  ExpectRolledBack(home_, "older than the audit log");
  const auto plan = Recover(home_, KeyFile(), false);
  ASSERT_TRUE(plan.ok()) << plan.error().ToString();
  EXPECT_TRUE(plan->loses);
  EXPECT_EQ(Recover(home_, KeyFile(), true).error().code(), ErrorCode::kFailedPrecondition);
  ExpectRolledBack(home_, "older than the audit log");
  ASSERT_TRUE(Recover(home_, KeyFile(), true, false, "", true).ok()) << "an operator may say so";
  std::tie(emails_, secrets_) = before;
  ExpectEverythingThere(home_);
  EXPECT_GT(home_.barrier->Enter().value()->store->seen().value, home_.audited.value);
  home_.Restart();
  ASSERT_TRUE(home_.admin->Unseal(admin, KeyFile()).ok()) << "and it goes on above what was recorded";
  ExpectEverythingThere(home_);
}

TEST_F(RecoveryTest, ADamagedJournalGivesWhatIsWholeAndIsKept) {
  const auto before = std::make_pair(emails_, secrets_);
  const std::size_t whole = home_.journal.files()[kJournal].size();
  Work();
  Bytes damaged = home_.journal.files()[kJournal];
  damaged[whole + 40] ^= std::byte{1};
  home_.journal.Replace(kJournal, damaged);
  home_.store = std::make_unique<MemoryStore>();
  home_.Restart();
  const auto plan = Recover(home_, Identity(), false);
  ASSERT_TRUE(plan.ok()) << plan.error().ToString();
  EXPECT_EQ(plan->journal_damaged, damaged.size() - whole);
  const auto done = Recover(home_, Identity(), true, false, "", true);
  ASSERT_TRUE(done.ok()) << done.error().ToString();
  std::tie(emails_, secrets_) = before;
  ExpectEverythingThere(home_);
  ASSERT_FALSE(done->journal_kept_as.empty());
  EXPECT_EQ(home_.journal.files()[done->journal_kept_as], damaged);
}

TEST_F(RecoveryTest, AnotherContinuationOfTheSameStoreIsNotTakenForANewerState) {
  // One site is restored from a copy and goes on, while the other one goes on as well, and further.
  std::unique_ptr<MemoryStore> copy = CopyOfStore(*home_.store);
  const Bytes journal = home_.journal.files()[kJournal];
  ASSERT_TRUE(Put("here/1", "a"));
  ASSERT_TRUE(Put("here/2", "b"));
  ASSERT_TRUE(Put("here/3", "c"));
  const Bytes further = home_.journal.files()[kJournal];
  home_.store = std::move(copy);
  home_.journal.Replace(kJournal, journal);
  home_.Restart();
  ASSERT_TRUE(home_.admin->Unseal(admin, KeyFile()).ok());
  ASSERT_TRUE(Put("there/1", "x"));
  secrets_["there/1"] = "x";
  home_.journal.Replace(kJournal, further);
  home_.Restart();
  EXPECT_FALSE(home_.admin->Unseal(admin, KeyFile()).ok());
  const auto plan = Recover(home_, KeyFile(), false);
  ASSERT_TRUE(plan.ok()) << plan.error().ToString();
  EXPECT_TRUE(plan->loses);
  EXPECT_EQ(Recover(home_, KeyFile(), true).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(Recover(home_, KeyFile(), true, true).error().code(), ErrorCode::kFailedPrecondition)
      << "a new journal loses what the old one has";
  ASSERT_TRUE(Recover(home_, KeyFile(), true, true, "", true).ok());
  ExpectEverythingThere(home_);
}

TEST_F(RecoveryTest, SharesRecoverAStoreThatHasNothingElse) {
  Home board(*this);
  board.Open();
  const auto made = board.operators->Init(admin, NewShares{.plan = {.threshold = 2, .count = 3}}, {}, true);
  ASSERT_TRUE(made.ok());
  ASSERT_TRUE(board.keys->CreateKeyring(admin, "shop").ok());
  board.journal.files().erase(kJournal);
  board.Restart();
  const auto copy = [](const Share& share) { return Share::FromBytes(share.ToBytes()).value(); };
  SharesSeal too_few;
  too_few.shares.push_back(copy(made->shares[0]));
  EXPECT_EQ(Recover(board, std::move(too_few), true, true).error().code(), ErrorCode::kFailedPrecondition);
  SharesSeal enough;
  enough.shares.push_back(copy(made->shares[2]));
  enough.shares.push_back(copy(made->shares[0]));
  const auto done = Recover(board, std::move(enough), true, true);
  ASSERT_TRUE(done.ok()) << done.error().ToString();
  EXPECT_TRUE(board.keys->GetKeyring(admin, "shop").ok());
}

TEST_F(RecoveryTest, SharesAloneAreNoWayToRekeyWithoutARecoverySlot) {
  Home board(*this);
  board.Open();
  ASSERT_TRUE(board.operators->Init(admin, KeyFileSeal{folder / "board.key", true}, {}, true).ok());
  std::vector<NewSeal> seals;
  seals.emplace_back(NewShares{.plan = {.threshold = 2, .count = 3}});
  EXPECT_EQ(board.operators->Rekey(admin, seals).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(board.barrier->state(), BarrierState::kUnsealed) << "nothing changed";
  ASSERT_TRUE(board.keys->CreateKeyring(admin, "shop").ok());
  seals.emplace_back(KeyFileSeal{folder / "second.key", true});
  EXPECT_TRUE(board.operators->Rekey(admin, seals).ok());
}

}  // namespace
}  // namespace coffer::keysvc
