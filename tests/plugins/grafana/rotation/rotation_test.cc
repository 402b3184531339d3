#include "plugins/grafana/rotation/rotation.h"

#include <cctype>

#include "io/directory.h"
#include "tests/plugins/grafana/rotation/sqlite_rotation.h"

namespace coffer::grafana {
namespace {

using Places = std::vector<std::string>;

Places PlacesOf(const RotationReport& report) {
  Places places;
  for (const UnreadableCell& cell : report.unreadable) {
    places.push_back(cell.place + ": " + std::string(UnreadableReasonName(cell.reason)));
  }
  return places;
}

// None of what a key opened is opened by the other one.
void ExpectNoneOpens(const Plaintexts& expected, const Plaintexts& read) {
  ASSERT_EQ(expected.size(), read.size());
  for (const auto& [place, plaintext] : expected) {
    EXPECT_NE(read.at(place), plaintext) << place;
  }
}

TEST_F(SqliteRotationTest, EveryValueIsUnderTheNewKeyAndNoneUnderTheOld) {
  for (const BlobCipher cipher : {BlobCipher::kAesCfb, BlobCipher::kAesGcm}) {
    ASSERT_TRUE(RemoveTree(path_).ok());
    GrafanaRows grafana{std::string(kOldKey), cipher};
    PlantEverything(grafana);
    MakeFile(grafana);
    Plaintexts expected = Read(kOldKey);
    const RotationReport report = Rotate(KeysOf(kOldKey, kNewKey));
    EXPECT_EQ(report.refusal, RotationRefusal::kNone);
    EXPECT_EQ(report.data_keys, kPlantedDataKeys);
    EXPECT_EQ(report.data_keys_of_others, 1U);
    EXPECT_EQ(report.ValueCount(), kPlantedValues);
    ExpectEveryColumn(report.values);
    EXPECT_EQ(report.envelopes, 7U);
    EXPECT_EQ(report.sessions, 3U);
    EXPECT_TRUE(report.unreadable.empty());
    Plaintexts under_new = Read(kNewKey);
    const Plaintexts under_old = Read(kOldKey);
    for (Plaintexts* each : {&expected, &under_new}) each->erase("data_keys.encrypted_data kms ");  // not under either
    EXPECT_EQ(under_new, expected);
    EXPECT_EQ(under_new.at("data_source.secure_json_data 2 password"), "a-password-from-before-data-keys");
    EXPECT_EQ(under_new.at("data_source.secure_json_data 1 password"), "a-password-under-a-data-key");
    Plaintexts old_without_kms = under_old;
    old_without_kms.erase("data_keys.encrypted_data kms ");
    ExpectNoneOpens(expected, old_without_kms);
  }
}

// With "<size>" for each of the long words that base64 makes.
std::string WithoutBase64(const std::string& text) {
  std::string without;
  std::string word;
  for (const char c : text + "\n") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/' || c == '=') {
      word += c;
      continue;
    }
    without += (word.size() < 32 ? word : "<" + std::to_string(word.size()) + ">") + c;
    word.clear();
  }
  return without;
}

TEST_F(SqliteRotationTest, WhatIsNoSecretStaysByteForByte) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeFile(grafana);
  const auto columns_of = [](const std::string& row) { return "SELECT group_concat(" + row + ", '|') FROM "; };
  const std::vector<std::string> queries = {
      columns_of("quote(id) || quote(type) || quote(name) || quote(url) || quote(json_data)") + "data_source",
      columns_of("quote(id) || quote(namespace) || typeof(value)") + "secrets",
      columns_of("quote(name) || quote(label) || quote(active) || quote(provider) || typeof(encrypted_data)") +
          "data_keys",
      columns_of("typeof(dashboard_encrypted) || length(dashboard_encrypted)") + "dashboard_snapshot",
      columns_of("quote(auth_token)") + "user_auth_token",
      columns_of("length(secure_json_data)") + "data_source",
      "SELECT secure_json_data FROM data_source WHERE id = 1",
      "SELECT quote(encrypted_data) FROM data_keys WHERE name = 'kms'",
      "PRAGMA journal_mode",
      "SELECT alertmanager_configuration FROM alert_configuration",
      "SELECT secure_json_data FROM data_source WHERE id = 2",
      "SELECT settings FROM sso_setting",
      "SELECT value FROM resource",
  };
  Places before;
  for (const std::string& query : queries) before.push_back(WithoutBase64(Value(query)));
  Rotate(KeysOf(kOldKey, kNewKey));
  for (std::size_t i = 0; i < queries.size(); ++i) {
    EXPECT_EQ(WithoutBase64(Value(queries[i])), before[i]) << queries[i];
  }
}

