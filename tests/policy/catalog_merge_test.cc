// One scope's lock of another store, brought into this store's.
#include "policy/catalog_merge.h"

#include "policy/catalog_view.h"
#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

// Versions of there are 10 higher here; the primary one here is 3.
CatalogMergePorts Ports(KeyVersion without = {}) {
  return {.version_here =
              [without](std::string_view, KeyVersion version) {
                return version == without ? KeyVersion{} : KeyVersion{version.value + 10};
              },
          .primary_version = [](std::string_view) { return KeyVersion{3}; }};
}

CatalogMerge MustMerge(const std::optional<CatalogLock>& here, const CatalogLock& there, bool take_fields = false,
                       const CatalogMergePorts& ports = Ports()) {
  Result<CatalogMerge> merge = MergeCatalog(here, there, take_fields, ports);
  if (!merge.ok()) {
    ADD_FAILURE() << merge.error().ToString();
    return {};
  }
  return std::move(merge).value();
}

void ExpectRefused(const CatalogLock& here, const CatalogLock& there, std::string_view path, std::string_view words) {
  const Result<CatalogMerge> merge = MergeCatalog(here, there, false, Ports());
  ASSERT_FALSE(merge.ok()) << words;
  EXPECT_EQ(merge.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(merge.error().path(), path);
  EXPECT_NE(merge.error().ToString().find(words), std::string::npos) << merge.error().ToString();
}

LockedIndex& IndexOf(CatalogLock& lock) { return lock.fields.at(0).indexes.at(0); }
const LockedIndex& IndexOf(const CatalogLock& lock) { return lock.fields.at(0).indexes.at(0); }

// "1:3* 2:11m": number and key version of what is searched, the written and the merged ones marked.
std::string Versions(const CatalogLock& lock) {
  std::string text;
  for (const LockedIndexVersion& version : IndexOf(lock).versions) {
    text +=
        (text.empty() ? "" : " ") + std::to_string(version.number) + ":" + std::to_string(version.key_version.value);
    if (version.number == IndexOf(lock).write_version) text += "*";
    if (version.merged) text += "m";
  }
  return text;
}

TEST(CatalogMerge, TheSameLockWithoutIndexesChangesNothing) {
  const CatalogLock lock = FirstLock(kShopCatalog);
  const CatalogMerge merge = MustMerge(lock, lock);
  EXPECT_FALSE(merge.changed);
  EXPECT_EQ(merge.lock, lock);
}

TEST(CatalogMerge, VersionsOfThereAreSearchedUnderNumbersOfTheirOwn) {
  const CatalogLock lock = FirstLock(IndexCatalog(""));
  const CatalogMerge merge = MustMerge(lock, lock);
  EXPECT_TRUE(merge.changed);
  EXPECT_EQ(Versions(merge.lock), "1:1* 2:11m");
  EXPECT_EQ(merge.lock.serial, lock.serial + 1);
  EXPECT_EQ(merge.versions, 1U);
  EXPECT_EQ(merge.moves, (std::vector<IndexMove>{{"shop.user.email.exact", 1, 2}}));
  EXPECT_EQ(IndexOf(merge.lock).Declared().number, 1);
  const Result<CatalogLock> read = ParseCatalogLock(WriteCatalogLock(merge.lock));
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  EXPECT_EQ(*read, merge.lock);
  const CatalogMerge again = MustMerge(merge.lock, lock);
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.moves, merge.moves) << "the numbers are told again";
}

TEST(CatalogMerge, AnApplyAfterwardsSeesTheDeclaredVersionOnly) {
  const CatalogLock merged = MustMerge(FirstLock(IndexCatalog("")), FirstLock(IndexCatalog(""))).lock;
  EXPECT_FALSE(MustPlan(MustParse(IndexCatalog("")), merged, merged, 100, 1).changed);
  const CatalogLock rotated = MustPlan(MustParse(IndexCatalog("")), merged, merged, 100, 2).lock;
  EXPECT_EQ(Versions(rotated), "1:1* 2:11m 3:2");
  const CatalogLock again = MustPlan(MustParse(IndexCatalog("")), rotated, rotated, 100, 4).lock;
  EXPECT_EQ(Versions(again), "1:1* 2:11m 4:4") << "what no row has makes room";
  const CatalogLock written = MustPlan(MustParse(IndexCatalog("write_version = 4")), again, again, 100, 4).lock;
  EXPECT_EQ(Versions(written), "1:1 2:11m 4:4*");
  const std::string oldest = "write_version = 4\noldest_version = 4";
  EXPECT_EQ(Versions(MustPlan(MustParse(IndexCatalog(oldest)), written, written, 100, 4).lock), "4:4*");
  const Result<CatalogChange> refused =
      PlanApply(MustParse(IndexCatalog("write_version = 2")), written, written, CountingIds(100, 4));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().ToString().find("was merged in"), std::string::npos);
}

