#include "plugins/grafana/rotation/data_key_rotation.h"

#include "io/directory.h"
#include "plugins/grafana/rotation/data_key_text.h"
#include "tests/plugins/grafana/rotation/data_key_rows.h"
#include "tests/plugins/grafana/rotation/faulty_cells.h"
#include "tests/plugins/grafana/rotation/sqlite_rotation.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kKey = kOldKey;
constexpr std::string_view kOld = "old";
constexpr std::string_view kNew = "the-newest-one";

class DataKeyRotationTest : public SqliteRotationTest {
 protected:
  // Everything under `old`, and a newer one.
  static void PlantTwo(GrafanaRows& grafana, const std::string& old, const std::string& newest) {
    grafana.AddDataKey(old);
    grafana.AddDataKey(newest, "secretKey.v1", true, "2026-02-01");
    PlantProof(grafana, newest);
    PlantEveryColumn(grafana, old);
  }
  void MakeTwo() {
    GrafanaRows grafana{std::string(kKey)};
    PlantTwo(grafana, std::string(kOld), std::string(kNew));
    MakeFile(grafana);
  }

  IdsOfColumns Ids() const {
    SqliteRows rows(path_);
    return IdsIn(rows);
  }
  Result<DataKeyReport> TryMove(const DataKeyRotationOptions& options = {}, std::string_view key = kKey) const {
    COFFER_ASSIGN_OR_RETURN(const auto cells, SqliteCells::Open({.path = path_, .busy_timeout_ms = 0, .vfs = ""}));
    return RotateDataKeys(*cells, known_answers::Secret(key), options);
  }
  DataKeyReport Move(const DataKeyRotationOptions& options = {}, std::string_view key = kKey) const {
    auto report = TryMove(options, key);
    EXPECT_TRUE(report.ok()) << report.error().ToString();
    return report.ok() ? std::move(report).value() : DataKeyReport();
  }
  DataKeyReport PlanOf(const DataKeyRotationOptions& options = {}, std::string_view key = kKey) const {
    SqliteRows rows(path_);
    auto report = PlanDataKeyRotation(rows, known_answers::Secret(key), options);
    EXPECT_TRUE(report.ok()) << report.error().ToString();
    return report.ok() ? std::move(report).value() : DataKeyReport();
  }
  // Neither a dry run nor the real thing does anything.
  void ExpectRefused(DataKeyRefusal refusal, const DataKeyRotationOptions& options = {}, std::string_view key = kKey) {
    const std::string before = Bytes();
    EXPECT_EQ(PlanOf(options, key).refusal, refusal);
    EXPECT_EQ(Move(options, key).refusal, refusal);
    EXPECT_EQ(Bytes(), before);
    EXPECT_EQ(TextOf(PlanOf(options, key), {}).headline.substr(0, 20), "nothing was changed:");
  }

  static DataKeyRotationOptions All() {
    DataKeyRotationOptions options;
    options.all = true;
    return options;
  }
};

// Of ids that are longer, shorter and as long, so that base64 needs another padding or the same.
const std::vector<std::pair<std::string, std::string>>& IdPairs() {
  static const std::vector<std::pair<std::string, std::string>> pairs = {
      {"k", "a-much-longer-id-of-a-data-key"}, {"an-id-that-is-long", "n"}, {"k", "nn"}};
  return pairs;
}

