// The vault below gRPC: versions, compare-and-set, expiry, deletion, and its rows as attacker's input.
#include "io/fault_vfs.h"
#include "keysvc/service/secret_rows.h"
#include "keysvc/store/sqlite_store.h"
#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {
namespace {

class SecretServiceTest : public ServiceFixture {
 protected:
  void SetUp() override { StartShop(); }

  Result<SecretVersionView> Put(const std::string& path, std::string_view value,
                                std::optional<SecretVersion> expected = std::nullopt) {
    return secrets.Put(app, {.name = {.tenant = "", .path = path},
                             .value = AsBytes(value),
                             .expected_version = expected,
                             .expires_us = 0,
                             .metadata = std::nullopt});
  }
  // The value, or the error's name in angle brackets.
  std::string Get(const std::string& path, std::int64_t version = 0, const std::string& tenant = "") {
    const Result<SecretValue> got = secrets.Get(app, {.tenant = tenant, .path = path}, SecretVersion{version});
    if (!got.ok()) return "<" + std::string(ErrorCodeName(got.error().code())) + ">";
    return std::string(AsText(got->value.Expose(SecretAccess::kTest)));
  }
};

TEST_F(SecretServiceTest, PutThenGetEveryVersion) {
  ASSERT_TRUE(Put("grafana/1/db/password", "one").ok());
  ASSERT_EQ(Put("grafana/1/db/password", "two")->version, SecretVersion{2});
  EXPECT_EQ(Get("grafana/1/db/password"), "two");
  EXPECT_EQ(Get("grafana/1/db/password", 1), "one");
}

TEST_F(SecretServiceTest, EmptyAndLargestValuesAreKept) {
  ASSERT_TRUE(Put("a", "").ok());
  EXPECT_EQ(Get("a"), "");
  const std::string large(kMaxSecretValue, 'x');
  ASSERT_TRUE(Put("b", large).ok());
  EXPECT_EQ(Get("b"), large);
}

TEST_F(SecretServiceTest, CompareAndSetRefusesAnotherVersion) {
  ASSERT_TRUE(Put("a", "1", SecretVersion{0}).ok());
  EXPECT_EQ(Put("a", "again", SecretVersion{0}).error().code(), ErrorCode::kConflict);
  EXPECT_EQ(Put("a", "late", SecretVersion{2}).error().code(), ErrorCode::kConflict);
  EXPECT_EQ(Get("a"), "1");
  EXPECT_TRUE(Put("a", "2", SecretVersion{1}).ok());
}

TEST_F(SecretServiceTest, ALostCompareAndSetMakesNoDataKey) {
  EXPECT_EQ(Put("a", "1", SecretVersion{1}).error().code(), ErrorCode::kConflict);
  EXPECT_EQ(barrier->Enter().value()->keys->counts().data_keys, 0U);
}

TEST_F(SecretServiceTest, TenantsDoNotSeeEachOther) {
  ASSERT_TRUE(key_service.CreateTenant(admin, "acme").ok());
  ASSERT_TRUE(Put("a", "default's").ok());
  EXPECT_EQ(Get("a", 0, "acme"), "<not_found>");
  EXPECT_EQ(Get("a", 0, "nobody"), "<invalid_argument>");
}

TEST_F(SecretServiceTest, DeletedIsHiddenAndUndeleteBringsItBack) {
  ASSERT_TRUE(Put("a", "1").ok());
  EXPECT_EQ(*secrets.Delete(app, {.tenant = "", .path = "a"}, {}), 1U);
  EXPECT_EQ(Get("a"), "<failed_precondition>");
  EXPECT_EQ(*secrets.Delete(app, {.tenant = "", .path = "a"}, {}), 0U) << "again changes nothing";
  EXPECT_EQ(*secrets.Undelete(app, {.tenant = "", .path = "a"}, {SecretVersion{1}}), 1U);
  EXPECT_EQ(Get("a"), "1");
}

TEST_F(SecretServiceTest, OthersHaveToApproveADestruction) {
  ASSERT_TRUE(Put("a", "1").ok());
  const SecretName name{.tenant = "", .path = "a"};
  EXPECT_EQ(secrets.SecretService::Destroy(admin, name, {SecretVersion{1}}).error().code(),
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(secrets.Destroy(app, name, {SecretVersion{1}}).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(secrets.Destroy(admin, name, {}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(*secrets.Destroy(admin, name, {SecretVersion{1}}), 1U);
  EXPECT_EQ(Get("a"), "<failed_precondition>");
  EXPECT_TRUE(recorded.records.at(recorded.records.size() - 2).reason.ends_with(" by bob: a test"));
}

TEST_F(SecretServiceTest, DestroyedStaysDestroyed) {
  ASSERT_TRUE(Put("a", "1").ok());
  const SecretName name{.tenant = "", .path = "a"};
  ASSERT_TRUE(secrets.Destroy(admin, name, {SecretVersion{1}}).ok());
  EXPECT_EQ(secrets.Undelete(app, name, {SecretVersion{1}}).error().code(), ErrorCode::kFailedPrecondition);
  const StoredRow row = store.Begin().value()->Scan({.table = Table::kSecretVersion}).value().front();
  EXPECT_TRUE(std::holds_alternative<NullValue>(row.columns[3])) << "the ciphertext is gone from the row";
}

TEST_F(SecretServiceTest, ExpiredVersionIsRefused) {
  const std::int64_t soon = clock.UnixMicros() + 1'000'000;
  ASSERT_TRUE(secrets
                  .Put(app, {.name = {.tenant = "", .path = "a"},
                             .value = AsBytes("1"),
                             .expected_version = std::nullopt,
                             .expires_us = soon,
                             .metadata = std::nullopt})
                  .ok());
  EXPECT_EQ(Get("a"), "1");
  clock.Advance(1'000'000);
  EXPECT_EQ(Get("a"), "<failed_precondition>");
}

TEST_F(SecretServiceTest, ListIsByPathPrefixAndPages) {
  for (const char* path : {"b/2", "a/1", "b/1", "b2/1"}) ASSERT_TRUE(Put(path, "v").ok());
  const Result<SecretPage> all = secrets.List(app, "", "", 3, "");
  ASSERT_EQ(all->secrets.size(), 3U);
  EXPECT_EQ(all->secrets[0].path, "a/1");
  const Result<SecretPage> rest = secrets.List(app, "", "", 3, all->next);
  ASSERT_EQ(rest->secrets.size(), 1U);
  EXPECT_EQ(rest->next, "");
  EXPECT_EQ(secrets.List(app, "", "b/", 0, "")->secrets.size(), 2U);
  EXPECT_EQ(secrets.List(app, "", "nothing", 0, "")->secrets.size(), 0U);
}

TEST_F(SecretServiceTest, HistoryPagesFromTheNewest) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Put("a", "v").ok());
  const SecretName name{.tenant = "", .path = "a"};
  const Result<SecretHistory> first = secrets.History(app, name, 2, "");
  ASSERT_EQ(first->versions.size(), 2U);
  EXPECT_EQ(first->versions.front().version, SecretVersion{5});
  const Result<SecretHistory> next = secrets.History(app, name, 3, first->next);
  EXPECT_EQ(next->versions.back().version, SecretVersion{1});
  EXPECT_EQ(next->next, "");
  EXPECT_EQ(next->versions.back().created_by, "unix:app:7");
  EXPECT_EQ(next->versions.back().key_version, 1U);
  for (const char* token : {"0", "6", "x", "-1", "99999999999999999999"}) {
    EXPECT_EQ(secrets.History(app, name, 2, token).error().code(), ErrorCode::kInvalidArgument) << token;
  }
}

TEST_F(SecretServiceTest, MetadataIsReplacedWhole) {
  const auto put = [&](const MetadataPairs& pairs) {
    return secrets.Put(app, {.name = {.tenant = "", .path = "a"},
                             .value = AsBytes("v"),
                             .expected_version = std::nullopt,
                             .expires_us = 0,
                             .metadata = pairs});
  };
  ASSERT_TRUE(put({{"owner", "ops"}, {"team", "db"}}).ok());
  ASSERT_TRUE(put({{"owner", "dev"}}).ok());
  EXPECT_EQ(secrets.Get(app, {.tenant = "", .path = "a"}, {})->metadata, (MetadataPairs{{"owner", "dev"}}));
}

TEST_F(SecretServiceTest, RotationReachesSecrets) {
  ASSERT_TRUE(Put("a", "old").ok());
  ASSERT_TRUE(key_service.RotateKeyring(admin, "coffer-secrets", {}).ok());
  ASSERT_EQ(Put("b", "new")->key_version, 2U);
  EXPECT_EQ(Get("a"), "old");
  ASSERT_TRUE(key_service.DisableVersion(admin, "coffer-secrets", KeyVersion{1}).ok());
  EXPECT_EQ(Get("a"), "<failed_precondition>");
  EXPECT_EQ(Get("b"), "new");
}

TEST_F(SecretServiceTest, BadRequestsAreRefused) {
  const std::string too_long(kMaxSecretValue + 1, 'x');
  EXPECT_EQ(Put("a", too_long).error().code(), ErrorCode::kInvalidArgument);
  for (const char* path : {"", "/a", "a/", "a//b", "..", "a/./b", "a b", "a%2f", "1/2/3/4/5/6/7/8/9"}) {
    EXPECT_EQ(Put(path, "v").error().code(), ErrorCode::kInvalidArgument) << path;
    EXPECT_EQ(Get(path), "<invalid_argument>") << path;
  }
  PutSecretRequest past{.name = {.tenant = "", .path = "a"},
                        .value = {},
                        .expected_version = std::nullopt,
                        .expires_us = clock.UnixMicros(),
                        .metadata = std::nullopt};
  EXPECT_EQ(secrets.Put(app, past).error().code(), ErrorCode::kInvalidArgument);
  past.expires_us = 0;
  const MetadataPairs bad_metadata[] = {
      {{"", "v"}},     {{std::string(129, 'k'), "v"}}, {{"k", std::string(513, 'v')}}, {{"k", "1"}, {"k", "2"}},
      {{"\xff", "v"}}, MetadataPairs(65, {"k", "v"})};
  for (const MetadataPairs& metadata : bad_metadata) {
    past.metadata = metadata;
    EXPECT_EQ(secrets.Put(app, past).error().code(), ErrorCode::kInvalidArgument);
  }
  ASSERT_TRUE(Put("a", "v").ok());
  EXPECT_EQ(Get("a", 2), "<not_found>");
  EXPECT_EQ(Get("a", -1), "<not_found>");
  EXPECT_EQ(secrets.Delete(app, {.tenant = "", .path = "a"}, {SecretVersion{0}}).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(secrets.Delete(app, {.tenant = "", .path = "a"}, {SecretVersion{7}}).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(secrets.List(app, "", "", 1001, "").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(secrets.List(app, "", "", 1, "a//b").error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(SecretServiceTest, DbaAndAuditorNeverReadAValue) {
  ASSERT_TRUE(Put("a", "v").ok());
  for (const Caller& caller : {dba, auditor, admin}) {
    EXPECT_EQ(secrets.Get(caller, {.tenant = "", .path = "a"}, {}).error().code(), ErrorCode::kPermissionDenied);
  }
}

TEST_F(SecretServiceTest, ACiphertextMovedToAnotherSecretsRowIsNotServed) {
  ASSERT_TRUE(Put("a", "a's").ok());
  ASSERT_TRUE(Put("b", "b's").ok());
  {
    const std::unique_ptr<StoreTransaction> edit = std::move(store.Begin()).value();
    std::vector<StoredRow> rows = edit->Scan({.table = Table::kSecretVersion}).value();
    std::swap(rows[0].columns[3], rows[1].columns[3]);
    for (const StoredRow& row : rows) ASSERT_TRUE(edit->Update(Table::kSecretVersion, row).ok());
    ASSERT_TRUE(edit->Commit().ok());
  }
  EXPECT_EQ(Get("a"), "<integrity>");
  EXPECT_EQ(Get("b"), "<integrity>");
}

TEST_F(SecretServiceTest, AnEarlierRowPutBackWhileTheServiceRunsIsNotServed) {
  ASSERT_TRUE(Put("a", "1").ok());
  const StoredRow live = store.Begin().value()->Scan({.table = Table::kSecretVersion}).value().front();
  ASSERT_TRUE(secrets.Destroy(admin, {.tenant = "", .path = "a"}, {SecretVersion{1}}).ok());
  {
    const std::unique_ptr<StoreTransaction> edit = std::move(store.Begin()).value();
    ASSERT_TRUE(edit->Update(Table::kSecretVersion, live).ok());
    ASSERT_TRUE(edit->Commit().ok());
  }
  EXPECT_EQ(Get("a"), "<integrity>");
  EXPECT_EQ(secrets.History(app, {.tenant = "", .path = "a"}, 0, "").error().code(), ErrorCode::kIntegrity);
}

// The vault's rows are not read at start: their keys are only known from what is in the file.
TEST_F(SecretServiceTest, AVersionMovedToAnotherNumberWhileSealedIsMissed) {
  for (const char* value : {"1", "2", "3"}) ASSERT_TRUE(Put("a", value).ok());
  ASSERT_TRUE(admin_service.Seal(admin).ok());
  {
    const std::unique_ptr<StoreTransaction> edit = std::move(store.Begin()).value();
    StoredRow row = edit->Scan({.table = Table::kSecretVersion}).value().at(1);
    ASSERT_TRUE(edit->Erase(Table::kSecretVersion, {row.columns[0], row.columns[1]}).ok());
    row.columns[1] = std::int64_t{9};
    ASSERT_TRUE(edit->Insert(Table::kSecretVersion, row).ok());
    ASSERT_TRUE(edit->Commit().ok());
  }
  ASSERT_TRUE(admin_service.Unseal(admin, KeyFile()).ok());
  const SecretName name{.tenant = "", .path = "a"};
  EXPECT_EQ(Get("a", 2), "<integrity>");
  EXPECT_EQ(secrets.History(app, name, 0, "").error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(secrets.Delete(app, name, {SecretVersion{2}}).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(Get("a", 3), "3");
  EXPECT_EQ(Get("a", 4), "<not_found>");
}

TEST_F(SecretServiceTest, AValueDecryptsAsTheVersionThatIsAskedForOnly) {
  KeyEngine& keys = *barrier->Enter().value()->keys;
  const TenantUuid tenant = keys.ResolveTenant("").value();
  const SecretUuid secret = SecretUuid::Generate(1);
  const CipherPointer cipher = keys.CipherForEncrypt(SecretField(tenant)).value();
  const Bytes ciphertext = EncryptSecret(*cipher, secret, SecretVersion{2}, AsBytes("value")).value();
  EXPECT_TRUE(DecryptSecret(keys, tenant, secret, SecretVersion{2}, ciphertext).ok());
  EXPECT_EQ(DecryptSecret(keys, tenant, secret, SecretVersion{1}, ciphertext).error().code(),
            ErrorCode::kDecryptFailed);
  EXPECT_EQ(DecryptSecret(keys, tenant, SecretUuid::Generate(2), SecretVersion{2}, ciphertext).error().code(),
            ErrorCode::kDecryptFailed);
}

// On a disk that the test can read and break.
class DestroyedSecretTest : public ServiceFixture {
 protected:
  void SetUp() override {
    ASSERT_TRUE(on_disk_operator_.Init(admin, KeyFile(), {}, true).ok());
    for (const char* path : {"a", "b"}) {
      ASSERT_TRUE(on_disk_
                      .Put(app, {.name = {.tenant = "", .path = path},
                                 .value = AsBytes("value"),
                                 .expected_version = std::nullopt,
                                 .expires_us = 0,
                                 .metadata = std::nullopt})
                      .ok());
    }
  }
  // The ciphertexts that the store's rows have, as bytes.
  std::vector<Bytes> Ciphertexts() const {
    std::vector<Bytes> found;
    const std::vector<StoredRow> rows = disk_store_->Begin().value()->Scan({.table = Table::kSecretVersion}).value();
    for (const StoredRow& row : rows) {
      if (const auto* bytes = std::get_if<Bytes>(&row.columns[3])) found.push_back(*bytes);
    }
    return found;
  }
  bool OnDisk(const Bytes& bytes) const {
    return AsText(disk_.Contents()).find(AsText(bytes)) != std::string_view::npos;
  }
  Result<std::uint32_t> Destroy(const std::string& path) {
    return on_disk_.Destroy(admin, {.tenant = "", .path = path}, {SecretVersion{1}});
  }

  FaultVfs disk_{1};
  std::unique_ptr<SqliteStore> disk_store_ = SqliteStore::Open({"store.db", disk_.name(), 0}).value();
  std::unique_ptr<Barrier> disk_barrier_ = OpenBarrier(*disk_store_, clock);
  Pipeline disk_pipeline_{*disk_barrier_, recorded.recorder()};
  OperatorService on_disk_operator_{disk_pipeline_, clock};
  Approver on_disk_approver_{disk_pipeline_, on_disk_operator_, *disk_barrier_};
  ApprovedSecretService on_disk_{disk_pipeline_, clock, on_disk_approver_};
};

TEST_F(DestroyedSecretTest, ItsCiphertextIsInNoneOfTheStoresFiles) {
  const std::vector<Bytes> ciphertexts = Ciphertexts();
  ASSERT_EQ(ciphertexts.size(), 2U);
  ASSERT_TRUE(OnDisk(ciphertexts[0]) && OnDisk(ciphertexts[1]));
  ASSERT_EQ(*Destroy("a"), 1U);
  EXPECT_NE(OnDisk(ciphertexts[0]), OnDisk(ciphertexts[1])) << "one is gone, one stays";
  ASSERT_EQ(*Destroy("b"), 1U);
  EXPECT_FALSE(OnDisk(ciphertexts[0]) || OnDisk(ciphertexts[1]));
  EXPECT_EQ(recorded.records.back().failed, 0U);
}

TEST_F(DestroyedSecretTest, WhenTheFilesCannotBeCleanedYetTheRecordSaysSo) {
  const std::vector<Bytes> ciphertexts = Ciphertexts();
  const auto destroy = [this](const Caller& by) {
    return on_disk_.SecretService::Destroy(by, {.tenant = "", .path = "a"}, {SecretVersion{1}});
  };
  const AccessService on_disk_access(disk_pipeline_, on_disk_operator_);
  on_disk_approver_.people.Apply(on_disk_access, disk_barrier_->Enter().value()->uuid);
  const std::string id = People::Ask(admin, destroy);
  ASSERT_TRUE(on_disk_approver_.people.Approve(on_disk_access, on_disk_approver_.people.bob, id).ok());
  Caller using_it = admin;
  using_it.approval.id = id;
  disk_.FailSyncAtStep(3);  // the first two are of the approval's end and of the commit
  const Result<std::uint32_t> destroyed = destroy(using_it);
  disk_.FailSyncAtStep(0);
  ASSERT_TRUE(destroyed.ok()) << "it is destroyed: " << destroyed.error().ToString();
  EXPECT_EQ(*destroyed, 1U);
  EXPECT_TRUE(recorded.records.back().ok);
  EXPECT_EQ(recorded.records.back().failed, 1U);
  EXPECT_NE(recorded.records.back().failure.find("still in the store's files"), std::string_view::npos);
  EXPECT_TRUE(OnDisk(ciphertexts[0]) && OnDisk(ciphertexts[1]));
  EXPECT_EQ(on_disk_.Get(app, {.tenant = "", .path = "a"}, {}).error().code(), ErrorCode::kFailedPrecondition);
  ASSERT_EQ(*on_disk_.Delete(app, {.tenant = "", .path = "b"}, {}), 1U);
  EXPECT_NE(OnDisk(ciphertexts[0]), OnDisk(ciphertexts[1])) << "the next commit cleaned up";
}

}  // namespace
}  // namespace coffer::keysvc
