#include "audit/text_form.h"

#include <gtest/gtest.h>

namespace coffer::audit {
namespace {

// RFC 4648 section 10.
TEST(Base64Test, MatchesRfc4648) {
  const struct {
    std::string_view bytes;
    std::string_view text;
  } cases[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"}};
  for (const auto& c : cases) {
    EXPECT_EQ(ToBase64(AsBytes(c.bytes)), c.text);
    const auto bytes = FromBase64(c.text);
    ASSERT_TRUE(bytes.ok()) << c.text;
    EXPECT_EQ(AsText(*bytes), c.bytes);
  }
}

TEST(Base64Test, UsesPlusAndSlash) {
  const Bytes bytes = {std::byte{0xFB}, std::byte{0xFF}, std::byte{0xBF}};
  EXPECT_EQ(ToBase64(bytes), "+/+/");
  EXPECT_EQ(FromBase64("+/+/").value(), bytes);
}

TEST(Base64Test, OtherSpellingsAreRefused) {
  for (const std::string_view text :
       {"Zg",   "Zg=",      "Zg===", "Zm8",    "Zm8==", "=",    "==",   "====",    "Z===",     "Zh==",
        "Zm9=", "Zm8=Zg==", "Z g=",  "Zg==\n", " Zg==", "Zm-v", "Zm_v", "Zm9\xc3", "Zm9v====", "Z=g="}) {
    const auto bytes = FromBase64(text);
    ASSERT_FALSE(bytes.ok()) << text;
    EXPECT_EQ(bytes.error().code(), ErrorCode::kInvalidArgument);
  }
}

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
}  // namespace coffer::audit
