#include <gtest/gtest.h>

#include "db/dump.h"
#include "tests/db/schemas.h"

namespace coffer::db {
namespace {

constexpr const char* kTables = R"sql(
  CREATE TABLE user (id INTEGER PRIMARY KEY, email TEXT NOT NULL, age INTEGER, note, api_key BLOB);
  INSERT INTO user VALUES (1, 'canary@example.org', 41, 'it''s', x'63616e617279'), (2, 'b@x.y', NULL, 1.5, NULL),
    (3, 'canary@example.org', 41, x'00ff', NULL);)sql";

class DumpSqliteTest : public testing::Test {
 protected:
  Result<DumpReport> Dump(const Source& source, const DumpOptions& options) {
    text_.clear();
    return DumpRedacted(source, options, [this](std::string_view piece) -> Status {
      text_ += piece;
      return {};
    });
  }
  TempDir folder_;
  std::string text_;
};

TEST_F(DumpSqliteTest, MasksWhatLooksPersonalAndRestores) {
  DumpOptions options;
  options.redact.mask = {{{"", "user"}, "age"}};
  const auto report = Dump(SqliteFile(folder_, kTables), options);
  ASSERT_TRUE(report.ok()) << report.error().ToString();
  EXPECT_EQ(report->rows, 3U);
  EXPECT_EQ(text_.find("canary"), std::string::npos);
  EXPECT_EQ(text_.find("63616e617279"), std::string::npos);
  EXPECT_NE(text_.find("'it''s'"), std::string::npos);
  EXPECT_NE(text_.find("x'00ff'"), std::string::npos);
  EXPECT_EQ(RunSqlite(folder_ / "new.db", text_ + "CREATE TABLE one (n CHECK (n = 1)); INSERT INTO one"
                                                  " SELECT count(*) FROM user WHERE note = 1.5 AND age IS NULL;"
                                                  "DELETE FROM one; INSERT INTO one SELECT count(DISTINCT email) - 1"
                                                  " FROM user;"),
            SQLITE_OK);
}

TEST_F(DumpSqliteTest, TheSinksErrorEndsIt) {
  const auto refused = [](std::string_view) -> Status { return Error(ErrorCode::kUnavailable, "the disk is full"); };
  EXPECT_EQ(DumpRedacted(SqliteFile(folder_, kTables), {}, refused).error().code(), ErrorCode::kUnavailable);
}

TEST_F(DumpSqliteTest, RowsOfATableAreLeftOut) {
  DumpOptions options;
  options.redact.omit_rows = {{"", "user"}};
  const auto report = Dump(SqliteFile(folder_, kTables), options);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->rows, 0U);
  EXPECT_NE(text_.find("CREATE TABLE user"), std::string::npos);
}

TEST_F(DumpSqliteTest, ValuesWithTheFormOfPersonalOnesAreMaskedWhenSampled) {
  const Source source = SqliteFile(folder_, R"sql(CREATE TABLE m (a TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
      INSERT INTO m SELECT 'canary' || i || '@example.org' FROM n;)sql");
  ASSERT_TRUE(Dump(source, {}).ok());
  EXPECT_NE(text_.find("canary"), std::string::npos);
  DumpOptions options;
  options.sample = 100;
  ASSERT_TRUE(Dump(source, options).ok());
  EXPECT_EQ(text_.find("canary"), std::string::npos);
}

TEST_F(DumpSqliteTest, AStatementThatAShellTakesForItsOwnIsRefused) {
  const Source source = SqliteFile(folder_, "CREATE VIEW v AS SELECT '\n.shell id' AS a");
  EXPECT_EQ(Dump(source, {}).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace coffer::db
