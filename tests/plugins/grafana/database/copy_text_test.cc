#include "plugins/grafana/database/copy_text.h"

#include <optional>

#include <gtest/gtest.h>

namespace coffer::grafana {
namespace {

using Form = bool (*)(std::string_view, std::string&);

// Behind "<", which it must leave alone; nothing where it is refused.
std::optional<std::string> Read(Form form, std::string_view text) {
  std::string out = "<";
  if (!form(text, out)) return std::nullopt;
  EXPECT_TRUE(out.starts_with('<'));
  return out.substr(1);
}

TEST(CopyTextTest, HexIsPairsOfEitherCase) {
  EXPECT_EQ(Read(AppendHex, ""), "");
  EXPECT_EQ(Read(AppendHex, "00fFA9"), std::string("\x00\xff\xa9", 3));
  for (const char* bad : {"0", "0g", "g0", "0x00", " 00", "\xff\xff"})
    EXPECT_EQ(Read(AppendHex, bad), std::nullopt) << bad;
}

TEST(CopyTextTest, ByteaIsHexOrEscaped) {
  EXPECT_EQ(Read(AppendBytea, "\\x"), "");
  EXPECT_EQ(Read(AppendBytea, "\\x2A"), "*");
  EXPECT_EQ(Read(AppendBytea, "a\\\\b\\001\\377"), "a\\b\x01\xff");
  EXPECT_EQ(Read(AppendBytea, "x2a"), "x2a");
  for (const char* bad : {"\\x2", "\\x 2a", "\\", "a\\", "\\1", "\\12", "\\400", "\\018", "\\n"}) {
    EXPECT_EQ(Read(AppendBytea, bad), std::nullopt) << bad;
  }
}

TEST(CopyTextTest, FieldsOfCopyHaveEscapes) {
  EXPECT_EQ(Read(AppendCopyField, "plain"), "plain");
  EXPECT_EQ(Read(AppendCopyField, "\\b\\f\\n\\r\\t\\v\\\\\\q\\."), "\b\f\n\r\t\v\\q.");
  EXPECT_EQ(Read(AppendCopyField, "\\1018\\x412\\xg\\7"), "A8A2xg\a");
  EXPECT_EQ(Read(AppendCopyField, "\\x4g\\18\\9"),
            "\x04g\x01"
            "89");
  for (const char* bad : {"\\", "a\\\\\\"}) EXPECT_EQ(Read(AppendCopyField, bad), std::nullopt) << bad;
}

TEST(CopyTextTest, UnistrHasItsOwnEscapes) {
  EXPECT_EQ(Read(AppendUnistr, "a\\\\\\000a\\u00fc\\+01F600\\U0001F600"), "a\\\n\u00fc\U0001F600\U0001F600");
  EXPECT_EQ(Read(AppendUnistr, "\\u20ac"), "\u20ac");
  for (const char* bad : {"\\", "\\u", "\\u12", "\\12", "\\n000", "\\ud800", "\\U00110000", "\\+00000"}) {
    EXPECT_EQ(Read(AppendUnistr, bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace coffer::grafana
