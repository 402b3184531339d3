// What the owner of a database hangs on it must not run with the rights of a superuser who looks at it.
//
// Each trap writes a file, which only a superuser's rights can do, and each is shown to work before it is walked past.
#include <filesystem>

#include "db/census.h"
#include "db/check.h"
#include "db/cipher_rows.h"
#include "db/dump.h"
#include "db/plan.h"
#include "db/plan_figures.h"
#include "tests/db/engines.h"

namespace coffer::db {
namespace {

constexpr const char* kTable =
    "CREATE TABLE connection (id int PRIMARY KEY, password bytea, note text);"
    "INSERT INTO connection VALUES (1, '\\x00', 'a');";
// Written by the superuser, granted as applications' tables are.
constexpr const char* kHisTable =
    "RESET ROLE; CREATE TABLE connection (id int PRIMARY KEY, password bytea, note text);"
    "INSERT INTO connection VALUES (1, '\\x00', 'a'); GRANT ALL ON connection TO owner; SET ROLE owner;";
constexpr const char* kRead = "SELECT count(*) FROM public.connection";
constexpr const char* kWrite = "UPDATE public.connection SET password = '\\x01'";

struct Hostile {
  const char* name;
  std::string sql;      // run as the owner
  std::string trigger;  // what a superuser would do in good faith
};

// pure() is what an index takes; trap() is what it then calls.
class HostileOwnerTest : public testing::TestWithParam<Hostile> {
 protected:
  void SetUp() override {
    if (!Database::IsThere(Engine::kPostgres)) GTEST_SKIP() << "no PostgreSQL";
    database_.emplace(Engine::kPostgres);
    sign_ = SharedServer()->folder() + "/ran";
    std::filesystem::remove(sign_);
    ASSERT_TRUE(database_->Run(database_->Named("GRANT CREATE ON DATABASE :db TO owner")));
    ASSERT_TRUE(
        Run("CREATE FUNCTION trap() RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
            " EXECUTE $c$COPY (SELECT 1) TO '" +
            sign_ +
            "'$c$; RETURN 1; EXCEPTION WHEN insufficient_privilege THEN RETURN 1; END $$;"
            "CREATE FUNCTION pure(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;"
            "CREATE FUNCTION alert() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM public.trap(); RETURN NEW; END $$"));
  }

  void Arm() {
    ASSERT_TRUE(
        Run("CREATE OR REPLACE FUNCTION pure(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
            " $$ BEGIN RETURN public.trap(); END $$"));
  }
  bool Run(const std::string& sql) { return database_->Run("SET ROLE owner;" + sql); }
  Source Superuser() { return database_->source("postgres"); }
  bool Ran() {
    const bool ran = std::filesystem::exists(sign_);
    std::filesystem::remove(sign_);
    return ran;
  }
  // A superuser who takes no care.
  void SpringIt(const std::string& sql) {
    PostgresOptions options;
    options.connection = Superuser().location;
    const auto server = PostgresConnection::Open(options);
    ASSERT_TRUE(server.ok());
    static_cast<void>((*server)->Execute(sql));
    ASSERT_TRUE(Ran()) << "the trap does not work";
  }

  EncryptedColumn Column() const {
    EncryptedColumn column;
    column.field = "shop.connection.password";
    column.place = {{"", "connection"}, "password"};
    return column;
  }
  Status Census() {
    const std::vector<ColumnPlace> places = {Column().place};
    const auto census = TakeCensus(Superuser(), places, SystemClock());
    return census.ok() ? Status() : census.error();
  }
  Status Rewrap() {
    const auto rows = OpenCipherRows(Superuser(), Column());
    if (!rows.ok()) return rows.error();
    const auto page = (*rows)->ReadPage(nullptr, 10, {});
    if (!page.ok()) return page.error();
    const std::string fresh = "\x02";
    const std::vector<Replacement> all = {{&page->values.at(0).key, page->values.at(0).ciphertext, fresh}};
    const auto replaced = (*rows)->Replace(all);
    return replaced.ok() ? Status() : replaced.error();
  }
  Status Plan() {
    PlanOptions options;
    options.count = true;
    options.sample = 10;
    const auto plan = MakePlan(Superuser(), options);
    return plan.ok() ? Status() : plan.error();
  }
  Status Check() {
    const auto catalog = policy::ParseCatalog(
        "scope = \"shop\"\n[field.\"connection.password\"]\nclass = \"pii\"\nkeyring = \"shop\"\nrow = \"int64\"\n"
        "[field.\"connection.note\"]\nclass = \"pii\"\nkeyring = \"shop\"\nrow = \"int64\"\n");
    EXPECT_TRUE(catalog.ok());
    const auto report = CheckDatabase(Superuser(), {&*catalog, {}});
    return report.ok() ? Status() : report.error();
  }
  // Of texts alone, which no census counts.
  Status CheckTexts() {
    const auto catalog = policy::ParseCatalog(
        "scope = \"shop\"\n[field.\"connection.note\"]\nclass = \"pii\"\nkeyring = \"shop\"\nrow = \"int64\"\n");
    EXPECT_TRUE(catalog.ok());
    const auto report = CheckDatabase(Superuser(), {&*catalog, {}});
    return report.ok() ? Status() : report.error();
  }
  Status Dump(std::uint32_t sample) {
    DumpOptions options;
    options.sample = sample;
    options.pg_dump = PostgresServer::Programs() + "/pg_dump";
    const auto report = DumpRedacted(Superuser(), options, [](std::string_view) { return Status(); });
    return report.ok() ? Status() : report.error();
  }
  std::vector<std::pair<std::string, Status>> All() {
    return {{"census", Census()},          {"rewrap", Rewrap()}, {"plan", Plan()},          {"check", Check()},
            {"check texts", CheckTexts()}, {"dump", Dump(0)},    {"sampled dump", Dump(10)}};
  }