TEST_F(SqliteRotationTest, CopiesOfAValueStayCopies) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeFile(grafana);
  Rotate(KeysOf(kOldKey, kNewKey));
  EXPECT_EQ(Value("SELECT count(DISTINCT alertmanager_configuration) FROM (SELECT alertmanager_configuration FROM "
                  "alert_configuration UNION ALL SELECT alertmanager_configuration FROM alert_configuration_history)"),
            "1");
}

TEST_F(SqliteRotationTest, OnlyChangedRowsAreStampedAndTimeGoesOn) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeFile(grafana,
           "UPDATE data_source SET updated = '2024-01-02 03:04:05'; UPDATE plugin_setting SET updated = '2999-01-02 "
           "03:04:05'; UPDATE data_keys SET updated = NULL WHERE name = 'k1';");
  Rotate(KeysOf(kOldKey, kNewKey));
  EXPECT_EQ(Value("SELECT updated FROM data_source WHERE id = 1"), "2024-01-02 03:04:05") << "only data keys' values";
  EXPECT_EQ(
      Value("SELECT updated BETWEEN datetime('now', '-1 hour') AND datetime('now') FROM data_source WHERE id = 2"),
      "1");
  EXPECT_EQ(Value("SELECT updated FROM plugin_setting"), "2999-01-02 03:04:06") << "a clock that goes ahead";
  EXPECT_EQ(Value("SELECT updated > '2024-01-02' FROM secrets WHERE id = 2"), "1");
  EXPECT_EQ(Value("SELECT updated > '2024-01-02' FROM data_keys WHERE name = 'k1'"), "1");
  EXPECT_EQ(Value("SELECT updated FROM dashboard_snapshot"), "2024-01-02 03:04:05");
}

TEST_F(SqliteRotationTest, AWrongKeyIsRefusedAndTheFileStaysByteForByte) {
  for (const std::string mode : {"DELETE", "WAL"}) {
    ASSERT_TRUE(RemoveTree(path_).ok());
    GrafanaRows grafana{std::string(kOldKey)};
    PlantEverything(grafana);
    MakeFile(grafana, "PRAGMA journal_mode=" + mode + ";");
    const std::string before = Bytes();
    for (const bool accept : {false, true}) {
      RotationOptions options;
      options.accept_unreadable = options.accept_unproven = accept;
      options.backup = folder_ / "backup.db";
      const RotationReport report = Rotate(KeysOf("a-wrong-key", kNewKey), options);
      EXPECT_EQ(report.refusal, RotationRefusal::kOpensNothing) << accept;
      EXPECT_GE(report.unreadable.size(), 15U);
    }
    EXPECT_TRUE(Bytes() == before) << mode;
    const auto names = ListDirectory(folder_.path(), 10);
    EXPECT_EQ(*names, (Places{"grafana.db"})) << mode;
  }
}

TEST_F(SqliteRotationTest, AWrongKeyLeavesALogOfACrashAsItIs) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  {
    SqliteProgram program(path_);
    ASSERT_EQ(program.Run("PRAGMA journal_mode=WAL;" + SqlOf(grafana.rows, Dialect::kSqlite)), SQLITE_OK);
  }  // killed
  const std::string before = Bytes();
  const auto log = ReadFile(path_ + "-wal", kFileLimit);
  ASSERT_TRUE(log.ok() && !log->empty());
  EXPECT_EQ(Rotate(KeysOf("a-wrong-key", kNewKey)).refusal, RotationRefusal::kOpensNothing);
  EXPECT_TRUE(Bytes() == before);
  EXPECT_TRUE(ReadFile(path_ + "-wal", kFileLimit).value() == *log);
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey)).refusal, RotationRefusal::kNone) << "and the right one goes on from it";
  EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 2 password"), "a-password-from-before-data-keys");
}

