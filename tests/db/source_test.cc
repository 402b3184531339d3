#include "db/source.h"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/sqlite_program.h"
#include "tests/support/temp_dir.h"

namespace coffer::db {
namespace {

TEST(SourceTest, AUrlIsAServersAndAFileIsSqlites) {
  for (const char* url : {"postgresql:///shop", "postgres://host/shop?user=dba"}) {
    const auto source = ParseSource(url);
    ASSERT_TRUE(source.ok());
    EXPECT_EQ(source->engine, Engine::kPostgres);
    EXPECT_EQ(source->location, url);
  }
  const TempDir folder;
  ASSERT_EQ(RunSqlite(folder / "a.db", "CREATE TABLE t (x)"), 0);
  const auto file = ParseSource(folder / "a.db");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->engine, Engine::kSqlite);
}

TEST(SourceTest, AnythingElseIsRefusedAndNotRepeated) {
  const TempDir folder;
  std::ofstream(folder / "hunter2") << "SQLite format 3";  // without its NUL
  std::ofstream(folder / "empty");
  for (const std::string& text : {std::string(), std::string("mysql://root:hunter2@host/db"), folder / "hunter2",
                                  folder / "empty", folder.path(), std::string("/dev/null"), std::string("a\0b", 3)}) {
    const auto source = ParseSource(text);
    ASSERT_FALSE(source.ok());
    EXPECT_EQ(source.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(source.error().ToString().find("hunter2"), std::string::npos);
  }
  EXPECT_EQ(ParseSource(folder / "nothing").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace coffer::db
