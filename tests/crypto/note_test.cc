#include "crypto/note.h"

#include <gtest/gtest.h>

#include "tests/crypto/note_vectors.h"

namespace coffer {
namespace {

constexpr std::string_view kLine = "— a AAAAAAA=\n";

std::string WithLines(std::size_t count) {
  std::string note = "text\n\n";
  for (std::size_t i = 0; i < count; ++i) note += kLine;
  return note;
}

TEST(SignedNoteTest, KnownNotesParseAndGiveTheSameBytesAgain) {
  for (const KnownNote& known : kKnownNotes) {
    const auto note = SignedNote::Parse(known.note);
    ASSERT_TRUE(note.ok()) << known.name;
    EXPECT_EQ(note->ToText(), known.note);
    EXPECT_EQ(note->signatures.size(), 1U);
    EXPECT_EQ(note->signatures[0].bytes.size(), 64U);
  }
  const auto note = SignedNote::Parse(kPublicCheckpoint);
  ASSERT_TRUE(note.ok());
  EXPECT_EQ(note->ToText(), kPublicCheckpoint);
  EXPECT_EQ(note->signatures.size(), 6U);
}

TEST(SignedNoteTest, TheLastEmptyLineEndsTheText) {
  const struct {
    std::string_view note;
    std::string_view text;
  } cases[] = {{"a\n\n— a AAAAAAA=\n", "a\n"},
               {"a\n\nb\n\n— a AAAAAAA=\n", "a\n\nb\n"},
               {"a\n\n\n— a AAAAAAA=\n", "a\n\n"},
               {"\n\n— a AAAAAAA=\n", "\n"},
               {"a\n\n— a AAAAAAA=\n\n— a AAAAAAA=\n", "a\n\n— a AAAAAAA=\n"},
               {"Sic \xc3\xa8 \xf0\x9f\x94\x91\n\n— a AAAAAAA=\n", "Sic \xc3\xa8 \xf0\x9f\x94\x91\n"}};
  for (const auto& c : cases) {
    const auto note = SignedNote::Parse(c.note);
    ASSERT_TRUE(note.ok()) << c.note;
    EXPECT_EQ(note->text, c.text);
    EXPECT_EQ(note->ToText(), c.note);
  }
}

TEST(SignedNoteTest, SignatureLinesHaveNameKeyIdAndBytes) {
  const SignedNote note = SignedNote::Parse("t\n\n— example.com/\xc3\xa9 AQIDBAU=\n").value();
  EXPECT_EQ(note.signatures[0].name, "example.com/\xc3\xa9");
  EXPECT_EQ(note.signatures[0].key_id.value, 0x01020304U);
  EXPECT_EQ(note.signatures[0].bytes, Bytes{std::byte{5}});
}

TEST(SignedNoteTest, MalformedNotesAreRefused) {
  const struct {
    const char* name;
    std::string note;
  } cases[] = {
      {"empty", ""},
      {"a newline", "\n"},
      {"two newlines", "\n\n"},
      {"no signatures", "text\n"},
      {"an empty line and no signatures", "text\n\n"},
      {"no empty line", "text\n— a AAAAAAA=\n"},
      {"no newline at the end", "text\n\n— a AAAAAAA="},
      {"text without a newline", "text— a AAAAAAA=\n"},
      {"an empty line behind", "text\n\n— a AAAAAAA=\n\n"},
      {"a line that is no signature", "text\n\n— a AAAAAAA=\nmore\n"},
      {"a hyphen", "text\n\n- a AAAAAAA=\n"},
      {"an en dash", "text\n\n– a AAAAAAA=\n"},
      {"two dashes", "text\n\n—— a AAAAAAA=\n"},
      {"no space behind the dash", "text\n\n—a AAAAAAA=\n"},
      {"two spaces behind the dash", "text\n\n—  a AAAAAAA=\n"},
      {"a space in front", "text\n\n — a AAAAAAA=\n"},
      {"no name", "text\n\n—  AAAAAAA=\n"},
      {"name only", "text\n\n— a\n"},
      {"name and space", "text\n\n— a \n"},
      {"two spaces behind the name", "text\n\n— a  AAAAAAA=\n"},
      {"a plus in the name", "text\n\n— a+b AAAAAAA=\n"},
      {"a no-break space in the name",
       "text\n\n— a\xc2\xa0"
       "b AAAAAAA=\n"},
      {"an ideographic space in the name", "text\n\n— a\xe3\x80\x80 AAAAAAA=\n"},
      {"a space at the end", "text\n\n— a AAAAAAA= \n"},
      {"base64 without padding", "text\n\n— a AAAAAAA\n"},
      {"base64url", "text\n\n— a AAAA__8=\n"},
      {"unused bits", "text\n\n— a AAAAAAB=\n"},
      {"key id only", "text\n\n— a AAAAAA==\n"},
      {"three bytes", "text\n\n— a AAAA\n"},
      {"not UTF-8 in the text",
       "te\xff"
       "t\n\n— a AAAAAAA=\n"},
      {"a surrogate", "te\xed\xa0\x80t\n\n— a AAAAAAA=\n"},
      {"not UTF-8 in a name", "text\n\n— \xff AAAAAAA=\n"},
      {"a carriage return", "text\r\n\n— a AAAAAAA=\n"},
      {"a tab", "te\tt\n\n— a AAAAAAA=\n"},
      {"a NUL", std::string("te\0t\n\n— a AAAAAAA=\n", 20)},
      {"a carriage return at the end", "text\n\n— a AAAAAAA=\r\n"},
      {"too many signatures", WithLines(kMaxNoteSignatures + 1)},
      {"too long", std::string(kMaxNoteSize, 'a') + WithLines(1)},
  };
  for (const auto& c : cases) {
    const auto note = SignedNote::Parse(c.note);
    ASSERT_FALSE(note.ok()) << c.name;
    EXPECT_EQ(note.error().code(), ErrorCode::kInvalidArgument) << c.name;
  }
}

TEST(SignedNoteTest, TheLimitsThemselvesAreAllowed) {
  EXPECT_TRUE(SignedNote::Parse(WithLines(kMaxNoteSignatures)).ok());
  const std::string longest = std::string(kMaxNoteSize - WithLines(1).size(), 'a') + WithLines(1);
  EXPECT_TRUE(SignedNote::Parse(longest).ok());
  EXPECT_FALSE(SignedNote::Parse('a' + longest).ok());
}

TEST(SignedNoteTest, ErrorsNameTheLine) {
  EXPECT_EQ(SignedNote::Parse("a\nb\n\n— a AAAAAAA=\n— b\n").error().line(), 5U);
  EXPECT_EQ(SignedNote::Parse("a\n\n- a AAAAAAA=\n").error().line(), 3U);
}

TEST(KeyNameTest, IsOneWordOfUnicode) {
  for (const std::string_view name : {"a", "example.com/foo", "coffer/5acf2349-5267-7809-9a38-25188778f680", "\xc3\xa9",
                                      "a\x7f", "\xf0\x9f\x94\x91", "a:b=c"}) {
    EXPECT_TRUE(IsKeyName(name)) << name;
  }
}

TEST(KeyNameTest, SpacesPlusAndControlsAreRefused) {
  for (const std::string_view name :
       {"", " ", "a b", "a+b", "a\n", "\ta", "a\x1f", "\xff", "a\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x80",
        "a\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"}) {
    EXPECT_FALSE(IsKeyName(name)) << ToHex(AsBytes(name));
  }
  EXPECT_FALSE(IsKeyName(std::string_view("a\0", 2)));
}

// Every code point with Unicode's property White_Space, and those on both sides of a range.
TEST(KeyNameTest, NoOtherCodePointIsASpace) {
  for (const std::string_view name :
       {"\xc2\x84", "\xc2\x86", "\xc2\x9f", "\xc2\xa1", "\xe1\x9a\x81", "\xe1\xa0\x8e", "\xe2\x80\x8b", "\xe2\x80\xa7",
        "\xe2\x80\xaa", "\xe2\x80\xb0", "\xe2\x81\x9e", "\xe2\x81\xa0", "\xe3\x80\x81", "\xef\xbb\xbf"}) {
    EXPECT_TRUE(IsKeyName(name)) << ToHex(AsBytes(name));
  }
}

}  // namespace
}  // namespace coffer
