// Rotations on a real PostgreSQL.
#include "io/directory.h"
#include "io/file.h"
#include "plugins/grafana/cells/open_cells.h"
#include "plugins/grafana/cells/postgres_cells.h"
#include "plugins/grafana/database/postgres_rows.h"
#include "plugins/grafana/rotation/rotation.h"
#include "tests/plugins/grafana/rotation/data_key_rows.h"
#include "tests/plugins/grafana/rotation/grafana_file.h"
#include "tests/support/postgres_server.h"

namespace coffer::grafana {
namespace {

class PostgresRotationTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (PostgresServer::Programs().empty()) return;
    server_ = PostgresServer::Start();
  }
  static void TearDownTestSuite() { server_.reset(); }

  // A database for each test.
  void SetUp() override {
    if (PostgresServer::Programs().empty()) GTEST_SKIP() << "no PostgreSQL server";
    ASSERT_NE(server_, nullptr);
    Run("postgres", "DROP DATABASE IF EXISTS grafana");
    Run("postgres", "CREATE DATABASE grafana");
  }
  void MakeDatabase(GrafanaRows& grafana, const std::string& more = "") {
    Run("grafana", SqlOf(grafana.rows, Dialect::kPostgres) + more);
  }

  static Result<std::unique_ptr<PostgresConnection>> Connect(const std::string& user = "postgres") {
    return PostgresConnection::Open({.connection = server_->Url("grafana", user)});
  }
  static void Run(const std::string& database, const std::string& sql) {
    const auto connection = PostgresConnection::Open({.connection = server_->Url(database)});
    ASSERT_TRUE(connection.ok()) << connection.error().ToString();
    const Status done = (*connection)->Execute(sql);
    ASSERT_TRUE(done.ok()) << done.error().ToString();
  }
  // The only value of a query.
  static std::string Value(const std::string& sql) {
    const auto connection = Connect();
    std::string value;
    const Status read = (*connection)->Query(sql, {}, [&value](auto cells) -> Status {
      value = cells[0] ? AsText(*cells[0]) : "~";
      return {};
    });
    EXPECT_TRUE(read.ok()) << read.error().ToString();
    return value;
  }
  // Which transaction wrote each row last.
  static std::string Writers() {
    return Value(
        "SELECT string_agg(xmin::text || ctid::text, ',' ORDER BY xmin::text, ctid) FROM (SELECT xmin, ctid FROM "
        "data_source UNION ALL SELECT xmin, ctid FROM data_keys UNION ALL SELECT xmin, ctid FROM secrets) t");
  }
  static Plaintexts Read(std::string_view key) {
    PostgresRows rows({.connection = server_->Url("grafana")});
    return PlaintextReader(key).Read(rows);
  }
  static RotationKeys KeysOf(std::string_view old_key) {
    RotationKeys keys;
    keys.old.push_back(known_answers::Secret(old_key));
    keys.target = known_answers::Secret(kNewKey);
    return keys;
  }
  static Result<RotationReport> Rotate(
      std::string_view old_key, const RotationOptions& options = {},
      const std::function<Status()>& before_commit = [] { return Status(); }, const std::string& user = "postgres") {
    COFFER_ASSIGN_OR_RETURN(const auto cells, OpenCells(server_->Url("grafana", user)));
    return grafana::Rotate(*cells, KeysOf(old_key), options, before_commit);
  }
  static ErrorCode RotateError(const Result<RotationReport>& report) {
    EXPECT_FALSE(report.ok());
    return report.ok() ? ErrorCode::kInternal : report.error().code();
  }

  static std::unique_ptr<PostgresServer> server_;
  TempDir folder_;
};

std::unique_ptr<PostgresServer> PostgresRotationTest::server_;

// The triggers of a table, and what its indexes and checks compute, are its owner's.
TEST_F(PostgresRotationTest, SuperuserIsRefusedWhereTheTablesAreAnothers) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeDatabase(grafana,
               "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'owner') THEN CREATE ROLE owner LOGIN; "
               "END IF; END $$; ALTER TABLE data_keys OWNER TO owner");
  EXPECT_EQ(RotateError(Rotate(kOldKey)), ErrorCode::kPermissionDenied);
}

