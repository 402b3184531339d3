#include "keysvc/store/schema.h"

#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "crypto/names.h"
#include "keysvc/store/sql.h"

namespace coffer::keysvc {
namespace {

TEST(SchemaTest, TablesStandInTheOrderOfTheirEnum) {
  ASSERT_EQ(Schema().size(), kTableCount);
  for (std::size_t i = 0; i < kTableCount; ++i) {
    EXPECT_EQ(static_cast<std::size_t>(Schema()[i].table), i);
    EXPECT_EQ(&SpecOf(static_cast<Table>(i)), &Schema()[i]);
  }
}

TEST(SchemaTest, NamesAreIdentifiersAndUnique) {
  std::set<std::string_view> tables = {"head"};
  for (const TableSpec& spec : Schema()) {
    EXPECT_TRUE(IsIdentifier(spec.name));
    EXPECT_TRUE(tables.insert(spec.name).second) << spec.name;
    std::set<std::string_view> columns = {"row_epoch", "mac"};
    for (const ColumnSpec& column : spec.columns) {
      EXPECT_TRUE(IsIdentifier(column.name));
      EXPECT_TRUE(columns.insert(column.name).second) << spec.name << "." << column.name;
      EXPECT_NE(column.type, ValueType::kNull);
    }
  }
}

TEST(SchemaTest, KeysAreNeverNullable) {
  for (const TableSpec& spec : Schema()) {
    ASSERT_GE(spec.primary_key_columns, 1U);
    ASSERT_LT(spec.primary_key_columns, spec.columns.size());
    for (std::size_t i = 0; i < spec.primary_key_columns; ++i) EXPECT_FALSE(spec.columns[i].nullable);
    for (const std::size_t column : spec.unique) {
      ASSERT_LT(column, spec.columns.size());
      EXPECT_FALSE(spec.columns[column].nullable);
    }
  }
}

TEST(SchemaTest, OnlySecretsAreReadLater) {
  for (const TableSpec& spec : Schema()) EXPECT_EQ(spec.loaded_at_start, !spec.name.starts_with("secret")) << spec.name;
}

TEST(SchemaTest, SqlIsStrictAndWithoutRowid) {
  for (const SchemaObject& object : SchemaObjects()) {
    if (object.name == "head") continue;
    EXPECT_TRUE(object.sql.ends_with("STRICT, WITHOUT ROWID")) << object.name;
  }
}

// The documentation is the schema's other copy: the same tables, each with the same columns in the same order.
TEST(SchemaTest, DocumentationListsEveryColumnInOrder) {
  std::ifstream file("docs/SCHEMA.md");
  if (!file) GTEST_SKIP() << "docs/SCHEMA.md is not here; tests run in the repository's root";
  std::vector<std::string> documented;
  std::string table;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) {
      table = line.substr(3);
    } else if (line.starts_with("| `")) {
      documented.push_back(table + "." + line.substr(3, line.find('`', 3) - 3));
    }
  }
  std::vector<std::string> expected;
  for (const TableSpec& spec : Schema()) {
    for (const ColumnSpec& column : spec.columns) {
      expected.push_back("`" + std::string(spec.name) + "`." + std::string(column.name));
    }
  }
  EXPECT_EQ(documented, expected);
}

}  // namespace
}  // namespace coffer::keysvc
