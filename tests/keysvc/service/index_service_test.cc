// Searching encrypted fields through the service: tokens with what is written, searches, matches, quotas.
#include <thread>

#include "tests/keysvc/service/index_fixture.h"

namespace coffer::keysvc {
namespace {

using What = SearchTerm::What;
using IndexServiceTest = IndexFixture;

TEST_F(IndexServiceTest, EncryptionReturnsTheTokensOfEveryIndex) {
  StartIndexed();
  const Result<FieldOutput> output = fields.Encrypt(
      app,
      {Column("shop.user.email", {"Ann@Example.com", "bob@example.com"}), Column("shop.user.city", {"Ulm", "Bonn"})});
  ASSERT_TRUE(output.ok()) << output.error().ToString();
  EXPECT_EQ(TokensOf(*output, "exact").numbers.size(), 2U);
  EXPECT_LT(TokensOf(*output, "exact").numbers[0], 1 << 16);
  EXPECT_EQ(TokensOf(*output, "once").strings[0].size(), 32U);
  EXPECT_EQ(TokensOf(*output, "starts").width, 2U);
  EXPECT_EQ(TokensOf(*output, "starts").numbers.size(), 4U);
  EXPECT_EQ(TokensOf(*output, "holds").numbers.size(), 80U);
  EXPECT_EQ(TokensOf(*output, "both").numbers.size(), 2U);
  for (const IndexColumnOutput& tokens : output->columns[0].indexes) {
    EXPECT_EQ(tokens.version, 1U);
    EXPECT_TRUE(tokens.nulls.empty());
  }
  EXPECT_TRUE(output->columns[1].indexes.empty());
}

TEST_F(IndexServiceTest, AUserIsFoundByEMailInThreeSpellings) {
  StartIndexed();
  const Result<FieldOutput> output = fields.Encrypt(
      app, {Column("shop.user.email", {"ann@example.com", "bob@example.com"}), Column("shop.user.city", {"a", "b"})});
  for (const char* spelling : {"ann@example.com", "ANN@Example.COM", "  Ann@example.com "}) {
    for (const char* index : {"exact", "once"}) {
      const Result<IndexAnswers> answers = Search(Term(index, What::kEquals, spelling));
      ASSERT_TRUE(answers.ok()) << answers.error().ToString();
      EXPECT_TRUE(Finds(*answers, TokensOf(*output, index), 0)) << index << spelling;
      EXPECT_FALSE(Finds(*answers, TokensOf(*output, index), 1)) << index << spelling;
    }
  }
}

TEST_F(IndexServiceTest, PrefixesPartsAndRangesAreFound) {
  StartIndexed();
  const Result<FieldOutput> output =
      fields.Encrypt(app, {Column("shop.user.email", {"ann@example.com", "bob@sample.org"}),
                           Column("shop.user.city", {"a", "b"}), Column("shop.user.born", {"1990", "2001"})});
  ASSERT_TRUE(output.ok()) << output.error().ToString();
  const auto found = [&](const SearchTerm& term, std::string_view field, std::size_t column) {
    const Result<IndexAnswers> answers = Search(term, field);
    EXPECT_TRUE(answers.ok()) << answers.error().ToString();
    const IndexColumnOutput& rows = TokensOf(*output, term.index, column);
    return std::pair(Finds(*answers, rows, 0), Finds(*answers, rows, 1));
  };
  const std::pair<bool, bool> first{true, false};
  const std::pair<bool, bool> both{true, true};
  EXPECT_EQ(found(Term("starts", What::kBeginsWith, "ANN"), "shop.user.email", 0), first);
  EXPECT_EQ(found(Term("starts", What::kBeginsWith, "ann@exa"), "shop.user.email", 0), first);
  EXPECT_EQ(found(Term("holds", What::kContains, "ample"), "shop.user.email", 0), both);
  EXPECT_EQ(found(Term("holds", What::kContains, "xam"), "shop.user.email", 0), first);
  EXPECT_EQ(found(Term("between", What::kBetween, "1985", "1995"), "shop.user.born", 2), first);
  EXPECT_EQ(found(Term("between", What::kBetween, "1990", "2001"), "shop.user.born", 2), both);
}

TEST_F(IndexServiceTest, CompoundFindsTheRowThatHasBothAndNullHasNoToken) {
  StartIndexed();
  FieldColumn cities = Column("shop.user.city", {"Bonn", "Ulm"});
  cities.row_parts = {std::int64_t{2}, std::int64_t{1}};  // another order; row 3 has none
  const Result<FieldOutput> output =
      fields.Encrypt(app, {Column("shop.user.email", {"ann@x.org", "bob@x.org", "eve@x.org"}), cities});
  ASSERT_TRUE(output.ok()) << output.error().ToString();
  const IndexColumnOutput& rows = TokensOf(*output, "both");
  EXPECT_EQ(rows.nulls, std::vector<std::uint32_t>{2});
  SearchTerm term = Term("both", What::kParts, "");
  term.parts = {Kept("ann@x.org"), Kept("Ulm")};
  const Result<IndexAnswers> answers = Search(term);
  ASSERT_TRUE(answers.ok()) << answers.error().ToString();
  EXPECT_TRUE(Finds(*answers, rows, 0));
  EXPECT_FALSE(Finds(*answers, rows, 1));
  const Result<FieldOutput> alone = fields.Encrypt(app, {Column("shop.user.email", {"ann@x.org"})});
  ASSERT_FALSE(alone.ok());
  EXPECT_EQ(alone.error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(IndexServiceTest, MatchReleasesNothingElse) {
  StartIndexed();
  const Result<FieldOutput> written = fields.Encrypt(
      app, {Column("shop.user.email", {"Ann@x.org", "bob@x.org"}), Column("shop.user.city", {"a", "b"})});
  const std::vector<std::string>& ciphertexts = written->columns[0].values;
  struct Case {
    SearchTerm term;
    std::vector<std::string> expected;
  };
  for (const Case& one : std::vector<Case>{{Term("exact", What::kEquals, " ANN@x.org"), {"Ann@x.org", ""}},
                                           {Term("starts", What::kBeginsWith, "bob@"), {"", "bob@x.org"}},
                                           {Term("holds", What::kContains, "@X.o"), {"Ann@x.org", "bob@x.org"}},
                                           {Term("exact", What::kEquals, "eve@x.org"), {"", ""}}}) {
    FieldColumn column = Column("shop.user.email", ciphertexts);
    column.match = one.term;
    const Result<FieldOutput> output = fields.Decrypt(app, {column});
    ASSERT_TRUE(output.ok()) << output.error().ToString();
    EXPECT_EQ(output->columns[0].values, one.expected);
    Failures failures;
    for (std::uint32_t i = 0; i < 2; ++i) {
      if (one.expected[i].empty()) failures.emplace_back(i, ItemFailure::kNoMatch);
    }
    EXPECT_EQ(output->columns[0].failures, failures);
  }
}

TEST_F(IndexServiceTest, MatchOnRangeAnchorsAndCompound) {
  StartIndexed();
  const Result<FieldOutput> written =
      fields.Encrypt(app, {Column("shop.user.email", {"ann@x.org", "bann@x.org"}),
                           Column("shop.user.city", {"Ulm", "Ulm"}), Column("shop.user.born", {"10", "300"})});
  ASSERT_TRUE(written.ok()) << written.error().ToString();
  FieldColumn born = Column("shop.user.born", written->columns[2].values);
  born.match = Term("between", What::kBetween, "11", "300");
  EXPECT_EQ(fields.Decrypt(app, {born})->columns[0].values, (std::vector<std::string>{"", "300"}));
  FieldColumn email = Column("shop.user.email", written->columns[0].values);
  email.match = Term("holds", What::kContains, "ann");
  email.match.anchors.at_start = true;
  EXPECT_EQ(fields.Decrypt(app, {email})->columns[0].values, (std::vector<std::string>{"ann@x.org", ""}));
  email.match = Term("both", What::kParts, "");
  email.match.parts = {Kept("bann@x.org"), Kept("Ulm")};
  const Result<FieldOutput> both = fields.Decrypt(app, {email, Column("shop.user.city", written->columns[1].values)});
  ASSERT_TRUE(both.ok()) << both.error().ToString();
  EXPECT_EQ(both->columns[0].values, (std::vector<std::string>{"", "bann@x.org"}));
  EXPECT_EQ(both->columns[1].values, (std::vector<std::string>{"", "Ulm"}));
  EXPECT_EQ(fields.Decrypt(app, {email}).error().code(), ErrorCode::kInvalidArgument) << "a part is not in the call";
}

TEST_F(IndexServiceTest, RewrapMakesTokensOnlyForWhoMayHaveThem) {
  StartIndexed();
  const Result<FieldOutput> written = fields.Encrypt(app, {Column("shop.user.born", {"1990", "2001"})});
  ASSERT_TRUE(written.ok()) << written.error().ToString();
  const FieldColumn column = Column("shop.user.born", {written->columns[0].values[0], "no ciphertext"});
  const Result<FieldOutput> ours = fields.Rewrap(app, {column}, true);
  ASSERT_TRUE(ours.ok()) << ours.error().ToString();
  const IndexColumnOutput& tokens = TokensOf(*ours, "between");
  EXPECT_EQ(tokens.nulls, std::vector<std::uint32_t>{1}) << "a value that does not decrypt has no token";
  const IndexColumnOutput& first = TokensOf(*written, "between");
  EXPECT_TRUE(std::equal(first.numbers.begin(), first.numbers.begin() + static_cast<std::ptrdiff_t>(first.width),
                         tokens.numbers.begin()));
  EXPECT_TRUE(fields.Rewrap(app, {column})->columns[0].indexes.empty()) << "nobody asked";
  for (const Caller& caller : {dba, admin}) {
    const Result<FieldOutput> theirs = fields.Rewrap(caller, {column}, true);
    ASSERT_TRUE(theirs.ok());
    EXPECT_FALSE(theirs->columns[0].values[0].empty());
    EXPECT_TRUE(theirs->columns[0].indexes.empty()) << "ciphertext, but no tokens";
  }
}

TEST_F(IndexServiceTest, RolesThatMayNotSearchAreRefused) {
  StartIndexed();
  for (const Caller& caller : {dba, admin, auditor}) {
    const Result<IndexAnswers> refused =
        fields.Search(caller, {{.field = "shop.user.email", .tenant = "", .term = Term("exact", What::kEquals, "x")}});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  }
}

TEST_F(IndexServiceTest, QuotaIsForACallerAndAnIndexAndComesBack) {
  StartIndexed();
  const FieldService limited(pipeline, clock, *barrier, {.searches_a_minute = 3, .values_a_minute = 4});
  const auto search = [&](const Caller& caller, const char* index, What what) {
    return limited.Search(caller, {{.field = "shop.user.email", .tenant = "", .term = Term(index, what, "abc")}});
  };
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(search(app, "exact", What::kEquals).ok());
  const Result<IndexAnswers> refused = search(app, "exact", What::kEquals);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(refused.error().limit(), 3U);
  EXPECT_TRUE(search(app, "starts", What::kBeginsWith).ok()) << "another index";
  Caller other = app;
  other.principal.id = "unix:app:8";
  EXPECT_TRUE(search(other, "exact", What::kEquals).ok()) << "another caller";
  clock.Advance(20'000'000);
  EXPECT_TRUE(search(app, "exact", What::kEquals).ok()) << "a third of a minute gives one back";
  EXPECT_FALSE(search(app, "exact", What::kEquals).ok());

  const std::vector<FieldColumn> three = {Column("shop.user.born", {"1", "2", "3"})};
  EXPECT_TRUE(limited.Encrypt(app, three).ok());
  const Result<FieldOutput> too_many = limited.Encrypt(app, three);
  ASSERT_FALSE(too_many.ok());
  EXPECT_EQ(too_many.error().code(), ErrorCode::kResourceExhausted);
}

TEST_F(IndexServiceTest, BadSearchesAreRefused) {
  StartIndexed();
  ASSERT_TRUE(fields.Encrypt(app, {Column("shop.user.born", {"1"})}).ok());
  ASSERT_TRUE(fields.Encrypt(app, {Column("shop.user.email", {"ann@x.org"}), Column("shop.user.city", {"a"})}).ok());
  struct Case {
    const char* name;
    std::string_view field;
    SearchTerm term;
  };
  SearchTerm anchored = Term("exact", What::kEquals, "x");
  anchored.anchors.at_start = true;
  SearchTerm one_part = Term("both", What::kParts, "");
  one_part.parts = {Kept("x")};
  const std::string_view email = "shop.user.email";
  const std::string_view born = "shop.user.born";
  for (const Case& bad : std::vector<Case>{
           {"unknown field", "shop.user.phone", Term("exact", What::kEquals, "x")},
           {"the vault's field", "coffer.secret", Term("exact", What::kEquals, "x")},
           {"unknown index", email, Term("none", What::kEquals, "x")},
           {"another kind", email, Term("exact", What::kContains, "xyz")},
           {"nothing", email, Term("exact", What::kNothing, "")},
           {"empty value", email, Term("exact", What::kEquals, "")},
           {"not UTF-8", email, Term("exact", What::kEquals, "\xff")},
           {"shorter than every length", email, Term("starts", What::kBeginsWith, "an")},
           {"shorter than n", email, Term("holds", What::kContains, "an")},
           {"anchors without n-grams", email, anchored},
           {"one part of two", email, one_part},
           {"outside the domain", born, Term("between", What::kBetween, "0", "65536")},
           {"turned round", born, Term("between", What::kBetween, "5", "4")},
           {"not a number", born, Term("between", What::kBetween, "five", "6")},
       }) {
    const Result<IndexAnswers> refused = Search(bad.term, bad.field);
    ASSERT_FALSE(refused.ok()) << bad.name;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument) << bad.name << refused.error().ToString();
    EXPECT_TRUE(refused.error().path().starts_with("queries[0]")) << bad.name << refused.error().ToString();
  }
  EXPECT_EQ(fields.Search(app, {}).error().code(), ErrorCode::kInvalidArgument);
  const IndexQuery good{.field = email, .tenant = "", .term = Term("exact", What::kEquals, "x")};
  EXPECT_EQ(fields.Search(app, std::vector<IndexQuery>(257, good)).error().code(), ErrorCode::kInvalidArgument);
  IndexQuery nobody = good;
  nobody.tenant = "nobody";
  EXPECT_EQ(fields.Search(app, {nobody}).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(IndexServiceTest, AValueThatAnIndexCannotTakeMakesNoKey) {
  StartIndexed();
  const std::uint64_t before = barrier->Enter().value()->keys->counts().data_keys;
  for (const char* value : {"65536", "-1", "x", ""}) {
    const Result<FieldOutput> refused = fields.Encrypt(app, {Column("shop.user.born", {"1", value})});
    ASSERT_FALSE(refused.ok()) << value;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.error().path(), "columns[0].values[1].index.between");
  }
  EXPECT_EQ(barrier->Enter().value()->keys->counts().data_keys, before);
}

TEST_F(IndexServiceTest, SearchOfATenantWithoutKeysFindsNothingAndMakesNone) {
  StartIndexed();
  ASSERT_TRUE(key_service.CreateTenant(admin, "acme").ok());
  const std::uint64_t before = barrier->Enter().value()->keys->counts().data_keys;
  const Result<IndexAnswers> answers =
      fields.Search(app, {{.field = "shop.user.email", .tenant = "acme", .term = Term("exact", What::kEquals, "x")}});
  ASSERT_TRUE(answers.ok());
  EXPECT_TRUE(answers->front().empty());
  for (const auto& [index, what, value] : std::vector<std::tuple<const char*, What, const char*>>{
           {"exact", What::kEquals, ""}, {"starts", What::kBeginsWith, "an"}, {"holds", What::kContains, "an"}}) {
    const Result<IndexAnswers> refused =
        fields.Search(app, {{.field = "shop.user.email", .tenant = "acme", .term = Term(index, what, value)}});
    ASSERT_FALSE(refused.ok()) << index;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(barrier->Enter().value()->keys->counts().data_keys, before);
}

TEST_F(IndexServiceTest, TenantsHaveTheirOwnTokensUnlessTheIndexIsGlobal) {
  StartIndexed();
  ASSERT_TRUE(key_service.CreateTenant(admin, "acme").ok());
  std::string catalog = kIndexedCatalog;
  catalog.replace(catalog.find("max = \"65535\""), 13,
                  "max = \"65535\"\n[field.\"user.born\".index.all]\n"
                  "kind = \"equality\"\nkeyring = \"shop-index\"\nbits = 40\n"
                  "scope = \"global\"\n[field.\"user.born\".index.own]\n"
                  "kind = \"equality\"\nkeyring = \"shop-index\"\nbits = 40");
  catalog.erase(catalog.rfind("\nbits = 40"));
  catalog.insert(catalog.find("max = \"65535\"") + 13, "\nbits = 40");
  Apply(catalog);
  FieldColumn theirs = Column("shop.user.born", {"1990"});
  theirs.tenant = "acme";
  const Result<FieldOutput> ours = fields.Encrypt(app, {Column("shop.user.born", {"1990"})});
  const Result<FieldOutput> other = fields.Encrypt(app, {theirs});
  ASSERT_TRUE(ours.ok() && other.ok());
  EXPECT_EQ(TokensOf(*ours, "all").numbers, TokensOf(*other, "all").numbers);
  EXPECT_NE(TokensOf(*ours, "own").numbers, TokensOf(*other, "own").numbers);
  EXPECT_NE(TokensOf(*ours, "between").numbers, TokensOf(*other, "between").numbers);
}

class IndexRotationTest : public IndexFixture {
 protected:
  void Set(const std::string& keys) {
    std::string catalog = kIndexedCatalog;
    for (const std::string& name : {std::string("exact"), std::string("once")}) {
      const std::string head = "[field.\"user.email\".index." + name + "]\n";
      catalog.insert(catalog.find(head) + head.size(), keys);
    }
    Apply(catalog);
  }
  Result<FieldOutput> Write(const std::string& email) {
    return fields.Encrypt(app, {Column("shop.user.email", {email}), Column("shop.user.city", {"a"})});
  }
  std::vector<std::uint16_t> Searched(std::string_view index) const {
    std::vector<std::uint16_t> versions;
    const Result<IndexAnswers> answers = Search(Term(index, What::kEquals, "ann@x.org"));
    for (const VersionTokens& version : answers->front()) {
      versions.push_back(version.version);
    }
    return versions;
  }
};

TEST_F(IndexRotationTest, VersionsAreSearchedBeforeTheyAreWrittenAndNoRowIsMissed) {
  StartIndexed();
  const Result<FieldOutput> old = Write("ann@x.org");
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop-index", {}).ok());
  Set("");
  const Result<FieldOutput> between = Write("ann@x.org");
  EXPECT_EQ(TokensOf(*between, "exact").version, 1U) << "still written";
  EXPECT_EQ(TokensOf(*between, "exact").numbers, TokensOf(*old, "exact").numbers);
  Set("write_version = 2\n");
  const Result<FieldOutput> fresh = Write("ann@x.org");
  EXPECT_EQ(TokensOf(*fresh, "exact").version, 2U);
  EXPECT_EQ(Searched("exact"), (std::vector<std::uint16_t>{1, 2}));
  const Result<IndexAnswers> answers = Search(Term("exact", What::kEquals, "ann@x.org"));
  for (const Result<FieldOutput>* row : {&old, &between, &fresh}) {
    EXPECT_TRUE(Finds(*answers, TokensOf(**row, "exact"), 0));
  }
  Set("write_version = 2\noldest_version = 2\n");
  EXPECT_EQ(Searched("exact"), std::vector<std::uint16_t>{2});
}

TEST_F(IndexRotationTest, AUniqueIndexWritesAllLiveVersions) {
  StartIndexed();
  const Result<FieldOutput> old = Write("ann@x.org");
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop-index", {}).ok());
  Set("");
  const Result<FieldOutput> fresh = Write("ANN@x.org");
  EXPECT_EQ(TokensOf(*fresh, "once", 0, 0).version, 1U);
  EXPECT_EQ(TokensOf(*fresh, "once", 0, 1).version, 2U);
  EXPECT_EQ(TokensOf(*fresh, "once", 0, 0).strings, TokensOf(*old, "once").strings)
      << "the old constraint still sees the double";
  EXPECT_NE(TokensOf(*fresh, "once", 0, 1).strings, TokensOf(*old, "once").strings);
}

TEST_F(IndexRotationTest, ReadersThatSearchMeanwhileMissNothing) {
  StartIndexed();
  std::vector<Result<FieldOutput>> rows;
  rows.push_back(Write("ann@x.org"));
  std::atomic<bool> stop{false};
  std::atomic<int> missed{0};
  std::atomic<int> searched{0};
  const IndexColumnOutput first = TokensOf(*rows.front(), "exact");
  const Pipeline unrecorded(
      *barrier, Immediately([](const CallRecord&) { return Status(); }));  // the fixture's is for one thread
  const FieldService generous(unrecorded, clock, *barrier,
                              {.searches_a_minute = 1'000'000'000, .values_a_minute = 1'000'000'000});
  const std::vector<IndexQuery> query = {
      {.field = "shop.user.email", .tenant = "", .term = Term("exact", What::kEquals, "ann@x.org")}};
  std::thread reader([&] {
    while (!stop) {
      const Result<IndexAnswers> answers = generous.Search(app, query);
      if (answers.ok() && !Finds(*answers, first, 0)) ++missed;
      if (answers.ok()) ++searched;
    }
  });
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop-index", {}).ok());
  Set("");
  Set("write_version = 2\n");
  for (int i = 0; i < 10; ++i) rows.push_back(Write("ann@x.org"));
  while (searched < 3) std::this_thread::yield();
  stop = true;
  reader.join();
  EXPECT_EQ(missed, 0);
  const Result<IndexAnswers> answers = generous.Search(app, query);
  ASSERT_TRUE(answers.ok()) << answers.error().ToString();
  for (const Result<FieldOutput>& row : rows) EXPECT_TRUE(Finds(*answers, TokensOf(*row, "exact"), 0));
}

TEST_F(IndexRotationTest, ADisabledIndexKeyRefusesWritesAndSearches) {
  StartIndexed();
  ASSERT_TRUE(Write("ann@x.org").ok());
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop-index", {}).ok());
  ASSERT_TRUE(key_service.DisableVersion(admin, "shop-index", KeyVersion{1}).ok());
  EXPECT_EQ(Write("ann@x.org").error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(Search(Term("exact", What::kEquals, "x")).error().code(), ErrorCode::kFailedPrecondition);
  ASSERT_TRUE(key_service.EnableVersion(admin, "shop-index", KeyVersion{1}).ok());
  EXPECT_TRUE(Write("ann@x.org").ok());
}

TEST_F(IndexServiceTest, KeyringsMustHaveTheirPurpose) {
  StartIndexed();
  std::string wrong = kIndexedCatalog;
  wrong.replace(wrong.find("\"shop-index\""), 12, "\"shop\"");
  const Result<policy::CatalogChange> refused = admin_service.Apply(admin, wrong, lock);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(refused.error().path(), "field.user.email.index.exact.keyring");
}

TEST_F(IndexServiceTest, DeterministicFieldEncryptsEqualValuesEqually) {
  StartIndexed();
  ASSERT_TRUE(key_service.CreateKeyring(admin, "shop-det", KeyringPurpose::kDeterministic).ok());
  const std::string field =
      "[field.\"user.handle\"]\nclass = \"pii\"\nsuite = 4\nbind_row = false\nunbound = \"to be joined\"\n"
      "expect = { rows = 1000000, distinct = 900000, top_share = 0.0001 }\nkeyring = ";
  const Result<policy::CatalogChange> refused =
      admin_service.Apply(admin, kIndexedCatalog + field + "\"shop\"\n", lock);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().path(), "field.user.handle.keyring");
  Apply(kIndexedCatalog + field + "\"shop-det\"\n");
  FieldColumn column = Column("shop.user.handle", {"ann", "ann", "bob"});
  column.row_parts.clear();
  column.row_width = 0;
  const Result<FieldOutput> output = fields.Encrypt(app, {column});
  ASSERT_TRUE(output.ok()) << output.error().ToString();
  const std::vector<std::string>& ciphertexts = output->columns[0].values;
  EXPECT_EQ(ciphertexts[0], ciphertexts[1]);
  EXPECT_NE(ciphertexts[0], ciphertexts[2]);
  EXPECT_EQ(ciphertexts[0].size(), 3U + 26U);
  column.values = {Kept(ciphertexts[0]), Kept(ciphertexts[1]), Kept(ciphertexts[2])};
  EXPECT_EQ(fields.Decrypt(app, {column})->columns[0].values, (std::vector<std::string>{"ann", "ann", "bob"}));
}

}  // namespace
}  // namespace coffer::keysvc