// Nor does one who is no superuser, and may run programs on the server: pg_execute_server_program.
TEST_F(PostgresRotationTest, WhoDoesNotOwnTheTablesIsRefusedUnlessASuperuserDoes) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeDatabase(grafana,
               "DROP ROLE IF EXISTS table_owner, helper; CREATE ROLE table_owner LOGIN; CREATE ROLE helper LOGIN;"
               "GRANT pg_execute_server_program TO helper; GRANT ALL ON ALL TABLES IN SCHEMA public TO helper;"
               "ALTER TABLE data_keys OWNER TO table_owner; GRANT ALL ON data_keys TO helper");
  const auto rotate_as = [](const std::string& user) {
    return Rotate(
        kOldKey, {}, [] { return Status(); }, user);
  };
  EXPECT_EQ(RotateError(rotate_as("helper")), ErrorCode::kPermissionDenied);
  Run("grafana", "ALTER TABLE data_keys OWNER TO postgres");
  const auto report = rotate_as("helper");
  EXPECT_TRUE(report.ok()) << report.error().ToString();
  Run("grafana", "DROP OWNED BY helper, table_owner; DROP ROLE helper, table_owner");
}

TEST_F(PostgresRotationTest, EveryValueIsUnderTheNewKeyAndNoneUnderTheOld) {
  for (const BlobCipher cipher : {BlobCipher::kAesCfb, BlobCipher::kAesGcm}) {
    SetUp();
    GrafanaRows grafana{std::string(kOldKey), cipher};
    PlantEverything(grafana);
    MakeDatabase(grafana);
    const std::string kms = "data_keys.encrypted_data kms ";
    Plaintexts expected = Read(kOldKey);
    const auto report = Rotate(kOldKey);
    ASSERT_TRUE(report.ok()) << report.error().ToString();
    EXPECT_EQ(report->refusal, RotationRefusal::kNone);
    EXPECT_EQ(report->data_keys, kPlantedDataKeys);
    EXPECT_EQ(report->ValueCount(), kPlantedValues);
    EXPECT_EQ(report->rows, kPlantedRows);
    ExpectEveryColumn(report->values);
    EXPECT_EQ(report->sessions, 3U);
    Plaintexts under_new = Read(kNewKey);
    const Plaintexts under_old = Read(kOldKey);
    for (Plaintexts* each : {&expected, &under_new}) each->erase(kms);
    EXPECT_EQ(under_new, expected);
    EXPECT_EQ(under_new.at("data_source.secure_json_data 2 password"), "a-password-from-before-data-keys");
    for (const auto& [place, plaintext] : expected) EXPECT_NE(under_old.at(place), plaintext) << place;
  }
}

TEST_F(PostgresRotationTest, ValuesMoveToTheNewestDataKeyAndTheScriptPutsThemBack) {
  GrafanaRows grafana{std::string(kOldKey)};
  grafana.AddDataKey("k");
  grafana.AddDataKey("a-newer-data-key", "secretKey.v1", true, "2026-02-01");
  PlantProof(grafana, "a-newer-data-key");
  PlantEveryColumn(grafana, "k");
  MakeDatabase(grafana);
  const Plaintexts before = Read(kOldKey);
  const auto ids = [] {
    PostgresRows rows({.connection = server_->Url("grafana")});
    return IdsIn(rows);
  };
  DataKeyRotationOptions options;
  options.backup = folder_ / "old-cells.sql";
  const auto move = [&options] {
    const auto cells = PostgresCells::Open({.connection = server_->Url("grafana")});
    EXPECT_TRUE(cells.ok());
    return RotateDataKeys(**cells, known_answers::Secret(kOldKey), options).value();
  };
  const IdsOfColumns ids_before = ids();
  EXPECT_EQ(move().rows, 18U);
  IdsOfColumns expected = IdsExpected("k", "a-newer-data-key");
  expected["data_source.secure_json_data"].insert("a-newer-data-key");
  EXPECT_EQ(ids(), expected);
  EXPECT_EQ(Read(kOldKey), before);
  const auto script = ReadFile(options.backup, 10'000'000);
  ASSERT_TRUE(script.ok());
  Run("grafana", std::string(AsText(*script)));
  EXPECT_EQ(ids(), ids_before);
  EXPECT_EQ(Read(kOldKey), before);

  options.all = true;
  options.backup.clear();
  move();
  EXPECT_EQ(ids(), IdsExpected("a-newer-data-key", "a-newer-data-key"));
  EXPECT_EQ(Read(kOldKey), before);
}

