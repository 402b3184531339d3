// Init, unseal, seal: what opens the barrier and what does not.
#include "io/directory.h"
#include "io/file.h"
#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {
namespace {

PassphraseSeal Passphrase(std::string_view text) { return {.passphrase = SecretBytes::CopyOf(AsBytes(text))}; }

using BarrierTest = ServiceFixture;

TEST_F(BarrierTest, InitNeedsAcceptTotalLoss) {
  const Result<Barrier::Initialised> refused = operator_service.Init(admin, KeyFile(), {}, false);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_NE(refused.error().ToString().find("--accept-total-loss"), std::string::npos);
  EXPECT_EQ(barrier->state(), BarrierState::kUninitialised);
  EXPECT_FALSE(*Exists(KeyFile().path)) << "a refused init leaves nothing behind";
}

TEST_F(BarrierTest, InitMakesTenantAndKeyringAndLeavesItUnsealed) {
  ASSERT_TRUE(operator_service.Init(admin, KeyFile(), {}, true).ok());
  EXPECT_EQ(barrier->state(), BarrierState::kUnsealed);
  EXPECT_TRUE(key_service.GetKeyring(admin, "coffer-secrets").ok());
  const Result<StatusView> status = admin_service.ShowStatus(admin);
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->counts.tenants, 1U);
  ASSERT_EQ(status->facts.seal_slots.size(), 1U);
  EXPECT_EQ(KindOf(status->facts.seal_slots.front().params), SealSlotKind::kKeyFile);
}

TEST_F(BarrierTest, SecondInitIsRefusedAndChangesNothing) {
  const Result<Barrier::Initialised> first = operator_service.Init(admin, KeyFile(), {}, true);
  ASSERT_TRUE(first.ok());
  const Result<Barrier::Initialised> second =
      operator_service.Init(admin, KeyFileSeal{.path = folder / "other.key", .allow_same_device = true}, {}, true);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(barrier->facts()->store_uuid, first->store.ToText());
  EXPECT_FALSE(*Exists(folder / "other.key"));
}

TEST_F(BarrierTest, InitRefusesAnExistingKeyFile) {
  ASSERT_TRUE(CreateFileDurably(KeyFile().path, AsBytes("something"), 0600).ok());
  const Result<Barrier::Initialised> refused = operator_service.Init(admin, KeyFile(), {}, true);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(barrier->state(), BarrierState::kUninitialised);
}

TEST_F(BarrierTest, KeyFileOnTheStoresDeviceNeedsAllowing) {
  const Result<MadeSlot> refused =
      MakeSlot(KeyFileSeal{.path = folder / "k", .allow_same_device = false}, {.store_dir = folder.path()},
               StoreUuid::Generate(1), RootKey{.id = KeyId::Generate(), .bytes = SecretBytes(32)}, 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(*Exists(folder / "k"));
}

TEST_F(BarrierTest, BadSealSourcesAreRefusedByName) {
  struct Case {
    const char* name;
    NewSeal source;
    const char* path;
  };
  Case cases[] = {
      {"relative path", KeyFileSeal{.path = "seal.key", .allow_same_device = true}, "key_file.path"},
      {"empty path", KeyFileSeal{.path = "", .allow_same_device = true}, "key_file.path"},
      {"endless path", KeyFileSeal{.path = "/" + std::string(5000, 'a'), .allow_same_device = true}, "key_file.path"},
      {"short passphrase", Passphrase("elevenchars"), "passphrase"},
      {"empty passphrase", Passphrase(""), "passphrase"},
      {"long passphrase", Passphrase(std::string(1025, 'p')), "passphrase"},
  };
  for (Case& bad : cases) {
    const Result<Barrier::Initialised> refused = operator_service.Init(admin, bad.source, {}, true);
    ASSERT_FALSE(refused.ok()) << bad.name;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument) << bad.name;
    EXPECT_EQ(refused.error().path(), bad.path) << bad.name;
    EXPECT_EQ(barrier->state(), BarrierState::kUninitialised) << bad.name;
  }
}

