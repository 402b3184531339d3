// What was destroyed stays destroyed through merges: versions, tenants and secrets' versions; and the census of what
// was merged in.
#include "tests/keysvc/service/merge_fixture.h"

namespace coffer::keysvc {
namespace {

using MergeEndsTest = MergeFixture;

VersionState StateOf(const MergeHome& home, const std::string& keyring, std::uint32_t version) {
  return home.keys->GetKeyring(home.admin, keyring)->versions.at(version - 1).version.state;
}

TEST_F(MergeEndsTest, ADestroyedVersionComesAsATombstone) {
  StartBoth();
  const Stored old = edge.done.values[0];
  DestroyAt(edge, "shop", 2);
  ASSERT_EQ(edge.Read(old, ""), "!failed");
  ASSERT_TRUE(centre.Merge(edge).ok());
  EXPECT_EQ(StateOf(centre, "shop", 4), VersionState::kDestroyed);
  const auto tombstone = centre.keys->GetKeyring(centre.admin, "shop")->versions[3].destruction;
  ASSERT_TRUE(tombstone.has_value());
  EXPECT_EQ(tombstone->record.state, DestructionState::kDone);
  EXPECT_EQ(centre.Read(old, "edge"), "!failed");
  const Result<MergeFacts> again = centre.Merge(edge);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->changed) << "no second tombstone";
}

TEST_F(MergeEndsTest, WhatIsDestroyedThereLaterIsScheduledHereAndRefusedAtOnce) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  const Stored old = edge.done.values[0];
  ASSERT_EQ(centre.Read(old, "edge"), old.plaintext);
  DestroyAt(edge, "shop", 2);
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_EQ(merged->ended, 1U);
  EXPECT_EQ(StateOf(centre, "shop", 4), VersionState::kDestroyScheduled);
  EXPECT_EQ(centre.Read(old, "edge"), "!disabled");
  EndWhatIsDue(centre);
  EXPECT_EQ(StateOf(centre, "shop", 4), VersionState::kDestroyed);
  EXPECT_EQ(centre.Read(old, "edge"), "!failed");
  centre.Restart();
  EXPECT_EQ(centre.Read(old, "edge"), "!failed");
}

TEST_F(MergeEndsTest, ACensusHereHoldsWhatWasDestroyedThere) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  const Stored old = edge.done.values[0];
  ASSERT_TRUE(centre.keys->RegisterCensusSource(centre.admin, "shop-db", 30 * kMicrosPerDay).ok());
  clock.Advance(1'000'000);
  ASSERT_TRUE(
      centre.keys
          ->ReportCensus(centre.app, {.source = "shop-db", .as_of_us = clock.UnixMicros(), .counts = {{old.key(), 1}}})
          .ok());
  DestroyAt(edge, "shop", 2);
  ASSERT_TRUE(centre.Merge(edge).ok());
  EndWhatIsDue(centre);
  EXPECT_EQ(StateOf(centre, "shop", 4), VersionState::kDestroyScheduled) << "a row here has its values";
  ASSERT_TRUE(centre.keys->CancelDestroy(centre.admin, "shop", KeyVersion{4}).ok());
  EXPECT_EQ(centre.Read(old, "edge"), old.plaintext);
}

TEST_F(MergeEndsTest, WhatWasDestroyedHereIsNeverRevived) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  DestroyAt(centre, "shop", 4);
  const Stored old = edge.done.values[0];
  ASSERT_EQ(centre.Read(old, "edge"), "!failed");
  edge.Work();
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_EQ(merged->left_out, 1U);
  EXPECT_EQ(StateOf(centre, "shop", 4), VersionState::kDestroyed);
  EXPECT_EQ(centre.Read(old, "edge"), "!failed");
  EXPECT_EQ(centre.Read(edge.done.values.back(), "edge"), edge.done.values.back().plaintext);
}

TEST_F(MergeEndsTest, TheStricterStateCounts) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  ASSERT_TRUE(centre.keys->DisableVersion(centre.admin, "shop", KeyVersion{3}).ok());
  ASSERT_TRUE(edge.keys->DisableVersion(edge.admin, "shop", KeyVersion{2}).ok());
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged->ended, 1U);
  EXPECT_EQ(StateOf(centre, "shop", 3), VersionState::kDisabled) << "not enabled again";
  EXPECT_EQ(StateOf(centre, "shop", 4), VersionState::kDisabled);
}

TEST_F(MergeEndsTest, AScheduledVersionIsScheduledHereWithItsOwnDelay) {
  StartBoth();
  DestroyRequest request;
  request.name = "shop";
  request.version = KeyVersion{2};
  request.no_sources = true;
  request.reason = "retired there";
  ASSERT_TRUE(edge.keys->ScheduleDestroy(edge.admin, request).ok());
  clock.Advance(5 * kMicrosPerDay);
  ASSERT_TRUE(centre.Merge(edge).ok());
  const auto version = centre.keys->GetKeyring(centre.admin, "shop")->versions[3];
  ASSERT_TRUE(version.destruction.has_value());
  EXPECT_EQ(version.destruction->record.due_us, clock.UnixMicros() + 7 * kMicrosPerDay);
  EXPECT_EQ(version.destruction->record.reason, "retired there");
  ASSERT_TRUE(centre.keys->CancelDestroy(centre.admin, "shop", KeyVersion{4}).ok());
  EXPECT_EQ(centre.Read(edge.done.values[0], "edge"), edge.done.values[0].plaintext);
}

