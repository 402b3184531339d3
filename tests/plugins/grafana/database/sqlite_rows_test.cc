#include "plugins/grafana/database/sqlite_rows.h"

#include <limits>

#include "tests/plugins/grafana/database/read_all.h"
#include "tests/support/sqlite_program.h"
#include "tests/support/temp_dir.h"

namespace coffer::grafana {
namespace {

using Texts = std::vector<std::string>;

// As Grafana makes them.
constexpr const char* kGrafana =
    "CREATE TABLE `data_source` (`id` INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, `name` TEXT NOT NULL, "
    "`secure_json_data` TEXT NULL, `basic_auth` INTEGER NOT NULL);"
    "INSERT INTO data_source VALUES (1, 'one', '{\"password\":\"x\"}', 0), (2, 'two', NULL, 1);"
    "CREATE TABLE \"user\" (id INTEGER PRIMARY KEY, login TEXT);"
    "INSERT INTO user VALUES (1, 'admin');"
    "CREATE TABLE data_keys (name TEXT PRIMARY KEY NOT NULL, encrypted_data BLOB);"
    "INSERT INTO data_keys VALUES ('k1', x'2a00ff');";

const std::vector<WantedTable> kWanted = {
    {"user", {"login", "id"}},
    {"data_keys", {"name", "encrypted_data"}},
    {"plugin_setting", {"id"}},
    {"data_source", {"id", "secure_json_data", "password", "basic_auth"}},
};
const std::string kBlob("\x2a\x00\xff", 3);

class SqliteRowsTest : public testing::Test {
 protected:
  void MakeFile(const std::string& sql) { ASSERT_EQ(RunSqlite(path_, sql), SQLITE_OK); }
  AllRows Read(std::span<const WantedTable> wanted, std::size_t spool_bytes = SqliteRows::kSpoolBytes) {
    const auto all = ReadAll(*std::make_unique<SqliteRows>(path_, spool_bytes), wanted);
    EXPECT_TRUE(all.ok()) << all.error().ToString();
    return all.ok() ? *all : AllRows();
  }

