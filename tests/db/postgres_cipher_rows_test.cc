#include "db/postgres_cipher_rows.h"

#include "tests/db/engines.h"

namespace coffer::db {
namespace {

class PostgresCipherRowsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!Database::IsThere(Engine::kPostgres)) GTEST_SKIP() << "no PostgreSQL";
    database_.emplace(Engine::kPostgres);
    column_.field = "shop.connection.password";
    column_.place = {{"", "connection"}, "password"};
  }

  void Run(const std::string& sql) { ASSERT_TRUE(database_->Run("SET ROLE owner;" + sql)) << sql; }
  Result<std::unique_ptr<CipherRows>> Open() { return OpenCipherRows(database_->source(), column_); }
  // The first value's replacement.
  static Result<std::vector<bool>> ReplaceFirst(CipherRows& rows, const std::string& fresh) {
    COFFER_ASSIGN_OR_RETURN(const Page page, rows.ReadPage(nullptr, 1, {}));
    if (page.values.empty()) return Error(ErrorCode::kNotFound, "the table is empty");
    const std::vector<Replacement> replacements = {{&page.values[0].key, page.values[0].ciphertext, fresh}};
    return rows.Replace(replacements);
  }
  std::unique_ptr<PostgresConnection> Connect(const std::string& user = "owner") {
    PostgresOptions options;
    options.connection = database_->source(user).location;
    auto server = PostgresConnection::Open(options);
    return server.ok() ? std::move(*server) : nullptr;
  }

  std::optional<Database> database_;
  EncryptedColumn column_;
};

TEST_F(PostgresCipherRowsTest, CompositeKeysOfAllKindsArePagedThrough) {
  Run("CREATE DOMAIN part AS text CHECK (VALUE <> 'never');"
      "CREATE TABLE connection (a part, b bytea, c numeric, d timestamptz, e char(4), password bytea,"
      " PRIMARY KEY (a, b, c, d, e));"
      "INSERT INTO connection SELECT 'a\"\\,{}''' || i % 3, decode(to_hex(16 + i % 5), 'hex'), i / 7.0,"
      " '2026-01-01 00:00:00.000001+02'::timestamptz + i * interval '1 hour', 'x' || i % 2, " +
      PostgresBytes(Ciphertext(1)) + " FROM generate_series(1, 100) AS i");
  const auto rows = Open();
  ASSERT_TRUE(rows.ok());
  std::size_t count = 0;
  std::optional<RowKey> last;
  const std::string fresh = Ciphertext(2);
  for (bool more = true; more;) {
    const auto page = (*rows)->ReadPage(last ? &*last : nullptr, 7, {HeaderOf(fresh)});
    ASSERT_TRUE(page.ok()) << page.error().ToString();
    std::vector<Replacement> replacements;
    std::vector<RowKey> keys;
    for (const StoredValue& value : page->values) {
      replacements.push_back({&value.key, value.ciphertext, fresh});
      keys.push_back(value.key);
    }
    EXPECT_EQ((*rows)->ReadRows(keys, {})->size(), keys.size());
    const auto replaced = (*rows)->Replace(replacements);
    ASSERT_TRUE(replaced.ok());
    count += static_cast<std::size_t>(std::count(replaced->begin(), replaced->end(), true));
    if (!page->values.empty()) last = page->values.back().key;
    more = !page->is_last;
  }
  EXPECT_EQ(count, 100U);
}

TEST_F(PostgresCipherRowsTest, BoundValuesAreWhatTheServiceTakes) {
  Run("CREATE TABLE connection (id uuid PRIMARY KEY, flag bool, at timestamptz, small smallint, raw bytea, password "
      "bytea); INSERT INTO connection VALUES ('0F59C6C7-58c1-48aa-aecc-bee13850f419', true,"
      " '2026-01-01 00:00:00.000001+02', -7, '\\x00ff', " +
      PostgresBytes(Ciphertext(1)) + ")");
  column_.row = {{"", ValueType::kUuid}};
  column_.context = {{"flag", {"flag", ValueType::kInt64}},
                     {"at", {"at", ValueType::kInt64}},
                     {"small", {"small", ValueType::kInt64}},
                     {"raw", {"raw", ValueType::kBytes}}};
  const auto rows = Open();
  ASSERT_TRUE(rows.ok());
  const auto page = (*rows)->ReadPage(nullptr, 10, {});
  ASSERT_TRUE(page.ok()) << page.error().ToString();
  EXPECT_EQ(page->values[0].row, std::vector<Cell>{"0f59c6c7-58c1-48aa-aecc-bee13850f419"});
  EXPECT_EQ(page->values[0].context, (std::vector<Cell>{"1", "1767218400000001", "-7", std::string("\0\xff", 2)}));
}