TEST_F(SqliteRotationTest, TooLittleToProveAKeyIsRefusedUnlessAccepted) {
  GrafanaRows grafana{std::string(kOldKey)};
  grafana.AddDataKey("k1");
  grafana.AddDataSource("1", GrafanaRows::Map("password", grafana.Envelope("k1", "short")));
  MakeFile(grafana);
  const std::string before = Bytes();
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey)).refusal, RotationRefusal::kUnproven);
  EXPECT_TRUE(Bytes() == before);
  RotationOptions options;
  options.accept_unproven = true;
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey), options).refusal, RotationRefusal::kNone);
  EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 1 password"), "short");
}

TEST_F(SqliteRotationTest, WhatDoesNotOpenIsNamedAndStaysWhenAccepted) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  const std::string lost = GrafanaRows::Map("password", grafana.Legacy("a-password-of-some-length", "another-key"));
  grafana.AddDataSource("7", lost);
  grafana.AddDataSource("8", "{broken");
  grafana.rows.Add("data_keys", {{"name", "cut"}, {"provider", "secretKey.v1"}, {"encrypted_data", "short"}});
  MakeFile(grafana);
  const std::string before = Bytes();
  const RotationReport refused = Rotate(KeysOf(kOldKey, kNewKey));
  EXPECT_EQ(refused.refusal, RotationRefusal::kUnreadable);
  EXPECT_EQ(PlacesOf(refused),
            (Places{"data_source.secure_json_data: id=8 org_id=1 type=postgres uid=ds8 name=Source 8: damaged",
                    "data_keys.encrypted_data: name=cut: damaged",
                    "data_source.secure_json_data: password of id=7 org_id=1 type=postgres uid=ds7 name=Source 7: not "
                    "under the key"}));
  EXPECT_TRUE(Bytes() == before);
  RotationOptions options;
  options.accept_unreadable = true;
  const RotationReport accepted = Rotate(KeysOf(kOldKey, kNewKey), options);
  EXPECT_EQ(accepted.refusal, RotationRefusal::kNone);
  EXPECT_EQ(PlacesOf(accepted), PlacesOf(refused));
  EXPECT_EQ(Value("SELECT secure_json_data FROM data_source WHERE id = 7"), lost);
  EXPECT_EQ(Value("SELECT secure_json_data FROM data_source WHERE id = 8"), "{broken");
  EXPECT_EQ(Read("another-key").at("data_source.secure_json_data 7 password"), "a-password-of-some-length");
  EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 2 password"), "a-password-from-before-data-keys");
}

TEST_F(SqliteRotationTest, ADataKeyOfAnotherSecretKeyStaysWhenAccepted) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  GrafanaRows other{"another-key"};
  other.AddDataKey("k9");
  CopyDataKeys(other, grafana);
  grafana.AddDataSource("9", GrafanaRows::Map("password", other.Envelope("k9", "a-password-of-some-length")));
  MakeFile(grafana);
  const RotationReport refused = Rotate(KeysOf(kOldKey, kNewKey));
  EXPECT_EQ(PlacesOf(refused), Places{"data_keys.encrypted_data: name=k9: not under the key"});
  RotationOptions options;
  options.accept_unreadable = true;
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey), options).data_keys, 2U);
  EXPECT_EQ(Read("another-key").at("data_source.secure_json_data 9 password"), "a-password-of-some-length");
}

TEST_F(SqliteRotationTest, SeveralOldKeysEachOpenTheirOwn) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  grafana.AddDataSource("7", GrafanaRows::Map("password", grafana.Legacy("a-password-of-some-length", "another-key")));
  MakeFile(grafana);
  RotationKeys keys = KeysOf(kOldKey, kNewKey);
  keys.old.push_back(known_answers::Secret("another-key"));
  EXPECT_EQ(Rotate(keys).ValueCount(), kPlantedValues + 1);
  EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 7 password"), "a-password-of-some-length");
  EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 2 password"), "a-password-from-before-data-keys");
}

