#include "plugins/grafana/transfer/export_database.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "io/file.h"
#include "plugins/grafana/cells/sqlite_cells.h"
#include "plugins/grafana/database/sqlite_rows.h"
#include "plugins/grafana/transfer/import_database.h"
#include "tests/plugins/grafana/rotation/grafana_file.h"
#include "tests/plugins/grafana/transfer/origin_vault.h"
#include "tests/support/sqlite_program.h"
#include "tests/support/temp_dir.h"

namespace coffer::grafana {
namespace {

constexpr char kPath[] = "grafana/1/ds1/password";
constexpr char kValue[] = "a-password-under-a-data-key";
constexpr char kOwn[] = "data_source.secure_json_data 1 password";
constexpr char kCopy[] = "secrets.value 1 ";

class ExportDatabaseTest : public testing::Test {
 protected:
  static GrafanaRows WithDataKey() {
    GrafanaRows grafana{std::string(kOldKey)};
    grafana.AddDataKey("k1");
    return grafana;
  }
  // The copy of a datasource in table secrets.
  static void AddCopy(GrafanaRows& grafana, const std::string& id, const std::string& blob) {
    grafana.rows.Add("secrets", {{"id", id},
                                 {"org_id", "1"},
                                 {"type", "datasource"},
                                 {"namespace", "Source " + id},
                                 {"value", GrafanaRows::Raw(blob)},
                                 {"updated", "2024-01-02 03:04:05"}});
  }
  void Plant(GrafanaRows& grafana, const std::string& blob, const std::string& copy) {
    grafana.AddDataSource("1", R"({ "other" : "", "password": ")" + GrafanaRows::Base64(blob) + "\"\n}");
    AddCopy(grafana, "1", copy);
  }
  static std::string CopyOf(const std::string& value) { return R"({ "password":")" + value + "\"}"; }
  void PlantBoth(GrafanaRows& grafana) {
    Plant(grafana, grafana.Envelope("k1", kValue), grafana.Envelope("k1", CopyOf(kValue)));
  }
  void Make(GrafanaRows& grafana, const std::string& more = "") {
    ASSERT_EQ(RunSqlite(path_, SqlOf(grafana.rows, Dialect::kSqlite) + more), SQLITE_OK);
  }
  Plaintexts Read() const {
    SqliteRows rows(path_);
    return PlaintextReader(kOldKey).Read(rows);
  }
  std::string Value(const std::string& sql) const {
    const auto reader = SqliteReader::Open(path_, 0);
    EXPECT_TRUE(reader.ok());
    auto query = (*reader)->Prepare(sql);
    EXPECT_TRUE(query.ok() && query->Step().ok());
    const auto cell = query->Cell(0);
    return cell.ok() && *cell ? std::string(AsText(**cell)) : "";
  }
  static DatabaseExportOptions Options() {
    DatabaseExportOptions options;
    options.accept_other_origin = true;
    return options;
  }
  Result<ExportReport> TryExport(const DatabaseExportOptions& options = Options(), std::string_view key = kOldKey) {
    COFFER_ASSIGN_OR_RETURN(const auto cells, SqliteCells::Open({.path = path_, .busy_timeout_ms = 0, .vfs = ""}));
    return ExportDatabase(*cells, known_answers::Secret(key), {vault_, vault_}, options);
  }
  ExportReport Export(const DatabaseExportOptions& options = Options(), std::string_view key = kOldKey) {
    auto report = TryExport(options, key);
    EXPECT_TRUE(report.ok()) << report.error().ToString();
    return report.ok() ? std::move(report).value() : ExportReport();
  }
  static std::string LineOf(const ExportReport& report, const std::string& path) {
    for (const TransferredCredential& each : report.transfer.credentials) {
      if (each.path != path) continue;
      return std::string(TransferOutcomeName(each.outcome)) + " " + std::string(SkipReasonName(each.reason));
    }
    return "";
  }
  // A changed value is refused, and nothing written.
  void ExpectNoDataKey(GrafanaRows& grafana) {
    Make(grafana);
    const Bytes before = FileBytes();
    vault_.values.Set(kPath, "a-new-password");
    const ExportReport report = Export();
    EXPECT_EQ(report.transfer.refusal, TransferRefusal::kUnreadable);
    EXPECT_EQ(LineOf(report, kPath), "skipped no-data-key");
    EXPECT_EQ(FileBytes(), before);
  }
  Bytes FileBytes() const { return ReadFile(path_, 64 * 1024 * 1024).value(); }

