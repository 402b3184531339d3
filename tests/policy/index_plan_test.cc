// The step from a lock to a catalog, for indexes: versions, profiles, domains, names.
#include "policy/index_sentences.h"
#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

CatalogChange ApplyAt(std::string_view text, const CatalogLock& lock, std::uint32_t primary = 1) {
  return MustPlan(MustParse(text), lock, lock, 100, primary);
}

Result<CatalogChange> TryApplyAt(std::string_view text, const CatalogLock& lock, std::uint32_t primary = 1) {
  return PlanApply(MustParse(text), lock, lock, CountingIds(100, primary));
}

const LockedIndex& OnlyIndex(const CatalogLock& lock) {
  COFFER_CHECK(lock.fields.size() == 1 && lock.fields[0].indexes.size() == 1);
  return lock.fields[0].indexes[0];
}

// "1 2* 3": live versions, the written one marked.
std::string Versions(const CatalogLock& lock) {
  std::string text;
  for (const LockedIndexVersion& version : OnlyIndex(lock).versions) {
    text += (text.empty() ? "" : " ") + std::to_string(version.number);
    if (version.number == OnlyIndex(lock).write_version) text += "*";
  }
  return text;
}

void ExpectRefused(std::string_view text, const CatalogLock& lock, std::string_view key, std::uint32_t primary = 1) {
  const Result<CatalogChange> change = TryApplyAt(text, lock, primary);
  ASSERT_FALSE(change.ok()) << text;
  EXPECT_EQ(change.error().code(), ErrorCode::kFailedPrecondition) << change.error().ToString();
  EXPECT_EQ(change.error().path(), "field.user.email.index.exact" + (key.empty() ? "" : "." + std::string(key)))
      << change.error().ToString();
}

TEST(IndexPlan, FirstVersionIsWrittenAtOnce) {
  const CatalogChange change = MustPlan(MustParse(IndexCatalog("")), std::nullopt, std::nullopt);
  EXPECT_EQ(Versions(change.lock), "1*");
  EXPECT_FALSE(change.weakens);
  EXPECT_EQ(Lines(change),
            "added shop.user.email: class pii, keyring k\n"
            "added shop.user.email: index exact: equality, 16 bits, keyring shop-index\n");
  EXPECT_FALSE(ApplyAt(IndexCatalog(""), change.lock).changed);
}

TEST(IndexPlan, ChangedDefinitionIsANewProfileAndANewVersion) {
  const CatalogLock first = FirstLock(IndexCatalog(""));
  const CatalogLock second = ApplyAt(IndexCatalog("partitions = 2"), first).lock;
  EXPECT_EQ(Versions(second), "1* 2");
  EXPECT_EQ(OnlyIndex(second).versions[1].profile, 2u);
  EXPECT_EQ(OnlyIndex(second).versions[1].domain, OnlyIndex(first).versions[0].domain);
  const CatalogLock third = ApplyAt(IndexCatalog(""), second).lock;
  EXPECT_EQ(Versions(third), "1* 3");
  EXPECT_EQ(OnlyIndex(third).versions[1].profile, 1u) << "an equal definition has the number that it had";
  EXPECT_EQ(third.domains.at(0).profiles.size(), 2u);
}

TEST(IndexPlan, ProfileOfAnotherUnicodeIsANewProfile) {
  const std::string text = IndexCatalog("transform = [\"nfkc_casefold\"]");
  CatalogLock lock = FirstLock(text);
  lock.domains[0].profiles[0].unicode = "1.1.0";
  const CatalogChange change = ApplyAt(text, lock);
  EXPECT_EQ(Versions(change.lock), "1* 2");
  EXPECT_EQ(change.lock.domains[0].profiles.at(1).unicode, UnicodeVersion());
}

