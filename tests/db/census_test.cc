#include "db/census.h"

#include "tests/db/engines.h"

namespace coffer::db {
namespace {

constexpr std::int64_t kNow = 1'790'000'000'000'000;

class DatabaseCensusTest : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    if (!Database::IsThere(GetParam())) GTEST_SKIP() << "no PostgreSQL";
    database_.emplace(GetParam());
    const std::string as_owner = GetParam() == Engine::kPostgres ? "SET ROLE owner;" : "";
    ASSERT_TRUE(database_->Run(as_owner + "CREATE TABLE connection (id INTEGER PRIMARY KEY, password " +
                               database_->BlobType() + ", token " + database_->BlobType() + ")"));
  }

  void Insert(const std::string& password, const std::string& token = "NULL") {
    const std::string id = std::to_string(++last_id_);
    ASSERT_TRUE(database_->Run("INSERT INTO connection VALUES (" + id + ", " + password + ", " + token + ")"));
  }
  std::string Blob(const std::string& bytes) const { return database_->Blob(bytes); }
  Result<DatabaseCensus> Take(const std::vector<ColumnPlace>& places) {
    return TakeCensus(database_->source(), places, clock_);
  }

  const ColumnPlace password_ = {{"", "connection"}, "password"};
  const ColumnPlace token_ = {{"", "connection"}, "token"};
  FakeClock clock_{kNow};
  std::optional<Database> database_;
  int last_id_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Engines, DatabaseCensusTest, testing::Values(Engine::kSqlite, Engine::kPostgres),
                         [](const auto& tested) { return tested.param == Engine::kSqlite ? "Sqlite" : "Postgres"; });