TEST_F(MergeEndsTest, AnIndexVersionThatIsSearchedHereKeepsItsState) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  ASSERT_TRUE(edge.keys->RotateKeyring(edge.admin, "shop-index", {}).ok());
  ASSERT_TRUE(edge.keys->DisableVersion(edge.admin, "shop-index", KeyVersion{1}).ok());
  ASSERT_TRUE(centre.Merge(edge).ok());
  EXPECT_EQ(StateOf(centre, "shop-index", 2), VersionState::kEnabled);
  EXPECT_TRUE(centre.Finds(edge.done.values[0], "exact", "edge", 2));
}

TEST_F(MergeEndsTest, ADestroyedTenantStaysDestroyed) {
  StartBoth();
  DestroyRequest request;
  request.name = "acme";
  ASSERT_TRUE(edge.keys->ShredTenant(edge.admin, request).ok());
  EndWhatIsDue(edge);
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_EQ(merged->left_out, 1U) << "its secret";
  EXPECT_NE(centre.Read(edge.done.values[3], "acme").find("the tenant was destroyed"), std::string::npos);
  EXPECT_EQ(centre.keys->CreateTenant(centre.admin, "acme").error().code(), ErrorCode::kAlreadyExists);
}

TEST_F(MergeEndsTest, ATenantThatEndsThereLaterIsScheduledHere) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  DestroyRequest request;
  request.name = "acme";
  ASSERT_TRUE(edge.keys->ShredTenant(edge.admin, request).ok());
  EndWhatIsDue(edge);
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_EQ(merged->ended, 1U);
  EXPECT_NE(centre.Read(edge.done.values[3], "acme").find("is to be destroyed"), std::string::npos);
  EXPECT_GT(centre.keys->GetTenant(centre.admin, "acme")->data_keys, 0U);
  EndWhatIsDue(centre);
  EXPECT_EQ(centre.keys->GetTenant(centre.admin, "acme")->data_keys, 0U);
  EXPECT_FALSE(centre.Merge(edge)->changed);
}

TEST_F(MergeEndsTest, ATenantThatWasDestroyedHereIsNotBroughtBack) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  DestroyRequest request;
  request.name = "acme";
  ASSERT_TRUE(centre.keys->ShredTenant(centre.admin, request).ok());
  EndWhatIsDue(centre);
  edge.Work("acme");
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_GT(merged->left_out, 3U);
  EXPECT_EQ(centre.keys->GetTenant(centre.admin, "acme")->data_keys, 0U);
}

// A report from between the merge and the rotation says nothing of a version that still encrypted then.
TEST_F(MergeEndsTest, VersionsThatWereMergedInDoNotEndTheEncryptingOfOthers) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  const std::uint32_t primary = centre.keys->GetKeyring(centre.admin, "shop")->keyring.primary.value;
  ASSERT_TRUE(centre.keys->RegisterCensusSource(centre.admin, "shop-db", 30 * kMicrosPerDay).ok());
  clock.Advance(1'000'000);
  const auto report = [&] {
    return centre.keys->ReportCensus(centre.app, {.source = "shop-db", .as_of_us = clock.UnixMicros(), .counts = {}});
  };
  ASSERT_TRUE(report().ok());
  clock.Advance(1'000'000);
  ASSERT_TRUE(centre.keys->RotateKeyring(centre.admin, "shop", {}).ok());
  clock.Advance(1'000'000);
  DestroyRequest request;
  request.name = "shop";
  request.version = KeyVersion{primary};
  EXPECT_EQ(centre.keys->ScheduleDestroy(centre.admin, request).error().code(), ErrorCode::kFailedPrecondition);
  ASSERT_TRUE(report().ok());
  EXPECT_TRUE(centre.keys->ScheduleDestroy(centre.admin, request).ok());
}

TEST_F(MergeEndsTest, AMergedVersionNeedsACountFromAfterTheMerge) {
  StartBoth();
  ASSERT_TRUE(centre.keys->RegisterCensusSource(centre.admin, "shop-db", 30 * kMicrosPerDay).ok());
  ASSERT_TRUE(
      centre.keys->ReportCensus(centre.app, {.source = "shop-db", .as_of_us = clock.UnixMicros(), .counts = {}}).ok());
  clock.Advance(1'000'000);
  ASSERT_TRUE(centre.Merge(edge).ok());
  DestroyRequest request;
  request.name = "shop";
  request.version = KeyVersion{4};
  EXPECT_EQ(centre.keys->ScheduleDestroy(centre.admin, request).error().code(), ErrorCode::kFailedPrecondition);
}

}  // namespace
}  // namespace coffer::keysvc
