#include "plugins/grafana/secret_listing.h"

#include <gtest/gtest.h>

#include "tests/plugins/grafana/memory_vault.h"

namespace coffer::grafana {
namespace {

VersionsByPath Current(MemoryVault& vault, const std::set<std::string>& paths) {
  auto found = CurrentVersions(vault, paths);
  EXPECT_TRUE(found.ok());
  return found.ok() ? std::move(found).value() : VersionsByPath{};
}

TEST(SecretListingTest, OneListGivesTheVersionsOfAllPathsAndOfNoOther) {
  MemoryVault vault;
  for (const char* path : {"grafana/1/a/p", "grafana/1/a/p", "grafana/1/b/p", "grafana/secret_key", "grafana/x/y"}) {
    vault.Set(path, "v");
  }
  EXPECT_EQ(Current(vault, {"grafana/1/a/p", "grafana/1/c/p", "grafana/secret_key"}),
            (VersionsByPath{{"grafana/1/a/p", 2}, {"grafana/secret_key", 1}}));
  EXPECT_EQ(vault.lists, 1);
  EXPECT_EQ(vault.gets, 0);
}

TEST(SecretListingTest, NoPathsAskNothing) {
  MemoryVault vault;
  EXPECT_TRUE(Current(vault, {}).empty());
  EXPECT_EQ(vault.lists, 0);
}

TEST(SecretListingTest, PathsThatTheVaultDoesNotHaveAreLeftOut) {
  MemoryVault vault;
  vault.page_size = 1;
  vault.Set("b", "v");
  EXPECT_TRUE(Current(vault, {"a", "c"}).empty());
}

TEST(SecretListingTest, ManyOtherSecretsInBetweenAreSkipped) {
  MemoryVault vault;
  vault.page_size = 10;
  vault.Set("grafana/1/a/p", "v");
  for (int i = 0; i < 1'000; ++i) vault.Set("grafana/many/" + std::to_string(i), "v");
  vault.Set("grafana/secret_key", "v");
  EXPECT_EQ(Current(vault, {"grafana/1/a/p", "grafana/secret_key"}).size(), 2U);
  EXPECT_EQ(vault.lists, 2);
}

TEST(SecretListingTest, EveryPathIsFoundWhateverThePageSize) {
  MemoryVault vault;
  std::set<std::string> paths;
  for (int i = 0; i < 60; ++i) {
    const std::string path = "grafana/" + std::to_string(i % 3) + "/" + std::to_string(i) + "/p";
    vault.Set(path, "v");
    if (i % 2 == 0) paths.insert(path);
  }
  for (const std::size_t size : {1U, 2U, 7U, 59U, 60U, 61U}) {
    vault.page_size = size;
    EXPECT_EQ(Current(vault, paths).size(), paths.size()) << size;
  }
}

TEST(SecretListingTest, AFailureIsPassedOn) {
  MemoryVault vault;
  vault.list_failure = ErrorCode::kSealed;
  EXPECT_EQ(CurrentVersions(vault, {"a"}).error().code(), ErrorCode::kSealed);
}

}  // namespace
}  // namespace coffer::grafana
