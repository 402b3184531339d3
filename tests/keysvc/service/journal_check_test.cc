// What is found between a store and its key journal before anything is served.
#include "keysvc/service/journal_check.h"

#include "tests/keysvc/store/key_journal_fixture.h"

namespace coffer::keysvc {
namespace {

using testing::GroupsOf;
using testing::JournalledStore;
using testing::JournalOf;
using testing::kJournalName;
using testing::kNextName;
using testing::SampleKeys;
using testing::SampleRow;
using testing::SampleStoreUuid;

class JournalCheckTest : public ::testing::Test {
 protected:
  Bytes& File() { return folder_.files()[kJournalName]; }
  Result<JournalCheck> Checked(KeyStore& store) {
    return CheckJournal(store, folder_, SampleStoreUuid(), SampleKeys());
  }
  JournalFit FitOf(KeyStore& store) {
    const Result<JournalCheck> check = Checked(store);
    EXPECT_TRUE(check.ok()) << check.error().ToString();
    return check.ok() ? check->fit : JournalFit::kMissing;
  }
  static std::uint64_t EpochOf(KeyStore& store) { return (**(*store.Begin())->GetHead()).epoch.value; }
  void ExpectWhole(KeyStore& store) {
    AuthenticatedStore checked(store, SampleStoreUuid(), SampleKeys());
    EXPECT_TRUE(checked.VerifyAll().ok());
  }

  FaultFolder folder_;
  JournalledStore s_{folder_};
};

TEST_F(JournalCheckTest, AStoreAndItsJournalAreInStep) {
  s_.Work();
  EXPECT_EQ(FitOf(s_.raw()), JournalFit::kInStep);
  ASSERT_TRUE(s_.store().RenewJournal().ok());
  EXPECT_EQ(FitOf(s_.raw()), JournalFit::kInStep);
}

TEST_F(JournalCheckTest, AStoreOneCommitBehindTakesItAndTheJournalIsANewFile) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  MemoryStore behind;
  s_.CopyTo(behind);
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  const auto before = folder_.Open(kJournalName).value();
  ASSERT_EQ(FitOf(behind), JournalFit::kInStep);
  EXPECT_EQ(EpochOf(behind), 2U);
  ExpectWhole(behind);
  EXPECT_EQ(*before->PlaceOf(kJournalName), AppendFile::Place::kReplaced);
  EXPECT_FALSE(folder_.files().contains(kNextName));
  s_.ExpectSameStore();
}

// The commit that failed is seen, but not on the disk; the process ends before it can mend that.
TEST_F(JournalCheckTest, WhatIsAcknowledgedAfterARestartDoesNotRestOnBytesThatWereNeverSynced) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    FaultFolder folder(seed);
    JournalledStore s(folder);
    ASSERT_TRUE(s.Insert(Table::kTenant, 1).ok());
    folder.FailAtStep(1, 2);
    ASSERT_FALSE(s.Insert(Table::kTenant, 2).ok());
    auto check = CheckJournal(s.raw(), folder, SampleStoreUuid(), SampleKeys());
    ASSERT_TRUE(check.ok() && check->fit == JournalFit::kInStep);
    s.Restart(std::move(check->journal));
    ASSERT_TRUE(s.Insert(Table::kTenant, 3).ok());
    ASSERT_TRUE(s.Insert(Table::kTenant, 4).ok());
    folder.Reboot();
    s.ExpectSameStore();
  }
}

TEST_F(JournalCheckTest, PowerMayFailAtEveryStepOfTakingACommit) {
  constexpr std::uint64_t kSteps = 5;  // create, append, rename; remove, sync
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    for (std::uint64_t step = 1; step <= kSteps + 1; ++step) {
      SCOPED_TRACE(seed * 10 + step);
      FaultFolder folder(seed);
      JournalledStore s(folder);
      ASSERT_TRUE(s.Insert(Table::kTenant, 1).ok());
      MemoryStore behind;
      s.CopyTo(behind);
      ASSERT_TRUE(s.Insert(Table::kTenant, 2).ok());
      folder.CrashAtStep(step);
      EXPECT_EQ(CheckJournal(behind, folder, SampleStoreUuid(), SampleKeys()).ok(), step > kSteps);
      folder.Reboot();
      const auto check = CheckJournal(behind, folder, SampleStoreUuid(), SampleKeys());
      ASSERT_TRUE(check.ok()) << check.error().ToString();
      ASSERT_EQ(check->fit, JournalFit::kInStep);
      EXPECT_EQ(EpochOf(behind), 2U);
      ExpectWhole(behind);
      s.ExpectSameStore();
    }
  }
}

TEST_F(JournalCheckTest, AStoreThatWentAnotherWayGetsNoCommitOfThisOne) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  FaultFolder other_folder;
  JournalledStore other(other_folder);
  ASSERT_TRUE(other.Insert(Table::kKek, 9).ok());
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  EXPECT_EQ(FitOf(other.raw()), JournalFit::kForked);
  EXPECT_FALSE(folder_.files().contains(kNextName)) << "nothing was prepared for it";
  EXPECT_EQ(EpochOf(other.raw()), 1U);
  ExpectWhole(other.raw());
  ASSERT_TRUE(other.Insert(Table::kKek, 8).ok());
  EXPECT_EQ(FitOf(other.raw()), JournalFit::kForked) << "the same epoch";
  ASSERT_TRUE(other.Insert(Table::kKek, 7).ok());
  EXPECT_EQ(FitOf(other.raw()), JournalFit::kStoreNewer);
}

