// The end of keys: what it takes, what is refused meanwhile, and that nothing brings them back.
#include "tests/keysvc/service/key_life_fixture.h"

namespace coffer::keysvc {
namespace {

using KeyDestroy = KeyLife;

TEST_F(KeyDestroy, AVersionIsScheduledRefusedAndDestroyed) {
  PrepareV1();
  DestroyRequest order = Order("shop", 1);
  order.reason = "old";
  const Result<KeyringView> scheduled = key_service.ScheduleDestroy(admin, order);
  ASSERT_TRUE(scheduled.ok()) << scheduled.error().ToString();
  const DestructionView& view = *scheduled->versions[0].destruction;
  EXPECT_EQ(view.record.due_us, clock.UnixMicros() + 7 * kDay);
  EXPECT_EQ(view.final_us, clock.UnixMicros() + 37 * kDay);
  EXPECT_EQ(view.record.reason, "old");
  EXPECT_EQ(view.record.scheduled_by, admin.principal.id);
  EXPECT_EQ(WhyNot(old_value), "key disabled") << "at once";
  EXPECT_EQ(recorded.records.back().failed, 1U) << "and seen";

  clock.Advance(7 * kDay - 1);
  EXPECT_TRUE(keys().DestroyDue(clock.UnixMicros()).done.empty());
  Report("shop-db");
  clock.Advance(1);
  const DueReport due = keys().DestroyDue(clock.UnixMicros());
  ASSERT_EQ(due.done.size(), 1U);
  EXPECT_EQ(due.done.front().what, "keyring shop version 1");
  const KeyringView after = *key_service.GetKeyring(auditor, "shop");
  EXPECT_EQ(after.versions[0].version.state, VersionState::kDestroyed);
  EXPECT_EQ(after.versions[0].data_keys, 0U);
  EXPECT_EQ(after.versions[0].destruction->record.done_us, clock.UnixMicros()) << "its tombstone";
  EXPECT_EQ(WhyNot(old_value), "failed");
  EXPECT_TRUE(keys().DestroyDue(clock.UnixMicros()).done.empty()) << "once";
}

TEST_F(KeyDestroy, AfterANewKekADestroyedVersionOpensByNoPath) {
  StartShop();
  const CallerKey own = *key_service.GenerateDataKey(app, "shop", "");
  const std::string value = Encrypted(EmailColumn({"a@example.org"})).front();
  const KeyId id = KeyIdOf(value);
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  ASSERT_TRUE(key_service.RotateKek(admin, "shop").ok());
  const std::string newer = Encrypted(EmailColumn({"b@example.org"})).front();
  DestroyRequest order = Order("shop", 1);
  order.no_sources = true;
  ASSERT_TRUE(key_service.ScheduleDestroy(admin, order).ok());
  clock.Advance(7 * kDay);
  ASSERT_EQ(keys().DestroyDue(clock.UnixMicros()).done.size(), 1U);

  const auto tried = [&](const char* when) {
    EXPECT_EQ(WhyNot(value), "failed") << when;
    const Result<FieldOutput> rewrapped = fields.Rewrap(dba, {EmailColumn({value})}, false);
    ASSERT_TRUE(rewrapped.ok());
    EXPECT_EQ(rewrapped->columns.front().failures.size(), 1U) << when;
    EXPECT_EQ(key_service.UnwrapDataKey(app, "shop", "", own.wrapped).error().code(), ErrorCode::kDecryptFailed);
    EXPECT_EQ(keys().VersionOfKey(id), KeyVersion{}) << when;
    EXPECT_EQ(key_service.EnableVersion(admin, "shop", KeyVersion{1}).error().code(), ErrorCode::kFailedPrecondition);
    EXPECT_EQ(key_service.CancelDestroy(admin, "shop", KeyVersion{1}).error().code(), ErrorCode::kFailedPrecondition);
    EXPECT_EQ(key_service.ScheduleDestroy(admin, order).error().code(), ErrorCode::kFailedPrecondition) << when;
    EXPECT_EQ(StateOf("shop", 1), VersionState::kDestroyed) << when;
    EXPECT_EQ(WhyNot(newer), "") << when;
  };
  tried("at once");
  ASSERT_TRUE(barrier->Seal().ok());
  ASSERT_TRUE(barrier->Unseal(SealSource(KeyFile())).ok());
  tried("from the store");
  for (const Row& row : RowsOf(Table::kDataKey)) EXPECT_NE(row[3], KeyIdDatum(id));
}

TEST_F(KeyDestroy, CancelBringsBackWhatItWas) {
  PrepareV1();
  for (const VersionState before : {VersionState::kEnabled, VersionState::kDisabled}) {
    if (before == VersionState::kDisabled) {
      ASSERT_TRUE(key_service.DisableVersion(admin, "shop", KeyVersion{1}).ok());
    }
    ASSERT_TRUE(key_service.ScheduleDestroy(admin, Order("shop", 1)).ok());
    EXPECT_EQ(StateOf("shop", 1), VersionState::kDestroyScheduled);
    ASSERT_TRUE(barrier->Seal().ok());
    ASSERT_TRUE(barrier->Unseal(SealSource(KeyFile())).ok());
    EXPECT_EQ(StateOf("shop", 1), VersionState::kDestroyScheduled);
    ASSERT_TRUE(key_service.CancelDestroy(admin, "shop", KeyVersion{1}).ok());
    EXPECT_EQ(StateOf("shop", 1), before);
    EXPECT_EQ(WhyNot(old_value), before == VersionState::kEnabled ? "" : "key disabled");
  }
  EXPECT_TRUE(RowsOf(Table::kDestruction).empty());
  clock.Advance(30 * kDay);
  EXPECT_TRUE(keys().DestroyDue(clock.UnixMicros()).done.empty());
  EXPECT_EQ(key_service.CancelDestroy(admin, "shop", KeyVersion{1}).error().code(), ErrorCode::kFailedPrecondition);
}

TEST_F(KeyDestroy, AScheduledVersionCannotBeEnabledDisabledOrScheduledAgain) {
  PrepareV1();
  ASSERT_TRUE(key_service.ScheduleDestroy(admin, Order("shop", 1)).ok());
  EXPECT_EQ(key_service.EnableVersion(admin, "shop", KeyVersion{1}).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(key_service.DisableVersion(admin, "shop", KeyVersion{1}).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(key_service.ScheduleDestroy(admin, Order("shop", 1)).error().code(), ErrorCode::kFailedPrecondition);
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok()) << "the keyring goes on";
  ASSERT_TRUE(key_service.RotateKek(admin, "shop").ok());
  EXPECT_EQ(StateOf("shop", 1), VersionState::kDestroyScheduled);
}

TEST_F(KeyDestroy, ItTakesTheRightPersonVersionAndDelay) {
  PrepareV1();
  const auto code = [&](const Caller& caller, const DestroyRequest& order) {
    const Result<KeyringView> scheduled = key_service.ScheduleDestroy(caller, order);
    EXPECT_FALSE(scheduled.ok());
    return scheduled.ok() ? ErrorCode::kInternal : scheduled.error().code();
  };
  EXPECT_EQ(code(dba, Order("shop", 1)), ErrorCode::kPermissionDenied);
  EXPECT_EQ(code(app, Order("shop", 1)), ErrorCode::kPermissionDenied);
  EXPECT_EQ(code(admin, Order("shop", 2)), ErrorCode::kFailedPrecondition) << "the primary";
  EXPECT_EQ(code(admin, Order("shop", 3)), ErrorCode::kNotFound);
  EXPECT_EQ(code(admin, Order("none", 1)), ErrorCode::kNotFound);
  DestroyRequest order = Order("shop", 1);
  EXPECT_EQ(key_service.KeyService::ScheduleDestroy(admin, order).error().code(), ErrorCode::kFailedPrecondition)
      << "others have to approve it";
  order.reason = "two\nlines";
  EXPECT_EQ(code(admin, order), ErrorCode::kInvalidArgument);
  order = Order("shop", 1);
  for (const std::int64_t delay :
       {std::int64_t{-1}, std::int64_t{1}, 7 * kDay - 1, 365 * kDay + 1, std::numeric_limits<std::int64_t>::max()}) {
    order.delay_us = delay;
    EXPECT_EQ(code(admin, order), ErrorCode::kInvalidArgument) << delay;
  }
  EXPECT_EQ(StateOf("shop", 1), VersionState::kEnabled);
  EXPECT_EQ(WhyNot(old_value), "");
  order.delay_us = 365 * kDay;
  EXPECT_TRUE(key_service.ScheduleDestroy(admin, order).ok());
}

TEST_F(KeyDestroy, WhatIsDueIsCountedOnceMore) {
  PrepareV1();
  const KeyId id = KeyIdOf(old_value);
  ASSERT_TRUE(key_service.ScheduleDestroy(admin, Order("shop", 1)).ok());
  clock.Advance(8 * kDay);
  const auto held = [&] {
    const DueReport due = keys().DestroyDue(clock.UnixMicros());
    EXPECT_TRUE(due.done.empty());
    EXPECT_FALSE(due.failure);
    EXPECT_EQ(due.held.size(), 1U);
    EXPECT_EQ(StateOf("shop", 1), VersionState::kDestroyScheduled);
    const std::string shown = key_service.GetKeyring(admin, "shop")->versions[0].destruction->held;
    EXPECT_EQ(due.held.empty() ? "" : due.held.front().why, shown);
    return shown;
  };
  EXPECT_EQ(held(), "census source shop-db: its last report is stale: count again");
  Report("shop-db", {{id, 3}});
  EXPECT_EQ(held().substr(0, 24), "3 values left in shop-db");
  Register("late-db");
  Report("shop-db");
  EXPECT_EQ(held(), "census source late-db: has never reported") << "registered after it was scheduled";
  Report("late-db");
  EXPECT_EQ(keys().DestroyDue(clock.UnixMicros()).done.size(), 1U);
  EXPECT_EQ(key_service.GetKeyring(admin, "shop")->versions[0].destruction->held, "");
}

TEST_F(KeyDestroy, TheVaultsOwnValuesCount) {
  StartShop();
  const auto put = [&](const std::string& path) {
    return secrets.Put(app, {.name = {.tenant = "", .path = path},
                             .value = AsBytes("value"),
                             .expected_version = std::nullopt,
                             .expires_us = 0,
                             .metadata = std::nullopt});
  };
  // More versions than a page of the count, of more than one secret.
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(put("a").ok());
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(put("b/" + std::to_string(i)).ok());
  ASSERT_TRUE(key_service.RotateKeyring(admin, "coffer-secrets", {}).ok());
  ASSERT_TRUE(put("new").ok());
  const KeyringCensus census = *key_service.GetCensus(dba, "coffer-secrets");
  ASSERT_EQ(census.versions.size(), 2U);
  EXPECT_EQ(census.versions[0].vault_values, 80U);
  EXPECT_EQ(census.versions[1].vault_values, 1U);
  DestroyRequest order = Order("coffer-secrets", 1);
  order.no_sources = true;
  const Result<KeyringView> refused = key_service.ScheduleDestroy(admin, order);
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(refused.error().path(), "80 values left in the vault");
  std::vector<SecretVersion> all;
  for (int i = 1; i <= 40; ++i) all.push_back(SecretVersion{i});
  ASSERT_TRUE(secrets.Destroy(admin, {.tenant = "", .path = "a"}, all).ok());
  for (int i = 0; i < 40; ++i)
    ASSERT_TRUE(secrets.Destroy(admin, {.tenant = "", .path = "b/" + std::to_string(i)}, {SecretVersion{1}}).ok());
  EXPECT_TRUE(key_service.ScheduleDestroy(admin, order).ok());
}

TEST_F(KeyDestroy, AVersionThatAnIndexIsMadeUnderIsKept) {
  StartSearched();
  ASSERT_TRUE(fields.Encrypt(app, {Column("shop.user.email", {"a@example.org"})}).ok());
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop-index", {}).ok());
  DestroyRequest order = Order("shop-index", 1);
  order.no_sources = true;
  const Result<KeyringView> refused = key_service.ScheduleDestroy(admin, order);
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_NE(refused.error().message().find("live index"), std::string_view::npos);
  // Below the catalog's check: what is scheduled makes no tokens.
  ASSERT_TRUE(
      keys().ScheduleDestroy("shop-index", KeyVersion{1}, {.by = "x", .reason = "x", .delay_us = 0}, true).ok());
  EXPECT_FALSE(fields.Encrypt(app, {Column("shop.user.email", {"a@example.org"})}).ok());
  EXPECT_FALSE(Search(Term("exact", SearchTerm::What::kEquals, "a@example.org")).ok());
  ASSERT_TRUE(key_service.CancelDestroy(admin, "shop-index", KeyVersion{1}).ok());
  EXPECT_TRUE(Search(Term("exact", SearchTerm::What::kEquals, "a@example.org")).ok());
}

// What a tenant can be asked for, each by the message of its refusal; "" when it is served.
class TenantEnd : public KeyLife {
 protected:
  std::vector<std::string> Asked(const std::string& tenant) {
    std::vector<std::string> answers;
    const auto add = [&answers](const auto& result) {
      answers.push_back(result.ok() ? "" : std::string(result.error().message()));
    };
    FieldColumn column = Column("shop.user.email", {"a@acme.example"});
    column.tenant = tenant;
    add(fields.Encrypt(app, {column}));
    FieldColumn stored = Column("shop.user.email", {value});
    stored.tenant = tenant;
    add(fields.Decrypt(app, {stored}));
    add(fields.Rewrap(dba, {stored}, false));
    add(fields.Search(app, {{.field = "shop.user.email",
                             .tenant = tenant,
                             .term = Term("exact", SearchTerm::What::kEquals, "a@acme.example")}}));
    add(secrets.Get(app, {.tenant = tenant, .path = "db"}, {}));
    add(secrets.Put(app, {.name = {.tenant = tenant, .path = "db"},
                          .value = AsBytes("value"),
                          .expected_version = std::nullopt,
                          .expires_us = 0,
                          .metadata = std::nullopt}));
    add(key_service.GenerateDataKey(app, "shop", tenant));
    add(key_service.UnwrapDataKey(app, "shop", tenant, wrapped));
    return answers;
  }
  void ExpectRefused(const std::string& part) {
    for (const std::string& answer : Asked("acme")) EXPECT_NE(answer.find(part), std::string::npos) << answer;
  }
  void ExpectServed() {
    for (const std::string& answer : Asked("acme")) EXPECT_EQ(answer, "");
  }

  void StartAcme() {
    StartSearched();
    ASSERT_TRUE(key_service.CreateTenant(admin, "acme").ok());
    FieldColumn column = Column("shop.user.email", {"a@acme.example"});
    column.tenant = "acme";
    value = Encrypted(column).front();
    wrapped = CopyOf(key_service.GenerateDataKey(app, "shop", "acme")->wrapped);
    ASSERT_TRUE(secrets
                    .Put(app, {.name = {.tenant = "acme", .path = "db"},
                               .value = AsBytes("value"),
                               .expected_version = std::nullopt,
                               .expires_us = 0,
                               .metadata = std::nullopt})
                    .ok());
    other = Encrypted(EmailColumn({"a@example.org"})).front();
  }

  std::string value;
  std::string other;  // the default tenant's
  Bytes wrapped;
};

TEST_F(TenantEnd, IsRefusedFromSchedulingOnAndLostForGoodWhenDue) {
  StartAcme();
  ExpectServed();
  const Result<TenantView> scheduled = key_service.ShredTenant(admin, Order("acme"));
  ASSERT_TRUE(scheduled.ok()) << scheduled.error().ToString();
  EXPECT_EQ(scheduled->data_keys, 3U) << "fields, index, secrets";
  EXPECT_EQ(scheduled->destruction->final_us, clock.UnixMicros() + 37 * kDay);
  ExpectRefused("the tenant is to be destroyed");
  EXPECT_TRUE(keys().DestroyDue(clock.UnixMicros()).done.empty());
  clock.Advance(7 * kDay);
  const DueReport due = keys().DestroyDue(clock.UnixMicros());
  ASSERT_EQ(due.done.size(), 1U);
  EXPECT_EQ(due.done.front().what, "tenant acme");
  ExpectRefused("the tenant was destroyed");
  EXPECT_EQ(key_service.GetTenant(auditor, "acme")->data_keys, 0U);
  EXPECT_EQ(WhyNot(other), "") << "another tenant's";
  ASSERT_TRUE(barrier->Seal().ok());
  ASSERT_TRUE(barrier->Unseal(SealSource(KeyFile())).ok());
  ExpectRefused("the tenant was destroyed");
  EXPECT_EQ(key_service.CreateTenant(admin, "acme").error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(key_service.CancelShredTenant(admin, "acme").error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(key_service.ShredTenant(admin, Order("acme")).error().code(), ErrorCode::kFailedPrecondition);
  const TenantUuid uuid = key_service.GetTenant(admin, "acme")->uuid;
  for (const Row& row : RowsOf(Table::kDataKey)) EXPECT_NE(row[2], UuidDatum(uuid));
}

TEST_F(TenantEnd, CancelBringsItBack) {
  StartAcme();
  ASSERT_TRUE(key_service.ShredTenant(admin, Order("acme")).ok());
  ASSERT_TRUE(barrier->Seal().ok());
  ASSERT_TRUE(barrier->Unseal(SealSource(KeyFile())).ok());
  ExpectRefused("the tenant is to be destroyed");
  ASSERT_TRUE(key_service.CancelShredTenant(admin, "acme").ok());
  clock.Advance(30 * kDay);
  EXPECT_TRUE(keys().DestroyDue(clock.UnixMicros()).done.empty());
  ExpectServed();
  EXPECT_EQ(key_service.CancelShredTenant(admin, "acme").error().code(), ErrorCode::kFailedPrecondition);
}

TEST_F(TenantEnd, IsForTheRightPersonAndNotForTheDefaultTenant) {
  StartAcme();
  for (const Caller& caller : {app, dba, auditor}) {
    EXPECT_EQ(key_service.ShredTenant(caller, Order("acme")).error().code(), ErrorCode::kPermissionDenied);
  }
  DestroyRequest order = Order("acme");
  EXPECT_EQ(key_service.KeyService::ShredTenant(admin, order).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(key_service.ShredTenant(admin, Order("default")).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(key_service.ShredTenant(admin, Order("none")).error().code(), ErrorCode::kNotFound);
  order.delay_us = kDay;
  EXPECT_EQ(key_service.ShredTenant(admin, order).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(key_service.GetTenant(app, "acme").error().code(), ErrorCode::kPermissionDenied);
  ExpectServed();
}

}  // namespace
}  // namespace coffer::keysvc
