// Every index key's changes are judged as they are classified, and every sequence of applies keeps the lock's promises.
#include <random>
#include <set>

#include "policy/index_keys.h"
#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

struct KeyCase {
  IndexKey key;
  std::string before;
  std::string after;
  bool weakens;
};

std::string Of(std::string_view kind, std::string_view lines) {
  return BareIndexCatalog("kind = \"" + std::string(kind) + "\"\nkeyring = \"i\"\n" + std::string(lines));
}
std::string Equality(std::string_view lines) { return Of("equality", "bits = 16\n" + std::string(lines)); }
std::string Keyring(std::string_view name) {
  return BareIndexCatalog("kind = \"equality\"\nbits = 16\nkeyring = \"" + std::string(name) + "\"");
}
std::string Bits(int bits) { return Of("equality", "bits = " + std::to_string(bits)); }
std::string Ngram(std::string_view lines) { return Of("ngram", "bits = 32\n" + std::string(lines)); }
std::string Prefix(std::string_view lines) {
  return Of("prefix", "bits = 32\ncount = 9\nlengths = " + std::string(lines));
}
std::string Range(std::string_view lines) { return Of("range", "bits = 32\ncount = 60\n" + std::string(lines)); }

std::vector<KeyCase> EveryKey() {
  const std::string slow = "slow = { passes = 2, memory_kib = 16384 }";
  const std::string integers = "type = \"int64\"\nmin = 0\nmax = 1000\n";
  const std::string wide = "bits = 256\n";
  return {
      {IndexKey::kKind, Of("equality", "bits = 32"), Ngram("n = 3\ncount = 9"), true},
      {IndexKey::kKind, Ngram("n = 3\ncount = 9"), Of("equality", "bits = 32"), true},
      {IndexKey::kKeyring, Keyring("i"), Keyring("j"), true},
      {IndexKey::kType, Equality(""), Equality("type = \"bytes\""), true},
      {IndexKey::kType, Equality("type = \"uuid\""), Equality("type = \"int64\""), true},
      {IndexKey::kScale, Range("type = \"decimal\"\nscale = 1\nmin = 0\nmax = 99"),
       Range("type = \"decimal\"\nscale = 2\nmin = 0\nmax = 99"), true},
      {IndexKey::kTransform, Equality(""), Equality("transform = [\"trim\"]"), true},
      {IndexKey::kTransform, Equality("transform = [\"trim\"]"), Equality(""), true},
      {IndexKey::kBits, Bits(16), Bits(17), true},
      {IndexKey::kBits, Bits(16), Bits(256), true},
      {IndexKey::kBits, Bits(16), Bits(15), false},
      {IndexKey::kBits, Bits(40), Bits(16), false},
      {IndexKey::kScope, Equality(""), Equality("scope = \"global\""), true},
      {IndexKey::kScope, Equality("scope = \"global\""), Equality("scope = \"tenant\""), false},
      {IndexKey::kDomain, Equality(""), Equality("domain = \"email\""), true},
      {IndexKey::kDomain, Equality("domain = \"email\""), Equality("domain = \"mail\""), true},
      {IndexKey::kDomain, Equality("domain = \"email\""), Equality(""), false},
      {IndexKey::kPartitions, Equality("partitions = 4"), Equality("partitions = 3"), true},
      {IndexKey::kPartitions, Equality(""), Equality("partitions = 2"), false},
      {IndexKey::kUnique, Of("equality", wide), Of("equality", wide + "unique = true"), true},
      {IndexKey::kUnique, Of("equality", wide + "unique = true"), Of("equality", wide), false},
      {IndexKey::kN, Ngram("n = 3\ncount = 9"), Ngram("n = 4\ncount = 9"), true},
      {IndexKey::kLengths, Prefix("[3]"), Prefix("[3, 4]"), true},
      {IndexKey::kMin, Range(integers), Range("type = \"int64\"\nmin = 1\nmax = 1000"), true},
      {IndexKey::kMax, Range(integers), Range("type = \"int64\"\nmin = 0\nmax = 999"), true},
      {IndexKey::kSparsity, Range(integers), Range(integers + "sparsity = 3"), true},
      {IndexKey::kCount, Ngram("n = 3\ncount = 9"), Ngram("n = 3\ncount = 10"), true},
      {IndexKey::kSlow, Equality(slow), Equality(""), true},
      {IndexKey::kSlow, Equality(slow), Equality("slow = { passes = 1, memory_kib = 16384 }"), true},
      {IndexKey::kSlow, Equality(slow), Equality("slow = { passes = 3, memory_kib = 16383 }"), true},
      {IndexKey::kSlow, Equality(""), Equality(slow), false},
      {IndexKey::kExpect, Equality(""), Equality("expect = { rows = 1000, distinct = 999, top_share = 0.01 }"), false},
      {IndexKey::kAcceptLeak, Equality(""), Equality("accept_leak = \"why\""), true},
      {IndexKey::kAcceptLeak, Equality("accept_leak = \"why\""), Equality("accept_leak = \"because\""), true},
      {IndexKey::kAcceptLeak, Equality("accept_leak = \"why\""), Equality(""), false},
  };
}