TEST_F(PostgresRotationTest, TextOfAnyKindSurvives) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  grafana.AddDataSource("7", R"({"it's":"\\ \" $1 %s", "p":")" +
                                 GrafanaRows::Base64(grafana.Legacy("a-password-of-some-length")) +
                                 "\", \"gr\xC3\xBCn\":\"\\u00e9\\n\"\n}");
  MakeDatabase(grafana);
  const std::string around =
      "SELECT replace(secure_json_data, substring(secure_json_data from '\"p\":\"([^\"]+)'), '') "
      "FROM data_source WHERE id = 7";
  const std::string before = Value(around);
  ASSERT_TRUE(Rotate(kOldKey).ok());
  EXPECT_EQ(Value(around), before);
  EXPECT_EQ(Read(kNewKey).at("data_source.secure_json_data 7 p"), "a-password-of-some-length");
}

TEST_F(PostgresRotationTest, OnlyChangedRowsAreStampedInUtcAndTimeGoesOn) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeDatabase(grafana,
               "ALTER DATABASE grafana SET timezone = 'Pacific/Kiritimati';"
               "UPDATE data_source SET updated = '2024-01-02 03:04:05';"
               "UPDATE plugin_setting SET updated = '2999-01-02 03:04:05';"
               "ALTER TABLE secrets ALTER updated TYPE timestamptz USING updated AT TIME ZONE 'UTC';");
  ASSERT_TRUE(Rotate(kOldKey).ok());
  EXPECT_EQ(Value("SELECT updated::text FROM data_source WHERE id = 1"), "2024-01-02 03:04:05");
  const std::string recent = " BETWEEN timezone('UTC', now()) - interval '1 hour' AND timezone('UTC', now())";
  EXPECT_EQ(Value("SELECT (updated" + recent + ")::text FROM data_source WHERE id = 2"), "true");
  EXPECT_EQ(Value("SELECT (timezone('UTC', updated)" + recent + ")::text FROM secrets WHERE id = 2"), "true");
  EXPECT_EQ(Value("SELECT updated::text FROM plugin_setting"), "2999-01-02 03:04:06");
}

TEST_F(PostgresRotationTest, AWrongKeyIsRefusedAndNoRowIsWritten) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeDatabase(grafana);
  const std::string before = Writers();
  RotationOptions options;
  options.accept_unreadable = options.accept_unproven = true;
  options.backup = folder_ / "backup.sql";
  const auto report = Rotate("a-wrong-key", options);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->refusal, RotationRefusal::kOpensNothing);
  EXPECT_EQ(Writers(), before);
  EXPECT_FALSE(*Exists(options.backup));
}

TEST_F(PostgresRotationTest, NobodyWritesMeanwhileAndEverybodyReads) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeDatabase(grafana);
  const auto other = Connect();
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE((*other)->Execute("SET lock_timeout = '10ms'").ok());
  const auto report = Rotate(kOldKey, {}, [&other]() -> Status {
    for (const std::string statement :
         {"INSERT INTO data_keys (name) VALUES ('new')", "UPDATE data_source SET name = 'x' WHERE id = 1",
          "DELETE FROM secrets", "INSERT INTO alert_configuration_history (id) VALUES (9)"}) {
      const Status done = (*other)->Execute(statement);
      EXPECT_FALSE(done.ok()) << statement;
      EXPECT_EQ(done.error().path(), "SQLSTATE 55P03");
    }
    EXPECT_TRUE((*other)->Execute("SELECT * FROM data_source; SELECT * FROM data_keys").ok());
    return {};
  });
  EXPECT_TRUE(report.ok());
  EXPECT_TRUE((*other)->Execute("DELETE FROM secrets").ok());
}