  TempDir folder_;
  const std::string path_ = folder_ / "grafana.db";
  OriginVault vault_;
};

TEST_F(ExportDatabaseTest, AChangedValueReachesBothCopiesAndNothingElse) {
  for (const BlobCipher cipher : {BlobCipher::kAesCfb, BlobCipher::kAesGcm}) {
    static_cast<void>(RemoveTree(path_));
    GrafanaRows grafana{std::string(kOldKey), cipher};
    grafana.AddDataKey("k1");
    PlantBoth(grafana);
    grafana.AddEnvelope("2", "k1", "another-password-of-its-own");
    Make(grafana, "UPDATE data_source SET updated = '2024-01-02 03:04:05';");
    const Plaintexts before = Read();
    const std::string value = "n\xC3\xA4w \"quoted\" \\ <value>";
    vault_.values.Set(kPath, value);
    const ExportReport report = Export();
    EXPECT_EQ(report.transfer.refusal, TransferRefusal::kNone);
    EXPECT_EQ(LineOf(report, kPath), "updated ");
    EXPECT_EQ(LineOf(report, "grafana/1/ds2/password"), "skipped not-in-vault");
    EXPECT_EQ(report.rows, 2U);
    Plaintexts expected = before;
    expected[kOwn] = value;
    expected[kCopy] = R"({ "password":"n)"
                      "\xC3\xA4"
                      R"(w \"quoted\" \\ <value>"})";
    EXPECT_EQ(Read(), expected);
    EXPECT_EQ(Value("SELECT substr(secure_json_data, 1, 29) FROM data_source WHERE id = 1"),
              "{ \"other\" : \"\", \"password\": \"");
    EXPECT_EQ(Value("SELECT updated FROM data_source WHERE id = 2"), "2024-01-02 03:04:05");
    EXPECT_GT(Value("SELECT updated FROM data_source WHERE id = 1"), "2024-01-02 03:04:05");
    EXPECT_GT(Value("SELECT updated FROM secrets"), "2024-01-02 03:04:05");
    const Bytes done = FileBytes();
    EXPECT_EQ(LineOf(Export(), kPath), "unchanged ");
    EXPECT_EQ(FileBytes(), done);
    vault_ = OriginVault();
  }
}

TEST_F(ExportDatabaseTest, EveryFormOfCellIsWritten) {
  GrafanaRows grafana = WithDataKey();
  const auto sealed = [&grafana](const std::string& text) { return grafana.Envelope("k1", text); };
  grafana.AddDataSource("1", R"({"a":")" + GrafanaRows::Base64(sealed("the-first-of-the-two")) + R"(", "b":")" +
                                 GrafanaRows::Base64(sealed("the-second-of-the-two")) + "\"}");
  int id = 0;
  for (const std::string provider : {"github", "gitlab", "okta"}) {
    grafana.rows.Add("sso_setting",
                     {{"id", std::to_string(++id)},
                      {"provider", provider},
                      {"settings", R"({"client_secret":")" + GrafanaRows::Raw(sealed("an-sso-secret")) + "\"}"}});
  }
  const std::string integration =
      R"({"uid":"u","secureSettings":{"url":")" + GrafanaRows::Base64(sealed("https://hooks.example/one")) + "\"}}";
  grafana.rows.Add(
      "alert_configuration",
      {{"id", "1"},
       {"org_id", "1"},
       {"alertmanager_configuration", R"({"alertmanager_config":{"receivers":[{"grafana_managed_receiver_configs":[)" +
                                          integration + R"(]}]},"version":1.50})"}});
  Make(grafana);
  vault_.values.Set("grafana/1/ds1/a", "one-that-is-much-longer-than-it-was-before");
  vault_.values.Set("grafana/1/ds1/b", "2");
  // Of three lengths, two would need padding.
  vault_.values.Set("grafana/sso/github/client_secret", "x");
  vault_.values.Set("grafana/sso/gitlab/client_secret", "xx");
  vault_.values.Set("grafana/sso/okta/client_secret", "xxx");
  vault_.values.Set("grafana/1/contact-points/u/url", "https://hooks.example/two");
  EXPECT_EQ(Export().rows, 5U);
  const Plaintexts read = Read();
  EXPECT_EQ(read.at("data_source.secure_json_data 1 a"), "one-that-is-much-longer-than-it-was-before");
  EXPECT_EQ(read.at("data_source.secure_json_data 1 b"), "2");
  EXPECT_EQ(read.at("sso_setting.settings 3 client_secret"), "xxx");
  EXPECT_EQ(read.at("alert_configuration.alertmanager_configuration 1 alertmanager_config.receivers[0]."
                    "grafana_managed_receiver_configs[0].secureSettings.url"),
            "https://hooks.example/two");
  EXPECT_EQ(Value("SELECT substr(alertmanager_configuration, -15) FROM alert_configuration"), "\"version\":1.50}");
  EXPECT_EQ(Value("SELECT count(*) FROM sso_setting WHERE settings LIKE '%=%'"), "0");
}

