#include "keysvc/store/key_journal.h"

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

class KeyJournalTest : public ::testing::Test {
 protected:
  Bytes& File() { return folder_.files()[kJournalName]; }
  bool FileHolds(Table table, std::uint8_t number) {
    Bytes row;
    EXPECT_TRUE(EncodeStoredRow(ViewsOf(SampleRow(table, number)), row).ok());
    return std::search(File().begin(), File().end(), row.begin(), row.end()) != File().end();
  }

  FaultFolder folder_;
  JournalledStore s_{folder_};
};

TEST_F(KeyJournalTest, TheJournalAloneMakesTheStoreAgain) {
  s_.Work();
  s_.ExpectSameStore();
}

TEST_F(KeyJournalTest, RenewingKeepsTheStoreAndForgetsWhatWasErased) {
  s_.Work();
  EXPECT_TRUE(FileHolds(Table::kDataKey, 2));
  const std::uint64_t before = s_.journal().size();
  ASSERT_TRUE(s_.store().RenewJournal().ok());
  EXPECT_LT(s_.journal().size(), before);
  EXPECT_FALSE(FileHolds(Table::kDataKey, 2));
  s_.ExpectSameStore();
  ASSERT_TRUE(s_.Insert(Table::kTenant, 3).ok());
  s_.ExpectSameStore();
}

TEST_F(KeyJournalTest, WhatAProcessErasedAndDidNotRenewIsRenewedByTheNext) {
  s_.Work();
  s_.Restart();
  ASSERT_TRUE(FileHolds(Table::kDataKey, 2));
  ASSERT_TRUE(s_.store().Maintain().ok());
  EXPECT_FALSE(FileHolds(Table::kDataKey, 2));
  EXPECT_TRUE(s_.journal().holds_snapshot_only());
  s_.ExpectSameStore();
  const std::uint64_t steps = folder_.steps();
  s_.Restart();
  ASSERT_TRUE(s_.store().Maintain().ok());
  EXPECT_EQ(folder_.steps(), steps) << "a snapshot holds nothing that was erased";
}

TEST_F(KeyJournalTest, ATornEndAtEveryByteIsCutOffAndNothingBeforeItIsLost) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  const std::size_t whole = File().size();
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  const Bytes content = File();
  for (const bool zeros : {false, true}) {
    for (std::size_t size = whole; size < content.size(); ++size) {
      File().assign(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(size));
      if (zeros) File().resize(content.size() + 4096);
      const Bytes torn = File();
      const auto journal = s_.Opened();
      ASSERT_TRUE(journal.ok()) << size << journal.error().ToString();
      EXPECT_EQ((*journal)->last().head.epoch.value, 1U);
      EXPECT_EQ((*journal)->size(), whole);
      EXPECT_EQ(File(), torn) << "looking changes nothing";
    }
  }
}

TEST_F(KeyJournalTest, ZerosBehindTheEndAreATornEnd) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  const Bytes content = File();
  for (std::size_t zeros = 1; zeros < 300; ++zeros) {
    File() = content;
    File().resize(content.size() + zeros);
    const auto journal = s_.Opened();
    ASSERT_TRUE(journal.ok()) << zeros << journal.error().ToString();
    EXPECT_EQ((*journal)->size(), content.size());
  }
  s_.Restart();
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  s_.ExpectSameStore();
}

TEST_F(KeyJournalTest, AHoleInTheLastCommitIsATornEndThoughItsHeadIsThere) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  const std::size_t whole = File().size();
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  std::fill_n(File().begin() + static_cast<std::ptrdiff_t>(whole), 60, std::byte{0});
  const auto journal = s_.Opened();
  ASSERT_TRUE(journal.ok()) << journal.error().ToString();
  EXPECT_EQ((*journal)->last().head.epoch.value, 1U);
  EXPECT_EQ((*journal)->size(), whole);
}

TEST_F(KeyJournalTest, ATornEndIsCutOffByTheNextCommit) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  File().resize(File().size() + 5, std::byte{7});
  s_.Restart();
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  s_.ExpectSameStore();
}

TEST_F(KeyJournalTest, DamageWithCommitsBehindItIsNoTornEnd) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  const std::size_t end = File().size();
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  const Bytes good = File();
  for (const std::size_t back : {10U, 40U, 100U, 200U}) {
    File() = good;
    File()[end - back] ^= std::byte{1};
    const Bytes damaged = File();
    const auto journal = s_.Opened();
    ASSERT_FALSE(journal.ok()) << back;
    EXPECT_EQ(journal.error().code(), ErrorCode::kIntegrity);
    EXPECT_EQ(File(), damaged);
  }
}

