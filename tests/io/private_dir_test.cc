#include "io/private_dir.h"

#include <array>
#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "io/file.h"
#include "io/unique_fd.h"
#include "tests/support/temp_dir.h"

namespace coffer {
namespace {

SecretBytes Secret(std::string_view text) { return SecretBytes::CopyOf(AsBytes(text)); }

PrivateDir MakeOne() {
  auto made = PrivateDir::Make("");
  EXPECT_TRUE(made.ok());
  return std::move(made).value();
}

TEST(PrivateDirTest, LiesInMemoryAndIsOursAlone) {
  const PrivateDir folder = MakeOne();
  EXPECT_TRUE(*IsMemoryBacked(folder.path()));
  const auto facts = FactsOf(folder.path());
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->permissions, 0700U);
  EXPECT_EQ(facts->owner, geteuid());
}

TEST(PrivateDirTest, TwoHaveDifferentNames) { EXPECT_NE(MakeOne().path(), MakeOne().path()); }

TEST(PrivateDirTest, TakesTheFirstFolderInMemory) {
  const PrivateDir outer = MakeOne();
  const std::array<std::string, 4> candidates = {"", "/proc", outer.path(), "/dev/shm"};
  const auto inner = PrivateDir::MakeIn(candidates);
  ASSERT_TRUE(inner.ok());
  EXPECT_TRUE(inner->path().starts_with(outer.path() + "/coffer-"));
}

TEST(PrivateDirTest, IsNeverMadeOutsideMemory) {
  const std::array<std::string, 3> candidates = {"", "/proc", "/nowhere-at-all"};
  const auto made = PrivateDir::MakeIn(candidates);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code(), ErrorCode::kFailedPrecondition);
}

TEST(PrivateDirTest, WritesSecretsReadOnlyForUs) {
  PrivateDir folder = MakeOne();
  const auto sub = folder.MakeSubfolder("conf.d");
  ASSERT_TRUE(sub.ok());
  EXPECT_EQ(FactsOf(*sub)->permissions, 0700U);
  const auto path = folder.WriteSecret("conf.d/password", Secret("sesame"));
  ASSERT_TRUE(path.ok()) << path.error().ToString();
  EXPECT_EQ(*path, folder.path() + "/conf.d/password");
  EXPECT_EQ(FactsOf(*path)->permissions, 0400U);
  EXPECT_EQ(AsText(ReadSecretFile(*path, 100)->Expose(SecretAccess::kTest)), "sesame");
}

TEST(PrivateDirTest, RefusesNamesThatLeadElsewhere) {
  PrivateDir folder = MakeOne();
  const std::string too_long(256, 'n');
  for (const std::string_view bad :
       std::initializer_list<std::string_view>{"", ".", "..", "../x", "a/../b", "/etc/x", "a//b", "a/", "/", "a b",
                                               "a\nb", std::string_view("a\0b", 3), too_long}) {
    EXPECT_EQ(folder.WriteSecret(bad, Secret("x")).error().code(), ErrorCode::kInvalidArgument) << bad;
    EXPECT_EQ(folder.MakeSubfolder(bad).error().code(), ErrorCode::kInvalidArgument) << bad;
  }
  EXPECT_TRUE(ListDirectory(folder.path(), 10)->empty());
}