TEST_F(ExportDatabaseTest, TheNewestActiveDataKeyTakesWhatWasUnderAnOldOne) {
  GrafanaRows grafana = WithDataKey();
  grafana.AddDataKey("old", "secretKey.v1", false);
  grafana.AddEnvelope("2", "k1", "another-password-of-its-own");
  Plant(grafana, grafana.Envelope("old", kValue), grafana.Legacy(CopyOf(kValue)));
  Make(grafana);
  vault_.values.Set(kPath, "a-new-password");
  Export();
  EXPECT_EQ(Read().at(kOwn), "a-new-password");
  EXPECT_EQ(Read().at(kCopy), CopyOf("a-new-password"));
  const std::string blob = GrafanaRows::Base64("#" + GrafanaRows::Raw("k1") + "#").substr(0, 4);
  EXPECT_NE(Value("SELECT secure_json_data FROM data_source WHERE id = 1").find(blob), std::string::npos);
  EXPECT_EQ(Value("SELECT value FROM secrets").substr(0, 4), blob);
}

TEST_F(ExportDatabaseTest, WithoutDataKeysItStaysUnderTheSecretKey) {
  GrafanaRows grafana{std::string(kOldKey)};
  Plant(grafana, grafana.Legacy(kValue), grafana.Legacy(CopyOf(kValue)));
  Make(grafana);
  vault_.values.Set(kPath, "a-new-password");
  EXPECT_EQ(LineOf(Export(), kPath), "updated ");
  EXPECT_EQ(Read().at(kOwn), "a-new-password");
}

TEST_F(ExportDatabaseTest, WithoutAnActiveDataKeyItIsRefused) {
  GrafanaRows grafana{std::string(kOldKey)};
  grafana.AddDataKey("old", "secretKey.v1", false);
  Plant(grafana, grafana.Envelope("old", kValue), grafana.Envelope("old", CopyOf(kValue)));
  ExpectNoDataKey(grafana);
}

// Whoever can write to the database could have made it.
TEST_F(ExportDatabaseTest, NothingIsWrittenUnderADataKeyThatOpensNothing) {
  GrafanaRows grafana{std::string(kOldKey)};
  grafana.AddDataKey("k1", "secretKey.v1", false);
  grafana.AddDataKey("unused", "secretKey.v1", true, "9999-12-31");
  PlantBoth(grafana);
  grafana.rows.Add("data_keys", {{"name", "empty"},
                                 {"provider", "secretKey.v1"},
                                 {"encrypted_data", "*YWVzLWNmYg*saltAAAA" + std::string(16, 'i')},
                                 {"active", "1"},
                                 {"label", "9999-12-31/root@secretKey.v1"},
                                 {"scope", "root"}});
  ExpectNoDataKey(grafana);
}