TEST_F(BarrierTest, SealedServiceServesNothingAndSaysSo) {
  StartShop();
  ASSERT_TRUE(admin_service.Seal(admin).ok());
  EXPECT_EQ(barrier->state(), BarrierState::kSealed);
  const Result<FieldOutput> refused = fields.Encrypt(app, {EmailColumn({"a@b"})});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kSealed);
  EXPECT_EQ(secrets.Get(app, {.tenant = "", .path = "a"}, {}).error().code(), ErrorCode::kSealed);
  EXPECT_EQ(key_service.ListKeyrings(admin, 0, "").error().code(), ErrorCode::kSealed);
  EXPECT_TRUE(admin_service.ShowStatus(app).ok()) << "status is answered while sealed";
}

TEST_F(BarrierTest, UnsealWithTheKeyFileBringsEverythingBack) {
  StartShop();
  const std::vector<std::string> before = Encrypted(EmailColumn({"a@example.org"}));
  ASSERT_TRUE(admin_service.Seal(admin).ok());
  ASSERT_TRUE(admin_service.Unseal(admin, KeyFile()).ok());
  const Result<FieldOutput> after = fields.Decrypt(app, {EmailColumn(before)});
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->columns.front().values.front(), "a@example.org");
}

TEST_F(BarrierTest, UnsealWithAnotherKeyFileIsRefusedAndStaysSealed) {
  StartShop();
  ASSERT_TRUE(admin_service.Seal(admin).ok());
  const std::string other = folder / "other.key";
  ASSERT_TRUE(CreateFileDurably(other, SecretBytes(32), 0600).ok());
  const Result<Barrier::Shared> refused =
      admin_service.Unseal(admin, KeyFileSeal{.path = other, .allow_same_device = true});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(barrier->state(), BarrierState::kSealed);
}

TEST_F(BarrierTest, UnsealRefusesKeyFilesThatAreNone) {
  StartShop();
  ASSERT_TRUE(admin_service.Seal(admin).ok());
  ASSERT_TRUE(CreateFileDurably(folder / "short", SecretBytes(31), 0600).ok());
  ASSERT_TRUE(CreateFileDurably(folder / "open", SecretBytes(32), 0644).ok());
  for (const char* name : {"short", "open", "absent"}) {
    EXPECT_FALSE(admin_service.Unseal(admin, KeyFileSeal{.path = folder / name, .allow_same_device = true}).ok())
        << name;
    EXPECT_EQ(barrier->state(), BarrierState::kSealed) << name;
  }
}

TEST_F(BarrierTest, UnsealWithoutSourceNeedsAConfiguredKeyFile) {
  StartShop();
  ASSERT_TRUE(admin_service.Seal(admin).ok());
  EXPECT_EQ(admin_service.Unseal(admin, std::nullopt).error().code(), ErrorCode::kInvalidArgument);
  const AdminService configured(pipeline, {.started_us = 0, .memory_locked = false, .key_file = KeyFile().path});
  EXPECT_TRUE(configured.Unseal(admin, std::nullopt).ok());
}

