#include "plugins/grafana/secret_key.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "tests/plugins/grafana/memory_vault.h"

namespace coffer::grafana {
namespace {

SecretBytes Secret(const std::string& text) { return SecretBytes::CopyOf(AsBytes(text)); }
std::string Text(const SecretBytes& secret) { return std::string(AsText(secret.Expose(SecretAccess::kTest))); }

TEST(SecretKey, MadeKeysAreFortyLettersAndDigitsAndDiffer) {
  std::set<std::string> keys;
  std::set<char> letters;
  for (int i = 0; i < 200; ++i) {
    const std::string key = Text(MakeSecretKey());
    EXPECT_EQ(key.size(), 40U);
    EXPECT_TRUE(CheckSecretKey(Secret(key)).ok());
    letters.insert(key.begin(), key.end());
    keys.insert(key);
  }
  EXPECT_EQ(keys.size(), 200U);
  EXPECT_EQ(letters.size(), 62U);
  EXPECT_TRUE(std::all_of(letters.begin(), letters.end(), [](unsigned char c) { return std::isalnum(c) != 0; }));
}

TEST(SecretKey, PublicDefaultIsRefusedByName) {
  const Status refused = CheckSecretKey(Secret("SW2YcwTIb9zpOOhoPsMm"));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("public default"), std::string_view::npos);
}

TEST(SecretKey, WhatGrafanaWouldChangeIsRefused) {
  for (const char* key : {"", " a", "a ", "a$b", "a%(b)s", "a\nb", "a\n", "a\tb", "\xC3\xA9", "a\x7F"}) {
    EXPECT_FALSE(CheckSecretKey(Secret(key)).ok()) << key;
  }
  EXPECT_FALSE(CheckSecretKey(Secret(std::string(1025, 'a'))).ok());
  for (const char* key : {"a", "with space inside", "100%", "a+b/c=", "'\"`{}"})
    EXPECT_TRUE(CheckSecretKey(Secret(key)).ok()) << key;
}

TEST(SecretKey, VariablesFollowGrafanasRule) {
  EXPECT_EQ(KeyVariable(GrafanaKey::kSecurity), "GF_SECURITY_SECRET_KEY");
  EXPECT_EQ(KeyVariable(GrafanaKey::kSecretsManager), "GF_SECRETS_MANAGER_ENCRYPTION_SECRET_KEY_V1_SECRET_KEY");
}

TEST(SecretKey, MissingKeyIsMadeOnlyWhenAsked) {
  MemoryVault vault;
  const auto missing = FetchSecretKey(vault, GrafanaKey::kSecurity, false);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(vault.puts, 0);
  const auto made = FetchSecretKey(vault, GrafanaKey::kSecurity, true);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(vault.At("grafana/secret_key"), Text(*made));
  const auto again = FetchSecretKey(vault, GrafanaKey::kSecurity, true);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(Text(*again), Text(*made));
}

TEST(SecretKey, TheTwoKeysDiffer) {
  MemoryVault vault;
  ASSERT_TRUE(FetchSecretKey(vault, GrafanaKey::kSecurity, true).ok());
  ASSERT_TRUE(FetchSecretKey(vault, GrafanaKey::kSecretsManager, true).ok());
  EXPECT_NE(vault.At("grafana/secret_key"), vault.At("grafana/secrets_manager_secret_key"));
}

TEST(SecretKey, StoredPublicDefaultIsRefused) {
  MemoryVault vault;
  vault.Set("grafana/secret_key", "SW2YcwTIb9zpOOhoPsMm");
  EXPECT_FALSE(FetchSecretKey(vault, GrafanaKey::kSecurity, true).ok());
}

TEST(SecretKey, ImportRefusesThePublicDefaultAndNeverOverwrites) {
  MemoryVault vault;
  EXPECT_FALSE(ImportSecretKey(vault, GrafanaKey::kSecurity, Secret("SW2YcwTIb9zpOOhoPsMm")).ok());
  EXPECT_EQ(vault.size(), 0U);
  EXPECT_TRUE(ImportSecretKey(vault, GrafanaKey::kSecurity, Secret("mine")).ok());
  EXPECT_TRUE(ImportSecretKey(vault, GrafanaKey::kSecurity, Secret("mine")).ok());
  const Status other = ImportSecretKey(vault, GrafanaKey::kSecurity, Secret("other"));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(vault.At("grafana/secret_key"), "mine");
}

TEST(SecretKey, OutageIsPassedOnAndMakesNoKey) {
  MemoryVault vault;
  vault.failure = ErrorCode::kUnavailable;
  const auto failed = FetchSecretKey(vault, GrafanaKey::kSecurity, true);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(vault.puts, 0);
}

}  // namespace
}  // namespace coffer::grafana