TEST_F(KeyJournalTest, EveryFlippedBitIsNoticedOrCutOff) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  const Bytes content = File();
  for (std::size_t i = 0; i < content.size(); ++i) {
    File() = content;
    File()[i] ^= std::byte{1};
    const auto journal = s_.Opened();
    EXPECT_TRUE(!journal.ok() || (*journal)->last().head.epoch.value < 2) << i;
  }
}

TEST_F(KeyJournalTest, ForgeriesUnderRightChecksumsAreNotBelieved) {
  s_.Work();
  const std::vector<CommitGroup> good = GroupsOf(File());
  struct Forgery {
    const char* name;
    std::function<void(std::vector<CommitGroup>&)> forge;
  };
  const Forgery forgeries[] = {
      {"a value", [](auto& groups) { (*groups[3].changes[0].columns)[1] = std::string("forged"); }},
      {"a row left out", [](auto& groups) { groups[3].changes.clear(); }},
      {"a row twice", [](auto& groups) { groups[3].changes.push_back(groups[2].changes[0]); }},
      {"a head's sum", [](auto& groups) { groups[3].head.sum[0] ^= std::byte{1}; }},
      {"a head's MAC", [](auto& groups) { groups[3].head.mac[0] ^= std::byte{1}; }},
      {"a row erased", [](auto& groups) { groups[3].changes[0].columns.reset(); }},
      {"an old row again", [](auto& groups) { groups.back().changes[0] = groups[3].changes[0]; }},
      {"the last commit's rows", [](auto& groups) { groups.back().changes.clear(); }},
      {"a snapshot without rows", [](auto& groups) { groups = {{.changes = {}, .head = groups.back().head}}; }},
  };
  ASSERT_TRUE(s_.journal().Verify(SampleKeys()).ok());
  EXPECT_FALSE(s_.journal().Verify(SampleKeys(SampleStoreUuid(), 2)).ok()) << "another root key";
  for (const Forgery& forgery : forgeries) {
    std::vector<CommitGroup> groups = good;
    forgery.forge(groups);
    File() = JournalOf(groups);
    const auto journal = s_.Opened();
    ASSERT_TRUE(journal.ok()) << forgery.name << journal.error().ToString();
    const Status verified = (*journal)->Verify(SampleKeys());
    ASSERT_FALSE(verified.ok()) << forgery.name;
    EXPECT_EQ(verified.error().code(), ErrorCode::kIntegrity);
  }
}

TEST_F(KeyJournalTest, WhatIsNoJournalIsRefused) {
  for (const Bytes& content : {Bytes{}, Bytes(100), CopyOf(AsBytes("SQLite format 3"))}) {
    File() = content;
    EXPECT_EQ(s_.Opened().error().code(), ErrorCode::kIntegrity);
  }
  folder_.files().erase(kJournalName);
  EXPECT_EQ(*s_.Opened(), nullptr);
}

TEST_F(KeyJournalTest, OfTwoCommitsForOneEpochTheLaterCounts) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  std::vector<CommitGroup> groups = GroupsOf(File());
  // What another process would have written, had the store not taken the last one.
  FaultFolder other_folder;
  JournalledStore other(other_folder);
  ASSERT_TRUE(other.Insert(Table::kTenant, 1).ok());
  ASSERT_TRUE(other
                  .Mutate([](StoreMutation& m) -> Status {
                    COFFER_TRY(m.Insert(Table::kTenant, SampleRow(Table::kTenant, 3)));
                    COFFER_TRY(m.Insert(Table::kKek, SampleRow(Table::kKek, 3)));
                    return m.Erase(Table::kTenant, testing::SampleKey(Table::kTenant, 1));
                  })
                  .ok());
  groups.push_back(GroupsOf(other_folder.files()[kJournalName]).back());
  other_folder.files()[kJournalName] = JournalOf(groups);
  const auto journal = other.Opened().value();
  EXPECT_EQ(journal->before_last()->epoch.value, 1U);
  other.ExpectSameStore();
}

TEST_F(KeyJournalTest, ACommitThatDoesNotFollowTheLastIsRefused) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  CommitGroup group = s_.journal().last();
  const Bytes before = File();
  for (const std::uint64_t epoch : {0U, 3U, 100U}) {
    group.head.epoch.value = epoch;
    EXPECT_EQ(s_.journal().Append(group).error().code(), ErrorCode::kFailedPrecondition) << epoch;
  }
  s_.Restart();
  group.head.epoch.value = 1;
  EXPECT_EQ(s_.journal().Append(group).error().code(), ErrorCode::kFailedPrecondition)
      << "the last one again, that another process wrote";
  EXPECT_EQ(File(), before);
}

