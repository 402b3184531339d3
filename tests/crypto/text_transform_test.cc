#include "crypto/text_transform.h"

#include <gtest/gtest.h>

#include "tests/crypto/index_fixture.h"

namespace coffer {
namespace {

Transform T(std::string_view text) { return Transform::Parse(text).value(); }

// The text after the transforms, or "refused".
std::string After(const std::vector<std::string_view>& names, std::string_view text) {
  std::vector<Transform> transforms;
  for (std::string_view name : names) transforms.push_back(T(name));
  const auto result = ApplyTransforms(transforms, text);
  if (result.ok()) return Revealed(*result);
  EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument);
  return "refused";
}

constexpr std::string_view kAll[] = {"trim",        "nfkc_casefold", "ascii_casefold",   "digits",
                                     "email_local", "email_domain",  "email_strip_plus", "first:1",
                                     "first:255",   "last:4",        "last:255",         "e164",
                                     "e164:49",     "e164:1",        "e164:999"};

TEST(TransformTest, EveryNameComesBack) {
  for (std::string_view name : kAll) EXPECT_EQ(T(name).ToText(), name);
}

TEST(TransformTest, ParseRefusesEverythingElse) {
  for (std::string_view bad : {"",
                               "Trim",
                               "trim ",
                               " trim",
                               "trim:",
                               "trim:1",
                               "nfkc",
                               "nfkc_casefold:15",
                               "upper",
                               "first",
                               "first:",
                               "first:0",
                               "first:01",
                               "first:256",
                               "first:65536",
                               "first:+1",
                               "first:-1",
                               "first: 1",
                               "first:1 ",
                               "first:1x",
                               "first:99999999999999999999",
                               "last",
                               "last:0x1",
                               "last:1:1",
                               "e164:",
                               "e164:0",
                               "e164:049",
                               "e164:1000",
                               "e164:+49",
                               "e164:39",
                               "e164:225",
                               "e164:242",
                               "e164:378",
                               ":1",
                               "digits:4",
                               "email_local:1"}) {
    EXPECT_EQ(CodeOf(Transform::Parse(bad)), "invalid_argument") << bad;
  }
}

TEST(TransformTest, TrimDropsEveryWhiteSpaceAndNothingElse) {
  for (std::string_view space :
       {"\t",     "\n",     "\v",     "\f",     "\r",     " ",      "\u0085", "\u00A0", "\u1680",
        "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
        "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000"}) {
    const std::string text = std::string(space) + "a" + std::string(space) + "b" + std::string(space);
    EXPECT_EQ(After({"trim"}, text), "a" + std::string(space) + "b");
    EXPECT_EQ(After({"trim"}, std::string(space) + std::string(space)), "");
  }
  for (std::string_view other : {"\x08", "\x0e", "\x1c", "\x1f", "\u180E", "\u200B", "\u2060", "\uFEFF"}) {
    EXPECT_EQ(After({"trim"}, other), other);
  }
}

TEST(TransformTest, DigitsKeepsAsciiDigits) {
  EXPECT_EQ(After({"digits"}, "+49 (0) 171/23\u0661x"), "49017123");
  EXPECT_EQ(After({"digits"}, "none"), "");
}

TEST(TransformTest, EmailPartsSplitAtTheLastAt) {
  EXPECT_EQ(After({"email_local"}, "a@b@c"), "a@b");
  EXPECT_EQ(After({"email_domain"}, "a@b@c"), "c");
  EXPECT_EQ(After({"email_strip_plus"}, "a+x@b"), "a@b");
  EXPECT_EQ(After({"email_strip_plus"}, "a@b"), "a@b");
  EXPECT_EQ(After({"email_strip_plus"}, "+a@b"), "+a@b") << "a number is no tag";
  for (std::string_view bad : {"", "a", "@", "@b", "a@"}) {
    EXPECT_EQ(After({"email_local"}, bad), "refused") << bad;
    EXPECT_EQ(After({"email_domain"}, bad), "refused") << bad;
    EXPECT_EQ(After({"email_strip_plus"}, bad), "refused") << bad;
  }
}

TEST(TransformTest, FirstAndLastCountCodePoints) {
  constexpr std::string_view kText = "a\u00e4\u4e2d\U0001F511";
  EXPECT_EQ(After({"first:1"}, kText), "a");
  EXPECT_EQ(After({"first:3"}, kText), "a\u00e4\u4e2d");
  EXPECT_EQ(After({"first:4"}, kText), kText);
  EXPECT_EQ(After({"first:5"}, kText), kText);
  EXPECT_EQ(After({"last:1"}, kText), "\U0001F511");
  EXPECT_EQ(After({"last:3"}, kText), "\u00e4\u4e2d\U0001F511");
  EXPECT_EQ(After({"last:255"}, kText), kText);
  EXPECT_EQ(After({"last:4"}, ""), "");
}

TEST(TransformTest, PhoneNumbersHaveOneForm) {
  for (std::string_view text : {"0171 1234567", "+49 171 1234567", "0049171-123.45.67", "(0171) 1234567",
                                "+49 (171) 1234567", "171/1234567", "(0) 171 1234567", "+49\u00A01711234567"}) {
    EXPECT_EQ(After({"e164:49"}, text), "+491711234567") << text;
  }
  EXPECT_EQ(After({"e164:1"}, "(212) 555-0100"), "+12125550100");
  for (std::string_view bad : {"", "+", "00", "0", "+49 (0) 171 1234567", "0049 (0)171 1234567", "+0171", "+49x171",
                               "1+71 12345", "tel:+491711234567", "+49171\t1234567", "12", "+1234567890123456",
                               "\u0661\u0662\u0663\u0664\u0665\u0666\u0667"}) {
    EXPECT_EQ(After({"e164:49"}, bad), "refused") << bad;
  }
  EXPECT_EQ(After({"e164"}, "0171 1234567"), "refused") << "national, and no country is declared";
  EXPECT_EQ(After({"e164"}, "+49 171 1234567"), "+491711234567");
}

TEST(ApplyTransformsTest, RefusesWhatIsNoText) {
  for (std::string_view bad : {std::string_view("a\0", 2), std::string_view("\xff"), std::string_view("\xc0\x80"),
                               std::string_view("\xed\xa0\x80"), std::string_view("\xf4\x90\x80\x80"),
                               std::string_view("\xe4\xb8"), std::string_view("\x80")}) {
    EXPECT_EQ(CodeOf(ApplyTransforms({}, bad)), "invalid_argument");
    EXPECT_EQ(After({"first:1"}, bad), "refused");
  }
}

TEST(ApplyTransformsTest, LimitsHoldAtFirstAndAfterEachStep) {
  EXPECT_EQ(After({}, std::string(65536, 'a')).size(), 65536U);
  EXPECT_EQ(After({}, std::string(65537, 'a')), "refused");
  EXPECT_EQ(After({"first:1"}, std::string(65537, 'a')), "refused");
  std::string grows;
  for (int i = 0; i < 3000; ++i) grows += "\uFDFA";  // 3 bytes become 33
  EXPECT_EQ(After({"nfkc_casefold"}, grows), "refused");
  EXPECT_EQ(After({"nfkc_casefold"}, grows.substr(0, 3 * 1900)).size(), 1900U * 33);
  const std::vector<Transform> eight(8, T("trim"));
  const std::vector<Transform> nine(9, T("trim"));
  EXPECT_EQ(CodeOf(ApplyTransforms(eight, "a")), "ok");
  EXPECT_EQ(CodeOf(ApplyTransforms(nine, "a")), "invalid_argument");
}

TEST(ApplyTransformsTest, UnknownTransformIsRefused) {
  const Transform unknown[] = {{static_cast<TransformKind>(99), 0}};
  EXPECT_EQ(CodeOf(ApplyTransforms(unknown, "a")), "invalid_argument");
}

TEST(ApplyTransformsTest, ErrorsHoldNothingOfTheText) {
  for (std::string_view name : {"email_local", "e164", "nfkc_casefold"}) {
    const Transform transforms[] = {T(name)};
    const auto refused = ApplyTransforms(transforms, "hunter2\u0378");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().ToString().find("hunter2"), std::string::npos);
  }
}