// A row names any path: its uid is what the database says.
TEST_F(ExportDatabaseTest, OnlyWhatCameFromTheRowGoesThereUnlessAccepted) {
  GrafanaRows grafana = WithDataKey();
  PlantBoth(grafana);
  grafana.AddEnvelope("2", "k1", "another-password-of-its-own");
  Make(grafana);
  {
    SqliteRows rows(path_);
    ASSERT_TRUE(ImportDatabase(rows, known_answers::Secret(kOldKey), vault_, {}).ok());
  }
  DatabaseExportOptions options = Options();
  options.accept_other_origin = false;
  vault_.values.Set(kPath, "a-new-password");
  EXPECT_EQ(LineOf(Export(options), kPath), "updated ");
  // The datasource has another name since; another one has a uid that is not its own; nothing says where it is from.
  ASSERT_EQ(RunSqlite(path_,
                      "UPDATE data_source SET name = 'Renamed' WHERE id = 1;"
                      "UPDATE secrets SET namespace = 'Renamed' WHERE id = 1"),
            SQLITE_OK);
  vault_.values.Set(kPath, "a-newer-password");
  EXPECT_EQ(LineOf(Export(options), kPath), "updated ");
  ASSERT_EQ(RunSqlite(path_,
                      "DELETE FROM data_source WHERE id = 1; DELETE FROM secrets;"
                      "UPDATE data_source SET uid = 'ds1' WHERE id = 2"),
            SQLITE_OK);
  const Bytes before = FileBytes();
  const std::string placed = vault_.metadata[kPath]["grafana-row"];
  for (const std::string& row : {placed, std::string("id=22 org_id=1"), std::string("id=2x"), std::string()}) {
    vault_.metadata[kPath]["grafana-row"] = row;
    const ExportReport report = Export(options);
    EXPECT_EQ(report.transfer.refusal, TransferRefusal::kUnreadable) << row;
    EXPECT_EQ(LineOf(report, kPath), "skipped other-origin") << row;
  }
  vault_.metadata[kPath] = {{"grafana-table", "plugin_setting"}, {"grafana-row", "id=2 org_id=1"}};
  EXPECT_EQ(LineOf(Export(options), kPath), "skipped other-origin");
  options.add = true;
  vault_.listed = {"grafana/1/ds1/token"};
  vault_.values.Set("grafana/1/ds1/token", "of-another-grafana");
  EXPECT_EQ(LineOf(Export(options), "grafana/1/ds1/token"), "skipped other-origin");
  EXPECT_EQ(FileBytes(), before);
  options.accept_other_origin = true;
  const ExportReport report = Export(options);
  EXPECT_EQ(LineOf(report, kPath), "updated ");
  EXPECT_EQ(LineOf(report, "grafana/1/ds1/token"), "added ");
}

TEST_F(ExportDatabaseTest, WhatIsDeletedInTheVaultStays) {
  GrafanaRows grafana = WithDataKey();
  PlantBoth(grafana);
  grafana.AddEnvelope("2", "k1", "another-password-of-its-own");
  Make(grafana);
  vault_.gone = {kPath};
  vault_.values.Set("grafana/1/ds2/password", "a-new-password");
  const ExportReport report = Export();
  EXPECT_EQ(LineOf(report, kPath), "skipped not-in-vault");
  EXPECT_EQ(LineOf(report, "grafana/1/ds2/password"), "updated ");
}

TEST_F(ExportDatabaseTest, OldColumnsStayWhenTheirValueCannotBeWritten) {
  GrafanaRows grafana = WithDataKey();
  PlantBoth(grafana);
  Make(grafana, std::string("UPDATE data_source SET password = '") + kValue + "'");
  const Bytes before = FileBytes();
  vault_.values.Set(kPath, "xy");
  DatabaseExportOptions options = Options();
  options.clear_plaintext = options.accept_unreadable = true;
  const ExportReport report = Export(options);
  EXPECT_EQ(LineOf(report, kPath), "skipped not-text");
  EXPECT_EQ(report.cleared, 0U);
  EXPECT_EQ(FileBytes(), before);
}

TEST_F(ExportDatabaseTest, AnEmptyValueIsFilledWhereItStands) {
  GrafanaRows grafana = WithDataKey();
  const std::string empty = GrafanaRows::Base64(grafana.Envelope("k1", ""));
  grafana.AddDataSource("1", R"({"a":")" + GrafanaRows::Base64(grafana.Envelope("k1", kValue)) + R"(", "password":")" +
                                 empty + R"(", "z":""})");
  grafana.AddDataSource("2", R"({ "password" : "" })");
  AddCopy(grafana, "1", grafana.Envelope("k1", R"({"a":")" + std::string(kValue) + R"(","password":""})"));
  Make(grafana);
  vault_.listed = {"grafana/1/ds1/password", "grafana/1/ds1/z", "grafana/1/ds2/password"};
  vault_.values.Set("grafana/1/ds1/a", kValue);
  for (const std::string& path : vault_.listed) vault_.values.Set(path, "of " + path);
  EXPECT_EQ(Export().rows, 0U);
  DatabaseExportOptions options = Options();
  options.add = true;
  EXPECT_EQ(Export(options).transfer.Count(TransferOutcome::kAdded), 3U);
  const Plaintexts read = Read();
  EXPECT_EQ(read.at("data_source.secure_json_data 1 a"), kValue);
  EXPECT_EQ(read.at(kOwn), "of grafana/1/ds1/password");
  EXPECT_EQ(read.at("data_source.secure_json_data 1 z"), "of grafana/1/ds1/z");
  EXPECT_EQ(read.at("data_source.secure_json_data 2 password"), "of grafana/1/ds2/password");
  EXPECT_EQ(read.at(kCopy), R"({"a":")" + std::string(kValue) +
                                R"(","password":"of grafana/1/ds1/password","z":"of grafana/1/ds1/z"})");
  EXPECT_EQ(Value("SELECT secure_json_data FROM data_source WHERE id = 2").substr(0, 16), R"({ "password" : ")");
}

