#include "crypto/token_form.h"

#include <functional>

#include <gtest/gtest.h>

#include "tests/crypto/index_fixture.h"

namespace coffer {
namespace {

using Change = std::function<void(TokenForm&)>;

TEST(TokenFormTest, AcceptsTheFormsOfTheFormat) {
  for (std::uint16_t bits = 1; bits <= 63; ++bits) {
    EXPECT_EQ(CodeOf(EqualityForm(TokenColumn::kInt8, bits).Validate()), "ok") << bits;
    EXPECT_EQ(CodeOf(EqualityForm(TokenColumn::kInt4, bits).Validate()), bits <= 31 ? "ok" : "invalid_argument");
  }
  EXPECT_EQ(CodeOf(EqualityForm(TokenColumn::kBytea, 128).Validate()), "ok");
  EXPECT_EQ(CodeOf(EqualityForm(TokenColumn::kBytea, 256).Validate()), "ok");
  EXPECT_EQ(CodeOf(PrefixForm({1, 3, 255}, 3).Validate()), "ok");
  EXPECT_EQ(CodeOf(NgramForm(2, 1).Validate()), "ok");
  EXPECT_EQ(CodeOf(NgramForm(16, 255).Validate()), "ok");
  EXPECT_EQ(CodeOf(RangeForm(0, ~std::uint64_t{0}, 1, 64).Validate()), "ok");
}

TEST(TokenFormTest, RefusesBytesOfOtherSizes) {
  for (std::uint16_t bits : std::initializer_list<std::uint16_t>{0, 1, 63, 64, 127, 129, 255, 257, 512}) {
    EXPECT_EQ(CodeOf(EqualityForm(TokenColumn::kBytea, bits).Validate()), "invalid_argument") << bits;
  }
}

TEST(TokenFormTest, RefusesWhatNoKindHas) {
  const std::pair<const char*, Change> cases[] = {
      {"profile", [](TokenForm& f) { f.profile = 0; }},
      {"no bits", [](TokenForm& f) { f.bits = 0; }},
      {"too many bits", [](TokenForm& f) { f.bits = 64; }},
      {"column", [](TokenForm& f) { f.column = static_cast<TokenColumn>(9); }},
      {"kind", [](TokenForm& f) { f.kind = static_cast<IndexKind>(0); }},
      {"another kind", [](TokenForm& f) { f.kind = static_cast<IndexKind>(6); }},
      {"no partitions", [](TokenForm& f) { f.partitions = 0; }},
      {"too many partitions", [](TokenForm& f) { f.partitions = 257; }},
      {"count", [](TokenForm& f) { f.count = 1; }},
      {"n", [](TokenForm& f) { f.n = 3; }},
      {"lengths", [](TokenForm& f) { f.lengths = {3}; }},
      {"domain",
       [](TokenForm& f) {
         f.domain = RangeDomain{0, 5, 1};
       }},
      {"passes",
       [](TokenForm& f) {
         f.slow = SlowCost{0, 8192};
       }},
      {"too many passes",
       [](TokenForm& f) {
         f.slow = SlowCost{17, 8192};
       }},
      {"memory",
       [](TokenForm& f) {
         f.slow = SlowCost{1, 8191};
       }},
      {"too much memory",
       [](TokenForm& f) {
         f.slow = SlowCost{1, 262145};
       }},
  };
  for (const auto& [name, change] : cases) {
    TokenForm form = EqualityForm();
    change(form);
    EXPECT_EQ(CodeOf(form.Validate()), "invalid_argument") << name;
  }
}

TEST(TokenFormTest, RefusesBadArrays) {
  const std::pair<const char*, Change> cases[] = {
      {"no count", [](TokenForm& f) { f.count = 0; }},
      {"int4", [](TokenForm& f) { f.column = TokenColumn::kInt4, f.bits = 31; }},
      {"bytea", [](TokenForm& f) { f.column = TokenColumn::kBytea, f.bits = 128; }},
      {"too few bits", [](TokenForm& f) { f.bits = 9; }},
      {"too few bits for many", [](TokenForm& f) { f.bits = 31, f.count = 193; }},
      {"n of 1", [](TokenForm& f) { f.n = 1; }},
      {"n of 17", [](TokenForm& f) { f.n = 17; }},
      {"slow", [](TokenForm& f) { f.slow = SlowCost{}; }},
      {"lengths of n-grams", [](TokenForm& f) { f.lengths = {3}; }},
      {"domain of n-grams",
       [](TokenForm& f) {
         f.domain = RangeDomain{0, 5, 1};
       }},
  };
  for (const auto& [name, change] : cases) {
    TokenForm form = NgramForm(3, 20);
    ASSERT_EQ(CodeOf(form.Validate()), "ok");
    change(form);
    EXPECT_EQ(CodeOf(form.Validate()), "invalid_argument") << name;
  }
  EXPECT_EQ(CodeOf(PrefixForm({}, 3).Validate()), "invalid_argument");
  EXPECT_EQ(CodeOf(PrefixForm({0}, 3).Validate()), "invalid_argument");
  EXPECT_EQ(CodeOf(PrefixForm({2, 2}, 3).Validate()), "invalid_argument");
  EXPECT_EQ(CodeOf(PrefixForm({3, 2}, 3).Validate()), "invalid_argument");
  EXPECT_EQ(CodeOf(PrefixForm({1, 2, 3}, 2).Validate()), "invalid_argument");
  EXPECT_EQ(CodeOf(RangeForm(0, 13, 1, 3).Validate()), "invalid_argument");
  EXPECT_EQ(CodeOf(RangeForm(0, 13, 9, 4).Validate()), "invalid_argument");
  EXPECT_EQ(CodeOf(RangeForm(13, 13, 1, 4).Validate()), "invalid_argument");
}

}  // namespace
}  // namespace coffer
