// The planner: both published rules, what it refuses, and that it says what leaks.
#include "policy/index_planner.h"

#include <cmath>

#include "policy/index_sentences.h"
#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

constexpr double kNoLimit = 256;

struct CoincidenceCase {
  double rows_log2;
  double value_bits;
  double taken_bits;
  BitRange expected;
};

// tests/Planner/FieldIndexPlannerTest.php of CipherSweet.
TEST(IndexPlanner, CoincidencesAreThoseOfCipherSweet) {
  const std::vector<CoincidenceCase> cases = {
      {16, kNoLimit, 0, {8, 15}}, {16, 14, 0, {8, 14}}, {8, kNoLimit, 0, {4, 7}},  {31, kNoLimit, 0, {16, 30}},
      {31, 24, 0, {16, 24}},      {31, 8, 0, {1, 8}},   {16, kNoLimit, 8, {1, 7}}, {31, kNoLimit, 8, {8, 22}},
  };
  for (const CoincidenceCase& one : cases) {
    EXPECT_EQ(BitsByCoincidences(std::exp2(one.rows_log2), one.value_bits, one.taken_bits), one.expected)
        << one.rows_log2 << " " << one.value_bits << " " << one.taken_bits;
  }
}

TEST(IndexPlanner, FewRowsAndFullTablesHaveNoNumberOfBits) {
  EXPECT_FALSE(BitsByCoincidences(2, kNoLimit, 0));
  EXPECT_FALSE(BitsByCoincidences(15, kNoLimit, 0));
  EXPECT_TRUE(BitsByCoincidences(16, kNoLimit, 0));
  EXPECT_FALSE(BitsByCoincidences(65536, kNoLimit, 15));
  EXPECT_TRUE(BitsByCoincidences(65536, kNoLimit, 14));
}

TEST(IndexPlanner, DistinctValuesAreThoseOfAwsBeacons) {
  EXPECT_EQ(BitsByDistinctValues(100000), (BitRange{9, 15}));  // the zip codes of its example
  EXPECT_EQ(BitsByDistinctValues(900000), (BitRange{10, 18}));
  EXPECT_EQ(BitsByDistinctValues(65536), (BitRange{9, 14}));  // both bounds are excluded
  for (const double few : {1.0, 2.0, 5.0, 8.0}) EXPECT_FALSE(BitsByDistinctValues(few)) << few;
}

IndexAssessment AssessOne(std::string_view index_lines, std::string_view expect = kExpect) {
  const CatalogAssessment assessment = AssessIndexes(MustParse(BareIndexCatalog(index_lines, expect)));
  COFFER_CHECK(assessment.indexes.size() == 1);
  return assessment.indexes.front();
}

std::string Equality(int bits) { return "kind = \"equality\"\nkeyring = \"k\"\nbits = " + std::to_string(bits) + "\n"; }

TEST(IndexPlanner, ExampleOfTheDocumentsIsGoodAsItIs) {
  const IndexAssessment exact = AssessOne(Equality(16));
  EXPECT_EQ(exact.advised, (BitRange{10, 18}));
  EXPECT_NEAR(exact.false_rows, 1e6 / 65536, 0.01);
  EXPECT_NEAR(exact.linkage, 65536.0 / (65536 + 900000 - 1), 1e-9);
  EXPECT_TRUE(exact.warnings.empty());
  EXPECT_TRUE(exact.refusals.empty());
  EXPECT_EQ(exact.leaks, std::vector{IndexLeak::kEqualValues});
}

TEST(IndexPlanner, BitsOutsideTheRangeAreWarnedAbout) {
  EXPECT_EQ(AssessOne(Equality(63)).warnings, std::vector{IndexWarning::kMoreBits});
  EXPECT_EQ(AssessOne(Equality(4)).warnings, std::vector{IndexWarning::kFewerBits});
  EXPECT_TRUE(AssessOne(Equality(128) + "unique = true").warnings.empty());
  EXPECT_FALSE(AssessOne(Equality(63)).IsRefused());
}