TEST_F(DataKeyRotationTest, WhatGrafanaDoesNotVisitIsMovedAndAllElseStays) {
  for (const BlobCipher cipher : {BlobCipher::kAesCfb, BlobCipher::kAesGcm}) {
    for (const auto& [old, newest] : IdPairs()) {
      ASSERT_TRUE(RemoveTree(path_).ok());
      GrafanaRows grafana{std::string(kKey), cipher};
      PlantTwo(grafana, old, newest);
      MakeFile(grafana);
      const Plaintexts before = Read(kKey);
      IdsOfColumns expected = IdsExpected(old, newest);
      expected["data_source.secure_json_data"].insert(newest);

      const DataKeyReport report = Move();
      EXPECT_EQ(report.refusal, DataKeyRefusal::kNone);
      EXPECT_EQ(Read(kKey), before);
      EXPECT_EQ(Ids(), expected) << old << " " << newest;
      std::uint64_t columns = 0;
      std::uint64_t values = 0;
      for (std::size_t i = 0; i < SensitiveColumns().size(); ++i) {
        const SensitiveColumn& column = SensitiveColumns()[i];
        const bool moves = HoldsBlobs(column.encoding) && !column.rotated;
        EXPECT_EQ(report.values.contains(i), moves) << NameOf(column);
        columns += moves ? 1 : 0;
        values += report.values.contains(i) ? report.values.at(i) : 0;
      }
      EXPECT_EQ(columns, 6U);
      EXPECT_EQ(report.rows, columns * kRowsOfColumn);
      EXPECT_EQ(CountOf(report, old).moved, values);
      EXPECT_GT(CountOf(report, old).values, 0U);
      EXPECT_FALSE(CountOf(report, old).unneeded);
      EXPECT_TRUE(CountOf(report, newest).is_target);
      EXPECT_EQ(CountOf(report, newest).values, values + 1);
    }
  }
}

TEST_F(DataKeyRotationTest, WithAllEveryColumnIsMovedAndTheOldDataKeyIsUnneeded) {
  for (const BlobCipher cipher : {BlobCipher::kAesCfb, BlobCipher::kAesGcm}) {
    for (const auto& [old, newest] : IdPairs()) {
      ASSERT_TRUE(RemoveTree(path_).ok());
      GrafanaRows grafana{std::string(kKey), cipher};
      PlantTwo(grafana, old, newest);
      MakeFile(grafana);
      const Plaintexts before = Read(kKey);
      const DataKeyReport report = Move(All());
      EXPECT_EQ(report.refusal, DataKeyRefusal::kNone);
      EXPECT_EQ(Read(kKey), before);
      EXPECT_EQ(Ids(), IdsExpected(newest, newest));
      ExpectEveryColumn(report.values);
      EXPECT_TRUE(CountOf(report, old).unneeded);
      EXPECT_EQ(CountOf(report, old).values, 0U);
      EXPECT_EQ(report.already, 1U);
      EXPECT_EQ(Value("SELECT count(*) FROM data_keys"), "2");

      const std::string bytes = Bytes();
      const DataKeyReport again = Move(All());
      EXPECT_EQ(again.rows, 0U);
      EXPECT_EQ(Bytes(), bytes);
    }
  }
}

// As Grafana's strict decoders read them.
TEST_F(DataKeyRotationTest, PaddingIsThatOfTheColumn) {
  for (const auto& [old, newest] : IdPairs()) {
    ASSERT_TRUE(RemoveTree(path_).ok());
    GrafanaRows grafana{std::string(kKey)};
    PlantTwo(grafana, old, newest);
    MakeFile(grafana);
    Move(All());
    for (const std::string sql :
         {"SELECT count(*) FROM signing_key WHERE length(private_key) % 4 <> 0",
          "SELECT count(*) FROM setting WHERE length(encrypted_value) % 4 <> 0",
          "SELECT count(*) FROM plugin_setting WHERE length(json_extract(secure_json_data, '$.password')) % 4 <> 0",
          "SELECT count(*) FROM secrets WHERE value LIKE '%=%'",
          "SELECT count(*) FROM sso_setting WHERE settings LIKE '%=%'"}) {
      EXPECT_EQ(Value(sql), "0") << old << " " << newest << " " << sql;
    }
    EXPECT_EQ(Value("SELECT count(DISTINCT typeof(dashboard_encrypted)) FROM dashboard_snapshot"), "1");
    EXPECT_EQ(Value("SELECT typeof(dashboard_encrypted) FROM dashboard_snapshot"), "blob");
  }
}