TEST_F(ExportDatabaseTest, OldColumnsAreEmptiedOnlyWhenToldAndTheirValueIsEncrypted) {
  GrafanaRows grafana = WithDataKey();
  PlantBoth(grafana);
  grafana.AddDataSource("2", "{}");
  Make(grafana, std::string("UPDATE data_source SET password = '") + kValue +
                    "' WHERE id = 1; UPDATE data_source SET password = 'only here' WHERE id = 2;");
  vault_.values.Set(kPath, kValue);
  vault_.values.Set("grafana/1/ds2/password", "only here");
  EXPECT_EQ(Export().cleared, 0U);
  EXPECT_EQ(Value("SELECT password FROM data_source WHERE id = 1"), kValue);
  DatabaseExportOptions options = Options();
  options.clear_plaintext = true;
  EXPECT_EQ(Export(options).cleared, 1U);
  EXPECT_EQ(Value("SELECT password FROM data_source WHERE id = 1"), "");
  EXPECT_EQ(Value("SELECT password FROM data_source WHERE id = 2"), "only here");
  EXPECT_EQ(Read().at(kOwn), kValue);
}

TEST_F(ExportDatabaseTest, WhatTheDatabaseLacksIsAddedOnlyWhenTold) {
  GrafanaRows grafana = WithDataKey();
  PlantBoth(grafana);
  grafana.AddDataSource("2", "{}");
  grafana.AddDataSource("3", "null");
  grafana.AddDataSource("4", "{}");
  AddCopy(grafana, "4", grafana.Envelope("k1", R"({"old":"of-the-copy-alone"})"));
  Make(grafana, "UPDATE data_source SET password = 'only here' WHERE id = 2;");
  const Plaintexts before = Read();
  vault_.listed = {"grafana/1/ds1/password", "grafana/1/ds1/deleted", "grafana/1/ds1/token", "grafana/1/ds2/password",
                   "grafana/1/ds3/a.b-c",    "grafana/1/ds4/token",   "grafana/1/ds9/token", "grafana/1/plugins/a/k"};
  for (const std::string& path : vault_.listed) {
    if (path != "grafana/1/ds1/deleted" && path != kPath) vault_.values.Set(path, "the \"one\" of " + path);
  }
  vault_.values.Set(kPath, kValue);
  DatabaseExportOptions options = Options();
  options.accept_unreadable = true;
  EXPECT_EQ(Export(options).rows, 0U);
  options.add = true;
  const ExportReport report = Export(options);
  EXPECT_EQ(LineOf(report, "grafana/1/ds1/token"), "added ");
  EXPECT_EQ(report.transfer.Count(TransferOutcome::kAdded), 4U);
  Plaintexts expected = before;
  const auto of = [](const std::string& path) { return "the \"one\" of grafana/1/" + path; };
  expected["data_source.secure_json_data 1 token"] = of("ds1/token");
  expected[kCopy] = R"({ "password":")" + std::string(kValue) + R"(","token":"the \"one\" of grafana/1/ds1/token"})";
  expected["data_source.secure_json_data 2 password"] = of("ds2/password");
  expected["data_source.secure_json_data 3 a.b-c"] = of("ds3/a.b-c");
  expected["secrets.value 4 "] = R"({"old":"of-the-copy-alone","token":"the \"one\" of grafana/1/ds4/token"})";
  EXPECT_EQ(Read(), expected);
  const Bytes done = FileBytes();
  EXPECT_EQ(Export(options).rows, 0U);
  EXPECT_EQ(FileBytes(), done);
}

