#include "keysvc/keys/key_table.h"

#include <gtest/gtest.h>

namespace coffer::keysvc {
namespace {

class KeyTableTest : public ::testing::Test {
 protected:
  void SetUp() override {
    keyring.uuid = KeyringUuid::Generate(1);
    keyring.name = "shop";
    keyring.kek = KeyId{10};
    keyring.primary = KeyVersion{1};
    kek.id = keyring.kek;
    kek.keyring = keyring.uuid;
    version.keyring = keyring.uuid;
    version.version = KeyVersion{1};
    tenant.uuid = TenantUuid::Generate(1);
    tenant.name = "default";
    key.keyring = keyring.uuid;
    key.version = version.version;
    key.tenant = tenant.uuid;
    key.id = KeyId{20};
    key.kek = kek.id;
  }
  void AddAll() {
    ASSERT_TRUE(table.Add(tenant).ok());
    ASSERT_TRUE(table.Add(keyring).ok());
    ASSERT_TRUE(table.Add(kek).ok());
    ASSERT_TRUE(table.Add(version).ok());
    ASSERT_TRUE(table.Add(key).ok());
  }

  KeyTable table;
  Tenant tenant;
  Keyring keyring;
  Kek kek;
  Version version;
  DataKey key;
};

TEST_F(KeyTableTest, FindsByNameIdAndPlace) {
  AddAll();
  EXPECT_TRUE(table.CheckComplete().ok());
  EXPECT_EQ(table.FindTenant("default")->uuid, tenant.uuid);
  EXPECT_EQ(table.FindKeyring("shop")->uuid, keyring.uuid);
  EXPECT_EQ(table.FindKeyring(keyring.uuid)->name, "shop");
  EXPECT_EQ(table.FindDataKey(KeyId{20})->tenant, tenant.uuid);
  EXPECT_EQ(table.FindDataKey(keyring.uuid, KeyVersion{1}, tenant.uuid)->id, KeyId{20});
  EXPECT_EQ(table.DataKeyCount(keyring.uuid, KeyVersion{1}), 1U);
}

TEST_F(KeyTableTest, UnknownIsNothing) {
  AddAll();
  EXPECT_EQ(table.FindTenant("other"), nullptr);
  EXPECT_EQ(table.FindKeyring("other"), nullptr);
  EXPECT_EQ(table.FindDataKey(KeyId{21}), nullptr);
  EXPECT_EQ(table.FindDataKey(keyring.uuid, KeyVersion{2}, tenant.uuid), nullptr);
  EXPECT_EQ(table.FindVersion(keyring.uuid, KeyVersion{2}), nullptr);
}

TEST_F(KeyTableTest, RefusesWhatIsThereTwice) {
  AddAll();
  EXPECT_EQ(table.Add(tenant).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(table.Add(keyring).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(table.Add(kek).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(table.Add(version).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(table.Add(key).error().code(), ErrorCode::kIntegrity);
}

TEST_F(KeyTableTest, OneIdIsOneKey) {
  AddAll();
  DataKey other = key;
  other.tenant = TenantUuid::Generate(2);
  Tenant second{.uuid = other.tenant, .name = "second"};
  ASSERT_TRUE(table.Add(second).ok());
  EXPECT_FALSE(table.Add(other).ok()) << "the id of another data key";
  other.id = kek.id;
  EXPECT_FALSE(table.Add(other).ok()) << "the id of a KEK";
  other.id = KeyId{};
  EXPECT_FALSE(table.Add(other).ok()) << "no id";
}

TEST_F(KeyTableTest, RefusesOrphans) {
  EXPECT_FALSE(table.Add(kek).ok());
  EXPECT_FALSE(table.Add(version).ok());
  EXPECT_FALSE(table.Add(key).ok());
  ASSERT_TRUE(table.Add(keyring).ok());
  EXPECT_FALSE(table.CheckComplete().ok()) << "a keyring without its KEK";
  ASSERT_TRUE(table.Add(kek).ok());
  EXPECT_FALSE(table.CheckComplete().ok()) << "a keyring without its primary version";
}

TEST_F(KeyTableTest, RefusesAKeyUnderAnotherKeyringsKek) {
  AddAll();
  Keyring other = keyring;
  other.uuid = KeyringUuid::Generate(2);
  other.name = "other";
  other.kek = KeyId{11};
  Kek other_kek{.id = KeyId{11}, .keyring = other.uuid};
  ASSERT_TRUE(table.Add(other).ok());
  ASSERT_TRUE(table.Add(other_kek).ok());
  DataKey crossed = key;
  crossed.id = KeyId{22};
  crossed.version = KeyVersion{1};
  crossed.kek = other_kek.id;
  EXPECT_FALSE(table.Add(crossed).ok());
}

TEST_F(KeyTableTest, TenantsComeInPages) {
  for (const char* name : {"c", "a", "b"})
    ASSERT_TRUE(table.Add(Tenant{.uuid = TenantUuid::Generate(1), .name = name}).ok());
  const std::vector<const Tenant*> page = table.TenantsAfter("a", 1);
  ASSERT_EQ(page.size(), 1U);
  EXPECT_EQ(page.front()->name, "b");
  EXPECT_TRUE(table.TenantsAfter("c", 5).empty());
}

TEST_F(KeyTableTest, ADataKeyIsReplacedAtItsOwnPlaceOnly) {
  AddAll();
  Kek second = kek;
  second.id = KeyId{11};
  ASSERT_TRUE(table.Add(second).ok());
  DataKey rewrapped = key;
  rewrapped.kek = second.id;
  ASSERT_TRUE(table.Replace(rewrapped).ok());
  EXPECT_EQ(table.FindDataKey(key.id)->kek, second.id);
  rewrapped.version = KeyVersion{2};
  EXPECT_FALSE(table.Replace(rewrapped).ok());
  rewrapped = key;
  rewrapped.kek = KeyId{12};
  EXPECT_FALSE(table.Replace(rewrapped).ok()) << "a KEK that does not exist";
  rewrapped = key;
  rewrapped.id = KeyId{21};
  EXPECT_FALSE(table.Replace(rewrapped).ok()) << "a data key that does not exist";
}

TEST_F(KeyTableTest, AKekIsRemovedWhenNothingNamesIt) {
  AddAll();
  EXPECT_EQ(table.RemoveKek(kek.id).error().code(), ErrorCode::kIntegrity) << "the keyring and a data key name it";
  Kek second = kek;
  second.id = KeyId{11};
  ASSERT_TRUE(table.Add(second).ok());
  keyring.kek = second.id;
  ASSERT_TRUE(table.Replace(keyring).ok());
  EXPECT_FALSE(table.RemoveKek(kek.id).ok()) << "a data key names it";
  key.kek = second.id;
  ASSERT_TRUE(table.Replace(key).ok());
  EXPECT_TRUE(table.RemoveKek(kek.id).ok());
  EXPECT_EQ(table.FindKek(kek.id), nullptr);
  EXPECT_FALSE(table.RemoveKek(kek.id).ok());
}

TEST_F(KeyTableTest, ARemovedDataKeyIsFoundByNoPath) {
  AddAll();
  EXPECT_EQ(table.DataKeyCount(tenant.uuid), 1U);
  table.Remove(key.id);
  EXPECT_EQ(table.FindDataKey(key.id), nullptr);
  EXPECT_EQ(table.FindDataKey(key.keyring, key.version, key.tenant), nullptr);
  EXPECT_EQ(table.DataKeyCount(key.keyring, key.version), 0U);
  EXPECT_EQ(table.DataKeyCount(tenant.uuid), 0U);
  table.Remove(key.id);
  EXPECT_TRUE(table.Add(key).ok()) << "its place is free";
}

}  // namespace
}  // namespace coffer::keysvc
