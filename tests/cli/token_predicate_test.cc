#include "cli/token_predicate.h"

#include <gtest/gtest.h>

namespace coffer::cli {
namespace {

PlannedIndex IndexOf(IndexKind kind, bool unique = false) {
  PlannedIndex index;
  index.kind = kind;
  index.unique = unique;
  return index;
}

v1::IndexVersionTokens Tokens(std::uint32_t version, const std::vector<std::vector<std::int64_t>>& sets,
                              v1::TokenMatch match = v1::TOKEN_MATCH_ANY) {
  v1::IndexVersionTokens tokens;
  tokens.set_version(version);
  tokens.set_match(match);
  for (const auto& numbers : sets) {
    v1::TokenSet& set = *tokens.add_sets();
    for (const std::int64_t number : numbers) set.add_numbers(number);
  }
  return tokens;
}

TEST(PredicateOf, ASingleTokenIsComparedAndItsVersionToo) {
  EXPECT_EQ(PredicateOf(IndexOf(IndexKind::kEquality), Tokens(2, {{5, 7}}), "email_exact"),
            "email_exact_iv = 2 AND email_exact IN (5, 7)");
  EXPECT_EQ(PredicateOf(IndexOf(IndexKind::kCompound), Tokens(1, {{5}}), "full_name"),
            "full_name_iv = 1 AND full_name IN (5)");
}

TEST(PredicateOf, ArraysOverlapOrContain) {
  EXPECT_EQ(PredicateOf(IndexOf(IndexKind::kRange), Tokens(1, {{1, 2}}), "a_b"), "a_b_iv = 1 AND a_b && '{1,2}'");
  EXPECT_EQ(PredicateOf(IndexOf(IndexKind::kNgram), Tokens(1, {{1, 2}}, v1::TOKEN_MATCH_ALL), "a_b"),
            "a_b_iv = 1 AND a_b @> '{1,2}'");
}

TEST(PredicateOf, ASetAPartitionIsAnyOfThem) {
  EXPECT_EQ(PredicateOf(IndexOf(IndexKind::kNgram), Tokens(1, {{1, 2}, {3}}, v1::TOKEN_MATCH_ALL), "a_b"),
            "a_b_iv = 1 AND (a_b @> '{1,2}' OR a_b @> '{3}')");
}

TEST(PredicateOf, BytesAreByteaOfAUniqueIndexesOwnColumn) {
  v1::IndexVersionTokens tokens = Tokens(1, {{}});
  tokens.mutable_sets(0)->add_bytes(std::string("\0\xff", 2));
  tokens.mutable_sets(0)->add_bytes("a");
  const PlannedIndex index = IndexOf(IndexKind::kEquality, true);
  EXPECT_EQ(PredicateOf(index, tokens, "a_b"), "a_b IN ('\\x00ff', '\\x61')");
  tokens.set_version(12);
  EXPECT_EQ(PredicateOf(index, tokens, "a_b"), "a_b_12 IN ('\\x00ff', '\\x61')");
}

TEST(PredicateOf, AllVersionsStandInParentheses) {
  v1::IndexAnswer answer;
  *answer.add_versions() = Tokens(1, {{5}});
  *answer.add_versions() = Tokens(2, {{6}});
  EXPECT_EQ(PredicateOf(IndexOf(IndexKind::kEquality), answer, "a_b"),
            "(a_b_iv = 1 AND a_b IN (5)\n OR a_b_iv = 2 AND a_b IN (6))");
}

TEST(PredicateOf, NothingToLookForFindsNothing) {
  EXPECT_EQ(PredicateOf(IndexOf(IndexKind::kEquality), v1::IndexAnswer(), "a_b"), "FALSE");
  EXPECT_EQ(PredicateOf(IndexOf(IndexKind::kEquality), Tokens(1, {}), "a_b"), "FALSE");
  EXPECT_EQ(PredicateOf(IndexOf(IndexKind::kNgram), Tokens(1, {{}}, v1::TOKEN_MATCH_ALL), "a_b"), "FALSE");
}

TEST(PredicateOf, NamesThatCouldBeKeywordsOrAreFoldedAreQuoted) {
  const PlannedIndex index = IndexOf(IndexKind::kEquality);
  EXPECT_EQ(PredicateOf(index, Tokens(1, {{5}}), "token"), "token_iv = 1 AND \"token\" IN (5)");
  EXPECT_EQ(PredicateOf(index, Tokens(1, {{5}}), "u.E_x"), "\"u\".\"E_x_iv\" = 1 AND \"u\".\"E_x\" IN (5)");
}

TEST(IsColumnName, TakesNamesWithAnAliasAndNothingElse) {
  for (const char* text : {"a", "_", "email_exact", "u.email_exact", "A9.b_1"}) EXPECT_TRUE(IsColumnName(text)) << text;
  for (const char* text : {"", ".", "a.", ".a", "a.b.c", "1a", "a.1b", "a b", "a\"", "a;--", "a'", "a-b", "\xc3\xa9"}) {
    EXPECT_FALSE(IsColumnName(text)) << text;
  }
}

}  // namespace
}  // namespace coffer::cli