TEST_F(DataKeyRotationTest, HowABlobNamesItsCipherStays) {
  const std::string named = "*YWVzLWNmYg*";
  for (const std::string& name : {named, std::string("**"), std::string()}) {
    ASSERT_TRUE(RemoveTree(path_).ok());
    GrafanaRows grafana{std::string(kKey)};
    PlantTwo(grafana, "k", "newest");
    std::string blob = grafana.Envelope("k", "a value of the oldest kind");
    blob.replace(blob.find(named), named.size(), name);
    grafana.rows.Add("setting", {{"section", "oldest"}, {"encrypted_value", GrafanaRows::Base64(blob)}});
    MakeFile(grafana);
    const Plaintexts before = Read(kKey);
    EXPECT_EQ(before.at("setting.encrypted_value oldest "), "a value of the oldest kind");
    Move();
    EXPECT_EQ(Read(kKey), before);
    const auto after = FromBase64(Value("SELECT encrypted_value FROM setting WHERE section = 'oldest'"));
    const std::string start = "#" + GrafanaRows::Raw("newest") + "#" + name;
    EXPECT_EQ(AsText(*after).substr(0, start.size()), start);
    EXPECT_EQ(SecretBlob::Parse(*after)->names_cipher, !name.empty());
  }
}

TEST_F(DataKeyRotationTest, ADryRunSaysTheSameAndChangesNothing) {
  MakeTwo();
  for (const DataKeyRotationOptions& options : {DataKeyRotationOptions(), All()}) {
    const std::string before = Bytes();
    const DataKeyReport planned = PlanOf(options);
    EXPECT_EQ(Bytes(), before);
    const DataKeyReport done = Move(options);
    EXPECT_EQ(planned.values, done.values);
    EXPECT_EQ(planned.rows, done.rows);
    EXPECT_EQ(CountOf(planned, std::string(kOld)).values, CountOf(done, std::string(kOld)).values);
    EXPECT_GT(planned.rows, 0U);
  }
}

TEST_F(DataKeyRotationTest, OnlyRowsThatChangeAreStamped) {
  GrafanaRows grafana{std::string(kKey)};
  PlantTwo(grafana, "k", "newest");
  MakeFile(grafana,
           "UPDATE data_source SET updated = '2024-01-02 03:04:05'; UPDATE plugin_setting SET updated = '2999-01-02 "
           "03:04:05';");
  Move();
  EXPECT_EQ(Value("SELECT count(*) FROM data_source WHERE updated <> '2024-01-02 03:04:05'"), "0");
  Move(All());
  EXPECT_EQ(Value("SELECT count(*) FROM data_source WHERE updated = '2024-01-02 03:04:05'"), "1") << "the proof's";
  EXPECT_EQ(Value("SELECT updated FROM secrets") > "2024-01-02 03:04:05", true);
  EXPECT_EQ(Value("SELECT updated FROM plugin_setting"), "2999-01-02 03:04:06");
  EXPECT_EQ(Value("SELECT updated FROM dashboard_snapshot"), "2024-01-02 03:04:05") << "not one that Grafana keeps";
}

