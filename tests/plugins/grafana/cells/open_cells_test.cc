#include "plugins/grafana/cells/open_cells.h"

#include <gtest/gtest.h>

#include "io/file.h"
#include "plugins/grafana/database/source_name.h"
#include "tests/support/sqlite_program.h"
#include "tests/support/temp_dir.h"

namespace coffer::grafana {
namespace {

TEST(OpenCellsTest, AFileThatEndsInSqlitesMagicIsNone) {
  const TempDir folder;
  const std::string path = folder / "cut";
  ASSERT_TRUE(ReplaceFile(path, AsBytes(kSqliteMagic.substr(0, kSqliteMagic.size() - 1)), 0600).ok());
  const auto cells = OpenCells(path);
  ASSERT_FALSE(cells.ok());
  EXPECT_NE(cells.error().message().find("is neither a SQLite database nor"), std::string_view::npos);
}

// What is changed has to be all that there is: a table that is skipped would stay under the old key.
TEST(OpenCellsTest, WhatIsNoTableIsRefused) {
  const TempDir folder;
  const std::string path = folder / "grafana.db";
  ASSERT_EQ(RunSqlite(path,
                      "CREATE TABLE real (id); CREATE VIEW Data_Source AS SELECT * FROM real;"
                      "CREATE VIRTUAL TABLE user_auth USING fts5(id)"),
            SQLITE_OK);
  const auto cells = OpenCells(path);
  ASSERT_TRUE(cells.ok());
  const auto read = [&cells](const WantedTable& wanted) {
    return (*cells)->Read(std::span(&wanted, 1), [](std::string_view, const ReadRow&) { return Status(); });
  };
  for (const char* table : {"data_source", "user_auth"}) {
    const auto strict = read({table, {"id"}});
    ASSERT_FALSE(strict.ok()) << table;
    EXPECT_EQ(strict.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(strict.error().path(), table);
    const auto lenient = read({table, {"id"}, true});
    ASSERT_TRUE(lenient.ok() && lenient->size() == 1) << table;
    EXPECT_NE(lenient->front().kind, TableKind::kTable);
  }
  EXPECT_TRUE(read({"secrets", {"id"}}).value().empty());
  EXPECT_EQ(read({"real", {"id"}}).value().size(), 1U);
}

}  // namespace
}  // namespace coffer::grafana
