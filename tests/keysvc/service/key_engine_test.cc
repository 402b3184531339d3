// Keyrings, versions, tenants, data keys: states, names, limits, and that a key is durable before it is used.
#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {
namespace {

using KeyEngineTest = ServiceFixture;

FieldPlaceAndForm PlaceIn(std::string_view keyring, TenantUuid tenant) {
  return {.keyring = keyring,
          .place = {.scope = ScopeUuid::Generate(1), .tenant = tenant, .field = FieldUuid::Generate(1)},
          .form = {}};
}

TEST_F(KeyEngineTest, NamesAreSlugsAndNeverTwice) {
  StartShop();
  for (const char* name :
       {"", "A", "a b", "-a", "a_b", "ä", "a/b", "0123456789012345678901234567890123456789012345678901234567890123"}) {
    EXPECT_EQ(key_service.CreateKeyring(admin, name).error().code(), ErrorCode::kInvalidArgument) << name;
    EXPECT_EQ(key_service.CreateTenant(admin, name).error().code(), ErrorCode::kInvalidArgument) << name;
  }
  EXPECT_EQ(key_service.CreateKeyring(admin, "shop").error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(key_service.CreateTenant(admin, "default").error().code(), ErrorCode::kAlreadyExists);
}

TEST_F(KeyEngineTest, RotateAddsAPrimaryVersion) {
  StartShop();
  const Result<KeyringView> rotated = key_service.RotateKeyring(dba, "shop", KeyVersion{1});
  ASSERT_TRUE(rotated.ok());
  EXPECT_EQ(rotated->keyring.primary, KeyVersion{2});
  ASSERT_EQ(rotated->versions.size(), 2U);
  EXPECT_EQ(rotated->versions[0].version.state, VersionState::kEnabled);
}

TEST_F(KeyEngineTest, RepeatedRotateWithTheSameExpectationRotatesOnce) {
  StartShop();
  ASSERT_TRUE(key_service.RotateKeyring(dba, "shop", KeyVersion{1}).ok());
  EXPECT_EQ(key_service.RotateKeyring(dba, "shop", KeyVersion{1}).error().code(), ErrorCode::kConflict);
  EXPECT_EQ(key_service.GetKeyring(dba, "shop")->versions.size(), 2U);
}

TEST_F(KeyEngineTest, ThePrimaryCannotBeDisabled) {
  StartShop();
  EXPECT_EQ(key_service.DisableVersion(admin, "shop", KeyVersion{1}).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(key_service.DisableVersion(admin, "shop", KeyVersion{9}).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(key_service.DisableVersion(admin, "none", KeyVersion{1}).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(key_service.EnableVersion(admin, "shop", KeyVersion{0}).error().code(), ErrorCode::kNotFound);
}

TEST_F(KeyEngineTest, RolesThatMayNotChangeKeysAreRefused) {
  StartShop();
  for (const Caller& caller : {app, auditor}) {
    EXPECT_EQ(key_service.RotateKeyring(caller, "shop", {}).error().code(), ErrorCode::kPermissionDenied);
    EXPECT_EQ(key_service.CreateKeyring(caller, "mine").error().code(), ErrorCode::kPermissionDenied);
    EXPECT_EQ(key_service.CreateTenant(caller, "mine").error().code(), ErrorCode::kPermissionDenied);
  }
  EXPECT_EQ(key_service.DisableVersion(dba, "shop", KeyVersion{1}).error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(KeyEngineTest, EachVersionAndTenantHasOneDataKey) {
  StartShop();
  KeyEngine& keys = *barrier->Enter().value()->keys;
  const TenantUuid tenant = *keys.ResolveTenant("");
  const TenantUuid other = keys.CreateTenant("acme")->uuid;
  const KeyId first = (*keys.CipherForEncrypt(PlaceIn("shop", tenant)))->key_id();
  EXPECT_EQ((*keys.CipherForEncrypt(PlaceIn("shop", tenant)))->key_id(), first);
  EXPECT_NE((*keys.CipherForEncrypt(PlaceIn("shop", other)))->key_id(), first);
  ASSERT_TRUE(keys.RotateKeyring("shop", {}).ok());
  EXPECT_NE((*keys.CipherForEncrypt(PlaceIn("shop", tenant)))->key_id(), first);
  EXPECT_EQ(keys.counts().data_keys, 3U);
}

TEST_F(KeyEngineTest, DataKeyIsInTheStoreBeforeTheFirstCipher) {
  StartShop();
  KeyEngine& keys = *barrier->Enter().value()->keys;
  const KeyId used = (*keys.CipherForEncrypt(PlaceIn("shop", *keys.ResolveTenant(""))))->key_id();
  const std::vector<StoredRow> rows = store.Begin().value()->Scan({.table = Table::kDataKey}).value();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(std::get<std::int64_t>(rows.front().columns[3]), static_cast<std::int64_t>(used.value));
}

TEST_F(KeyEngineTest, TwoEnginesOverOneStoreAgreeOnTheWinner) {
  StartShop();
  const std::unique_ptr<Barrier> second = OpenBarrier(store, clock);
  ASSERT_TRUE(second->Unseal(KeyFile()).ok());
  KeyEngine& here = *barrier->Enter().value()->keys;
  KeyEngine& there = *second->Enter().value()->keys;
  const FieldPlaceAndForm place = PlaceIn("shop", *here.ResolveTenant(""));
  const KeyId won = (*here.CipherForEncrypt(place))->key_id();
  EXPECT_EQ((*there.CipherForEncrypt(place))->key_id(), won) << "inserted by the first, read by the second";
}

TEST_F(KeyEngineTest, ManyThreadsMakeOneDataKey) {
  StartShop();
  KeyEngine& keys = *barrier->Enter().value()->keys;
  const FieldPlaceAndForm place = PlaceIn("shop", *keys.ResolveTenant(""));
  std::vector<KeyId> ids(8);
  std::vector<std::thread> threads;
  for (KeyId& id : ids) threads.emplace_back([&] { id = (*keys.CipherForEncrypt(place))->key_id(); });
  for (std::thread& thread : threads) thread.join();
  for (const KeyId& id : ids) EXPECT_EQ(id, ids.front());
  EXPECT_EQ(keys.counts().data_keys, 1U);
}

TEST_F(KeyEngineTest, KeyOfAnotherTenantOrKeyringIsUnknown) {
  StartShop();
  KeyEngine& keys = *barrier->Enter().value()->keys;
  ASSERT_TRUE(keys.CreateKeyring("other").ok());
  const TenantUuid tenant = *keys.ResolveTenant("");
  const TenantUuid acme = keys.CreateTenant("acme")->uuid;
  const KeyId id = (*keys.CipherForEncrypt(PlaceIn("shop", tenant)))->key_id();
  EXPECT_EQ(keys.CipherForDecrypt(PlaceIn("shop", tenant), id)->outcome, DecryptLookup::Outcome::kFound);
  EXPECT_EQ(keys.CipherForDecrypt(PlaceIn("shop", acme), id)->outcome, DecryptLookup::Outcome::kUnknown);
  EXPECT_EQ(keys.CipherForDecrypt(PlaceIn("other", tenant), id)->outcome, DecryptLookup::Outcome::kUnknown);
  EXPECT_EQ(keys.CipherForDecrypt(PlaceIn("none", tenant), id)->outcome, DecryptLookup::Outcome::kUnknown);
  EXPECT_NE(keys.CipherForDecrypt(PlaceIn("shop", acme), id)->cipher, nullptr) << "an unknown key takes the same work";
}

TEST_F(KeyEngineTest, TenantsArePaged) {
  StartShop();
  for (const char* name : {"b", "a", "c"}) ASSERT_TRUE(key_service.CreateTenant(admin, name).ok());
  const auto first = key_service.ListTenants(dba, 3, "");
  ASSERT_EQ(first->items.size(), 3U);
  EXPECT_EQ(first->next, "c");
  EXPECT_EQ(key_service.ListTenants(dba, 3, first->next)->items.front().name, "default");
  EXPECT_EQ(key_service.ListTenants(dba, 1001, "").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(key_service.ListTenants(dba, 1, "Not A Slug").error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(KeyEngineTest, KeyringsArePaged) {
  StartShop();
  for (const char* name : {"b", "a", "c"}) ASSERT_TRUE(key_service.CreateKeyring(admin, name).ok());
  std::vector<std::string> names;
  std::string token;
  do {
    const auto page = key_service.ListKeyrings(dba, 2, token);
    ASSERT_TRUE(page.ok());
    EXPECT_LE(page->items.size(), 2U);
    for (const Keyring& keyring : page->items) names.push_back(keyring.name);
    token = page->next;
  } while (!token.empty());
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  for (const char* name : {"a", "b", "c", "shop"}) EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
  EXPECT_EQ(key_service.ListKeyrings(dba, 1001, "").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(key_service.ListKeyrings(dba, 1, "Not A Slug").error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace coffer::keysvc
