// Every catalog key's changes are classified, and every sequence of applies keeps the lock's promises.
#include <random>
#include <set>

#include "policy/catalog_keys.h"
#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

struct KeyCase {
  CatalogKey key;
  std::string before;
  std::string after;
  bool weakens;
  bool refused = false;
};

std::string Lines3(std::string_view field_class, std::string_view keyring, std::string_view rest) {
  return EmailCatalog("class = \"" + std::string(field_class) + "\"\nkeyring = \"" + std::string(keyring) + "\"\n" +
                      std::string(rest));
}

// A class with everything else spelled out, so that only the class changes.
std::string OfClass(std::string_view field_class) {
  return Lines3(field_class, "k", "row = \"uuid\"\nsuite = 2\npad = 32\nbind = { url = \"text\" }");
}

std::string Pii(std::string_view rest) { return Lines3("pii", "k", rest); }

std::vector<KeyCase> EveryKey() {
  const std::string row = "row = \"uuid\"\n";
  return {
      {CatalogKey::kClass, OfClass("secret"), OfClass("pii"), true},
      {CatalogKey::kClass, OfClass("pii"), OfClass("internal"), true},
      {CatalogKey::kClass, OfClass("internal"), OfClass("public"), true},
      {CatalogKey::kClass, OfClass("secret"), OfClass("public"), true},
      {CatalogKey::kClass, OfClass("public"), OfClass("internal"), false},
      {CatalogKey::kClass, OfClass("pii"), OfClass("secret"), false},
      {CatalogKey::kKeyring, Lines3("pii", "k", row), Lines3("pii", "l", row), true},
      {CatalogKey::kKeyring, Lines3("pii", "l", row), Lines3("pii", "k", row), true},
      {CatalogKey::kRow, Pii("row = \"uuid\""), Pii("row = \"text\""), false, true},
      {CatalogKey::kRow, Pii("bind_row = false"), Pii("bind_row = false\nrow = \"text\""), false},
      {CatalogKey::kBind, Pii(row + "bind = { url = \"text\" }"), Pii(row), false, true},
      {CatalogKey::kBind, Pii(row), Pii(row + "bind = { url = \"text\" }"), false, true},
      {CatalogKey::kSuite, Pii(row + "suite = 2"), Pii(row + "suite = 1"), true},
      {CatalogKey::kSuite, Pii(row + "suite = 1"), Pii(row + "suite = 2"), false},
      {CatalogKey::kPad, Pii(row + "pad = 32"), Pii(row + "pad = \"none\""), true},
      {CatalogKey::kPad, Pii(row + "pad = \"none\""), Pii(row + "pad = 32"), false},
      {CatalogKey::kPad, Pii(row + "pad = 32"), Pii(row + "pad = 16"), false, true},
      {CatalogKey::kBindRow, Pii(row), Pii("bind_row = false"), true},
      {CatalogKey::kBindRow, Pii("bind_row = false"), Pii(row), false},
      {CatalogKey::kUnbound, Pii(row), Pii(row + "unbound = \"why\""), true},
      {CatalogKey::kUnbound, Pii(row + "unbound = \"why\""), Pii(row), false},
      {CatalogKey::kUnbound, Pii(row + "unbound = \"why\""), Pii(row + "unbound = \"because\""), false},
  };
}

TEST(CatalogWeakening, EveryKeyIsJudgedAsItIsClassified) {
  for (const KeyCase& one : EveryKey()) {
    const std::string name = std::string(RuleOf(one.key).name) + ": " + one.before + "to\n" + one.after;
    const CatalogLock lock = FirstLock(one.before);
    const Result<CatalogChange> change = TryApply(one.after, lock);
    ASSERT_EQ(change.ok(), !one.refused) << name;
    if (!change.ok()) continue;
    EXPECT_TRUE(change->changed) << name;
    EXPECT_EQ(change->weakens, one.weakens) << name << Lines(*change);
    const auto mentions = [&](const ChangeLine& line) {
      return line.what.rfind(std::string(RuleOf(one.key).name) + ":", 0) == 0 && line.weakening == one.weakens;
    };
    EXPECT_TRUE(std::any_of(change->lines.begin(), change->lines.end(), mentions)) << name << Lines(*change);
  }
}

TEST(CatalogWeakening, EveryClassifiedKeyHasItsCases) {
  std::set<CatalogKey> weaker;
  std::set<CatalogKey> stronger;
  std::set<CatalogKey> frozen;
  for (const KeyCase& one : EveryKey()) (one.refused ? frozen : one.weakens ? weaker : stronger).insert(one.key);
  for (const CatalogKeyRule& rule : kCatalogKeys) {
    if (rule.key == CatalogKey::kAcceptUnboundUntil || rule.key == CatalogKey::kRenamedFrom)
      continue;  // have their own tests
    const bool can_weaken = rule.effect == KeyEffect::kOrdered || rule.effect == KeyEffect::kWeakerOnly;
    EXPECT_EQ(weaker.count(rule.key) == 1, can_weaken) << rule.name;
    if (rule.effect == KeyEffect::kOrdered) {
      EXPECT_EQ(stronger.count(rule.key), 1u) << rule.name;
    }
    if (rule.effect == KeyEffect::kFrozen) {
      EXPECT_EQ(frozen.count(rule.key), 1u) << rule.name;
    }
    EXPECT_EQ(RuleOf(rule.key).name, rule.name);
  }
}

