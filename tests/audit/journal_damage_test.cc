// Journals that somebody altered: none is opened as if nothing had happened, and nothing is repaired.
#include "tests/audit/journal_fixture.h"

namespace coffer::audit {
namespace {

using testing::Fill;
using testing::kHalfFile;
using testing::MendFrame;
using testing::MendHeader;
using testing::ReadAll;
using testing::SmallOptions;

constexpr char kFirst[] = "00000000000000000000.journal";

JournalOptions Options(Depth depth) {
  JournalOptions options = SmallOptions();
  options.depth = depth;
  return options;
}

// The journal is not opened, and left as it is.
void ExpectDamage(FaultLogFolder& folder, Depth depth, const std::string& what) {
  std::map<std::string, Bytes> before;
  const std::vector<std::string> names = *folder.List();
  for (const std::string& name : names) before[name] = folder.Content(name);
  const Result<std::unique_ptr<Journal>> journal = Journal::Open(folder, Options(depth));
  ASSERT_FALSE(journal.ok()) << what;
  EXPECT_EQ(journal.error().code(), ErrorCode::kIntegrity) << what << ": " << journal.error().ToString();
  for (const auto& [name, content] : before) EXPECT_EQ(folder.Content(name), content) << what;
  EXPECT_EQ(folder.List()->size(), before.size()) << what;
}

// One file with four frames of one record.
class DamagedFileTest : public ::testing::Test {
 protected:
  DamagedFileTest() : records_(Fill(folder_, 4)), whole_(folder_.Content(kFirst)) {}

  void Put(const Bytes& content) { folder_.Put(kFirst, content); }
  static std::size_t FrameAt(std::size_t i) { return kFileHeaderBytes + i * FrameBytes(kRecordSizeBytes + 8); }

