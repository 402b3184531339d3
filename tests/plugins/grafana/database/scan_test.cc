#include "plugins/grafana/database/scan.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/plugins/grafana/database/scanned.h"

namespace coffer::grafana {
namespace {

using known_answers::Secret;

TEST(ScanTest, WhatIsUnderTheDefaultKeyIsReadableByAnyone) {
  for (const BlobCipher cipher : {BlobCipher::kAesCfb, BlobCipher::kAesGcm}) {
    GrafanaRows grafana(std::string(kDefaultSecretKey), cipher);
    grafana.AddDataKey("k1");
    grafana.AddEnvelope("1", "k1", kPassword);
    grafana.AddLegacy("2", kPassword);
    EXPECT_EQ(Lines(Scanned(grafana.rows)), (Expected{"data_source.secure_json_data password 1: envelope anyone",
                                                      "data_source.secure_json_data password 2: legacy anyone"}));
  }
}

TEST(ScanTest, WhatIsUnderAnotherKeyIsReadableByItsHolder) {
  GrafanaRows grafana(kOwnKey);
  grafana.AddDataKey("k1");
  grafana.AddEnvelope("1", "k1", kPassword);
  grafana.AddLegacy("2", kPassword);
  const auto of = [](const std::string& reader) {
    return Expected{"data_source.secure_json_data password 1: envelope " + reader,
                    "data_source.secure_json_data password 2: legacy " + reader};
  };
  const ScanReport without = Scanned(grafana.rows);
  EXPECT_EQ(Lines(without), of("key-holder"));
  EXPECT_EQ(without.secret_key, GivenKey::kNone);
  const ScanReport with = Scanned(grafana.rows, WithKey(kOwnKey));
  EXPECT_EQ(Lines(with), of("given-key"));
  EXPECT_EQ(with.secret_key, GivenKey::kOpens);
  const ScanReport wrong = Scanned(grafana.rows, WithKey("another"));
  EXPECT_EQ(Lines(wrong), of("key-holder"));
  EXPECT_EQ(wrong.secret_key, GivenKey::kOpensNone);
  EXPECT_EQ(Scanned(grafana.rows, WithKey(std::string(kDefaultSecretKey))).secret_key, GivenKey::kIsDefault);
}

TEST(ScanTest, ValuesMayComeBeforeTheirDataKeys) {
  GrafanaRows grafana;
  grafana.MakeDataKey("k1");
  grafana.AddEnvelope("1", "k1", kPassword);
  grafana.AddDataKey("k1");
  EXPECT_EQ(Lines(Scanned(grafana.rows)), Expected{"data_source.secure_json_data password 1: envelope anyone"});
}

TEST(ScanTest, ValuesUnderADataKeyWithoutARowAreReadableByNobody) {
  GrafanaRows grafana;
  grafana.AddDataKey("k1", "secretKey.v1", false);
  grafana.MakeDataKey("gone");
  grafana.AddEnvelope("1", "gone", kPassword);
  const ScanReport report = Scanned(grafana.rows);
  EXPECT_EQ(Lines(report), Expected{"data_source.secure_json_data password 1: unknown-data-key nobody"});
  ASSERT_EQ(report.data_keys.size(), 2U);
  const DataKeyUse& gone = report.data_keys[0];
  EXPECT_EQ(gone.id, "gone");
  EXPECT_FALSE(gone.has_row);
  EXPECT_EQ(gone.cells, 1U);
  const DataKeyUse& unused = report.data_keys[1];
  EXPECT_TRUE(unused.has_row);
  EXPECT_FALSE(unused.active);
  EXPECT_EQ(unused.cells, 0U);
}

TEST(ScanTest, DataKeysOfAKeyManagementServiceAreItsHolders) {
  GrafanaRows grafana;
  grafana.MakeDataKey("k1");
  grafana.rows.Add("data_keys", {{"name", "k1"}, {"provider", "awskms.prod"}, {"encrypted_data", "\x01\x02\x02"}});
  grafana.AddEnvelope("1", "k1", kPassword);
  EXPECT_EQ(Lines(Scanned(grafana.rows, WithKey("x"))),
            Expected{"data_source.secure_json_data password 1: envelope key-holder"});
}

TEST(ScanTest, ADamagedDataKeyLeavesItsValuesUnknown) {
  GrafanaRows grafana;
  grafana.MakeDataKey("k1");
  grafana.rows.Add("data_keys", {{"name", "k1"}, {"provider", "secretKey.v1"}, {"encrypted_data", "short"}});
  grafana.rows.Add("data_keys", {{"name", ""}, {"provider", "secretKey.v1"}});
  grafana.AddEnvelope("1", "k1", kPassword);
  const ScanReport report = Scanned(grafana.rows);
  EXPECT_EQ(Lines(report), Expected{"data_source.secure_json_data password 1: envelope unknown"});
  EXPECT_EQ(report.damaged_data_keys, 1U);
  EXPECT_TRUE(report.data_keys[0].damaged);
}

TEST(ScanTest, OfTwoKeysEachOpensItsOwn) {
  GrafanaRows grafana;
  grafana.AddLegacy("1", kPassword);
  grafana.AddLegacy("2", kPassword, kOwnKey);
  grafana.AddLegacy("3", kPassword, "lost");
  EXPECT_EQ(Lines(Scanned(grafana.rows, WithKey(kOwnKey))),
            (Expected{"data_source.secure_json_data password 1: legacy anyone",
                      "data_source.secure_json_data password 2: legacy given-key",
                      "data_source.secure_json_data password 3: legacy key-holder"}));
}

TEST(ScanTest, TheSecretsManagerHasKeysOfItsOwn) {
  GrafanaRows grafana(kOwnKey);
  grafana.AddManagerKey("m1");
  const auto add = [&grafana](const std::string& name, const std::string& data, const std::string& key) {
    grafana.rows.Add(
        "secret_encrypted_value",
        {{"namespace", name}, {"name", name}, {"version", "1"}, {"encrypted_data", data}, {"data_key_id", key}});
  };
  add("new", grafana.WithoutId("m1", kPassword), "m1");
  add("old", grafana.Envelope("m1", kPassword), "");
  add("none", grafana.WithoutId("m1", kPassword), "");
  EXPECT_EQ(Lines(Scanned(grafana.rows, WithKey(kOwnKey))),
            (Expected{"secret_encrypted_value.encrypted_data  new: secrets-manager key-holder",
                      "secret_encrypted_value.encrypted_data  old: secrets-manager key-holder",
                      "secret_encrypted_value.encrypted_data  none: unreadable unknown"}));
  ScanOptions options;
  options.manager_key = Secret(kOwnKey);
  const ScanReport report = Scanned(grafana.rows, std::move(options));
  EXPECT_EQ(CountReadableBy(report, ReadableBy::kGivenKey), 2U);
  EXPECT_EQ(report.manager_key, GivenKey::kOpens);
  EXPECT_EQ(report.data_keys[0].cells, 2U);
}

TEST(ScanTest, PlaintextAndMisplacedSecretsAreAnybodys) {
  GrafanaRows grafana(kOwnKey);
  grafana.rows.Add("data_source", {{"id", "7"},
                                   {"password", "hunter2"},
                                   {"url", "http://u:pw@h/"},
                                   {"json_data", R"({"apiKey": "x"})"},
                                   {"secure_json_data", R"({"token": "plain!"})"}});
  grafana.rows.Add("dashboard_public", {{"uid", "p1"}, {"access_token", "0123456789abcdef"}});
  EXPECT_EQ(
      Lines(Scanned(grafana.rows)),
      (Expected{"data_source.secure_json_data token 7: plaintext anyone", "data_source.password  7: plaintext anyone",
                "data_source.url  7: misplaced anyone", "data_source.json_data apiKey 7: misplaced anyone",
                "dashboard_public.access_token  p1: plaintext anyone"}));
}

TEST(ScanTest, OnlyUnfinishedInvitesCount) {
  MemoryRows rows;
  for (const std::string status : {"InvitePending", "SignUpStarted", "EmailUpdateStarted", "OfALaterRelease", "",
                                   "Completed", "Revoked", "Expired", "EmailUpdateCompleted", "EmailUpdateExpired"}) {
    rows.Add("temp_user", {{"id", "<" + status + ">"}, {"org_id", "1"}, {"status", status}, {"code", "abc"}});
  }
  EXPECT_EQ(Lines(Scanned(rows)),
            (Expected{"temp_user.code  <InvitePending>: plaintext anyone",
                      "temp_user.code  <SignUpStarted>: plaintext anyone",
                      "temp_user.code  <EmailUpdateStarted>: plaintext anyone",
                      "temp_user.code  <OfALaterRelease>: plaintext anyone", "temp_user.code  <>: plaintext anyone"}));
}

TEST(ScanTest, TheKeyOfASettingNamesItsValue) {
  MemoryRows rows;
  const auto add = [&rows](const std::string& section, const std::string& key, const std::string& value) {
    rows.Add("setting", {{"section", section}, {"key", key}, {"value", value}});
  };
  add("smtp", "password", "hunter2");
  add("auth.a", "client_secret", "${SECRET}");
  add("auth.b", "client_secret", "");
  add("auth.c", "use_secret", "true");
  add("auth.d", "client_id", "grafana");
  add("auth.e", "auth_url", "https://u:pw@h/");
  add("auth.f", "password", "https://u:pw@h/");
  EXPECT_EQ(Lines(Scanned(rows)),
            (Expected{"setting.value  smtp: misplaced anyone", "setting.value  auth.e: misplaced anyone",
                      "setting.value  auth.f: misplaced anyone"}));
}

// As it is in table dashboard, where a panel may have any key.
TEST(ScanTest, KeysNameSecretsInResourcesButDashboards) {
  MemoryRows rows;
  for (const std::string group : {"provisioning.grafana.app", "dashboard.grafana.app"}) {
    rows.Add("resource",
             {{"guid", group}, {"group", group}, {"value", R"({"spec": {"token": "x", "url": "https://u:pw@h/"}})"}});
  }
  EXPECT_EQ(Lines(Scanned(rows)), (Expected{"resource.value spec.token provisioning.grafana.app: misplaced anyone",
                                            "resource.value spec.url provisioning.grafana.app: misplaced anyone",
                                            "resource.value spec.url dashboard.grafana.app: misplaced anyone"}));
}

TEST(ScanTest, KeysNameSecretsInThePluginsStore) {
  MemoryRows rows;
  rows.Add("kv_store", {{"id", "1"}, {"namespace", "plugin"}, {"key", "k"}, {"value", R"({"apiToken": "x"})"}});
  rows.Add("kv_store",
           {{"id", "2"}, {"namespace", "datasource"}, {"key", "secretMigrationStatus"}, {"value", "compatible"}});
  EXPECT_EQ(Lines(Scanned(rows)), (Expected{"kv_store.value apiToken 1: misplaced anyone"}));
}

TEST(ScanTest, EmptyValuesAndLabelsUseADataKeyAndAreNoSecrets) {
  GrafanaRows grafana;
  grafana.AddDataKey("k1");
  grafana.rows.Add("user_auth", {{"id", "1"},
                                 {"o_auth_access_token", GrafanaRows::Base64(grafana.Envelope("k1", ""))},
                                 {"o_auth_refresh_token", ""},
                                 {"o_auth_id_token", std::nullopt},
                                 {"o_auth_token_type", GrafanaRows::Base64(grafana.Envelope("k1", "Bearer"))}});
  const ScanReport report = Scanned(grafana.rows);
  EXPECT_EQ(Lines(report), Expected{});
  EXPECT_EQ(report.data_keys[0].cells, 2U);
}

TEST(ScanTest, RawKeysAreAsOpenAsTheOthersUnderTheirKey) {
  GrafanaRows grafana;
  grafana.AddDataKey("k1");
  const std::string raw("\x00\x01\xFE\xFF\x80\x81\x82\x83\x84", 9);
  grafana.rows.Add("cloud_migration_snapshot",
                   {{"id", "1"}, {"encryption_key", GrafanaRows::Base64(grafana.Envelope("k1", raw))}});
  grafana.rows.Add("cloud_migration_session",
                   {{"id", "2"}, {"auth_token", GrafanaRows::Base64(grafana.Envelope("k1", kPassword))}});
  EXPECT_EQ(Lines(Scanned(grafana.rows)), (Expected{"cloud_migration_snapshot.encryption_key  1: envelope anyone",
                                                    "cloud_migration_session.auth_token  2: envelope anyone"}));
}

TEST(ScanTest, BeyondTheLimitLegacyValuesAreInferredAndSaidSo) {
  GrafanaRows grafana;
  for (const char* id : {"1", "2", "3", "4"}) {
    grafana.AddLegacy(id, kPassword);
  }
  ScanOptions options;
  options.max_legacy = 2;
  const ScanReport report = Scanned(grafana.rows, std::move(options));
  EXPECT_EQ(CountReadableBy(report, ReadableBy::kAnyone), 4U);
  EXPECT_FALSE(report.findings[1].inferred);
  EXPECT_TRUE(report.findings[2].inferred);
  EXPECT_EQ(report.legacy_tried, 2U);
  EXPECT_EQ(report.legacy_not_tried, 2U);
}

TEST(ScanTest, WhatIsNotTriedIsUnknownWhereTheTriedDiffer) {
  GrafanaRows grafana;
  grafana.AddLegacy("1", kPassword);
  grafana.AddLegacy("2", kPassword, "lost");
  grafana.AddLegacy("3", kPassword);
  ScanOptions options;
  options.max_legacy = 2;
  const ScanReport report = Scanned(grafana.rows, std::move(options));
  EXPECT_EQ(report.findings[2].readable_by, ReadableBy::kUnknown);
}

TEST(ScanTest, CopiesOfAValueAreTriedOnce) {
  GrafanaRows grafana;
  const std::string blob = GrafanaRows::Base64(grafana.Legacy(kPassword));
  for (int i = 0; i < 50; ++i) {
    grafana.rows.Add(
        "alert_configuration_history",
        {{"id", std::to_string(i)}, {"alertmanager_configuration", R"({"secureSettings":{"url":")" + blob + "\"}}"}});
  }
  ScanOptions options;
  options.max_legacy = 1;
  const ScanReport report = Scanned(grafana.rows, std::move(options));
  EXPECT_EQ(CountReadableBy(report, ReadableBy::kAnyone), 50U);
  EXPECT_EQ(CountInHistory(report, ReadableBy::kAnyone), 50U);
  EXPECT_EQ(report.legacy_not_tried, 0U);
}

TEST(ScanTest, UnreadableCellsAreReported) {
  MemoryRows rows;
  rows.Add("data_source", {{"id", "1"}, {"secure_json_data", "{broken"}, {"json_data", "no json"}});
  EXPECT_EQ(Lines(Scanned(rows)), (Expected{"data_source.secure_json_data  1: unreadable unknown",
                                            "data_source.json_data  1: unreadable unknown"}));
}

TEST(ScanTest, SessionsAndPersonsAreCounted) {
  MemoryRows rows;
  rows.Add("user_auth_token", {{"id", "1"}, {"auth_token", "hash"}, {"client_ip", "10.0.0.1"}});
  rows.Add("user_auth_token", {{"id", "2"}, {"auth_token", "hash"}, {"client_ip", ""}});
  rows.Add("user", {{"id", "1"}, {"login", "ada"}, {"email", "ada@example.org"}});
  const ScanReport without = Scanned(rows);
  EXPECT_EQ(without.sessions, 2U);
  EXPECT_TRUE(without.personal.empty());
  ScanOptions options;
  options.count_personal = true;
  const ScanReport with = Scanned(rows, std::move(options));
  EXPECT_EQ(with.sessions, 2U);
  std::uint64_t persons = 0;
  for (const std::uint64_t count : with.personal) persons += count;
  EXPECT_EQ(persons, 3U);
  EXPECT_EQ(Lines(with), Expected{});
}

TEST(ScanTest, AbsentColumnsAreNamed) {
  MemoryRows rows;
  rows.AddEmpty("data_source", {{"id", "x"}, {"password", "x"}, {"secure_json_data", "x"}});
  std::vector<std::string> absent;
  for (const std::size_t column : Scanned(rows).absent) absent.emplace_back(SensitiveColumns()[column].column);
  EXPECT_EQ(absent, (std::vector<std::string>{"basic_auth_password", "name", "url", "json_data"}));
}

TEST(ScanTest, ADatabaseOfSomethingElseIsRefused) {
  MemoryRows rows;
  const auto none = Scan(rows, {});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(none.error().ToString(), "is no Grafana database: none of Grafana's tables is in it");
  rows.Add("alert", {{"id", "1"}, {"colour", "red"}});
  EXPECT_FALSE(Scan(rows, {}).ok());
}

TEST(ScanTest, WhatStandsInATablesPlaceIsNotSkippedInSilence) {
  for (const TableKind kind : {TableKind::kView, TableKind::kMaterializedView, TableKind::kForeignTable,
                               TableKind::kForeignParts, TableKind::kVirtualTable, TableKind::kOther}) {
    MemoryRows rows;
    rows.AddOther("data_source", kind);
    for (const bool has_tables : {false, true}) {
      if (has_tables) rows.AddEmpty("user_auth_token", {{"id", ""}});
      const ScanReport report = Scanned(rows);
      ASSERT_EQ(report.not_examined.size(), 1U);
      EXPECT_EQ(SensitiveTables()[report.not_examined[0].table].name, "data_source");
      EXPECT_EQ(report.not_examined[0].kind, kind);
      EXPECT_EQ(report.tables.size(), has_tables ? 1U : 0U);
      EXPECT_TRUE(report.absent.empty());
      EXPECT_TRUE(IsUnjudged(report));
      EXPECT_FALSE(IsExposed(report));
    }
  }
}

TEST(ScanTest, DataKeysBehindAViewAreNotGone) {
  GrafanaRows grafana(kOwnKey);
  grafana.MakeDataKey("k1");
  grafana.rows.AddOther("data_keys", TableKind::kView);
  grafana.AddEnvelope("1", "k1", kPassword);
  EXPECT_EQ(Lines(Scanned(grafana.rows)),
            Expected{"data_source.secure_json_data password 1: unknown-data-key unknown"});
}

class FailingRows final : public RowReader {
 public:
  Result<std::vector<FoundTable>> Read(std::span<const WantedTable>, const OnRow&) override {
    return Error(ErrorCode::kUnavailable, "the database is locked by another process");
  }
};

TEST(ScanTest, TheReadersErrorIsGivenBack) {
  FailingRows rows;
  const auto report = Scan(rows, {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), ErrorCode::kUnavailable);
}

TEST(ScanTest, ProgressComesForRowsAndForTrials) {
  GrafanaRows grafana(kOwnKey);
  grafana.AddLegacy("1", kPassword);
  ScanOptions options = WithKey(kOwnKey);
  std::uint64_t read = 0;
  std::uint64_t tried = 0;
  std::uint64_t total = 0;
  options.on_progress = [&](ScanStep step, std::uint64_t done, std::uint64_t of) {
    if (step == ScanStep::kReading) ++read;
    if (step == ScanStep::kTrying) tried = done;
    if (step == ScanStep::kTrying) total = of;
    EXPECT_TRUE(of == 0 || done <= of);
  };
  Scanned(grafana.rows, std::move(options));
  EXPECT_EQ(read, 1U);
  EXPECT_EQ(total, 2U);
  EXPECT_EQ(tried, total);
}

TEST(ScanTest, AFindingIsSmall) { EXPECT_LE(sizeof(Finding), 24U); }

}  // namespace
}  // namespace coffer::grafana
