#include "plugins/grafana/database/data_keys.h"

#include <gtest/gtest.h>

#include "tests/plugins/grafana/database/known_answers.h"

namespace coffer::grafana {
namespace {

using known_answers::Hex;
using known_answers::kGcmHex;
using known_answers::kWrappedHex;
using known_answers::RowOf;

ByteView B(std::string_view text) { return AsBytes(text); }

Status AddKey(DataKeys& keys, std::string_view id, std::string_view provider, const Bytes& wrapped) {
  return keys.Add(RowOf(B(id), B(provider), ByteView(wrapped), B("1"), B("label"), B("scope")));
}

TEST(DataKeys, ARowOfDataKeysIsRead) {
  DataKeys keys(DataKeyTable::kDataKeys);
  ASSERT_TRUE(AddKey(keys, "id", "secretKey.v1", Hex(kWrappedHex)).ok());
  const DataKey* const key = keys.Find("id");
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->id, "id");
  EXPECT_EQ(key->provider, "secretKey.v1");
  EXPECT_TRUE(key->IsUnderSecretKey());
  EXPECT_EQ(key->label, "label");
  EXPECT_EQ(key->scope, "scope");
  EXPECT_EQ(key->name_space, "");
  EXPECT_TRUE(key->active);
  ASSERT_TRUE(key->wrapped);
  EXPECT_EQ(key->wrapped->ToBytes(), Hex(kWrappedHex));
  EXPECT_EQ(keys.all().size(), 1U);
  EXPECT_EQ(keys.Find("other"), nullptr);
}

TEST(DataKeys, ARowOfSecretDataKeyIsRead) {
  DataKeys keys(DataKeyTable::kSecretDataKey);
  ASSERT_TRUE(AddKey(keys, "uid", "secret_key.v2", Hex(kGcmHex)).ok());
  const DataKey* const key = keys.Find("uid");
  ASSERT_NE(key, nullptr);
  EXPECT_TRUE(key->IsUnderSecretKey());
  EXPECT_EQ(key->name_space, "scope");
  EXPECT_EQ(key->scope, "");
  ASSERT_TRUE(key->wrapped);
  EXPECT_EQ(key->wrapped->cipher, BlobCipher::kAesGcm);
}

TEST(DataKeys, ColumnsAreThoseOfTheTables) {
  EXPECT_EQ(DataKeyColumns(DataKeyTable::kDataKeys).name, "data_keys");
  EXPECT_EQ(DataKeyColumns(DataKeyTable::kDataKeys).columns,
            (std::vector<std::string_view>{"name", "provider", "encrypted_data", "active", "label", "scope"}));
  EXPECT_EQ(DataKeyColumns(DataKeyTable::kSecretDataKey).name, "secret_data_key");
  EXPECT_EQ(DataKeyColumns(DataKeyTable::kSecretDataKey).columns,
            (std::vector<std::string_view>{"uid", "provider", "encrypted_data", "active", "label", "namespace"}));
}

TEST(DataKeys, OldNamesOfProvidersAreTheNewestName) {
  for (const std::string_view name : {"secret", "secretKey", "secretKey.v1"}) {
    EXPECT_EQ(NormalProvider(DataKeyTable::kDataKeys, name), "secretKey.v1");
    EXPECT_EQ(NormalProvider(DataKeyTable::kSecretDataKey, name), "secret_key.v1");
  }
  for (const std::string_view name : {"awskms.prod", "hashicorpvault.key", "secret_key.v2", "SecretKey.v1", ""}) {
    EXPECT_EQ(NormalProvider(DataKeyTable::kDataKeys, name), name);
    EXPECT_EQ(NormalProvider(DataKeyTable::kSecretDataKey, name), name);
  }
}

TEST(DataKeys, WhatAnotherProviderWrapsIsNotASecretKeysUnlessItIsItsBlob) {
  DataKeys keys(DataKeyTable::kDataKeys);
  for (const std::string_view provider : {"awskms.prod", "hashicorpvault.key", "", "secretKey.v2", "secret_keys"}) {
    ASSERT_TRUE(AddKey(keys, std::string("under ") + std::string(provider), provider, Hex(kWrappedHex)).ok());
  }
  for (const auto& [id, key] : keys.all()) {
    EXPECT_FALSE(key.IsUnderSecretKey()) << id;
    EXPECT_TRUE(key.wrapped) << id;
  }
  ASSERT_TRUE(AddKey(keys, "of a service", "awskms.prod", CopyOf(B("AQIDAHh-not-a-blob"))).ok());
  EXPECT_FALSE(keys.Find("of a service")->wrapped);
}

TEST(DataKeys, DamagedRowsAreKeptWithoutTheirKey) {
  DataKeys keys(DataKeyTable::kDataKeys);
  ASSERT_TRUE(AddKey(keys, "short", "secretKey.v1", Bytes(10)).ok());
  ASSERT_TRUE(AddKey(keys, "empty", "secretKey.v1", {}).ok());
  ASSERT_TRUE(AddKey(keys, "enveloped", "secretKey.v1", Hex(known_answers::kEnvelopeHex)).ok());
  ASSERT_TRUE(keys.Add(RowOf(B("null"), B("secretKey.v1"), std::nullopt, std::nullopt)).ok());
  EXPECT_EQ(keys.all().size(), 4U);
  for (const auto& [id, key] : keys.all()) {
    EXPECT_TRUE(key.IsUnderSecretKey()) << id;
    EXPECT_FALSE(key.wrapped) << id;
  }
}

TEST(DataKeys, BooleansAreReadAsEachDatabaseWritesThem) {
  DataKeys keys(DataKeyTable::kDataKeys);
  for (const std::string_view active : {"1", "t", "true", "0", "f", "false", ""}) {
    ASSERT_TRUE(keys.Add(RowOf(B("is " + std::string(active)), B("secretKey.v1"), ByteView(), B(active))).ok());
  }
  for (const auto& [id, key] : keys.all()) EXPECT_EQ(key.active, id == "is 1" || id == "is t" || id == "is true") << id;
}

TEST(DataKeys, OfTwoRowsWithOneIdTheOneWithABlobIsKept) {
  DataKeys keys(DataKeyTable::kDataKeys);
  ASSERT_TRUE(AddKey(keys, "id", "secretKey.v1", Bytes(10)).ok());
  EXPECT_EQ(AddKey(keys, "id", "secretKey.v1", Hex(kWrappedHex)).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(AddKey(keys, "id", "secretKey.v1", Hex(kGcmHex)).error().code(), ErrorCode::kAlreadyExists);
  ASSERT_TRUE(keys.Find("id")->wrapped);
  EXPECT_EQ(keys.Find("id")->wrapped->ToBytes(), Hex(kWrappedHex));
  EXPECT_TRUE(keys.Find("id")->is_twice);
  EXPECT_EQ(keys.all().size(), 1U);
}

TEST(DataKeys, BadIdsAreRefused) {
  DataKeys keys(DataKeyTable::kDataKeys);
  ASSERT_TRUE(AddKey(keys, "id", "secretKey.v1", Hex(kWrappedHex)).ok());
  EXPECT_EQ(AddKey(keys, "", "secretKey.v1", {}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(AddKey(keys, std::string(257, 'k'), "secretKey.v1", {}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(keys.Add(RowOf(std::nullopt, B("secretKey.v1"))).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(keys.Add({}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(AddKey(keys, "id", "awskms.x", {}).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(keys.all().size(), 1U);
  EXPECT_EQ(keys.Find("id")->provider, "secretKey.v1");
  EXPECT_TRUE(keys.Find("id")->is_twice);
  EXPECT_TRUE(AddKey(keys, std::string(256, 'k'), "secretKey.v1", {}).ok());
}

TEST(DataKeys, MoreThanTheLimitAreRefused) {
  DataKeys keys(DataKeyTable::kDataKeys);
  for (std::size_t i = 0; i < DataKeys::kMaxKeys; ++i) {
    ASSERT_TRUE(AddKey(keys, std::to_string(i), "awskms.x", {}).ok());
  }
  EXPECT_EQ(AddKey(keys, "one more", "awskms.x", {}).error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(keys.all().size(), DataKeys::kMaxKeys);
}

}  // namespace
}  // namespace coffer::grafana