TEST_F(JournalCheckTest, RowsThatAreNotTheHeadsGetNoCommit) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  MemoryStore behind;
  s_.CopyTo(behind);
  testing::Raw(behind, [](StoreTransaction& t) {
    StoredRow row = **t.Get(Table::kTenant, testing::SampleKey(Table::kTenant, 1));
    row.mac[0] ^= std::byte{1};
    ASSERT_TRUE(t.Update(Table::kTenant, row).ok());
  });
  ASSERT_TRUE(s_.Mutate([](StoreMutation& m) { return m.Update(Table::kTenant, SampleRow(Table::kTenant, 1)); }).ok());
  EXPECT_EQ(FitOf(behind), JournalFit::kForked);
  EXPECT_EQ(EpochOf(behind), 1U);
}

TEST_F(JournalCheckTest, AnOlderOrNewerStoreIsNamed) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  MemoryStore old;
  s_.CopyTo(old);
  const Bytes old_journal = File();
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  ASSERT_TRUE(s_.Insert(Table::kTenant, 3).ok());
  EXPECT_EQ(FitOf(old), JournalFit::kStoreOlder);
  File() = old_journal;
  EXPECT_EQ(FitOf(s_.raw()), JournalFit::kStoreNewer);
}

TEST_F(JournalCheckTest, AHeadWithoutItsRowsIsDamage) {
  s_.Work();
  const StoredHead head = s_.Head();
  File() = JournalOf({{.changes = {}, .head = head}});
  ASSERT_EQ(File().size(), 158U);
  EXPECT_EQ(FitOf(s_.raw()), JournalFit::kDamaged);
}

TEST_F(JournalCheckTest, AForgeryAnywhereIsDamage) {
  s_.Work();
  const std::vector<CommitGroup> good = GroupsOf(File());
  for (std::size_t i = 1; i < good.size(); ++i) {
    std::vector<CommitGroup> groups = good;
    groups[i].changes[0].mac[0] ^= std::byte{1};
    File() = JournalOf(groups);
    EXPECT_EQ(FitOf(s_.raw()), JournalFit::kDamaged) << i;
  }
}

TEST_F(JournalCheckTest, APlantedReplacementIsNotAdoptedAndDoesNotHideTheJournal) {
  s_.Work();
  const Bytes good = File();
  const StoredHead head = s_.Head();
  const Bytes planted = JournalOf({{.changes = {}, .head = head}});
  folder_.files()[kNextName] = planted;
  EXPECT_EQ(FitOf(s_.raw()), JournalFit::kInStep);
  EXPECT_EQ(File(), good);
  folder_.files()[kNextName] = JournalOf({{.changes = {}, .head = head}}, SampleStoreUuid(8));
  EXPECT_EQ(FitOf(s_.raw()), JournalFit::kInStep);
  folder_.files()[kNextName] = planted;
  File().resize(GroupsOf(good).size() * 100);  // a journal that lost its end
  EXPECT_EQ(FitOf(s_.raw()), JournalFit::kStoreNewer) << "not what was planted";
  EXPECT_TRUE(folder_.files().contains(kNextName));
}

TEST_F(JournalCheckTest, AnAuthenticReplacementIsAdopted) {
  s_.Work();
  folder_.files()[kNextName] = JournalOf({s_.store().Snapshot()->AsGroup()});
  folder_.files().erase(kJournalName);
  EXPECT_EQ(FitOf(s_.raw()), JournalFit::kInStep);
  EXPECT_FALSE(folder_.files().contains(kNextName));
  s_.ExpectSameStore();
}

TEST_F(JournalCheckTest, ADiskThatDoesNotAnswerIsNoDamageAndNothingIsTidied) {
  s_.Work();
  folder_.files()[kNextName] = Bytes(10);
  folder_.CrashAtStep(1);
  ASSERT_FALSE(folder_.Sync().ok());
  const auto check = Checked(s_.raw());
  ASSERT_FALSE(check.ok());
  EXPECT_EQ(check.error().code(), ErrorCode::kUnavailable);
  folder_.Reboot();
  EXPECT_TRUE(folder_.files().contains(kNextName));
  EXPECT_EQ(FitOf(s_.raw()), JournalFit::kInStep);
  EXPECT_FALSE(folder_.files().contains(kNextName));
}

TEST_F(JournalCheckTest, AJournalOfAnotherStoreOrNoneIsNamed) {
  File() = JournalOf({s_.store().Snapshot()->AsGroup()}, SampleStoreUuid(8));
  EXPECT_EQ(FitOf(s_.raw()), JournalFit::kForeign);
  folder_.files().clear();
  EXPECT_EQ(FitOf(s_.raw()), JournalFit::kMissing);
}

}  // namespace
}  // namespace coffer::keysvc