TEST(PrivateDirTest, RefusesATakenNameAndAMissingFolder) {
  PrivateDir folder = MakeOne();
  ASSERT_TRUE(folder.WriteSecret("a", Secret("first")).ok());
  EXPECT_EQ(folder.WriteSecret("a", Secret("second")).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(folder.WriteSecret("none/a", Secret("x")).error().code(), ErrorCode::kNotFound);
}

TEST(PrivateDirTest, OverwritesFilesBeforeTheyGo) {
  PrivateDir folder = MakeOne();
  const auto path = folder.WriteSecret("key", Secret("sesame"));
  ASSERT_TRUE(path.ok());
  const UniqueFd still_open(open(path->c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(still_open.valid());
  ASSERT_TRUE(folder.Wipe().ok());
  std::array<char, 16> seen{};
  ASSERT_EQ(read(still_open.get(), seen.data(), seen.size()), 6);
  EXPECT_EQ(std::string_view(seen.data(), 6), std::string_view("\0\0\0\0\0\0", 6));
}

TEST(PrivateDirTest, RemovesAllWhenItGoes) {
  std::string path;
  {
    PrivateDir folder = MakeOne();
    path = folder.path();
    ASSERT_TRUE(folder.MakeSubfolder("sub").ok());
    ASSERT_TRUE(folder.WriteSecret("sub/key", Secret("x")).ok());
    ASSERT_TRUE(WriteFileDurably(path + "/of_another_program", AsBytes("y"), 0644).ok());
    ASSERT_EQ(symlink("/etc/hostname", (path + "/link").c_str()), 0);
  }
  EXPECT_FALSE(*Exists(path));
}

TEST(PrivateDirTest, LinkedFilesOutsideAreNotOverwritten) {
  const TempDir outside;
  ASSERT_TRUE(WriteFileDurably(outside / "file", AsBytes("kept"), 0600).ok());
  PrivateDir folder = MakeOne();
  ASSERT_EQ(symlink((outside / "file").c_str(), (folder.path() + "/link").c_str()), 0);
  ASSERT_TRUE(folder.Wipe().ok());
  EXPECT_EQ(AsText(*ReadFile(outside / "file", 10)), "kept");
}

TEST(PrivateDirTest, WipedFolderTakesNoMoreSecrets) {
  PrivateDir folder = MakeOne();
  ASSERT_TRUE(folder.Wipe().ok());
  EXPECT_TRUE(folder.Wipe().ok());
  EXPECT_TRUE(folder.path().empty());
  EXPECT_EQ(folder.WriteSecret("a", Secret("x")).error().code(), ErrorCode::kFailedPrecondition);
}

TEST(PrivateDirTest, AReplacedSubfolderIsOverwrittenAndGone) {
  PrivateDir folder = MakeOne();
  ASSERT_TRUE(folder.MakeSubfolder("top").ok());
  ASSERT_TRUE(folder.MakeSubfolder("top/conf").ok());
  ASSERT_TRUE(folder.MakeSubfolder("next").ok());
  const auto old_path = folder.WriteSecret("top/conf/old", Secret("sesame"));
  ASSERT_TRUE(old_path.ok() && folder.WriteSecret("next/new", Secret("fresh")).ok());
  const UniqueFd still_open(open(old_path->c_str(), O_RDONLY | O_CLOEXEC));
  const Status replaced = folder.ReplaceSubfolder("top/conf", "next");
  ASSERT_TRUE(replaced.ok()) << replaced.error().ToString();
  EXPECT_EQ(*ListDirectory(folder.path() + "/top/conf", 10), std::vector<std::string>{"new"});
  EXPECT_EQ(*ListDirectory(folder.path(), 10), std::vector<std::string>{"top"});
  std::array<char, 16> seen{};
  ASSERT_EQ(read(still_open.get(), seen.data(), seen.size()), 6);
  EXPECT_EQ(std::string_view(seen.data(), 6), std::string_view("\0\0\0\0\0\0", 6));
}

TEST(PrivateDirTest, ASubfolderIsReplacedOnlyByOneThatIsThere) {
  PrivateDir folder = MakeOne();
  ASSERT_TRUE(folder.MakeSubfolder("conf").ok());
  EXPECT_EQ(folder.ReplaceSubfolder("conf", "next").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(folder.ReplaceSubfolder("other", "conf").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(folder.ReplaceSubfolder("conf", "../x").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(folder.WipeSubfolder("..").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(folder.WipeSubfolder("next").ok());
  EXPECT_EQ(*ListDirectory(folder.path(), 10), std::vector<std::string>{"conf"});
  ASSERT_TRUE(folder.Wipe().ok());
  EXPECT_EQ(folder.ReplaceSubfolder("conf", "next").error().code(), ErrorCode::kFailedPrecondition);
}

TEST(PrivateDirTest, MovingKeepsTheFolderOnce) {
  PrivateDir first = MakeOne();
  const std::string first_path = first.path();
  PrivateDir second = MakeOne();
  const std::string second_path = second.path();
  second = std::move(first);
  EXPECT_TRUE(*Exists(first_path));
  EXPECT_FALSE(*Exists(second_path));
  EXPECT_EQ(second.path(), first_path);
}

}  // namespace
}  // namespace coffer