TEST_F(SqliteRotationTest, WhatIsUnderTheTargetAlreadyStays) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeFile(grafana);
  Rotate(KeysOf(kOldKey, kNewKey));
  const std::string after = Bytes();
  RotationKeys keys = KeysOf(kOldKey, kNewKey);
  keys.target_may_be_in_use = true;
  const RotationReport again = Rotate(keys);
  EXPECT_EQ(again.refusal, RotationRefusal::kNone);
  EXPECT_EQ(again.rows, 0U);
  EXPECT_EQ(again.already_under_target, kPlantedValues + kPlantedDataKeys);
  EXPECT_TRUE(Bytes() == after);
}

// As a Grafana does that was not stopped.
TEST_F(SqliteRotationTest, WhatWasWrittenUnderTheOldKeyAfterwardsFollows) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeFile(grafana);
  Rotate(KeysOf(kOldKey, kNewKey));
  const std::string late = GrafanaRows::Map("password", grafana.Legacy("a-password-that-came-late"));
  ASSERT_EQ(RunSqlite(path_, "INSERT INTO data_source (id, secure_json_data) VALUES (9, '" + late + "')"), SQLITE_OK);
  EXPECT_EQ(Rotate(KeysOf(kNewKey, "the-third")).refusal, RotationRefusal::kUnreadable);
  RotationKeys keys = KeysOf(kOldKey, kNewKey);
  keys.target_may_be_in_use = true;
  const RotationReport report = Rotate(keys);
  EXPECT_EQ(report.refusal, RotationRefusal::kNone);
  EXPECT_EQ(report.rows, 1U);
  EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 9 password"), "a-password-that-came-late");
}

TEST_F(SqliteRotationTest, AKeyTwiceInAnObjectIsRefused) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  const std::string blob = Quoted(GrafanaRows::Base64(grafana.Legacy("a-password-of-some-length")));
  const std::string twice = R"({"password":)" + blob + R"(,"p\u0061ssword":)" + blob + "}";
  grafana.AddDataSource("7", twice);
  MakeFile(grafana);
  const RotationReport refused = Rotate(KeysOf(kOldKey, kNewKey));
  EXPECT_EQ(refused.refusal, RotationRefusal::kUnreadable);
  EXPECT_EQ(PlacesOf(refused),
            Places{"data_source.secure_json_data: id=7 org_id=1 type=postgres uid=ds7 name=Source 7: "
                   "a JSON key twice"});
  RotationOptions options;
  options.accept_unreadable = true;
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey), options).refusal, RotationRefusal::kNone);
  EXPECT_EQ(Value("SELECT secure_json_data FROM data_source WHERE id = 7"), twice);
}

TEST_F(SqliteRotationTest, AUnifiedSecretThatIsNoObjectDoesNotOpen) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  grafana.rows.Add("secrets",
                   {{"id", "9"}, {"type", "datasource"}, {"value", GrafanaRows::Raw(grafana.Legacy("a plain text"))}});
  grafana.rows.Add("secrets",
                   {{"id", "10"}, {"type", "other"}, {"value", GrafanaRows::Raw(grafana.Legacy("a plain text"))}});
  MakeFile(grafana);
  const RotationReport report = Rotate(KeysOf(kOldKey, kNewKey));
  ASSERT_EQ(report.unreadable.size(), 1U);
  EXPECT_TRUE(report.unreadable[0].place.starts_with("secrets.value: id=9"));
}

TEST_F(SqliteRotationTest, FormsOfBlobsAreKept) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  SecretBlob form;
  form.names_cipher = false;
  const auto alike = [&form](const std::string& text) {
    return std::string(
        AsText(form.EncryptAlike(known_answers::Secret(text), known_answers::Secret(kOldKey)).ToBytes()));
  };
  grafana.AddDataSource("7", GrafanaRows::Map("password", alike("without-a-name-of-the-cipher")));
  form.names_cipher = form.empty_name = true;
  grafana.AddDataSource("8", GrafanaRows::Map("password", alike("with-an-empty-name")));
  MakeFile(grafana);
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey)).ValueCount(), kPlantedValues + 2);
  EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 7 password"), "without-a-name-of-the-cipher");
  EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 8 password"), "with-an-empty-name");
  const auto starts = [this](const std::string& id) {
    const std::string json = Value("SELECT secure_json_data FROM data_source WHERE id = " + id);
    const std::size_t begin = json.find(":\"") + 2;
    return std::string(AsText(*FromBase64(json.substr(begin, json.size() - begin - 2)))).substr(0, 2);
  };
  EXPECT_NE(starts("7").front(), '*');
  EXPECT_EQ(starts("8"), "**");
}