TEST_F(KeyJournalTest, AnotherWritersBytesStopTheNextCommit) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  ASSERT_TRUE(folder_.Open(kJournalName).value()->Append(AsBytes("not ours")).ok());
  const Status refused = s_.Insert(Table::kTenant, 2);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(s_.Head().epoch.value, 1U);
}

TEST_F(KeyJournalTest, AJournalIsRenewedAtHalfItsLimitAndTakesNothingAboveIt) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  s_.Restart();
  ASSERT_TRUE(s_.store().Maintain().ok());
  const std::uint64_t renewed = s_.journal().size();
  folder_.set_max_bytes(2 * renewed + 2'000);
  std::uint8_t number = 2;
  while (s_.journal().size() <= renewed + 800) ASSERT_TRUE(s_.Insert(Table::kTenant, number++).ok());
  const std::uint64_t below = s_.journal().size();
  ASSERT_TRUE(s_.store().Maintain().ok());
  EXPECT_EQ(s_.journal().size(), below) << "not half of it yet";
  Status inserted;
  while ((inserted = s_.Insert(Table::kTenant, number)).ok()) ++number;
  EXPECT_EQ(inserted.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(inserted.error().limit(), folder_.max_bytes());
  EXPECT_LE(File().size(), folder_.max_bytes()) << "what is written can be read";
  s_.ExpectSameStore();
  ASSERT_TRUE(s_.store().Maintain().ok());
  ASSERT_TRUE(s_.Insert(Table::kTenant, number).ok());
  s_.ExpectSameStore();
}

TEST_F(KeyJournalTest, ASnapshotAboveTheLimitIsNotWritten) {
  s_.Work();
  const Bytes before = File();
  folder_.set_max_bytes(1'000);
  EXPECT_EQ(s_.store().RenewJournal().error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(File(), before);
  EXPECT_FALSE(folder_.files().contains(kNextName));
}

TEST_F(KeyJournalTest, RedoBringsTheStoreToTheNextEpochAndNowhereElse) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  MemoryStore behind;
  s_.CopyTo(behind);
  ASSERT_TRUE(s_.Insert(Table::kKek, 7).ok());
  const auto journal = s_.Opened().value();
  const CommitGroup last = journal->last();
  const StoredHead before = journal->before_last().value();
  ASSERT_TRUE(RedoGroup(last, before, SampleKeys(), behind).ok());
  AuthenticatedStore checked(behind, SampleStoreUuid(), SampleKeys());
  EXPECT_TRUE(checked.VerifyAll().ok());
  EXPECT_EQ(RedoGroup(last, before, SampleKeys(), behind).error().code(), ErrorCode::kIntegrity)
      << "it is there already";
}

TEST_F(KeyJournalTest, RedoLeavesAStoreOfOtherRowsAlone) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  ASSERT_TRUE(s_.Insert(Table::kKek, 6).ok());
  MemoryStore fork;
  ASSERT_TRUE(KeyJournal::Salvage(folder_).value()->image.WriteTo(fork).ok());
  MemoryStore same;
  s_.CopyTo(same);
  const StoredHead before = s_.Head();
  ASSERT_TRUE(s_.Mutate([](StoreMutation& m) -> Status {
                  COFFER_TRY(m.Insert(Table::kKek, SampleRow(Table::kKek, 7)));
                  return m.Update(Table::kTenant, SampleRow(Table::kTenant, 1));
                }).ok());
  const auto journal = s_.Opened().value();
  // The head of the state before, and under it a row that is not of that state.
  testing::Raw(fork, [](StoreTransaction& t) {
    StoredRow row = **t.Get(Table::kTenant, testing::SampleKey(Table::kTenant, 1));
    row.mac[0] ^= std::byte{1};
    ASSERT_TRUE(t.Update(Table::kTenant, row).ok());
  });
  EXPECT_EQ(RedoGroup(journal->last(), before, SampleKeys(), fork).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ((**(*fork.Begin())->GetHead()).epoch.value, 2U);
  // Another head of the same epoch.
  StoredHead other = before;
  other.mac[0] ^= std::byte{1};
  const Status refused = RedoGroup(journal->last(), other, SampleKeys(), same);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kIntegrity);
  EXPECT_TRUE(RedoGroup(journal->last(), before, SampleKeys(), same).ok());
}

class ReplacementTest : public KeyJournalTest {
 protected:
  Bytes SnapshotNow() { return JournalOf({s_.store().Snapshot()->AsGroup()}); }
};

TEST_F(ReplacementTest, OneOfTheStoresHeadIsTheJournalWhenTheJournalIsOlder) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  const Bytes old = File();
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  folder_.files()[kNextName] = SnapshotNow();
  File() = old;
  const Bytes next = folder_.files()[kNextName];
  const auto journal = s_.Opened().value();
  EXPECT_TRUE(journal->is_replacement());
  EXPECT_EQ(File(), old) << "looking changes nothing";
  ASSERT_TRUE(journal->Settle().ok());
  EXPECT_FALSE(journal->is_replacement());
  EXPECT_EQ(File(), next);
  EXPECT_FALSE(folder_.files().contains(kNextName));
  s_.Restart();
  ASSERT_TRUE(s_.Insert(Table::kTenant, 3).ok());
  s_.ExpectSameStore();
}

