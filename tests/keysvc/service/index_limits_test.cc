// What a call with indexes may cost, and what it must not give away: bounds of searches and of tokens, compound indexes
// whose parts are not all there, matches.
#include <gtest/gtest.h>

#include "policy/index_value.h"
#include "tests/keysvc/service/index_fixture.h"

namespace coffer::keysvc {
namespace {

using What = SearchTerm::What;

class IndexLimitsTest : public IndexFixture {
 protected:
  // Another field, "shop.user.extra", with one index of the same name.
  void AddIndex(const std::string& index) {
    Apply(std::string(kIndexedCatalog) +
          "[field.\"user.extra\"]\nclass = \"pii\"\nkeyring = \"shop\"\nrow = \"int64\"\n"
          "expect = { rows = 1000000, distinct = 900000, top_share = 0.0001 }\n"
          "[field.\"user.extra\".index.extra]\nkeyring = \"shop-index\"\n" +
          index);
  }
  FieldColumn Extra(std::size_t values, std::int64_t first_row = 1) const {
    return Column("shop.user.extra", std::vector<std::string>(values, "a value"), first_row);
  }
  void ExpectRefused(const Result<FieldOutput>& output, std::string_view words) {
    ASSERT_FALSE(output.ok());
    EXPECT_EQ(output.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(output.error().ToString().find(words), std::string::npos) << output.error().ToString();
  }
  void ExpectRefused(const Result<IndexAnswers>& answers, std::string_view words) {
    ASSERT_FALSE(answers.ok());
    EXPECT_EQ(answers.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(answers.error().ToString().find(words), std::string::npos) << answers.error().ToString();
  }
  // The ciphertexts of e-mails and cities, rows from 1.
  std::array<std::vector<std::string>, 2> Written(const std::vector<std::string>& emails,
                                                  const std::vector<std::string>& cities) {
    const Result<FieldOutput> output =
        fields.Encrypt(app, {Column("shop.user.email", emails), Column("shop.user.city", cities)});
    EXPECT_TRUE(output.ok()) << output.error().ToString();
    return {output->columns[0].values, output->columns[1].values};
  }
  FieldColumn Matched(const std::vector<std::string>& ciphertexts) const {
    FieldColumn column = Column("shop.user.email", ciphertexts);
    column.match = Term("both", What::kParts, "");
    column.match.parts = {Kept("ann@x.org"), Kept("Ulm")};
    return column;
  }
};

TEST_F(IndexLimitsTest, ALongNeedleOfManyPartitionsIsRefusedBeforeItIsHashed) {
  StartIndexed();
  AddIndex("kind = \"equality\"\nbits = 40\npartitions = 256\n");
  ExpectRefused(Search(Term("extra", What::kEquals, std::string(65'536, 'a')), "shop.user.extra"), "too many tokens");
  EXPECT_TRUE(Search(Term("extra", What::kEquals, std::string(4'000, 'a')), "shop.user.extra").ok());
}

TEST_F(IndexLimitsTest, ALongTextOfFewNgramsIsOneToken) {
  StartIndexed();
  const Result<IndexAnswers> answers = Search(Term("holds", What::kContains, std::string(60'000, 'a')));
  ASSERT_TRUE(answers.ok()) << answers.error().ToString();
}

TEST_F(IndexLimitsTest, SearchesOfACallShareALimit) {
  StartIndexed();
  AddIndex("kind = \"range\"\ntype = \"int64\"\nmin = \"0\"\nmax = \"1000000000\"\nbits = 40\npartitions = 200\n");
  ASSERT_TRUE(fields.Encrypt(app, {Column("shop.user.extra", {"5"})}).ok());
  const IndexQuery query{
      .field = "shop.user.extra", .tenant = "", .term = Term("extra", What::kBetween, "1", "999999999")};
  ASSERT_TRUE(fields.Search(app, {query}).ok());
  ExpectRefused(fields.Search(app, std::vector<IndexQuery>(64, query)), "more tokens than one call may");
}

TEST_F(IndexLimitsTest, TokensOfACallShareALimitAndNothingIsMade) {
  StartIndexed();
  AddIndex(
      "kind = \"ngram\"\nbits = 40\nn = 3\ncount = 255\n[field.\"user.extra\".index.second]\n"
      "keyring = \"shop-index\"\nkind = \"ngram\"\nbits = 40\nn = 2\ncount = 255\n");
  ASSERT_TRUE(key_service.CreateTenant(admin, "new").ok());
  FieldColumn column = Extra(4'096);
  column.tenant = "new";
  const std::size_t before = (*barrier->Enter())->keys->counts().data_keys;
  ExpectRefused(fields.Encrypt(app, {column}), "bytes of tokens");
  EXPECT_EQ((*barrier->Enter())->keys->counts().data_keys, before);
  EXPECT_TRUE(fields.Encrypt(app, {Extra(1'000)}).ok());
}

TEST_F(IndexLimitsTest, SlowTokensAreCountedOverAllColumnsAndVersions) {
  StartIndexed();
  AddIndex("kind = \"equality\"\nbits = 63\nslow = { passes = 1, memory_kib = 8192 }\n");
  ExpectRefused(fields.Encrypt(app, {Extra(9), Extra(8, 100)}), "slow indexes");
  const Result<FieldOutput> sixteen = fields.Encrypt(app, {Extra(8), Extra(8, 100)});
  ASSERT_TRUE(sixteen.ok()) << sixteen.error().ToString();
  const IndexQuery query{.field = "shop.user.extra", .tenant = "", .term = Term("extra", What::kEquals, "a value")};
  ExpectRefused(fields.Search(app, std::vector<IndexQuery>(17, query)), "slow indexes");
  const Result<IndexAnswers> found = fields.Search(app, {query});
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(Finds(*found, TokensOf(*sixteen, "extra"), 0));
  EXPECT_TRUE(fields.UsesSlowIndex({"shop.user.extra"}));
  EXPECT_FALSE(fields.UsesSlowIndex({"shop.user.email", "shop.user.city"}));
}

TEST_F(IndexLimitsTest, CompoundRefusesWhatItWouldPairWrongly) {
  StartIndexed();
  const FieldColumn emails = Column("shop.user.email", {"ann@x.org", "bob@x.org"});
  const FieldColumn cities = Column("shop.user.city", {"Ulm", "Bonn"});
  ExpectRefused(fields.Encrypt(app, {emails, cities, Column("shop.user.city", {"Graz"}, 3)}), "twice in the same call");
  ExpectRefused(fields.Encrypt(app, {emails, Column("shop.user.email", {"eve@x.org"}, 3), cities}), "twice");
  FieldColumn doubled = cities;
  doubled.row_parts = {std::int64_t{1}, std::int64_t{1}};
  ExpectRefused(fields.Encrypt(app, {emails, doubled}), "a row twice");
}

TEST_F(IndexLimitsTest, ARowWithADamagedPartIsNotRewrappedAsOneWithoutThePart) {
  StartIndexed();
  auto [emails, cities] = Written({"ann@x.org", "bob@x.org"}, {"Ulm", "Bonn"});
  cities[1].back() = static_cast<char>(cities[1].back() ^ 1);
  const Result<FieldOutput> output =
      fields.Rewrap(app, {Column("shop.user.email", emails), Column("shop.user.city", cities)}, true);
  ASSERT_TRUE(output.ok()) << output.error().ToString();
  EXPECT_EQ(output->columns[0].failures, (Failures{{1, ItemFailure::kDecryptFailed}}));
  EXPECT_TRUE(output->columns[0].values[1].empty());
  EXPECT_EQ(TokensOf(*output, "both").nulls, std::vector<std::uint32_t>{1});
  EXPECT_EQ(TokensOf(*output, "exact").nulls, std::vector<std::uint32_t>{1});
}

TEST_F(IndexLimitsTest, AMatchOfACompoundReleasesOnlyRowsThatMatch) {
  StartIndexed();
  const auto [emails, cities] = Written({"ann@x.org", "bob@x.org", "ann@x.org"}, {"Ulm", "Ulm", "Bonn"});
  const Result<FieldOutput> output = fields.Decrypt(app, {Matched(emails), Column("shop.user.city", cities)});
  ASSERT_TRUE(output.ok()) << output.error().ToString();
  EXPECT_EQ(output->columns[0].values, (std::vector<std::string>{"ann@x.org", "", ""}));
  EXPECT_EQ(output->columns[1].values, (std::vector<std::string>{"Ulm", "", ""}));
  EXPECT_EQ(output->columns[1].failures, (Failures{{1, ItemFailure::kNoMatch}, {2, ItemFailure::kNoMatch}}));
  // Rows of a part that no row of the matched column stands for.
  const Result<FieldOutput> fewer = fields.Decrypt(app, {Matched({emails.front()}), Column("shop.user.city", cities)});
  ASSERT_TRUE(fewer.ok()) << fewer.error().ToString();
  EXPECT_EQ(fewer->columns[1].values, (std::vector<std::string>{"Ulm", "", ""}));
}

TEST_F(IndexLimitsTest, AMatchOfACompoundCannotBeTurnedByADecoyColumn) {
  StartIndexed();
  const auto [emails, cities] = Written({"other@x.org"}, {"Ulm"});
  const auto [decoys, unused] = Written({"ann@x.org"}, {"Ulm"});
  ExpectRefused(
      fields.Decrypt(app, {Column("shop.user.email", decoys), Matched(emails), Column("shop.user.city", cities)}),
      "twice in the same call");
}

TEST_F(IndexLimitsTest, AnEmptyNeedleMatchesNothing) {
  StartIndexed();
  const auto [emails, cities] = Written({"ann@x.org"}, {"Ulm"});
  for (const SearchTerm& term : {Term("exact", What::kEquals, " "), Term("starts", What::kBeginsWith, ""),
                                 Term("holds", What::kContains, "\u00AD")}) {
    FieldColumn column = Column("shop.user.email", emails);
    column.match = term;
    ExpectRefused(fields.Decrypt(app, {column}), "empty");
  }
  FieldColumn column = Matched(emails);
  column.match.parts = {Kept(""), Kept("")};
  ExpectRefused(fields.Decrypt(app, {column, Column("shop.user.city", cities)}), "empty");
}

TEST_F(IndexLimitsTest, TheRecordCountsWhatWasFoundWronglyAndNamesEveryTenant) {
  StartIndexed();
  ASSERT_TRUE(key_service.CreateTenant(admin, "other").ok());
  const auto [emails, cities] = Written({"ann@x.org", "bob@x.org"}, {"Ulm", "Ulm"});
  FieldColumn column = Column("shop.user.email", {emails[0], emails[1], "no ciphertext"});
  column.match = Term("exact", What::kEquals, "ann@x.org");
  FieldColumn theirs = Column("shop.user.city", cities);
  theirs.tenant = "other";
  ASSERT_TRUE(fields.Decrypt(app, {column, theirs}).ok());
  EXPECT_EQ(recorded.records.back().unmatched, 1U);
  EXPECT_EQ(recorded.records.back().failed, 3U);
  EXPECT_EQ(recorded.records.back().tenant, "default,other");
}

TEST_F(IndexLimitsTest, RowsOfANarrowerDomainAreStillFound) {
  StartIndexed();
  const std::string range = "kind = \"range\"\ntype = \"int64\"\nmin = \"0\"\nbits = 40\n";
  AddIndex(range + "max = \"1000\"\n");
  const auto write = [&](const std::string& value) {
    Result<FieldOutput> output = fields.Encrypt(app, {Column("shop.user.extra", {value})});
    EXPECT_TRUE(output.ok()) << output.error().ToString();
    return output;
  };
  const Result<FieldOutput> old = write("90");
  AddIndex(range + "max = \"100000\"\n");
  AddIndex(range + "max = \"100000\"\nwrite_version = 2\n");
  const Result<FieldOutput> fresh = write("5500");
  const auto finds = [&](const std::string& low, const std::string& high) -> std::pair<bool, bool> {
    const Result<IndexAnswers> answers = Search(Term("extra", What::kBetween, low, high), "shop.user.extra");
    EXPECT_TRUE(answers.ok()) << answers.error().ToString();
    if (!answers.ok()) return {};
    return {Finds(*answers, TokensOf(*old, "extra"), 0), Finds(*answers, TokensOf(*fresh, "extra"), 0)};
  };
  EXPECT_EQ(finds("50", "6000"), std::pair(true, true));
  EXPECT_EQ(finds("5000", "6000"), std::pair(false, true));
  EXPECT_EQ(finds("0", "100"), std::pair(true, false));
  EXPECT_FALSE(Search(Term("extra", What::kBetween, "5", "100001"), "shop.user.extra").ok()) << "the newest refuses it";
  EXPECT_FALSE(Search(Term("extra", What::kBetween, "6000", "50"), "shop.user.extra").ok());
}

TEST(ReadValueTest, AnotherVersionOfUnicodeMayReadOnlyWhatNeverChanges) {
  policy::IndexVersionRule version;
  version.values.resize(1);
  version.unicode = "3.0.0";
  EXPECT_TRUE(ReadValue(version, 0, AsBytes("J\u00F6rg")).ok());
  EXPECT_EQ(ReadValue(version, 0, AsBytes("\u0391\u03B8\u03AE\u03BD\u03B1")).error().code(),
            ErrorCode::kFailedPrecondition);
  version.unicode.clear();
  EXPECT_TRUE(ReadValue(version, 0, AsBytes("\u0391")).ok()) << "the profile does not depend on Unicode";
}

}  // namespace
}  // namespace coffer::keysvc
