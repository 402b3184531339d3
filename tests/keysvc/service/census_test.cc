// Census sources: who may report what, and what a report is worth.
#include "tests/keysvc/service/key_life_fixture.h"

namespace coffer::keysvc {
namespace {

class Census : public KeyLife {
 protected:
  ErrorCode Reported(const Caller& caller, const CensusReport& report) {
    const Result<CensusSourceView> answer = key_service.ReportCensus(caller, report);
    EXPECT_FALSE(answer.ok());
    return answer.ok() ? ErrorCode::kInternal : answer.error().code();
  }
  // Why version 1 of "shop" may not be scheduled.
  std::string Refusal() {
    const KeyringCensus census = *key_service.GetCensus(auditor, "shop");
    const Result<KeyringView> scheduled = key_service.ScheduleDestroy(admin, Order("shop", 1));
    EXPECT_FALSE(scheduled.ok());
    EXPECT_EQ(scheduled.ok() ? "" : scheduled.error().ToString(), census.versions[0].refusal)
        << "what is shown is what is done";
    return census.versions[0].refusal;
  }
};

TEST_F(Census, SaysPerVersionWhoCountedWhat) {
  PrepareV1();
  const KeyId old_key = KeyIdOf(old_value);
  const KeyId new_key = KeyIdOf(Encrypted(EmailColumn({"new@example.org"})).front());
  Register("archive");
  Report("shop-db", {{old_key, 2}, {new_key, 5}, {KeyId{77}, 4}});
  Report("archive", {{old_key, 1}});
  const KeyringCensus census = *key_service.GetCensus(dba, "shop");
  ASSERT_EQ(census.sources.size(), 2U);
  EXPECT_EQ(census.sources[0].source.name, "archive");
  EXPECT_EQ(census.sources[1].values, 11U);
  EXPECT_EQ(census.sources[1].unknown_values, 4U) << "under a key of another store";
  EXPECT_EQ(census.sources[1].standing, CensusStanding::kFresh);
  EXPECT_TRUE(census.sources[1].source.counts.empty());
  ASSERT_EQ(census.versions.size(), 2U);
  EXPECT_EQ(census.versions[0].values, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(census.versions[1].values, (std::vector<std::uint64_t>{0, 5}));
  EXPECT_EQ(census.versions[0].refusal.substr(0, 24), "1 values left in archive");
  EXPECT_NE(census.versions[1].refusal.find("primary"), std::string::npos);
  Report("shop-db");
  Report("archive");
  EXPECT_EQ(key_service.GetCensus(dba, "shop")->versions[0].refusal, "");
}

TEST_F(Census, EachThingThatAReportLacksIsNamed) {
  StartShop();
  const KeyId id = KeyIdOf(Encrypted(EmailColumn({"old@example.org"})).front());
  Register("shop-db", 3600 * kSecond);
  Report("shop-db");
  clock.Advance(kSecond);
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  const std::string source = "census source shop-db: ";
  EXPECT_EQ(Refusal(), source +
                           "counted before the version was replaced, or before the order to destroy it: "
                           "count again");
  clock.Advance(kSecond);
  Report("shop-db", {{id, 1'000'000}});
  EXPECT_EQ(Refusal(), "1000000 values left in shop-db: the version is still in use: rewrap them, then count again");
  clock.Advance(3600 * kSecond + 1);
  EXPECT_EQ(Refusal(), source + "its last report is stale: count again");
  Report("shop-db");
  const std::int64_t now = clock.UnixMicros();
  clock.SetUnixMicros(now - 301 * kSecond);
  EXPECT_EQ(Refusal(), source + "its last report was counted in the future: see the clocks");
  clock.SetUnixMicros(now);
  Register("other");
  EXPECT_EQ(Refusal(), "census source other: has never reported");
  ASSERT_TRUE(key_service.ReportCensus(dba, {.source = "other", .as_of_us = clock.UnixMicros(), .counts = {}}).ok());
  EXPECT_EQ(Refusal(), "census source other: a database administrator alone reports to it, and that does not count");
  DestroyRequest order = Order("shop", 1);
  order.no_sources = true;
  EXPECT_FALSE(key_service.ScheduleDestroy(admin, order).ok()) << "there are sources, whatever is said";
  ASSERT_TRUE(key_service.RemoveCensusSource(admin, "other").ok());
  EXPECT_TRUE(key_service.ScheduleDestroy(admin, Order("shop", 1)).ok());
}

TEST_F(Census, ADatabaseAdministratorIsOneByCertificateToo) {
  PrepareV1();
  ASSERT_TRUE(key_service.RemoveCensusSource(admin, "shop-db").ok());
  Register("shop-db");
  const Caller anna{.principal = *policy::ParseSpiffeId("spiffe://example.org/role/dba/anna", "example.org"),
                    .local = false};
  ASSERT_TRUE(key_service.ReportCensus(anna, {.source = "shop-db", .as_of_us = clock.UnixMicros(), .counts = {}}).ok());
  EXPECT_EQ(key_service.ListCensusSources(dba)->front().standing, CensusStanding::kDbaAlone);
  EXPECT_NE(Refusal().find("database administrator"), std::string::npos);
}

TEST_F(Census, WithoutSourcesItHasToBeSaidThatThereAreNone) {
  StartShop();
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  EXPECT_EQ(key_service.ScheduleDestroy(admin, Order("shop", 1)).error().path(), "no_sources");
  DestroyRequest order = Order("shop", 1);
  order.no_sources = true;
  ASSERT_TRUE(key_service.ScheduleDestroy(admin, order).ok());
  clock.Advance(7 * kDay);
  EXPECT_EQ(keys().DestroyDue(clock.UnixMicros()).done.size(), 1U);
}

TEST_F(Census, ASourceBelongsToWhoReportsFirst) {
  StartShop();
  Register("shop-db");
  Report("shop-db");
  const CensusReport report{.source = "shop-db", .as_of_us = clock.UnixMicros(), .counts = {}};
  EXPECT_EQ(Reported(dba, report), ErrorCode::kPermissionDenied);
  EXPECT_EQ(Reported(admin, report), ErrorCode::kPermissionDenied);
  EXPECT_EQ(Reported(auditor, report), ErrorCode::kPermissionDenied);
  EXPECT_TRUE(key_service.ReportCensus(app, report).ok()) << "the same report again";
  EXPECT_EQ(key_service.ListCensusSources(admin)->front().source.reported_by, app.principal.id);
  ASSERT_TRUE(barrier->Seal().ok());
  ASSERT_TRUE(barrier->Unseal(SealSource(KeyFile())).ok());
  EXPECT_EQ(Reported(dba, report), ErrorCode::kPermissionDenied);
}

TEST_F(Census, BadReportsAreRefusedAndChangeNothing) {
  StartShop();
  Register("shop-db");
  Report("shop-db", {{KeyId{5}, 1}});
  const std::vector<Row> before = RowsOf(Table::kCensusSource);
  const std::int64_t now = clock.UnixMicros();
  KeyCounts too_many;
  for (std::uint64_t id = 1; id <= kMaxReportedKeys + 1; ++id) too_many.emplace_back(KeyId{id}, 1);
  const std::uint64_t top_bit = std::uint64_t{1} << 63;
  EXPECT_EQ(Reported(app, {.source = "none", .as_of_us = now, .counts = {}}), ErrorCode::kNotFound);
  EXPECT_EQ(Reported(app, {.source = "shop-db", .as_of_us = now - 1, .counts = {}}), ErrorCode::kConflict);
  for (const std::int64_t as_of :
       {std::int64_t{0}, std::int64_t{-1}, now + 300 * kSecond + 1, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(Reported(app, {.source = "shop-db", .as_of_us = as_of, .counts = {}}), ErrorCode::kInvalidArgument);
  }
  for (const KeyCounts& counts : {too_many, KeyCounts{{KeyId{0}, 1}}, KeyCounts{{KeyId{top_bit}, 1}},
                                  KeyCounts{{KeyId{7}, 1}, {KeyId{8}, 1}, {KeyId{7}, 2}}}) {
    EXPECT_EQ(Reported(app, {.source = "shop-db", .as_of_us = now, .counts = counts}), ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(RowsOf(Table::kCensusSource), before);
}

TEST_F(Census, ALargestReportIsKeptWhole) {
  StartShop();
  Register("shop-db");
  KeyCounts counts;
  for (std::uint64_t id = kMaxReportedKeys; id >= 1; --id) counts.emplace_back(KeyId{id}, id % 2);
  Report("shop-db", counts);
  ASSERT_TRUE(barrier->Seal().ok());
  ASSERT_TRUE(barrier->Unseal(SealSource(KeyFile())).ok());
  EXPECT_EQ(key_service.ListCensusSources(admin)->front().values, kMaxReportedKeys / 2);
}

TEST_F(Census, CountsThatOverflowStayLarge) {
  PrepareV1();
  const KeyId id = KeyIdOf(old_value);
  Report("shop-db", {{id, ~std::uint64_t{0}}, {KeyId{9}, ~std::uint64_t{0}}});
  EXPECT_EQ(key_service.ListCensusSources(admin)->front().values, ~std::uint64_t{0});
  EXPECT_EQ(key_service.GetCensus(admin, "shop")->versions[0].values.front(), ~std::uint64_t{0});
}

TEST_F(Census, SourcesHaveNamesAgesAndALimit) {
  StartShop();
  const auto code = [&](const std::string& name, std::int64_t age) {
    const auto registered = key_service.RegisterCensusSource(admin, name, age);
    EXPECT_FALSE(registered.ok()) << name;
    return registered.ok() ? ErrorCode::kInternal : registered.error().code();
  };
  for (const char* name : {"", "A", "a b", "-a", "a/b"}) EXPECT_EQ(code(name, kDay), ErrorCode::kInvalidArgument);
  for (const std::int64_t age : {std::int64_t{0}, std::int64_t{-1}, 60 * kSecond - 1, 365 * kDay + 1}) {
    EXPECT_EQ(code("a", age), ErrorCode::kInvalidArgument) << age;
  }
  for (std::size_t i = 0; i < kMaxCensusSources; ++i) Register("s" + std::to_string(i));
  EXPECT_EQ(code("one-more", kDay), ErrorCode::kResourceExhausted);
  EXPECT_EQ(code("s0", kDay), ErrorCode::kAlreadyExists);
  for (const Caller& caller : {app, dba, auditor}) {
    EXPECT_EQ(key_service.RegisterCensusSource(caller, "x", kDay).error().code(), ErrorCode::kPermissionDenied);
    EXPECT_EQ(key_service.RemoveCensusSource(caller, "s0").error().code(), ErrorCode::kPermissionDenied);
  }
  EXPECT_EQ(key_service.GetCensus(app, "shop").error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(key_service.GetCensus(admin, "none").error().code(), ErrorCode::kNotFound);
}

TEST_F(Census, ASourceIsRemovedByTwoPersonsAndNotWhileADestructionReliesOnIt) {
  PrepareV1();
  EXPECT_EQ(key_service.KeyService::RemoveCensusSource(admin, "shop-db").error().code(),
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(key_service.RemoveCensusSource(admin, "none").error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(key_service.ScheduleDestroy(admin, Order("shop", 1)).ok());
  EXPECT_EQ(key_service.RemoveCensusSource(admin, "shop-db").error().code(), ErrorCode::kFailedPrecondition);
  ASSERT_TRUE(key_service.CancelDestroy(admin, "shop", KeyVersion{1}).ok());
  ASSERT_TRUE(key_service.RemoveCensusSource(admin, "shop-db").ok());
  EXPECT_TRUE(key_service.ListCensusSources(admin)->empty());
}

using CallerKeys = KeyLife;

TEST_F(CallerKeys, AKeyComesBackFromItsWrappedForm) {
  StartShop();
  const CallerKey made = *key_service.GenerateDataKey(app, "shop", "");
  const CallerKey other = *key_service.GenerateDataKey(app, "shop", "default");
  EXPECT_EQ(made.plaintext.size(), 32U);
  EXPECT_NE(made.wrapped, other.wrapped);
  const auto unwrapped = key_service.UnwrapDataKey(app, "shop", "default", made.wrapped);
  ASSERT_TRUE(unwrapped.ok());
  EXPECT_TRUE(EqualConstantTime(unwrapped->Expose(SecretAccess::kTest), made.plaintext.Expose(SecretAccess::kTest)));
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  ASSERT_TRUE(key_service.RotateKek(admin, "shop").ok());
  EXPECT_TRUE(key_service.UnwrapDataKey(app, "shop", "", made.wrapped).ok()) << "an older version's";
  EXPECT_EQ(recorded.records.back().tenant, "default");
}

TEST_F(CallerKeys, AWrappedKeyOpensNowhereElse) {
  StartShop();
  ASSERT_TRUE(key_service.CreateTenant(admin, "acme").ok());
  ASSERT_TRUE(key_service.CreateKeyring(admin, "other").ok());
  ASSERT_TRUE(key_service.GenerateDataKey(app, "other", "").ok());
  ASSERT_TRUE(key_service.GenerateDataKey(app, "shop", "acme").ok());
  const WrappedKey wrapped = key_service.GenerateDataKey(app, "shop", "")->wrapped;
  const auto code = [&](const std::string& keyring, const std::string& tenant, ByteView bytes) {
    const auto unwrapped = key_service.UnwrapDataKey(app, keyring, tenant, bytes);
    EXPECT_FALSE(unwrapped.ok());
    return unwrapped.ok() ? ErrorCode::kInternal : unwrapped.error().code();
  };
  EXPECT_EQ(code("other", "", wrapped), ErrorCode::kDecryptFailed);
  EXPECT_EQ(code("shop", "acme", wrapped), ErrorCode::kDecryptFailed);
  for (std::size_t at = 0; at < wrapped.size(); ++at) {
    WrappedKey changed = wrapped;
    changed[at] ^= std::byte{1};
    EXPECT_EQ(code("shop", "", changed), ErrorCode::kDecryptFailed) << at;
  }
  EXPECT_EQ(code("shop", "", ByteView(wrapped).first(113)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("shop", "", {}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("none", "", wrapped), ErrorCode::kNotFound);
  EXPECT_EQ(code("shop", "none", wrapped), ErrorCode::kInvalidArgument);
  EXPECT_EQ(WhyNot(std::string(AsText(wrapped))), "failed") << "it is no field ciphertext";
  const std::string value = Encrypted(EmailColumn({std::string(64, 'x')})).front();
  EXPECT_EQ(code("shop", "", AsBytes(value)), ErrorCode::kDecryptFailed) << "as long, and no wrapped key";
  // A data key's own row, which a database holds, is no caller's key either.
  for (const Row& row : RowsOf(Table::kDataKey)) {
    EXPECT_EQ(code("shop", "", std::get<Bytes>(row[5])), ErrorCode::kDecryptFailed);
  }
}

TEST_F(CallerKeys, DisabledScheduledAndDestroyedVersionsRefuse) {
  PrepareV1();
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  const WrappedKey wrapped = key_service.GenerateDataKey(app, "shop", "")->wrapped;
  clock.Advance(kSecond);
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  const auto code = [&] { return key_service.UnwrapDataKey(app, "shop", "", wrapped).error().code(); };
  ASSERT_TRUE(key_service.DisableVersion(admin, "shop", KeyVersion{3}).ok());
  EXPECT_EQ(code(), ErrorCode::kFailedPrecondition);
  clock.Advance(kSecond);
  Report("shop-db");
  ASSERT_TRUE(key_service.ScheduleDestroy(admin, Order("shop", 3)).ok());
  EXPECT_EQ(code(), ErrorCode::kFailedPrecondition);
  clock.Advance(7 * kDay);
  Report("shop-db");
  ASSERT_EQ(keys().DestroyDue(clock.UnixMicros()).done.size(), 1U);
  EXPECT_EQ(code(), ErrorCode::kDecryptFailed);
}

TEST_F(CallerKeys, AreForApplicationsAndKeyringsOfPurposeEncrypt) {
  StartShop();
  ASSERT_TRUE(key_service.CreateKeyring(admin, "idx", KeyringPurpose::kIndex).ok());
  for (const Caller& caller : {dba, admin, auditor}) {
    EXPECT_EQ(key_service.GenerateDataKey(caller, "shop", "").error().code(), ErrorCode::kPermissionDenied);
    EXPECT_EQ(key_service.UnwrapDataKey(caller, "shop", "", WrappedKey{}).error().code(), ErrorCode::kPermissionDenied);
  }
  EXPECT_EQ(key_service.GenerateDataKey(app, "idx", "").error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(key_service.GenerateDataKey(app, "coffer-secrets", "").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(key_service.UnwrapDataKey(app, "coffer-secrets", "", WrappedKey{}).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(key_service.GenerateDataKey(app, "none", "").error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(RowsOf(Table::kDataKey).empty()) << "a refused call makes no key";
}

}  // namespace
}  // namespace coffer::keysvc