  FaultLogFolder folder_;
  std::vector<std::string> records_;
  Bytes whole_;
};

TEST_F(DamagedFileTest, AFlippedBitBeforeTheLastFrameIsDamage) {
  for (std::size_t at = kFileHeaderBytes; at < FrameAt(3); ++at) {
    Bytes flipped = whole_;
    flipped[at] ^= std::byte{1} << (at % 8);
    Put(flipped);
    ExpectDamage(folder_, Depth::kLastFile, std::to_string(at));
    EXPECT_EQ(ReadAll(folder_).error().code(), ErrorCode::kIntegrity) << at;
  }
}

TEST_F(DamagedFileTest, AFlippedBitInTheHeaderIsDamage) {
  for (std::size_t at = 0; at < kFileHeaderBytes; at += at < 200 ? 1 : 97) {
    Bytes flipped = whole_;
    flipped[at] ^= std::byte{0x10};
    Put(flipped);
    ExpectDamage(folder_, Depth::kLastFile, std::to_string(at));
    EXPECT_EQ(ReadAll(folder_).error().code(), ErrorCode::kIntegrity) << at;
  }
}

TEST_F(DamagedFileTest, AFrameTakenOutIsDamage) {
  for (std::size_t frame = 0; frame < 3; ++frame) {
    Bytes without = whole_;
    std::fill_n(without.begin() + static_cast<std::ptrdiff_t>(FrameAt(frame)), FrameAt(1) - FrameAt(0), std::byte{0});
    Put(without);
    ExpectDamage(folder_, Depth::kLastFile, "zeroed");
    without = whole_;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(FrameAt(frame)),
                  without.begin() + static_cast<std::ptrdiff_t>(FrameAt(frame + 1)));
    without.resize(whole_.size());
    Put(without);
    ExpectDamage(folder_, Depth::kLastFile, "closed up");
  }
}

TEST_F(DamagedFileTest, AFrameThatStandsTwiceIsDamage) {
  Bytes twice = whole_;
  std::copy_n(whole_.begin() + static_cast<std::ptrdiff_t>(FrameAt(3)), FrameAt(1) - FrameAt(0),
              twice.begin() + static_cast<std::ptrdiff_t>(FrameAt(4)));
  Put(twice);
  ExpectDamage(folder_, Depth::kLastFile, "directly behind");
  twice = whole_;
  std::copy_n(whole_.begin() + static_cast<std::ptrdiff_t>(FrameAt(3)), FrameAt(1) - FrameAt(0),
              twice.end() - static_cast<std::ptrdiff_t>(FrameAt(1) - FrameAt(0)));
  Put(twice);
  ExpectDamage(folder_, Depth::kLastFile, "at the file's end");
}

TEST_F(DamagedFileTest, ChangesWithARightChecksumAreDamage) {
  struct Change {
    const char* what;
    std::size_t offset;  // in the frame
    std::byte bits;
  };
  for (const Change& change :
       {Change{"first index", 23, std::byte{1}}, Change{"count", 27, std::byte{2}}, Change{"root", 28, std::byte{1}},
        Change{"size", 61, std::byte{1}}, Change{"record", 65, std::byte{1}}, Change{"zeros", 71, std::byte{1}}}) {
    for (std::size_t frame = 0; frame < 4; ++frame) {
      Bytes changed = whole_;
      changed[FrameAt(frame) + change.offset] ^= change.bits;
      MendFrame(changed, FrameAt(frame));
      Put(changed);
      ExpectDamage(folder_, Depth::kLastFile, change.what);
    }
  }
}

TEST_F(DamagedFileTest, OtherSizesThanTheHeaderSaysAreDamage) {
  Bytes longer = whole_;
  longer.resize(whole_.size() + 8);
  Put(longer);
  ExpectDamage(folder_, Depth::kLastFile, "longer");
}

TEST_F(DamagedFileTest, AnotherOriginIsRefused) {
  JournalOptions options = SmallOptions();
  options.origin = "coffer/another";
  const auto journal = Journal::Open(folder_, options);
  ASSERT_FALSE(journal.ok());
  EXPECT_EQ(journal.error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(JournalReader::Open(folder_, "coffer/another").error().code(), ErrorCode::kIntegrity);
}

TEST_F(DamagedFileTest, NamesThatAreNoJournalFilesAreRefusedWhenTheyLookLikeOne) {
  for (const char* name : {"x.journal", "0000000000000000000a.journal", "0000000000000000000.journal", ".journal",
                           "000000000000000000000.journal"}) {
    folder_.Put(name, whole_);
    ExpectDamage(folder_, Depth::kLastFile, name);
    ASSERT_TRUE(folder_.Remove(name).ok());
  }
  folder_.Put("notes.txt", whole_);
  EXPECT_TRUE(Journal::Open(folder_, SmallOptions()).ok());
}

// Four files with one record each.
class DamagedSequenceTest : public ::testing::Test {
 protected:
  DamagedSequenceTest() : records_(Fill(folder_, 4, kHalfFile)) {
    const std::vector<std::string> names = *JournalFileNames(folder_);
    for (const std::string& name : names) files_[name] = folder_.Content(name);
  }
  static std::string Name(std::uint64_t index) { return JournalFileName(index); }
  void ExpectDamageInAnyDepth(const std::string& what) {
    ExpectDamage(folder_, Depth::kLastFile, what);
    ExpectDamage(folder_, Depth::kEveryRecord, what);
    ASSERT_FALSE(ReadAll(folder_).ok()) << what;
    EXPECT_EQ(ReadAll(folder_).error().code(), ErrorCode::kIntegrity) << what;
  }
  void Restore() {
    for (const auto& [name, content] : files_) folder_.Put(name, content);
  }

  FaultLogFolder folder_;
  std::vector<std::string> records_;
  std::map<std::string, Bytes> files_;
};

TEST_F(DamagedSequenceTest, IsWhole) {
  ASSERT_EQ(files_.size(), 4U);
  EXPECT_EQ(*ReadAll(folder_), records_);
  EXPECT_TRUE(Journal::Open(folder_, Options(Depth::kEveryRecord)).ok());
}

TEST_F(DamagedSequenceTest, AMissingFileIsDamage) {
  for (std::uint64_t missing = 0; missing < 3; ++missing) {
    ASSERT_TRUE(folder_.Remove(Name(missing)).ok());
    ExpectDamageInAnyDepth(Name(missing));
    Restore();
  }
}

TEST_F(DamagedSequenceTest, ThatTheLastFilesAreMissingOnlyACheckpointKnows) {
  ASSERT_TRUE(folder_.Remove(Name(3)).ok());
  JournalOptions options = SmallOptions();
  options.known_size = 4;
  EXPECT_EQ(Journal::Open(folder_, options).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(ReadAll(folder_, {.from = 0, .to = 4}).error().code(), ErrorCode::kIntegrity);
}

TEST_F(DamagedSequenceTest, SwappedFilesAreDamage) {
  for (std::uint64_t a = 0; a < 4; ++a) {
    for (std::uint64_t b = a + 1; b < 4; ++b) {
      folder_.Put(Name(a), files_[Name(b)]);
      folder_.Put(Name(b), files_[Name(a)]);
      ExpectDamageInAnyDepth(Name(a) + " " + Name(b));
      Restore();
    }
  }
}

TEST_F(DamagedSequenceTest, AFileOfAnotherHistoryOfTheSameLogIsDamage) {
  FaultLogFolder other;
  Fill(other, 4, kHalfFile);
  for (std::uint64_t index = 0; index < 4; ++index) {
    folder_.Put(Name(index), other.Content(Name(index)));
    ExpectDamageInAnyDepth(Name(index));
    Restore();
  }
}

TEST_F(DamagedSequenceTest, ACopyUnderTheNextNameIsDamage) {
  folder_.Put(Name(4), files_[Name(3)]);
  ExpectDamageInAnyDepth("the last file");
}

TEST_F(DamagedSequenceTest, AClosedFileThatIsShorterOrLongerIsDamage) {
  for (const std::size_t size : {std::size_t{100}, std::size_t{kMinFileBytes - 8}, std::size_t{kMinFileBytes + 8}}) {
    Bytes changed = files_[Name(1)];
    changed.resize(size);
    folder_.Put(Name(1), changed);
    ExpectDamage(folder_, Depth::kLastFile, std::to_string(size));
    ExpectDamage(folder_, Depth::kEveryRecord, std::to_string(size));
  }
}

TEST_F(DamagedSequenceTest, AClosedFileThatWasChangedIsDamageForWhoeverReadsIt) {
  struct Change {
    const char* what;
    std::size_t at;
  };
  for (const Change& change : {Change{"a frame's head", kFileHeaderBytes + 2}, Change{"a record", 50'000},
                               Change{"behind the last frame", kMinFileBytes - 1}}) {
    Bytes changed = files_[Name(1)];
    changed[change.at] ^= std::byte{1};
    folder_.Put(Name(1), changed);
    ExpectDamage(folder_, Depth::kEveryRecord, change.what);
    EXPECT_TRUE(Journal::Open(folder_, Options(Depth::kLastFile)).ok()) << "says what it does not read";
    Restore();
  }
}

TEST_F(DamagedSequenceTest, AClosedFileThatWasWrittenAnewWithRightChecksumsIsDamageForWhoeverReadsIt) {
  Bytes changed = files_[Name(1)];
  changed[50'000] ^= std::byte{1};
  MendFrame(changed, kFileHeaderBytes);
  folder_.Put(Name(1), changed);
  ExpectDamage(folder_, Depth::kEveryRecord, "the root does not fit");
  // With a root that fits as well, so that only the next file tells.
  Frontier tree = ParseFileHeader(ByteView(changed).first(kFileHeaderBytes))->before;
  tree.Append(LeafHash(ByteView(changed).subspan(kFileHeaderBytes + kFrameHeadBytes + kRecordSizeBytes, kHalfFile)));
  const Digest root = tree.Root();
  std::copy(root.begin(), root.end(), changed.begin() + static_cast<std::ptrdiff_t>(kFileHeaderBytes + 28));
  MendFrame(changed, kFileHeaderBytes);
  folder_.Put(Name(1), changed);
  ExpectDamage(folder_, Depth::kEveryRecord, "the next file does not follow");
  EXPECT_EQ(ReadAll(folder_).error().code(), ErrorCode::kIntegrity);
}

TEST_F(DamagedSequenceTest, AHeaderWithARightChecksumThatDoesNotFollowIsDamage) {
  struct Change {
    const char* what;
    std::size_t offset;
  };
  // Number, origin, previous header, first hash of the tree.
  for (const Change& change : {Change{"number", 39}, Change{"origin", 48}, Change{"previous header", 80}}) {
    Bytes changed = files_[Name(2)];
    changed[change.offset] ^= std::byte{1};
    MendHeader(changed);
    folder_.Put(Name(2), changed);
    ExpectDamageInAnyDepth(change.what);
    Restore();
  }
  for (const Change& change : {Change{"previous end", 112}, Change{"hash", 152}}) {
    Bytes changed = files_[Name(3)];
    changed[change.offset] ^= std::byte{1};
    MendHeader(changed);
    folder_.Put(Name(3), changed);
    ExpectDamage(folder_, Depth::kEveryRecord, change.what);
    Restore();
  }
}

TEST_F(DamagedSequenceTest, TheFirstFileHasNothingBeforeIt) {
  for (const std::size_t offset : {std::size_t{80}, std::size_t{112}}) {
    Bytes changed = files_[Name(0)];
    changed[offset] ^= std::byte{1};
    MendHeader(changed);
    folder_.Put(Name(0), changed);
    ExpectDamage(folder_, Depth::kLastFile, std::to_string(offset));
  }
}

}  // namespace
}  // namespace coffer::audit
