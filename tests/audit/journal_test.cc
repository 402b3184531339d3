#include "audit/journal.h"

#include <algorithm>
#include <functional>
#include <thread>

#include "tests/audit/journal_fixture.h"

namespace coffer::audit {
namespace {

using testing::Answers;
using testing::HeadOf;
using testing::kHalfFile;
using testing::ReadAll;
using testing::RecordOf;
using testing::SmallOptions;

class JournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<Journal> Open(const JournalOptions& options = SmallOptions()) {
    Result<std::unique_ptr<Journal>> journal = Journal::Open(folder_, options);
    EXPECT_TRUE(journal.ok()) << journal.error().ToString();
    return std::move(journal).value();
  }
  std::vector<std::string> JournalFiles() { return *JournalFileNames(folder_); }

  FaultLogFolder folder_;
};

TEST_F(JournalTest, ANewOneIsEmpty) {
  const auto journal = Open();
  EXPECT_EQ(journal->durable(), TreeHead());
  EXPECT_TRUE(journal->state().ok());
  EXPECT_FALSE(journal->low());
  EXPECT_EQ(JournalFiles(), std::vector<std::string>{"00000000000000000000.journal"});
  EXPECT_TRUE(ReadAll(folder_)->empty());
}

TEST_F(JournalTest, GivesIndexesFromZeroAndKeepsRecords) {
  std::vector<std::string> records;
  {
    const auto journal = Open();
    for (std::uint64_t i = 0; i < 20; ++i) {
      records.push_back(RecordOf(i));
      EXPECT_EQ(*journal->AppendAndWait(AsBytes(records.back())), i);
      EXPECT_EQ(journal->durable(), HeadOf(records));
    }
    EXPECT_EQ(*ReadAll(folder_, {.from = 0, .to = 20}), records);
  }
  EXPECT_EQ(*ReadAll(folder_), records);
}

TEST_F(JournalTest, AnsweredMeansSynced) {
  const auto journal = Open();
  folder_.HoldSyncs(true);
  Answers answers;
  journal->Append(AsBytes("record"), answers.Next());
  ASSERT_TRUE(WaitUntil([&] { return folder_.waiting_syncs() > 0; }));
  EXPECT_EQ(answers.count(), 0U);
  EXPECT_EQ(journal->durable().size, 0U);
  folder_.HoldSyncs(false);
  ASSERT_TRUE(answers.WaitFor(1));
  EXPECT_EQ(journal->durable().size, 1U);
}

TEST_F(JournalTest, WhatComesDuringASyncSharesTheNextOne) {
  const auto journal = Open();
  ASSERT_TRUE(journal->AppendAndWait(AsBytes("first")).ok());
  folder_.HoldSyncs(true);
  Answers answers;
  journal->Append(AsBytes("alone"), answers.Next());
  ASSERT_TRUE(WaitUntil([&] { return folder_.waiting_syncs() > 0; }));
  for (int i = 0; i < 100; ++i) journal->Append(AsBytes("together"), answers.Next());
  const std::uint64_t before = journal->figures().syncs;
  EXPECT_EQ(journal->figures().unanswered, 101U);
  folder_.HoldSyncs(false);
  ASSERT_TRUE(answers.WaitFor(101));
  EXPECT_EQ(journal->figures().syncs - before, 2U);
  EXPECT_EQ(journal->figures().unanswered, 0U);
}

TEST_F(JournalTest, GoesOnAcrossFilesAndStarts) {
  std::vector<std::string> records;
  for (std::uint64_t start = 0; start < 4; ++start) {
    JournalOptions options = SmallOptions();
    options.depth = start % 2 == 0 ? Depth::kLastFile : Depth::kEveryRecord;
    const auto journal = Open(options);
    EXPECT_EQ(journal->durable(), HeadOf(records));
    for (int i = 0; i < 5; ++i) {
      records.push_back(RecordOf(records.size(), kHalfFile));
      EXPECT_EQ(*journal->AppendAndWait(AsBytes(records.back())), records.size() - 1);
    }
  }
  EXPECT_EQ(JournalFiles().size(), 20U) << "one record a file";
  EXPECT_EQ(*ReadAll(folder_), records);
  for (const std::uint64_t from : {0U, 1U, 7U, 19U, 20U}) {
    EXPECT_EQ(ReadAll(folder_, {.from = from})->size(), 20 - from);
    EXPECT_EQ(ReadAll(folder_, {.from = from, .to = 20})->size(), 20 - from);
  }
}

TEST_F(JournalTest, FilesOfSeveralSizesMakeOneJournal) {
  std::vector<std::string> records;
  for (const std::uint64_t size : {kMinFileBytes, 3 * kMinFileBytes, kMinFileBytes}) {
    JournalOptions options = SmallOptions();
    options.file_bytes = size;
    const auto journal = Open(options);
    for (int i = 0; i < 8; ++i) {
      records.push_back(RecordOf(records.size(), 30'000));
      ASSERT_TRUE(journal->AppendAndWait(AsBytes(records.back())).ok());
    }
  }
  EXPECT_EQ(*ReadAll(folder_), records);
}

TEST_F(JournalTest, AFileIsFilledToItsLastByte) {
  // Frames of 65,592 and 61,384 bytes, neither with zeros behind its record, and a header of 4,096: 131,072.
  {
    const auto journal = Open();
    ASSERT_TRUE(journal->AppendAndWait(AsBytes(RecordOf(0, 65'530))).ok());
    ASSERT_TRUE(journal->AppendAndWait(AsBytes(RecordOf(1, 61'322))).ok());
    EXPECT_EQ(JournalFiles().size(), 1U);
    EXPECT_NE(folder_.Content(JournalFiles()[0]).back(), std::byte{0});
  }
  {
    const auto journal = Open();
    ASSERT_TRUE(journal->AppendAndWait(AsBytes("x")).ok());
    EXPECT_EQ(JournalFiles().size(), 2U);
  }
  JournalOptions options = SmallOptions();
  options.depth = Depth::kEveryRecord;
  EXPECT_EQ(Open(options)->durable().size, 3U);
}

TEST_F(JournalTest, AnswersComeOnceAndInTheOrderOfIndexesFromManyThreads) {
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kEach = 2'000;
  Answers answers;
  std::vector<std::pair<std::size_t, std::size_t>> order;  // the release thread's own
  {
    const auto journal = Open();
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < kEach; ++i) {
          const std::string record = std::to_string(t) + " " + std::to_string(i);
          journal->Append(AsBytes(record), [&, t, i, next = answers.Next()](Result<std::uint64_t> index) mutable {
            order.emplace_back(t, i);
            std::move(next)(std::move(index));
          });
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  const std::vector<Result<std::uint64_t>> all = answers.all();
  const std::vector<std::string> records = *ReadAll(folder_);
  ASSERT_EQ(all.size(), kThreads * kEach) << "the destructor answers everything";
  ASSERT_EQ(records.size(), kThreads * kEach);
  std::vector<std::size_t> seen(kThreads);
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_TRUE(all[i].ok());
    ASSERT_EQ(*all[i], i);
    ASSERT_EQ(records[i], std::to_string(order[i].first) + " " + std::to_string(order[i].second));
    ASSERT_EQ(seen[order[i].first]++, order[i].second) << "a thread's records keep their order";
  }
}

TEST_F(JournalTest, ACompletionMayAppend) {
  Answers answers;
  const auto journal = Open();
  std::function<void(int)> again = [&](int left) {
    journal->Append(AsBytes("again"), [&, left, next = answers.Next()](Result<std::uint64_t> index) mutable {
      if (left > 1) again(left - 1);
      std::move(next)(std::move(index));
    });
  };
  again(50);
  EXPECT_TRUE(answers.WaitFor(50));
}

TEST_F(JournalTest, ACompletionHoldsWhatCannotBeCopied) {
  const auto journal = Open();
  auto held = std::make_unique<int>(7);
  std::atomic<int> seen = 0;
  journal->Append(AsBytes("record"), [&seen, held = std::move(held)](const Result<std::uint64_t>&) { seen = *held; });
  EXPECT_TRUE(WaitUntil([&] { return seen == 7; }));
}

TEST_F(JournalTest, RefusesWhatIsNoRecord) {
  const auto journal = Open();
  EXPECT_EQ(journal->AppendAndWait(ByteView()).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(journal->AppendAndWait(Bytes(kMaxRecordBytes + 1)).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(*journal->AppendAndWait(Bytes(kMaxRecordBytes)), 0U);
  EXPECT_EQ(*journal->AppendAndWait(Bytes(1)), 1U);
  EXPECT_EQ(journal->figures().refused, 2U);
}

TEST_F(JournalTest, RefusesAtOnceWhenTooManyRecordsAreUnanswered) {
  JournalOptions options = SmallOptions();
  options.max_unanswered = 10;
  const auto journal = Open(options);
  folder_.HoldSyncs(true);
  Answers answers;
  for (int i = 0; i < 10; ++i) journal->Append(AsBytes("taken"), answers.Next());
  EXPECT_EQ(journal->AppendAndWait(AsBytes("refused")).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(journal->figures().unanswered, 10U);
  EXPECT_EQ(answers.count(), 0U);
  folder_.HoldSyncs(false);
  ASSERT_TRUE(answers.WaitFor(10));
  EXPECT_EQ(*journal->AppendAndWait(AsBytes("taken")), 10U);
}

TEST_F(JournalTest, RefusesAtOnceWhenTooManyBytesWait) {
  JournalOptions options = SmallOptions();
  options.max_waiting_bytes = 70'000;
  const auto journal = Open(options);
  folder_.HoldSyncs(true);
  Answers answers;
  journal->Append(AsBytes("in the writer's hands"), answers.Next());
  ASSERT_TRUE(WaitUntil([&] { return folder_.waiting_syncs() > 0; }));
  journal->Append(Bytes(65'000), answers.Next());
  EXPECT_EQ(journal->AppendAndWait(Bytes(5'000)).error().code(), ErrorCode::kUnavailable);
  journal->Append(Bytes(4'996), answers.Next());
  EXPECT_EQ(journal->AppendAndWait(Bytes(1)).error().code(), ErrorCode::kUnavailable);
  folder_.HoldSyncs(false);
  EXPECT_TRUE(answers.WaitFor(3));
}

TEST_F(JournalTest, ClosingAnswersWhatWasTakenAndRefusesTheRest) {
  Answers answers;
  std::size_t appended = 1;
  auto journal = Open();
  Journal* const raw = journal.get();
  raw->Append(AsBytes("first"), [&, next = answers.Next()](Result<std::uint64_t> index) mutable {
    std::move(next)(std::move(index));
    // Goes on until closing has begun. Answers come on this thread, so one that comes within the call is a refusal.
    EXPECT_TRUE(WaitUntil([&] {
      const std::size_t before = answers.count();
      raw->Append(AsBytes("more"), answers.Next());
      ++appended;
      return answers.count() > before;
    }));
  });
  journal.reset();
  const std::vector<Result<std::uint64_t>> all = answers.all();
  ASSERT_EQ(all.size(), appended);
  const auto refused = std::count_if(all.begin(), all.end(), [](const auto& answer) { return !answer.ok(); });
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(all[1].error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(ReadAll(folder_)->size(), appended - 1);
}

TEST_F(JournalTest, OptionsOutOfBoundsAreRefused) {
  const auto expect_refused = [&](auto change) {
    JournalOptions options = SmallOptions();
    change(options);
    EXPECT_EQ(Journal::Open(folder_, options).error().code(), ErrorCode::kInvalidArgument);
  };
  expect_refused([](JournalOptions& o) { o.origin.clear(); });
  expect_refused([](JournalOptions& o) { o.file_bytes = kMinFileBytes - 4096; });
  expect_refused([](JournalOptions& o) { o.file_bytes = kMinFileBytes + 8; });
  expect_refused([](JournalOptions& o) { o.file_bytes = kMaxFileBytes + 4096; });
  expect_refused([](JournalOptions& o) { o.max_unanswered = 0; });
  expect_refused([](JournalOptions& o) { o.max_unanswered = kMaxFrameRecords + 1; });
  expect_refused([](JournalOptions& o) { o.max_waiting_bytes = kMaxRecordBytes; });
  expect_refused([](JournalOptions& o) { o.max_waiting_bytes = kMaxFrameRecordsBytes + 1; });
  EXPECT_TRUE(JournalFiles().empty());
}

TEST_F(JournalTest, NothingIsBegunUnasked) {
  JournalOptions options = SmallOptions();
  options.create = false;
  EXPECT_EQ(Journal::Open(folder_, options).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(folder_.List()->empty());
  options.create = true;
  options.known_size = 1;
  EXPECT_EQ(Journal::Open(folder_, options).error().code(), ErrorCode::kIntegrity) << "a checkpoint knows better";
  EXPECT_TRUE(folder_.List()->empty());
}

}  // namespace
}  // namespace coffer::audit
