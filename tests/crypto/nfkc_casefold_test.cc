#include "crypto/internal/nfkc_casefold.h"

#include <random>

#include <gtest/gtest.h>
#include <utf8proc.h>

#include "tests/crypto/index_fixture.h"

namespace coffer::internal {
namespace {

constexpr std::size_t kMax = 65536;
constexpr const char* kRefused = "refused";

std::string Folded(std::string_view text) {
  const auto folded = NfkcCasefold(text, kMax);
  return folded.ok() ? std::string(folded->begin(), folded->end()) : kRefused;
}

// utf8proc's own way, with its own memory.
std::string MappedByTheLibrary(std::string_view text, unsigned options) {
  utf8proc_uint8_t* out = nullptr;
  const auto size = utf8proc_map(AsUnsigned(AsBytes(text)), static_cast<utf8proc_ssize_t>(text.size()), &out,
                                 static_cast<utf8proc_option_t>(options));
  if (size < 0) return kRefused;
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(out, &std::free);
  return {out, out + size};
}

std::string DecomposedByTheLibrary(std::string_view text) {
  return MappedByTheLibrary(text, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_REJECTNA);
}

std::string FoldedByTheLibrary(std::string_view text) {
  return MappedByTheLibrary(DecomposedByTheLibrary(text),
                            UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
}

bool IsSurrogate(std::uint32_t point) { return point >= 0xD800 && point < 0xE000; }

TEST(NfkcCasefoldTest, EveryCodePointIsFoldedAsTheLibraryDoesAndIdempotent) {
  std::size_t refused = 0;
  std::size_t accepted = 0;
  for (std::uint32_t point = 1; point < 0x110000; ++point) {
    if (IsSurrogate(point)) continue;
    const std::string text = Utf8Of(point);
    const std::string once = Folded(text);
    ASSERT_EQ(once, FoldedByTheLibrary(text)) << point;
    if (once == kRefused) {
      ++refused;
      continue;
    }
    ASSERT_EQ(Folded(once), once) << point;
    ++accepted;
  }
  std::cout << "code points: " << accepted << " folded, " << refused << " refused as unassigned\n";
  EXPECT_GT(accepted, 280000U);
  EXPECT_GT(refused, 800000U);
}

// Why one pass is enough for texts, too: a canonical composite that the composition can make decomposes, with folding,
// to no more than its canonical decomposition. So what a second pass decomposes is what the first composed.
TEST(NfkcCasefoldTest, MarksAfterEveryCodePointStayIdempotent) {
  for (std::uint32_t point = 1; point < 0x30000; ++point) {
    if (IsSurrogate(point)) continue;
    for (std::string_view marks :
         {"\u0301", "\u0345", "\u0307\u0323", "\u0345\u0301", "\u0327\u00AD\u0301", "\u1161"}) {
      const std::string text = Utf8Of(point) + std::string(marks);
      const std::string once = Folded(text);
      if (once == kRefused) break;
      ASSERT_EQ(Folded(once), once) << point << " " << marks;
    }
  }
}

TEST(NfkcCasefoldTest, TextsAreFoldedAsTheLibraryDoesAndIdempotent) {
  std::mt19937_64 random(11);
  const std::pair<std::uint32_t, std::uint32_t> ranges[] = {{0x20, 0x7E},     {0xA0, 0x24F},    {0x300, 0x36F},
                                                            {0x370, 0x3FF},   {0x1100, 0x11FF}, {0xAC00, 0xAD00},
                                                            {0x1E00, 0x1FFF}, {0xFB00, 0xFDFF}, {0x1D100, 0x1D200}};
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (std::uint64_t n = random() % 12 + 1; n > 0; --n) {
      const auto& [low, high] = ranges[random() % std::size(ranges)];
      text += Utf8Of(low + static_cast<std::uint32_t>(random() % (high - low + 1)));
    }
    const std::string once = Folded(text);
    ASSERT_EQ(once, FoldedByTheLibrary(text)) << ToHex(AsBytes(text));
    if (once == kRefused) continue;
    ASSERT_EQ(Folded(once), once) << ToHex(AsBytes(text));
    ASSERT_EQ(Folded(DecomposedByTheLibrary(text)), once) << ToHex(AsBytes(text)) << ": canonically equal";
    ++accepted;
  }
  EXPECT_GT(accepted, 5000);
}

// By toNFKC_Casefold alone the second would become U+03B1 U+03AF.
TEST(NfkcCasefoldTest, CanonicallyEqualTextsBecomeEqual) {
  for (std::string_view same : {"\u1FB4", "\u1FB3\u0301", "\u03B1\u0301\u0345", "\u03B1\u0345\u0301", "\u03AC\u0345"}) {
    EXPECT_EQ(Folded(same), "\u03AC\u03B9") << ToHex(AsBytes(same));
  }
}

TEST(NfkcCasefoldTest, MarksAreOrderedAndKeepTheirOrderWithinAClass) {
  EXPECT_EQ(Folded("q\u0307\u0323"), "q\u0323\u0307");
  EXPECT_EQ(Folded("q\u0307\u0308"), "q\u0307\u0308");
  EXPECT_EQ(Folded("q\u0308\u0307"), "q\u0308\u0307");
  EXPECT_EQ(Folded("\u0307\u0323"), "\u0323\u0307") << "also without a letter in front";
}

// utf8proc_map would exchange every pair of these, a hundred million times.
TEST(NfkcCasefoldTest, LongRunsOfMarksAreOrdered) {
  std::string text = "q";
  for (int i = 0; i < 16000; ++i) text += "\u0307";
  for (int i = 0; i < 16000; ++i) text += "\u0323";
  const std::string folded = Folded(text);
  ASSERT_EQ(folded.size(), text.size());
  EXPECT_EQ(folded.substr(0, 5), "q\u0323\u0323");
  EXPECT_EQ(folded.substr(folded.size() - 4), "\u0307\u0307");
}

TEST(NfkcCasefoldTest, UnassignedCodePointsAreRefused) {
  for (std::string_view bad : {"\u0378", "a\u0378", "\u0378\u0301", "\uFFFE", "\uFFFF", "\U0001FFFF", "\U0010FFFF"}) {
    EXPECT_EQ(CodeOf(NfkcCasefold(bad, kMax)), "invalid_argument") << ToHex(AsBytes(bad));
  }
  EXPECT_EQ(Folded("\uE000"), "\uE000") << "private use is assigned";
}

TEST(NfkcCasefoldTest, ResultIsLimited) {
  EXPECT_EQ(CodeOf(NfkcCasefold("abc", 3)), "ok");
  EXPECT_EQ(CodeOf(NfkcCasefold("abcd", 3)), "invalid_argument");
  EXPECT_EQ(CodeOf(NfkcCasefold("\uFDFA", 33)), "ok");
  EXPECT_EQ(CodeOf(NfkcCasefold("\uFDFA", 32)), "invalid_argument");
  EXPECT_EQ(CodeOf(NfkcCasefold("\u0132\u0132", 3)), "invalid_argument") << "four letters";
  EXPECT_EQ(CodeOf(NfkcCasefold("", 0)), "ok");
}

}  // namespace
}  // namespace coffer::internal