TEST_F(BarrierTest, PassphraseSlotOpensWithItsPassphraseOnly) {
  ASSERT_TRUE(operator_service.Init(admin, Passphrase("correct horse battery"), {}, true).ok());
  EXPECT_EQ(KindOf(barrier->facts()->seal_slots.front().params), SealSlotKind::kPassphrase);
  ASSERT_TRUE(admin_service.Seal(admin).ok());
  EXPECT_EQ(admin_service.Unseal(admin, Passphrase("correct horse batterz")).error().code(),
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(barrier->state(), BarrierState::kSealed);
  EXPECT_TRUE(admin_service.Unseal(admin, Passphrase("correct horse battery")).ok());
}

TEST_F(BarrierTest, InitUnsealAndSealAreForTheUnixSocketOnly) {
  Caller remote = admin;
  remote.local = false;
  EXPECT_EQ(operator_service.Init(remote, KeyFile(), {}, true).error().code(), ErrorCode::kPermissionDenied);
  StartShop();
  EXPECT_EQ(admin_service.Seal(remote).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(barrier->state(), BarrierState::kUnsealed);
  EXPECT_EQ(admin_service.Unseal(remote, KeyFile()).error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(BarrierTest, OnlyAdminsInitAndSeal) {
  for (const Caller& caller : {app, dba, auditor}) {
    EXPECT_EQ(operator_service.Init(caller, KeyFile(), {}, true).error().code(), ErrorCode::kPermissionDenied);
    EXPECT_EQ(admin_service.Seal(caller).error().code(), ErrorCode::kPermissionDenied);
  }
}

TEST_F(BarrierTest, AlteredStoreIsCompromisedAndServesNothing) {
  StartShop();
  ASSERT_TRUE(admin_service.Seal(admin).ok());
  {
    const std::unique_ptr<StoreTransaction> edit = std::move(store.Begin()).value();
    StoredRow row = edit->Scan({.table = Table::kKeyring}).value().front();
    row.columns[4] = std::int64_t{2};  // primary_version, its MAC left as it was
    ASSERT_TRUE(edit->Update(Table::kKeyring, row).ok());
    ASSERT_TRUE(edit->Commit().ok());
  }
  EXPECT_EQ(admin_service.Unseal(admin, KeyFile()).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(barrier->state(), BarrierState::kCompromised);
  EXPECT_EQ(fields.Encrypt(app, {EmailColumn({"x"})}).error().code(), ErrorCode::kIntegrity);
}

// Everything that the store holds, as somebody with the file can copy it and put it back.
struct Copy {
  std::vector<std::pair<Table, StoredRow>> rows;
  std::optional<StoredHead> head;

  static Copy Of(KeyStore& store) {
    Copy copy;
    const std::unique_ptr<StoreTransaction> read = std::move(store.Begin()).value();
    for (const TableSpec& spec : Schema()) {
      const std::vector<StoredRow> rows = read->Scan({.table = spec.table}).value();
      for (const StoredRow& row : rows) copy.rows.emplace_back(spec.table, row);
    }
    copy.head = read->GetHead().value();
    return copy;
  }
  void PutBack(KeyStore& store) const {
    const Copy now = Of(store);
    const std::unique_ptr<StoreTransaction> edit = std::move(store.Begin()).value();
    for (const auto& [table, row] : now.rows)
      ASSERT_TRUE(edit->Erase(table, PrimaryKeyOf(SpecOf(table), row.columns)).ok());
    for (const auto& [table, row] : rows) ASSERT_TRUE(edit->Insert(table, row).ok());
    ASSERT_TRUE(edit->PutHead(head.value()).ok());
    ASSERT_TRUE(edit->Commit().ok());
  }
};

TEST_F(BarrierTest, AnOlderStorePutBackWhileSealedIsRefusedByThisProcess) {
  StartShop();
  const Copy older = Copy::Of(store);
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  ASSERT_TRUE(key_service.DisableVersion(admin, "shop", KeyVersion{1}).ok());
  const Copy newest = Copy::Of(store);
  ASSERT_TRUE(admin_service.Seal(admin).ok());
  older.PutBack(store);
  EXPECT_EQ(admin_service.Unseal(admin, KeyFile()).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(barrier->state(), BarrierState::kCompromised);
  EXPECT_EQ(admin_service.Unseal(admin, KeyFile()).error().code(), ErrorCode::kIntegrity) << "again is no way around";
  newest.PutBack(store);
  EXPECT_TRUE(admin_service.Unseal(admin, KeyFile()).ok());
}

TEST_F(BarrierTest, AnOlderStorePutBackUnderARunningServiceIsRefused) {
  StartShop();
  const Copy older = Copy::Of(store);
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  older.PutBack(store);
  EXPECT_EQ(key_service.RotateKeyring(admin, "shop", {}).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(admin_service.ShowStatus(admin).error().code(), ErrorCode::kIntegrity);
}

TEST_F(BarrierTest, SealWaitsForTheLastHolder) {
  StartShop();
  std::shared_ptr<Unsealed> held = std::move(barrier->Enter()).value();
  const std::weak_ptr<Unsealed> watch = held;
  std::thread sealing([&] { EXPECT_TRUE(barrier->Seal().ok()); });
  while (barrier->state() == BarrierState::kUnsealed) std::this_thread::yield();
  EXPECT_FALSE(watch.expired()) << "a running call keeps its keys";
  held.reset();
  sealing.join();
  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace coffer::keysvc
