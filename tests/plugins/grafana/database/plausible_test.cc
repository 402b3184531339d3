#include "plugins/grafana/database/plausible.h"

#include <cmath>

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "tests/plugins/grafana/database/known_answers.h"

namespace coffer::grafana {
namespace {

using known_answers::Secret;

std::optional<double> TextBits(std::string_view text) { return PlausibleBits(Secret(text), PlaintextKind::kText); }
std::optional<double> JsonBits(std::string_view text) {
  return PlausibleBits(Secret(text), PlaintextKind::kJsonObject);
}

// Calls `visit` with every string of `size` bytes.
void ForEachString(std::size_t size, const std::function<void(const std::string&)>& visit) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < std::size_t{1} << (8 * size); ++i) {
    for (std::size_t j = 0; j < size; ++j) text[j] = static_cast<char>(i >> (8 * j));
    visit(text);
  }
}

TEST(Plausible, WhatGrafanaKeepsIsText) {
  for (const std::string_view text :
       {"pg-password-1", "a", " ", "\t\r\n", "~!", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
        "ein Schl\xC3\xBCssel", "\xE9\x8D\xB5", "\xF0\x9F\x94\x91", "{\"a\":1}", ""}) {
    EXPECT_TRUE(TextBits(text)) << text;
  }
}

TEST(Plausible, WhatDoesNotShowIsNoText) {
  for (const std::string& text :
       {std::string(1, '\0'), std::string("a\0b", 3), std::string("\x1B[0m"), std::string("\x7F"), std::string("\x80"),
        std::string("\xC2\x80"), std::string("\xC2\x9F"), std::string("\xC0\x80"), std::string("\xED\xA0\x80"),
        std::string("a\xC3"), std::string("\xFF"), std::string("\v"), std::string("\f")}) {
    EXPECT_FALSE(TextBits(text)) << text;
  }
  EXPECT_TRUE(TextBits("\xC2\xA0"));
}

TEST(Plausible, OnlyObjectsAreJsonObjects) {
  for (const std::string_view text : {"{}", R"({"password":"x"})", R"({"a":{"b":[1,2,null]},"c":"\u0000"})"}) {
    EXPECT_TRUE(JsonBits(text)) << text;
  }
  for (const std::string_view text : {"", "{", "}", "[]", "\"a\"", "1", "null", "{]", "{a}", "{\"a\"}", "{}{}", "{}\n",
                                      " {}", "{\"a\":1,}", "{\"a\":\"\x01\"}", "{\"a\":\"\xFF\"}", "text"}) {
    EXPECT_FALSE(JsonBits(text)) << text;
  }
}

TEST(Plausible, BitsAreAsTheHeaderSays) {
  EXPECT_EQ(TextBits(""), 0);
  EXPECT_NEAR(*TextBits("a"), 1.746, 0.001);
  EXPECT_NEAR(*TextBits("Z9"), 2 * 1.746, 0.001);
  EXPECT_NEAR(*TextBits("-"), 0.152, 0.001);
  EXPECT_NEAR(*TextBits("\n"), 0.152, 0.001);
  EXPECT_NEAR(*TextBits("\xC3\xBC"), -0.883, 0.001);
  EXPECT_NEAR(*TextBits("\xE9\x8D\xB5"), 1.093, 0.001);
  EXPECT_NEAR(*TextBits("\xF0\x9F\x94\x91"), 4, 0.001);
  EXPECT_NEAR(*TextBits("pg-password-1"), 11 * 1.746 + 2 * 0.152, 0.01);
  EXPECT_EQ(*JsonBits("{}"), 16);
  EXPECT_NEAR(*JsonBits(R"({"a":1})"), 16 + 2 * 1.746 + 3 * 0.152, 0.01);
}

// The promise that the verdicts stand on: over all strings of a size, 2^bits is 1 on average at most.
TEST(Plausible, EvidenceIsNeverOverstated) {
  for (const PlaintextKind kind : {PlaintextKind::kText, PlaintextKind::kJsonObject}) {
    for (const std::size_t size : {0U, 1U, 2U}) {
      double sum = 0;
      ForEachString(size, [&sum, kind](const std::string& text) {
        const std::optional<double> bits = PlausibleBits(Secret(text), kind);
        if (bits) sum += std::exp2(*bits);
      });
      const double most = std::exp2(8.0 * static_cast<double>(size));
      EXPECT_LE(sum, most) << size;
      EXPECT_GE(sum, kind == PlaintextKind::kText ? 0.9 * most : 0) << size << ": and not needlessly understated";
    }
  }
}

TEST(Plausible, RandomBytesPassAsOftenAsTheHeaderSays) {
  const auto passing = [](std::size_t size) {
    int count = 0;
    ForEachString(size, [&count](const std::string& text) { count += TextBits(text) ? 1 : 0; });
    return count / std::exp2(8.0 * static_cast<double>(size));
  };
  EXPECT_NEAR(passing(1), 0.38, 0.01);
  EXPECT_NEAR(passing(2), 0.175, 0.001);
  for (int i = 0; i < 1000; ++i) {
    std::string random(64, '\0');
    FillRandom(AsMutableBytes(random));
    EXPECT_FALSE(TextBits(random));
    EXPECT_FALSE(JsonBits("{" + random + "}"));
  }
}

}  // namespace
}  // namespace coffer::grafana
