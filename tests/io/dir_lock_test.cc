#include "io/dir_lock.h"

#include <optional>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "tests/support/in_child.h"
#include "tests/support/temp_dir.h"

namespace coffer {
namespace {

TEST(DirLockTest, SecondHolderIsRefusedUntilTheFirstGoes) {
  const TempDir folder;
  {
    const auto first = DirLock::Acquire(folder.path());
    ASSERT_TRUE(first.ok()) << first.error().ToString();
    const auto second = DirLock::Acquire(folder.path());
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(second.error().message(), "another process uses this data folder");
  }
  EXPECT_TRUE(DirLock::Acquire(folder.path()).ok());
}

TEST(DirLockTest, AnotherProcessIsRefused) {
  const TempDir folder;
  const auto lock = DirLock::Acquire(folder.path());
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(InChild([&] { return DirLock::Acquire(folder.path()).ok() ? 1 : 7; }), 7);
}

TEST(DirLockTest, KilledHolderLeavesNoLock) {
  const TempDir folder;
  EXPECT_EQ(InChild([&] {
              const auto lock = DirLock::Acquire(folder.path());
              if (lock.ok()) kill(getpid(), SIGKILL);
              return 1;
            }),
            128 + SIGKILL);
  EXPECT_TRUE(DirLock::Acquire(folder.path()).ok());
}

TEST(DirLockTest, LockFileIsPrivate) {
  const TempDir folder;
  ASSERT_TRUE(DirLock::Acquire(folder.path()).ok());
  EXPECT_EQ(FactsOf(folder / "lock")->permissions & 077, 0U);
}

TEST(DirLockTest, FailsWithoutTheFolder) {
  const TempDir folder;
  EXPECT_EQ(DirLock::Acquire(folder / "none").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(DirLock::Acquire("").error().code(), ErrorCode::kInvalidArgument);
}

TEST(DirLockTest, DoesNotFollowALink) {
  const TempDir folder;
  ASSERT_EQ(symlink("elsewhere", (folder / "lock").c_str()), 0);
  EXPECT_EQ(DirLock::Acquire(folder.path()).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(*Exists(folder / "elsewhere"));
}

}  // namespace
}  // namespace coffer
