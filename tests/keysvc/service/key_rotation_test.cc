// rotate-kek, rotation by age, and two engines over one store.
#include "io/fault_vfs.h"
#include "keysvc/store/sqlite_store.h"
#include "tests/keysvc/service/key_life_fixture.h"

namespace coffer::keysvc {
namespace {

using KeyRotation = KeyLife;

TEST_F(KeyRotation, ANewKekKeepsDataKeysAndDropsTheOldOne) {
  StartShop();
  ASSERT_TRUE(key_service.CreateTenant(admin, "acme").ok());
  FieldColumn of_acme = EmailColumn({"a@acme.example"});
  of_acme.tenant = "acme";
  const std::string value = Encrypted(EmailColumn({"a@example.org"})).front();
  const std::string acme_value = Encrypted(of_acme).front();
  const std::vector<Row> keks = RowsOf(Table::kKek);
  const std::vector<Row> data_keys = RowsOf(Table::kDataKey);
  ASSERT_EQ(data_keys.size(), 2U);

  ASSERT_TRUE(key_service.RotateKek(dba, "shop").ok());
  const std::vector<Row> new_keks = RowsOf(Table::kKek);
  ASSERT_EQ(new_keks.size(), keks.size()) << "one a keyring";
  std::size_t kept = 0;
  for (const Row& row : new_keks) kept += static_cast<std::size_t>(std::count(keks.begin(), keks.end(), row));
  EXPECT_EQ(kept, keks.size() - 1) << "that of the other keyring";
  const std::vector<Row> new_data_keys = RowsOf(Table::kDataKey);
  ASSERT_EQ(new_data_keys.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(new_data_keys[i][3], data_keys[i][3]) << "its id";
    EXPECT_NE(new_data_keys[i][4], data_keys[i][4]) << "its KEK";
    EXPECT_NE(new_data_keys[i][5], data_keys[i][5]) << "its wrapping";
    EXPECT_EQ(new_data_keys[i][6], data_keys[i][6]) << "its check value";
  }
  EXPECT_EQ(WhyNot(value), "");
  EXPECT_EQ(WhyNot(acme_value, "acme"), "");
  ASSERT_TRUE(barrier->Seal().ok());
  ASSERT_TRUE(barrier->Unseal(SealSource(KeyFile())).ok());
  EXPECT_EQ(WhyNot(value), "") << "from the store alone";
  EXPECT_EQ(WhyNot(acme_value, "acme"), "");
}

TEST_F(KeyRotation, RotateKekIsRefusedToAppsAndForUnknownKeyrings) {
  StartShop();
  for (const Caller& caller : {app, auditor}) {
    EXPECT_EQ(key_service.RotateKek(caller, "shop").error().code(), ErrorCode::kPermissionDenied);
    EXPECT_EQ(key_service.SetRotation(caller, "shop", kDay).error().code(), ErrorCode::kPermissionDenied);
  }
  EXPECT_EQ(key_service.SetRotation(dba, "shop", kDay).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(key_service.RotateKek(admin, "none").error().code(), ErrorCode::kNotFound);
}

TEST_F(KeyRotation, WhenSomebodyElseReplacedTheKekNewKeysAreUnderTheNewOne) {
  StartShop();
  const std::string value = Encrypted(EmailColumn({"a@example.org"})).front();
  const std::unique_ptr<Barrier> second = OpenBarrier(store, clock);
  ASSERT_TRUE(second->Unseal(SealSource(KeyFile())).ok());
  KeyEngine& there = *second->Enter().value()->keys;
  const TenantUuid acme = keys().CreateTenant("acme")->uuid;
  ASSERT_TRUE(keys().RotateKek("shop").ok());
  // The second engine has the old KEK in memory, and makes a key.
  ASSERT_TRUE(there
                  .CipherForEncrypt({.keyring = "shop",
                                     .place = {.scope = ScopeUuid::Generate(1),
                                               .tenant = *there.ResolveTenant(""),
                                               .field = FieldUuid::Generate(1)},
                                     .form = {}})
                  .ok());
  const FieldPlaceAndForm of_acme{
      .keyring = "shop",
      .place = {.scope = ScopeUuid::Generate(1), .tenant = acme, .field = FieldUuid::Generate(1)},
      .form = {}};
  const KeyId made = (*there.CipherForEncrypt(of_acme))->key_id();
  EXPECT_EQ((*keys().CipherForEncrypt(of_acme))->key_id(), made) << "the same tenant's key, made once";
  ASSERT_TRUE(there.RotateKek("shop").ok()) << "a key that only the other one made is rewrapped too";
  ASSERT_TRUE(barrier->Seal().ok());
  ASSERT_TRUE(barrier->Unseal(SealSource(KeyFile())).ok());
  EXPECT_EQ(keys().CipherForDecrypt(of_acme, made)->outcome, DecryptLookup::Outcome::kFound);
  EXPECT_EQ(WhyNot(value), "");
}

TEST_F(KeyRotation, AKeyIsNotMadeInAVersionThatSomebodyElseEnded) {
  PrepareV1();
  ASSERT_TRUE(key_service.CreateTenant(admin, "acme").ok());
  const std::unique_ptr<Barrier> second = OpenBarrier(store, clock);
  ASSERT_TRUE(second->Unseal(SealSource(KeyFile())).ok());
  KeyEngine& there = *second->Enter().value()->keys;
  const TenantUuid acme = *there.ResolveTenant("acme");
  ASSERT_TRUE(key_service.ShredTenant(admin, Order("acme")).ok());
  EXPECT_EQ(there.GenerateCallerKey("shop", acme).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(RowsOf(Table::kDataKey).size(), 1U);
}

TEST_F(KeyRotation, KeyringsRotateByAge) {
  StartShop();
  const std::int64_t made = clock.UnixMicros();
  ASSERT_EQ(key_service.SetRotation(admin, "shop", 30 * kDay)->next_rotation_us, made + 30 * kDay);
  clock.Advance(30 * kDay - 1);
  EXPECT_TRUE(keys().RotateDue(clock.UnixMicros()).done.empty());
  clock.Advance(1);
  const DueReport due = keys().RotateDue(clock.UnixMicros());
  ASSERT_EQ(due.done.size(), 1U);
  EXPECT_EQ(due.done.front().what, "keyring shop version 2");
  EXPECT_FALSE(due.failure);
  const KeyringView view = *key_service.GetKeyring(dba, "shop");
  EXPECT_EQ(view.keyring.primary, KeyVersion{2});
  EXPECT_EQ(view.next_rotation_us, made + 60 * kDay);
  EXPECT_TRUE(keys().RotateDue(clock.UnixMicros()).done.empty()) << "once";
  ASSERT_EQ(key_service.SetRotation(admin, "shop", 0)->rotation_period_us, 0);
  clock.Advance(400 * kDay);
  EXPECT_TRUE(keys().RotateDue(clock.UnixMicros()).done.empty());
}

TEST_F(KeyRotation, PeriodsAreAnHourToTenYearsAndForEncryptionOnly) {
  StartShop();
  ASSERT_TRUE(key_service.CreateKeyring(admin, "idx", KeyringPurpose::kIndex).ok());
  ASSERT_TRUE(key_service.CreateKeyring(admin, "det", KeyringPurpose::kDeterministic).ok());
  for (const std::int64_t period :
       {std::int64_t{-1}, std::int64_t{1}, 3600 * kSecond - 1, 3653 * kDay + 1,
        std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_EQ(key_service.SetRotation(admin, "shop", period).error().code(), ErrorCode::kInvalidArgument) << period;
  }
  for (const char* name : {"idx", "det"}) {
    EXPECT_EQ(key_service.SetRotation(admin, name, kDay).error().code(), ErrorCode::kFailedPrecondition) << name;
  }
  EXPECT_EQ(key_service.SetRotation(admin, "none", kDay).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(RowsOf(Table::kRotation).empty());
}

TEST_F(KeyRotation, RotationIsKeptInTheStore) {
  StartShop();
  ASSERT_TRUE(key_service.SetRotation(admin, "shop", 3600 * kSecond).ok());
  ASSERT_TRUE(key_service.SetRotation(admin, "shop", kDay).ok()) << "another period replaces it";
  ASSERT_TRUE(barrier->Seal().ok());
  ASSERT_TRUE(barrier->Unseal(SealSource(KeyFile())).ok());
  EXPECT_EQ(key_service.GetKeyring(admin, "shop")->rotation_period_us, kDay);
}

// On a disk that the test can read and break.
class KeysOnDisk : public KeyLife {
 protected:
  void SetUp() override {
    ASSERT_TRUE(disk_barrier_->Init(NewSeal(KeyFile()), std::nullopt).ok());
    ASSERT_TRUE(engine().CreateKeyring("shop").ok());
    made_ = engine().GenerateCallerKey("shop", *engine().ResolveTenant(""))->wrapped;
    ASSERT_TRUE(engine().RotateKeyring("shop", {}).ok());
  }
  KeyEngine& engine() { return *disk_barrier_->Enter().value()->keys; }
  bool Unwraps() { return engine().UnwrapCallerKey("shop", *engine().ResolveTenant(""), made_).ok(); }
  std::vector<Row> DiskRows(Table table) {
    const std::vector<StoredRow> stored = disk_store_->Begin().value()->Scan({.table = table}).value();
    std::vector<Row> rows;
    for (const StoredRow& row : stored) rows.push_back(row.columns);
    return rows;
  }
  bool OnDisk(const Datum& blob) const {
    return AsText(disk_.Contents()).find(AsText(std::get<Bytes>(blob))) != std::string_view::npos;
  }
  DestroyOrder Now() const { return {.by = "unix:admin:7", .reason = "a test", .delay_us = 0}; }

  FaultVfs disk_{1};
  std::unique_ptr<SqliteStore> disk_store_ = SqliteStore::Open({"store.db", disk_.name(), 0}).value();
  std::unique_ptr<Barrier> disk_barrier_ = OpenBarrier(*disk_store_, clock);
  WrappedKey made_{};
};

TEST_F(KeysOnDisk, AReplacedKekAndItsWrappingsAreInNoneOfTheFiles) {
  const std::vector<Row> keks = DiskRows(Table::kKek);
  const std::vector<Row> data_keys = DiskRows(Table::kDataKey);
  ASSERT_TRUE(engine().RotateKek("shop").ok());
  EXPECT_FALSE(engine().erasing_left());
  std::size_t left = 0;
  for (const Row& kek : keks) left += OnDisk(kek[2]) ? 1 : 0;
  EXPECT_EQ(left, keks.size() - 1);
  for (const Row& data_key : data_keys) EXPECT_FALSE(OnDisk(data_key[5]));
  EXPECT_TRUE(Unwraps());
}

TEST_F(KeysOnDisk, WhenTheCommitOfANewKekFailsNothingIsHalfDone) {
  disk_.FailSyncAtStep(1);
  const Result<KeyringView> rotated = engine().RotateKek("shop");
  disk_.FailSyncAtStep(0);
  EXPECT_EQ(rotated.error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(Unwraps());
  ASSERT_TRUE(engine().CreateTenant("next").ok()) << "reads again what is durable";
  const Datum kek = DiskRows(Table::kDataKey).front()[4];
  EXPECT_TRUE(Unwraps());
  std::size_t named = 0;
  for (const Row& row : DiskRows(Table::kKek)) named += row[0] == kek ? 1 : 0;
  EXPECT_EQ(named, 1U) << "old or new, never neither";
  ASSERT_TRUE(engine().RotateKek("shop").ok());
  EXPECT_TRUE(Unwraps());
}

TEST_F(KeysOnDisk, WhenTheFilesCannotBeCleanedYetItIsTriedAgain) {
  const std::vector<Row> data_keys = DiskRows(Table::kDataKey);
  disk_.FailSyncAtStep(2);  // the first is the commit's
  ASSERT_TRUE(engine().RotateKek("shop").ok()) << "it is rotated";
  disk_.FailSyncAtStep(0);
  EXPECT_TRUE(engine().erasing_left());
  EXPECT_FALSE(engine().DestroyDue(clock.UnixMicros()).failure);
  EXPECT_FALSE(engine().erasing_left());
  for (const Row& data_key : data_keys) EXPECT_FALSE(OnDisk(data_key[5]));
}

TEST_F(KeysOnDisk, AProcessThatEndedBeforeTheFilesWereCleanCleansThemLater) {
  clock.Advance(kSecond);
  const std::vector<Row> data_keys = DiskRows(Table::kDataKey);
  disk_.FailSyncAtStep(2);
  ASSERT_TRUE(engine().RotateKek("shop").ok());
  disk_.FailSyncAtStep(0);
  ASSERT_TRUE(disk_barrier_->Seal().ok());
  ASSERT_TRUE(disk_barrier_->Unseal(SealSource(KeyFile())).ok());
  EXPECT_TRUE(engine().erasing_left()) << "by what the store says of yesterday and today";
  EXPECT_FALSE(engine().DestroyDue(clock.UnixMicros()).failure);
  for (const Row& data_key : data_keys) EXPECT_FALSE(OnDisk(data_key[5]));
  clock.Advance(2 * kDay);
  ASSERT_TRUE(disk_barrier_->Seal().ok());
  ASSERT_TRUE(disk_barrier_->Unseal(SealSource(KeyFile())).ok());
  EXPECT_FALSE(engine().erasing_left());
}

TEST_F(KeysOnDisk, WhenTheCommitOfADestructionFailsNothingIsHalfDone) {
  ASSERT_TRUE(engine().ScheduleDestroy("shop", KeyVersion{1}, Now(), true).ok());
  clock.Advance(8 * kDay);
  disk_.FailSyncAtStep(1);
  const DueReport failed = engine().DestroyDue(clock.UnixMicros());
  disk_.FailSyncAtStep(0);
  ASSERT_TRUE(failed.failure);
  EXPECT_TRUE(failed.done.empty());
  ASSERT_TRUE(engine().CreateTenant("next").ok()) << "reads again what is durable";
  const bool keys_left = !DiskRows(Table::kDataKey).empty();
  const VersionState state = engine().GetKeyring("shop")->versions.front().version.state;
  EXPECT_EQ(state, keys_left ? VersionState::kDestroyScheduled : VersionState::kDestroyed);
  EXPECT_FALSE(engine().DestroyDue(clock.UnixMicros()).failure);
  EXPECT_TRUE(DiskRows(Table::kDataKey).empty());
  EXPECT_EQ(engine().GetKeyring("shop")->versions.front().version.state, VersionState::kDestroyed);
}

TEST_F(KeysOnDisk, DestroyedKeysAreInNoneOfTheFiles) {
  const std::vector<Row> data_keys = DiskRows(Table::kDataKey);
  ASSERT_EQ(data_keys.size(), 1U);
  ASSERT_TRUE(OnDisk(data_keys.front()[5]));
  ASSERT_TRUE(engine().ScheduleDestroy("shop", KeyVersion{1}, Now(), true).ok());
  clock.Advance(8 * kDay);
  ASSERT_EQ(engine().DestroyDue(clock.UnixMicros()).done.size(), 1U);
  EXPECT_FALSE(OnDisk(data_keys.front()[5]));
}

}  // namespace
}  // namespace coffer::keysvc