TEST_F(DataKeyRotationTest, BothCopiesOfADatasourceMoveAndCopiesInHistoriesStayCopies) {
  GrafanaRows grafana{std::string(kKey)};
  grafana.AddDataKey("k");
  grafana.AddDataKey("newest", "secretKey.v1", true, "2026-02-01");
  PlantProof(grafana, "newest");
  const std::string password = "a-password-of-a-datasource";
  grafana.AddDataSource("1", GrafanaRows::Map("password", grafana.Envelope("k", password)));
  grafana.rows.Add("secrets",
                   {{"id", "1"},
                    {"type", "datasource"},
                    {"namespace", "Source 1"},
                    {"value", GrafanaRows::Raw(grafana.Envelope("k", R"({"password":")" + password + "\"}"))}});
  const std::string alerting = CellWith(CellEncoding::kAlertingJson, grafana.Envelope("k", "https://hooks.example/x"));
  for (const std::string id : {"1", "2", "3"}) {
    grafana.rows.Add("alert_configuration_history", {{"id", id}, {"alertmanager_configuration", alerting}});
  }
  grafana.rows.Add("alert_configuration", {{"id", "1"}, {"alertmanager_configuration", alerting}});
  MakeFile(grafana);
  const Plaintexts before = Read(kKey);
  const DataKeyReport report = Move(All());
  EXPECT_EQ(report.ValueCount(), 10U);
  EXPECT_EQ(Read(kKey), before);
  EXPECT_EQ(Ids()["data_source.secure_json_data"], std::set<std::string>{"newest"});
  EXPECT_EQ(Ids()["secrets.value"], std::set<std::string>{"newest"});
  EXPECT_EQ(
      Value("SELECT count(DISTINCT c) FROM (SELECT alertmanager_configuration AS c FROM alert_configuration UNION "
            "ALL SELECT alertmanager_configuration FROM alert_configuration_history)"),
      "1");
}

TEST_F(DataKeyRotationTest, TheTargetIsTheNewestThatIsActiveOfSecretKeyAndOfRoot) {
  GrafanaRows grafana{std::string(kKey)};
  PlantTwo(grafana, "k", "newest");
  grafana.AddDataKey("inactive", "secretKey.v1", false, "2026-03-01");
  grafana.AddDataKey("scoped", "secretKey.v1", true, "2026-03-01", "user:1");
  grafana.AddDataKey("kms", "awskms.prod", true, "2026-03-01");
  for (const std::string id : {"inactive", "scoped", "kms"}) {
    grafana.rows.Add("setting", {{"section", id},
                                 {"key", "x"},
                                 {"encrypted_value", GrafanaRows::Base64(grafana.Envelope(id, "a setting of " + id))}});
  }
  grafana.rows.Add("setting", {{"section", "legacy"},
                               {"encrypted_value", GrafanaRows::Base64(grafana.Legacy("a setting from before"))}});
  MakeFile(grafana);
  const DataKeyReport report = Move();
  EXPECT_TRUE(CountOf(report, "newest").is_target);
  EXPECT_EQ(Ids()["setting.encrypted_value"], (std::set<std::string>{"", "kms", "newest"}));
  EXPECT_EQ(report.of_others, 1U);
  EXPECT_EQ(report.legacy, 1U);
  EXPECT_TRUE(CountOf(report, "inactive").unneeded);
  EXPECT_TRUE(CountOf(report, "scoped").unneeded);
  EXPECT_FALSE(CountOf(report, "kms").unneeded);
}

TEST_F(DataKeyRotationTest, OfTwoOfOneDayItIsTheOneWithTheHigherId) {
  for (const bool higher_first : {false, true}) {
    ASSERT_TRUE(RemoveTree(path_).ok());
    GrafanaRows grafana{std::string(kKey)};
    for (const std::string id : {higher_first ? "k2" : "k1", higher_first ? "k1" : "k2"}) grafana.AddDataKey(id);
    PlantProof(grafana, "k2");
    MakeFile(grafana);
    EXPECT_TRUE(CountOf(PlanOf(), "k2").is_target);
  }
}

TEST_F(DataKeyRotationTest, WithoutAnActiveDataKeyItIsRefused) {
  GrafanaRows grafana{std::string(kKey)};
  grafana.AddDataKey("k", "secretKey.v1", false);
  grafana.AddDataKey("kms", "awskms.prod", true);
  grafana.AddDataKey("scoped", "secretKey.v1", true, "2026-03-01", "user:1");
  PlantEveryColumn(grafana, "k");
  PlantProof(grafana, "scoped");
  MakeFile(grafana);
  DataKeyRotationOptions options = All();
  options.accept_unreadable = true;
  ExpectRefused(DataKeyRefusal::kNoActiveKey, options);
  const DataKeyText text = TextOf(Move(options), {});
  EXPECT_NE(text.steps.at(0).find("POST /api/admin/encryption/rotate-data-keys"), std::string::npos);
}

