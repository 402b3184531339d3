#include "cli/byte_sink.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace coffer::cli {
namespace {

using Unfinished = ByteSink::Unfinished;

class ByteSinkTest : public ::testing::TestWithParam<Unfinished> {
 protected:
  Outcome<ByteSink> Open(const std::string& path) const { return ByteSink::Open(path, GetParam()); }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  static std::string TextOf(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  TempDir dir_;
};

INSTANTIATE_TEST_SUITE_P(EachKind, ByteSinkTest, ::testing::Values(Unfinished::kNameless, Unfinished::kTemporaryName));

TEST_P(ByteSinkTest, AFileIsThereWhenItIsFinished) {
  const std::string path = dir_ / "out";
  {
    auto sink = Open(path);
    ASSERT_TRUE(sink.ok()) << sink.error().sentence;
    EXPECT_TRUE(sink->is_file());
    ASSERT_TRUE(sink->Write("one\n").ok());
    ASSERT_TRUE(sink->Write("two\n").ok());
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_EQ(Names().size(), GetParam() == Unfinished::kNameless ? 0U : 1U);
    ASSERT_TRUE(sink->Finish().ok());
    EXPECT_EQ(TextOf(path), "one\ntwo\n");
  }
  EXPECT_EQ(Names(), std::vector<std::string>{"out"});
  struct stat facts {};
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777U, 0600U);
}

TEST_P(ByteSinkTest, NothingIsLeftOfWhatIsNotFinished) {
  {
    auto sink = Open(dir_ / "out");
    ASSERT_TRUE(sink.ok() && sink->Write("half").ok());
    const ByteSink moved = std::move(*sink);
  }
  EXPECT_TRUE(Names().empty());
  auto again = Open(dir_ / "out");
  ASSERT_TRUE(again.ok() && again->Finish().ok()) << "a failed run does not stand in the next one's way";
}

TEST_P(ByteSinkTest, WhatIsThereIsNeverReplaced) {
  std::ofstream(dir_ / "file") << "kept";
  std::filesystem::create_directory(dir_ / "folder");
  std::filesystem::create_symlink("nowhere", dir_ / "link");
  for (const char* const name : {"file", "folder", "link"}) {
    const auto sink = Open(dir_ / name);
    ASSERT_FALSE(sink.ok()) << name;
    EXPECT_EQ(sink.error().sentence, "--out: " + ShownPath(dir_ / name) + ": already exists");
    EXPECT_EQ(sink.error().exit_code, kExitFailed);
  }
  EXPECT_EQ(TextOf(dir_ / "file"), "kept");
  EXPECT_EQ(Names(), (std::vector<std::string>{"file", "folder", "link"}));
}

TEST_P(ByteSinkTest, AFileThatCameMeanwhileWins) {
  {
    auto sink = Open(dir_ / "out");
    ASSERT_TRUE(sink.ok() && sink->Write("ours").ok());
    std::ofstream(dir_ / "out") << "theirs";
    const auto finished = sink->Finish();
    ASSERT_FALSE(finished.ok());
    EXPECT_EQ(finished.error().sentence, "--out: " + ShownPath(dir_ / "out") + ": already exists");
  }
  EXPECT_EQ(TextOf(dir_ / "out"), "theirs");
  EXPECT_EQ(Names(), std::vector<std::string>{"out"});
}

TEST_P(ByteSinkTest, APathThatCannotBeAFileIsRefused) {
  std::ofstream(dir_ / "file") << "x";
  for (const auto& [name, part] : std::vector<std::pair<std::string, std::string>>{
           {"absent/out", "absent/out: cannot be made: its folder does not exist"},
           {"file/out", "file/out: does not exist: a part of the path is not a folder"},
           {"folder/", "folder/: is a folder"},
           {"..", "..: is a folder"},
           {std::string(250, 'n') + ".csv.and.more", "is a longer path than the system allows"}}) {
    const auto sink = Open(dir_ / name);
    ASSERT_FALSE(sink.ok()) << name;
    EXPECT_TRUE(sink.error().sentence.starts_with("--out: ")) << sink.error().sentence;
    EXPECT_NE(sink.error().sentence.find(part), std::string::npos) << sink.error().sentence;
  }
  EXPECT_EQ(Names(), std::vector<std::string>{"file"});
}

TEST(ByteSink, StandardOutputIsNoFile) {
  for (const char* const path : {"", "-"}) {
    auto sink = ByteSink::Open(path);
    ASSERT_TRUE(sink.ok());
    EXPECT_FALSE(sink->is_file());
    EXPECT_TRUE(sink->Finish().ok());
  }
}

TEST(ShownPath, IsTheEndOfALongPathWithoutWhatATerminalObeys) {
  EXPECT_EQ(ShownPath("a/b.csv"), "a/b.csv");
  EXPECT_EQ(ShownPath("a\x1b[1m\n"), "a?[1m?");
  const std::string shown = ShownPath(std::string(100, 'f') + "/name.csv");
  EXPECT_EQ(shown.size(), Error::kMaxPath);
  EXPECT_TRUE(shown.starts_with("...f") && shown.ends_with("f/name.csv")) << shown;
}

}  // namespace
}  // namespace coffer::cli
