// Rows of a real PostgreSQL, and of the dumps that its own programs make.
#include <algorithm>
#include <filesystem>
#include <stdlib.h>

#include "io/file.h"
#include "plugins/grafana/cells/open_cells.h"
#include "plugins/grafana/database/dump_rows.h"
#include "plugins/grafana/database/open_rows.h"
#include "plugins/grafana/database/postgres_rows.h"
#include "plugins/grafana/database/postgres_tables.h"
#include "tests/plugins/grafana/database/read_all.h"
#include "tests/support/postgres_server.h"

namespace coffer::grafana {
namespace {

using Texts = std::vector<std::string>;

constexpr std::uint64_t kFileLimit = 16 * 1024 * 1024;

const std::vector<WantedTable> kWanted = {
    {"user", {"login", "id"}, true},
    {"data_keys", {"name", "encrypted_data", "active"}},
    {"plugin_setting", {"id"}, true},
    {"data_source", {"id", "secure_json_data", "password", "updated"}},
};

// As Grafana's, with what is hard to write into a dump.
constexpr const char* kGrafana = R"sql(
CREATE TABLE data_keys (name varchar(100) PRIMARY KEY, active boolean NOT NULL, encrypted_data bytea);
INSERT INTO data_keys VALUES ('k1', true, '\x2a00ff0a5c0927'), ('k2', false, ''), ('k3', true, NULL);
CREATE TABLE data_source (id serial PRIMARY KEY, gone int, "user" text, secure_json_data text, updated timestamp);
ALTER TABLE data_source DROP COLUMN gone;
INSERT INTO data_source VALUES (1, 'u', '{"password":"a\nb\\"}', '2024-01-02 03:04:05'), (2, NULL, NULL, NULL),
  (3, '', E'\\N \t\n\r\b\f\x0b\x01''"$$ grün \\. \\x2a', NULL), (-4, '', '\.', NULL), (5, '', '\x2a', NULL),
  (6, '', '', NULL);
CREATE TABLE "user" (id bigint, login text) PARTITION BY RANGE (id);
CREATE TABLE user_1 PARTITION OF "user" FOR VALUES FROM (0) TO (100);
INSERT INTO "user" VALUES (1, 'admin');
CREATE VIEW plugin_setting AS SELECT 1 AS id;
CREATE TABLE annotation (text text);
INSERT INTO annotation SELECT E'COPY public.data_source (id) FROM stdin;\n9\n\\.\n' FROM generate_series(1, 100);
CREATE FUNCTION add() RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO data_source (id) VALUES (9); END;
COMMENT ON TABLE data_source IS E'x\n-- PostgreSQL database dump complete\n';
)sql";

class ServerRowsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (PostgresServer::Programs().empty()) return;
    server_ = PostgresServer::Start();
    if (server_ == nullptr) return;
    Run("postgres", "CREATE DATABASE grafana");
    Run("grafana", kGrafana);
  }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (PostgresServer::Programs().empty()) GTEST_SKIP() << "no PostgreSQL server";
    ASSERT_NE(server_, nullptr);
  }

  static void Run(const std::string& database, const std::string& sql, const std::string& user = "postgres") {
    const auto connection = PostgresConnection::Open({.connection = server_->Url(database, user)});
    ASSERT_TRUE(connection.ok()) << connection.error().ToString();
    const Status done = (*connection)->Execute(sql);
    ASSERT_TRUE(done.ok()) << done.error().ToString();
  }

  static Result<AllRows> Read(const std::string& source, std::span<const WantedTable> wanted = kWanted) {
    COFFER_ASSIGN_OR_RETURN(const auto rows, OpenRows(source));
    COFFER_ASSIGN_OR_RETURN(AllRows all, ReadAll(*rows, wanted));
    std::sort(all.tables.begin(), all.tables.end());
    return all;
  }
  static AllRows ReadWhole(const std::string& source) {
    const auto all = Read(source);
    EXPECT_TRUE(all.ok()) << source << " " << all.error().ToString();
    return all.ok() ? *all : AllRows();
  }
  static ErrorCode ReadError(const std::string& source) {
    const auto all = Read(source);
    EXPECT_FALSE(all.ok()) << source;
    return all.ok() ? ErrorCode::kInternal : all.error().code();
  }
  // The path of a dump of the database.
  static std::string Dump(std::vector<std::string> arguments, const std::string& pgoptions = "",
                          const std::string& database = "grafana") {
    arguments.push_back(database);
    EXPECT_EQ(server_->Run("pg_dump", arguments, "dump", pgoptions), 0);
    return server_->folder() + "/dump";
  }

  static std::unique_ptr<PostgresServer> server_;
};