TEST_F(SqliteRotationTest, AnEmptyValueIsAValue) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  const std::string empty = GrafanaRows::Map("password", grafana.Legacy(""));
  grafana.AddDataSource("7", empty);
  MakeFile(grafana);
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey)).ValueCount(), kPlantedValues + 1);
  EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 7 password"), "");
  EXPECT_NE(Value("SELECT secure_json_data FROM data_source WHERE id = 7"), empty);
}

TEST_F(SqliteRotationTest, CiphersMayBeMixed) {
  GrafanaRows grafana{std::string(kOldKey), BlobCipher::kAesCfb};
  PlantEverything(grafana);
  GrafanaRows other{std::string(kOldKey), BlobCipher::kAesGcm};
  other.AddDataKey("g1");
  CopyDataKeys(other, grafana);
  grafana.AddDataSource("7", GrafanaRows::Map("password", other.Envelope("g1", "x")));
  grafana.AddDataSource("8", GrafanaRows::Map("password", other.Legacy("y")));
  MakeFile(grafana);
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey)).data_keys, 3U);
  const Plaintexts read = Read(kNewKey);
  EXPECT_EQ(read.at("data_source.secure_json_data 2 password"), "a-password-from-before-data-keys");
  EXPECT_EQ(read.at("data_source.secure_json_data 7 password"), "x");
  EXPECT_EQ(read.at("data_source.secure_json_data 8 password"), "y");
  EXPECT_EQ(Read(kOldKey).at("data_source.secure_json_data 8 password"), "?") << "its tag says so";
}

TEST_F(SqliteRotationTest, BackupIsTheDatabaseAsItWas) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  for (const std::string mode : {"DELETE", "WAL"}) {
    ASSERT_TRUE(RemoveTree(path_).ok());
    MakeFile(grafana, "PRAGMA journal_mode=" + mode + ";");
    const Plaintexts before = Read(kOldKey);
    RotationOptions options;
    options.backup = folder_ / ("backup-" + mode);
    EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey), options).refusal, RotationRefusal::kNone);
    EXPECT_EQ(ReadFrom(options.backup, kOldKey), before);
    EXPECT_EQ(FactsOf(options.backup)->permissions, 0600U);
    EXPECT_EQ(RunSqlite(options.backup, "PRAGMA integrity_check"), SQLITE_OK);
    const auto again = TryRotate(KeysOf(kNewKey, kOldKey), options);
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().code(), ErrorCode::kAlreadyExists);
    EXPECT_EQ(ReadFrom(options.backup, kOldKey), before) << "it was not replaced";
    EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 2 password"), "a-password-from-before-data-keys");
  }
  EXPECT_EQ(*ListDirectory(folder_.path(), 10), (Places{"backup-DELETE", "backup-WAL", "grafana.db"}));
}

TEST_F(SqliteRotationTest, AFailureBeforeTheCommitLeavesEverythingAndNoBackup) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeFile(grafana);
  const std::string before = Bytes();
  RotationOptions options;
  options.backup = folder_ / "backup.db";
  const auto failed = TryRotate(KeysOf(kOldKey, kNewKey), options,
                                []() -> Status { return Error(ErrorCode::kUnavailable, "no vault"); });
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message(), "no vault");
  EXPECT_TRUE(Bytes() == before);
  EXPECT_EQ(*ListDirectory(folder_.path(), 10), Places{"grafana.db"});
}