TEST(IndexPlan, ColumnsOfOneDomainShareTheirProfiles) {
  const std::string other =
      "[field.\"user.mail\"]\nclass = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\nexpect = " + std::string(kExpect) +
      "\nindex.any = { kind = \"equality\", keyring = \"shop-index\", bits = 16, domain = \"email\" }\n";
  const CatalogLock lock = FirstLock(IndexCatalog("domain = \"email\"\n" + other));
  ASSERT_EQ(lock.domains.size(), 1u);
  EXPECT_EQ(lock.domains[0].profiles.size(), 1u);
  EXPECT_TRUE(lock.domains[0].IsShared());
  EXPECT_EQ(lock.fields[0].indexes[0].versions, lock.fields[1].indexes[0].versions);
  const CatalogLock alone = FirstLock(IndexCatalog(other));
  EXPECT_EQ(alone.domains.size(), 2u);
  EXPECT_NE(alone.fields[0].indexes[0].versions[0].domain, alone.fields[1].indexes[0].versions[0].domain);
}

TEST(IndexPlan, RenamedIndexKeepsItsVersions) {
  const CatalogLock first = FirstLock(IndexCatalog(""));
  std::string renamed = IndexCatalog("renamed_from = \"exact\"");
  renamed.replace(renamed.find("index.exact"), 11, "index.whole");
  const CatalogChange change = ApplyAt(renamed, first);
  EXPECT_EQ(Lines(change), "renamed shop.user.email: index whole: from exact\n");
  EXPECT_EQ(OnlyIndex(change.lock).versions, OnlyIndex(first).versions);
  EXPECT_EQ(OnlyIndex(change.lock).former_names, std::vector<std::string>{"exact"});
  EXPECT_FALSE(ApplyAt(renamed, change.lock).changed);
  const CatalogLock back = ApplyAt(IndexCatalog("renamed_from = \"whole\""), change.lock).lock;
  EXPECT_EQ(OnlyIndex(back).former_names, std::vector<std::string>{"whole"});
}

TEST(IndexPlan, BadRenamesAreRefused) {
  const CatalogLock first = FirstLock(IndexCatalog(""));
  const auto renamed = [](std::string_view lines) {
    std::string text = IndexCatalog(lines);
    return text.replace(text.find("index.exact"), 11, "index.whole");
  };
  EXPECT_FALSE(TryApplyAt(renamed("renamed_from = \"any\""), first).ok());
  const CatalogLock both = ApplyAt(renamed(""), first).lock;  // exact is retired
  EXPECT_FALSE(TryApplyAt(renamed("renamed_from = \"exact\""), both).ok());
  EXPECT_FALSE(TryApplyAt(IndexCatalog("renamed_from = \"whole\""), both).ok());
  const std::string still = renamed("renamed_from = \"exact\"") +
                            "[field.\"user.email\".index.exact]\nkind = \"equality\"\nkeyring = \"k\"\nbits = 16\n";
  EXPECT_FALSE(TryApplyAt(still, first).ok());
}

TEST(IndexPlan, IndexThatIsNoLongerDeclaredIsRetiredAndComesBackWithItsVersions) {
  const CatalogLock first = FirstLock(IndexCatalog(""));
  const std::string without =
      EmailCatalog("class = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\nexpect = " + std::string(kExpect));
  const CatalogChange gone = ApplyAt(without, first);
  EXPECT_EQ(Lines(gone), "retired shop.user.email: index exact: no longer declared\n");
  EXPECT_FALSE(gone.NeedsSecondPerson());
  EXPECT_TRUE(OnlyIndex(gone.lock).retired);
  EXPECT_FALSE(ApplyAt(without, gone.lock, 7).changed) << "a retired index gets no versions";
  const CatalogChange back = ApplyAt(IndexCatalog(""), gone.lock);
  EXPECT_EQ(back.lock.fields, first.fields);
  EXPECT_EQ(back.lines.at(0).kind, ChangeKind::kRestored);
  EXPECT_TRUE(back.weakens) << "it shows what nothing showed since";
  EXPECT_EQ(Versions(ApplyAt(IndexCatalog(""), gone.lock, 2).lock), "1* 2");
}