TEST(CatalogWeakening, DeadlineIsWeakerWhenSetOrExtendedAndStrongerWhenShortened) {
  const std::string bound = "row = \"uuid\"\n";
  const std::string january = Pii(bound + "accept_unbound_until = 2027-01-01T00:00:00Z");
  const std::string june = Pii(bound + "accept_unbound_until = 2027-06-01T00:00:00Z");
  const CatalogLock strict = Apply(Pii(bound), FirstLock(Pii("bind_row = false"))).lock;
  const CatalogChange set = Apply(january, strict);
  EXPECT_TRUE(set.weakens);
  EXPECT_TRUE(Apply(june, set.lock).weakens);
  EXPECT_FALSE(Apply(january, Apply(june, set.lock).lock).weakens);
  const CatalogChange removed = Apply(Pii(bound), set.lock);
  EXPECT_FALSE(removed.weakens);
  EXPECT_EQ(removed.lock.fields.at(0).former.at(0).until_unix_s, 0);
}

TEST(CatalogWeakening, DeadlineWithoutUnboundValuesChangesNothing) {
  const CatalogLock lock = FirstLock(Pii("row = \"uuid\""));
  EXPECT_FALSE(Apply(Pii("row = \"uuid\"\naccept_unbound_until = 2027-01-01T00:00:00Z"), lock).changed);
}

TEST(CatalogWeakening, RenameAloneIsNeutral) {
  const CatalogLock lock = FirstLock(Pii("row = \"uuid\""));
  const std::string text =
      "scope = \"shop\"\n[field.\"user.mail\"]\nclass = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\nrenamed_from = "
      "\"user.email\"";
  const CatalogChange change = Apply(text, lock);
  EXPECT_TRUE(change.changed);
  EXPECT_FALSE(change.weakens);
}

TEST(CatalogWeakening, LineSaysWhatAWeakeningCosts) {
  const CatalogChange change = Apply(Pii("row = \"uuid\"\nsuite = 1"), FirstLock(Pii("row = \"uuid\"\nsuite = 2")));
  EXPECT_EQ(Lines(change),
            "changed shop.user.email: suite: 2 -> 1 (weaker: new values carry no commitment to their key)\n");
}

// A random catalog over three fields, of which most changes are legal.
std::string RandomCatalog(std::mt19937& random) {
  const auto pick = [&](std::initializer_list<std::string_view> choices) {
    return std::string(*(choices.begin() + random() % choices.size()));
  };
  std::string text = "scope = \"shop\"\n";
  for (const char* name : {"t.a", "t.b", "t.c"}) {
    if (random() % 4 == 0) continue;
    text += "[field.\"" + std::string(name) + "\"]\nclass = \"" + pick({"public", "internal", "pii"}) + "\"\n";
    text += "keyring = \"" + pick({"k1", "k2", "k3"}) + "\"\nsuite = " + pick({"1", "2"}) +
            "\npad = " + pick({"\"none\"", "32"}) + "\n";
    text += pick(
        {"bind_row = false\n", "row = \"uuid\"\n", "row = \"uuid\"\naccept_unbound_until = 2027-01-01T00:00:00Z\n"});
    text += pick({"", "unbound = \"why\"\n"});
  }
  return text;
}

// Every form and keyring in which values of a field were ever written stays in its lock, under the id that it got
// first.
void ExpectNothingForgotten(const CatalogLock& before, const CatalogLock& after) {
  for (const LockedField& old : before.fields) {
    const LockedField* now = after.Find(old.name);
    ASSERT_NE(now, nullptr);
    EXPECT_EQ(now->uuid, old.uuid);
    std::vector<FormerDeclaration> written = old.former;
    written.push_back({old.now.form, old.now.keyring, std::nullopt});
    for (const FormerDeclaration& one : written) {
      const bool is_now = now->now.form == one.form && now->now.keyring == one.keyring;
      const auto same = [&](const FormerDeclaration& other) {
        return other.form == one.form && other.keyring == one.keyring;
      };
      EXPECT_TRUE(is_now || std::any_of(now->former.begin(), now->former.end(), same));
    }
  }
}

TEST(CatalogWeakening, RandomHistoriesKeepIdsAndFormsAndSettle) {
  std::mt19937 random(20240611);
  int weakenings = 0;
  for (int history = 0; history < 25; ++history) {
    CatalogLock lock = FirstLock(RandomCatalog(random));
    for (int step = 0; step < 12; ++step) {
      const std::string text = RandomCatalog(random);
      const CatalogLock before = lock;
      const CatalogChange change = MustPlan(MustParse(text), before, before,
                                            static_cast<std::uint8_t>(20 + 4 * step));  // ids that are not in the lock
      lock = change.lock;
      weakenings += change.weakens ? 1 : 0;
      EXPECT_EQ(change.lock.serial, before.serial + (change.changed ? 1 : 0));
      EXPECT_EQ(change.changed, change.lock != before);
      EXPECT_FALSE(Apply(text, lock).changed) << text;
      const Result<CatalogLock> read = ParseCatalogLock(WriteCatalogLock(lock));
      ASSERT_TRUE(read.ok()) << read.error().ToString();
      EXPECT_EQ(*read, lock);
      EXPECT_EQ(MustPlan(MustParse(text), std::nullopt, lock).lock, lock);  // an empty store ends up the same
      ExpectNothingForgotten(before, lock);
    }
  }
  EXPECT_GT(weakenings, 80);
}

}  // namespace
}  // namespace coffer::policy