TEST(IndexPlanner, FalseRowsHalveAndLinkageGrowsWithEachBit) {
  double rows = 1e6;
  double linkage = 0;
  for (int bits = 1; bits <= 63; ++bits) {
    const IndexAssessment one = AssessOne(Equality(bits));
    EXPECT_NEAR(one.false_rows, rows / 2, rows / 2 * 0.01 + 1);
    EXPECT_GT(one.linkage, linkage);
    EXPECT_LE(one.linkage, 1);
    rows = one.false_rows;
    linkage = one.linkage;
  }
}

struct RefusedCase {
  const char* name;
  const char* expect;
  std::vector<IndexRefusal> refusals;
};

TEST(IndexPlanner, FewOrUnevenValuesAreRefused) {
  const std::vector<RefusedCase> cases = {
      {"boolean",
       "{ rows = 1000000, distinct = 2, top_share = 0.5 }",
       {IndexRefusal::kFewValues, IndexRefusal::kCommonValue}},
      {"five values",
       "{ rows = 1000000, distinct = 5, top_share = 0.2 }",
       {IndexRefusal::kFewValues, IndexRefusal::kCommonValue}},
      {"255 values", "{ rows = 1000000, distinct = 255, top_share = 0.01 }", {IndexRefusal::kFewValues}},
      {"256 values", "{ rows = 1000000, distinct = 256, top_share = 0.01 }", {}},
      {"a common value", "{ rows = 1000000, distinct = 900000, top_share = 0.0626 }", {IndexRefusal::kCommonValue}},
      {"a sixteenth", "{ rows = 1000000, distinct = 900000, top_share = 0.0625 }", {}},
      {"one row", "{ rows = 1, distinct = 1, top_share = 1 }", {IndexRefusal::kFewValues, IndexRefusal::kCommonValue}},
  };
  for (const RefusedCase& one : cases) {
    for (const std::string& index : {Equality(1), Equality(63), Equality(256),
                                     std::string("kind = \"ngram\"\nkeyring = \"k\"\nbits = 32\nn = 3\ncount = 9\n")}) {
      EXPECT_EQ(AssessOne(index, one.expect).refusals, one.refusals) << one.name;
      EXPECT_EQ(AssessOne(index, one.expect).IsRefused(), !one.refusals.empty()) << one.name;
      EXPECT_FALSE(AssessOne(index + "accept_leak = \"why\"", one.expect).IsRefused()) << one.name;
      EXPECT_EQ(AssessOne(index + "accept_leak = \"why\"", one.expect).refusals, one.refusals) << one.name;
    }
  }
}

TEST(IndexPlanner, WhatATransformLeavesIsJudgedByItsOwnExpectation) {
  const std::string last = Equality(10) + "transform = [\"last:4\"]\n";
  EXPECT_EQ(AssessOne(last + "expect = { rows = 1000000, distinct = 10, top_share = 0.11 }").refusals.size(), 2u);
  EXPECT_TRUE(AssessOne(last + "expect = { rows = 1000000, distinct = 5000, top_share = 0.01 }").refusals.empty());
}

struct FormCase {
  const char* name;
  std::string index;
  std::vector<IndexRefusal> refusals;
  std::uint64_t distinct;
};

