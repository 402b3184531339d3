#include "io/internal/erasing_vfs.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "io/fault_vfs.h"
#include "io/file.h"
#include "io/sqlite.h"
#include "tests/support/temp_dir.h"

namespace coffer::internal {
namespace {

constexpr std::size_t kPage = 512;
constexpr std::byte kStale{0xAA};

// A page full of stale bytes, but for its header.
Bytes PageOf(int type, std::size_t cells, std::size_t content, std::size_t header = 0) {
  Bytes page(kPage, kStale);
  const auto put = [&](std::size_t at, std::size_t value) {
    page[header + at] = static_cast<std::byte>(value >> 8);
    page[header + at + 1] = static_cast<std::byte>(value & 0xff);
  };
  page[header] = static_cast<std::byte>(type);
  put(3, cells);
  put(5, content);
  return page;
}

// Where zeroes are, as first and one past the last; {0, 0} when nothing was touched.
std::pair<std::size_t, std::size_t> Zeroed(Bytes page, bool first) {
  const Bytes before = page;
  ZeroGap(page, first);
  std::size_t start = 0;
  while (start < page.size() && page[start] == before[start]) ++start;
  if (start == page.size()) return {0, 0};
  std::size_t end = page.size();
  while (page[end - 1] == before[end - 1]) --end;
  EXPECT_TRUE(std::all_of(page.begin() + static_cast<std::ptrdiff_t>(start),
                          page.begin() + static_cast<std::ptrdiff_t>(end),
                          [](std::byte b) { return b == std::byte{0}; }));
  return {start, end};
}

using Range = std::pair<std::size_t, std::size_t>;

TEST(ZeroGapTest, TouchesWhatIsBetweenTheListOfCellsAndTheCells) {
  EXPECT_EQ(Zeroed(PageOf(10, 3, 300), false), Range(8 + 6, 300));
  EXPECT_EQ(Zeroed(PageOf(13, 1, 500), false), Range(8 + 2, 500));
  EXPECT_EQ(Zeroed(PageOf(2, 3, 300), false), Range(12 + 6, 300));
  EXPECT_EQ(Zeroed(PageOf(5, 10, 40), false), Range(12 + 20, 40));
  EXPECT_EQ(Zeroed(PageOf(10, 0, kPage), false), Range(8, kPage));
  EXPECT_EQ(Zeroed(PageOf(13, 4, 400, 100), true), Range(108 + 8, 400)) << "behind the file's header";
}

TEST(ZeroGapTest, LeavesOtherPagesAlone) {
  const struct {
    const char* what;
    Bytes page;
    bool first;
  } cases[] = {
      {"an overflow page", PageOf(0, 3, 300), false},
      {"an overflow page of a large file", PageOf(1, 3, 300), false},
      {"no type", PageOf(3, 3, 300), false},
      {"no type", PageOf(255, 3, 300), false},
      {"cells before their list ends", PageOf(10, 200, 300), false},
      {"cells beyond the page", PageOf(10, 3, kPage + 1), false},
      {"the first page's type is behind the header", PageOf(10, 3, 300), true},
      {"no gap", PageOf(10, 146, 300), false},
      {"65,536 in a small page", PageOf(10, 3, 0), false},
  };
  for (const auto& other : cases) EXPECT_EQ(Zeroed(other.page, other.first), Range(0, 0)) << other.what;
}

TEST(ZeroGapTest, LargestPageHasItsContentAtZero) {
  Bytes page(65'536, kStale);
  page[0] = std::byte{10};
  page[3] = page[4] = page[5] = page[6] = std::byte{0};
  ZeroGap(page, false);
  EXPECT_EQ(std::count(page.begin() + 8, page.end(), std::byte{0}), 65'528);
}

TEST(ErasingVfsTest, UnknownBaseIsRefused) {
  EXPECT_EQ(ErasingVfs::Over("no-such-layer").error().code(), ErrorCode::kInternal);
}

TEST(ErasingVfsTest, LayersOfOneBaseHaveDifferentNames) {
  const auto one = ErasingVfs::Over("");
  const auto two = ErasingVfs::Over("");
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_NE((*one)->name(), (*two)->name());
}

// On the system's own layer and on the one in memory: rows that were spread over more pages leave no second copy.
class ErasedCopiesTest : public testing::TestWithParam<bool> {};

TEST_P(ErasedCopiesTest, EachRowIsInTheFileOnce) {
  const TempDir folder;
  const FaultVfs memory(1);
  const bool on_disk = GetParam();
  const SqliteOptions options{on_disk ? folder / "test.db" : "test.db", on_disk ? "" : memory.name(), 0};
  const auto database = SqliteDatabase::Open(options);
  ASSERT_TRUE(database.ok());
  ASSERT_TRUE((*database)->Execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) WITHOUT ROWID").ok());
  for (int i = 0; i < 400; ++i) {
    const std::string number = std::to_string(i * 7919 % 400);
    ASSERT_TRUE((*database)
                    ->Execute("INSERT INTO t VALUES (" + number + ", 'canary-" + number + "-' || hex(zeroblob(" +
                              std::to_string(20 + i % 90) + ")))")
                    .ok());
  }
  ASSERT_TRUE((*database)->TruncateLog().ok());
  const Bytes content = on_disk ? ReadFile(options.path, 16 << 20).value() : memory.Contents();
  for (int i = 0; i < 400; ++i) {
    const std::string canary = "canary-" + std::to_string(i) + "-";
    const std::size_t once = AsText(content).find(canary);
    ASSERT_NE(once, std::string_view::npos) << canary;
    EXPECT_EQ(AsText(content).find(canary, once + 1), std::string_view::npos) << canary;
  }
  EXPECT_TRUE((*database)->QuickCheck().ok());
}

INSTANTIATE_TEST_SUITE_P(Layers, ErasedCopiesTest, testing::Bool());

}  // namespace
}  // namespace coffer::internal
