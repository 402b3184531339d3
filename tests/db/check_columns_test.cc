#include <gtest/gtest.h>

#include "db/check.h"
#include "tests/db/schemas.h"

namespace coffer::db {
namespace {

constexpr std::string_view kCatalog = R"(scope = "shop"
[field."conn.password"]
class = "secret"
keyring = "shop"
row = "text"
bind = { url = "text" }
)";

class CheckColumnsTest : public testing::Test {
 protected:
  CheckReport Check(const std::string& sql, const CheckOptions& more = {}) {
    const auto catalog = policy::ParseCatalog(kCatalog);
    EXPECT_TRUE(catalog.ok());
    CheckOptions options = more;
    options.catalog = &*catalog;
    const auto report = CheckDatabase(SqliteFile(folder_, sql), options);
    EXPECT_TRUE(report.ok());
    return report.ok() ? *report : CheckReport();
  }
  TempDir folder_;
};

TEST_F(CheckColumnsTest, PlaintextIsCountedAndGrave) {
  const CheckReport report = Check(
      "CREATE TABLE conn (id TEXT PRIMARY KEY, url TEXT, password);"
      "INSERT INTO conn VALUES (1, '', 'canary'), (2, '', NULL), (3, '', x'C1020000000000000007' || zeroblob(72)),"
      " (4, '', CAST(x'C1020000000000000007' || zeroblob(72) AS BLOB))");
  ASSERT_EQ(report.columns.size(), 1U);
  EXPECT_EQ(report.columns[0].values, 3U);
  EXPECT_GE(report.columns[0].no_ciphertext, 1U);
  EXPECT_TRUE(report.HasHigh());
  for (const Finding& finding : report.findings) EXPECT_EQ(finding.what.find("canary"), std::string::npos);
}

TEST_F(CheckColumnsTest, AnEmptyColumnHasNothing) {
  const CheckReport report = Check("CREATE TABLE conn (id TEXT PRIMARY KEY, url TEXT, password BLOB)");
  EXPECT_TRUE(report.findings.empty());
  EXPECT_FALSE(report.HasHigh());
}

TEST_F(CheckColumnsTest, WhatIsNotThereIsFound) {
  const CheckReport bound = Check("CREATE TABLE conn (id TEXT PRIMARY KEY, password BLOB)");
  ASSERT_EQ(bound.findings.size(), 1U);
  EXPECT_EQ(bound.findings[0].check, "bind-missing");
  EXPECT_FALSE(bound.HasHigh());
}

TEST_F(CheckColumnsTest, ATableThatIsGoneIsGrave) {
  const CheckReport report = Check("CREATE TABLE other (id TEXT)");
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].check, "column-missing");
  EXPECT_TRUE(report.HasHigh());
}

TEST_F(CheckColumnsTest, APlaceForAnUnknownFieldIsRefused) {
  const auto catalog = policy::ParseCatalog(kCatalog);
  ASSERT_TRUE(catalog.ok());
  const CheckOptions options{&*catalog, {{{"conn", "other"}, {{"", "conn"}, "password"}}}};
  EXPECT_EQ(CheckDatabase(SqliteFile(folder_, "CREATE TABLE conn (id)"), options).error().code(),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace coffer::db