TEST_F(DataKeyRotationTest, AWrongKeyIsRefusedWhateverIsAccepted) {
  for (const BlobCipher cipher : {BlobCipher::kAesCfb, BlobCipher::kAesGcm}) {
    ASSERT_TRUE(RemoveTree(path_).ok());
    GrafanaRows grafana{std::string(kKey), cipher};
    PlantTwo(grafana, "k", "newest");
    MakeFile(grafana);
    DataKeyRotationOptions options = All();
    options.accept_unreadable = true;
    options.backup = folder_ / "backup.db";
    ExpectRefused(DataKeyRefusal::kOpensNothing, options, kNewKey);
    EXPECT_FALSE(*Exists(options.backup));
  }
}

TEST_F(DataKeyRotationTest, ATargetThatNothingProvesIsRefused) {
  for (const std::string password : {"", "short"}) {
    ASSERT_TRUE(RemoveTree(path_).ok());
    GrafanaRows grafana{std::string(kKey)};
    grafana.AddDataKey("k");
    grafana.AddDataKey("newest", "secretKey.v1", true, "2026-02-01");
    PlantEveryColumn(grafana, "k");  // which proves the key, and not that the newest one is under it
    if (!password.empty()) {
      grafana.AddDataSource("900", GrafanaRows::Map("password", grafana.Envelope("newest", password)));
    }
    MakeFile(grafana);
    ExpectRefused(DataKeyRefusal::kUnproven, All());
  }
}

// One data key is under an older secret_key: a random value under it cannot be told from garbage.
TEST_F(DataKeyRotationTest, WhatDoesNotOpenIsNamedAndStaysOnlyWhenAccepted) {
  GrafanaRows grafana{std::string(kKey)};
  GrafanaRows older{std::string(kNewKey)};
  PlantTwo(grafana, "k", "newest");
  grafana.MakeDataKey("gone");
  older.AddDataKey("older");
  CopyDataKeys(older, grafana);
  const auto setting = [&grafana](const std::string& section, const std::string& value) {
    grafana.rows.Add("setting", {{"section", section}, {"key", "x"}, {"encrypted_value", value}});
  };
  setting("gone", GrafanaRows::Base64(grafana.Envelope("gone", "a value whose data key is gone")));
  setting("older", GrafanaRows::Base64(older.Envelope("older", "a value under a key from before")));
  setting("cut", GrafanaRows::Base64(grafana.Envelope("k", "a value that is cut").substr(0, 25)));
  const std::string twice = GrafanaRows::Base64(grafana.Envelope("k", "a value that is there twice"));
  grafana.rows.Add("alert_notification",
                   {{"id", "700"}, {"secure_settings", "{\"a\":\"" + twice + "\",\"a\":\"" + twice + "\"}"}});
  MakeFile(grafana);
  const std::set<std::string> expected = {
      "setting.encrypted_value: section=gone key=x: its data key is not there, or twice",
      "setting.encrypted_value: section=older key=x: not under the key",
      "setting.encrypted_value: section=cut key=x: damaged",
      "alert_notification.secure_settings: id=700: a JSON key twice"};
  ExpectRefused(DataKeyRefusal::kUnreadable);
  const auto places = [](const DataKeyReport& report) {
    const auto lines = TextOf(report, {}).unreadable;
    return std::set<std::string>(lines.begin(), lines.end());
  };
  EXPECT_EQ(places(PlanOf()), expected);

  const Plaintexts before = Read(kKey);
  DataKeyRotationOptions options;
  options.accept_unreadable = true;
  const DataKeyReport report = Move(options);
  EXPECT_EQ(report.refusal, DataKeyRefusal::kNone);
  EXPECT_EQ(places(report), expected);
  EXPECT_EQ(Read(kKey), before);
  EXPECT_EQ(Ids()["setting.encrypted_value"], (std::set<std::string>{"newest", "gone", "older"}));
  EXPECT_EQ(Ids()["alert_notification.secure_settings"], (std::set<std::string>{"newest", "k"}));
  EXPECT_EQ(CountOf(report, "gone").values, 1U);
  EXPECT_EQ(CountOf(report, "gone").provider, "");
  for (const DataKeyCount& count : report.data_keys) EXPECT_FALSE(count.unneeded) << "a cell cannot be read";
}