TEST_F(PostgresCipherRowsTest, ARowThatOthersHoldIsPassedBy) {
  Run("CREATE TABLE connection (id int PRIMARY KEY, password bytea); INSERT INTO connection SELECT i, " +
      PostgresBytes(Ciphertext(1)) + " FROM generate_series(1, 3) AS i");
  const auto rows = Open();
  ASSERT_TRUE(rows.ok());
  const auto page = (*rows)->ReadPage(nullptr, 10, {});
  ASSERT_TRUE(page.ok());
  const auto other = Connect();
  ASSERT_NE(other, nullptr);
  ASSERT_TRUE(other->Execute("BEGIN; UPDATE connection SET password = password WHERE id = 2").ok());
  const std::string fresh = Ciphertext(2);
  std::vector<Replacement> replacements;
  for (const StoredValue& value : page->values) replacements.push_back({&value.key, value.ciphertext, fresh});
  EXPECT_EQ(*(*rows)->Replace(replacements), (std::vector<bool>{true, false, true}));
  ASSERT_TRUE(other->Execute("COMMIT").ok());
  EXPECT_EQ(*(*rows)->Replace(replacements), (std::vector<bool>{false, true, false}));
}

TEST_F(PostgresCipherRowsTest, ReadersAreNotHeldUpAndTheTableIsFreeBetweenCalls) {
  Run("CREATE TABLE connection (id int PRIMARY KEY, password bytea); INSERT INTO connection VALUES (1, " +
      PostgresBytes(Ciphertext(1)) + ")");
  const auto rows = Open();
  ASSERT_TRUE(rows.ok());
  ASSERT_TRUE((*rows)->ReadPage(nullptr, 10, {}).ok());
  const auto other = Connect();
  ASSERT_NE(other, nullptr);
  EXPECT_TRUE(other->Execute("SET lock_timeout = '2s'; LOCK TABLE connection IN ACCESS EXCLUSIVE MODE").ok());
}

TEST_F(PostgresCipherRowsTest, ATableThatIsAlteredMeanwhileIsNotTouched) {
  for (const char* change : {"ALTER TABLE connection ADD extra int", "ALTER TABLE connection DROP CONSTRAINT key",
                             "DROP TABLE connection; CREATE TABLE connection (id text PRIMARY KEY, password bytea)"}) {
    Run("DROP TABLE IF EXISTS connection; CREATE TABLE connection (id int CONSTRAINT key PRIMARY KEY, password bytea); "
        "INSERT INTO connection VALUES (1, " +
        PostgresBytes(Ciphertext(1)) + ")");
    const auto rows = Open();
    ASSERT_TRUE(rows.ok());
    Run(change);
    const auto page = (*rows)->ReadPage(nullptr, 10, {});
    ASSERT_FALSE(page.ok()) << change;
    EXPECT_EQ(page.error().code(), ErrorCode::kConflict);
  }
}

