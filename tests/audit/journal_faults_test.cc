// Disks that fail while the journal runs: full ones pass, broken ones are final.
#include <unistd.h>

#include "io/directory.h"
#include "tests/audit/journal_fixture.h"
#include "tests/support/temp_dir.h"

namespace coffer::audit {
namespace {

using testing::Answers;
using testing::HeadOf;
using testing::kHalfFile;
using testing::ReadAll;
using testing::RecordOf;
using testing::SmallOptions;

class JournalFaultsTest : public ::testing::Test {
 protected:
  void Open() {
    Result<std::unique_ptr<Journal>> journal = Journal::Open(folder_, SmallOptions());
    ASSERT_TRUE(journal.ok()) << journal.error().ToString();
    journal_ = std::move(journal).value();
    ASSERT_TRUE(WaitForSpares(2));
  }
  bool WaitForSpares(int count) {
    return WaitUntil([&] { return journal_->figures().spare_files == count; });
  }
  // One that fills a file.
  Result<std::uint64_t> AppendLarge(RecordClass who = RecordClass::kOrdinary) {
    const std::string record = RecordOf(acknowledged_.size(), kHalfFile);
    Result<std::uint64_t> index = journal_->AppendAndWait(AsBytes(record), who);
    if (index.ok()) {
      EXPECT_EQ(*index, acknowledged_.size());
      acknowledged_.push_back(record);
    }
    return index;
  }
  Result<std::uint64_t> AppendSmall(RecordClass who = RecordClass::kOrdinary) {
    Result<std::uint64_t> index = journal_->AppendAndWait(AsBytes("small"), who);
    if (index.ok()) acknowledged_.emplace_back("small");
    return index;
  }
  void ExpectUnavailable(const Result<std::uint64_t>& answer) {
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code(), ErrorCode::kUnavailable);
  }
  void ExpectFinal() {
    EXPECT_FALSE(journal_->state().ok());
    Answers answers;
    for (const RecordClass who : {RecordClass::kOrdinary, RecordClass::kReserve}) {
      journal_->Append(AsBytes("after"), answers.Next(), who);
    }
    EXPECT_EQ(answers.count(), 2U) << "at once";
    for (const auto& answer : answers.all()) ExpectUnavailable(answer);
  }
  // After a restart everything that was acknowledged is there, with at most `more` behind.
  void ExpectRecovers(std::size_t more) {
    journal_.reset();
    folder_.Reboot();
    JournalOptions options = SmallOptions();
    options.depth = Depth::kEveryRecord;
    journal_ = *Journal::Open(folder_, options);
    const std::vector<std::string> records = *ReadAll(folder_, {.from = 0, .to = journal_->durable().size});
    EXPECT_LE(records.size(), acknowledged_.size() + more);
    ASSERT_GE(records.size(), acknowledged_.size());
    EXPECT_TRUE(std::equal(acknowledged_.begin(), acknowledged_.end(), records.begin()));
    EXPECT_TRUE(journal_->AppendAndWait(AsBytes("on")).ok());
    acknowledged_ = records;
    acknowledged_.emplace_back("on");
  }