TEST_F(DataKeyRotationTest, BytesOfAnyKindMoveUnlessADataKeyOfTheDatabaseIsUnderAnotherKey) {
  const std::string raw("\x00\xFF\x01\x80\xC3\x28\x9A\x07 these are no text", 27);
  for (const bool mixed : {false, true}) {
    ASSERT_TRUE(RemoveTree(path_).ok());
    GrafanaRows grafana{std::string(kKey)};
    GrafanaRows older{std::string(kNewKey)};
    grafana.AddDataKey("lonely");
    grafana.AddDataKey("newest", "secretKey.v1", true, "2026-02-01");
    PlantProof(grafana, "newest");
    grafana.rows.Add("cloud_migration_snapshot",
                     {{"id", "1"}, {"encryption_key", GrafanaRows::Base64(grafana.Envelope("lonely", raw))}});
    if (mixed) {
      older.AddDataKey("older");
      grafana.AddDataSource("2", GrafanaRows::Map("password", older.Envelope("older", "a password from before")));
      CopyDataKeys(older, grafana);
    }
    MakeFile(grafana);
    EXPECT_EQ(Move().refusal, mixed ? DataKeyRefusal::kUnreadable : DataKeyRefusal::kNone);
    EXPECT_EQ(Ids()["cloud_migration_snapshot.encryption_key"], std::set<std::string>{mixed ? "lonely" : "newest"});
    EXPECT_EQ(Read(kKey).at("cloud_migration_snapshot.encryption_key 1 "), raw);
  }
}

// It is written as PEM: bytes of another kind are those of another data key.
TEST_F(DataKeyRotationTest, ASigningKeyThatIsNoTextDoesNotOpen) {
  GrafanaRows grafana{std::string(kKey)};
  PlantTwo(grafana, "k", "newest");
  GrafanaRows other{std::string(kKey)};
  other.MakeDataKey("k");
  const std::string blob = other.Envelope("k", "-----BEGIN PRIVATE KEY-----");
  grafana.rows.Add("signing_key", {{"id", "800"}, {"key_id", "x"}, {"private_key", GrafanaRows::Base64(blob)}});
  MakeFile(grafana);
  ExpectRefused(DataKeyRefusal::kUnreadable, All());
  EXPECT_EQ(TextOf(PlanOf(All()), {}).unreadable,
            std::vector<std::string>{"signing_key.private_key: id=800 key_id=x: not under the key"});
}

// Of four random bytes, one time in 25 comes text.
TEST_F(DataKeyRotationTest, AShortValueUnderADataKeyThatNothingProvesStaysWhereNotAllAreUnderOneKey) {
  for (const bool mixed : {false, true}) {
    ASSERT_TRUE(RemoveTree(path_).ok());
    GrafanaRows grafana{std::string(kKey)};
    GrafanaRows older{std::string(kNewKey)};
    PlantTwo(grafana, "k", "newest");
    grafana.AddDataKey("lonely");
    grafana.rows.Add(
        "setting",
        {{"section", "s"}, {"key", "x"}, {"encrypted_value", GrafanaRows::Base64(grafana.Envelope("lonely", "abcd"))}});
    if (mixed) {
      older.AddDataKey("older");
      grafana.AddDataSource("901", GrafanaRows::Map("password", older.Envelope("older", "a password from before")));
      CopyDataKeys(older, grafana);
    }
    MakeFile(grafana);
    if (!mixed) {
      EXPECT_EQ(Move().refusal, DataKeyRefusal::kNone);
      continue;
    }
    ExpectRefused(DataKeyRefusal::kUnreadable);
    EXPECT_EQ(TextOf(PlanOf(), {}).unreadable,
              std::vector<std::string>{"setting.encrypted_value: section=s key=x: too little to tell its key"});
    DataKeyRotationOptions options;
    options.accept_unreadable = true;
    Move(options);
    EXPECT_EQ(Ids()["setting.encrypted_value"], (std::set<std::string>{"lonely", "newest"}));
  }
}