TEST_F(PostgresCipherRowsTest, AUniqueIndexWithoutNullsIsAKeyAndOthersAreNot) {
  Run("CREATE TABLE connection (id int NOT NULL UNIQUE, password bytea); INSERT INTO connection VALUES (1, " +
      PostgresBytes(Ciphertext(1)) + ")");
  const auto rows = Open();
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(*ReplaceFirst(**rows, Ciphertext(2)), std::vector<bool>{true});
  for (const char* index : {"id int UNIQUE", "id int NOT NULL, UNIQUE (id) DEFERRABLE", "id int NOT NULL"}) {
    Run(std::string("DROP TABLE connection; CREATE TABLE connection (password bytea, ") + index + ")");
    EXPECT_EQ(Open().error().code(), ErrorCode::kInvalidArgument) << index;
  }
  Run("CREATE UNIQUE INDEX ON connection (id) WHERE id > 0; CREATE UNIQUE INDEX ON connection ((id + 1))");
  EXPECT_EQ(Open().error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(PostgresCipherRowsTest, PartitionedTablesAreTables) {
  Run("CREATE TABLE connection (id int PRIMARY KEY, password bytea) PARTITION BY RANGE (id);"
      "CREATE TABLE low PARTITION OF connection FOR VALUES FROM (0) TO (10);"
      "CREATE TABLE high PARTITION OF connection FOR VALUES FROM (10) TO (20);"
      "INSERT INTO connection SELECT i, " +
      PostgresBytes(Ciphertext(1)) + " FROM generate_series(1, 19) AS i");
  const auto rows = Open();
  ASSERT_TRUE(rows.ok());
  const auto page = (*rows)->ReadPage(nullptr, 100, {});
  ASSERT_TRUE(page.ok());
  const std::string fresh = Ciphertext(2);
  std::vector<Replacement> replacements;
  for (const StoredValue& value : page->values) replacements.push_back({&value.key, value.ciphertext, fresh});
  EXPECT_EQ(*(*rows)->Replace(replacements), std::vector<bool>(19, true));
}

TEST_F(PostgresCipherRowsTest, ATableThatOthersInheritFromHasNoKey) {
  Run("CREATE TABLE connection (id int PRIMARY KEY, password bytea); CREATE TABLE more () INHERITS (connection)");
  EXPECT_EQ(Open().error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(PostgresCipherRowsTest, AConstraintThatRefusesTheCiphertextIsSaid) {
  Run("CREATE TABLE connection (id int PRIMARY KEY, password bytea CHECK (octet_length(password) < 101));"
      "INSERT INTO connection VALUES (1, " +
      PostgresBytes(Ciphertext(1)) + ")");
  const auto rows = Open();
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(ReplaceFirst(**rows, Ciphertext(2, 'x', 200)).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(*ReplaceFirst(**rows, Ciphertext(2)), std::vector<bool>{true});
}

TEST_F(PostgresCipherRowsTest, RowsThatAPolicyWouldHideAreAnError) {
  Run("CREATE TABLE connection (id int PRIMARY KEY, password bytea); ALTER TABLE connection ENABLE ROW LEVEL SECURITY;"
      "ALTER TABLE connection FORCE ROW LEVEL SECURITY; CREATE POLICY part ON connection USING (id > 5)");
  const auto rows = Open();
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ((*rows)->ReadPage(nullptr, 10, {}).error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(PostgresCipherRowsTest, TheOwnersCodeIsNotRunByWhoReads) {
  ASSERT_TRUE(database_->Run("CREATE SCHEMA evil AUTHORIZATION owner"));
  Run("CREATE FUNCTION evil.equal(bytea, bytea) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN"
      " RAISE EXCEPTION 'ran'; END $$;"
      "CREATE FUNCTION evil.substring(bytea, int, int) RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN"
      " RAISE EXCEPTION 'ran'; END $$;"
      "CREATE OPERATOR evil.= (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = evil.equal);"
      "CREATE TABLE connection (id int PRIMARY KEY, password bytea);"
      "INSERT INTO connection VALUES (1, " +
      PostgresBytes(Ciphertext(1)) +
      ");"
      "RESET ROLE; ALTER ROLE owner SET search_path = evil, public, pg_catalog");
  const auto rows = Open();
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  const auto replaced = ReplaceFirst(**rows, Ciphertext(2));
  ASSERT_TRUE(replaced.ok()) << replaced.error().ToString();
  EXPECT_EQ(*replaced, std::vector<bool>{true});
  ASSERT_TRUE(database_->Run("ALTER ROLE owner RESET search_path"));
}

TEST_F(PostgresCipherRowsTest, ASuperuserDoesNotRunAnothersTriggers) {
  Run("CREATE TABLE connection (id int PRIMARY KEY, password bytea)");
  const auto rows = OpenCipherRows(database_->source("postgres"), column_);
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().code(), ErrorCode::kPermissionDenied);
  Source as_owner = database_->source("postgres");
  as_owner.location += "&options=-crole%3Downer";
  const auto hidden = OpenCipherRows(as_owner, column_);
  ASSERT_FALSE(hidden.ok());
  EXPECT_EQ(hidden.error().code(), ErrorCode::kPermissionDenied);
  ASSERT_TRUE(database_->Run("ALTER TABLE connection OWNER TO postgres"));
  EXPECT_TRUE(OpenCipherRows(database_->source("postgres"), column_).ok());
}

TEST_F(PostgresCipherRowsTest, WhoMayNotWriteChangesNothing) {
  Run("CREATE TABLE connection (id int PRIMARY KEY, password bytea); INSERT INTO connection VALUES (1, " +
      PostgresBytes(Ciphertext(1)) +
      "); RESET ROLE; ALTER TABLE connection OWNER TO postgres;"
      "GRANT SELECT ON connection TO owner");
  const auto rows = Open();
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(ReplaceFirst(**rows, Ciphertext(2)).error().code(), ErrorCode::kPermissionDenied);
  ASSERT_TRUE(database_->Run("GRANT UPDATE (password) ON connection TO owner"));
  EXPECT_EQ(*ReplaceFirst(**rows, Ciphertext(2)), std::vector<bool>{true});
}

}  // namespace
}  // namespace coffer::db