TEST_F(ReplacementTest, OneThatWasLeftBehindDoesNotMakeAnOldStoreCurrent) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  folder_.files()[kNextName] = SnapshotNow();
  const StoredHead old_head = s_.Head();
  ASSERT_TRUE(s_.Insert(Table::kTenant, 2).ok());
  const auto journal = KeyJournal::Open(folder_, old_head).value();
  EXPECT_FALSE(journal->is_replacement());
  EXPECT_EQ(journal->last().head.epoch.value, 2U);
}

TEST_F(ReplacementTest, OneThatIsNotNeededIsRemoved) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  folder_.files()[kNextName] = SnapshotNow();
  const Bytes before = File();
  const auto journal = s_.Opened().value();
  EXPECT_FALSE(journal->is_replacement());
  ASSERT_TRUE(journal->Settle().ok());
  EXPECT_FALSE(folder_.files().contains(kNextName));
  EXPECT_EQ(File(), before);
}

TEST_F(ReplacementTest, WhateverIsWrongWithOneTheJournalIsGiven) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 1).ok());
  const std::size_t header = EncodeJournalHeader({.store = SampleStoreUuid(), .base = {}}).size();
  Bytes cut = SnapshotNow();
  cut.resize(cut.size() - 1);
  Bytes header_only = SnapshotNow();
  header_only.resize(header);
  for (const Bytes& next : {Bytes(), Bytes(500), cut, header_only, CopyOf(AsBytes("rubbish"))}) {
    folder_.files()[kNextName] = next;
    const auto journal = s_.Opened();
    ASSERT_TRUE(journal.ok()) << journal.error().ToString();
    EXPECT_EQ((*journal)->last().head.mac, s_.Head().mac);
    EXPECT_FALSE((*journal)->is_replacement());
  }
}

class SalvageTest : public KeyJournalTest {};

TEST_F(SalvageTest, AWholeJournalPassesNothingOver) {
  s_.Work();
  const SalvagedJournal salvaged = KeyJournal::Salvage(folder_).value().value();
  EXPECT_EQ(salvaged.passed_over, 0U);
  EXPECT_EQ(salvaged.store, SampleStoreUuid());
  EXPECT_EQ(salvaged.image.head().mac, s_.Head().mac);
}

TEST_F(SalvageTest, OfADamagedJournalAllBeforeTheDamageIsThere) {
  ASSERT_TRUE(s_.Insert(Table::kTenant, 8).ok());
  ASSERT_TRUE(s_.Insert(Table::kTenant, 9).ok());
  const StoredHead head = s_.Head();
  const std::size_t whole = File().size();
  s_.Work();
  File()[whole + 20] ^= std::byte{1};
  ASSERT_FALSE(s_.Opened().ok());
  const Bytes damaged = File();
  const SalvagedJournal salvaged = KeyJournal::Salvage(folder_).value().value();
  EXPECT_EQ(salvaged.image.head().mac, head.mac);
  EXPECT_EQ(salvaged.passed_over, damaged.size() - whole);
  EXPECT_TRUE(salvaged.image.Verify(SampleStoreUuid(), SampleKeys()).ok());
  EXPECT_EQ(salvaged.image.row_count(), 2U);
  EXPECT_EQ(File(), damaged);
}