  TempDir folder_;
  const std::string path_ = folder_ / "grafana.db";
};

TEST_F(SqliteRowsTest, WantedTablesAndColumnsAreReadAndMissingOnesAreAbsent) {
  MakeFile(kGrafana);
  const AllRows all = Read(kWanted);
  EXPECT_EQ(all.rows, (Texts{"user: admin|1", "data_keys: k1|" + kBlob, "data_source: 1|{\"password\":\"x\"}|~|0",
                             "data_source: 2|~|~|1"}));
  EXPECT_EQ(all.tables, (Texts{"user 1 login id", "data_keys 1 name encrypted_data",
                               "data_source 2 id secure_json_data basic_auth"}));
}

TEST_F(SqliteRowsTest, ReadsAgain) {
  MakeFile(kGrafana);
  SqliteRows rows(path_);
  const auto first = ReadAll(rows, kWanted);
  const auto second = ReadAll(rows, kWanted);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(*first == *second);
}

TEST_F(SqliteRowsTest, ViewOfAWantedNameIsAbsent) {
  MakeFile(
      "CREATE TABLE real (id, name); INSERT INTO real VALUES (1, 'x'); CREATE VIEW data_source AS SELECT * FROM real");
  EXPECT_TRUE(Read(kWanted).tables.empty());
}

TEST_F(SqliteRowsTest, PiecesHaveEachRowOnceWhateverItsId) {
  MakeFile(
      "CREATE TABLE t (v); INSERT INTO t (rowid, v) VALUES (-9223372036854775808, 'first'), (-5, 'b'), (0, 'c'), "
      "(7, 'd'), (9223372036854775807, 'last');"
      "CREATE TABLE w (k PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO w VALUES (2, 'f'), (1, 'e');"
      "CREATE TABLE r (_rowid_, v); INSERT INTO r VALUES (2, 'g'), (1, 'h');"
      "CREATE TABLE after (v); INSERT INTO after (rowid, v) VALUES (-1, 'i'), (1, 'j')");
  const std::vector<WantedTable> wanted = {{"t", {"v"}}, {"w", {"v"}}, {"r", {"v"}}, {"after", {"v"}}};
  const Texts rows = {"t: first", "t: b", "t: c", "t: d",     "t: last", "w: e",
                      "w: f",     "r: g", "r: h", "after: i", "after: j"};
  EXPECT_EQ(Read(wanted).rows, rows);
  EXPECT_EQ(Read(wanted, 1).rows, rows);
  EXPECT_EQ(Read(wanted, 1).tables, (Texts{"t 5 v", "w 2 v", "r 2 v", "after 2 v"}));
}

// While a row is worked on, the program that has the file writes.
class SqliteRowsWriterTest : public SqliteRowsTest {
 protected:
  // The names that were read while `sql` was run behind each row; it must not have had to wait.
  Texts ReadWhileWriting(SqliteProgram& program, const std::string& sql, std::size_t spool_bytes) {
    SqliteRows rows(path_, spool_bytes);
    const std::vector<WantedTable> wanted = {{"data_source", {"name"}}};
    Texts names;
    const auto found = rows.Read(wanted, [&](const ReadRow& row) -> Status {
      names.emplace_back(AsText(row.cells[0].value()));
      EXPECT_EQ(program.Run(sql), SQLITE_OK);
      return {};
    });
    EXPECT_TRUE(found.ok());
    return names;
  }
};

TEST_F(SqliteRowsWriterTest, AWriterWithoutALogDoesNotWait) {
  MakeFile(kGrafana);
  SqliteProgram program(path_);
  const Texts names = ReadWhileWriting(program, "INSERT INTO data_source (name, basic_auth) VALUES ('new', 0)",
                                       SqliteRows::kSpoolBytes);
  EXPECT_EQ(names, (Texts{"one", "two"}));
}

TEST_F(SqliteRowsWriterTest, AWriterWithoutALogDoesNotWaitBetweenPiecesEither) {
  MakeFile(kGrafana);
  SqliteProgram program(path_);
  const Texts names = ReadWhileWriting(program, "UPDATE data_source SET name = name || '+'", 1);
  EXPECT_EQ(names, (Texts{"one", "two+"}));  // each piece of its own moment
}

TEST_F(SqliteRowsWriterTest, AWriterWithALogDoesNotWaitAndAllPiecesAreOfOneMoment) {
  MakeFile(std::string("PRAGMA journal_mode=WAL;") + kGrafana);
  SqliteProgram program(path_);
  ASSERT_EQ(program.Run("SELECT * FROM data_source"), SQLITE_OK);
  EXPECT_EQ(ReadWhileWriting(program, "UPDATE data_source SET name = name || '+'", 1), (Texts{"one", "two"}));
}

TEST_F(SqliteRowsWriterTest, AProgramThatOpensTheFileBetweenPiecesEndsTheReading) {
  MakeFile(std::string("PRAGMA journal_mode=WAL;") + kGrafana);
  std::unique_ptr<SqliteProgram> program;
  SqliteRows rows(path_, 1);
  const std::vector<WantedTable> wanted = {{"data_source", {"name"}}};
  const auto found = rows.Read(wanted, [&](const ReadRow&) -> Status {
    program = std::make_unique<SqliteProgram>(path_);
    EXPECT_EQ(program->Run("UPDATE data_source SET name = 'new'"), SQLITE_OK);
    return {};
  });
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code(), ErrorCode::kUnavailable);
}

TEST_F(SqliteRowsTest, ErrorOfARowEndsTheReading) {
  MakeFile(kGrafana);
  SqliteRows rows(path_, 1);
  int calls = 0;
  const auto found = rows.Read(kWanted, [&calls](const ReadRow&) -> Status {
    ++calls;
    return Error(ErrorCode::kConflict, "enough");
  });
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().message(), "enough");
  EXPECT_EQ(calls, 1);
}

TEST_F(SqliteRowsTest, DamagedTableIsAnError) {
  MakeFile(std::string("PRAGMA page_size=512;") + kGrafana);
  MakeFile("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage = 1000 WHERE name = 'data_source'");
  const auto all = ReadAll(*std::make_unique<SqliteRows>(path_), kWanted);
  ASSERT_FALSE(all.ok());
  EXPECT_EQ(all.error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace coffer::grafana