TEST(IndexWeakening, EveryKeyIsJudgedAsItIsClassified) {
  for (const KeyCase& one : EveryKey()) {
    const std::string name = std::string(RuleOf(one.key).name) + ": " + one.before + "to\n" + one.after;
    const CatalogLock lock = FirstLock(one.before);
    const Result<CatalogChange> change = TryApply(one.after, lock);
    ASSERT_TRUE(change.ok()) << name << change.error().ToString();
    EXPECT_TRUE(change->changed) << name;
    EXPECT_EQ(change->weakens, one.weakens) << name << Lines(*change);
    const auto mentions = [&](const ChangeLine& line) {
      return line.what.rfind("index exact: " + std::string(RuleOf(one.key).name) + ":", 0) == 0 &&
             line.weakening == one.weakens;
    };
    EXPECT_TRUE(std::any_of(change->lines.begin(), change->lines.end(), mentions)) << name << Lines(*change);
    EXPECT_FALSE(TryApply(one.after, change->lock)->changed) << name;
  }
}

TEST(IndexWeakening, EveryClassifiedKeyHasItsCases) {
  std::set<IndexKey> weaker;
  std::set<IndexKey> others;
  for (const KeyCase& one : EveryKey()) (one.weakens ? weaker : others).insert(one.key);
  // Names and versions are index_plan_test.cc, and so are the frozen parts.
  const std::set<IndexKey> elsewhere = {IndexKey::kParts, IndexKey::kRenamedFrom, IndexKey::kWriteVersion,
                                        IndexKey::kOldestVersion};
  for (const IndexKeyRule& rule : kIndexKeys) {
    if (elsewhere.count(rule.key) == 1) continue;
    const bool can_weaken = rule.effect == KeyEffect::kOrdered || rule.effect == KeyEffect::kWeakerOnly;
    EXPECT_EQ(weaker.count(rule.key) == 1, can_weaken) << rule.name;
    EXPECT_EQ(others.count(rule.key) == 1, rule.effect != KeyEffect::kWeakerOnly) << rule.name;
  }
}

std::string FieldOf(std::string_view field_class, std::string_view index_lines) {
  std::string text =
      EmailCatalog("class = \"" + std::string(field_class) +
                   "\"\nkeyring = \"k\"\nrow = \"uuid\"\nunbound = \"x\"\nexpect = " + std::string(kExpect));
  if (!index_lines.empty()) {
    text += "[field.\"user.email\".index.exact]\nkind = \"equality\"\nkeyring = \"i\"\nbits = 16\n" +
            std::string(index_lines) + "\n";
  }
  return text;
}

TEST(IndexWeakening, IndexOnASecretIsAWeakeningAndWantsAReason) {
  const CatalogLock lock = FirstLock(FieldOf("secret", ""));
  const Result<CatalogChange> refused = TryApply(FieldOf("secret", "partitions = 1"), lock);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  const CatalogChange accepted = Apply(FieldOf("secret", "accept_leak = \"login by token\""), lock);
  EXPECT_TRUE(accepted.weakens);
  EXPECT_NE(Lines(accepted).find("it indexes a field of class secret"), std::string::npos) << Lines(accepted);
  EXPECT_TRUE(MustPlan(MustParse(FieldOf("secret", "accept_leak = \"x\"")), std::nullopt, std::nullopt).weakens);
}

TEST(IndexWeakening, PlainIndexOnAnAppliedFieldIsOne) {
  const CatalogChange change = Apply(FieldOf("pii", "partitions = 1"), FirstLock(FieldOf("pii", "")));
  EXPECT_TRUE(change.weakens);
  EXPECT_EQ(Lines(change),
            "added shop.user.email: index exact: equality, 16 bits, keyring i (weaker: equal values have equal tokens: "
            "how often each occurs shows)\n");
}

TEST(IndexWeakening, NewIndexAcrossTenantsOrColumnsIsOneOnceValuesAreThere) {
  const CatalogLock lock = FirstLock(FieldOf("pii", ""));
  for (const char* line : {"scope = \"global\"", "domain = \"email\""}) {
    EXPECT_TRUE(Apply(FieldOf("pii", line), lock).weakens) << line;
    EXPECT_FALSE(MustPlan(MustParse(FieldOf("pii", line)), std::nullopt, std::nullopt).weakens) << line;
  }
}

TEST(IndexWeakening, IndexedFieldThatBecomesASecretIsRefusedWithoutAReason) {
  const CatalogLock lock = FirstLock(FieldOf("pii", "partitions = 1"));
  EXPECT_FALSE(TryApply(FieldOf("secret", "partitions = 1"), lock).ok());
}

