#include "policy/catalog_plan.h"

#include "tests/policy/sample_catalogs.h"

namespace coffer::policy {
namespace {

constexpr std::string_view kEmail = "class = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\n";

std::string With(std::string_view lines) { return EmailCatalog(std::string(kEmail) + std::string(lines)); }

std::string Named(std::string_view name, std::string_view lines = "") {
  return "scope = \"shop\"\n[field.\"" + std::string(name) + "\"]\n" + std::string(kEmail) + std::string(lines) + "\n";
}

TEST(CatalogPlan, FirstApplyGivesIdsAndSerialOne) {
  const CatalogChange change = MustPlan(MustParse(kShopCatalog), std::nullopt, std::nullopt);
  EXPECT_TRUE(change.changed);
  EXPECT_FALSE(change.NeedsSecondPerson());
  EXPECT_EQ(change.lock.serial, 1u);
  EXPECT_EQ(change.lock.uuid, ScopeId(1));
  EXPECT_EQ(change.lock.fields.at(2).uuid, FieldId(3));
  EXPECT_EQ(Lines(change),
            "added shop.connection.password: class secret, keyring shop\n"
            "added shop.order.note: class internal, keyring shop\n"
            "added shop.user.email: class pii, keyring shop-pii\n");
}

TEST(CatalogPlan, ApplyingTheSameFileAgainChangesNothing) {
  const CatalogLock lock = FirstLock(kShopCatalog);
  const CatalogChange again = Apply(kShopCatalog, lock);
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.lock, lock);
  EXPECT_TRUE(again.lines.empty()) << Lines(again);
}

TEST(CatalogPlan, EmptyStoreTakesIdsAndSerialFromTheLock) {
  CatalogLock lock = FirstLock(kShopCatalog);
  lock.serial = 9;
  const CatalogChange change = MustPlan(MustParse(kShopCatalog), std::nullopt, lock);
  EXPECT_TRUE(change.changed);
  EXPECT_EQ(change.lock, lock);
  EXPECT_EQ(change.lines.size(), 3u);
  EXPECT_FALSE(change.weakens);
}

TEST(CatalogPlan, EmptyStoreRaisesTheSerialWhenTheFileWentOn) {
  const CatalogLock lock = FirstLock(With(""));
  const CatalogChange change = MustPlan(MustParse(With("suite = 2")), std::nullopt, lock);
  EXPECT_EQ(change.lock.serial, 2u);
  EXPECT_EQ(change.lock.uuid, lock.uuid);
  EXPECT_EQ(change.lock.fields.at(0).uuid, lock.fields.at(0).uuid);
}

TEST(CatalogPlan, LockSurvivesALostStoreWithRetiredAndRenamedFields) {
  const CatalogLock first = FirstLock(kShopCatalog);
  const std::string renamed = Named("user.mail", "renamed_from = \"user.email\"\n");
  const Result<CatalogChange> frozen = TryApply(renamed, first);
  ASSERT_FALSE(frozen.ok());  // kShopCatalog's email has another row type
  const CatalogLock small = FirstLock(Named("user.email"));
  const CatalogLock second = Apply(renamed, small).lock;
  const Result<CatalogLock> read = ParseCatalogLock(WriteCatalogLock(second));
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  EXPECT_EQ(MustPlan(MustParse(renamed), std::nullopt, *read).lock, second);
}

TEST(CatalogPlan, MissingLockIsRefused) {
  const CatalogLock lock = FirstLock(kShopCatalog);
  const Result<CatalogChange> change = PlanApply(MustParse(kShopCatalog), lock, std::nullopt, CountingIds());
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(change.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(change.error().path(), "catalog.lock");
}

TEST(CatalogPlan, StaleLockIsRefusedWithTheCurrentSerial) {
  CatalogLock stored = FirstLock(kShopCatalog);
  const CatalogLock old = stored;
  stored.serial = 5;
  const Result<CatalogChange> change = PlanApply(MustParse(kShopCatalog), stored, old, CountingIds());
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(change.error().code(), ErrorCode::kConflict);
  EXPECT_EQ(change.error().limit(), 5u);
}

TEST(CatalogPlan, NewerLockThanTheStoresIsRefused) {
  const CatalogLock stored = FirstLock(kShopCatalog);
  CatalogLock newer = stored;
  newer.serial = 2;
  const Result<CatalogChange> change = PlanApply(MustParse(kShopCatalog), stored, newer, CountingIds());
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(change.error().code(), ErrorCode::kFailedPrecondition);
}

TEST(CatalogPlan, LockWithOtherIdsOrContentsIsRefused) {
  const CatalogLock stored = FirstLock(kShopCatalog);
  CatalogLock other_scope = stored;
  other_scope.uuid = ScopeId(77);
  CatalogLock other_field = stored;
  other_field.fields.at(0).uuid = FieldId(77);
  CatalogLock other_form = stored;
  other_form.fields.at(0).now.form.suite = Suite::kXaes256Gcm;
  for (const CatalogLock& presented : {other_scope, other_field, other_form}) {
    const Result<CatalogChange> change = PlanApply(MustParse(kShopCatalog), stored, presented, CountingIds());
    ASSERT_FALSE(change.ok());
    EXPECT_EQ(change.error().code(), ErrorCode::kFailedPrecondition);
  }
}

TEST(CatalogPlan, LockOfAnotherScopeIsRefused) {
  const CatalogLock lock = FirstLock(kShopCatalog);
  const Result<CatalogChange> change = PlanApply(MustParse("scope = \"other\""), std::nullopt, lock, CountingIds());
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(change.error().code(), ErrorCode::kInvalidArgument);
}

TEST(CatalogPlan, RenamedFieldKeepsItsId) {
  const CatalogLock lock = FirstLock(Named("user.email"));
  const std::string renamed = Named("user.mail", "renamed_from = \"user.email\"");
  const CatalogChange change = Apply(renamed, lock);
  ASSERT_EQ(change.lock.fields.size(), 1u);
  EXPECT_EQ(change.lock.fields[0].uuid, lock.fields[0].uuid);
  EXPECT_EQ(change.lock.fields[0].former_names, (std::vector<ColumnName>{{"user", "email"}}));
  EXPECT_EQ(change.lock.serial, 2u);
  EXPECT_EQ(Lines(change), "renamed shop.user.mail: from user.email\n");
  EXPECT_FALSE(change.NeedsSecondPerson());
  EXPECT_FALSE(Apply(renamed, change.lock).changed);  // renamed_from may stay in the file
}

TEST(CatalogPlan, OldNameOfARenamedFieldIsANewField) {
  const CatalogLock lock =
      Apply(Named("user.mail", "renamed_from = \"user.email\""), FirstLock(Named("user.email"))).lock;
  const std::string both =
      Named("user.mail", "renamed_from = \"user.email\"") + "[field.\"user.email\"]\n" + std::string(kEmail);
  const CatalogChange change = Apply(both, lock);
  ASSERT_NE(change.lock.Find({"user", "email"}), nullptr);
  EXPECT_EQ(change.lock.Find({"user", "email"})->uuid, FieldId(100));
  EXPECT_EQ(change.lock.Find({"user", "mail"})->uuid, FieldId(1));
  EXPECT_TRUE(change.weakens) << "callers that still use the old name reach another field";
}

TEST(CatalogPlan, NameTakenFromAnotherFieldIsAWeakening) {
  const std::string two = Named("user.email") + "[field.\"user.phone\"]\n" + std::string(kEmail);
  const std::string swapped = Named("user.mail", "renamed_from = \"user.email\"") +
                              "[field.\"user.email\"]\nrenamed_from = \"user.phone\"\n" + std::string(kEmail);
  const CatalogLock lock = FirstLock(two);
  const Result<CatalogChange> change = TryApply(swapped, lock);
  EXPECT_TRUE(!change.ok() || change->weakens);
  const CatalogLock renamed =
      Apply(Named("user.mail", "renamed_from = \"user.email\"") + "[field.\"user.phone\"]\n" + std::string(kEmail),
            lock)
          .lock;
  EXPECT_TRUE(Apply(swapped, renamed).weakens);
}

TEST(CatalogPlan, LockWithAnAbsurdSerialIsNotTakenOver) {
  CatalogLock lock = FirstLock(With(""));
  lock.serial = 1'000'000'001;
  const Result<CatalogChange> change = PlanApply(MustParse(With("")), std::nullopt, lock, CountingIds());
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(change.error().code(), ErrorCode::kFailedPrecondition);
  lock.serial = 1'000'000'000;
  EXPECT_TRUE(PlanApply(MustParse(With("")), std::nullopt, lock, CountingIds()).ok());
}

TEST(CatalogPlan, FieldIsRenamedBackAndForth) {
  const CatalogLock first = FirstLock(Named("user.email"));
  const CatalogLock second = Apply(Named("user.mail", "renamed_from = \"user.email\""), first).lock;
  const CatalogLock third = Apply(Named("user.email", "renamed_from = \"user.mail\""), second).lock;
  EXPECT_EQ(third.fields.at(0).uuid, first.fields.at(0).uuid);
  EXPECT_EQ(third.fields.at(0).former_names, (std::vector<ColumnName>{{"user", "mail"}}));
}

TEST(CatalogPlan, RenameWithoutRenamedFromRetiresTheOldField) {
  const CatalogChange change = Apply(Named("user.mail"), FirstLock(Named("user.email")));
  EXPECT_TRUE(change.retires);
  EXPECT_TRUE(change.NeedsSecondPerson());
  EXPECT_TRUE(change.lock.Find({"user", "email"})->retired);
  EXPECT_EQ(change.lock.Find({"user", "mail"})->uuid, FieldId(100));
}

TEST(CatalogPlan, BadRenamesAreRefused) {
  const CatalogLock lock = FirstLock(Named("user.email") + "[field.\"user.name\"]\n" + std::string(kEmail));
  const CatalogLock retired = Apply(Named("user.name"), lock).lock;
  struct Case {
    const char* name;
    std::string text;
    const CatalogLock* lock;
  };
  const std::vector<Case> cases = {
      {"unknown source", Named("user.mail", "renamed_from = \"user.phone\""), &lock},
      {"retired source", Named("user.mail", "renamed_from = \"user.email\""), &retired},
      {"existing target", Named("user.name", "renamed_from = \"user.email\""), &lock},
      {"retired target", Named("user.email", "renamed_from = \"user.name\""), &retired},
      {"source still declared",
       Named("user.mail", "renamed_from = \"user.email\"") + "[field.\"user.email\"]\n" + std::string(kEmail), &lock},
  };
  for (const Case& bad : cases) {
    const Result<CatalogChange> change = TryApply(bad.text, *bad.lock);
    ASSERT_FALSE(change.ok()) << bad.name;
    EXPECT_EQ(change.error().code(), ErrorCode::kFailedPrecondition) << bad.name;
    EXPECT_NE(change.error().path().find("renamed_from"), std::string::npos) << bad.name << change.error().ToString();
  }
  EXPECT_FALSE(
      PlanApply(MustParse(Named("a.b", "renamed_from = \"a.c\"")), std::nullopt, std::nullopt, CountingIds()).ok());
}

TEST(CatalogPlan, RetiredFieldComesBackWithItsId) {
  const CatalogLock lock = FirstLock(Named("user.email"));
  const CatalogChange gone = Apply("scope = \"shop\"", lock);
  EXPECT_EQ(Lines(gone), "retired shop.user.email: no longer declared\n");
  EXPECT_FALSE(Apply("scope = \"shop\"", gone.lock).changed);
  const CatalogChange back = Apply(Named("user.email"), gone.lock);
  EXPECT_EQ(Lines(back), "restored shop.user.email: with the id that it had\n");
  EXPECT_EQ(back.lock.fields, lock.fields);
  EXPECT_EQ(back.lock.serial, 3u);
}

TEST(CatalogPlan, RestoringAFieldInAWeakerFormIsAWeakening) {
  const CatalogLock lock = FirstLock(With("suite = 2"));
  const CatalogLock gone = Apply("scope = \"shop\"", lock).lock;
  EXPECT_TRUE(Apply(With("suite = 1"), gone).weakens);
}

TEST(CatalogPlan, FrozenKeysAreRefused) {
  const CatalogLock lock = FirstLock(With("bind = { url = \"text\" }\npad = 16"));
  const std::string start = "class = \"pii\"\nkeyring = \"k\"\n";
  struct Case {
    const char* key;
    std::string lines;
  };
  const std::vector<Case> cases = {
      {"row", start + "row = \"int64\"\nbind = { url = \"text\" }\npad = 16"},
      {"row", start + "row = [\"uuid\", \"uuid\"]\nbind = { url = \"text\" }\npad = 16"},
      {"bind", start + "row = \"uuid\"\npad = 16"},
      {"bind", start + "row = \"uuid\"\nbind = { url = \"bytes\" }\npad = 16"},
      {"bind", start + "row = \"uuid\"\nbind = { url = \"text\", login = \"text\" }\npad = 16"},
      {"pad", start + "row = \"uuid\"\nbind = { url = \"text\" }\npad = 32"},
      {"pad", start + "row = \"uuid\"\nbind = { url = \"text\" }\npad = 8"},
  };
  for (const Case& bad : cases) {
    const Result<CatalogChange> change = TryApply(EmailCatalog(bad.lines), lock);
    ASSERT_FALSE(change.ok()) << bad.lines;
    EXPECT_EQ(change.error().code(), ErrorCode::kFailedPrecondition);
    EXPECT_EQ(change.error().path(), "field.user.email." + std::string(bad.key));
    EXPECT_EQ(change.error().line(), 2u);
  }
}

TEST(CatalogPlan, BindAddedLaterIsRefused) {
  const Result<CatalogChange> change = TryApply(With("bind = { url = \"text\" }"), FirstLock(With("")));
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(change.error().path(), "field.user.email.bind");
}

TEST(CatalogPlan, MultipleStaysFrozenWhilePaddingIsOff) {
  const CatalogLock off = Apply(With("pad = \"none\""), FirstLock(With("pad = 16"))).lock;
  EXPECT_FALSE(TryApply(With("pad = 32"), off).ok());
  EXPECT_EQ(Apply(With("pad = 16"), off).lock.fields.at(0).now.form.pad_multiple, 16);
}

TEST(CatalogPlan, StrongerSuiteAndPaddingKeepTheOldFormReadable) {
  const CatalogChange change = Apply(With("suite = 2\npad = 32"), FirstLock(With("")));
  EXPECT_FALSE(change.weakens);
  const std::vector<FormerDeclaration> expected = {{{Suite::kXaes256Gcm, 0, true, false}, "k", std::nullopt}};
  EXPECT_EQ(change.lock.fields.at(0).former, expected);
  EXPECT_EQ(Lines(change), "changed shop.user.email: suite: 1 -> 2\nchanged shop.user.email: pad: none -> 32\n");
}

TEST(CatalogPlan, FormThatComesBackIsNoLongerFormer) {
  const CatalogLock first = FirstLock(With(""));
  const CatalogLock second = Apply(With("suite = 2"), first).lock;
  const CatalogLock third = Apply(With(""), second).lock;
  const std::vector<FormerDeclaration> expected = {{{Suite::kXaes256GcmCommitting, 0, true, false}, "k", std::nullopt}};
  EXPECT_EQ(third.fields.at(0).former, expected);
}

TEST(CatalogPlan, AnotherKeyringKeepsTheOldOneReadable) {
  const CatalogChange change =
      Apply(EmailCatalog("class = \"pii\"\nkeyring = \"k2\"\nrow = \"uuid\""), FirstLock(With("")));
  EXPECT_TRUE(change.weakens);
  EXPECT_EQ(change.lock.fields.at(0).Keyrings(), (std::vector<std::string>{"k2", "k"}));
}

TEST(CatalogPlan, BindingRowsRefusesUnboundValuesUnlessADeadlineLetsThemIn) {
  const std::string start = "class = \"pii\"\nkeyring = \"k\"\n";
  const CatalogLock unbound = FirstLock(EmailCatalog(start + "bind_row = false"));
  const CatalogChange strict = Apply(With(""), unbound);
  EXPECT_FALSE(strict.weakens);
  EXPECT_EQ(strict.lock.fields.at(0).former.at(0).until_unix_s, 0);
  const CatalogChange lenient = Apply(With("accept_unbound_until = 2027-01-31T00:00:00Z"), unbound);
  EXPECT_FALSE(lenient.weakens);
  EXPECT_EQ(lenient.lock.fields.at(0).former.at(0).until_unix_s, 1801353600);
  EXPECT_FALSE(Apply(With("accept_unbound_until = 2027-01-31T00:00:00Z"), lenient.lock).changed);
}

TEST(CatalogPlan, UnbindingRowsKeepsTheirTypesForOlderValues) {
  const CatalogChange change =
      Apply(EmailCatalog("class = \"pii\"\nkeyring = \"k\"\nbind_row = false"), FirstLock(With("")));
  EXPECT_TRUE(change.weakens);
  EXPECT_EQ(change.lock.fields.at(0).now.row, std::vector{ValueType::kUuid});
  EXPECT_TRUE(change.lock.fields.at(0).former.at(0).form.row_bound);
  EXPECT_FALSE(TryApply(EmailCatalog("class = \"pii\"\nkeyring = \"k\"\nrow = \"int64\""), change.lock).ok());
}

TEST(CatalogPlan, IdsGivenTwiceAreADefect) {
  PlanPorts same = CountingIds();
  same.field = [] { return FieldId(1); };
  const Result<CatalogChange> change = PlanApply(MustParse(kShopCatalog), std::nullopt, std::nullopt, same);
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(change.error().code(), ErrorCode::kInternal);
}

TEST(CatalogPlan, FormerDeclarationsAreLimited) {
  CatalogLock lock = FirstLock(With(""));
  const auto keyring = [](std::size_t i) {
    return EmailCatalog("class = \"pii\"\nkeyring = \"k" + std::to_string(i) + "\"\nrow = \"uuid\"");
  };
  for (std::size_t i = 0; i < kMaxFormer; ++i) lock = Apply(keyring(i), lock).lock;
  const Result<CatalogChange> change = TryApply(keyring(kMaxFormer), lock);
  ASSERT_FALSE(change.ok());
  EXPECT_EQ(change.error().limit(), kMaxFormer);
}

}  // namespace
}  // namespace coffer::policy