TEST(IndexPlanner, ValuesThatTheFormCannotHaveDoNotCount) {
  const auto text = [](std::string_view transforms) {
    return Equality(16) + "expect = " + std::string(kExpect) + "\ntransform = " + std::string(transforms) + "\n";
  };
  const auto range = [](std::string_view ends) {
    return "kind = \"range\"\nkeyring = \"k\"\nbits = 32\n" + std::string(ends) + "\n";
  };
  const auto prefix = [](std::string_view lines) {
    return "kind = \"prefix\"\nkeyring = \"k\"\nbits = 32\nlengths = " + std::string(lines) + "\n";
  };
  const std::vector<IndexRefusal> few = {IndexRefusal::kFewValues};
  const std::vector<IndexRefusal> few_and_common = {IndexRefusal::kFewValues, IndexRefusal::kCommonValue};
  const std::vector<FormCase> cases = {
      {"a flag", range("type = \"int64\"\nmin = 0\nmax = 1"), few_and_common, 2},
      {"16 numbers", range("type = \"int64\"\nmin = -8\nmax = 7"), few, 16},
      {"255 numbers", range("type = \"int64\"\nmin = 1\nmax = 255"), few, 255},
      {"256 numbers", range("type = \"int64\"\nmin = 0\nmax = 255"), {}, 256},
      {"all numbers", range("type = \"int64\"\nmin = -9223372036854775808\nmax = 9223372036854775807"), {}, 900000},
      {"cents", range("type = \"decimal\"\nscale = 2\nmin = 0\nmax = 1"), few, 101},
      {"microseconds",
       range("type = \"timestamp\"\nmin = 2027-01-31T00:00:00Z\nmax = 2027-01-31T00:00:01Z"),
       {},
       900000},
      {"last digit", text("[\"digits\", \"last:1\"]"), few_and_common, 10},
      {"last 2 digits", text("[\"digits\", \"last:2\"]"), few, 100},
      {"last 3 digits", text("[\"digits\", \"last:3\"]"), {}, 1000},
      {"last 4 digits of 2", text("[\"digits\", \"last:2\", \"last:4\"]"), few, 100},
      {"digits of 2 characters", text("[\"last:2\", \"digits\"]"), few, 100},
      {"first letter", text("[\"nfkc_casefold\", \"first:1\"]"), few, 64},
      {"first letter, folded later", text("[\"first:1\", \"nfkc_casefold\"]"), few, 64},
      {"first 2 letters", text("[\"first:2\"]"), {}, 4096},
      {"+ and 2 digits", text("[\"e164\", \"first:3\"]"), few, 100},
      {"last 3 of a number", text("[\"e164\", \"last:3\"]"), {}, 1000},
      {"prefix of 1", prefix("[1, 5]"), {IndexRefusal::kFewValues, IndexRefusal::kShortPrefix}, 900000},
      {"prefix of 2", prefix("[2]"), {IndexRefusal::kShortPrefix}, 900000},
      {"prefix of 3", prefix("[3]"), {}, 900000},
      {"prefix of 2 digits",
       prefix("[2]\ntransform = [\"digits\"]"),
       {IndexRefusal::kFewValues, IndexRefusal::kShortPrefix},
       900000},
      {"prefix of 3 digits", prefix("[3]\ntransform = [\"digits\"]"), {}, 900000},
      {"prefix of + and 2 digits", prefix("[3]\ntransform = [\"e164\"]"), few, 900000},
  };
  for (const FormCase& one : cases) {
    const IndexAssessment assessment = AssessOne(one.index);
    EXPECT_EQ(assessment.refusals, one.refusals) << one.name;
    EXPECT_EQ(assessment.expect.distinct, one.distinct) << one.name;
    EXPECT_EQ(assessment.IsRefused(), !one.refusals.empty()) << one.name;
    EXPECT_FALSE(AssessOne(one.index + "accept_leak = \"why\"").IsRefused()) << one.name;
  }
}

std::string TwoFields(std::string_view first, std::string_view second, std::string_view class_of_second = "pii") {
  return "scope = \"shop\"\n[field.\"user.a\"]\nclass = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\nexpect = " +
         std::string(first) + "\n[field.\"user.b\"]\nclass = \"" + std::string(class_of_second) +
         "\"\nkeyring = \"k\"\nrow = \"uuid\"\nunbound = \"x\"\nexpect = " + std::string(second) +
         "\n[field.\"user.a\".index.both]\nkind = \"compound\"\nkeyring = \"k\"\nbits = 16\nparts = [\"user.a\", "
         "\"user.b\"]\n";
}

