#include "db/schema.h"

#include <gtest/gtest.h>

#include "tests/db/schemas.h"

namespace coffer::db {
namespace {

TEST(SqliteSchemaTest, HasColumnsKeysAndWhatHangsOnThem) {
  const TempDir folder;
  const Source source = SqliteFile(folder, R"sql(
    CREATE TABLE user (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, up AS (upper(email)),
                       phone TEXT CHECK (phone > ''));
    CREATE TABLE conn (a TEXT, b BLOB, user_id INT REFERENCES user (id), PRIMARY KEY (b, a)) WITHOUT ROWID;
    CREATE INDEX lower_phone ON user (lower(phone));
    CREATE VIEW mails AS SELECT email FROM user;
    CREATE TRIGGER keeps AFTER UPDATE ON user BEGIN INSERT INTO conn VALUES ('', x'', 1); END;
    INSERT INTO user (email) VALUES ('a'), ('b'); ANALYZE;)sql");
  const auto schema = ReadSchema(source);
  ASSERT_TRUE(schema.ok()) << schema.error().ToString();
  EXPECT_EQ(schema->database, "app.db");
  const SchemaTable* const user = schema->Resolve({"", "USER"});
  ASSERT_NE(user, nullptr);
  EXPECT_EQ(user->key, std::vector<std::string>{"id"});
  EXPECT_TRUE(user->Find("id")->is_known_after_insert);
  EXPECT_TRUE(user->Find("up")->generated);
  EXPECT_TRUE(user->HasUnique("email"));
  EXPECT_FALSE(user->HasUnique("phone"));
  EXPECT_EQ(user->rows, 2U);
  ASSERT_EQ(user->triggers.size(), 1U);
  EXPECT_TRUE(user->triggers[0].writes_rows);
  const SchemaTable* const conn = schema->Resolve({"", "conn"});
  ASSERT_NE(conn, nullptr);
  EXPECT_EQ(conn->key, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(conn->constraints.front().other.table, "user");
  ASSERT_EQ(schema->views.size(), 1U);
  EXPECT_EQ(schema->views[0].uses, (std::vector<ColumnUse>{{{"", "user"}, "email"}}));
}

TEST(SqliteSchemaTest, WhatIsNoDatabaseIsRefused) {
  EXPECT_EQ(ReadSchema({Engine::kSqlite, "/dev/null"}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadSchema({Engine::kSqlite, "/nonexistent/file"}).error().code(), ErrorCode::kNotFound);
}

TEST(SchemaTest, ABareNameIsPublicsOrTheOnlyOne) {
  SchemaTable other = TableOf("user", {});
  other.name.schema = "app";
  SchemaTable alone = TableOf("alone", {});
  alone.name.schema = "app";
  const Schema both = SchemaOf({alone, other, TableOf("user", {})});
  EXPECT_EQ(both.Resolve({"", "user"})->name.schema, "public");
  EXPECT_EQ(both.Resolve({"", "alone"})->name.schema, "app");
  EXPECT_EQ(both.Resolve({"", "nobody"}), nullptr);
  other.name.schema = "zoo";
  SchemaTable third = other;
  third.name.schema = "app";
  EXPECT_EQ(SchemaOf({third, other}).Resolve({"", "user"}), nullptr);
}

}  // namespace
}  // namespace coffer::db
