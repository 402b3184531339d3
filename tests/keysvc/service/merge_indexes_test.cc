// Rows of an edge are found in the centre: index versions of both are searched, ours are written.
#include "tests/keysvc/service/merge_fixture.h"

namespace coffer::keysvc {
namespace {

using MergeIndexesTest = MergeFixture;

constexpr const char* kIndexes[] = {"exact", "once", "everywhere"};

std::uint16_t MovedTo(const MergeFacts& facts, const std::string& index, std::uint16_t there) {
  for (const policy::IndexMove& move : facts.moves) {
    if (move.index == "shop.user.email." + index && move.there == there) return move.here;
  }
  return there;
}

TEST_F(MergeIndexesTest, RowsOfBothStoresAreFound) {
  StartBoth();
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  for (const char* index : kIndexes) {
    SCOPED_TRACE(index);
    EXPECT_EQ(MovedTo(*merged, index, 1), 2) << "a number of its own";
    EXPECT_TRUE(centre.Finds(centre.done.values[0], index, "", 1));
    EXPECT_TRUE(centre.Finds(edge.done.values[0], index, "edge", 2));
    EXPECT_TRUE(centre.Finds(edge.done.values[3], index, "acme", 2));
    EXPECT_FALSE(centre.Finds(edge.done.values[0], index, "edge", 1)) << "its tokens are of another key";
  }
  EXPECT_TRUE(centre.Finds(edge.done.values[3], "everywhere", "", 2)) << "whoever asks finds all tenants' rows";
  centre.Restart();
  for (const char* index : kIndexes) EXPECT_TRUE(centre.Finds(edge.done.values[0], index, "edge", 2));
}

TEST_F(MergeIndexesTest, WritesHereAreUnderVersionsOfHere) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  const std::size_t keys = centre.RowsOf(Table::kDataKey).size();
  const Stored known = centre.Write("shop.user.email", "edge", edge.done.values[0].plaintext);
  EXPECT_EQ(known.TokensOf("exact").version, 1);
  EXPECT_EQ(known.TokensOf("once", 0).version, 1);
  EXPECT_EQ(known.TokensOf("once", 1).strings[0], edge.done.values[0].TokensOf("once").strings[0])
      << "the constraint over the edge's rows holds too";
  const Stored fresh = centre.Write("shop.user.email", "", "a@example.org");
  EXPECT_EQ(fresh.TokensOf("once", 1).nulls, std::vector<std::uint32_t>{0}) << "no row of this tenant has such tokens";
  EXPECT_LE(centre.RowsOf(Table::kDataKey).size(), keys + 3) << "no key was made in the edge's version";
  EXPECT_TRUE(centre.Finds(known, "exact", "edge", 1));
  ASSERT_TRUE(centre.Merge(edge).ok());
}

TEST_F(MergeIndexesTest, AnApplyAfterwardsGoesOnAsBefore) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  EXPECT_EQ(centre.admin_service->Apply(centre.admin, kMergeCatalog, centre.lock).error().code(), ErrorCode::kConflict)
      << "the lock has moved on";
  centre.lock = *(*centre.barrier->Enter())->catalogs->LockOf("shop");
  const auto applied = centre.admin_service->Apply(centre.admin, kMergeCatalog, centre.lock);
  ASSERT_TRUE(applied.ok()) << applied.error().ToString();
  EXPECT_FALSE(applied->changed);
  ASSERT_TRUE(centre.keys->RotateKeyring(centre.admin, "shop-index", {}).ok());
  centre.Apply();
  std::string written = kMergeCatalog;
  const std::string bits = "bits = 16\n";
  written.replace(written.find(bits), bits.size(), bits + "write_version = 3\n");
  centre.Apply(written);
  const Stored stored = centre.Write("shop.user.email", "", "c@example.org");
  EXPECT_EQ(stored.TokensOf("exact").version, 3);
  EXPECT_TRUE(centre.Finds(stored, "exact", "", 3));
  EXPECT_TRUE(centre.Finds(edge.done.values[0], "exact", "edge", 2));
  written.replace(written.find("write_version = 3"), 17, "write_version = 2");
  const auto refused = centre.admin_service->Apply(centre.admin, written, centre.lock);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().ToString().find("was merged in"), std::string::npos) << refused.error().ToString();
}

TEST_F(MergeIndexesTest, AScopeThatIsTakenOverKeepsItsNumbersAndWritesTheNext) {
  centre.Init();
  edge.InitShop();
  edge.Work();
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_TRUE(merged->moves.empty());
  for (const char* index : kIndexes) EXPECT_TRUE(centre.Finds(edge.done.values[0], index, "edge", 1)) << index;
  const Stored stored = centre.Write("shop.user.email", "", "new@example.org");
  EXPECT_EQ(stored.TokensOf("exact").version, 2);
  EXPECT_TRUE(centre.Finds(stored, "exact", "", 2));
  EXPECT_FALSE(centre.Merge(edge)->changed);
}

TEST_F(MergeIndexesTest, VersionsThatComeLaterAreSearchedLater) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  ASSERT_TRUE(edge.keys->RotateKeyring(edge.admin, "shop-index", {}).ok());
  edge.Apply();
  std::string written = kMergeCatalog;
  written.replace(written.find("bits = 16\n"), 10, "bits = 16\nwrite_version = 2\n");
  edge.Apply(written);
  const Stored late = edge.Write("shop.user.email", "", "late@example.org");
  ASSERT_EQ(late.TokensOf("exact").version, 2);
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_EQ(MovedTo(*merged, "exact", 1), 2);
  EXPECT_EQ(MovedTo(*merged, "exact", 2), 3);
  EXPECT_TRUE(centre.Finds(late, "exact", "edge", 3));
}

TEST_F(MergeIndexesTest, ADisabledIndexVersionIsNotAskedFor) {
  StartBoth();
  ASSERT_TRUE(edge.keys->RotateKeyring(edge.admin, "shop-index", {}).ok());
  ASSERT_TRUE(edge.keys->DisableVersion(edge.admin, "shop-index", KeyVersion{1}).ok());
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_EQ(MovedTo(*merged, "exact", 1), 0);
  EXPECT_EQ(merged->index_versions, 0U);
  EXPECT_TRUE(centre.Finds(centre.done.values[0], "exact", "", 1)) << "searches go on";
}

}  // namespace
}  // namespace coffer::keysvc