TEST(IndexPlan, KeyringsThatAreMissingOrOlderThanTheLockAreRefused) {
  const CatalogLock first = FirstLock(IndexCatalog(""));
  ExpectRefused(IndexCatalog(""), first, "keyring", 0);
  const CatalogLock later = ApplyAt(IndexCatalog(""), first, 5).lock;
  ExpectRefused(IndexCatalog(""), later, "keyring", 4);
  std::string other = IndexCatalog("");
  other.replace(other.find("shop-index"), 10, "shop-other");
  EXPECT_EQ(Versions(ApplyAt(other, later, 1).lock), "1* 3");
}

TEST(IndexPlan, EmptyStoreTakesIndexesOverFromTheLock) {
  const CatalogLock lock = ApplyAt(IndexCatalog(""), FirstLock(IndexCatalog("")), 2).lock;
  EXPECT_EQ(MustPlan(MustParse(IndexCatalog("")), std::nullopt, lock, 100, 2).lock, lock);
  EXPECT_FALSE(PlanApply(MustParse(IndexCatalog("")), std::nullopt, lock, CountingIds(100, 1)).ok())
      << "the keys that made its tokens are not there";
}

constexpr std::string_view kCompound = R"([field."user.name"]
class = "pii"
keyring = "k"
row = "uuid"
expect = { rows = 1000000, distinct = 20000, top_share = 0.01 }
[field."user.zip"]
class = "pii"
keyring = "k"
row = "uuid"
expect = { rows = 1000000, distinct = 20000, top_share = 0.01 }
)";

std::string CompoundCatalog(std::string_view parts, std::string_view fields = kCompound) {
  return "scope = \"shop\"\n" + std::string(fields) +
         "[field.\"user.zip\".index.both]\nkind = \"compound\"\nkeyring = \"shop-index\"\nbits = 16\nparts = " +
         std::string(parts) + "\n";
}

TEST(IndexPlan, PartsAreFrozenButFollowTheirFields) {
  const std::string two = "[\"user.name\", \"user.zip\"]";
  const CatalogLock first = FirstLock(CompoundCatalog(two));
  for (const char* parts : {"[\"user.zip\", \"user.name\"]", "[\"user.name\", \"user.zip\", \"user.more\"]"}) {
    const std::string more = std::string(kCompound) +
                             "[field.\"user.more\"]\nclass = \"pii\"\nkeyring = \"k\"\nrow = "
                             "\"uuid\"\nexpect = " +
                             std::string(kExpect) + "\n";
    const Result<CatalogChange> change = TryApplyAt(CompoundCatalog(parts, more), first);
    ASSERT_FALSE(change.ok()) << parts;
    EXPECT_EQ(change.error().path(), "field.user.zip.index.both.parts");
  }
  std::string renamed(kCompound);
  renamed.replace(renamed.find("[field.\"user.name\"]"), 19, "[field.\"user.last\"]\nrenamed_from = \"user.name\"");
  const CatalogChange change = ApplyAt(CompoundCatalog("[\"user.last\", \"user.zip\"]", renamed), first);
  EXPECT_EQ(change.lock.Find({"user", "zip"})->indexes.at(0).parts,
            (std::vector<ColumnName>{{"user", "last"}, {"user", "zip"}}));
  EXPECT_EQ(change.lock.Find({"user", "zip"})->indexes.at(0).versions.size(), 1u);
  const CatalogChange alone = ApplyAt("scope = \"shop\"\n" + renamed, first);  // the index retired, its part renamed
  EXPECT_EQ(alone.lock.Find({"user", "zip"})->indexes.at(0).parts,
            (std::vector<ColumnName>{{"user", "last"}, {"user", "zip"}}));
  EXPECT_TRUE(ParseCatalogLock(WriteCatalogLock(alone.lock)).ok());
}