TEST_F(PostgresRotationTest, ASessionThatHoldsARowIsWaitedForAndThenLeft) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeDatabase(grafana);
  const auto other = Connect();
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE((*other)->Execute("BEGIN; UPDATE data_source SET name = 'x' WHERE id = 1").ok());
  const auto report = Rotate(kOldKey);
  EXPECT_EQ(RotateError(report), ErrorCode::kUnavailable);
  EXPECT_EQ(report.error().path(), "data_source.SQLSTATE 55P03");
  ASSERT_TRUE((*other)->Execute("COMMIT").ok());
  EXPECT_TRUE(Rotate(kOldKey).ok());
}

TEST_F(PostgresRotationTest, AFailureBeforeTheCommitLeavesEverythingAndNoBackup) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeDatabase(grafana);
  const std::string before = Writers();
  RotationOptions options;
  options.backup = folder_ / "backup.sql";
  const auto report = Rotate(kOldKey, options, []() -> Status { return Error(ErrorCode::kUnavailable, "no vault"); });
  EXPECT_EQ(RotateError(report), ErrorCode::kUnavailable);
  EXPECT_EQ(Writers(), before);
  EXPECT_FALSE(*Exists(options.backup));
}

TEST_F(PostgresRotationTest, BackupPutsTheOldCellsBack) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  grafana.AddDataSource(
      "7", R"({"it's":"\\", "p":")" + GrafanaRows::Base64(grafana.Legacy("a-password-of-some-length")) + "\"}");
  // What names a row may be NULL, or not there yet.
  MakeDatabase(grafana,
               "UPDATE data_source SET uid = NULL WHERE id = 7; ALTER TABLE plugin_setting DROP COLUMN org_id;"
               "UPDATE secrets SET org_id = NULL; ALTER TABLE secrets ALTER org_id TYPE bigint USING org_id::bigint");
  const Plaintexts expected = Read(kOldKey);
  RotationOptions options;
  options.backup = folder_ / "backup.sql";
  ASSERT_TRUE(Rotate(kOldKey, options).ok());
  EXPECT_EQ(FactsOf(options.backup)->permissions, 0600U);
  EXPECT_NE(Read(kOldKey), expected);
  const auto undo = [&options] {
    return server_->Run(
        "psql", {"--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", "grafana", "--file", options.backup},
        "psql.out");
  };
  // Nothing is put back when a value was changed since.
  const std::string kept = Value("SELECT secure_json_data FROM data_source WHERE id = 2");
  Run("grafana", "UPDATE data_source SET secure_json_data = '{}' WHERE id = 2");
  const std::string before = Writers();
  EXPECT_NE(undo(), 0);
  EXPECT_EQ(Writers(), before);
  // Names may change.
  Run("grafana", "UPDATE data_source SET secure_json_data = '" + kept +
                     "' WHERE id = 2; UPDATE data_source SET name = 'Renamed', uid = 'another', type = 'mysql'");
  EXPECT_EQ(undo(), 0);
  EXPECT_EQ(Read(kOldKey), expected);
}

TEST_F(PostgresRotationTest, WhoMayOnlyReadIsRefused) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeDatabase(
      grafana,
      "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;");
  EXPECT_EQ(RotateError(Rotate(
                kOldKey, {}, [] { return Status(); }, "reader")),
            ErrorCode::kPermissionDenied);
  Run("grafana", "DROP OWNED BY reader; DROP ROLE reader");
}

