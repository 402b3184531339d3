#include "db/plan.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/db/schemas.h"

namespace coffer::db {
namespace {

const ProposedField* Find(const Plan& plan, std::string_view column) {
  const auto found = std::find_if(plan.fields.begin(), plan.fields.end(), [column](const ProposedField& field) {
    return ShownColumn(field.table, field.column) == column;
  });
  return found == plan.fields.end() ? nullptr : &*found;
}

constexpr const char* kShop = R"sql(
  CREATE TABLE conn (id TEXT PRIMARY KEY, url TEXT, login TEXT, password BLOB);
  CREATE TABLE "Odd User" (id INTEGER PRIMARY KEY, "e-mail" TEXT UNIQUE, plain TEXT);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO "Odd User" SELECT i, 'canary' || i || '@example.org', 'canary' || i || '@example.net' FROM n;)sql";

TEST(PlanTest, ProposesACatalogThatParses) {
  const TempDir folder;
  const auto plan = MakePlan(SqliteFile(folder, kShop), {.scope = "", .count = true, .sample = 0, .on_progress = {}});
  ASSERT_TRUE(plan.ok()) << plan.error().ToString();
  EXPECT_EQ(plan->scope, "app");
  const auto catalog = policy::ParseCatalog(plan->catalog);
  ASSERT_TRUE(catalog.ok());
  const policy::CatalogField* const password = catalog->Find({"conn", "password"});
  ASSERT_NE(password, nullptr);
  EXPECT_EQ(password->declaration.field_class, policy::FieldClass::kSecret);
  EXPECT_EQ(password->declaration.bind.size(), 2U);
  const policy::CatalogField* const email = catalog->Find({"odd_user", "e_mail"});
  ASSERT_NE(email, nullptr);
  ASSERT_EQ(email->indexes.size(), 1U);
  EXPECT_TRUE(email->indexes[0].unique);
  EXPECT_EQ(email->expect->distinct, 2000U);
}

TEST(PlanTest, ValuesAreNeverShown) {
  const TempDir folder;
  const auto plan =
      MakePlan(SqliteFile(folder, kShop), {.scope = "x", .count = true, .sample = 100, .on_progress = {}});
  ASSERT_TRUE(plan.ok());
  ASSERT_NE(Find(*plan, "Odd User.plain"), nullptr);
  EXPECT_TRUE(Find(*plan, "Odd User.plain")->by_sample);
  EXPECT_EQ(plan->catalog.find("canary"), std::string::npos);
}

TEST(PlanTest, AnIndexThatGivesItsValuesAwayIsNotProposed) {
  const TempDir folder;
  const auto plan = MakePlan(SqliteFile(folder,
                                        "CREATE TABLE u (id INTEGER PRIMARY KEY, phone TEXT);"
                                        "CREATE INDEX i ON u (phone);"
                                        "INSERT INTO u VALUES (1, 'a'), (2, 'b'), (3, 'a');"),
                             {.scope = "x", .count = true, .sample = 0, .on_progress = {}});
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->fields[0].indexes.empty());
  EXPECT_NE(plan->catalog.find("no index, though it is searched"), std::string::npos);
}

TEST(PlanTest, NamesOfTheDatabaseStayInsideTheirComment) {
  const TempDir folder;
  const auto plan = MakePlan(SqliteFile(folder, "CREATE TABLE u (id INTEGER PRIMARY KEY, \"email\n[field.x]\" TEXT)"),
                             {.scope = "x", .count = false, .sample = 0, .on_progress = {}});
  ASSERT_TRUE(plan.ok()) << plan.error().ToString();
  EXPECT_EQ(plan->catalog.find("\n[field.x]"), std::string::npos);
}

TEST(PlanTest, BadOptionsAreRefused) {
  const Source source = {Engine::kSqlite, "/nonexistent"};
  for (const char* scope : {"coffer", "Shop", "a-b", "1a"}) {
    EXPECT_EQ(MakePlan(source, {.scope = scope, .count = false, .sample = 0, .on_progress = {}}).error().code(),
              ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(
      MakePlan(source, {.scope = "x", .count = false, .sample = kMaxSample + 1, .on_progress = {}}).error().limit(),
      kMaxSample);
  EXPECT_EQ(MakePlan(source, {.scope = "x", .count = false, .sample = 1, .on_progress = {}}).error().code(),
            ErrorCode::kNotFound);
}

TEST(FindApplicationTest, KnowsGrafanaByItsTables) {
  Schema schema = SchemaOf({TableOf("dashboard", {}), TableOf("data_source", {}), TableOf("migration_log", {})});
  EXPECT_FALSE(FindApplication(schema).has_value());
  schema.tables.push_back(TableOf("org_user", {}));
  ASSERT_TRUE(FindApplication(schema).has_value());
  EXPECT_TRUE(FindApplication(schema)->keeps_its_columns);
}

TEST(FindObstaclesTest, TypesAndConstraintsThatDoNotGoOn) {
  for (const char* type : {"citext", "enum", "jsonb", "array", "numeric", "timestamptz", "bool"}) {
    const SchemaTable table = TableOf("t", {ColumnOf("c", type)});
    EXPECT_EQ(FindObstacles(SchemaOf({table}), table, table.columns[0]).size(), 1U) << type;
  }
  const SchemaTable plain = TableOf("t", {ColumnOf("c")});
  EXPECT_TRUE(FindObstacles(SchemaOf({plain}), plain, plain.columns[0]).empty());
}

}  // namespace
}  // namespace coffer::db
