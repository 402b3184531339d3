// What a merge refuses, and that a refusal changes nothing.
#include "io/file.h"
#include "tests/keysvc/service/merge_fixture.h"

namespace coffer::keysvc {
namespace {

using MergeRefusalsTest = MergeFixture;

constexpr std::uint64_t kMaxFile = std::uint64_t{1} << 24;

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

std::vector<AgeRecipient> Recipients(const MergeHome& home) { return {home.identity.Recipient()}; }

// A data key of the edge under an id of the test's choice.
void PlantDataKey(MergeHome& home, KeyId id) {
  const std::shared_ptr<Unsealed> unsealed = home.barrier->Enter().value();
  const StoreRecords records = StoreRecords::Read([&](Table table) { return unsealed->store->Scan({.table = table}); },
                                                  unsealed->uuid, unsealed->root)
                                   .value();
  const Keyring* keyring = records.keys.FindKeyring("shop");
  const Tenant tenant{.uuid = TenantUuid::Generate(1), .name = "planted", .created_us = 1};
  const SecretBytes bytes = SecretBytes::CopyOf(Bytes(kKeySize, std::byte{7}));
  DataKey key{.keyring = keyring->uuid,
              .version = keyring->primary,
              .tenant = tenant.uuid,
              .id = id,
              .kek = keyring->kek,
              .wrapped = {},
              .check = DeriveKeyCheckValue(bytes),
              .created_us = 1};
  key.wrapped = records.Wrap(key, bytes).value();
  StoreMutation mutation = unsealed->store->Begin().value();
  ASSERT_TRUE(mutation.Insert(Table::kTenant, ToRow(tenant)).ok());
  ASSERT_TRUE(mutation.Insert(Table::kDataKey, ToRow(key)).ok());
  ASSERT_TRUE(mutation.Commit().ok());
}

TEST_F(MergeRefusalsTest, NamesThatClash) {
  StartBoth();
  ASSERT_TRUE(centre.keys->CreateTenant(centre.admin, "beta").ok());
  ASSERT_TRUE(edge.keys->CreateTenant(edge.admin, "beta").ok());
  const auto before = centre.Snapshot();
  struct Case {
    std::vector<std::pair<std::string, std::string>> renames;
    ErrorCode code;
    const char* words;
  };
  const Case cases[] = {
      {{{"default", "edge"}}, ErrorCode::kAlreadyExists, "tenant beta: is the name of another tenant here"},
      {{{"default", "default"}, {"beta", "x"}},
       ErrorCode::kAlreadyExists,
       "tenant default: is the name of another tenant here"},
      {{{"default", "acme"}, {"beta", "edge-beta"}}, ErrorCode::kAlreadyExists, "tenant acme: is the name"},
      {{{"default", "edge"}, {"beta", "same"}, {"acme", "same"}}, ErrorCode::kAlreadyExists, "tenant same"},
      {{{"default", "edge"}, {"nobody", "x"}}, ErrorCode::kInvalidArgument, "tenant nobody: is no tenant of the store"},
      {{{"default", "Edge"}}, ErrorCode::kInvalidArgument, "rename_tenant"},
      {{{"default", ""}}, ErrorCode::kInvalidArgument, "rename_tenant"},
      {{{"default", "a"}, {"default", "b"}}, ErrorCode::kInvalidArgument, "rename_tenant: names a tenant twice"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.words);
    const MergeOptions options{.renames = one.renames};
    ExpectRefused(centre.operators->Merge(centre.admin, centre.RequestFor(edge, options)), one.code, one.words, before);
  }
  const MergeOptions right{.renames = {{"beta", "edge-beta"}}};
  ASSERT_TRUE(centre.Merge(edge, right).ok());
  const auto after = centre.Snapshot();
  ExpectRefused(centre.Merge(edge, {.renames = {{"acme", "other"}}}), ErrorCode::kFailedPrecondition,
                "tenant acme: was merged before", after);
  ExpectWorks(centre, edge);
}

TEST_F(MergeRefusalsTest, WhatDoesNotFitIsNotAskedOfOthers) {
  StartBoth();
  ASSERT_TRUE(centre.Merge(edge).ok());
  const AccessService access(*centre.pipeline, *centre.plain_operators);
  const auto merge = [&](const std::string& edge_is, const std::string& acme_is) {
    auto request = centre.RequestFor(edge, {.renames = {{"default", edge_is}, {"acme", acme_is}}, .take_fields = true});
    return [&, request = std::make_shared<OperatorService::MergeRequest>(std::move(request))](const Caller& by) {
      return centre.plain_operators->Merge(by, *request);
    };
  };
  Caller asking = centre.admin;
  asking.approval.reason = "a test";
  const auto refused = merge("edge", "other")(asking);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().ToString().find("tenant acme: was merged before"), std::string::npos)
      << refused.error().ToString();
  EXPECT_TRUE(access.ListApprovals(centre.admin)->empty());
  People::Ask(centre.admin, merge("edge", "acme"));
  EXPECT_EQ(access.ListApprovals(centre.admin)->size(), 1U);
}

TEST_F(MergeRefusalsTest, TooManyRenamesAndBadPrefixes) {
  StartBoth();
  const auto before = centre.Snapshot();
  MergeOptions many;
  for (std::size_t i = 0; i <= kMaxTenantRenames; ++i) many.renames.emplace_back("t" + std::to_string(i), "u");
  ExpectRefused(centre.Merge(edge, many), ErrorCode::kInvalidArgument, "rename_tenant: names more tenants", before);
  for (const char* prefix : {"/", "a//b", "a/", "a b", "1/2/3/4/5/6/7/8/9"}) {
    ExpectRefused(centre.Merge(edge, {.secrets_under = prefix}), ErrorCode::kInvalidArgument, "secrets_under", before);
  }
}

TEST_F(MergeRefusalsTest, AKeyringOfAnotherPurpose) {
  StartBoth();
  ASSERT_TRUE(centre.keys->CreateKeyring(centre.admin, "extra", KeyringPurpose::kIndex).ok());
  ASSERT_TRUE(edge.keys->CreateKeyring(edge.admin, "extra").ok());
  const auto before = centre.Snapshot();
  ExpectRefused(centre.Merge(edge), ErrorCode::kFailedPrecondition, "keyring extra: is a keyring of another purpose",
                before);
}

TEST_F(MergeRefusalsTest, AKeyIdThatIsAnotherKeysHere) {
  StartBoth();
  PlantDataKey(edge, centre.done.values[0].key());
  const auto before = centre.Snapshot();
  ExpectRefused(centre.Merge(edge), ErrorCode::kFailedPrecondition, "keyring shop: has a key whose id is another key's",
                before);
}

TEST_F(MergeRefusalsTest, TwoStoresThatAreCopiesOfOne) {
  StartBoth();
  MergeHome copy(clock, folder, "edge");
  auto rows = std::make_unique<MemoryStore>();
  ASSERT_TRUE(StoreImage::Of(**edge.store->Begin())->WriteTo(*rows).ok());
  copy.store = std::move(rows);
  copy.journal.files() = edge.journal.files();
  copy.identity = edge.identity.Clone();
  copy.Open();
  ASSERT_TRUE(copy.admin_service->Unseal(copy.admin, copy.KeyFile()).ok());
  ASSERT_TRUE(centre.Merge(edge).ok());
  edge.Work();
  ASSERT_TRUE(copy.keys->RotateKeyring(copy.admin, "shop", {}).ok());
  copy.Write("shop.user.name", "default", "another key for the same version and tenant");
  ASSERT_TRUE(centre.Merge(edge).ok());
  const auto before = centre.Snapshot();
  const std::string path = folder / "copy.age";
  ASSERT_TRUE(copy.operators->Backup(copy.admin, path).ok());
  const Result<MergeFacts> merged =
      centre.operators->Merge(centre.admin, {.backup_path = path, .identity = copy.Identity(), .options = {}});
  ExpectRefused(merged, ErrorCode::kFailedPrecondition, "keyring shop: has another key here for the same version",
                before);
}

TEST_F(MergeRefusalsTest, AScopeThatWasAppliedInBothStoresOnItsOwn) {
  centre.InitShop();
  edge.InitShop();
  const auto before = centre.Snapshot();
  ExpectRefused(centre.Merge(edge), ErrorCode::kFailedPrecondition, "scope shop: is another scope here", before);
}

TEST_F(MergeRefusalsTest, FieldsThatAreNotHereUnlessTheyAreTaken) {
  StartBoth();
  edge.Apply(std::string(kMergeCatalog) +
             "[field.\"user.phone\"]\nclass = \"pii\"\nkeyring = \"shop\"\nrow = \"int64\"\n");
  const Stored phone = edge.Write("shop.user.phone", "", "123");
  const auto before = centre.Snapshot();
  const Result<MergeFacts> refused = centre.Merge(edge);
  ExpectRefused(refused, ErrorCode::kFailedPrecondition, "field.shop.user.phone: is a field that the scope here",
                before);
  const Result<MergeFacts> taken = centre.Merge(edge, {.take_fields = true});
  ASSERT_TRUE(taken.ok()) << taken.error().ToString();
  EXPECT_EQ(taken->fields, 1U);
  EXPECT_EQ(centre.Read(phone, "edge"), "123");
}

TEST_F(MergeRefusalsTest, FormsThatAFieldNeverHadHere) {
  StartBoth();
  edge.Apply(Replaced(kMergeCatalog, "[field.\"user.name\"]\nclass = \"pii\"\n",
                      "[field.\"user.name\"]\nclass = \"pii\"\npad = 8\n"));
  const Stored padded = edge.Write("shop.user.name", "", "padded");
  const auto before = centre.Snapshot();
  ExpectRefused(centre.Merge(edge), ErrorCode::kFailedPrecondition,
                "field.shop.user.name: has a suite, padding, binding or keyring there", before);
  centre.Apply(Replaced(kMergeCatalog, "[field.\"user.name\"]\nclass = \"pii\"\n",
                        "[field.\"user.name\"]\nclass = \"pii\"\npad = 8\n"));
  ASSERT_TRUE(centre.Merge(edge).ok());
  EXPECT_EQ(centre.Read(padded, "edge"), "padded");
}

TEST_F(MergeRefusalsTest, BackupsThatAreNone) {
  StartBoth();
  const OperatorService::MergeRequest good = centre.RequestFor(edge, {.renames = {{"default", "edge"}}});
  Bytes file = ReadFile(good.backup_path, kMaxFile).value();
  const auto spoilt = [&](const char* name, const Bytes& content) {
    std::string path = folder / name;
    EXPECT_TRUE(WriteFileDurably(path, content, 0600).ok());
    return path;
  };
  Bytes cut(file.begin(), file.end() - 70);
  Bytes flipped = file;
  flipped[file.size() / 2] ^= std::byte{1};
  const Bytes foreign = AgeEncrypt(Recipients(edge), SecretBytes::CopyOf(Bytes(40, std::byte{1}))).value();
  struct Case {
    std::string path;
    bool with_identity;
    ErrorCode code;
  };
  const Case cases[] = {
      {"", true, ErrorCode::kInvalidArgument},
      {"edge.age", true, ErrorCode::kInvalidArgument},
      {folder / "none.age", true, ErrorCode::kNotFound},
      {folder / "", true, ErrorCode::kInvalidArgument},
      {good.backup_path, false, ErrorCode::kInvalidArgument},
      {spoilt("cut.age", cut), true, ErrorCode::kDecryptFailed},
      {spoilt("flipped.age", flipped), true, ErrorCode::kDecryptFailed},
      {spoilt("empty.age", {}), true, ErrorCode::kInvalidArgument},
      {spoilt("foreign.age", foreign), true, ErrorCode::kInvalidArgument},
  };
  const auto before = centre.Snapshot();
  for (const Case& one : cases) {
    SCOPED_TRACE(one.path);
    OperatorService::MergeRequest request{.backup_path = one.path, .identity = {}, .options = good.options};
    if (one.with_identity) request.identity = edge.Identity();
    ExpectRefused(centre.operators->Merge(centre.admin, request), one.code, "backup", before);
  }
  OperatorService::MergeRequest stranger = centre.RequestFor(edge, good.options);
  stranger.identity = centre.Identity();
  ExpectRefused(centre.operators->Merge(centre.admin, stranger), ErrorCode::kDecryptFailed, "backup", before);
  ExpectRefused(centre.Merge(centre), ErrorCode::kFailedPrecondition, "backup: is a backup of this very store", before);
}

// Rows of a backup are as much an attacker's input as those of a store.
TEST_F(MergeRefusalsTest, ABackupWhoseRowsWereChanged) {
  StartBoth();
  const std::string path = edge.Backup();
  const Bytes file = ReadFile(path, kMaxFile).value();
  Bytes plain;
  const SecretBytes content = AgeDecrypt(edge.Identity().identities, file).value();
  const ByteView view = content.Expose(SecretAccess::kTest);
  JournalReader reader = JournalReader::Open(view).value();
  CommitGroup group = reader.Next().value().value();
  const auto before = centre.Snapshot();
  const auto merge_with = [&](const CommitGroup& changed, const char* name) {
    Bytes bytes = EncodeJournalHeader(reader.header());
    const Bytes rows = EncodeGroup(changed).value();
    bytes.insert(bytes.end(), rows.begin(), rows.end());
    const std::string altered = folder / name;
    const Bytes sealed = AgeEncrypt(Recipients(edge), SecretBytes::CopyOf(bytes)).value();
    EXPECT_TRUE(WriteFileDurably(altered, sealed, 0600).ok());
    return centre.operators->Merge(
        centre.admin,
        {.backup_path = altered, .identity = edge.Identity(), .options = {.renames = {{"default", "edge"}}}});
  };
  CommitGroup renamed = group;
  for (RowChange& change : renamed.changes) {
    if (change.table == Table::kTenant) (*change.columns)[1] = std::string("evil");
  }
  ExpectRefused(merge_with(renamed, "renamed.age"), ErrorCode::kIntegrity, "backup", before);
  CommitGroup shorter = group;
  shorter.changes.pop_back();
  ExpectRefused(merge_with(shorter, "shorter.age"), ErrorCode::kIntegrity, "backup", before);
  EXPECT_TRUE(merge_with(group, "same.age").ok());
}

TEST_F(MergeRefusalsTest, OnlyTheLocalAdministratorWithApprovalAndUnsealed) {
  StartBoth();
  const OperatorService::MergeRequest request = centre.RequestFor(edge, {.renames = {{"default", "edge"}}});
  const auto before = centre.Snapshot();
  Caller remote = centre.admin;
  remote.local = false;
  ExpectRefused(centre.operators->Merge(remote, request), ErrorCode::kPermissionDenied, "unix socket only", before);
  for (const policy::Role role : policy::AllRoles()) {
    if (role == policy::Role::kAdmin) continue;
    ExpectRefused(centre.operators->Merge(LocalCaller(role), request), ErrorCode::kPermissionDenied, "policy", before);
  }
  ExpectRefused(centre.plain_operators->Merge(centre.admin, request), ErrorCode::kFailedPrecondition,
                "others have to approve", before);
  ASSERT_TRUE(centre.admin_service->Seal(centre.admin).ok());
  ExpectRefused(centre.operators->Merge(centre.admin, request), ErrorCode::kSealed, "sealed", before);
}

}  // namespace
}  // namespace coffer::keysvc
