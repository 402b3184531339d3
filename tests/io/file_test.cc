#include "io/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace coffer {
namespace {

class FileReadTest : public testing::Test {
 protected:
  std::string Make(std::string_view name, std::string_view content, mode_t mode = 0600) {
    std::string path = folder_ / name;
    EXPECT_TRUE(WriteFileDurably(path, AsBytes(content), mode).ok());
    return path;
  }
  TempDir folder_;
};

TEST_F(FileReadTest, GivesTheWholeContent) {
  const std::string text(100'000, 'x');
  const auto content = ReadFile(Make("a", text), 100'000);
  ASSERT_TRUE(content.ok()) << content.error().ToString();
  EXPECT_EQ(AsText(*content), text);
}

TEST_F(FileReadTest, GivesAnEmptyFile) {
  const auto content = ReadFile(Make("a", ""), 0);
  ASSERT_TRUE(content.ok());
  EXPECT_TRUE(content->empty());
}

TEST_F(FileReadTest, ReadsAFileThatTellsNoSize) {
  const auto content = ReadFile("/proc/self/status", 1 << 20);
  ASSERT_TRUE(content.ok());
  EXPECT_TRUE(AsText(*content).starts_with("Name:"));
}

TEST_F(FileReadTest, RefusesOneByteTooMany) {
  const auto content = ReadFile(Make("a", "12345"), 4);
  ASSERT_FALSE(content.ok());
  EXPECT_EQ(content.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(content.error().limit(), 4U);
}

TEST_F(FileReadTest, RefusesTooLongWhereNoSizeIsTold) {
  const auto content = ReadFile("/proc/self/status", 10);
  ASSERT_FALSE(content.ok());
  EXPECT_EQ(content.error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(FileReadTest, TakesTheLargestLimit) { EXPECT_TRUE(ReadFile(Make("a", "x"), UINT64_MAX).ok()); }

TEST_F(FileReadTest, FailsWhenThereIsNone) {
  const auto content = ReadFile(folder_ / "missing", 10);
  ASSERT_FALSE(content.ok());
  EXPECT_EQ(content.error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(content.error().path().empty());
}

TEST_F(FileReadTest, RefusesWhatIsNoRegularFile) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const std::string& path : {folder_.path(), folder_ / "pipe", std::string("/dev/null")}) {
    const auto content = ReadFile(path, 10);
    ASSERT_FALSE(content.ok()) << path;
    EXPECT_EQ(content.error().code(), ErrorCode::kInvalidArgument) << path;
  }
}

TEST_F(FileReadTest, RefusesPathsTheSystemWouldMisread) {
  const std::string path = Make("a", "x");
  for (const std::string& bad : {std::string(), path + std::string("\0b", 2)}) {
    EXPECT_EQ(ReadFile(bad, 10).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(ReadSecretFile(bad, 10).error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST_F(FileReadTest, SecretComesWhole) {
  const auto secret = ReadSecretFile(Make("key", "open sesame"), 11);
  ASSERT_TRUE(secret.ok()) << secret.error().ToString();
  EXPECT_EQ(AsText(secret->Expose(SecretAccess::kTest)), "open sesame");
}

TEST_F(FileReadTest, SecretOfNoBytesIsRead) {
  const auto secret = ReadSecretFile(Make("key", ""), 11);
  ASSERT_TRUE(secret.ok());
  EXPECT_TRUE(secret->empty());
}

TEST_F(FileReadTest, SecretTooLongIsRefused) {
  EXPECT_EQ(ReadSecretFile(Make("key", "12345"), 4).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(FileReadTest, SecretThatOthersMayUseIsRefused) {
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0601U, 0644U, 0777U}) {
    const auto secret = ReadSecretFile(Make("key", "x", mode), 10);
    ASSERT_FALSE(secret.ok()) << mode;
    EXPECT_EQ(secret.error().code(), ErrorCode::kPermissionDenied) << mode;
  }
}

TEST_F(FileReadTest, SecretOfAGroupIsReadWhenTold) {
  for (const mode_t mode : {0400U, 0440U, 0640U}) {
    EXPECT_TRUE(ReadSecretFile(Make("key", "x", mode), 10, SecretFileReaders::kGroupToo).ok()) << mode;
  }
  for (const mode_t mode : {0444U, 0660U, 0641U}) {
    EXPECT_EQ(ReadSecretFile(Make("key", "x", mode), 10, SecretFileReaders::kGroupToo).error().code(),
              ErrorCode::kPermissionDenied)
        << mode;
  }
}

TEST_F(FileReadTest, SecretBehindALinkIsRefused) {
  const std::string path = Make("key", "x");
  ASSERT_EQ(symlink(path.c_str(), (folder_ / "link").c_str()), 0);
  EXPECT_TRUE(ReadFile(folder_ / "link", 10).ok());
  EXPECT_EQ(ReadSecretFile(folder_ / "link", 10).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(FileReadTest, SecretInAPipeIsRefused) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadSecretFile(folder_ / "pipe", 10).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(FileReadTest, SecretOfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a file of another user";
  const std::string path = Make("key", "x");
  ASSERT_EQ(chown(path.c_str(), 65'534, 65'534), 0);
  EXPECT_EQ(ReadSecretFile(path, 10).error().code(), ErrorCode::kPermissionDenied);
}

}  // namespace
}  // namespace coffer