TEST_F(DataKeyRotationTest, TwoRowsOfOneDataKeyAreNeitherReadNorWrittenUnder) {
  GrafanaRows grafana{std::string(kKey)};
  PlantTwo(grafana, "k", "newest");
  GrafanaRows other{std::string(kKey)};
  other.AddDataKey("k");
  CopyDataKeys(other, grafana);
  MakeFile(grafana);
  ExpectRefused(DataKeyRefusal::kUnreadable);
}

TEST_F(DataKeyRotationTest, AFailureBeforeTheCommitLeavesEverythingAndNoBackup) {
  MakeTwo();
  const std::string before = Bytes();
  for (const int failing : {1, 7, 0}) {
    const auto cells = SqliteCells::Open({.path = path_, .busy_timeout_ms = 0, .vfs = ""});
    ASSERT_TRUE(cells.ok());
    FaultyCells faulty(**cells);
    faulty.failing_update = failing;
    faulty.update_error = ErrorCode::kConflict;
    faulty.alters_what_is_read = failing == 0;
    DataKeyRotationOptions options;
    options.backup = folder_ / "backup.db";
    const auto report = RotateDataKeys(faulty, known_answers::Secret(kKey), options);
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(report.error().code(), failing == 0 ? ErrorCode::kInternal : ErrorCode::kConflict);
    EXPECT_FALSE(*Exists(options.backup));
  }
  EXPECT_EQ(Bytes(), before);
}

TEST_F(DataKeyRotationTest, TheBackupIsTheDatabaseAsItWas) {
  MakeTwo();
  const Plaintexts before = Read(kKey);
  SqliteRows old_rows(path_);
  const IdsOfColumns ids = IdsIn(old_rows);
  DataKeyRotationOptions options = All();
  options.backup = folder_ / "backup.db";
  Move(options);
  EXPECT_EQ(ReadFrom(options.backup, kKey), before);
  SqliteRows backup(options.backup);
  EXPECT_EQ(IdsIn(backup), ids);
  EXPECT_NE(Ids(), ids);
}

TEST_F(DataKeyRotationTest, WhatIsNoGrafanaIsRefused) {
  ASSERT_EQ(RunSqlite(path_, "CREATE TABLE shop (id INTEGER)"), SQLITE_OK);
  EXPECT_EQ(TryMove().error().code(), ErrorCode::kInvalidArgument);
}

TEST(DataKeyTextTest, NamesOfTheDatabaseAreMadePrintableAndRowsAreNeverToBeDeleted) {
  DataKeyReport report;
  report.data_keys = {{"old\x1b[2J", "2026\n/x", "secretKey.v1", false, false, 3, 0, true},
                      {"new", "2026", "secretKey.v1", true, true, 0, 3, false}};
  const DataKeyText text = TextOf(report, {});
  EXPECT_EQ(text.data_keys,
            (std::vector<std::string>{"old?[2J (2026?/x): nothing in this database is under it any more"}));
  ASSERT_EQ(text.steps.size(), 1U);
  EXPECT_TRUE(text.steps[0].starts_with("keep the rows of data_keys all the same: backups"));
}

}  // namespace
}  // namespace coffer::grafana