TEST(CatalogMerge, AVersionWhoseKeyMakesNoTokensIsNotSearched) {
  const CatalogLock lock = FirstLock(IndexCatalog(""));
  const CatalogMerge merge = MustMerge(lock, lock, false, Ports(KeyVersion{1}));
  EXPECT_FALSE(merge.changed);
  EXPECT_EQ(merge.moves, (std::vector<IndexMove>{{"shop.user.email.exact", 1, 0}}));
}

TEST(CatalogMerge, AnIndexOrProfileThatIsNotKnownHereIsNotSearched) {
  const CatalogLock plain = FirstLock(IndexCatalog(""));
  CatalogLock other = plain;
  IndexOf(other).name = "other";
  EXPECT_EQ(MustMerge(plain, other).moves, (std::vector<IndexMove>{{"shop.user.email.other", 1, 0}}));
  CatalogLock wider = plain;
  wider.domains.at(0).profiles.at(0).definition.form.bits = 20;
  const CatalogMerge merge = MustMerge(plain, wider);
  EXPECT_FALSE(merge.changed);
  EXPECT_EQ(merge.moves.at(0).here, 0);
  CatalogLock foreign = plain;
  foreign.domains.at(0).uuid.bytes.fill(std::byte{9});
  EXPECT_EQ(MustMerge(plain, foreign).moves.at(0).here, 0);
}

TEST(CatalogMerge, AnIndexIsKnownByItsFormerNamesToo) {
  const CatalogLock there = FirstLock(IndexCatalog(""));
  CatalogLock here = there;
  IndexOf(here).name = "email_exact";
  IndexOf(here).former_names = {"exact"};
  EXPECT_EQ(Versions(MustMerge(here, there).lock), "1:1* 2:11m");
  EXPECT_EQ(Versions(MustMerge(there, here).lock), "1:1* 2:11m");
}

TEST(CatalogMerge, AScopeThatIsNotHereIsTakenOverAndWritesAVersionOfItsOwn) {
  CatalogLock there = FirstLock(IndexCatalog(""));
  there = MustPlan(MustParse(IndexCatalog("")), there, there, 100, 2).lock;
  const CatalogMerge merge = MustMerge(std::nullopt, there);
  EXPECT_EQ(Versions(merge.lock), "1:11m 2:12m 3:3*");
  EXPECT_TRUE(merge.moves.empty()) << "rows keep their numbers";
  EXPECT_EQ(merge.lock.uuid, there.uuid);
  EXPECT_EQ(merge.lock.fields.at(0).uuid, there.fields.at(0).uuid);
  EXPECT_TRUE(CatalogView::Build(std::span(&merge.lock, 1)).ok());
  EXPECT_EQ(Versions(MustMerge(std::nullopt, there, false, Ports(KeyVersion{1})).lock), "2:12m 3:3*");
  const CatalogLock plain = FirstLock(kShopCatalog);
  EXPECT_EQ(MustMerge(std::nullopt, plain).lock, plain) << "without an index not even the serial changes";
}

TEST(CatalogMerge, TooManyVersionsAreRefused) {
  const CatalogLock there = FirstLock(IndexCatalog(""));
  CatalogLock here = there;
  for (std::uint16_t number = 2; number <= kMaxLiveIndexVersions; ++number) {
    LockedIndexVersion version = IndexOf(there).versions[0];
    version.number = number;
    version.key_version = KeyVersion{std::uint32_t{100} + number};
    IndexOf(here).versions.push_back(version);
  }
  ExpectRefused(here, there, "field.shop.user.email.index.exact", "raise oldest_version first (limit 8)");
}