  std::optional<Database> database_;
  std::string sign_;
};

using HostileTableTest = HostileOwnerTest;

INSTANTIATE_TEST_SUITE_P(
    Traps, HostileTableTest,
    testing::Values(
        Hostile{"IndexExpression", std::string(kTable) + "CREATE INDEX ON connection ((id + public.pure(1)))", kRead},
        Hostile{"Statistics",
                std::string(kTable) + "CREATE STATISTICS s ON (id + public.pure(1)), note FROM connection",
                "SELECT count(*) FROM public.connection WHERE id > 0"},
        Hostile{"IndexOfAPartition",
                "RESET ROLE; CREATE TABLE connection (id int, password bytea, note text) PARTITION BY LIST (id);"
                "ALTER TABLE connection ADD PRIMARY KEY (id);"
                "CREATE TABLE part PARTITION OF connection FOR VALUES IN (1); ALTER TABLE part OWNER TO owner;"
                "SET ROLE owner; CREATE INDEX ON part ((id + public.pure(1)))",
                kRead},
        Hostile{"Trigger",
                std::string(kTable) + "CREATE TRIGGER t BEFORE UPDATE ON connection FOR EACH ROW EXECUTE"
                                      " FUNCTION alert()",
                kWrite},
        Hostile{"TriggerOnAnothersTable",
                std::string(kHisTable) + "CREATE TRIGGER t BEFORE UPDATE ON connection FOR EACH ROW EXECUTE"
                                         " FUNCTION alert()",
                kWrite},
        Hostile{"FunctionInAnothersIndex",
                std::string(kHisTable) + "RESET ROLE; CREATE INDEX ON connection ((id + public.pure(1)))", kRead},
        Hostile{
            "OperatorInAnothersCheck",
            std::string(kHisTable) +
                "CREATE FUNCTION same(int, int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT public.pure($1) = 1';"
                "CREATE OPERATOR === (FUNCTION = same, LEFTARG = int, RIGHTARG = int); RESET ROLE;"
                "ALTER TABLE connection ADD CHECK (id OPERATOR(public.===) 1)",
            kWrite},
        Hostile{"DomainOfAnother",
                std::string(kHisTable) +
                    "CREATE DOMAIN sealed AS bytea CHECK (public.pure(length(VALUE)) = 1); RESET ROLE;"
                    "ALTER TABLE connection ALTER password TYPE sealed",
                kWrite}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(HostileTableTest, IsRefusedToASuperuser) {
  ASSERT_TRUE(Run(database_->Named(GetParam().sql)));
  Arm();
  SpringIt(GetParam().trigger);
  for (const auto& [what, done] : All()) {
    ASSERT_FALSE(done.ok()) << what;
    EXPECT_EQ(done.error().code(), ErrorCode::kPermissionDenied) << what << ": " << done.error().ToString();
    EXPECT_FALSE(Ran()) << what;
  }
}

TEST_P(HostileTableTest, ItsSchemaMayBeRead) {
  ASSERT_TRUE(Run(database_->Named(GetParam().sql)));
  Arm();
  const auto plan = MakePlan(Superuser(), {});
  EXPECT_TRUE(plan.ok()) << plan.error().ToString();
  EXPECT_FALSE(Ran());
}

class HostileNamesTest : public HostileOwnerTest {};

// What the search_path finds is not what is called.
TEST_F(HostileNamesTest, FunctionsAndOperatorsOfTheSearchPathAreNotCalled) {
  ASSERT_TRUE(Run(
      "CREATE SCHEMA evil; CREATE FUNCTION evil.same(bytea, bytea) RETURNS bool LANGUAGE sql AS"
      " 'SELECT public.trap() = 1'; CREATE OPERATOR evil.= (FUNCTION = evil.same, LEFTARG = bytea, RIGHTARG = bytea);"
      "CREATE FUNCTION evil.format(text, text) RETURNS text LANGUAGE sql AS 'SELECT public.trap()::text';"
      "CREATE FUNCTION evil.substring(bytea, int, int) RETURNS bytea LANGUAGE sql AS"
      " 'SELECT public.trap(); SELECT $1'; CREATE FUNCTION evil.octet_length(bytea) RETURNS int LANGUAGE sql AS"
      " 'SELECT public.trap()'; CREATE FUNCTION evil.current_database() RETURNS name LANGUAGE sql AS"
      " 'SELECT public.trap()::text::name'"));
  ASSERT_TRUE(Run(database_->Named(std::string(kHisTable) +
                                   "RESET ROLE; ALTER DATABASE :db SET search_path = evil, pg_catalog, public")));
  SpringIt("SELECT substring(password, 1, 2) = '\\x00' FROM public.connection");
  for (const auto& [what, done] : All()) {
    EXPECT_TRUE(done.ok()) << what << ": " << done.error().ToString();
    EXPECT_FALSE(Ran()) << what;
  }
}

TEST_F(HostileNamesTest, CastsAndPoliciesOfOthersAreNotAsked) {
  ASSERT_TRUE(Run(std::string(kHisTable) +
                  "RESET ROLE; CREATE TABLE kinds (id int, kind text); SET ROLE owner;"
                  "CREATE TYPE kind AS ENUM ('a'); CREATE FUNCTION told(kind) RETURNS text"
                  " LANGUAGE sql AS 'SELECT public.trap()::text';"
                  "CREATE CAST (kind AS text) WITH FUNCTION told(kind) AS IMPLICIT; RESET ROLE;"
                  "ALTER TABLE connection ENABLE ROW LEVEL SECURITY;"
                  "ALTER TABLE connection FORCE ROW LEVEL SECURITY;"
                  "CREATE POLICY p ON connection USING (public.trap() = 1)"));
  SpringIt("SELECT 'a'::public.kind::text");
  for (const auto& [what, done] : All()) {
    EXPECT_TRUE(done.ok()) << what << ": " << done.error().ToString();
    EXPECT_FALSE(Ran()) << what;
  }
}

TEST_F(HostileNamesTest, AViewUnderTheTablesNameIsNotRead) {
  ASSERT_TRUE(Run("CREATE VIEW connection AS SELECT 1 AS id, '\\x00'::bytea AS password, public.trap()::text AS note"));
  SpringIt(std::string("SELECT note FROM public.connection"));
  EXPECT_FALSE(Census().ok());
  EXPECT_FALSE(Rewrap().ok());
  static_cast<void>(Plan());
  static_cast<void>(Check());
  static_cast<void>(Dump(10));
  EXPECT_FALSE(Ran());
}

// Its schema's owner may put another table under its name at any moment.
TEST_F(HostileNamesTest, ATableInAnothersSchemaIsRefused) {
  ASSERT_TRUE(database_->Run(
      database_->Named("CREATE SCHEMA shop AUTHORIZATION owner; ALTER DATABASE :db SET search_path = shop;"
                       "CREATE TABLE shop.connection (id int PRIMARY KEY, password bytea, note text);"
                       "INSERT INTO shop.connection VALUES (1, '\\x00', 'a')")));
  for (const auto& [what, done] : All()) {
    ASSERT_FALSE(done.ok()) << what;
    EXPECT_EQ(done.error().code(), ErrorCode::kPermissionDenied) << what;
  }
  ASSERT_TRUE(database_->Run("ALTER SCHEMA shop OWNER TO postgres"));
  for (const auto& [what, done] : All()) EXPECT_TRUE(done.ok()) << what << ": " << done.error().ToString();
}

// Statements' texts are a function's of an extension, beside which its schema's owner may put another.
TEST_F(HostileNamesTest, AFunctionWithAnExtensionsNameIsNotCalled) {
  ASSERT_TRUE(
      Run("CREATE SCHEMA stats; CREATE FUNCTION stats.pg_stat_statements(bool) RETURNS TABLE (query text)"
          " LANGUAGE sql AS 'SELECT public.trap()::text'"));
  SpringIt("SELECT * FROM stats.pg_stat_statements(true)");
  const auto schema = ReadSchema(Superuser());
  ASSERT_TRUE(schema.ok());
  EXPECT_FALSE(schema->has_statement_texts);
  EXPECT_FALSE(Ran());
}

}  // namespace
}  // namespace coffer::db