TEST_F(ExportDatabaseTest, WhatCannotBeAddedIsRefused) {
  GrafanaRows grafana = WithDataKey();
  PlantBoth(grafana);
  grafana.AddDataSource("2", "{\"password\":");
  grafana.AddDataSource("3", "[]");
  grafana.AddDataSource("4", "{}");
  Make(grafana, "UPDATE data_source SET secure_json_data = NULL WHERE id = 4;");
  DatabaseExportOptions options = Options();
  options.add = true;
  const Bytes before = FileBytes();
  for (const std::string path :
       {"grafana/1/ds1/a%22b", "grafana/1/ds2/token", "grafana/1/ds3/token", "grafana/1/ds4/token"}) {
    vault_ = OriginVault();
    vault_.listed = {path};
    vault_.values.Set(path, "a-new-password");
    const ExportReport report = Export(options);
    EXPECT_EQ(report.transfer.refusal, TransferRefusal::kUnreadable);
    EXPECT_TRUE(LineOf(report, path).starts_with("skipped ")) << path;
  }
  EXPECT_EQ(FileBytes(), before);
}

TEST_F(ExportDatabaseTest, BackupIsMadeBeforeAndOnlyWhenSomethingChanges) {
  GrafanaRows grafana = WithDataKey();
  PlantBoth(grafana);
  Make(grafana);
  DatabaseExportOptions options = Options();
  options.backup = folder_ / "backup.db";
  Export(options);
  EXPECT_FALSE(*Exists(options.backup));
  vault_.values.Set(kPath, "a-new-password");
  Export(options);
  SqliteRows rows(options.backup);
  EXPECT_EQ(PlaintextReader(kOldKey).Read(rows).at(kOwn), kValue);
  vault_.values.Set(kPath, "a-newer-password");
  const auto again = TryExport(options);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(Read().at(kOwn), "a-new-password");
}

TEST_F(ExportDatabaseTest, PlanSaysTheSameAndWritesNothing) {
  GrafanaRows grafana = WithDataKey();
  PlantBoth(grafana);
  Make(grafana);
  vault_.values.Set(kPath, "a-new-password");
  const Bytes before = FileBytes();
  SqliteRows rows(path_);
  const auto report = PlanExport(rows, known_answers::Secret(kOldKey), {vault_, vault_}, Options());
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(LineOf(*report, kPath), "updated ");
  EXPECT_EQ(report->rows, 2U);
  EXPECT_EQ(FileBytes(), before);
}

TEST_F(ExportDatabaseTest, RefusalsChangeNothing) {
  GrafanaRows grafana = WithDataKey();
  Plant(grafana, grafana.Envelope("k1", kValue), grafana.Envelope("k1", CopyOf("not-the-same-password")));
  grafana.AddEnvelope("2", "k1", "another-password-of-its-own");
  Make(grafana);
  const Bytes before = FileBytes();
  for (const std::string bad : {"", "two\x01", "coffer://grafana/1/ds2/password", "\xff\xfe"}) {
    vault_ = OriginVault();
    vault_.values.Set("grafana/1/ds2/password", bad);
    EXPECT_EQ(LineOf(Export(), "grafana/1/ds2/password"), "skipped not-text");
  }
  vault_ = OriginVault();
  vault_.values.Set("grafana/1/ds2/password", "a-new-password");
  EXPECT_EQ(Export().transfer.refusal, TransferRefusal::kUnreadable);
  EXPECT_EQ(Export(Options(), "another-key-than-its-own").transfer.refusal, TransferRefusal::kOpensNothing);
  vault_.values.failure = ErrorCode::kUnavailable;
  EXPECT_FALSE(TryExport().ok());
  EXPECT_EQ(FileBytes(), before);
  vault_.values.failure.reset();
  DatabaseExportOptions options = Options();
  options.accept_unreadable = true;
  const ExportReport report = Export(options);
  EXPECT_EQ(LineOf(report, kPath), "skipped copies-differ");
  EXPECT_EQ(LineOf(report, "grafana/1/ds2/password"), "updated ");
}

TEST_F(ExportDatabaseTest, NothingIsWrittenUnderAKeyThatIsNotProven) {
  GrafanaRows grafana = WithDataKey();
  grafana.AddDataSource("1", GrafanaRows::Map("password", grafana.Envelope("k1", "pw1")));
  Make(grafana);
  vault_.values.Set(kPath, "a-new-password");
  EXPECT_EQ(Export().transfer.refusal, TransferRefusal::kUnproven);
  EXPECT_EQ(Read().at(kOwn), "pw1");
}

}  // namespace
}  // namespace coffer::grafana