TEST(IndexPlan, TransformOfAPartIsANewVersion) {
  const CatalogLock first = FirstLock(CompoundCatalog("[\"user.name\", \"user.zip\"]"));
  const CatalogChange change =
      ApplyAt(CompoundCatalog("[{ field = \"user.name\", transform = [\"trim\"] }, \"user.zip\"]"), first);
  EXPECT_EQ(change.lock.Find({"user", "zip"})->indexes.at(0).versions.size(), 2u);
  EXPECT_TRUE(change.weakens);
}

struct RefusedCase {
  const char* name;
  const char* expect;
};

TEST(IndexPlan, ValuesThatWouldBeGivenAwayAreRefusedWithTheReason) {
  const std::vector<RefusedCase> cases = {
      {"boolean", "{ rows = 1000000, distinct = 2, top_share = 0.5 }"},
      {"five values", "{ rows = 1000000, distinct = 5, top_share = 0.2 }"},
  };
  for (const RefusedCase& one : cases) {
    const std::string index = "kind = \"equality\"\nkeyring = \"k\"\nbits = 8\n";
    const Result<CatalogChange> change =
        PlanApply(MustParse(BareIndexCatalog(index, one.expect)), std::nullopt, std::nullopt, CountingIds());
    ASSERT_FALSE(change.ok()) << one.name;
    EXPECT_EQ(change.error().code(), ErrorCode::kFailedPrecondition);
    EXPECT_EQ(
        change.error().ToString(),
        "field.user.email.index.exact: is refused, since it gives values away: there are fewer than 256 different "
        "ones; index them together with another field (compound), or accept it with accept_leak = \"reason\"");
    const CatalogChange accepted =
        MustPlan(MustParse(BareIndexCatalog(index + "accept_leak = \"demo\"", one.expect)), std::nullopt, std::nullopt);
    EXPECT_TRUE(accepted.weakens) << one.name;
    const std::string lines = Lines(accepted);
    for (const char* part : {"what the planner refuses is accepted", "there are fewer than 256 different values",
                             "one value has more than a sixteenth", "equal values have equal tokens"}) {
      EXPECT_NE(lines.find(part), std::string::npos) << lines;
    }
  }
}

TEST(IndexPlan, DeterministicSuiteIsRefusedForValuesThatItGivesAway) {
  const auto apply = [](std::string_view field_class, std::string_view expect) {
    return PlanApply(MustParse(EmailCatalog("class = \"" + std::string(field_class) +
                                            "\"\nkeyring = \"k\"\nbind_row = false\nsuite = 4\nunbound = \"join\"\n"
                                            "expect = " +
                                            std::string(expect))),
                     std::nullopt, std::nullopt, CountingIds());
  };
  const Result<CatalogChange> good = apply("pii", kExpect);
  ASSERT_TRUE(good.ok()) << good.error().ToString();
  EXPECT_EQ(good->lock.fields[0].now.form.suite, Suite::kAes256Siv);
  const Result<CatalogLock> read = ParseCatalogLock(WriteCatalogLock(good->lock));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, good->lock);
  for (const Result<CatalogChange>& bad :
       {apply("pii", "{ rows = 1000000, distinct = 5, top_share = 0.2 }"), apply("secret", kExpect),
        apply("pii", "{ rows = 1000000, distinct = 900000, top_share = 0.1 }")}) {
    ASSERT_FALSE(bad.ok());
    EXPECT_EQ(bad.error().code(), ErrorCode::kFailedPrecondition);
    EXPECT_EQ(bad.error().path(), "field.user.email.suite");
  }
}

TEST(IndexPlan, DomainsIdGivenTwiceIsADefect) {
  PlanPorts same = CountingIds();
  same.domain = [] { return DomainId(1); };
  const Result<CatalogChange> change = PlanApply(MustParse(kIndexedCatalog), std::nullopt, std::nullopt, same);
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(change.error().code(), ErrorCode::kInternal);
}

}  // namespace
}  // namespace coffer::policy
