// The vault of an edge comes home: with its history, next to what is there.
#include "tests/keysvc/service/merge_fixture.h"

namespace coffer::keysvc {
namespace {

// One tenant whose secrets both stores have a hand in: the edge's default one, merged.
class MergeSecretsTest : public MergeFixture {
 protected:
  void SetUp() override {
    centre.Init();
    edge.Init();
    edge.Put("", "db/password", "first", MetadataPairs{{"owner", "ann"}});
    edge.Put("", "db/password", "second", MetadataPairs{{"owner", "bob"}});
    ASSERT_TRUE(centre.Merge(edge).ok());
  }
  MetadataPairs MetadataOf(const std::string& path) {
    return centre.secrets->History(centre.app, {.tenant = "edge", .path = path}, 0, "")->metadata;
  }
};

TEST_F(MergeSecretsTest, HistoryAndMetadataComeAlong) {
  EXPECT_EQ(centre.Get("edge", "db/password", 1), "first");
  EXPECT_EQ(centre.Get("edge", "db/password"), "second");
  EXPECT_EQ(MetadataOf("db/password"), (MetadataPairs{{"owner", "bob"}}));
}

TEST_F(MergeSecretsTest, NewVersionsAreAddedAndTheirMetadataCounts) {
  edge.Put("", "db/password", "third", MetadataPairs{{"owner", "eve"}, {"since", "may"}});
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_EQ(merged->secrets, 0U);
  EXPECT_EQ(merged->secret_versions, 1U);
  EXPECT_EQ(centre.Get("edge", "db/password"), "third");
  EXPECT_EQ(centre.Get("edge", "db/password", 1), "first");
  EXPECT_EQ(MetadataOf("db/password").size(), 2U);
}

TEST_F(MergeSecretsTest, NewerVersionsOfHereStay) {
  centre.Put("edge", "db/password", "third of here");
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_FALSE(merged->changed);
  EXPECT_EQ(centre.Get("edge", "db/password"), "third of here");
}

TEST_F(MergeSecretsTest, TwoValuesOfOneVersionAreRefused) {
  centre.Put("edge", "db/password", "third of here");
  edge.Put("", "db/password", "third of there");
  const auto before = centre.Snapshot();
  ExpectRefused(centre.Merge(edge), ErrorCode::kFailedPrecondition, "secret db/password: has another value here",
                before);
  EXPECT_EQ(centre.Get("edge", "db/password"), "third of here");
}

TEST_F(MergeSecretsTest, DeletedAndDestroyedVersionsStaySo) {
  const SecretName there{.tenant = "", .path = "db/password"};
  ASSERT_TRUE(edge.secrets->Destroy(edge.admin, there, {SecretVersion{1}}).ok());
  ASSERT_TRUE(edge.secrets->Delete(edge.app, there, {SecretVersion{2}}).ok());
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_EQ(merged->ended, 2U);
  EXPECT_NE(centre.Get("edge", "db/password", 1).find("is destroyed"), std::string::npos);
  EXPECT_NE(centre.Get("edge", "db/password", 2).find("is deleted"), std::string::npos);
}

TEST_F(MergeSecretsTest, WhatWasDestroyedHereIsNotBroughtBack) {
  const SecretName here{.tenant = "edge", .path = "db/password"};
  ASSERT_TRUE(centre.secrets->Destroy(centre.admin, here, {SecretVersion{1}}).ok());
  edge.Put("", "db/password", "third");
  ASSERT_TRUE(centre.Merge(edge).ok());
  EXPECT_NE(centre.Get("edge", "db/password", 1).find("is destroyed"), std::string::npos);
  EXPECT_EQ(centre.Get("edge", "db/password"), "third");
}

TEST_F(MergeSecretsTest, TakenPathsAreCountedAndAPrefixHelps) {
  for (const char* path : {"app/b", "app/a", "app/c"}) edge.Put("", path, std::string("there ") + path);
  for (const char* path : {"app/a", "app/b"}) centre.Put("edge", path, "here");
  const auto before = centre.Snapshot();
  const Result<MergeFacts> refused = centre.Merge(edge);
  ExpectRefused(refused, ErrorCode::kAlreadyExists, "secret app/a: is taken here by another secret", before);
  EXPECT_EQ(refused.error().limit(), 2U);
  const MergeOptions under{.secrets_under = "edges/7"};
  const Result<MergeFacts> merged = centre.Merge(edge, under);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_EQ(centre.Get("edge", "app/a"), "here");
  EXPECT_EQ(centre.Get("edge", "edges/7/app/a"), "there app/a");
  EXPECT_EQ(centre.Get("edge", "edges/7/app/c"), "there app/c");
  EXPECT_EQ(centre.Get("edge", "db/password"), "second") << "what was here keeps its path";
  edge.Put("", "app/a", "again");
  ASSERT_TRUE(centre.Merge(edge).ok()) << "it is known by its id now";
  EXPECT_EQ(centre.Get("edge", "edges/7/app/a"), "again");
}

TEST_F(MergeSecretsTest, APathThatWouldBeTooLongIsRefused) {
  edge.Put("", "1/2/3/4/5/6/7/8", "deep");
  const auto before = centre.Snapshot();
  ExpectRefused(centre.Merge(edge, {.secrets_under = "a"}), ErrorCode::kInvalidArgument,
                "secret 1/2/3/4/5/6/7/8: would be no path", before);
}

}  // namespace
}  // namespace coffer::keysvc
