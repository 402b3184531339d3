#include "crypto/bytes.h"

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

TEST(HexTest, RoundTripsAllBytes) {
  Bytes all;
  for (unsigned i = 0; i < 256; ++i) all.push_back(static_cast<std::byte>(i));
  EXPECT_EQ(FromHex(ToHex(all)).value(), all);
  EXPECT_EQ(ToHex(Hex("00FFaB")), "00ffab");
  EXPECT_TRUE(FromHex("").value().empty());
}

TEST(HexTest, RefusesWhatIsNoHex) {
  for (std::string_view bad : {"0", "000", "0g", "g0", "0 ", " 0", "0x", "--", "\xff\xff", "00\n"}) {
    EXPECT_EQ(FromHex(bad).error().code(), ErrorCode::kInvalidArgument) << bad;
  }
}

// RFC 4648 section 10, without padding.
TEST(Base64UrlTest, MatchesTheRfc) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"},
  };
  for (const auto& [plain, text] : cases) {
    EXPECT_EQ(ToBase64Url(AsBytes(plain)), text);
    EXPECT_EQ(AsText(FromBase64Url(text).value()), plain);
  }
}

TEST(Base64UrlTest, RoundTripsEveryLength) {
  Bytes bytes;
  for (unsigned i = 0; i < 200; ++i) {
    EXPECT_EQ(FromBase64Url(ToBase64Url(bytes)).value(), bytes);
    bytes.push_back(static_cast<std::byte>(i * 37));
  }
}

TEST(Base64UrlTest, RefusesAllButTheCanonicalForm) {
  for (std::string_view bad :
       {"Z", "Zm9vY", "Zg==", "Zg=", "Zh", "Zm9", "Zm8=", "Zm 9v", "Zm9v\n", "+/+/", "Zm9v.", "Z\xc3"}) {
    EXPECT_EQ(FromBase64Url(bad).error().code(), ErrorCode::kInvalidArgument) << bad;
  }
}

TEST(Utf8Test, AcceptsTheEdgesOfEachLength) {
  for (std::string_view good : {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                                "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "caf\xc3\xa9"}) {
    EXPECT_TRUE(IsUtf8(good)) << ToHex(AsBytes(good));
  }
  EXPECT_TRUE(IsUtf8(std::string_view("\0", 1)));
}

TEST(Utf8Test, RefusesOverlongSurrogateCutAndForeign) {
  for (std::string_view bad : {"\x80",
                               "\xbf",
                               "\xc0\x80",
                               "\xc1\xbf",
                               "\xc2",
                               "\xc2\x41",
                               "\xe0\x80\x80",
                               "\xe0\x9f\xbf",
                               "\xe1\x80",
                               "\xed\xa0\x80",
                               "\xed\xbf\xbf",
                               "\xf0\x80\x80\x80",
                               "\xf0\x8f\xbf\xbf",
                               "\xf4\x90\x80\x80",
                               "\xf5\x80\x80\x80",
                               "\xf8\x88\x80\x80\x80",
                               "\xfe",
                               "\xff",
                               "good\xff",
                               "\xe2\x82",
                               "\xf0\x9f\x94"}) {
    EXPECT_FALSE(IsUtf8(bad)) << ToHex(AsBytes(bad));
  }
}

TEST(EqualConstantTimeTest, ComparesSizeAndEveryByte) {
  const Bytes a = Hex("000102030405");
  EXPECT_TRUE(EqualConstantTime(a, CopyOf(a)));
  EXPECT_TRUE(EqualConstantTime({}, {}));
  EXPECT_FALSE(EqualConstantTime(a, {}));
  EXPECT_FALSE(EqualConstantTime(a, ByteView(a).first(5)));
  for (std::size_t i = 0; i < a.size(); ++i) {
    Bytes b = a;
    b[i] ^= std::byte{0x80};
    EXPECT_FALSE(EqualConstantTime(a, b)) << i;
  }
}

TEST(WipeTest, ZerosAllBytesAndTakesNone) {
  Bytes bytes = Hex("ffeeddcc");
  Wipe(bytes);
  EXPECT_EQ(bytes, Bytes(4));
  Wipe({});
}

TEST(ViewTest, TextAndBytesAreTheSameMemory) {
  std::string text = "abc";
  EXPECT_EQ(AsText(AsBytes(text)), "abc");
  AsMutableBytes(text)[1] = std::byte{'x'};
  EXPECT_EQ(text, "axc");
  EXPECT_EQ(AsUnsigned(AsBytes(text))[0], 'a');
  Bytes out = CopyOf(AsBytes(text));
  Append(out, AsBytes("d"));
  EXPECT_EQ(AsText(out), "axcd");
}

}  // namespace
}  // namespace coffer
