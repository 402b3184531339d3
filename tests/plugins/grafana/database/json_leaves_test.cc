#include "plugins/grafana/database/json_leaves.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace coffer::grafana {
namespace {

// "path key parent depth text", with "-" for what is no string.
std::vector<std::string> LeavesOf(std::string_view json, bool* ok = nullptr) {
  std::vector<std::string> leaves;
  const Status read = ForEachJsonLeaf(json, [&leaves](const JsonLeaf& leaf) {
    leaves.push_back(std::string(leaf.path) + "|" + std::string(leaf.key) + "|" + std::string(leaf.parent) + "|" +
                     std::to_string(leaf.depth) + "|" + (leaf.is_string ? std::string(leaf.text) : "-"));
  });
  if (ok != nullptr) *ok = read.ok();
  return leaves;
}

using Leaves = std::vector<std::string>;

TEST(JsonLeavesTest, PathsNameKeysAndIndexes) {
  EXPECT_EQ(LeavesOf(R"({"a": "x", "b": [{"c": 1, "d": {"e": "y"}}, "z", [true]], "f": null})"),
            (Leaves{"a|a||1|x", "b[0].c|c|b|3|-", "b[0].d.e|e|d|4|y", "b[1]|b||2|z", "b[2][0]|b||3|-"}));
}

TEST(JsonLeavesTest, KeyThatHoldsASecretIsHiddenAndTold) {
  const std::string json = R"({"a": {"https://u:s3cr3tcanary@h/": {"b": "x"}, "c": "y"},
      "ghp_012345678901234567890123456789abcdef": 1, "http:\/\/u:s3cr3tcanary@h": []})";
  EXPECT_EQ(LeavesOf(json), (Leaves{"a.<key>.b|b|https://u:s3cr3tcanary@h/|3|x", "a.c|c|a|2|y",
                                    "<key>|ghp_012345678901234567890123456789abcdef||1|-"}));
  Leaves keys;
  const auto on_key = [&keys](std::string_view path, MisplacedKind kind) {
    keys.push_back(std::string(path) + "|" + std::string(MisplacedKindName(kind)));
  };
  EXPECT_TRUE(ForEachJsonLeaf(
                  json, [](const JsonLeaf&) {}, on_key)
                  .ok());
  EXPECT_EQ(keys, (Leaves{"a.<key>|url-password", "<key>|github-token", "<key>|url-password"}));
}

TEST(JsonLeavesTest, TheShortestSecretsInKeysAreHidden) {
  for (const std::string name :
       {"a://b:c@d", "host=a;pwd=b", "xoxb-4711471147-canaryscan", "AKIAIOSFODNN7EXAMPLE", "a:b@tcp(c)/"}) {
    const Leaves leaves = LeavesOf("{\"" + name + "\": 1}");
    ASSERT_EQ(leaves.size(), 1U);
    EXPECT_TRUE(leaves[0].starts_with("<key>|")) << name;
  }
}

TEST(JsonLeavesTest, NullCountsAsAnElementAndIsNoLeaf) { EXPECT_EQ(LeavesOf(R"([null, "x"])"), (Leaves{"[1]|||1|x"})); }

TEST(JsonLeavesTest, ATextThatIsOneValueHasAnEmptyPath) {
  EXPECT_EQ(LeavesOf(R"("x")"), (Leaves{"|||0|x"}));
  EXPECT_EQ(LeavesOf("7"), (Leaves{"|||0|-"}));
  EXPECT_EQ(LeavesOf("null"), Leaves{});
  EXPECT_EQ(LeavesOf("{}"), Leaves{});
}

TEST(JsonLeavesTest, BothOfADuplicateKeyAreGiven) {
  EXPECT_EQ(LeavesOf(R"({"a": "first", "a": "second"})"), (Leaves{"a|a||1|first", "a|a||1|second"}));
}

TEST(JsonLeavesTest, EscapesAreDecoded) { EXPECT_EQ(LeavesOf(R"({"a": "\u0041\/\n"})"), (Leaves{"a|a||1|A/\n"})); }

TEST(JsonLeavesTest, WhatIsNoJsonIsRefusedAfterItsLeaves) {
  bool ok = true;
  EXPECT_EQ(LeavesOf(R"({"a": "x", "b")", &ok), (Leaves{"a|a||1|x"}));
  EXPECT_FALSE(ok);
  for (const std::string_view bad : {"", "{", "x", "{'a': 1}", "[1] 2", "{\"a\": \"\xff\"}", "[1e999]", "nul"}) {
    LeavesOf(bad, &ok);
    EXPECT_FALSE(ok) << bad;
  }
}

TEST(JsonLeavesTest, DepthIsLimited) {
  const std::string at_limit = std::string(kMaxJsonDepth, '[') + "1" + std::string(kMaxJsonDepth, ']');
  EXPECT_TRUE(ForEachJsonLeaf(at_limit, [](const JsonLeaf&) {}).ok());
  const Status deeper = ForEachJsonLeaf("[" + at_limit + "]", [](const JsonLeaf&) {});
  ASSERT_FALSE(deeper.ok());
  EXPECT_EQ(deeper.error().ToString(), "is nested deeper than allowed (limit 128)");
  const std::string bomb(1'000'000, '[');
  EXPECT_FALSE(ForEachJsonLeaf(bomb, [](const JsonLeaf&) {}).ok());
}

TEST(JsonLeavesTest, LongPathsAreCutBetweenCharacters) {
  std::string deep;
  for (int i = 0; i < 20; ++i) deep += "{\"" + std::string(20, 'k') + "\xC3\xA9\":";
  deep += "\"x\"" + std::string(20, '}');
  ForEachJsonLeaf(deep, [](const JsonLeaf& leaf) {
    EXPECT_LE(leaf.path.size(), kMaxJsonPath);
    EXPECT_TRUE(leaf.path.ends_with("..."));
    EXPECT_EQ(leaf.path.find('\xFF'), std::string_view::npos);
    EXPECT_EQ(leaf.depth, 20U);
  }).ok();
  const std::string long_key = "{\"" + std::string(100'000, 'k') + "\": {\"b\": \"x\"}}";
  const Leaves leaves = LeavesOf(long_key);
  ASSERT_EQ(leaves.size(), 1U);
  EXPECT_TRUE(leaves[0].starts_with(std::string(64, 'k') + "....b|b|kkk"));
}

}  // namespace
}  // namespace coffer::grafana
