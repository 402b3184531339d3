#include "plugins/grafana/database/open_rows.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>

#include "io/directory.h"
#include "io/file.h"
#include "io/process.h"
#include "io/unique_fd.h"
#include "tests/plugins/grafana/database/dump_texts.h"
#include "tests/plugins/grafana/database/read_all.h"
#include "tests/support/sqlite_program.h"
#include "tests/support/temp_dir.h"

namespace coffer::grafana {
namespace {

const std::vector<WantedTable> kWanted = WantedOfDumps();

class OpenRowsTest : public testing::Test {
 protected:
  std::string Write(std::string_view content, const std::string& name = "dump") {
    EXPECT_TRUE(ReplaceFile(folder_ / name, AsBytes(content), 0600).ok());
    return folder_ / name;
  }
  static Result<AllRows> Read(const std::string& source) {
    COFFER_ASSIGN_OR_RETURN(const auto rows, OpenRows(source));
    return ReadAll(*rows, kWanted);
  }
  static Error OpenError(const std::string& source) {
    const auto rows = OpenRows(source);
    EXPECT_FALSE(rows.ok());
    return rows.ok() ? Error(ErrorCode::kInternal, "none") : rows.error();
  }

  TempDir folder_;
};

TEST_F(OpenRowsTest, FilesAreToldByTheirFirstBytes) {
  const auto dump = Read(Write(CopyDump()));
  ASSERT_TRUE(dump.ok()) << dump.error().ToString();
  EXPECT_EQ(dump->rows, RowsOfPostgres());

  const std::string path = folder_ / "grafana.db";
  ASSERT_EQ(RunSqlite(path, "CREATE TABLE user (id, login); INSERT INTO user VALUES (1, 'admin')"), SQLITE_OK);
  const auto database = Read(path);
  ASSERT_TRUE(database.ok());
  EXPECT_EQ(database->rows, (std::vector<std::string>{"user: admin|1"}));
}

TEST_F(OpenRowsTest, DumpIsReadAgainAndFromAPipe) {
  const auto rows = OpenRows(Write(kSqliteDump));
  ASSERT_TRUE(rows.ok());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ReadAll(**rows, kWanted)->rows, RowsOfSqlite());

  const std::string path = folder_ / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&path] {
    const UniqueFd end(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(write(end.get(), kSqliteDump.data(), kSqliteDump.size()), static_cast<ssize_t>(kSqliteDump.size()));
  });
  const auto piped = Read(path);
  writer.join();
  ASSERT_TRUE(piped.ok()) << piped.error().ToString();
  EXPECT_EQ(piped->rows, RowsOfSqlite());
}

// What sqlite3 makes of a database is what the database has.
TEST_F(OpenRowsTest, DumpOfSqlite3ItselfHasTheDatabasesRows) {
  const std::string path = folder_ / "grafana.db";
  ASSERT_EQ(
      RunSqlite(path,
                "CREATE TABLE `data_source` (`id` INTEGER PRIMARY KEY, \"key\" BLOB, [secure_json_data] TEXT);"
                "CREATE TABLE user (id, login TEXT, g AS (id + 1));"
                "INSERT INTO data_source VALUES (1, x'002aff', NULL), (-2, '', ''), (3, 'it''s' || char(13, 10) || "
                "'\\n\\r x', 'replace('), (4, 12.5, '\\u0041 $$ ` [ \" -- /*'), (5, -7, char(10));"
                "INSERT INTO user VALUES (1, 'gr\u00fcn');"
                "CREATE TRIGGER t AFTER INSERT ON user BEGIN INSERT INTO data_source VALUES (9, 1, 2); END"),
      SQLITE_OK);
  ChildOptions options;
  options.output = ChildStream::kPipe;
  const std::string script = "exec sqlite3 \"$0\" .dump > \"$1\"";
  auto child = ChildProcess::Spawn({"sh", "-c", script, path, folder_ / "dump"}, options);
  ASSERT_TRUE(child.ok());
  ASSERT_EQ(*child->Wait(), 0);
  auto dumped = Read(folder_ / "dump");
  auto stored = Read(path);
  ASSERT_TRUE(dumped.ok() && stored.ok()) << dumped.error().ToString();
  std::sort(dumped->rows.begin(), dumped->rows.end());
  std::sort(stored->rows.begin(), stored->rows.end());
  EXPECT_EQ(dumped->rows, stored->rows);
  EXPECT_EQ(dumped->rows.size(), 6U);
}

TEST_F(OpenRowsTest, WhatIsNoDatabaseIsRefused) {
  EXPECT_EQ(OpenError(folder_ / "missing").code(), ErrorCode::kNotFound);
  EXPECT_EQ(OpenError(folder_.path()).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(OpenError("").code(), ErrorCode::kInvalidArgument);
  for (const std::string_view magic : {"\x1f\x8b", "\x28\xb5\x2f\xfd", "BZh91", "\xfd\x37zXZ"}) {
    EXPECT_NE(OpenError(Write(magic)).message().find("compressed"), std::string_view::npos);
  }
  for (const std::string_view text : {"", "hello", "S", "SQLite format 4", "P"}) {
    const auto all = Read(Write(text));
    ASSERT_FALSE(all.ok()) << text;
    EXPECT_EQ(all.error().code(), ErrorCode::kInvalidArgument) << text;
  }
}

TEST_F(OpenRowsTest, OtherServersAreRefusedWithoutSayingTheUrl) {
  for (const char* url : {"mysql://root:hunter2@db/grafana", "file:///x?hunter2"}) {
    const Error error = OpenError(url);
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(error.ToString().find("hunter2"), std::string::npos);
  }
}

TEST_F(OpenRowsTest, ServersAreNotAskedBeforeTheRowsAre) {
  for (const char* scheme : {"postgres", "postgresql"}) {
    const auto rows = OpenRows(std::string(scheme) + "://u:hunter2@/x?host=" + folder_.path());
    ASSERT_TRUE(rows.ok());
    const auto all = ReadAll(**rows, kWanted);
    ASSERT_FALSE(all.ok());
    EXPECT_EQ(all.error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(all.error().ToString().find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace coffer::grafana