TEST_P(DatabaseCensusTest, ValuesAreCountedByKey) {
  Insert(Blob(Ciphertext(1)), Blob(Ciphertext(7)));
  Insert(Blob(Ciphertext(1, 'y', 5'000)));
  Insert(Blob(Ciphertext(2)), Blob(Ciphertext(1)));
  Insert(Blob(Ciphertext(0x7fffffffffffffff)));
  Insert("NULL");
  const auto census = Take({password_, token_});
  ASSERT_TRUE(census.ok()) << census.error().ToString();
  EXPECT_EQ(census->as_of_unix_micros, kNow);
  ASSERT_EQ(census->columns.size(), 2U);
  EXPECT_EQ(census->columns[0].keys, (KeyCounts{{1, 2}, {2, 1}, {0x7fffffffffffffff, 1}}));
  EXPECT_EQ(census->columns[1].keys, (KeyCounts{{1, 1}, {7, 1}}));
  EXPECT_EQ(census->columns[0].Values(), 4U);
  EXPECT_EQ(census->Keys(), (KeyCounts{{1, 3}, {2, 1}, {7, 1}, {0x7fffffffffffffff, 1}}));
  EXPECT_EQ(census->NoCiphertext(), 0U);
}

TEST_P(DatabaseCensusTest, AnEmptyTableHasNone) {
  const auto census = Take({password_});
  ASSERT_TRUE(census.ok());
  EXPECT_TRUE(census->Keys().empty());
}

TEST_P(DatabaseCensusTest, WhatIsNoCiphertextIsCountedByItself) {
  std::string unknown_suite = Ciphertext(1);
  unknown_suite[1] = 3;
  std::string no_key = Ciphertext(1);
  std::fill_n(no_key.begin() + 2, 8, 0);
  Insert(Blob("hunter2"));
  Insert(Blob(""));
  Insert(Blob("\xc1"));
  Insert(Blob(Ciphertext(1, 'x', 81)));
  Insert(Blob(unknown_suite));
  Insert(Blob(no_key));
  Insert(Blob(Ciphertext(1, 'x', 82)));
  const auto census = Take({password_});
  ASSERT_TRUE(census.ok());
  EXPECT_EQ(census->Keys(), (KeyCounts{{1, 1}}));
  EXPECT_EQ(census->NoCiphertext(), 6U);
}

TEST_P(DatabaseCensusTest, TextIsNoCiphertext) {
  if (GetParam() == Engine::kPostgres) GTEST_SKIP() << "a bytea holds bytes";
  Insert("'coffer:v1:wWIAAAAAAAAAAQ'");
  Insert("17");
  const auto census = Take({password_});
  ASSERT_TRUE(census.ok());
  EXPECT_EQ(census->NoCiphertext(), 2U);
}

TEST_P(DatabaseCensusTest, WhatIsNotThereIsAnErrorAndNoZero) {
  const std::vector<ColumnPlace> wrong = {
      {{"", "nothing"}, "password"}, {{"", "connection"}, "nothing"}, {{"nowhere", "connection"}, "password"}};
  for (const ColumnPlace& place : wrong) EXPECT_FALSE(Take({password_, place}).ok()) << place.ToText();
  EXPECT_EQ(Take({}).error().code(), ErrorCode::kInvalidArgument);
}

TEST_P(DatabaseCensusTest, AViewIsNotCounted) {
  ASSERT_TRUE(database_->Run("CREATE VIEW seen AS SELECT * FROM connection WHERE id < 0"));
  EXPECT_FALSE(Take({{{"", "seen"}, "password"}}).ok());
}

TEST_P(DatabaseCensusTest, ColumnsOfOtherTypesAreRefused) {
  if (GetParam() == Engine::kSqlite) GTEST_SKIP() << "a column holds anything";
  ASSERT_TRUE(database_->Run("ALTER TABLE connection ADD note text"));
  EXPECT_EQ(Take({{{"", "connection"}, "note"}}).error().code(), ErrorCode::kInvalidArgument);
}

TEST_P(DatabaseCensusTest, RowsThatAPolicyWouldHideAreAnError) {
  if (GetParam() == Engine::kSqlite) GTEST_SKIP() << "there are none";
  Insert(Blob(Ciphertext(1)));
  ASSERT_TRUE(
      database_->Run("ALTER TABLE connection ENABLE ROW LEVEL SECURITY;"
                     "ALTER TABLE connection FORCE ROW LEVEL SECURITY;"
                     "CREATE POLICY part ON connection USING (id > 5)"));
  EXPECT_EQ(Take({password_}).error().code(), ErrorCode::kPermissionDenied);
}

// The function is called when the statement is planned.
TEST_P(DatabaseCensusTest, ASuperuserDoesNotRunAnothersIndexExpressions) {
  if (GetParam() == Engine::kSqlite) GTEST_SKIP() << "there are no users";
  Insert(Blob(Ciphertext(1)));
  ASSERT_TRUE(
      database_->Run("SET ROLE owner; CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                     " $$ BEGIN RETURN 1; END $$; CREATE INDEX ON connection ((id + public.f(1)))"));
  ASSERT_TRUE(
      database_->Run("CREATE OR REPLACE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                     " $$ BEGIN RAISE EXCEPTION 'ran'; END $$"));
  const std::vector<ColumnPlace> places = {password_};
  const auto census = TakeCensus(database_->source("postgres"), places, clock_);
  ASSERT_FALSE(census.ok());
  EXPECT_EQ(census.error().code(), ErrorCode::kPermissionDenied);
}

TEST_P(DatabaseCensusTest, ASuperuserMayCountHisOwn) {
  if (GetParam() == Engine::kSqlite) GTEST_SKIP() << "there are no users";
  Insert(Blob(Ciphertext(1)));
  const std::vector<ColumnPlace> places = {password_};
  ASSERT_TRUE(database_->Run("ALTER TABLE connection OWNER TO postgres; CREATE TABLE more () INHERITS (connection)"));
  EXPECT_TRUE(TakeCensus(database_->source("postgres"), places, clock_).ok());
  ASSERT_TRUE(database_->Run("ALTER TABLE more OWNER TO owner"));
  EXPECT_EQ(TakeCensus(database_->source("postgres"), places, clock_).error().code(), ErrorCode::kPermissionDenied);
}

TEST_P(DatabaseCensusTest, TheFileIsNotWritten) {
  if (GetParam() == Engine::kPostgres) GTEST_SKIP() << "a server";
  Insert(Blob(Ciphertext(1)));
  const auto before = std::filesystem::last_write_time(database_->path());
  ASSERT_TRUE(Take({password_}).ok());
  EXPECT_EQ(std::filesystem::last_write_time(database_->path()), before);
  EXPECT_FALSE(std::filesystem::exists(database_->path() + "-wal"));
}

}  // namespace
}  // namespace coffer::db
