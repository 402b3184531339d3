// Journals whose first files were dropped: which of them open, and that a crash while files go leaves one that does.
#include "audit/pruner.h"
#include "tests/audit/journal_fixture.h"
#include "tests/crypto/note_vectors.h"

namespace coffer::audit {
namespace {

using testing::Fill;
using testing::HeadOf;
using testing::kHalfFile;
using testing::kOrigin;
using testing::ReadAll;
using testing::RecordOf;
using testing::SmallOptions;

constexpr std::uint64_t kRecords = 6;  // one a file

class PrunedJournalTest : public ::testing::Test {
 protected:
  PrunedJournalTest() : records(Fill(folder, kRecords, kHalfFile)), names(JournalFileNames(folder).value()) {
    COFFER_CHECK(names.size() == kRecords);
  }
  TreeHead HeadAt(std::uint64_t size) const {
    return HeadOf({records.begin(), records.begin() + static_cast<std::ptrdiff_t>(size)});
  }
  void Drop(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t i = from; i < to; ++i) ASSERT_TRUE(folder.Remove(names[i]).ok());
  }
  Result<JournalEnd> Recover(const TreeHead& base, Depth depth = Depth::kEveryRecord) {
    return RecoverJournal(folder, kOrigin, depth, kRecords, base);
  }
  void ExpectWhole(const TreeHead& base) {
    for (const Depth depth : {Depth::kLastFile, Depth::kEveryRecord}) {
      const Result<JournalEnd> end = Recover(base, depth);
      ASSERT_TRUE(end.ok()) << end.error().ToString();
      EXPECT_EQ(end->tree.Head(), HeadAt(kRecords));
    }
  }
  void ExpectDamage(const TreeHead& base) {
    for (const Depth depth : {Depth::kLastFile, Depth::kEveryRecord}) {
      const Result<JournalEnd> end = Recover(base, depth);
      ASSERT_FALSE(end.ok());
      EXPECT_EQ(end.error().code(), ErrorCode::kIntegrity) << end.error().ToString();
    }
  }

  FaultLogFolder folder;
  std::vector<std::string> records;
  std::vector<std::string> names;
};

TEST_F(PrunedJournalTest, OpensWhenEverythingMissingWasDropped) {
  for (std::uint64_t gone = 0; gone <= 3; ++gone) {
    ExpectWhole(HeadAt(3));
    if (gone < 3) Drop(gone, gone + 1);
  }
  EXPECT_EQ(ReadAll(folder, {.from = 3})->size(), 3U);
}

TEST_F(PrunedJournalTest, AMissingFirstFileIsDamageWithoutANoteOrWithALesserOne) {
  Drop(0, 3);
  ExpectDamage({});
  ExpectDamage(HeadAt(1));
  ExpectDamage(HeadAt(2));
  ExpectWhole(HeadAt(3));
}

TEST_F(PrunedJournalTest, ANoteOfAnotherTreeOrOfNoFileIsDamage) {
  for (const std::uint64_t gone : {std::uint64_t{0}, std::uint64_t{3}}) {
    Drop(0, gone);
    ExpectDamage({3, EmptyRoot()});
    ExpectDamage({kRecords, HeadAt(kRecords).root});
    ExpectDamage({99, HeadAt(3).root});
  }
}

TEST_F(PrunedJournalTest, AMissingFileThatWasNotDroppedIsDamage) {
  Drop(0, 2);
  Drop(4, 5);
  ExpectDamage(HeadAt(2));
}

TEST_F(PrunedJournalTest, TheFileBehindWhatWasDroppedMustNotBeMissing) {
  Drop(0, 4);
  ExpectDamage(HeadAt(3));
}

TEST_F(PrunedJournalTest, AFileThatSaysThatItIsTheFirstButBeginsLaterIsDamage) {
  Drop(0, 3);
  Bytes content = folder.Content(names[3]);
  FileHeader header = ParseFileHeader(ByteView(content).first(kFileHeaderBytes)).value();
  header.number = 0;
  header.previous_header = header.previous_end = Digest{};
  const Bytes forged = EncodeFileHeader(header);
  std::copy(forged.begin(), forged.end(), content.begin());
  folder.Put(names[3], content);
  ExpectDamage(HeadAt(3));
}

TEST_F(PrunedJournalTest, AnEmptyFolderIsNoNewJournalWhenRecordsWereDropped) {
  Drop(0, kRecords);
  JournalOptions options = SmallOptions();
  options.base = HeadAt(3);
  EXPECT_EQ(Journal::Open(folder, options).error().code(), ErrorCode::kIntegrity);
}

TEST_F(PrunedJournalTest, GoesOnWithTheNumbersOfItsFiles) {
  Drop(0, 3);
  JournalOptions options = SmallOptions();
  options.base = HeadAt(3);
  {
    const auto journal = std::move(Journal::Open(folder, options)).value();
    for (std::uint64_t i = kRecords; i < kRecords + 2; ++i) {
      records.push_back(RecordOf(i, kHalfFile));
      ASSERT_EQ(journal->AppendAndWait(AsBytes(records.back())).value(), i);
    }
  }
  EXPECT_EQ(Recover(HeadAt(3))->tree.Head(), HeadAt(kRecords + 2));
}

TEST_F(PrunedJournalTest, ACrashAtAnyStepWhileFilesGoLeavesAJournalThatOpens) {
  const NoteSigner signer = NoteSigner::Create(kOrigin, KeyFrom(0)).value();
  const TreeHead base = HeadAt(4);
  for (std::uint64_t step = 1;; ++step) {
    FaultLogFolder disk(step);
    Fill(disk, kRecords, kHalfFile);
    Pruner pruner(disk, signer, "/nowhere");
    disk.CrashAtStep(step);
    const Status removed = pruner.RemoveFiles(base);
    disk.Reboot();
    EXPECT_EQ(RecoverJournal(disk, kOrigin, Depth::kEveryRecord, kRecords, base)->tree.Head(), HeadAt(kRecords));
    EXPECT_EQ(*pruner.HasFilesBelow(base), !removed.ok() && step <= 4) << step;
    ASSERT_TRUE(pruner.RemoveFiles(base).ok());
    EXPECT_FALSE(*pruner.HasFilesBelow(base));
    EXPECT_EQ(JournalFileNames(disk)->front(), names[4]);
    EXPECT_EQ(RecoverJournal(disk, kOrigin, Depth::kEveryRecord, kRecords, base)->tree.Head(), HeadAt(kRecords));
    if (removed.ok()) {
      EXPECT_GT(step, 4U) << "there is a step for each file";
      return;
    }
  }
}

}  // namespace
}  // namespace coffer::audit