TEST(IndexPlanner, CompoundIsJudgedByItsCombinations) {
  const auto refusals = [](std::string_view a, std::string_view b) {
    return AssessIndexes(MustParse(TwoFields(a, b))).indexes.at(0).refusals;
  };
  const char* boolean = "{ rows = 1000000, distinct = 2, top_share = 0.5 }";
  const char* five = "{ rows = 1000000, distinct = 5, top_share = 0.3 }";
  const char* names = "{ rows = 1000000, distinct = 20000, top_share = 0.01 }";
  EXPECT_TRUE(refusals(boolean, names).empty());
  EXPECT_TRUE(refusals(names, five).empty());
  EXPECT_EQ(refusals(boolean, five).size(), 2u);
  const CatalogAssessment many = AssessIndexes(MustParse(TwoFields(names, names)));
  EXPECT_EQ(many.indexes.at(0).expect.distinct, 1000000u);  // not more than rows
  EXPECT_EQ(many.indexes.at(0).leaks.front(), IndexLeak::kEqualCombinations);
}

TEST(IndexPlanner, PartsOfACompoundCountAsFarAsTheirTransformsLeaveThem) {
  const auto refusals = [](std::string_view part) {
    std::string text = TwoFields(kExpect, kExpect);
    text.replace(text.find("[\"user.a\", \"user.b\"]"), 20, part);
    return AssessIndexes(MustParse(text + "expect = " + std::string(kExpect) + "\n")).indexes.at(0).refusals;
  };
  const std::string digit = "{ field = \"user.a\", transform = [\"digits\", \"last:1\"] }";
  const std::string two = "{ field = \"user.b\", transform = [\"digits\", \"first:2\"] }";
  const std::string one = "{ field = \"user.b\", transform = [\"digits\", \"first:1\"] }";
  EXPECT_TRUE(refusals("[" + digit + ", \"user.b\"]").empty());
  EXPECT_TRUE(refusals("[" + digit + ", " + two + "]").empty());
  EXPECT_EQ(refusals("[" + digit + ", " + one + "]"), std::vector{IndexRefusal::kFewValues});
}

TEST(IndexPlanner, SecretInACompoundIsASecret) {
  const CatalogAssessment assessment = AssessIndexes(MustParse(TwoFields(kExpect, kExpect, "secret")));
  EXPECT_EQ(assessment.indexes.at(0).refusals, std::vector{IndexRefusal::kSecret});
}

TEST(IndexPlanner, IndexesOfATableAreCountedTogether) {
  const CatalogAssessment one = AssessIndexes(MustParse(IndexCatalog("")));
  ASSERT_EQ(one.tables.size(), 1u);
  EXPECT_EQ(one.tables[0].table, "user");
  EXPECT_NEAR(one.tables[0].coincidences, 1e6 / 65536, 0.01);
  EXPECT_FALSE(one.tables[0].tells_rows_apart);
  const std::string more = "[field.\"user.email\".index.more]\nkind = \"equality\"\nkeyring = \"k\"\nbits = 4\n";
  const CatalogAssessment two = AssessIndexes(MustParse(IndexCatalog(more)));
  EXPECT_TRUE(two.tables[0].tells_rows_apart);
  EXPECT_NEAR(two.tables[0].taken_bits, 16 + 4, 1e-9);
}

TEST(IndexPlanner, MoreBitsThanValuesTakeNoMore) {
  const IndexAssessment exact = AssessOne(Equality(256), "{ rows = 1000000, distinct = 1024, top_share = 0.01 }");
  EXPECT_DOUBLE_EQ(exact.value_bits, 10);
  const CatalogAssessment all = AssessIndexes(
      MustParse(BareIndexCatalog(Equality(256), "{ rows = 1000000, distinct = 1024, top_share = 0.01 }")));
  EXPECT_DOUBLE_EQ(all.tables.at(0).taken_bits, 10);
}

