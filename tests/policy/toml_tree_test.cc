// Our reader of TOML: what it takes and what it refuses, and that toml++ reads the same.
#include "policy/internal/toml_tree.h"

#include <gtest/gtest.h>

#include "tests/policy/toml_oracle.h"

namespace coffer::policy {
namespace {

constexpr std::size_t kMax = 4096;

TEST(TomlTree, WhatIsTakenMeansTheSameToTheLibrary) {
  for (const char* text : {
           "",
           "a = 1",
           "a=-0\nb=+7\nc=9223372036854775807\nd=-9223372036854775808\n",
           "a=0.0\nb=+0.25\nc=-17.100\nd=0.000000000001\ne=[1.5,2.5]\n",
           "a=99999999999999999999999999999999999999999999999999999999999999.9",
           "a = true # b = false\n#\n \t\nb\t= false\r\n",
           "\"a b\" = 'c:\\d'\n'' = \"\"\n\"y\" . x = \"\\b\\t\\n\\f\\r\\\"\\\\\\u00fc\\U0001F600\\uFFFF\"\n",
           "a.b.c = 1\na.b.d = 2\na.e = 3\n",
           "[a]\nb = 1\n[ a . 'c' ]\nd = 2\n[e.f.g]\n[e]\nx.y = 1\nx.z = 2\n[e.f]\n",
           "[a.b.c]\n[a]\nd = 1\n",
           "a = []\nb = [ ]\nc = [1,\n 2 # two\n ,\n\n [3, 'x',], {y = 1}]\n",
           "a = {}\nb = {c = 1, d.e = [2], d.f = {g = \"h\"}}\n",
           "a = 2027-01-31T01:02:03Z\nb = 0001-01-01T00:00:00-23:59\nc = 9999-12-31T23:59:59+01:30\nd = "
           "2024-02-29T00:00:00Z",
           "1 = 1\n-_- = 2\n2.1 = 3\ntrue = false\n",
           "\"\xf0\x9f\x98\x80\" = \"\xe2\x80\xa8\" # \xc2\x85\n",
       }) {
    const Result<TomlNode> node = ParseToml(text, kMax);
    ASSERT_TRUE(node.ok()) << text << node.error().ToString();
    EXPECT_TRUE(SameAsLibrary(*node, text)) << text;
  }
}

TEST(TomlTree, MomentsAreUnixSeconds) {
  const auto instant = [](std::string_view text) {
    const Result<TomlNode> node = ParseToml("a = " + std::string(text), kMax);
    COFFER_CHECK(node.ok());
    const TomlNode* value = node->Find("a");
    return value->kind == TomlNode::Kind::kInstant ? value->integer : -1;
  };
  EXPECT_EQ(instant("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(instant("2000-03-01T00:00:00Z"), 951868800);
  EXPECT_EQ(instant("2100-03-01T00:00:00+00:30"), 4107540600);
  EXPECT_EQ(instant("1969-12-31T23:59:58Z"), -2);
}

TEST(TomlTree, DecimalsKeepTheirDigits) {
  const Result<TomlNode> node = ParseToml("a = [+0.250, -1.5, 10.0]", kMax);
  ASSERT_TRUE(node.ok());
  const std::vector<TomlNode>& items = node->Find("a")->items;
  for (const TomlNode& item : items) EXPECT_EQ(item.kind, TomlNode::Kind::kDecimal);
  EXPECT_EQ(items.at(0).text, "0.250");
  EXPECT_EQ(items.at(1).text, "-1.5");
  EXPECT_EQ(items.at(2).text, "10.0");
}

TEST(TomlTree, DecimalThatIsTooLongIsOfNoKind) {
  const std::string longest = "0." + std::string(kMaxTomlDecimal - 2, '1');
  EXPECT_EQ(ParseToml("a = " + longest, kMax)->Find("a")->kind, TomlNode::Kind::kDecimal);
  EXPECT_EQ(ParseToml("a = " + longest + "1", kMax)->Find("a")->kind, TomlNode::Kind::kOther);
}

TEST(TomlTree, ValuesLeftOutAreOfNoKind) {
  for (const char* word : {"1.",
                           ".5",
                           "01.0",
                           "1.0e3",
                           "1.0_1",
                           "1.0.0",
                           "+-1.0",
                           "1e3",
                           "0x1",
                           "1_000",
                           "01",
                           "+",
                           "-",
                           "9223372036854775808",
                           "inf",
                           "nan",
                           "True",
                           "1979-05-27",
                           "07:32:00",
                           "1979-05-27T07:32:00",
                           "1979-05-27t07:32:00Z",
                           "1979-05-27T07:32:00.5Z",
                           "1979-05-27T24:00:00Z",
                           "1979-02-29T00:00:00Z",
                           "1900-02-29T00:00:00Z",
                           "1979-13-01T00:00:00Z",
                           "1979-04-31T00:00:00Z",
                           "1979-05-27T07:60:00Z",
                           "1979-05-27T07:32:60Z",
                           "1979-05-27T07:32:00+24:00",
                           "1979-05-27T07:32:00+1:00",
                           "1979-05-27T07:32:00Zx",
                           "+1979-05-27T07:32:00Z",
                           "=",
                           "!",
                           "a.b",
                           "\xc8\xa1",
                           "--1",
                           "+-1",
                           "1979-05-27T7:32:00Z"}) {
    const Result<TomlNode> node = ParseToml("a = " + std::string(word), kMax);
    ASSERT_TRUE(node.ok()) << word;
    EXPECT_EQ(node->Find("a")->kind, TomlNode::Kind::kOther) << word;
  }
}

struct BadToml {
  std::string text;
  std::uint64_t line;
};

void ExpectRefused(const std::vector<BadToml>& cases) {
  for (const BadToml& bad : cases) {
    const Result<TomlNode> node = ParseToml(bad.text, kMax);
    ASSERT_FALSE(node.ok()) << bad.text;
    EXPECT_EQ(node.error().code(), ErrorCode::kInvalidArgument) << bad.text;
    EXPECT_EQ(node.error().line(), bad.line) << bad.text << ": " << node.error().ToString();
    EXPECT_EQ(node.error().path(), "") << bad.text;
  }
}

TEST(TomlTree, BrokenLinesAndKeysAreRefused) {
  ExpectRefused({
      {"a", 1},
      {"a =", 1},
      {"= 1", 1},
      {"a = 1 b = 2", 1},
      {"a = 1 2", 1},
      {"\na == \"x\"", 2},
      {"a = 5\"\xc8\xa1\"", 1},
      {"a = 5.\"\xc8\xa1\"", 1},
      {"a = 5=\"\xc8\xa1\"", 1},
      {"a = x[", 1},
      {"a = x{", 1},
      {"a.", 1},
      {"a. = 1", 1},
      {".a = 1", 1},
      {"a b = 1", 1},
      {"a\n= 1", 1},
      {"\xc3\xa4 = 1", 1},
      {"a\xc2\xa0 = 1", 1},
      {"a.b.c.d.e = 1", 1},
      {"[a.b.c.d.e]", 1},
  });
}

TEST(TomlTree, BrokenStringsAreRefused) {
  ExpectRefused({
      {"a = \"", 1},
      {"a = '", 1},
      {"a = \"x\ny\"", 1},
      {"a = \"\\", 1},
      {"a = \"\\x41\"", 1},
      {"a = \"\\e\"", 1},
      {"a = \"\\u12g4\"", 1},
      {"a = \"\\u12", 1},
      {"a = \"\\ud800\"", 1},
      {"a = \"\\U00110000\"", 1},
      {"a = \"\\U0001\"", 1},
      {"a = \"x\"\"y\"", 1},
      {"a = 'x'y", 1},
      {"a = \"\"\"x\"\"\"", 1},
      {"a = '''x'''", 1},
      {"a = \"\x7f\"", 1},
      {"a = '\x01'", 1},
      {"a = 'x\r'", 1},
      {"\"\"\"a\"\"\" = 1", 1},
      {"# \x01", 1},
      {"# a\rb", 1},
      {std::string("a = 1\n\0", 7), 2},
      {"a = 1\r", 1},
      {"a = \"\\\n\"", 1},
  });
}

TEST(TomlTree, BrokenTablesAreRefused) {
  ExpectRefused({
      {"[a", 1},
      {"[]", 1},
      {"[a]b = 1", 1},
      {"[a] [b]", 1},
      {"[[a]]", 1},
      {"[ [a]]", 1},
      {"[\\$", 1},
      {"\n[\xc8\xa1]", 2},
      {"[a\n]", 1},
      {"a = 1\na = 2", 2},
      {"a = 1\n\"a\" = 2", 2},
      {"a = 1\n[a]", 2},
      {"a = 1\na.b = 2", 2},
      {"[a]\n[a]", 2},
      {"[a]\n[\"a\"]", 2},
      {"[a.b]\n[a]\nb = 1", 3},
      {"[a.b]\n[a]\nb.c = 1", 3},
      {"a.b = 1\n[a]", 2},
      {"a = {}\n[a.b]", 2},
      {"a = {}\na.b = 1", 2},
      {"a = {b = 1, b = 2}", 1},
      {"a = {b.c = 1, b = 2}", 1},
      {"a = {b = {}, b.c = 2}", 1},
      {"a = [{}]\n[a.b]", 2},
      {"[a]\nb.c = 1\n[a.b.d]", 3},
  });
}

TEST(TomlTree, BrokenListsAndInlineTablesAreRefused) {
  ExpectRefused({
      {"a = [", 1},
      {"a = [1", 1},
      {"a = [1 2]", 1},
      {"a = [,]", 1},
      {"a = [1,,2]", 1},
      {"a = [\n1\n", 3},
      {"a = ]", 1},
      {"a = [}", 1},
      {"a = {", 1},
      {"a = {b}", 1},
      {"a = {b = 1,}", 1},
      {"a = {,}", 1},
      {"a = {b = 1", 1},
      {"a = {b = 1\n}", 1},
      {"a = {\nb = 1}", 1},
      {"a = {b = 1]", 1},
      {"a = }", 1},
      {"a = [[[[[1]]]]]", 1},
      {"a = [{b = [{c = [1]}]}]", 1},
      {"a = {b = 1 c = 2}", 1},
  });
}

TEST(TomlTree, LimitsHold) {
  EXPECT_TRUE(ParseToml("a = [[[[1]]]]", kMax).ok());
  EXPECT_TRUE(ParseToml("a.b.c.d = 1", kMax).ok());
  EXPECT_TRUE(ParseToml("a = 1", 5).ok());
  const Result<TomlNode> longer = ParseToml("a = 1", 4);
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().limit(), 4u);
  EXPECT_FALSE(ParseToml("a = \"\xff\"", kMax).ok());
  EXPECT_FALSE(ParseToml(std::string(kMax, '['), kMax).ok());
  EXPECT_FALSE(ParseToml("a = " + std::string(kMax - 4, '['), kMax).ok());
}

TEST(TomlTree, LinesOfKeysAndValuesAreKnown) {
  const Result<TomlNode> node = ParseToml("\n[a]\nb = [\n1,\n2]\n", kMax);
  ASSERT_TRUE(node.ok());
  const TomlNode* table = node->Find("a");
  EXPECT_EQ(table->line, 2u);
  EXPECT_EQ(table->entries.at("b")->key_line, 3u);
  EXPECT_EQ(table->Find("b")->items.at(1).line, 5u);
  EXPECT_EQ(table->Find("c"), nullptr);
}

}  // namespace
}  // namespace coffer::policy