std::unique_ptr<PostgresServer> ServerRowsTest::server_;

TEST_F(ServerRowsTest, OrdinaryAndPartitionedTablesAreReadAndTheRestIsToldOf) {
  const AllRows all = ReadWhole(server_->Url("grafana"));
  const std::string blob("\x2a\x00\xff\x0a\x5c\x09\x27", 7);
  EXPECT_EQ(all.rows,
            (Texts{"user: admin|1", "data_keys: k1|" + blob + "|true", "data_keys: k2||false", "data_keys: k3|~|true",
                   "data_source: 1|{\"password\":\"a\\nb\\\\\"}|~|2024-01-02 03:04:05", "data_source: 2|~|~|~",
                   "data_source: 3|\\N \t\n\r\b\f\v\x01'\"$$ gr\u00fcn \\. \\x2a|~|~", "data_source: -4|\\.|~|~",
                   "data_source: 5|\\x2a|~|~", "data_source: 6||~|~"}));
  EXPECT_EQ(all.tables, (Texts{"data_keys 3 name encrypted_data active", "data_source 6 id secure_json_data updated",
                               "plugin_setting is view", "user 1 login id"}));
}

TEST_F(ServerRowsTest, WhatIsNoTableIsToldOfWhereItMayBeThere) {
  Run("postgres", "CREATE DATABASE others");
  Run("others",
      "CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER far FOREIGN DATA WRAPPER elsewhere;"
      "CREATE MATERIALIZED VIEW data_keys AS SELECT 'k'::text AS name; CREATE SEQUENCE plugin_setting;"
      "CREATE FOREIGN TABLE data_source (id int) SERVER far;"
      "CREATE TABLE \"user\" (id bigint, login text) PARTITION BY RANGE (id);"
      "CREATE TABLE near PARTITION OF \"user\" FOR VALUES FROM (0) TO (9) PARTITION BY RANGE (id);"
      "CREATE FOREIGN TABLE far PARTITION OF near FOR VALUES FROM (0) TO (5) SERVER far;"
      "CREATE TABLE alert (id int); CREATE FOREIGN TABLE alerts () INHERITS (alert) SERVER far;"
      "CREATE TABLE org (id int); CREATE TABLE orgs () INHERITS (org); INSERT INTO orgs VALUES (7)");
  const std::vector<WantedTable> wanted = {{"data_keys", {"name"}}, {"plugin_setting", {"id"}}, {"data_source", {"id"}},
                                           {"user", {"login"}},     {"alert", {"id"}},          {"org", {"id"}}};
  const std::string url = server_->Url("others");
  const auto all = Read(url, Lenient(wanted));
  ASSERT_TRUE(all.ok()) << all.error().ToString();
  EXPECT_EQ(all->tables,
            (Texts{"alert is foreign-parts", "data_keys is materialized-view", "data_source is foreign-table",
                   "org 1 id", "plugin_setting is other", "user is foreign-parts"}));
  EXPECT_EQ(all->rows, (Texts{"org: 7"}));
  for (const WantedTable& table : wanted) {
    const std::vector<WantedTable> alone = {table};
    const auto read = Read(url, alone);
    const auto cells = OpenCells(url);
    ASSERT_TRUE(cells.ok());
    const auto locked = (*cells)->Read(alone, [](std::string_view, const ReadRow&) { return Status(); });
    ASSERT_EQ(read.ok(), table.name == "org") << table.name;
    ASSERT_EQ(locked.ok(), table.name == "org") << table.name;
    if (read.ok()) continue;
    EXPECT_EQ(read.error().code(), ErrorCode::kInvalidArgument) << table.name;
    EXPECT_EQ(locked.error().ToString(), read.error().ToString());
  }
}

