#include "audit/journal_reader.h"

#include "tests/audit/journal_fixture.h"

namespace coffer::audit {
namespace {

using testing::Answers;
using testing::Fill;
using testing::HeadOf;
using testing::kHalfFile;
using testing::kOrigin;
using testing::ReadAll;
using testing::RecordOf;
using testing::SmallOptions;

TEST(JournalReaderTest, AFolderWithoutAJournalIsNotFound) {
  FaultLogFolder folder;
  EXPECT_EQ(JournalReader::Open(folder, kOrigin).error().code(), ErrorCode::kNotFound);
}

TEST(JournalReaderTest, ReadsAnyRange) {
  FaultLogFolder folder;
  std::vector<std::string> records;
  {
    // Frames of one to ten records.
    const auto journal = *Journal::Open(folder, SmallOptions());
    Answers answers;
    for (std::size_t size = 1; size <= 10; ++size) {
      folder.HoldSyncs(true);
      for (std::size_t i = 0; i < size; ++i) {
        records.push_back(RecordOf(records.size(), 4'000));
        journal->Append(AsBytes(records.back()), answers.Next());
      }
      folder.HoldSyncs(false);
      ASSERT_TRUE(answers.WaitFor(records.size()));
    }
  }
  ASSERT_GT(JournalFileNames(folder)->size(), 1U);
  for (std::uint64_t from = 0; from <= records.size(); ++from) {
    for (std::uint64_t to = from; to <= records.size(); to += 7) {
      const auto read = ReadAll(folder, {.from = from, .to = to});
      ASSERT_TRUE(read.ok()) << from << " " << to;
      ASSERT_EQ(*read, std::vector<std::string>(records.begin() + static_cast<std::ptrdiff_t>(from),
                                                records.begin() + static_cast<std::ptrdiff_t>(to)));
    }
  }
}

TEST(JournalReaderTest, MissesRecordsThatShouldBeThere) {
  FaultLogFolder folder;
  Fill(folder, 3);
  EXPECT_EQ(ReadAll(folder, {.from = 0, .to = 4}).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(ReadAll(folder, {.from = 10, .to = 11}).error().code(), ErrorCode::kIntegrity);
  EXPECT_TRUE(ReadAll(folder, {.from = 10})->empty());
}

TEST(JournalReaderTest, AFailureStays) {
  FaultLogFolder folder;
  Fill(folder, 3);
  JournalReader reader = *JournalReader::Open(folder, kOrigin, {.from = 2, .to = 9});
  EXPECT_TRUE(reader.Next().ok());
  EXPECT_FALSE(reader.Next().ok());
  EXPECT_FALSE(reader.Next().ok());
}

TEST(JournalReaderTest, KnowsTheTreeAtTheEndOfEachFrame) {
  FaultLogFolder folder;
  const std::vector<std::string> records = Fill(folder, 5, kHalfFile / 3);
  JournalReader reader = *JournalReader::Open(folder, kOrigin, {.from = 2});
  for (std::size_t i = 2; i < 5; ++i) {
    ASSERT_EQ((*reader.Next())->index, i);
    EXPECT_TRUE(reader.at_frame_end());
    EXPECT_EQ(reader.frame_head(), HeadOf({records.begin(), records.begin() + static_cast<std::ptrdiff_t>(i) + 1}));
  }
  EXPECT_FALSE(reader.Next()->has_value());
}

TEST(JournalReaderTest, ReadsBesideARunningJournal) {
  FaultLogFolder folder;
  const auto journal = *Journal::Open(folder, SmallOptions());
  std::atomic<bool> done = false;
  std::thread appending([&] {
    for (std::uint64_t i = 0; i < 300; ++i) EXPECT_TRUE(journal->AppendAndWait(AsBytes(RecordOf(i, 2'000))).ok());
    done = true;
  });
  std::uint64_t size = 0;
  while (!done) {
    size = journal->durable().size;
    const auto records = ReadAll(folder, {.from = 0, .to = size});
    ASSERT_TRUE(records.ok()) << records.error().ToString();
    ASSERT_EQ(records->size(), size);
  }
  appending.join();
  EXPECT_EQ(ReadAll(folder)->size(), 300U);
}

}  // namespace
}  // namespace coffer::audit