  FaultLogFolder folder_;
  std::unique_ptr<Journal> journal_;
  std::vector<std::string> acknowledged_;
};

TEST_F(JournalFaultsTest, AFullDiskLeavesAReserveForWhoMayUseIt) {
  Open();
  folder_.SetSpace(3 * kMinFileBytes);
  ASSERT_TRUE(AppendLarge().ok()) << "the first file";
  ASSERT_TRUE(AppendLarge().ok()) << "the first spare file";
  ASSERT_TRUE(WaitUntil([&] { return journal_->low(); }));
  ExpectUnavailable(AppendLarge());
  ExpectUnavailable(AppendSmall());
  ASSERT_TRUE(AppendLarge(RecordClass::kReserve).ok()) << "the last spare file";
  ExpectUnavailable(AppendSmall());
  ASSERT_TRUE(AppendSmall(RecordClass::kReserve).ok()) << "there is room in it";
  ExpectUnavailable(AppendLarge(RecordClass::kReserve));
  EXPECT_TRUE(journal_->state().ok()) << "not final";
  EXPECT_EQ(journal_->figures().refused, 4U);

  folder_.SetSpace(6 * kMinFileBytes);
  ASSERT_TRUE(WaitUntil([&] { return !journal_->low(); }));
  ASSERT_TRUE(WaitForSpares(2));
  ASSERT_TRUE(AppendLarge().ok());
  ASSERT_TRUE(AppendSmall().ok());
  EXPECT_EQ(journal_->durable(), HeadOf(acknowledged_)) << "no gap";
  ExpectRecovers(0);
}

TEST_F(JournalFaultsTest, AFullDiskIsNoticedBeforeAnybodyIsRefused) {
  Open();
  folder_.SetSpace(3 * kMinFileBytes);
  ASSERT_TRUE(AppendLarge().ok());
  EXPECT_FALSE(journal_->low());
  ASSERT_TRUE(AppendLarge().ok());
  ASSERT_TRUE(WaitUntil([&] { return journal_->low(); }));
  ASSERT_TRUE(AppendSmall().ok()) << "low, and there is still room";
}

TEST_F(JournalFaultsTest, OfOneBatchOnlyTheReserveGoesIntoTheReserve) {
  Open();
  folder_.SetSpace(3 * kMinFileBytes);
  ASSERT_TRUE(AppendLarge().ok());
  ASSERT_TRUE(AppendLarge().ok());
  ASSERT_TRUE(WaitUntil([&] { return journal_->low(); }));
  folder_.HoldSyncs(true);
  Answers first;
  journal_->Append(AsBytes("in the writer's hands"), first.Next());
  ASSERT_TRUE(WaitUntil([&] { return folder_.waiting_syncs() > 0; }));
  Answers ordinary;
  Answers reserve;
  for (int i = 0; i < 10; ++i) {
    journal_->Append(Bytes(6'000, std::byte{1}), ordinary.Next());
    journal_->Append(Bytes(6'000, std::byte{2}), reserve.Next(), RecordClass::kReserve);
  }
  folder_.HoldSyncs(false);
  ASSERT_TRUE(ordinary.WaitFor(10) && reserve.WaitFor(10));
  for (const auto& answer : ordinary.all()) ExpectUnavailable(answer);
  std::uint64_t index = 3;
  for (const auto& answer : reserve.all()) EXPECT_EQ(*answer, index++);
  const std::vector<std::string> records = *ReadAll(folder_, {.from = 3, .to = 13});
  EXPECT_EQ(records, std::vector<std::string>(10, std::string(6'000, '\2')));
}

TEST_F(JournalFaultsTest, AStartOnAFullDiskUsesTheReserveThatIsThere) {
  Open();
  ASSERT_TRUE(AppendLarge().ok());
  journal_.reset();
  ASSERT_TRUE(folder_.Has("spare-0") && folder_.Has("spare-1"));
  ASSERT_TRUE(folder_.Remove("spare-0").ok());
  folder_.SetSpace(2 * kMinFileBytes);
  journal_ = *Journal::Open(folder_, SmallOptions());
  ASSERT_TRUE(WaitUntil([&] { return journal_->low(); }));
  ExpectUnavailable(AppendLarge());
  ASSERT_TRUE(AppendLarge(RecordClass::kReserve).ok());
}

TEST_F(JournalFaultsTest, AFirstStartOnAFullDiskFails) {
  folder_.SetSpace(kMinFileBytes - 1);
  const auto journal = Journal::Open(folder_, SmallOptions());
  ASSERT_FALSE(journal.ok());
  EXPECT_EQ(journal.error().code(), ErrorCode::kUnavailable);
}

TEST_F(JournalFaultsTest, ClosingOnAFullDiskAnswersEverybody) {
  Open();
  folder_.SetSpace(3 * kMinFileBytes);
  Answers answers;
  for (int i = 0; i < 5; ++i) {
    journal_->Append(Bytes(kHalfFile), answers.Next());
    ASSERT_TRUE(answers.WaitFor(static_cast<std::size_t>(i) / 2));
  }
  journal_.reset();
  EXPECT_EQ(answers.count(), 5U);
}

TEST_F(JournalFaultsTest, SpareFilesThatAreNotAsTheyShouldBeAreMadeAnew) {
  struct Bad {
    const char* what;
    Bytes content;
  };
  Bytes begun(kMinFileBytes);
  begun[0] = std::byte{'c'};
  for (const Bad& bad : {Bad{"shorter", Bytes(100)}, Bad{"longer", Bytes(kMinFileBytes + 1)}, Bad{"begun", begun}}) {
    folder_.Put("spare-0", bad.content);
    folder_.Put("spare-1", bad.content);
    Open();
    EXPECT_EQ(folder_.Content("spare-0"), Bytes(kMinFileBytes)) << bad.what;
    EXPECT_EQ(folder_.Content("spare-1"), Bytes(kMinFileBytes)) << bad.what;
    journal_.reset();
  }
}

TEST_F(JournalFaultsTest, SpareFilesThatSomebodyRemovesAreMadeAnew) {
  Open();
  ASSERT_TRUE(folder_.Remove("spare-0").ok() && folder_.Remove("spare-1").ok());
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(AppendLarge().ok());
  ExpectRecovers(0);
}

TEST_F(JournalFaultsTest, AFailedWriteIsFinalAndLosesNothingAcknowledged) {
  Open();
  ASSERT_TRUE(AppendSmall().ok());
  folder_.FailWrite(1);
  ExpectUnavailable(AppendSmall());
  ExpectFinal();
  ExpectRecovers(1);
}

TEST_F(JournalFaultsTest, AFailedSyncIsFinalAndLosesNothingAcknowledged) {
  for (int round = 0; round < 20; ++round) {
    if (journal_ == nullptr) Open();
    ASSERT_TRUE(AppendSmall().ok());
    folder_.FailSync(1);
    ExpectUnavailable(AppendSmall());
    EXPECT_EQ(journal_->durable(), HeadOf(acknowledged_)) << "what is not known to be on the disk is not published";
    ExpectFinal();
    ExpectRecovers(1);
  }
}

TEST_F(JournalFaultsTest, WhatAStartFoundSurvivesThoughTheSyncBeforeItHadFailed) {
  Open();
  ASSERT_TRUE(AppendSmall().ok());
  folder_.FailSync(1);
  ExpectUnavailable(AppendSmall());
  journal_.reset();
  // Another process reads it from the kernel's memory, and a checkpoint may be signed over it.
  journal_ = *Journal::Open(folder_, SmallOptions());
  const TreeHead found = journal_->durable();
  EXPECT_EQ(found.size, 2U);
  journal_.reset();
  folder_.Reboot();
  JournalOptions options = SmallOptions();
  options.known_size = found.size;
  EXPECT_EQ((*Journal::Open(folder_, options))->durable(), found);
}

TEST_F(JournalFaultsTest, AFileWhoseNameWasNotDurableKeepsItAfterTheNextStart) {
  Open();
  ASSERT_TRUE(AppendLarge().ok());
  folder_.FailSyncOfRename();
  ExpectUnavailable(AppendLarge());
  ExpectFinal();
  journal_ = nullptr;
  journal_ = *Journal::Open(folder_, SmallOptions());
  ASSERT_TRUE(AppendSmall().ok()) << "into the new file";
  ASSERT_EQ(JournalFileNames(folder_)->size(), 2U);
  ExpectRecovers(0);
}

TEST_F(JournalFaultsTest, AFailureRefusesEverythingThatWaits) {
  Open();
  ASSERT_TRUE(AppendSmall().ok());
  folder_.HoldSyncs(true);
  folder_.FailSync(1);
  Answers answers;
  journal_->Append(AsBytes("in the writer's hands"), answers.Next());
  ASSERT_TRUE(WaitUntil([&] { return folder_.waiting_syncs() > 0; }));
  for (int i = 0; i < 50; ++i) journal_->Append(AsBytes("waits"), answers.Next());
  folder_.HoldSyncs(false);
  ASSERT_TRUE(answers.WaitFor(51));
  for (const auto& answer : answers.all()) ExpectUnavailable(answer);
  EXPECT_EQ(journal_->figures().refused, 51U);
  ExpectRecovers(1);
}

TEST_F(JournalFaultsTest, AFailureWhileAFileIsBegunIsFinal) {
  for (int step = 1; step <= 2; ++step) {
    Open();
    ASSERT_TRUE(AppendLarge().ok());
    if (step == 1) folder_.FailWrite(1);
    if (step == 2) folder_.FailSync(1);
    ExpectUnavailable(AppendLarge());
    ExpectFinal();
    ExpectRecovers(0);
    ASSERT_TRUE(WaitForSpares(2)) << "what the failure left of a spare file is replaced";
    journal_.reset();
  }
}

TEST_F(JournalFaultsTest, AFileInTheNextOnesPlaceIsNeverReplaced) {
  Open();
  ASSERT_TRUE(AppendLarge().ok());
  folder_.Put(JournalFileName(1), Bytes(10, std::byte{7}));
  ExpectUnavailable(AppendLarge());
  ExpectFinal();
  EXPECT_EQ(folder_.Content(JournalFileName(1)), Bytes(10, std::byte{7}));
}

TEST_F(JournalFaultsTest, ARemovedFileIsFinal) {
  Open();
  ASSERT_TRUE(AppendSmall().ok());
  ASSERT_TRUE(folder_.Remove(JournalFileName(0)).ok());
  ExpectUnavailable(AppendSmall());
  EXPECT_EQ(journal_->state().error().message(), "the audit journal was removed or replaced");
  ExpectFinal();
}

TEST_F(JournalFaultsTest, AReplacedFileIsFinal) {
  Open();
  ASSERT_TRUE(AppendSmall().ok());
  folder_.Put(JournalFileName(0), folder_.Content(JournalFileName(0)));
  ExpectUnavailable(AppendSmall());
  ExpectFinal();
}

TEST(JournalOnDiskTest, ARemovedFileIsFinal) {
  const TempDir directory;
  const auto folder = DiskLogFolder(directory.path());
  const auto journal = *Journal::Open(*folder, SmallOptions());
  ASSERT_TRUE(journal->AppendAndWait(AsBytes("record")).ok());
  ASSERT_EQ(unlink((directory / JournalFileName(0)).c_str()), 0);
  EXPECT_EQ(journal->AppendAndWait(AsBytes("record")).error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(journal->state().ok());
}

TEST(JournalOnDiskTest, KeepsRecordsAcrossFilesAndStarts) {
  const TempDir directory;
  const auto folder = DiskLogFolder(directory.path());
  std::vector<std::string> records;
  for (int start = 0; start < 3; ++start) {
    const auto journal = *Journal::Open(*folder, SmallOptions());
    for (int i = 0; i < 3; ++i) {
      records.push_back(RecordOf(records.size(), kHalfFile));
      ASSERT_EQ(*journal->AppendAndWait(AsBytes(records.back())), records.size() - 1);
    }
  }
  EXPECT_EQ(*ReadAll(*folder), records);
  const std::vector<std::string> names = *folder->List();
  for (const std::string& name : names) {
    EXPECT_EQ(FactsOf(directory / name)->permissions, 0600U) << name;
    EXPECT_EQ(FactsOf(directory / name)->size, kMinFileBytes) << name;
  }
}

}  // namespace
}  // namespace coffer::audit