TEST(IndexWeakening, DeterministicSuiteIsAWeakeningAndFreezesThePadding) {
  const auto field = [](std::string_view lines) {
    return EmailCatalog("class = \"pii\"\nkeyring = \"k\"\nbind_row = false\nexpect = " + std::string(kExpect) + "\n" +
                        std::string(lines));
  };
  const CatalogLock lock = FirstLock(field("suite = 1"));
  const CatalogChange change = Apply(field("suite = 4"), lock);
  EXPECT_TRUE(change.weakens);
  EXPECT_EQ(Lines(change), "changed shop.user.email: suite: 1 -> 4 (weaker: equal values have equal ciphertexts)\n");
  EXPECT_FALSE(Apply(field("suite = 2"), change.lock).weakens);
  EXPECT_FALSE(Apply(field("suite = 1"), change.lock).weakens);
  const Result<CatalogChange> padded = TryApply(field("suite = 4\npad = 16"), change.lock);
  ASSERT_FALSE(padded.ok());
  EXPECT_EQ(padded.error().path(), "field.user.email.pad");
}

// A random index over a few settings, of which all are legal.
std::string RandomIndex(std::mt19937& random, const std::string& name) {
  const auto pick = [&](std::initializer_list<std::string_view> choices) {
    return std::string(*(choices.begin() + random() % choices.size()));
  };
  return "index." + name + " = { kind = \"equality\", keyring = \"" + pick({"i", "j"}) +
         "\", bits = " + pick({"12", "16", "40", "256"}) +
         pick({"", ", transform = [\"trim\"]", ", transform = [\"nfkc_casefold\"]"}) +
         pick({"", ", domain = \"one\"", ", domain = \"two\""}) + pick({"", ", scope = \"global\""}) +
         pick({"", ", partitions = 3"}) + pick({"", ", accept_leak = \"why\""}) + " }\n";
}

std::string RandomCatalog(std::mt19937& random) {
  std::string text = "scope = \"shop\"\n";
  for (const char* name : {"t.a", "t.b"}) {
    if (random() % 5 == 0) continue;
    text += "[field.\"" + std::string(name) +
            "\"]\nclass = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\nexpect = " + std::string(kExpect) + "\n";
    for (const char* index : {"x", "y"}) {
      if (random() % 3 != 0) text += RandomIndex(random, index);
    }
  }
  return text;
}

// Nothing that made tokens is forgotten: versions that rows may have stay as they are and the others' numbers are not
// given again; profiles and domains stay.
void ExpectNothingForgotten(const CatalogLock& before, const CatalogLock& after) {
  for (const LockedDomain& old : before.domains) {
    const LockedDomain* now = after.FindDomain(old.name);
    ASSERT_NE(now, nullptr);
    EXPECT_EQ(now->uuid, old.uuid);
    ASSERT_GE(now->profiles.size(), old.profiles.size());
    EXPECT_TRUE(std::equal(old.profiles.begin(), old.profiles.end(), now->profiles.begin()));
  }
  for (const LockedField& old : before.fields) {
    const LockedField* now = after.Find(old.name);
    ASSERT_NE(now, nullptr);
    for (const LockedIndex& index : old.indexes) {
      const auto same = [&](const LockedIndex& other) { return other.name == index.name; };
      const auto found = std::find_if(now->indexes.begin(), now->indexes.end(), same);
      ASSERT_NE(found, now->indexes.end());
      for (const LockedIndexVersion& version : index.versions) {
        const LockedIndexVersion* kept = found->Find(version.number);
        if (kept != nullptr) {
          EXPECT_EQ(*kept, version);
        } else {
          EXPECT_GT(version.number, index.StoredVersion());
          EXPECT_GT(found->versions.back().number, version.number);
        }
      }
      EXPECT_EQ(found->write_version, index.write_version);
    }
  }
}

TEST(IndexWeakening, RandomHistoriesKeepVersionsAndProfilesAndSettle) {
  std::mt19937 random(20240612);
  int refused = 0;
  for (int history = 0; history < 20; ++history) {
    CatalogLock lock = FirstLock(RandomCatalog(random));
    std::uint32_t primary = 1;
    for (std::uint8_t step = 1; step < 9; ++step) {
      const std::string text = RandomCatalog(random);
      if (random() % 4 == 0) ++primary;
      const Result<CatalogChange> change =
          PlanApply(MustParse(text), lock, lock, CountingIds(static_cast<std::uint8_t>(16 * step), primary));
      if (!change.ok()) {
        EXPECT_EQ(change.error().limit(), kMaxLiveIndexVersions) << change.error().ToString();
        ++refused;
        continue;
      }
      ExpectNothingForgotten(lock, change->lock);
      lock = change->lock;
      EXPECT_FALSE(MustPlan(MustParse(text), lock, lock, 250, primary).changed) << text;
      const Result<CatalogLock> read = ParseCatalogLock(WriteCatalogLock(lock));
      ASSERT_TRUE(read.ok()) << read.error().ToString();
      EXPECT_EQ(*read, lock);
    }
  }
  EXPECT_LT(refused, 20);
}

}  // namespace
}  // namespace coffer::policy
