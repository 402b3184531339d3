// An edge store comes home: whatever it acknowledged works in the centre, again and again.
#include "tests/keysvc/service/merge_fixture.h"

namespace coffer::keysvc {
namespace {

using MergeTest = MergeFixture;

TEST_F(MergeTest, WhateverWasAcknowledgedInBothStoresWorksInTheCentre) {
  StartBoth();
  const std::uint64_t epoch = centre.Epoch() + 4;  // the policy; asked for, approved, used
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_TRUE(merged->merged);
  EXPECT_EQ(centre.Epoch(), epoch + 1) << "one commit";
  EXPECT_EQ(merged->epoch_here.value, epoch + 1);
  EXPECT_EQ(merged->tenants, 2U);
  EXPECT_EQ(merged->keyrings, 0U);
  EXPECT_EQ(merged->versions, 3U + 1 + 1 + 1) << "shop, shop-index, shop-det, coffer-secrets";
  EXPECT_EQ(merged->secrets, 2U);
  EXPECT_EQ(merged->index_versions, 3U);
  ExpectWorks(centre, edge);
  ExpectWorks(centre, centre);
  centre.Work();
  centre.Work("edge");
  centre.Restart();
  ExpectWorks(centre, edge);
  ExpectWorks(centre, centre);
  EXPECT_TRUE(centre.operators->Check(centre.admin)->journal_complete);
}

TEST_F(MergeTest, TheBackupAndTheJournalHoldTheResult) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  const std::string backup = centre.Backup();
  for (const bool from_journal : {true, false}) {
    MergeHome again(clock, folder, "centre");
    if (from_journal) again.journal.files() = centre.journal.files();
    again.Open();
    OperatorService::RecoverRequest request;
    request.source = centre.Identity();
    if (!from_journal) request.backup_path = backup;
    request.identities = centre.Identity().identities;
    request.apply = true;
    request.reason = "a test";
    const auto recovered = again.operators->Recover(again.admin, request);
    ASSERT_TRUE(recovered.ok()) << recovered.error().ToString();
    ExpectWorks(again, edge);
  }
}

TEST_F(MergeTest, AgainBringsOnlyWhatIsNew) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  const auto before = centre.Snapshot();
  const Result<MergeFacts> again = centre.Merge(edge);
  ASSERT_TRUE(again.ok()) << again.error().ToString();
  EXPECT_FALSE(again->merged || again->changed);
  EXPECT_TRUE(centre.Snapshot() == before) << "nothing is new: nothing is written";
  edge.Work();
  edge.Work("acme");
  const Result<MergeFacts> later = centre.Merge(edge);
  ASSERT_TRUE(later.ok()) << later.error().ToString();
  EXPECT_TRUE(later->merged);
  EXPECT_EQ(later->versions, 2U);
  EXPECT_EQ(later->secrets, 2U);
  EXPECT_EQ(later->tenants, 0U);
  ExpectWorks(centre, edge);
  ExpectWorks(centre, centre);
}

TEST_F(MergeTest, DryRunSaysWhatWouldComeInAndChangesNothing) {
  StartBoth();
  const auto before = centre.Snapshot();
  OperatorService::MergeRequest request = centre.RequestFor(edge, {.renames = {{"default", "edge"}}, .dry_run = true});
  const Result<MergeFacts> dry = centre.operators->Merge(centre.admin, request);
  ASSERT_TRUE(dry.ok()) << dry.error().ToString();
  EXPECT_TRUE(dry->changed);
  EXPECT_FALSE(dry->merged);
  EXPECT_TRUE(centre.Snapshot() == before);
  EXPECT_FALSE(centre.keys->GetTenant(centre.admin, "edge").ok());
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged->data_keys, dry->data_keys);
  EXPECT_EQ(merged->versions, dry->versions);
  EXPECT_EQ(merged->secret_versions, dry->secret_versions);
  EXPECT_EQ(merged->moves, dry->moves);
  ExpectWorks(centre, edge);
}

TEST_F(MergeTest, MergedVersionsKeepTheirStateAndNeverEncrypt) {
  StartBoth();
  ASSERT_TRUE(edge.keys->DisableVersion(edge.admin, "shop", KeyVersion{2}).ok());
  const KeyringView before = *centre.keys->GetKeyring(centre.admin, "shop");
  ASSERT_TRUE(centre.Merge(edge).ok());
  const KeyringView after = *centre.keys->GetKeyring(centre.admin, "shop");
  EXPECT_EQ(after.keyring.primary, before.keyring.primary);
  ASSERT_EQ(after.versions.size(), before.versions.size() + 3);
  EXPECT_EQ(after.versions[before.versions.size() + 1].version.state, VersionState::kDisabled);
  const StoreUuid there = (*edge.barrier->Enter())->uuid;
  for (std::size_t i = 0; i < after.versions.size(); ++i) {
    EXPECT_EQ(after.versions[i].origin, i < before.versions.size() ? StoreUuid() : there);
  }
  EXPECT_EQ(centre.Read(edge.done.values[0], "edge"), "!disabled");
  const Stored written = centre.Write("shop.user.name", "acme", "written here");
  EXPECT_EQ((*centre.barrier->Enter())->keys->VersionOfKey(written.key()), before.keyring.primary);
  const Result<KeyringView> rotated = centre.keys->RotateKeyring(centre.admin, "shop", {});
  ASSERT_TRUE(rotated.ok());
  EXPECT_EQ(rotated->keyring.primary.value, after.versions.size() + 1);
  ASSERT_TRUE(centre.keys->RotateKek(centre.admin, "shop").ok()) << "the new KEK wraps their keys too";
  centre.Restart();
  EXPECT_EQ(centre.Read(edge.done.values[4], "acme"), edge.done.values[4].plaintext);
}

