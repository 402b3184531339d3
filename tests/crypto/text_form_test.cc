#include "crypto/text_form.h"

#include <gtest/gtest.h>

namespace coffer {
namespace {

TEST(DigestFromBase64Test, TakesThirtyTwoBytesOnly) {
  const Digest digest = Sha256({AsBytes("x")});
  EXPECT_EQ(DigestFromBase64(ToBase64(digest)).value(), digest);
  EXPECT_FALSE(DigestFromBase64("").ok());
  EXPECT_FALSE(DigestFromBase64(ToBase64(ByteView(digest).first(31))).ok());
  EXPECT_FALSE(DigestFromBase64(ToBase64(Bytes(33))).ok());
  EXPECT_FALSE(DigestFromBase64(ToHex(digest)).ok());
}

TEST(FromDecimalTest, TakesCanonicalNumbersUpToTheLimit) {
  constexpr std::uint64_t kMax = ~std::uint64_t{0};
  EXPECT_EQ(FromDecimal("0", kMax).value(), 0U);
  EXPECT_EQ(FromDecimal("7", 7).value(), 7U);
  EXPECT_EQ(FromDecimal("10", kMax).value(), 10U);
  EXPECT_EQ(FromDecimal("18446744073709551615", kMax).value(), kMax);
  EXPECT_EQ(FromDecimal("8", 7).error().limit(), 7U);
}

TEST(FromDecimalTest, OtherSpellingsAreRefused) {
  for (const std::string_view text : {"", "00", "01", "-1", "+1", " 1", "1 ", "1\n", "0x1", "1e3", "1.0", "a",
                                      "\xd9\xa1", "18446744073709551616", "99999999999999999999999999"}) {
    EXPECT_FALSE(FromDecimal(text, ~std::uint64_t{0}).ok()) << text;
  }
}

TEST(LineReaderTest, GivesWhatEndsWithANewline) {
  LineReader reader("a\n\nb\nrest");
  EXPECT_EQ(reader.Next(), "a");
  EXPECT_EQ(reader.line(), 1U);
  EXPECT_EQ(reader.Next(), "");
  EXPECT_EQ(reader.Next(), "b");
  EXPECT_EQ(reader.line(), 3U);
  EXPECT_EQ(reader.Next(), std::nullopt);
  EXPECT_EQ(reader.rest(), "rest");
  EXPECT_EQ(reader.line(), 3U);
}

}  // namespace
}  // namespace coffer
