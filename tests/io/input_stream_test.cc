#include "io/input_stream.h"

#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/file.h"
#include "tests/support/temp_dir.h"

namespace coffer {
namespace {

std::string ReadAll(InputStream& stream) {
  std::string all;
  std::array<std::byte, 3> piece = {};
  while (!stream.ended()) {
    const auto count = stream.Read(piece);
    EXPECT_TRUE(count.ok());
    if (!count.ok()) break;
    all += AsText(ByteView(piece).first(*count));
  }
  return all;
}

TEST(InputStreamTest, FileComesInPiecesToItsEnd) {
  TempDir folder;
  ASSERT_TRUE(WriteFileDurably(folder / "file", AsBytes("seven b"), 0600).ok());
  ASSERT_EQ(symlink("file", (folder / "link").c_str()), 0);
  auto stream = InputStream::Open(folder / "link");
  ASSERT_TRUE(stream.ok());
  EXPECT_FALSE(stream->ended());
  EXPECT_EQ(ReadAll(*stream), "seven b");
  std::array<std::byte, 3> more = {};
  EXPECT_EQ(*stream->Read(more), 0U);
}

TEST(InputStreamTest, PipeComesToItsEnd) {
  TempDir folder;
  const std::string path = folder / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&path] {
    const UniqueFd end(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    for (const char* part : {"a", "bcdef"}) EXPECT_GT(write(end.get(), part, std::string_view(part).size()), 0);
  });
  auto stream = InputStream::Open(path);
  ASSERT_TRUE(stream.ok());
  EXPECT_EQ(ReadAll(*stream), "abcdef");
  writer.join();
}

TEST(InputStreamTest, WhatCannotBeReadIsSaid) {
  TempDir folder;
  EXPECT_EQ(InputStream::Open(folder / "missing").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(InputStream::Open("").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(InputStream::Open(std::string("a\0b", 3)).error().code(), ErrorCode::kInvalidArgument);
  auto of_folder = InputStream::Open(folder.path());
  ASSERT_TRUE(of_folder.ok());
  std::array<std::byte, 3> piece = {};
  EXPECT_EQ(of_folder->Read(piece).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(of_folder->ended());
}

}  // namespace
}  // namespace coffer