// A part that became foreign since Find.
TEST_F(ServerRowsTest, TableThatGotForeignPartsIsAConflict) {
  Run("postgres", "CREATE DATABASE growing");
  Run("growing", "CREATE TABLE data_source (id int)");
  const auto connection = PostgresConnection::Open({.connection = server_->Url("growing")});
  ASSERT_TRUE(connection.ok());
  const auto tables = PostgresTables::Open(**connection);
  ASSERT_TRUE(tables.ok());
  const auto found = tables->Find("data_source").value();
  ASSERT_TRUE(found && found->kind == TableKind::kTable);
  EXPECT_TRUE(tables->Define("data_source", found->name, {"id"}, PostgresLock::kForReading).ok());
  Run("growing",
      "CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER far FOREIGN DATA WRAPPER elsewhere;"
      "CREATE FOREIGN TABLE part () INHERITS (data_source) SERVER far");
  const auto definition = tables->Define("data_source", found->name, {"id"}, PostgresLock::kForReading);
  ASSERT_FALSE(definition.ok());
  EXPECT_EQ(definition.error().code(), ErrorCode::kConflict);
}

TEST_F(ServerRowsTest, TablesAreThoseOfTheSearchPath) {
  Run("postgres", "CREATE DATABASE two");
  Run("two",
      "CREATE TABLE data_source (id int); INSERT INTO data_source VALUES (1); CREATE SCHEMA \"My Grafana\";"
      "CREATE TABLE \"My Grafana\".data_source (id int); INSERT INTO \"My Grafana\".data_source VALUES (2)");
  EXPECT_EQ(ReadWhole(server_->Url("two")).rows, (Texts{"data_source: 1|~|~|~"}));
  Run("two", "ALTER DATABASE two SET search_path = \"My Grafana\", public");
  EXPECT_EQ(ReadWhole(server_->Url("two")).rows, (Texts{"data_source: 2|~|~|~"}));
  EXPECT_EQ(ReadError(Dump({}, "", "two")), ErrorCode::kInvalidArgument);  // which of the two?
  EXPECT_EQ(ReadWhole(Dump({"--schema=public"}, "", "two")).rows, (Texts{"data_source: 1|~|~|~"}));
}

TEST_F(ServerRowsTest, DumpsOfEveryKindHaveTheServersRows) {
  const AllRows all = ReadWhole(server_->Url("grafana"));
  // The order of tables is the dump's, and a partitioned table's rows are its parts'.
  const auto expected = [&all](bool has_users) {
    AllRows sorted = all;
    std::sort(sorted.rows.begin(), sorted.rows.end());
    if (!has_users) {
      sorted.rows.pop_back();
      sorted.tables.back() = "user is partitioned";
    }
    return sorted;
  };
  for (const Texts& arguments : std::vector<Texts>{{"--format=plain"},
                                                   {"--inserts"},
                                                   {"--column-inserts"},
                                                   {"--rows-per-insert=2", "--on-conflict-do-nothing"},
                                                   {"--clean", "--if-exists", "--create"}}) {
    for (const std::string options : {"", "-c bytea_output=escape", "-c standard_conforming_strings=off"}) {
      AllRows dumped = ReadWhole(Dump(arguments, options));
      std::sort(dumped.rows.begin(), dumped.rows.end());
      EXPECT_EQ(dumped.rows, expected(false).rows) << arguments.front() << " " << options;
      EXPECT_EQ(dumped.tables, expected(false).tables) << arguments.front() << " " << options;
    }
  }
  AllRows dumped = ReadWhole(Dump({"--load-via-partition-root"}));
  std::sort(dumped.rows.begin(), dumped.rows.end());
  EXPECT_TRUE(dumped == expected(true));
}

