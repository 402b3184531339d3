#include "io/log_file.h"

#include <functional>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "io/file.h"
#include "io/file_faults.h"
#include "io/internal/whole.h"
#include "tests/support/fault_log_folder.h"
#include "tests/support/temp_dir.h"

namespace coffer {
namespace {

constexpr std::uint64_t kBytes = 100'000;

std::vector<std::string> NamesIn(const TempDir& folder) { return *ListDirectory(folder.path(), 100); }

// What both kinds of folder do, the disk's and the tests' own.
class LogFolderTest : public ::testing::TestWithParam<bool> {
 protected:
  LogFolderTest() : disk_(DiskLogFolder(directory_.path())), folder_(GetParam() ? *disk_ : twin_) {}

  Bytes ContentOf(const LogFile& file) {
    Bytes content(*file.Size());
    EXPECT_EQ(*file.ReadAt(0, content), content.size());
    return content;
  }

  TempDir directory_;
  std::unique_ptr<LogFolder> disk_;
  FaultLogFolder twin_;
  LogFolder& folder_;
};

INSTANTIATE_TEST_SUITE_P(Both, LogFolderTest, ::testing::Bool(),
                         [](const auto& both) { return both.param ? "Disk" : "Twin"; });

TEST_P(LogFolderTest, APreparedFileIsAllZeros) {
  const auto file = folder_.Prepare("spare", kBytes);
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  EXPECT_EQ(*(*file)->Size(), kBytes);
  EXPECT_EQ(ContentOf(**file), Bytes(kBytes));
  EXPECT_EQ(*folder_.List(), std::vector<std::string>{"spare"});
}

TEST_P(LogFolderTest, WhatIsWrittenIsReadByAnother) {
  const auto file = *folder_.Prepare("file", kBytes);
  ASSERT_TRUE(file->WriteAt(5, AsBytes("journal")).ok());
  ASSERT_TRUE(file->Sync().ok());
  const auto other = *folder_.Open("file", LogFolder::Access::kRead);
  Bytes read(7);
  EXPECT_EQ(*other->ReadAt(5, read), 7U);
  EXPECT_EQ(AsText(read), "journal");
}

TEST_P(LogFolderTest, ReadingEndsWithTheFile) {
  const auto file = *folder_.Prepare("file", kBytes);
  Bytes out(10);
  EXPECT_EQ(*file->ReadAt(kBytes - 3, out), 3U);
  EXPECT_EQ(*file->ReadAt(kBytes, out), 0U);
  EXPECT_EQ(*file->ReadAt(kBytes + 100, out), 0U);
}

TEST_P(LogFolderTest, AWriteBehindTheEndMakesTheFileLonger) {
  const auto file = *folder_.Prepare("file", 10);
  ASSERT_TRUE(file->WriteAt(8, AsBytes("1234")).ok());
  EXPECT_EQ(*file->Size(), 12U);
}

TEST_P(LogFolderTest, PreparingReplacesAFileOfThatName) {
  ASSERT_TRUE((*folder_.Prepare("file", 10))->WriteAt(0, AsBytes("old")).ok());
  EXPECT_EQ(ContentOf(**folder_.Prepare("file", 20)), Bytes(20));
}

TEST_P(LogFolderTest, OpeningWhatIsNotThereIsNotFound) {
  EXPECT_EQ(folder_.Open("none", LogFolder::Access::kRead).error().code(), ErrorCode::kNotFound);
}

TEST_P(LogFolderTest, AnOpenFileKeepsItsPlaceUnderANewName) {
  const auto file = *folder_.Prepare("spare", 10);
  ASSERT_TRUE(file->Rename("file").ok());
  EXPECT_TRUE(file->CheckInPlace().ok());
  EXPECT_EQ(*folder_.List(), std::vector<std::string>{"file"});
}

TEST_P(LogFolderTest, RenamingNeverReplaces) {
  const auto old = *folder_.Prepare("file", 10);
  const auto file = *folder_.Prepare("spare", 10);
  EXPECT_EQ(file->Rename("file").error().code(), ErrorCode::kAlreadyExists);
  EXPECT_TRUE(old->CheckInPlace().ok());
  EXPECT_TRUE(file->CheckInPlace().ok());
}

TEST_P(LogFolderTest, ARemovedFileIsNoticed) {
  const auto file = *folder_.Prepare("file", 10);
  ASSERT_TRUE(folder_.Remove("file").ok());
  EXPECT_EQ(file->CheckInPlace().error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(folder_.Remove("file").ok()) << "gone already";
}

TEST_P(LogFolderTest, AReplacedFileIsNoticed) {
  const auto file = *folder_.Prepare("file", 10);
  ASSERT_TRUE(folder_.Prepare("file", 10).ok());
  EXPECT_EQ(file->CheckInPlace().error().code(), ErrorCode::kFailedPrecondition);
}

TEST(DiskLogFolderTest, AFileIsNobodyElses) {
  const TempDir directory;
  ASSERT_TRUE(DiskLogFolder(directory.path())->Prepare("file", 10).ok());
  EXPECT_EQ(FactsOf(directory / "file")->permissions, 0600U);
}

TEST(DiskLogFolderTest, AMovedFolderIsNoticed) {
  const TempDir directory;
  ASSERT_TRUE(MakeDirectory(directory / "a", 0700).ok());
  const auto folder = DiskLogFolder(directory / "a");
  const auto file = *folder->Prepare("file", 10);
  ASSERT_EQ(rename((directory / "a").c_str(), (directory / "b").c_str()), 0);
  ASSERT_TRUE(MakeDirectory(directory / "a", 0700).ok());
  EXPECT_EQ(file->CheckInPlace().error().code(), ErrorCode::kFailedPrecondition);
}

TEST(DiskLogFolderTest, OpensNeitherLinksNorPipesNorFolders) {
  const TempDir directory;
  const auto folder = DiskLogFolder(directory.path());
  ASSERT_TRUE(folder->Prepare("file", 10).ok());
  ASSERT_EQ(symlink("file", (directory / "link").c_str()), 0);
  ASSERT_EQ(mkfifo((directory / "pipe").c_str(), 0600), 0);
  ASSERT_TRUE(MakeDirectory(directory / "folder", 0700).ok());
  for (const char* name : {"link", "pipe", "folder"}) {
    EXPECT_EQ(folder->Open(name, LogFolder::Access::kRead).error().code(), ErrorCode::kInvalidArgument) << name;
  }
}

TEST(DiskLogFolderTest, NothingIsLeftOfAFileWhosePreparationFailed) {
  for (const int error : {ENOSPC, EIO}) {
    std::uint64_t steps = 0;
    {
      const TempDir directory;
      const FileFaults count(0, error);
      ASSERT_TRUE(DiskLogFolder(directory.path())->Prepare("file", 3 << 20).ok());
      steps = count.steps();
    }
    // The first step cleans up, the last one syncs the folder.
    for (std::uint64_t step = 2; step < steps; ++step) {
      const TempDir directory;
      const auto folder = DiskLogFolder(directory.path());
      {
        const FileFaults faults(step, error);
        EXPECT_EQ(folder->Prepare("file", 3 << 20).error().code(), ErrorCode::kUnavailable) << step;
      }
      EXPECT_TRUE(NamesIn(directory).empty()) << step;
      EXPECT_TRUE(folder->Prepare("file", 3 << 20).ok()) << step;
    }
  }
}

TEST(DiskLogFolderTest, WhatACrashLeftOfAPreparationIsReplaced) {
  const TempDir directory;
  ASSERT_TRUE(WriteFileDurably(directory / "file.new", AsBytes("half"), 0600).ok());
  ASSERT_TRUE(DiskLogFolder(directory.path())->Prepare("file", 10).ok());
  EXPECT_EQ(NamesIn(directory), std::vector<std::string>{"file"});
}

TEST(DiskLogFolderTest, AfterAFailureAFileTakesNothingMore) {
  for (const std::uint64_t step : {1U, 2U}) {
    const TempDir directory;
    const auto file = *DiskLogFolder(directory.path())->Prepare("file", 100);
    {
      const FileFaults faults(step, EIO);
      EXPECT_FALSE(file->WriteAt(0, AsBytes("x")).ok() && file->Sync().ok());
    }
    EXPECT_EQ(file->WriteAt(0, AsBytes("x")).error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(file->Sync().error().code(), ErrorCode::kUnavailable);
  }
}

// One answer of the system after the other.
class Script {
 public:
  explicit Script(std::vector<ssize_t> answers) : answers_(std::move(answers)) {}
  ssize_t operator()(const void*, std::size_t size, off_t offset) {
    offsets.push_back(offset);
    const ssize_t answer = answers_.at(offsets.size() - 1);
    if (answer >= 0) return std::min(answer, static_cast<ssize_t>(size));
    errno = static_cast<int>(-answer);
    return -1;
  }
  std::vector<off_t> offsets;

 private:
  std::vector<ssize_t> answers_;
};

TEST(WriteWholeTest, GoesOnAfterShortWritesAndInterruptions) {
  Script script({3, -EINTR, 1, 100});
  EXPECT_EQ(internal::WriteWhole(std::ref(script), 1000, AsBytes("ten bytes.")), 0);
  EXPECT_EQ(script.offsets, (std::vector<off_t>{1000, 1003, 1003, 1004}));
}

TEST(WriteWholeTest, EndsAtTheFirstFailure) {
  Script full({3, -ENOSPC});
  EXPECT_EQ(internal::WriteWhole(std::ref(full), 0, AsBytes("ten bytes.")), ENOSPC);
  Script broken({-EIO});
  EXPECT_EQ(internal::WriteWhole(std::ref(broken), 0, AsBytes("ten bytes.")), EIO);
  Script stuck({0});
  EXPECT_EQ(internal::WriteWhole(std::ref(stuck), 0, AsBytes("ten bytes.")), EIO);
}

TEST(ReadWholeTest, GoesOnUntilTheEnd) {
  Script script({3, -EINTR, 2, 0});
  Bytes out(10);
  std::size_t filled = 0;
  EXPECT_EQ(internal::ReadWhole(std::ref(script), 50, out, &filled), 0);
  EXPECT_EQ(filled, 5U);
  EXPECT_EQ(script.offsets, (std::vector<off_t>{50, 53, 53, 55}));
  Script broken({3, -EIO});
  EXPECT_EQ(internal::ReadWhole(std::ref(broken), 0, out, &filled), EIO);
}

TEST(FaultLogFolderTest, AFullDiskPreparesNothing) {
  FaultLogFolder folder;
  folder.SetSpace(15);
  ASSERT_TRUE(folder.Prepare("a", 10).ok());
  EXPECT_EQ(folder.Prepare("b", 10).error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(folder.Has("b"));
  folder.SetSpace(20);
  EXPECT_TRUE(folder.Prepare("b", 10).ok());
}

TEST(FaultLogFolderTest, WhatWasSyncedSurvivesAndTheRestSurvivesInPieces) {
  bool lost = false;
  bool kept = false;
  bool torn = false;
  const Bytes ones(4096, std::byte{1});
  const Bytes twos(4096, std::byte{2});
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    FaultLogFolder folder(seed);
    const auto file = *folder.Prepare("file", 8192);
    ASSERT_TRUE(file->WriteAt(0, ones).ok() && file->Sync().ok());
    ASSERT_TRUE(file->WriteAt(4096, ByteView(twos).first(1024)).ok());
    folder.Reboot();
    const Bytes content = folder.Content("file");
    EXPECT_TRUE(std::equal(ones.begin(), ones.end(), content.begin()));
    const auto count = std::count(content.begin(), content.end(), std::byte{2});
    lost = lost || count == 0;
    torn = torn || count == 512;
    kept = kept || count == 1024;
    EXPECT_FALSE(file->Sync().ok()) << "open since before the power cut";
  }
  EXPECT_TRUE(lost && kept && torn);
}

TEST(FaultLogFolderTest, FailsWritesAndSyncsOnRequest) {
  FaultLogFolder folder;
  const auto file = *folder.Prepare("file", 100);
  folder.FailWrite(2);
  EXPECT_TRUE(file->WriteAt(0, AsBytes("a")).ok());
  EXPECT_FALSE(file->WriteAt(0, AsBytes("b")).ok());
  EXPECT_FALSE(file->Sync().ok());
  const auto again = *folder.Open("file", LogFolder::Access::kReadAndWrite);
  folder.FailSync(1);
  EXPECT_FALSE(again->Sync().ok());
  EXPECT_FALSE(again->WriteAt(0, AsBytes("c")).ok());
  EXPECT_TRUE((*folder.Open("file", LogFolder::Access::kReadAndWrite))->Sync().ok());
}

}  // namespace
}  // namespace coffer
