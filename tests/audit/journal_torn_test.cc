// What a crash leaves behind: torn ends, lost pieces of what was not synced.
#include <random>

#include "tests/audit/journal_fixture.h"
#include "tests/support/sanitized.h"

namespace coffer::audit {
namespace {

using testing::Answers;
using testing::Fill;
using testing::HeadOf;
using testing::kHalfFile;
using testing::ReadAll;
using testing::RecordOf;
using testing::SmallOptions;

constexpr char kFile[] = "00000000000000000000.journal";

// Where the frames of a file begin, and where the last one ends.
std::vector<std::size_t> Borders(const Bytes& content) {
  const FileHeader header = *ParseFileHeader(ByteView(content).first(kFileHeaderBytes));
  std::vector<std::size_t> borders = {kFileHeaderBytes};
  while (const auto head = ParseFrameHead(header.mark, ByteView(content).subspan(borders.back()))) {
    borders.push_back(borders.back() + head->frame_bytes());
  }
  return borders;
}

// Records of the frames that `content` has in common with `whole`.
std::size_t SameFrames(const Bytes& whole, const Bytes& content, const std::vector<std::size_t>& borders) {
  std::size_t count = 0;
  for (; count + 1 < borders.size(); ++count) {
    const std::size_t to = borders[count + 1];
    Bytes padded = content;
    padded.resize(whole.size());
    if (!std::equal(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(to), padded.begin())) break;
  }
  return count;
}

// A journal file as `content` has exactly `count` of `records`, and takes new ones.
void ExpectGoesOn(const Bytes& content, const std::vector<std::string>& records, std::size_t count) {
  FaultLogFolder folder;
  folder.Put(kFile, content);
  std::vector<std::string> expected(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(count));
  EXPECT_EQ(*ReadAll(folder), expected) << "before anything is mended";
  {
    const auto journal = Journal::Open(folder, SmallOptions());
    ASSERT_TRUE(journal.ok()) << journal.error().ToString();
    ASSERT_EQ((*journal)->durable(), HeadOf(expected));
    ASSERT_EQ(folder.Content(kFile).size(), kMinFileBytes);
    expected.emplace_back("one more");
    ASSERT_EQ(*(*journal)->AppendAndWait(AsBytes(expected.back())), count);
  }
  folder.Reboot();
  EXPECT_EQ(*ReadAll(folder), expected);
  EXPECT_TRUE(Journal::Open(folder, SmallOptions()).ok());
}

class TornEndTest : public ::testing::Test {
 protected:
  TornEndTest() : records_(Fill(folder_, 4)), whole_(folder_.Content(kFile)), borders_(Borders(whole_)) {}

