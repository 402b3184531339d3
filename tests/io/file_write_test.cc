#include <cerrno>
#include <functional>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "io/file.h"
#include "io/file_faults.h"
#include "tests/support/temp_dir.h"

namespace coffer {
namespace {

constexpr std::string_view kOld = "the old content";
constexpr std::string_view kNew = "new content, longer than the old one";

std::optional<std::string> ContentOf(const std::string& path) {
  const auto content = ReadFile(path, 1 << 20);
  if (!content.ok()) return std::nullopt;
  return std::string(AsText(*content));
}

std::vector<std::string> NamesIn(const TempDir& folder) {
  auto names = ListDirectory(folder.path(), 100);
  EXPECT_TRUE(names.ok());
  return std::move(names).value();
}

TEST(WriteFileDurablyTest, ReplacesContentAndMode) {
  const TempDir folder;
  const std::string path = folder / "file";
  ASSERT_TRUE(WriteFileDurably(path, AsBytes(kOld), 0600).ok());
  const mode_t umask_before = umask(077);
  const Status written = WriteFileDurably(path, AsBytes(kNew), 0644);
  umask(umask_before);
  ASSERT_TRUE(written.ok()) << written.error().ToString();
  EXPECT_EQ(ContentOf(path), kNew);
  EXPECT_EQ(FactsOf(path)->permissions, 0644U);
  EXPECT_EQ(NamesIn(folder), std::vector<std::string>{"file"});
}

TEST(WriteFileDurablyTest, WritesASecretPrivately) {
  const TempDir folder;
  const std::string path = folder / "key";
  ASSERT_TRUE(WriteFileDurably(path, SecretBytes::CopyOf(AsBytes("sesame")), 0400).ok());
  EXPECT_EQ(ContentOf(path), "sesame");
  EXPECT_EQ(FactsOf(path)->permissions, 0400U);
}

TEST(WriteFileDurablyTest, ReplacesALinkNotItsTarget) {
  const TempDir folder;
  ASSERT_TRUE(WriteFileDurably(folder / "target", AsBytes(kOld), 0600).ok());
  ASSERT_EQ(symlink("target", (folder / "link").c_str()), 0);
  ASSERT_TRUE(WriteFileDurably(folder / "link", AsBytes(kNew), 0600).ok());
  EXPECT_EQ(ContentOf(folder / "target"), kOld);
  EXPECT_EQ(ContentOf(folder / "link"), kNew);
  EXPECT_EQ(FactsOf(folder / "link")->kind, FileKind::kRegular);
}

TEST(WriteFileDurablyTest, TakesTheLongestName) {
  const TempDir folder;
  EXPECT_TRUE(WriteFileDurably(folder / std::string(255, 'n'), AsBytes(kNew), 0600).ok());
  const Status longer = WriteFileDurably(folder / std::string(256, 'n'), AsBytes(kNew), 0600);
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(NamesIn(folder).size(), 1U);
}

TEST(WriteFileDurablyTest, RefusesWhatIsNoFileName) {
  const TempDir folder;
  for (const std::string& bad :
       {std::string(), folder / "", folder / ".", folder / "..", folder / std::string("a\0b", 3)}) {
    const Status written = WriteFileDurably(bad, AsBytes(kNew), 0600);
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(NamesIn(folder).empty());
}

TEST(WriteFileDurablyTest, FailsWithoutItsFolder) {
  const TempDir folder;
  EXPECT_EQ(WriteFileDurably(folder / "none/file", AsBytes(kNew), 0600).error().code(), ErrorCode::kNotFound);
}

TEST(WriteFileDurablyTest, LeavesAFolderOfThatName) {
  const TempDir folder;
  ASSERT_TRUE(MakeDirectory(folder / "name", 0700).ok());
  EXPECT_FALSE(WriteFileDurably(folder / "name", AsBytes(kNew), 0600).ok());
  EXPECT_EQ(FactsOf(folder / "name")->kind, FileKind::kDirectory);
  EXPECT_EQ(NamesIn(folder), std::vector<std::string>{"name"});
}

TEST(CreateFileDurablyTest, MakesANewFile) {
  const TempDir folder;
  ASSERT_TRUE(CreateFileDurably(folder / "file", SecretBytes::CopyOf(AsBytes(kNew)), 0440).ok());
  EXPECT_EQ(ContentOf(folder / "file"), kNew);
  EXPECT_EQ(FactsOf(folder / "file")->permissions, 0440U);
}

TEST(CreateFileDurablyTest, LeavesAnythingThatHasTheName) {
  const TempDir folder;
  ASSERT_TRUE(CreateFileDurably(folder / "file", AsBytes(kOld), 0600).ok());
  ASSERT_EQ(symlink("nowhere", (folder / "link").c_str()), 0);
  ASSERT_TRUE(MakeDirectory(folder / "sub", 0700).ok());
  for (const char* name : {"file", "link", "sub"}) {
    const Status created = CreateFileDurably(folder / name, AsBytes(kNew), 0600);
    ASSERT_FALSE(created.ok()) << name;
    EXPECT_EQ(created.error().code(), ErrorCode::kAlreadyExists) << name;
  }
  EXPECT_EQ(ContentOf(folder / "file"), kOld);
  EXPECT_EQ(NamesIn(folder), (std::vector<std::string>{"file", "link", "sub"}));
}

TEST(CreateFileDurablyTest, FallsBackToALinkWhereRenameCannotRefuse) {
  const TempDir folder;
  // Step 5 is the rename: open, write, mode, sync, rename.
  const FileFaults faults(5, EINVAL);
  ASSERT_TRUE(CreateFileDurably(folder / "file", AsBytes(kNew), 0600).ok());
  EXPECT_EQ(faults.steps(), 8U);  // And link, unlink, sync of the folder.
  EXPECT_EQ(ContentOf(folder / "file"), kNew);
  EXPECT_EQ(NamesIn(folder), std::vector<std::string>{"file"});
}

TEST(RemoveFileDurablyTest, RemovesOnce) {
  const TempDir folder;
  ASSERT_TRUE(WriteFileDurably(folder / "file", AsBytes(kOld), 0600).ok());
  EXPECT_TRUE(RemoveFileDurably(folder / "file").ok());
  EXPECT_EQ(RemoveFileDurably(folder / "file").error().code(), ErrorCode::kNotFound);
}

TEST(RemoveFileDurablyTest, ReportsAFailedSync) {
  const TempDir folder;
  ASSERT_TRUE(WriteFileDurably(folder / "file", AsBytes(kOld), 0600).ok());
  const FileFaults faults(2, EIO);
  EXPECT_EQ(RemoveFileDurably(folder / "file").error().code(), ErrorCode::kUnavailable);
}

// A way to write a file that holds `before`, or does not exist; and how far a fault reaches.
struct Faulty {
  FileFaults::Extent extent;
  std::function<Status(const std::string&)> write;
  std::optional<std::string> before;
};

void PrepareFile(const std::string& path, const std::optional<std::string>& content) {
  if (!content.has_value()) return;
  ASSERT_TRUE(WriteFileDurably(path, AsBytes(*content), 0600).ok());
}

std::uint64_t StepsOf(const Faulty& run) {
  const TempDir folder;
  PrepareFile(folder / "file", run.before);
  const FileFaults counting(0, 0);
  EXPECT_TRUE(run.write(folder / "file").ok());
  return counting.steps();
}

// Runs `write` with a fault at each of its steps in turn.
void CheckEachStep(const Faulty& run, int error_number) {
  const std::uint64_t steps = StepsOf(run);
  ASSERT_GE(steps, 6U);  // open, write, mode, sync, rename, sync of the folder
  for (std::uint64_t step = 1; step <= steps; ++step) {
    const TempDir folder;
    const std::string path = folder / "file";
    PrepareFile(path, run.before);
    Status written;
    {
      const FileFaults faults(step, error_number, run.extent);
      written = run.write(path);
    }
    ASSERT_FALSE(written.ok()) << "step " << step;
    EXPECT_EQ(written.error().code(), ErrorCode::kUnavailable) << "step " << step;
    // Only a failed sync of the folder comes after the rename.
    EXPECT_EQ(ContentOf(path), step == steps ? std::optional<std::string>(kNew) : run.before) << "step " << step;
    if (run.extent == FileFaults::Extent::kOnce) {
      const std::size_t expected = run.before.has_value() || step == steps ? 1 : 0;
      EXPECT_EQ(NamesIn(folder).size(), expected) << "a temporary file is left at step " << step;
    }
  }
}

Status Write(const std::string& path) { return WriteFileDurably(path, AsBytes(kNew), 0600); }
Status Create(const std::string& path) { return CreateFileDurably(path, AsBytes(kNew), 0600); }

TEST(DurableFaultTest, FullDiskLeavesTheOldFileAndNoTemporaryOne) {
  CheckEachStep({FileFaults::Extent::kOnce, Write, std::string(kOld)}, ENOSPC);
}

TEST(DurableFaultTest, BadDeviceLeavesTheOldFileAndNoTemporaryOne) {
  CheckEachStep({FileFaults::Extent::kOnce, Write, std::string(kOld)}, EIO);
}

TEST(DurableFaultTest, FailedFirstWriteLeavesNothing) {
  CheckEachStep({FileFaults::Extent::kOnce, Write, std::nullopt}, ENOSPC);
  CheckEachStep({FileFaults::Extent::kOnce, Create, std::nullopt}, ENOSPC);
}

TEST(DurableFaultTest, PowerCutLeavesOldOrNewNeverAMix) {
  CheckEachStep({FileFaults::Extent::kFromThereOn, Write, std::string(kOld)}, EIO);
  CheckEachStep({FileFaults::Extent::kFromThereOn, Create, std::nullopt}, EIO);
}

TEST(DurableFaultTest, FaultsEndWithTheirObject) {
  const TempDir folder;
  { const FileFaults faults(1, EIO, FileFaults::Extent::kFromThereOn); }
  EXPECT_TRUE(Write(folder / "file").ok());
}

TEST(DurableFaultTest, FolderIsNotLeftHalfMade) {
  for (std::uint64_t step = 1; step <= 3; ++step) {
    const TempDir folder;
    Status made;
    {
      const FileFaults faults(step, ENOSPC);
      made = MakeDirectory(folder / "sub", 0755);
    }
    ASSERT_FALSE(made.ok()) << step;
    EXPECT_EQ(made.error().code(), ErrorCode::kUnavailable) << step;
    EXPECT_TRUE(NamesIn(folder).empty()) << step;
  }
}

}  // namespace
}  // namespace coffer
