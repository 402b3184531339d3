// Applying catalogs through the service: locks, keyrings, weakening, and an empty store that takes a lock over.
#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {
namespace {

using CatalogsTest = ServiceFixture;

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST_F(CatalogsTest, ApplyNeedsItsKeyrings) {
  ASSERT_TRUE(operator_service.Init(admin, KeyFile(), {}, true).ok());
  const Result<policy::CatalogChange> refused = admin_service.Apply(admin, kShopCatalog, "");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(admin_service.ShowCatalog(admin, "")->scopes.empty());
}

TEST_F(CatalogsTest, FieldsNeedAKeyringThatEncrypts) {
  ASSERT_TRUE(operator_service.Init(admin, KeyFile(), {}, true).ok());
  for (const KeyringPurpose purpose : {KeyringPurpose::kIndex, KeyringPurpose::kDeterministic}) {
    const std::string name = "ring-" + std::to_string(static_cast<int>(purpose));
    ASSERT_EQ(key_service.CreateKeyring(admin, name, purpose)->keyring.purpose, purpose);
    const std::string catalog =
        "scope = \"shop\"\n[field.\"user.email\"]\nclass = \"pii\"\nrow = \"int64\"\nkeyring = \"" + name + "\"\n";
    const Result<policy::CatalogChange> refused = admin_service.Apply(admin, catalog, "");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
    EXPECT_EQ(refused.error().path(), "field.user.email.keyring");
  }
  EXPECT_TRUE(admin_service.ShowCatalog(admin, "")->scopes.empty());
}

TEST_F(CatalogsTest, SecondApplyNeedsTheLockAndChangesNothing) {
  StartShop();
  EXPECT_EQ(admin_service.Apply(admin, kShopCatalog, "").error().code(), ErrorCode::kFailedPrecondition);
  const Result<policy::CatalogChange> same = admin_service.Apply(admin, kShopCatalog, lock);
  ASSERT_TRUE(same.ok());
  EXPECT_FALSE(same->changed);
  EXPECT_EQ(admin_service.ShowCatalog(app, "shop")->lock, lock);
}

TEST_F(CatalogsTest, StaleLockIsAConflict) {
  StartShop();
  const std::string stronger = Replaced(kShopCatalog, "class   = \"pii\"", "class   = \"pii\"\nsuite = 2");
  ASSERT_TRUE(admin_service.Apply(admin, stronger, lock).ok());
  EXPECT_EQ(admin_service.Apply(admin, kShopCatalog, lock).error().code(), ErrorCode::kConflict);
}

TEST_F(CatalogsTest, OthersHaveToApproveAWeakening) {
  StartShop();
  const std::string weaker = Replaced(kShopCatalog, "class   = \"pii\"", "class   = \"internal\"");
  EXPECT_TRUE(admin_service.Diff(dba, weaker, lock)->weakens);
  EXPECT_EQ(admin_service.AdminService::Apply(admin, weaker, lock).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(admin_service.ShowCatalog(app, "shop")->lock, lock) << "a refused apply changes nothing";
  EXPECT_TRUE(admin_service.Apply(admin, weaker, lock).ok());
}

TEST_F(CatalogsTest, LockWithTheIdsOfAnotherScopeIsRefusedAndTheStoreStillOpens) {
  StartShop();
  policy::CatalogLock clone = *policy::ParseCatalogLock(lock);
  clone.scope = "staging";
  const std::string staging = Replaced(kShopCatalog, "\"shop\"", "\"staging\"");
  for (const ScopeUuid scope : {clone.uuid, ScopeUuid::Generate(1)}) {
    clone.uuid = scope;  // the fields' ids are another scope's in both
    const Result<policy::CatalogChange> refused = admin_service.Apply(admin, staging, policy::WriteCatalogLock(clone));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
    EXPECT_EQ(refused.error().path(), "catalog.lock");
    ASSERT_TRUE(admin_service.Seal(admin).ok());
    ASSERT_TRUE(admin_service.Unseal(admin, KeyFile()).ok());
    EXPECT_EQ(admin_service.ShowCatalog(admin, "")->scopes, std::vector<std::string>{"shop"});
  }
}

TEST_F(CatalogsTest, FormerNameDoesNotBecomeAWeakerFieldUnnoticed) {
  StartShop();
  const std::string email = "[field.\"user.email\"]";
  const std::string renamed =
      Replaced(kShopCatalog, email, "[field.\"user.email_old\"]\nrenamed_from = \"user.email\"");
  const Result<policy::CatalogChange> first = admin_service.Apply(admin, renamed, lock);
  ASSERT_TRUE(first.ok()) << first.error().ToString();
  const std::string again = renamed + email + "\nclass = \"public\"\nkeyring = \"shop\"\nrow = \"int64\"\n";
  const std::string now = policy::WriteCatalogLock(first->lock);
  EXPECT_EQ(admin_service.AdminService::Apply(admin, again, now).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(admin_service.Apply(admin, again, now).ok());
}

TEST_F(CatalogsTest, DbaMayDiffButNotApply) {
  StartShop();
  EXPECT_TRUE(admin_service.Diff(dba, kShopCatalog, lock).ok());
  EXPECT_EQ(admin_service.Apply(dba, kShopCatalog, lock).error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(CatalogsTest, BadTextsAreRefused) {
  StartShop();
  EXPECT_EQ(admin_service.Apply(admin, "scope = ", lock).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(admin_service.Apply(admin, kShopCatalog, "scope = \"shop\"").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(admin_service.ShowCatalog(admin, "nothing").error().code(), ErrorCode::kNotFound);
}

TEST_F(CatalogsTest, CatalogSurvivesASeal) {
  StartShop();
  ASSERT_TRUE(admin_service.Seal(admin).ok());
  ASSERT_TRUE(admin_service.Unseal(admin, KeyFile()).ok());
  EXPECT_EQ(admin_service.ShowCatalog(app, "shop")->lock, lock);
}

TEST_F(CatalogsTest, AnEmptyStoreTakesTheIdsOfALock) {
  StartShop();
  MemoryStore empty;
  const std::unique_ptr<Barrier> other = OpenBarrier(empty, clock);
  ASSERT_TRUE(other->Init(KeyFileSeal{.path = folder / "other.key", .allow_same_device = true}, std::nullopt).ok());
  const std::shared_ptr<Unsealed> unsealed = other->Enter().value();
  ASSERT_TRUE(unsealed->keys->CreateKeyring("shop").ok());
  const auto allow = [](const policy::CatalogChange&) { return Status(); };
  const Result<policy::CatalogChange> taken = unsealed->catalogs->Apply(kShopCatalog, lock, allow);
  ASSERT_TRUE(taken.ok()) << taken.error().ToString();
  EXPECT_EQ(policy::WriteCatalogLock(taken->lock), lock);
}

}  // namespace
}  // namespace coffer::keysvc