TEST_F(ServerRowsTest, ArchivesHaveTheRowsOfThePlainDump) {
  const AllRows plain = ReadWhole(Dump({}));
  for (const char* format : {"--format=custom", "--format=tar"}) {
    EXPECT_TRUE(ReadWhole(Dump({format})) == plain) << format;
  }
  const std::string folder = server_->folder() + "/folder";
  Dump({"--format=directory", "--file=" + folder});
  EXPECT_TRUE(ReadWhole(folder) == plain);
}

TEST_F(ServerRowsTest, DumpOfTheWholeClusterIsRead) {
  // The other tests have databases of their own.
  ASSERT_EQ(server_->Run("pg_dumpall", {"--exclude-database=[^g]*", "--exclude-database=gr[^a]*"}, "dump"), 0);
  EXPECT_EQ(ReadWhole(server_->folder() + "/dump").rows, ReadWhole(Dump({})).rows);
}

TEST_F(ServerRowsTest, ArchiveThatIsCutShortIsRefused) {
  const std::string path = Dump({"--format=custom"});
  const AllRows all = ReadWhole(path);
  const auto whole = ReadFile(path, kFileLimit);
  ASSERT_TRUE(whole.ok());
  for (const std::size_t left : {whole->size() - 1, whole->size() * 3 / 4, whole->size() / 2, std::size_t{20}}) {
    ASSERT_TRUE(ReplaceFile(path, ByteView(*whole).first(left), 0600).ok());
    const auto cut = Read(path);
    // What is missing may be of another table.
    EXPECT_TRUE(cut.ok() ? *cut == all : cut.error().code() == ErrorCode::kInvalidArgument) << left;
    if (left > whole->size() / 2) continue;
    ASSERT_FALSE(cut.ok()) << left;
    EXPECT_NE(cut.error().message().find("pg_restore cannot read"), std::string_view::npos) << left;
  }
}