TEST(IndexPlanner, DeterministicFieldsAreJudgedLikeAnIndexThatNobodyCanAccept) {
  const auto assess = [](std::string_view expect) {
    return AssessIndexes(
               MustParse(EmailCatalog("class = \"pii\"\nkeyring = \"k\"\nbind_row = false\nsuite = 4\nexpect = " +
                                      std::string(expect))))
        .indexes.at(0);
  };
  EXPECT_FALSE(assess(kExpect).IsRefused());
  EXPECT_TRUE(assess("{ rows = 1000000, distinct = 5, top_share = 0.2 }").IsRefused());
  EXPECT_EQ(assess(kExpect).leaks, std::vector{IndexLeak::kEqualCiphertexts});
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

TEST(IndexSentences, EveryKindSaysWhatItLeaks) {
  const std::string text = Joined(LinesOf(AssessIndexes(MustParse(kIndexedCatalog))));
  for (const char* part :
       {"user.email index exact", "equality, 16 bits, 2 partitions", "equal values have equal tokens, in one of 2",
        "the same between tenants", "the same between all columns of its domain", "equal combinations",
        "a unique constraint tells", "rows that begin alike", "from a language's frequencies texts can be rebuilt",
        "for each two rows, in one of 4 partitions it shows how long a prefix", "advised: 10 to 18 bits", "table user",
        "they tell rows apart", "accepted: one value has more than a sixteenth of the rows"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("refused"), std::string::npos) << text;
}

TEST(IndexSentences, PadsAreSaidToTellEqualTexts) {
  const auto sentences = [](std::string_view lines) {
    return Joined(SentencesOf(AssessOne("keyring = \"k\"\nbits = 40\n" + std::string(lines))));
  };
  EXPECT_NE(
      sentences("kind = \"prefix\"\nlengths = [3, 8]")
          .find("leaks: equal texts have equal arrays: one of fewer than 8 characters has pads, which are made of "
                "the whole text, and two rows with a pad in common have the same text with a probability of "
                "about 1\n"),
      std::string::npos)
      << sentences("kind = \"prefix\"\nlengths = [3, 8]");
  EXPECT_NE(sentences("kind = \"prefix\"\nlengths = [3, 8]\ncount = 3\npartitions = 2")
                .find("equal texts have equal arrays, in one of 2 partitions: each has pads"),
            std::string::npos);
  EXPECT_NE(sentences("kind = \"ngram\"\nn = 3\ncount = 9").find("equal texts have equal arrays: one with fewer parts"),
            std::string::npos);
  for (const char* none : {"kind = \"equality\"", "kind = \"range\"\ntype = \"int64\"\nmin = 0\nmax = 9999"}) {
    EXPECT_EQ(sentences(none).find("pads"), std::string::npos) << none;
  }
}

TEST(IndexSentences, ShortBeginningsAreNamedAsSuch) {
  const std::string text =
      Joined(SentencesOf(AssessOne("kind = \"prefix\"\nkeyring = \"k\"\nbits = 40\nlengths = [2]")));
  EXPECT_NE(text.find("refused: its shortest beginning has fewer than 3 characters"), std::string::npos) << text;
}

TEST(IndexSentences, ExampleOfTheDocumentsReadsLikeThis) {
  EXPECT_EQ(
      Joined(LinesOf(AssessIndexes(MustParse(IndexCatalog(""))))),
      "user.email index exact\n"
      "  equality, 16 bits, 1 partition; 1000000 rows, 900000 different values (19.8 bits), the commonest in 0.01 %\n"
      "  a search finds about 15.3 rows that were not meant, to be filtered\n"
      "  two rows with the same token have the same value with a probability of about 0.0679\n"
      "  advised: 10 to 18 bits\n"
      "  leaks: equal values have equal tokens: how often each occurs shows\n"
      "table user\n"
      "  all indexes together leave about 15.3 of 1000000 rows with the same tokens\n");
}

TEST(IndexSentences, CatalogWithoutIndexesHasNone) {
  EXPECT_TRUE(LinesOf(AssessIndexes(MustParse(kShopCatalog))).empty());
}

TEST(IndexSentences, RefusalsSayWhy) {
  const std::string text =
      Joined(SentencesOf(AssessOne(Equality(8), "{ rows = 1000, distinct = 2, top_share = 0.6 }")));
  EXPECT_NE(text.find("refused: there are fewer than 256 different values"), std::string::npos) << text;
  EXPECT_NE(text.find("refused: one value has more than a sixteenth of the rows"), std::string::npos) << text;
}

}  // namespace
}  // namespace coffer::policy