TEST_F(MergeTest, AKeyringThatIsMissingIsMadeWithAnOwnVersionBehind) {
  centre.Init();
  edge.InitShop();
  edge.Work();
  const Result<MergeFacts> merged = centre.Merge(edge);
  ASSERT_TRUE(merged.ok()) << merged.error().ToString();
  EXPECT_EQ(merged->keyrings, 3U);
  EXPECT_EQ(merged->scopes, 1U);
  const KeyringView shop = *centre.keys->GetKeyring(centre.admin, "shop");
  EXPECT_EQ(shop.versions.size(), 3U) << "two of the edge, one of here";
  EXPECT_EQ(shop.keyring.primary, KeyVersion{3});
  EXPECT_NE(shop.keyring.uuid, edge.keys->GetKeyring(edge.admin, "shop")->keyring.uuid);
  ExpectWorks(centre, edge);
  centre.Work();
  ExpectWorks(centre, centre);
  edge.Work();
  const Result<MergeFacts> again = centre.Merge(edge);
  ASSERT_TRUE(again.ok()) << again.error().ToString();
  EXPECT_EQ(again->versions, 1U);
  EXPECT_EQ(again->keyrings + again->scopes, 0U);
  ExpectWorks(centre, edge);
}

TEST_F(MergeTest, AStoreThatTookAnotherOneInBringsThatAlong) {
  MergeHome far(clock, folder, "far");
  centre.Init();
  edge.InitShop();
  far.InitShop(edge.lock);
  far.Work();
  edge.Work();
  ASSERT_TRUE(edge.Merge(far).ok());
  ASSERT_TRUE(centre.Merge(edge).ok());
  ExpectWorks(centre, far);
  ExpectWorks(centre, edge);
  const Stored& email = far.done.values[0];
  EXPECT_TRUE(centre.Finds(email, "everywhere", "", 2)) << "under the key of the default tenant there";
  const auto before = centre.Snapshot();
  const Result<MergeFacts> direct = centre.Merge(far);
  ASSERT_TRUE(direct.ok()) << direct.error().ToString();
  EXPECT_FALSE(direct->merged) << "all of it is here already";
  EXPECT_TRUE(centre.Snapshot() == before);
  far.Work();
  ASSERT_TRUE(centre.Merge(far).ok());
  ASSERT_TRUE(edge.Merge(far).ok());
  const Result<MergeFacts> both = centre.Merge(edge);
  ASSERT_TRUE(both.ok()) << both.error().ToString();
  EXPECT_EQ(both->versions + both->data_keys, 0U) << "it came by the other way before";
  ExpectWorks(centre, far);
}

TEST_F(MergeTest, BackAndForthKnowsItsOwn) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  const std::size_t versions = edge.keys->GetKeyring(edge.admin, "shop")->versions.size();
  const Result<MergeFacts> back = edge.Merge(centre);
  ASSERT_TRUE(back.ok()) << back.error().ToString();
  EXPECT_EQ(back->tenants, 1U) << "the centre's own";
  EXPECT_EQ(edge.keys->GetKeyring(edge.admin, "shop")->versions.size(), versions + 2);
  ExpectWorks(edge, centre);
  edge.Work();
  ExpectWorks(edge, edge);
  const Result<MergeFacts> forth = centre.Merge(edge);
  ASSERT_TRUE(forth.ok()) << forth.error().ToString();
  EXPECT_EQ(forth->versions, 1U);
  ExpectWorks(centre, edge);
}

TEST_F(MergeTest, OperatorsSettingsStayWhereTheyAre) {
  StartBoth();
  ASSERT_TRUE(edge.keys->SetRotation(edge.admin, "shop", 30 * kMicrosPerDay).ok());
  ASSERT_TRUE(edge.keys->RegisterCensusSource(edge.admin, "edge-db", kMicrosPerDay).ok());
  const std::size_t slots = centre.RowsOf(Table::kSealSlot).size();
  ASSERT_TRUE(centre.Merge(edge).ok());
  EXPECT_TRUE(centre.RowsOf(Table::kRotation).empty());
  EXPECT_TRUE(centre.RowsOf(Table::kCensusSource).empty());
  EXPECT_EQ(centre.RowsOf(Table::kSealSlot).size(), slots);
  EXPECT_EQ(centre.RowsOf(Table::kKek).size(), 4U);
  EXPECT_EQ(centre.admin_service->Unseal(centre.admin, edge.KeyFile()).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(centre.admin_service->Unseal(centre.admin, edge.Identity()).error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(MergeTest, RekeyKeepsWhereVersionsCameFrom) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  std::vector<NewSeal> seals;
  seals.emplace_back(KeyFileSeal{.path = folder / "new.key", .allow_same_device = true});
  ASSERT_TRUE(centre.operators->Rekey(centre.admin, seals).ok());
  ExpectWorks(centre, edge);
  const Result<MergeFacts> again = centre.Merge(edge);
  ASSERT_TRUE(again.ok()) << again.error().ToString();
  EXPECT_FALSE(again->changed);
}

TEST_F(MergeTest, ItIsRecordedWithTheStoreTheReasonAndWhoApproved) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  const CallRecord& record = centre.recorded.records.back();
  EXPECT_EQ(record.operation, policy::Operation::kMergeStore);
  EXPECT_EQ(record.object, (*edge.barrier->Enter())->uuid.ToText());
  EXPECT_TRUE(record.reason.starts_with("approval ")) << record.reason;
  EXPECT_TRUE(record.reason.ends_with(" by bob: a test")) << record.reason;
  EXPECT_EQ(record.store_epoch, centre.Epoch());
}

}  // namespace
}  // namespace coffer::keysvc