TEST_F(ServerRowsTest, DumpsThatDoNotSayEnoughAreRefused) {
  EXPECT_EQ(ReadError(Dump({"--data-only"})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadError(Dump({"--data-only", "--format=custom"})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadError(Dump({"--encoding=LATIN1"})), ErrorCode::kInvalidArgument);
}

TEST_F(ServerRowsTest, ArchiveWithoutPgRestoreIsNotFound) {
  const std::string path = Dump({"--format=custom"});
  const std::string before = ::getenv("PATH");
  ASSERT_EQ(setenv("PATH", server_->folder().c_str(), 1), 0);
  EXPECT_EQ(ReadError(path), ErrorCode::kNotFound);
  ASSERT_EQ(setenv("PATH", before.c_str(), 1), 0);
}

TEST_F(ServerRowsTest, AllRowsAreOfOneMomentAndNoWriterWaits) {
  Run("postgres", "CREATE DATABASE busy");
  Run("busy",
      "CREATE TABLE data_source (id int, secure_json_data text); CREATE TABLE \"user\" (id int, login text);"
      "INSERT INTO data_source SELECT n, repeat('x', 1000) FROM generate_series(1, 1000) n;"
      "INSERT INTO \"user\" VALUES (1, 'old')");
  const auto rows = OpenRows(server_->Url("busy"));
  ASSERT_TRUE(rows.ok());
  const std::vector<WantedTable> wanted = {{"data_source", {"id"}}, {"user", {"login"}}};
  std::size_t count = 0;
  const auto found = (*rows)->Read(wanted, [&](const ReadRow& row) -> Status {
    if (count++ == 0) {
      Run("busy", "SET lock_timeout = '1ms'; UPDATE \"user\" SET login = 'new'; DELETE FROM data_source");
    }
    EXPECT_TRUE(row.table == 0 || AsText(*row.cells[0]) == "old");
    return {};
  });
  ASSERT_TRUE(found.ok()) << found.error().ToString();
  EXPECT_EQ(count, 1'001U);
}

TEST_F(ServerRowsTest, RowsThatTheUserMayNotSeeAreAnError) {
  Run("postgres", "CREATE DATABASE secured");
  Run("secured", "CREATE ROLE reader LOGIN; CREATE TABLE data_source (id int)");
  const std::string url = server_->Url("secured", "reader");
  EXPECT_EQ(ReadError(url), ErrorCode::kPermissionDenied);
  Run("secured", "GRANT SELECT ON data_source TO reader");
  EXPECT_EQ(ReadWhole(url).tables, (Texts{"data_source 0 id"}));
  Run("secured", "ALTER TABLE data_source ENABLE ROW LEVEL SECURITY");
  EXPECT_EQ(ReadError(url), ErrorCode::kPermissionDenied);
}

// Whoever owns the database has code of his own run by nobody who reads it.
TEST_F(ServerRowsTest, NothingOfTheOwnersIsRun) {
  Run("postgres", "CREATE DATABASE trapped");
  // A type of his own, whose cast to text is his.
  Run("trapped",
      "CREATE SCHEMA evil; CREATE TYPE evil.kind AS (x text);"
      "CREATE FUNCTION evil.show(evil.kind) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END';"
      "CREATE CAST (evil.kind AS text) WITH FUNCTION evil.show(evil.kind);"
      "CREATE TABLE data_source (id int, secure_json_data evil.kind, odd evil.kind);"
      "INSERT INTO data_source VALUES (1, ROW('x'), ROW('x'))");
  EXPECT_EQ(ReadError(server_->Url("trapped")), ErrorCode::kInvalidArgument);
  // A column that nobody asks for may be anything.
  Run("trapped", "ALTER TABLE data_source DROP COLUMN secure_json_data");
  EXPECT_EQ(ReadWhole(server_->Url("trapped")).rows, (Texts{"data_source: 1|~|~|~"}));
  // Operators and functions of his own, before PostgreSQL's.
  Run("trapped",
      "CREATE FUNCTION evil.is(oid, oid) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END';"
      "CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.is);"
      "CREATE FUNCTION evil.format_type(oid, int) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; "
      "END';"
      "ALTER DATABASE trapped SET search_path = evil, pg_catalog, public");
  EXPECT_EQ(ReadWhole(server_->Url("trapped")).rows, (Texts{"data_source: 1|~|~|~"}));
}

// An index's expression is evaluated while a statement is planned, whatever the statement.
TEST_F(ServerRowsTest, SuperuserReadsNoTablesOfOthers) {
  Run("postgres", "CREATE DATABASE owned");
  Run("owned",
      "CREATE ROLE table_owner LOGIN; CREATE TABLE data_source (id int); INSERT INTO data_source VALUES (1);"
      "ALTER TABLE data_source OWNER TO table_owner");
  EXPECT_EQ(ReadError(server_->Url("owned")), ErrorCode::kPermissionDenied);
  EXPECT_EQ(ReadWhole(server_->Url("owned", "table_owner")).rows, (Texts{"data_source: 1|~|~|~"}));
  // Nor where only a part of it is another's.
  Run("owned",
      "ALTER TABLE data_source OWNER TO postgres; CREATE TABLE part () INHERITS (data_source);"
      "ALTER TABLE part OWNER TO table_owner");
  EXPECT_EQ(ReadError(server_->Url("owned")), ErrorCode::kPermissionDenied);
  Run("owned", "ALTER TABLE part OWNER TO postgres");
  EXPECT_EQ(ReadWhole(server_->Url("owned")).rows, (Texts{"data_source: 1|~|~|~"}));
  // Nor what computes by another's function.
  Run("owned",
      "CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql RETURN $1 * 2; ALTER FUNCTION twice OWNER TO "
      "table_owner; CREATE INDEX computed ON data_source (twice(id))");
  EXPECT_EQ(ReadError(server_->Url("owned")), ErrorCode::kPermissionDenied);
  Run("owned", "DROP INDEX computed");
  EXPECT_EQ(ReadWhole(server_->Url("owned")).rows, (Texts{"data_source: 1|~|~|~"}));
  // Nor where another could put something else under its name.
  Run("owned", "ALTER SCHEMA public OWNER TO table_owner");
  EXPECT_EQ(ReadError(server_->Url("owned")), ErrorCode::kPermissionDenied);
}

TEST_F(ServerRowsTest, ViewsAreRefusedInEveryStatement) {
  const auto connection = PostgresConnection::Open({.connection = server_->Url("grafana")});
  ASSERT_TRUE(connection.ok());
  const std::string select = "SELECT id::text FROM public.plugin_setting";
  ASSERT_TRUE((*connection)->Execute(select).ok());
  std::string knows;
  ASSERT_TRUE((*connection)
                  ->Query("SELECT count(*)::text FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'", {},
                          [&knows](auto cells) -> Status {
                            knows = AsText(*cells[0]);
                            return {};
                          })
                  .ok());
  if (knows != "1") GTEST_SKIP() << "this server has no restrict_nonsystem_relation_kind";
  ASSERT_TRUE(PostgresTables::Open(**connection).ok());
  EXPECT_FALSE((*connection)->Execute(select).ok());
}

TEST_F(ServerRowsTest, TableThatWasReplacedIsAConflict) {
  const auto connection = PostgresConnection::Open({.connection = server_->Url("grafana")});
  ASSERT_TRUE(connection.ok());
  const auto tables = PostgresTables::Open(**connection);
  ASSERT_TRUE(tables.ok());
  EXPECT_EQ(tables->Find("absent").value(), std::nullopt);
  EXPECT_EQ(tables->Find("plugin_setting").value()->kind, TableKind::kView);
  EXPECT_EQ(tables->Find("data_keys").value()->kind, TableKind::kTable);
  EXPECT_EQ(tables->Find("data_keys").value()->name, "\"public\".\"data_keys\"");
  // As if what Find gave had become a view since.
  const auto definition = tables->Define("plugin_setting", "public.plugin_setting", {"id"}, PostgresLock::kForReading);
  ASSERT_FALSE(definition.ok());
  EXPECT_EQ(definition.error().code(), ErrorCode::kConflict);
}

TEST_F(ServerRowsTest, LockedTableIsUnavailable) {
  Run("postgres", "CREATE DATABASE locked");
  Run("locked", "CREATE TABLE data_source (id int)");
  const auto other = PostgresConnection::Open({.connection = server_->Url("locked")});
  ASSERT_TRUE(other.ok() && (*other)->Execute("BEGIN; LOCK TABLE data_source").ok());
  EXPECT_EQ(ReadError(server_->Url("locked")), ErrorCode::kUnavailable);
}

// Enough for what is asked before, on a busy machine too.
TEST_F(ServerRowsTest, LimitsOfTheRoleDoNotEndALongRead) {
  Run("postgres", "CREATE DATABASE limited");
  Run("limited",
      "CREATE TABLE data_source (id int); INSERT INTO data_source SELECT generate_series(1, 400000);"
      "ALTER DATABASE limited SET statement_timeout = '100ms';"
      "ALTER DATABASE limited SET default_transaction_isolation = 'serializable'");
  const auto all = Read(server_->Url("limited"));
  ASSERT_TRUE(all.ok()) << all.error().ToString();
  EXPECT_EQ(all->rows.size(), 400'000U);
}

TEST_F(ServerRowsTest, ErrorOfARowIsGivenBack) {
  for (const std::string& source : {server_->Url("grafana"), Dump({"--format=custom"})}) {
    const auto rows = OpenRows(source);
    ASSERT_TRUE(rows.ok());
    const auto found =
        (*rows)->Read(kWanted, [](const ReadRow&) -> Status { return Error(ErrorCode::kConflict, "enough"); });
    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.error().ToString(), "enough");
  }
}

}  // namespace
}  // namespace coffer::grafana