TEST_F(SalvageTest, WithKeysAllBeforeAForgeryIsThere) {
  s_.Work();
  std::vector<CommitGroup> groups = GroupsOf(File());
  groups[5].changes[0].mac[0] ^= std::byte{1};
  groups.resize(6);
  File() = JournalOf(groups);
  const IntegrityKeys keys = SampleKeys();
  const SalvagedJournal salvaged = KeyJournal::Salvage(folder_, &keys).value().value();
  EXPECT_EQ(salvaged.image.head().mac, groups[4].head.mac);
  EXPECT_TRUE(salvaged.image.Verify(SampleStoreUuid(), keys).ok());
  EXPECT_GT(salvaged.passed_over, 0U);
  EXPECT_FALSE(KeyJournal::Salvage(folder_).value()->image.Verify(SampleStoreUuid(), keys).ok());
}

TEST_F(SalvageTest, WhereNothingHoldsTogetherThereIsNothing) {
  s_.Work();
  const Bytes good = File();
  File()[60] ^= std::byte{1};
  EXPECT_EQ(KeyJournal::Salvage(folder_).error().code(), ErrorCode::kIntegrity);
  File() = good;
  const IntegrityKeys stranger = SampleKeys(SampleStoreUuid(), 2);
  EXPECT_EQ(KeyJournal::Salvage(folder_, &stranger).error().code(), ErrorCode::kIntegrity);
  File() = Bytes(1'000);
  EXPECT_EQ(KeyJournal::Salvage(folder_).error().code(), ErrorCode::kIntegrity);
  folder_.files().clear();
  EXPECT_FALSE(KeyJournal::Salvage(folder_).value().has_value());
  folder_.CrashAtStep(1);
  EXPECT_FALSE(folder_.Sync().ok());
  EXPECT_EQ(KeyJournal::Salvage(folder_).error().code(), ErrorCode::kUnavailable);
}

TEST_F(SalvageTest, AJournalIsSetAsideUnderANameThatTellsWhenAndReplacesNothing) {
  constexpr std::int64_t kWhen = 1'700'000'000'000'000;
  const Bytes content = File();
  const std::string first = KeyJournal::SetAside(folder_, kWhen).value().value();
  EXPECT_EQ(first, "key-journal.replaced-20231114T221320Z");
  EXPECT_EQ(folder_.files()[first], content);
  EXPECT_FALSE(folder_.files().contains(kJournalName));
  EXPECT_FALSE(KeyJournal::SetAside(folder_, kWhen).value().has_value());
  File() = CopyOf(AsBytes("another"));
  EXPECT_EQ(KeyJournal::SetAside(folder_, kWhen).value().value(), first + "-2");
  EXPECT_EQ(folder_.files()[first], content);
}

TEST_F(SalvageTest, WhatReplacesAJournalKeepsItAndAReplacementBesideIt) {
  s_.Work();
  const Bytes old = File();
  folder_.files()[kNextName] = CopyOf(AsBytes("a replacement"));
  const CommitGroup snapshot = s_.store().Snapshot()->AsGroup();
  KeyJournal::Replaced replaced = KeyJournal::Replace(folder_, SampleStoreUuid(), snapshot, 0).value();
  EXPECT_EQ(folder_.files()[replaced.kept_as.value()], old);
  EXPECT_EQ(folder_.files().count("key-journal.next.replaced-19700101T000000Z"), 1U);
  s_.Restart(std::move(replaced.journal));
  ASSERT_TRUE(s_.Insert(Table::kTenant, 9).ok());
  s_.ExpectSameStore();
}

TEST_F(SalvageTest, PowerMayFailAtEveryStepOfReplacingAndAWholeJournalIsThere) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    for (std::uint64_t step = 1; step <= 5; ++step) {
      SCOPED_TRACE(seed * 10 + step);
      FaultFolder folder(seed);
      JournalledStore s(folder);
      ASSERT_TRUE(s.Insert(Table::kTenant, 1).ok());
      const CommitGroup snapshot = s.store().Snapshot()->AsGroup();
      folder.CrashAtStep(step);
      EXPECT_EQ(KeyJournal::Replace(folder, SampleStoreUuid(), snapshot, 0).ok(), step > 4);
      folder.Reboot();
      const auto journal = KeyJournal::Salvage(folder);
      const auto next = KeyJournal::Salvage(folder, nullptr, KeyJournal::Which::kReplacement);
      const bool whole = (journal.ok() && *journal && (*journal)->image.head().mac == s.Head().mac) ||
                         (next.ok() && *next && (*next)->image.head().mac == s.Head().mac);
      EXPECT_TRUE(whole);
    }
  }
}

}  // namespace
}  // namespace coffer::keysvc
