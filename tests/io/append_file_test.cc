#include "io/append_file.h"

#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/file.h"
#include "io/file_faults.h"
#include "io/unix_socket.h"
#include "tests/support/fault_folder.h"
#include "tests/support/temp_dir.h"

namespace coffer {
namespace {

using Place = AppendFile::Place;

constexpr char kName[] = "journal";
constexpr std::uint64_t kLimit = 1'000;

// What both kinds of folder do, the disk's and the tests' own.
class AppendFolderTest : public ::testing::TestWithParam<bool> {
 protected:
  AppendFolderTest() : disk_(DiskFolder(directory_.path(), kLimit)), folder_(GetParam() ? *disk_ : twin_) {
    twin_.set_max_bytes(kLimit);
  }
  std::unique_ptr<AppendFile> Made(std::string_view content) {
    std::unique_ptr<AppendFile> file = folder_.Create(kName).value();
    EXPECT_TRUE(file->Append(AsBytes(content)).ok());
    return file;
  }

  TempDir directory_;
  std::unique_ptr<AppendFolder> disk_;
  FaultFolder twin_;
  AppendFolder& folder_;
};

INSTANTIATE_TEST_SUITE_P(Both, AppendFolderTest, ::testing::Bool(),
                         [](const auto& each) { return each.param ? "Disk" : "Twin"; });

TEST_P(AppendFolderTest, WhatWasAppendedIsReadByWhoeverOpensIt) {
  const std::unique_ptr<AppendFile> file = Made("one");
  ASSERT_TRUE(file->Append(AsBytes(" two")).ok());
  EXPECT_EQ(AsText(*file->ReadAll()), "one two");
  EXPECT_EQ(AsText(*folder_.Open(kName).value()->ReadAll()), "one two");
  EXPECT_EQ(*file->Size(), 7U);
}

TEST_P(AppendFolderTest, CutsAndGoesOnThere) {
  const std::unique_ptr<AppendFile> file = Made("one two");
  ASSERT_TRUE(file->TruncateTo(4).ok());
  ASSERT_TRUE(file->Append(AsBytes("three")).ok());
  EXPECT_EQ(AsText(*file->ReadAll()), "one three");
}

TEST_P(AppendFolderTest, CuttingNeverMakesAFileLonger) {
  const std::unique_ptr<AppendFile> file = Made("one");
  EXPECT_EQ(file->TruncateTo(4).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(AsText(*file->ReadAll()), "one");
}

TEST_P(AppendFolderTest, TellsWhetherTheNameIsStillItsOwn) {
  const std::unique_ptr<AppendFile> file = Made("one");
  EXPECT_EQ(*file->PlaceOf(kName), Place::kThere);
  EXPECT_EQ(*file->PlaceOf("other"), Place::kGone);
  ASSERT_TRUE(folder_.Rename(kName, "other").ok());
  EXPECT_EQ(*file->PlaceOf(kName), Place::kGone);
  EXPECT_EQ(*file->PlaceOf("other"), Place::kThere);
  const std::unique_ptr<AppendFile> second = Made("two");
  EXPECT_EQ(*file->PlaceOf(kName), Place::kReplaced);
  ASSERT_TRUE(folder_.Remove("other").ok());
  EXPECT_EQ(*file->PlaceOf("other"), Place::kGone);
  EXPECT_EQ(*second->PlaceOf(kName), Place::kThere);
}

TEST_P(AppendFolderTest, AFileAboveTheLimitIsNotRead) {
  const std::unique_ptr<AppendFile> file = Made(std::string(kLimit, 'x'));
  EXPECT_EQ(file->ReadAll()->size(), kLimit);
  ASSERT_TRUE(file->Append(AsBytes("x")).ok());
  EXPECT_EQ(file->ReadAll().error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(folder_.max_bytes(), kLimit);
}

TEST_P(AppendFolderTest, WhatIsNotThereIsNotFoundAndIsRemovedAlready) {
  EXPECT_EQ(folder_.Open(kName).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(folder_.Remove(kName).ok());
  EXPECT_TRUE(folder_.Sync().ok());
}

class AppendFileTest : public ::testing::Test {
 protected:
  void ExpectRefused(const std::string& name) {
    const auto opened = folder_->Open(name);
    ASSERT_FALSE(opened.ok()) << name;
    EXPECT_EQ(opened.error().code(), ErrorCode::kInvalidArgument) << opened.error().ToString();
  }
  TempDir directory_;
  std::unique_ptr<AppendFolder> folder_ = DiskFolder(directory_.path(), kLimit);
};

TEST_F(AppendFileTest, APipeAFolderALinkAndASocketAreRefusedAtOnce) {
  ASSERT_EQ(mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  ASSERT_EQ(mkdir((directory_ / "folder").c_str(), 0700), 0);
  ASSERT_TRUE(WriteFileDurably(directory_ / "file", ByteView(), 0600).ok());
  ASSERT_EQ(symlink((directory_ / "file").c_str(), (directory_ / "link").c_str()), 0);
  const auto socket = ListenUnix(directory_ / "socket", 0600);
  ASSERT_TRUE(socket.ok());
  for (const char* name : {"pipe", "folder", "link", "socket"}) ExpectRefused(name);
}

TEST_F(AppendFileTest, AnotherFolderUnderTheSamePathIsNotTheOneThatItWas) {
  const std::string path = directory_ / "mounted";
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  const auto folder = DiskFolder(path, kLimit);
  const auto file = folder->Create(kName).value();
  ASSERT_EQ(rename(path.c_str(), (directory_ / "elsewhere").c_str()), 0);
  EXPECT_EQ(*file->PlaceOf(kName), Place::kReplaced) << "no folder";
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  EXPECT_EQ(*file->PlaceOf(kName), Place::kReplaced) << "another one";
}

TEST_F(AppendFileTest, AfterAFailedAppendNothingIsTakenUntilItIsOpenedAnew) {
  const auto file = folder_->Create(kName).value();
  ASSERT_TRUE(file->Append(AsBytes("one")).ok());
  {
    const FileFaults faults(2, EIO);  // the sync
    EXPECT_EQ(file->Append(AsBytes("two")).error().code(), ErrorCode::kUnavailable);
  }
  EXPECT_FALSE(file->Append(AsBytes("two")).ok());
  EXPECT_FALSE(file->TruncateTo(3).ok());
  EXPECT_EQ(AsText(*file->ReadAll()), "onetwo") << "seen, but perhaps not on the disk";
  const auto again = folder_->Open(kName).value();
  ASSERT_TRUE(again->TruncateTo(3).ok());
  ASSERT_TRUE(again->Append(AsBytes("three")).ok());
  EXPECT_EQ(AsText(*again->ReadAll()), "onethree");
}

// The twin's own promises.
class FaultFolderTest : public ::testing::Test {
 protected:
  static constexpr int kSeeds = 200;
};

TEST_F(FaultFolderTest, APowerCutLeavesAPartOfAPieceOrZerosOrAllOfIt) {
  bool zeros = false;
  bool shorter = false;
  bool holes = false;
  for (int seed = 0; seed < kSeeds; ++seed) {
    FaultFolder folder(static_cast<std::uint64_t>(seed));
    const auto file = folder.Create(kName).value();
    ASSERT_TRUE(file->Append(Bytes(100, std::byte{1})).ok());
    folder.CrashAtStep(1);
    ASSERT_FALSE(file->Append(Bytes(2'000, std::byte{2})).ok());
    folder.Reboot();
    const Bytes& left = folder.files()[kName];
    ASSERT_GE(left.size(), 100U);
    ASSERT_TRUE(std::all_of(left.begin(), left.begin() + 100, [](std::byte b) { return b == std::byte{1}; }));
    shorter = shorter || left.size() < 2'000;
    zeros = zeros || (left.size() > 101 && left.back() == std::byte{0});
    holes = holes || (left.back() == std::byte{2} && std::find(left.begin(), left.end(), std::byte{0}) != left.end());
  }
  EXPECT_TRUE(zeros && shorter && holes);
}

TEST_F(FaultFolderTest, WhatAFailedAppendLeftMayBeLostBeneathWhatFollowed) {
  bool lost = false;
  bool kept = false;
  for (int seed = 0; seed < kSeeds; ++seed) {
    FaultFolder folder(static_cast<std::uint64_t>(seed));
    const auto file = folder.Create(kName).value();
    folder.FailAtStep(1);
    ASSERT_FALSE(file->Append(Bytes(600, std::byte{2})).ok());
    if (folder.files()[kName].size() != 600) continue;
    ASSERT_TRUE(folder.Open(kName).value()->Append(Bytes(10, std::byte{3})).ok());
    folder.Reboot();
    const Bytes& left = folder.files()[kName];
    ASSERT_EQ(left.size(), 610U);
    EXPECT_EQ(left.back(), std::byte{3}) << "that was synced";
    const bool all = std::count(left.begin(), left.end(), std::byte{2}) == 600;
    lost = lost || !all;
    kept = kept || all;
  }
  EXPECT_TRUE(lost && kept);
}

TEST_F(FaultFolderTest, AFailedRenameIsDoneOrNotAndAPowerCutMayTakeItBackUntilASync) {
  int done = 0;
  int taken_back = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    FaultFolder folder(static_cast<std::uint64_t>(seed));
    ASSERT_TRUE(folder.Create(kName).ok());
    folder.FailAtStep(1);
    ASSERT_FALSE(folder.Rename(kName, "other").ok());
    if (!folder.files().contains("other")) continue;
    ++done;
    if (seed % 2 == 0) {
      ASSERT_TRUE(folder.Sync().ok());
    }
    folder.Reboot();
    const bool there = folder.files().contains("other");
    EXPECT_TRUE(there || seed % 2 == 1);
    taken_back += there ? 0 : 1;
  }
  EXPECT_GT(taken_back, 0);
  EXPECT_LT(taken_back, done);
}

}  // namespace
}  // namespace coffer