TEST_F(SqliteRotationTest, PlanSaysWhatRotateDoesAndTouchesNothing) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeFile(grafana);
  const std::string before = Bytes();
  SqliteRows rows(path_);
  const auto planned = PlanRotation(rows, KeysOf(kOldKey, kNewKey), {});
  ASSERT_TRUE(planned.ok());
  EXPECT_TRUE(Bytes() == before);
  const RotationReport done = Rotate(KeysOf(kOldKey, kNewKey));
  EXPECT_EQ(planned->rows, done.rows);
  EXPECT_EQ(planned->values, done.values);
  EXPECT_EQ(planned->data_keys, done.data_keys);
  EXPECT_EQ(done.rows, kPlantedRows);
}

TEST_F(SqliteRotationTest, TheSecretsManagersKeyIsAnother) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  grafana.AddManagerKey("m1");
  grafana.rows.Add("secret_data_key", {{"uid", "m2"}, {"provider", "secret_key.v2"}, {"encrypted_data", "x"}});
  grafana.rows.Add("secret_encrypted_value", {{"namespace", "default"},
                                              {"name", "n"},
                                              {"version", "1"},
                                              {"encrypted_data", grafana.WithoutId("m1", "a-secure-value")},
                                              {"data_key_id", "m1"}});
  MakeFile(grafana);
  const std::string key = "SELECT quote(encrypted_data) FROM secret_data_key WHERE uid = 'm1'";
  const std::string before = Value(key);
  EXPECT_EQ(Rotate(KeysOf(kOldKey, kNewKey)).data_keys, 2U);
  EXPECT_EQ(Value(key), before);
  RotationOptions options;
  options.which = GrafanaKey::kSecretsManager;
  const RotationReport report = Rotate(KeysOf(kOldKey, "managers-new-key"), options);
  EXPECT_EQ(report.refusal, RotationRefusal::kNone);
  EXPECT_EQ(report.data_keys, 1U);
  EXPECT_EQ(report.data_keys_of_others, 1U);
  EXPECT_EQ(report.envelopes, 1U);
  EXPECT_EQ(report.sessions, 0U);
  EXPECT_NE(Value(key), before);
  EXPECT_EQ(Rotate(KeysOf(kOldKey, "x"), options).refusal, RotationRefusal::kOpensNothing);
}

TEST_F(SqliteRotationTest, ADatabaseOfSomethingElseIsRefused) {
  ASSERT_EQ(RunSqlite(path_, "CREATE TABLE t (v)"), SQLITE_OK);
  const auto report = TryRotate(KeysOf(kOldKey, kNewKey));
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), ErrorCode::kInvalidArgument);
}

// A writer that does not do what it says.
class ForgetfulCells final : public CellWriter {
 public:
  ForgetfulCells(std::unique_ptr<CellWriter> cells, std::size_t forgets) : cells_(std::move(cells)), left_(forgets) {}
  Result<std::vector<FoundTable>> Read(std::span<const WantedTable> wanted, const OnLockedRow& on_row) override {
    return cells_->Read(wanted, on_row);
  }
  Status BackUp(const std::string& path, std::span<const RowChange> changes) override {
    return cells_->BackUp(path, changes);
  }
  Status Update(const RowChange& change) override { return left_-- == 0 ? Status() : cells_->Update(change); }
  Status Commit() override {
    ADD_FAILURE() << "it was committed";
    return {};
  }

 private:
  std::unique_ptr<CellWriter> cells_;
  std::size_t left_;
};

TEST_F(SqliteRotationTest, ALostWriteIsNoticedBeforeTheCommit) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeFile(grafana);
  const std::string before = Bytes();
  for (const std::size_t forgets : {0U, 1U, 2U, 7U, 13U}) {
    auto cells = SqliteCells::Open({.path = path_, .busy_timeout_ms = 0, .vfs = ""});
    ASSERT_TRUE(cells.ok());
    ForgetfulCells forgetful(std::move(*cells), forgets);
    const auto report = grafana::Rotate(forgetful, KeysOf(kOldKey, kNewKey), {}, [] { return Status(); });
    ASSERT_FALSE(report.ok()) << forgets;
    EXPECT_EQ(report.error().code(), ErrorCode::kInternal);
  }
  EXPECT_TRUE(Bytes() == before);
}

}  // namespace
}  // namespace coffer::grafana