// Each code point alone and between letters, for each transform that is idempotent.
TEST(ApplyTransformsTest, AllButTheEmailPartsAreIdempotent) {
  std::size_t accepted = 0;
  for (std::string_view name : kAll) {
    if (name == "email_local" || name == "email_domain" || name == "nfkc_casefold") continue;
    const Transform transforms[] = {T(name)};
    for (std::uint32_t point = 1; point < 0x110000; point += point < 0x3100 ? 1 : 97) {
      if (point >= 0xD800 && point < 0xE000) continue;
      const std::string c = Utf8Of(point);
      for (const std::string& text : {c, c + "a+b" + c + "@" + c, c + "+4917112345" + c}) {
        const auto once = ApplyTransforms(transforms, text);
        if (!once.ok()) continue;
        ASSERT_EQ(Revealed(*ApplyTransforms(transforms, Revealed(*once))), Revealed(*once)) << name << " " << point;
        ++accepted;
      }
    }
  }
  EXPECT_GT(accepted, 100000U);
}

TEST(UnicodeVersionTest, IsAVersion) {
  const std::string_view version = UnicodeVersion();
  EXPECT_GE(version.size(), 5U);
  EXPECT_EQ(version.find_first_not_of("0123456789."), version.npos) << version;
}

}  // namespace
}  // namespace coffer