TEST(CatalogMerge, AFieldThatIsNotHereIsRefusedOrTaken) {
  const CatalogLock here = FirstLock(kShopCatalog);
  CatalogLock there = here;
  LockedField extra = FirstLock(IndexCatalog("")).fields.at(0);
  extra.name = {"user", "alias"};
  extra.uuid = FieldId(77);
  there.fields.insert(there.fields.begin() + 2, extra);
  there.domains = FirstLock(IndexCatalog("")).domains;
  ExpectRefused(here, there, "field.shop.user.alias", "--take-fields");
  const CatalogMerge taken = MustMerge(here, there, true);
  EXPECT_EQ(taken.fields, 1U);
  const LockedField* field = taken.lock.Find({"user", "alias"});
  ASSERT_NE(field, nullptr);
  EXPECT_EQ(field->uuid, FieldId(77));
  EXPECT_TRUE(field->indexes.empty());
  EXPECT_EQ(taken.moves, (std::vector<IndexMove>{{"shop.user.alias.exact", 1, 0}}));
  CatalogLock clash = here;
  clash.fields.at(2).uuid = FieldId(78);
  const Result<CatalogMerge> refused = MergeCatalog(here, clash, true, Ports());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().path(), "field.shop.user.email");
}

TEST(CatalogMerge, WhatCouldNotBeDecryptedHereIsRefused) {
  const CatalogLock here = FirstLock(kShopCatalog);
  struct Case {
    std::size_t field;
    std::function<void(LockedField&)> change;
    const char* path;
    const char* words;
  };
  const Case cases[] = {
      {2, [](LockedField& field) { field.now.row = {ValueType::kUuid}; }, "field.shop.user.email", "another row"},
      {0, [](LockedField& field) { field.now.bind.pop_back(); }, "field.shop.connection.password", "other columns"},
      {2, [](LockedField& field) { field.now.keyring = "other"; }, "field.shop.user.email", "keyring there"},
      {2, [](LockedField& field) { field.now.form.suite = Suite::kXaes256GcmCommitting; }, "field.shop.user.email",
       "suite"},
      {2, [](LockedField& field) { field.now.form.pad_multiple = 8; }, "field.shop.user.email", "padding"},
      {2,
       [](LockedField& field) {
         FormerDeclaration former{field.now.form, "older", std::nullopt};
         field.former = {former};
       },
       "field.shop.user.email", "keyring there"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.words);
    CatalogLock there = here;
    one.change(there.fields.at(one.field));
    ExpectRefused(here, there, one.path, one.words);
  }
  CatalogLock renamed = here;
  renamed.scope = "store";
  ExpectRefused(here, renamed, "scope.store", "another name");
}

TEST(CatalogMerge, ALockThatIsNewerHereDecryptsWhatAnOlderOneWrote) {
  const CatalogLock there = FirstLock(kShopCatalog);
  CatalogLock here = there;
  LockedField& field = here.fields.at(2);
  field.former = {{field.now.form, field.now.keyring, std::nullopt}};
  field.now.keyring = "newer";
  here.serial = 7;
  field.name = {"user", "mail"};
  field.former_names = {{"user", "email"}};
  EXPECT_FALSE(MustMerge(here, there).changed);
}

TEST(CatalogMerge, LocksWithMergedVersionsKeepTheRules) {
  const CatalogLock good = MustMerge(FirstLock(IndexCatalog("")), FirstLock(IndexCatalog(""))).lock;
  ASSERT_TRUE(ValidateCatalogLock(good).ok());
  CatalogLock written = good;
  IndexOf(written).write_version = 2;
  EXPECT_FALSE(ValidateCatalogLock(written).ok());
  CatalogLock all = good;
  IndexOf(all).versions.erase(IndexOf(all).versions.begin());
  EXPECT_FALSE(ValidateCatalogLock(all).ok());
  std::string text = WriteCatalogLock(good);
  EXPECT_NE(text.find("key_version = 11, merged = true }"), std::string::npos) << text;
  EXPECT_NE(text.find("key_version = 1 }"), std::string::npos) << text;
}

}  // namespace
}  // namespace coffer::policy
