#include "crypto/base64.h"

#include <gtest/gtest.h>

namespace coffer {
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

}  // namespace
}  // namespace coffer