  FaultLogFolder folder_;
  std::vector<std::string> records_;
  Bytes whole_;
  std::vector<std::size_t> borders_;
};

TEST_F(TornEndTest, AFileCutAtAnyByteKeepsTheFramesBeforeAndGoesOn) {
  ASSERT_EQ(borders_.size(), 5U);
  for (std::size_t size = kFileHeaderBytes; size <= borders_.back() + 16; ++size) {
    Bytes cut = whole_;
    cut.resize(size);
    ExpectGoesOn(cut, records_, SameFrames(whole_, cut, borders_));
    ASSERT_FALSE(HasFailure()) << size;
  }
}

TEST_F(TornEndTest, AFileThatIsZeroFromAnyByteOnKeepsTheFramesBeforeAndGoesOn) {
  for (std::size_t from = kFileHeaderBytes; from <= borders_.back() + 16; ++from) {
    Bytes zeroed = whole_;
    std::fill(zeroed.begin() + static_cast<std::ptrdiff_t>(from), zeroed.end(), std::byte{0});
    ExpectGoesOn(zeroed, records_, SameFrames(whole_, zeroed, borders_));
    ASSERT_FALSE(HasFailure()) << from;
  }
}

TEST_F(TornEndTest, AFileThatIsCutInItsHeaderIsDamaged) {
  for (const std::size_t size : {0U, 1U, 24U, 4095U}) {
    Bytes cut = whole_;
    cut.resize(size);
    folder_.Put(kFile, cut);
    EXPECT_EQ(Journal::Open(folder_, SmallOptions()).error().code(), ErrorCode::kIntegrity) << size;
  }
}

TEST_F(TornEndTest, AnyPartOfTheLastFrameThatIsMissingTakesOnlyThatFrame) {
  const std::size_t last = borders_[3];
  for (std::size_t from = last; from < borders_[4]; ++from) {
    for (std::size_t to = from + 1; to <= borders_[4]; to += 5) {
      Bytes torn = whole_;
      std::fill(torn.begin() + static_cast<std::ptrdiff_t>(from), torn.begin() + static_cast<std::ptrdiff_t>(to),
                std::byte{0});
      if (torn == whole_) continue;
      folder_.Put(kFile, torn);
      ASSERT_EQ(ReadAll(folder_)->size(), 3U) << from << " " << to;
    }
  }
}

TEST_F(TornEndTest, ATornEndIsOverwrittenBeforeAnythingElse) {
  Bytes torn = whole_;
  const std::size_t last = borders_[3];
  for (std::size_t i = last + 20; i < last + 9'000; ++i) torn[i] = std::byte{0xAA};
  folder_.Put(kFile, torn);
  const auto journal = Journal::Open(folder_, SmallOptions());
  ASSERT_TRUE(journal.ok());
  EXPECT_EQ((*journal)->torn_bytes(), 9'000U);
  folder_.Reboot();
  const Bytes mended = folder_.Content(kFile);
  EXPECT_EQ(std::count(mended.begin() + static_cast<std::ptrdiff_t>(last), mended.end(), std::byte{0}),
            static_cast<std::ptrdiff_t>(mended.size() - last));
}

TEST_F(TornEndTest, AnEndThatACheckpointKnowsOfIsNoTornEnd) {
  Bytes torn = whole_;
  torn[borders_[3] + 70] ^= std::byte{1};
  folder_.Put(kFile, torn);
  JournalOptions options = SmallOptions();
  options.known_size = 4;
  EXPECT_EQ(Journal::Open(folder_, options).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(folder_.Content(kFile), torn) << "nothing was changed";
  EXPECT_EQ(ReadAll(folder_, {.from = 0, .to = 4}).error().code(), ErrorCode::kIntegrity);
  options.known_size = 3;
  EXPECT_TRUE(Journal::Open(folder_, options).ok());
}

TEST_F(TornEndTest, ARecordThatLooksLikeAFrameIsNone) {
  // A frame of another file inside a record, at a multiple of 8, whose own frame was torn.
  std::string disguised(2, '.');
  for (int i = 0; i < 3; ++i) {
    disguised.append(AsText(ByteView(whole_).subspan(borders_[static_cast<std::size_t>(i)], 72)));
  }
  FaultLogFolder folder;
  {
    const auto journal = Journal::Open(folder, SmallOptions());
    ASSERT_TRUE((*journal)->AppendAndWait(AsBytes("before")).ok());
    ASSERT_TRUE((*journal)->AppendAndWait(AsBytes(disguised)).ok());
  }
  Bytes torn = folder.Content(kFile);
  const std::size_t frame = Borders(torn)[1];
  ASSERT_EQ((frame + kFrameHeadBytes + kRecordSizeBytes + 2) % kFrameAlignment, 0U);
  torn[frame + 9] ^= std::byte{1};
  folder.Put(kFile, torn);
  EXPECT_EQ(ReadAll(folder)->size(), 1U);
  EXPECT_TRUE(Journal::Open(folder, SmallOptions()).ok());
}

// Appends from several places until the power fails; gives what was acknowledged, by index.
std::map<std::uint64_t, std::string> WorkUntilCrash(FaultLogFolder& folder, std::mt19937_64& random,
                                                    std::size_t count) {
  std::map<std::uint64_t, std::string> acknowledged;
  const Result<std::unique_ptr<Journal>> journal = Journal::Open(folder, SmallOptions());
  if (!journal.ok()) return acknowledged;
  for (std::size_t i = 0; i < count && (*journal)->state().ok(); ++i) {
    // Large ones, so that files are filled.
    const std::string record = RecordOf(random(), random() % 8 == 0 ? kHalfFile : random() % 3'000);
    const auto keep = [&acknowledged, record](const Result<std::uint64_t>& index) {
      if (index.ok()) acknowledged[*index] = record;
    };
    (*journal)->Append(AsBytes(record), keep);
    if (random() % 4 == 0) {
      if (!(*journal)->AppendAndWait(AsBytes("waited for")).ok()) break;
    }
  }
  return acknowledged;
}

TEST(CrashTest, WhatWasAcknowledgedIsThereAfterAPowerCutAtAnyStep) {
  std::size_t crashes = 0;
  for (std::uint64_t seed = 0; seed < (kSanitized ? 60 : 250); ++seed) {
    std::mt19937_64 random(seed);
    FaultLogFolder folder(seed);
    std::vector<std::string> before;
    for (int life = 0; life < 3; ++life) {
      folder.CrashAtStep(1 + random() % 60);
      const auto acknowledged = WorkUntilCrash(folder, random, 40);
      crashes += folder.crashed() ? 1U : 0U;
      folder.Reboot();
      JournalOptions options = SmallOptions();
      options.depth = Depth::kEveryRecord;
      const auto journal = Journal::Open(folder, options);
      ASSERT_TRUE(journal.ok()) << seed << " " << life << ": " << journal.error().ToString();
      const std::uint64_t size = (*journal)->durable().size;
      const std::vector<std::string> records = *ReadAll(folder, {.from = 0, .to = size});
      ASSERT_EQ((*journal)->durable(), HeadOf(records));
      ASSERT_GE(records.size(), before.size());
      ASSERT_TRUE(std::equal(before.begin(), before.end(), records.begin())) << seed << " " << life;
      for (const auto& [index, record] : acknowledged) {
        ASSERT_LT(index, records.size()) << seed << " " << life;
        ASSERT_EQ(records[index], record) << seed << " " << life;
      }
      before = records;
    }
  }
  EXPECT_GT(crashes, 60U) << "this test would show nothing";
}

}  // namespace
}  // namespace coffer::audit
