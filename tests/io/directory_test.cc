#include "io/directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/file.h"
#include "tests/support/temp_dir.h"

namespace coffer {
namespace {

void Touch(const std::string& path) { ASSERT_TRUE(WriteFileDurably(path, AsBytes("x"), 0600).ok()); }

TEST(FactsOfTest, TellsKindSizeOwnerAndMode) {
  const TempDir folder;
  ASSERT_TRUE(WriteFileDurably(folder / "file", AsBytes("12345"), 0640).ok());
  const auto facts = FactsOf(folder / "file");
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->kind, FileKind::kRegular);
  EXPECT_EQ(facts->size, 5U);
  EXPECT_EQ(facts->owner, geteuid());
  EXPECT_EQ(facts->permissions, 0640U);
  EXPECT_GT(facts->modified_unix_micros, 1'700'000'000'000'000);
}

TEST(FactsOfTest, DoesNotFollowALink) {
  const TempDir folder;
  ASSERT_EQ(symlink("nowhere", (folder / "link").c_str()), 0);
  EXPECT_EQ(FactsOf(folder / "link")->kind, FileKind::kSymbolicLink);
  EXPECT_TRUE(*Exists(folder / "link"));
}

TEST(FactsOfTest, FailsWhenThereIsNone) {
  const TempDir folder;
  EXPECT_EQ(FactsOf(folder / "none").error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(*Exists(folder / "none"));
  EXPECT_EQ(Exists("").error().code(), ErrorCode::kInvalidArgument);
}

TEST(DeviceOfTest, IsTheSameWithinAFolderAndNotForProc) {
  const TempDir folder;
  Touch(folder / "file");
  EXPECT_EQ(*DeviceOf(folder.path()), *DeviceOf(folder / "file"));
  EXPECT_NE(*DeviceOf(folder.path()), *DeviceOf("/proc"));
  EXPECT_EQ(DeviceOf(folder / "none").error().code(), ErrorCode::kNotFound);
}

TEST(IsMemoryBackedTest, TellsTmpfsFromOtherFileSystems) {
  EXPECT_TRUE(*IsMemoryBacked("/dev/shm"));
  EXPECT_FALSE(*IsMemoryBacked("/proc"));
  EXPECT_EQ(IsMemoryBacked("/nowhere-at-all").error().code(), ErrorCode::kNotFound);
}

TEST(MakeDirectoryTest, MakesExactlyTheMode) {
  const TempDir folder;
  const mode_t umask_before = umask(077);
  const Status made = MakeDirectory(folder / "sub/", 0755);
  umask(umask_before);
  ASSERT_TRUE(made.ok()) << made.error().ToString();
  EXPECT_EQ(FactsOf(folder / "sub")->permissions, 0755U);
}

TEST(MakeDirectoryTest, LeavesAFolderOfOursAsItIs) {
  const TempDir folder;
  ASSERT_TRUE(MakeDirectory(folder / "sub", 0700).ok());
  Touch(folder / "sub/file");
  EXPECT_TRUE(MakeDirectory(folder / "sub", 0755).ok());
  EXPECT_EQ(FactsOf(folder / "sub")->permissions, 0700U);
  EXPECT_TRUE(*Exists(folder / "sub/file"));
}

TEST(MakeDirectoryTest, RefusesWhatIsNoFolder) {
  const TempDir folder;
  Touch(folder / "file");
  ASSERT_EQ(symlink("/tmp", (folder / "link").c_str()), 0);
  for (const char* name : {"file", "link", "link/"}) {
    EXPECT_EQ(MakeDirectory(folder / name, 0700).error().code(), ErrorCode::kAlreadyExists) << name;
  }
}

TEST(MakeDirectoryTest, FailsWithoutItsParent) {
  const TempDir folder;
  EXPECT_EQ(MakeDirectory(folder / "none/sub", 0700).error().code(), ErrorCode::kNotFound);
}

TEST(MakeDirectoryTest, RefusesAFolderOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a folder of another user";
  const TempDir folder;
  ASSERT_TRUE(MakeDirectory(folder / "sub", 0700).ok());
  ASSERT_EQ(chown((folder / "sub").c_str(), 65'534, 65'534), 0);
  EXPECT_EQ(MakeDirectory(folder / "sub", 0700).error().code(), ErrorCode::kPermissionDenied);
}

TEST(MakeDirectoryTest, RefusesAFolderThatOthersMayWriteTo) {
  const TempDir folder;
  ASSERT_TRUE(MakeDirectory(folder / "sub", 0700).ok());
  for (const mode_t mode : {0720U, 0702U, 0770U, 0707U, 0777U, 01777U, 02770U}) {
    ASSERT_EQ(chmod((folder / "sub").c_str(), mode), 0);
    const Status refused = MakeDirectory(folder / "sub", 0700);
    ASSERT_FALSE(refused.ok()) << mode;
    EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied) << mode;
    EXPECT_EQ(FactsOf(folder / "sub")->permissions, mode) << "the mode is left alone";
  }
  for (const mode_t mode : {0700U, 0755U, 0711U, 0500U}) {
    ASSERT_EQ(chmod((folder / "sub").c_str(), mode), 0);
    EXPECT_TRUE(MakeDirectory(folder / "sub", 0700).ok()) << mode;
  }
}

TEST(CheckNobodyElseReplacesTest, LooksAtWhoMayWriteAndAtTheStickyBit) {
  const TempDir folder;
  ASSERT_TRUE(MakeDirectory(folder / "sub", 0700).ok());
  ASSERT_EQ(symlink("sub", (folder / "link").c_str()), 0);
  for (const mode_t mode : {0700U, 0755U, 01770U, 01777U}) {
    ASSERT_EQ(chmod((folder / "sub").c_str(), mode), 0);
    EXPECT_TRUE(CheckNobodyElseReplaces(folder / "sub").ok()) << mode;
    EXPECT_TRUE(CheckNobodyElseReplaces(folder / "link").ok()) << mode;
  }
  for (const mode_t mode : {0770U, 0702U, 0777U, 02775U}) {
    ASSERT_EQ(chmod((folder / "sub").c_str(), mode), 0);
    for (const char* name : {"sub", "link"}) {
      const Status refused = CheckNobodyElseReplaces(folder / name);
      ASSERT_FALSE(refused.ok()) << mode;
      EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied) << mode;
    }
  }
}

TEST(CheckNobodyElseReplacesTest, RefusesWhatIsNoFolderOfOursOrRoot) {
  const TempDir folder;
  Touch(folder / "file");
  EXPECT_EQ(CheckNobodyElseReplaces(folder / "file").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(CheckNobodyElseReplaces(folder / "none").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(CheckNobodyElseReplaces("").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(CheckNobodyElseReplaces("/").ok());
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a folder of another user";
  ASSERT_TRUE(MakeDirectory(folder / "sub", 0755).ok());
  ASSERT_EQ(chown((folder / "sub").c_str(), 65'534, 65'534), 0);
  EXPECT_EQ(CheckNobodyElseReplaces(folder / "sub").error().code(), ErrorCode::kPermissionDenied);
}

TEST(ListDirectoryTest, SortsNames) {
  const TempDir folder;
  for (const char* name : {"b", "a", ".hidden", "C"}) Touch(folder / name);
  EXPECT_EQ(*ListDirectory(folder.path(), 4), (std::vector<std::string>{".hidden", "C", "a", "b"}));
}

TEST(ListDirectoryTest, RefusesOneEntryTooMany) {
  const TempDir folder;
  for (const char* name : {"a", "b", "c"}) Touch(folder / name);
  const auto names = ListDirectory(folder.path(), 2);
  ASSERT_FALSE(names.ok());
  EXPECT_EQ(names.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(names.error().limit(), 2U);
}

TEST(ListDirectoryTest, FailsOnWhatIsNoFolder) {
  const TempDir folder;
  Touch(folder / "file");
  EXPECT_EQ(ListDirectory(folder / "file", 9).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(ListDirectory(folder / "none", 9).error().code(), ErrorCode::kNotFound);
}

TEST(RemoveTreeTest, RemovesAllButWhatLinksPointTo) {
  const TempDir folder;
  Touch(folder / "kept");
  ASSERT_TRUE(MakeDirectory(folder / "kept_folder", 0700).ok());
  Touch(folder / "kept_folder/file");
  ASSERT_TRUE(MakeDirectory(folder / "tree", 0700).ok());
  ASSERT_TRUE(MakeDirectory(folder / "tree/sub", 0700).ok());
  Touch(folder / "tree/sub/file");
  ASSERT_EQ(symlink("../kept", (folder / "tree/link").c_str()), 0);
  ASSERT_EQ(symlink("../kept_folder", (folder / "tree/folder_link").c_str()), 0);
  const Status removed = RemoveTree(folder / "tree");
  ASSERT_TRUE(removed.ok()) << removed.error().ToString();
  EXPECT_FALSE(*Exists(folder / "tree"));
  EXPECT_TRUE(*Exists(folder / "kept"));
  EXPECT_TRUE(*Exists(folder / "kept_folder/file"));
}

TEST(RemoveTreeTest, IsOkWhenNothingIsThere) {
  const TempDir folder;
  EXPECT_TRUE(RemoveTree(folder / "none").ok());
  EXPECT_EQ(RemoveTree("").error().code(), ErrorCode::kInvalidArgument);
}

TEST(RemoveTreeTest, StopsAtItsDepth) {
  const TempDir folder;
  std::string path = folder / "d";
  for (int depth = 0; depth < 66; ++depth, path += "/d") ASSERT_TRUE(MakeDirectory(path, 0700).ok());
  EXPECT_EQ(RemoveTree(folder / "d").error().code(), ErrorCode::kInvalidArgument);
}

TEST(SyncDirectoryTest, FailsOnAFile) {
  const TempDir folder;
  Touch(folder / "file");
  EXPECT_TRUE(SyncDirectory(folder.path()).ok());
  EXPECT_FALSE(SyncDirectory(folder / "file").ok());
}

}  // namespace
}  // namespace coffer
