#include "cli/search_term.h"

#include <gtest/gtest.h>

namespace coffer::cli {
namespace {

PlannedIndex IndexOf(IndexKind kind, std::size_t parts = 1) {
  PlannedIndex index;
  index.name = "i";
  index.kind = kind;
  index.parts = parts;
  return index;
}

using Terms = std::vector<std::string>;

TermOptions In(PlainForm form) {
  TermOptions options;
  options.form = form;
  return options;
}

TermOptions Anchored(bool at_start, bool at_end) {
  TermOptions options;
  options.at_start = at_start;
  options.at_end = at_end;
  return options;
}

TEST(SplitTerms, OneValueIsAllButTheLastLineEnd) {
  const std::vector<std::pair<std::string, std::string>> cases = {{"", ""},         {"\n", ""},     {"a", "a"},
                                                                  {"a\n", "a"},     {"a\r\n", "a"}, {"a\n\n", "a\n"},
                                                                  {"a\nb", "a\nb"}, {"a\r", "a\r"}};
  for (const auto& [text, term] : cases) {
    const auto terms = SplitTerms(text, 1);
    ASSERT_TRUE(terms.ok()) << text;
    EXPECT_EQ(*terms, Terms{term}) << text;
  }
}

TEST(SplitTerms, SeveralValuesAreALineEach) {
  const std::vector<std::pair<std::string, Terms>> cases = {
      {"1\n9", {"1", "9"}}, {"1\n9\n", {"1", "9"}}, {"1\r\n9\r\n", {"1", "9"}}, {"\n", {}}, {"\n\n", {"", ""}}};
  for (const auto& [text, wanted] : cases) {
    const auto terms = SplitTerms(text, 2);
    ASSERT_EQ(terms.ok(), !wanted.empty()) << text;
    if (terms.ok()) {
      EXPECT_EQ(*terms, wanted) << text;
    }
  }
  EXPECT_EQ(*SplitTerms("a\nb\nc\n", 3), (Terms{"a", "b", "c"}));
}

TEST(SplitTerms, AnotherNumberOfLinesIsRefused) {
  for (const char* text : {"", "1", "1\n", "1\n2\n3", "1\n2\n\n", "1\n2\n3\n4\n"}) {
    const auto terms = SplitTerms(text, 2);
    ASSERT_FALSE(terms.ok()) << text;
    EXPECT_EQ(terms.error().exit_code, kExitUsage);
    EXPECT_EQ(terms.error().sentence, "the search term must have 2 lines, one a value");
  }
}

TEST(SearchFor, EachKindHasItsOwnTerm) {
  EXPECT_EQ(SearchFor(IndexOf(IndexKind::kEquality), {"a"}, {})->equals(), "a");
  EXPECT_EQ(SearchFor(IndexOf(IndexKind::kPrefix), {"a"}, {})->begins_with(), "a");
  const auto piece = SearchFor(IndexOf(IndexKind::kNgram), {"a"}, Anchored(true, false));
  EXPECT_EQ(piece->contains().text(), "a");
  EXPECT_TRUE(piece->contains().at_start());
  EXPECT_FALSE(piece->contains().at_end());
  const auto range = SearchFor(IndexOf(IndexKind::kRange), {"1", "9"}, {});
  EXPECT_EQ(range->between().low(), "1");
  EXPECT_EQ(range->between().high(), "9");
  const auto parts = SearchFor(IndexOf(IndexKind::kCompound, 2), {"a", "b"}, {});
  ASSERT_EQ(parts->parts().values_size(), 2);
  EXPECT_EQ(parts->parts().values(1), "b");
  EXPECT_EQ(parts->index(), "i");
}

TEST(SearchFor, TheNumberOfTermsIsTheKinds) {
  EXPECT_EQ(TermsOf(IndexOf(IndexKind::kEquality)), 1U);
  EXPECT_EQ(TermsOf(IndexOf(IndexKind::kRange)), 2U);
  EXPECT_EQ(TermsOf(IndexOf(IndexKind::kCompound, 3)), 3U);
}

TEST(SearchFor, Base64IsDecodedValueByValue) {
  const TermOptions base64 = In(PlainForm::kBase64);
  EXPECT_EQ(SearchFor(IndexOf(IndexKind::kEquality), {"/wo="}, base64)->equals(), "\xff\n");
  EXPECT_EQ(SearchFor(IndexOf(IndexKind::kCompound, 2), {"YQ==", ""}, base64)->parts().values(0), "a");
}

TEST(SearchFor, WhatIsNoBase64IsRefusedAndNotRepeated) {
  const auto search = SearchFor(IndexOf(IndexKind::kEquality), {"canary"}, In(PlainForm::kBase64));
  ASSERT_FALSE(search.ok());
  EXPECT_EQ(search.error().exit_code, kExitUsage);
  EXPECT_EQ(search.error().sentence.find("canary"), std::string::npos);
}

TEST(SearchFor, AnchorsOfAnotherKindAreRefused) {
  for (const IndexKind kind : {IndexKind::kEquality, IndexKind::kPrefix, IndexKind::kRange, IndexKind::kCompound}) {
    for (const TermOptions& options : {Anchored(true, false), Anchored(false, true)}) {
      const auto search = SearchFor(IndexOf(kind, 2), {"a", "b"}, options);
      ASSERT_FALSE(search.ok());
      EXPECT_EQ(search.error().exit_code, kExitUsage);
    }
  }
}

}  // namespace
}  // namespace coffer::cli