TEST_F(PostgresRotationTest, RowsOfPartitionsAreToldApart) {
  GrafanaRows grafana{std::string(kOldKey)};
  PlantEverything(grafana);
  MakeDatabase(grafana,
               "CREATE TABLE parts (LIKE data_source) PARTITION BY RANGE (id);"
               "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (2);"
               "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (2) TO (9);"
               "INSERT INTO parts SELECT * FROM data_source; INSERT INTO parts SELECT 0, org_id, type, uid, name, url, "
               "password, basic_auth_password, json_data, secure_json_data, updated FROM data_source WHERE id = 2;"
               "DROP TABLE data_source; ALTER TABLE parts RENAME TO data_source;");
  ASSERT_TRUE(Rotate(kOldKey).ok());
  const Plaintexts read = Read(kNewKey);
  EXPECT_EQ(read.at("data_source.secure_json_data 0 password"), "a-password-from-before-data-keys");
  EXPECT_EQ(read.at("data_source.secure_json_data 2 password"), "a-password-from-before-data-keys");
}

class PostgresCellsTest : public PostgresRotationTest {
 protected:
  void SetUp() override {
    PostgresRotationTest::SetUp();
    if (server_ == nullptr) return;
    Run("grafana",
        "CREATE TABLE data_keys (name text PRIMARY KEY, encrypted_data bytea, label varchar(20), updated "
        "timestamp); INSERT INTO data_keys VALUES ('k1', '\\x00ff', 'x', NULL)");
    cells_ = PostgresCells::Open({.connection = server_->Url("grafana")}).value();
    const std::vector<WantedTable> wanted = {{"none", {"a"}}, {"data_keys", {"encrypted_data", "missing", "label"}}};
    const auto found = cells_->Read(wanted, [this](std::string_view id, const ReadRow& row) -> Status {
      row_id_ = id;
      EXPECT_EQ(AsText(*row.cells[0]), std::string("\0\xff", 2));
      EXPECT_FALSE(row.cells[1]);
      EXPECT_EQ(AsText(*row.cells[2]), "x");
      return {};
    });
    EXPECT_TRUE(found.ok() && found->size() == 1);
  }
  Status Update(const std::string& bytes_before, const std::string& label_before) {
    const auto of = [](const std::string& text) { return CopyOf(AsBytes(text)); };
    return cells_->Update(
        {"data_keys",
         row_id_,
         {},
         {{"encrypted_data", of(bytes_before), of(std::string("\1\0", 2))}, {"label", of(label_before), of("y")}},
         true});
  }
  ErrorCode UpdateError(const std::string& bytes_before, const std::string& label_before) {
    const Status updated = Update(bytes_before, label_before);
    EXPECT_FALSE(updated.ok());
    return updated.ok() ? ErrorCode::kInternal : updated.error().code();
  }

  std::unique_ptr<PostgresCells> cells_;
  std::string row_id_;
};

TEST_F(PostgresCellsTest, BytesAndTextAreComparedAndSet) {
  ASSERT_TRUE(Update(std::string("\0\xff", 2), "x").ok());
  ASSERT_TRUE(cells_->Commit().ok());
  EXPECT_EQ(Value("SELECT encode(encrypted_data, 'hex') || label || (updated IS NOT NULL)::text FROM data_keys"),
            "0100ytrue");
}

TEST_F(PostgresCellsTest, AnotherValueThanBeforeIsAConflict) {
  EXPECT_EQ(UpdateError("other", "x"), ErrorCode::kConflict);
  EXPECT_EQ(UpdateError(std::string("\0\xff", 2), "X"), ErrorCode::kConflict);
  const std::string right = row_id_;
  row_id_ = right.substr(0, right.find(' ')) + " (7,7)";
  EXPECT_EQ(UpdateError(std::string("\0\xff", 2), "x"), ErrorCode::kConflict);
  row_id_ = "1";
  EXPECT_EQ(UpdateError(std::string("\0\xff", 2), "x"), ErrorCode::kInternal);
  cells_.reset();
  EXPECT_EQ(Value("SELECT label FROM data_keys"), "x");
}

}  // namespace
}  // namespace coffer::grafana
