#include "db/sqlite_cipher_rows.h"

#include "tests/db/engines.h"

namespace coffer::db {
namespace {

class SqliteCipherRowsTest : public testing::Test {
 protected:
  SqliteCipherRowsTest() : database_(Engine::kSqlite) {
    column_.field = "shop.connection.password";
    column_.place = {{"", "connection"}, "password"};
  }

  void Fill(const std::string& journal) {
    ASSERT_TRUE(database_.Run("PRAGMA journal_mode = " + journal +
                              "; CREATE TABLE connection (id TEXT PRIMARY KEY, password BLOB);"
                              "INSERT INTO connection VALUES ('a', " +
                              SqliteBlob(Ciphertext(1)) + "), ('b', " + SqliteBlob(Ciphertext(1)) + ")"));
  }
  static Result<std::vector<bool>> ReplaceAll(CipherRows& rows, const std::string& fresh) {
    COFFER_ASSIGN_OR_RETURN(const Page page, rows.ReadPage(nullptr, 10, {}));
    std::vector<Replacement> replacements;
    for (const StoredValue& value : page.values) replacements.push_back({&value.key, value.ciphertext, fresh});
    return rows.Replace(replacements);
  }

  Database database_;
  EncryptedColumn column_;
};

TEST_F(SqliteCipherRowsTest, TheFileIsFreeBetweenCalls) {
  for (const char* journal : {"delete", "wal"}) {
    ASSERT_TRUE(database_.Run("DROP TABLE IF EXISTS connection"));
    Fill(journal);
    const auto rows = OpenCipherRows(database_.source(), column_);
    ASSERT_TRUE(rows.ok());
    ASSERT_TRUE((*rows)->ReadPage(nullptr, 10, {}).ok());
    EXPECT_TRUE(database_.Run("BEGIN EXCLUSIVE; UPDATE connection SET id = 'c' WHERE id = 'a'; COMMIT"));
    EXPECT_EQ(*ReplaceAll(**rows, Ciphertext(2)), (std::vector<bool>{true, true}));
  }
}

TEST_F(SqliteCipherRowsTest, ARowIdThatVacuumGaveToAnotherRowIsNotReplaced) {
  Fill("delete");
  const auto rows = OpenCipherRows(database_.source(), column_);
  ASSERT_TRUE(rows.ok());
  const auto page = (*rows)->ReadPage(nullptr, 10, {});
  ASSERT_TRUE(page.ok());
  ASSERT_TRUE(database_.Run("DELETE FROM connection WHERE id = 'a'; UPDATE connection SET password = " +
                            SqliteBlob(Ciphertext(1, 'b')) + "; VACUUM"));
  const std::string fresh = Ciphertext(2);
  std::vector<Replacement> replacements;
  for (const StoredValue& value : page->values) replacements.push_back({&value.key, value.ciphertext, fresh});
  EXPECT_EQ(*(*rows)->Replace(replacements), (std::vector<bool>{false, false}));
}

TEST_F(SqliteCipherRowsTest, TriggersAreNotRun) {
  Fill("delete");
  ASSERT_TRUE(
      database_.Run("CREATE TABLE ran (n); CREATE TRIGGER t AFTER UPDATE ON connection BEGIN"
                    " UPDATE connection SET password = NULL; INSERT INTO ran VALUES (1); END"));
  const auto rows = OpenCipherRows(database_.source(), column_);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(*ReplaceAll(**rows, Ciphertext(2)), (std::vector<bool>{true, true}));
  EXPECT_EQ((*rows)->ReadPage(nullptr, 10, {})->values.size(), 2U);
}

TEST_F(SqliteCipherRowsTest, AProgramThatHoldsTheFileIsWaitedForAndThenSaid) {
  Fill("delete");
  SqliteWriterOptions options;
  options.path = database_.path();
  options.busy_timeout_ms = 50;
  SqliteCipherRows rows(options, column_);
  const auto page = rows.ReadPage(nullptr, 10, {});
  ASSERT_TRUE(page.ok());
  SqliteProgram other(database_.path());
  ASSERT_EQ(other.Run("BEGIN IMMEDIATE; UPDATE connection SET id = 'z' WHERE id = 'a'"), 0);
  const std::string fresh = Ciphertext(2);
  const std::vector<Replacement> replacements = {{&page->values[0].key, page->values[0].ciphertext, fresh}};
  EXPECT_EQ(rows.Replace(replacements).error().code(), ErrorCode::kUnavailable);
  ASSERT_EQ(other.Run("COMMIT"), 0);
  EXPECT_EQ(*rows.Replace(replacements), std::vector<bool>{true});
}

TEST_F(SqliteCipherRowsTest, WhatACrashLeftInTheMiddleIsRolledBackFirst) {
  Fill("delete");
  {
    SqliteProgram other(database_.path());
    ASSERT_EQ(other.Run("PRAGMA cache_spill = 1; PRAGMA cache_size = 1; BEGIN IMMEDIATE;"
                        "CREATE TABLE filler (x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                        " WHERE i < 500) INSERT INTO filler SELECT zeroblob(4000) FROM n; DELETE FROM connection"),
              0);
    other.Kill();
  }
  ASSERT_TRUE(std::filesystem::exists(database_.path() + "-journal"));
  const auto rows = OpenCipherRows(database_.source(), column_);
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  EXPECT_EQ((*rows)->ReadPage(nullptr, 10, {})->values.size(), 2U);
}

TEST_F(SqliteCipherRowsTest, TablesWithoutRowIdsAndSchemasAreRefused) {
  Fill("delete");
  ASSERT_TRUE(
      database_.Run("CREATE TABLE bare (id TEXT PRIMARY KEY, password BLOB) WITHOUT ROWID;"
                    "CREATE TABLE taken (_rowid_ TEXT, password BLOB)"));
  for (const char* table : {"bare", "taken"}) {
    column_.place.table.table = table;
    EXPECT_EQ(OpenCipherRows(database_.source(), column_).error().code(), ErrorCode::kInvalidArgument) << table;
  }
  column_.place.table = {"main", "connection"};
  EXPECT_EQ(OpenCipherRows(database_.source(), column_).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(SqliteCipherRowsTest, NamesAreFoundInEitherCase) {
  Fill("delete");
  column_.place = {{"", "CONNECTION"}, "Password"};
  column_.row = {{"ID", ValueType::kText}};
  const auto rows = OpenCipherRows(database_.source(), column_);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ((*rows)->ReadPage(nullptr, 10, {})->values[1].row, std::vector<Cell>{"b"});
}

}  // namespace
}  // namespace coffer::db
