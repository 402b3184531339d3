#include "plugins/grafana/database/sqlite_rows.h"

#include <limits>
#include <unistd.h>

#include "crypto/cursor.h"
#include "io/file.h"
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
const SpoolLimits kRowByRow = {.spool_bytes = 1};
const std::string kBlob("\x2a\x00\xff", 3);

class SqliteRowsTest : public testing::Test {
 protected:
  void MakeFile(const std::string& sql) { ASSERT_EQ(RunSqlite(path_, sql), SQLITE_OK); }
  AllRows Read(std::span<const WantedTable> wanted, const SpoolLimits& limits = {}) {
    const auto all = ReadAll(*std::make_unique<SqliteRows>(path_, limits), wanted);
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

TEST_F(SqliteRowsTest, WhatIsNoTableIsToldOfWhereItMayBeThere) {
  MakeFile(
      "CREATE TABLE real (id, name); INSERT INTO real VALUES (1, 'x'); CREATE VIEW Data_Source AS SELECT * FROM real;"
      "CREATE VIEW broken AS SELECT * FROM absent; CREATE VIRTUAL TABLE user USING fts5(login);"
      "INSERT INTO user VALUES ('admin'); CREATE VIRTUAL TABLE cache USING fts5(v)");
  const std::vector<WantedTable> wanted = {{"data_source", {"name"}}, {"broken", {"id"}}, {"user", {"login"}},
                                           {"cache_data", {"id"}},    {"none", {"id"}},   {"real", {"name"}}};
  const AllRows all = Read(Lenient(wanted));
  EXPECT_EQ(all.rows, (Texts{"real: x"}));
  EXPECT_EQ(all.tables, (Texts{"data_source is view", "broken is view", "user is virtual-table", "cache_data is other",
                               "real 1 name"}));
  EXPECT_EQ(Read(Lenient(wanted), kRowByRow).tables, all.tables);
  for (std::size_t table = 0; table < 4; ++table) {
    SqliteRows rows(path_);
    const auto strict = ReadAll(rows, std::span(wanted).subspan(table, 1));
    ASSERT_FALSE(strict.ok()) << wanted[table].name;
    EXPECT_EQ(strict.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(strict.error().path(), wanted[table].name);
  }
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
  EXPECT_EQ(Read(wanted, kRowByRow).rows, rows);
  EXPECT_EQ(Read(wanted, kRowByRow).tables, (Texts{"t 5 v", "w 2 v", "r 2 v", "after 2 v"}));
}

// While a row is worked on, the program that has the file writes.
class SqliteRowsWriterTest : public SqliteRowsTest {
 protected:
  // The names that were read while `sql` was run behind each row; it must not have had to wait.
  Texts ReadWhileWriting(SqliteProgram& program, const std::string& sql, const SpoolLimits& limits) {
    SqliteRows rows(path_, limits);
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
  const Texts names =
      ReadWhileWriting(program, "INSERT INTO data_source (name, basic_auth) VALUES ('new', 0)", SpoolLimits());
  EXPECT_EQ(names, (Texts{"one", "two"}));
}

TEST_F(SqliteRowsWriterTest, AWriterWithoutALogDoesNotWaitBetweenPiecesEither) {
  MakeFile(kGrafana);
  SqliteProgram program(path_);
  const Texts names = ReadWhileWriting(program, "UPDATE data_source SET name = name || '+'", kRowByRow);
  EXPECT_EQ(names, (Texts{"one", "two+"}));  // each piece of its own moment
}

TEST_F(SqliteRowsWriterTest, AWriterWithALogDoesNotWaitAndAllPiecesAreOfOneMoment) {
  MakeFile(std::string("PRAGMA journal_mode=WAL;") + kGrafana);
  SqliteProgram program(path_);
  ASSERT_EQ(program.Run("SELECT * FROM data_source"), SQLITE_OK);
  EXPECT_EQ(ReadWhileWriting(program, "UPDATE data_source SET name = name || '+'", kRowByRow), (Texts{"one", "two"}));
}

TEST_F(SqliteRowsWriterTest, AProgramThatOpensTheFileBetweenPiecesEndsTheReading) {
  MakeFile(std::string("PRAGMA journal_mode=WAL;") + kGrafana);
  std::unique_ptr<SqliteProgram> program;
  SqliteRows rows(path_, kRowByRow);
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
  SqliteRows rows(path_, kRowByRow);
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

// What would be made while it is read is not read.
TEST_F(SqliteRowsTest, GeneratedColumnsAreAbsent) {
  MakeFile(
      "CREATE TABLE user (id INTEGER PRIMARY KEY, login AS (hex(zeroblob(1000))), g AS (id) STORED);"
      "INSERT INTO user VALUES (1)");
  const std::vector<WantedTable> wanted = {{"user", {"id", "login", "g"}}};
  EXPECT_EQ(Read(wanted).rows, Texts{"user: 1|~|~"});
  EXPECT_EQ(Read(wanted).tables, Texts{"user 1 id"});
}

TEST_F(SqliteRowsTest, RowAboveTheLimitIsRefused) {
  MakeFile("CREATE TABLE user (id, login); INSERT INTO user VALUES ('12345', '12345'), ('123456', '12345')");
  const std::vector<WantedTable> wanted = {{"user", {"id", "login"}}};
  EXPECT_EQ(Read(wanted, {.row_bytes = 11}).rows.size(), 2U);
  const auto all = ReadAll(*std::make_unique<SqliteRows>(path_, SpoolLimits{.row_bytes = 10}), wanted);
  ASSERT_FALSE(all.ok());
  EXPECT_EQ(all.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(all.error().limit(), 10U);
}

// One table whose pages have the same children again and again, level below level.
class SharedPagesTest : public SqliteRowsTest {
 protected:
  static constexpr std::uint32_t kEndless = 8;

  // `sql` makes the file's only table, of more than one page. All its leaves become the first one, and `levels` pages
  // are put above that.
  void MakeShared(const std::string& sql, std::uint32_t levels) {
    MakeFile("PRAGMA page_size=512;" + sql);
    auto bytes = ReadFile(path_, kFileLimit);
    ASSERT_TRUE(bytes.ok());
    file_ = std::move(*bytes);
    constexpr std::uint32_t kRoot = 2;
    const std::uint32_t leaf = LeftmostLeaf(kRoot);
    const auto first = static_cast<std::uint32_t>(file_.size() / kPage) + 1;
    for (std::uint32_t level = 0; level < levels; ++level) {
      const Bytes interior(file_.begin() + kPage, file_.begin() + 2 * kPage);
      Append(file_, interior);
      PointTo(first + level, level + 1 == levels ? leaf : first + level + 1);
    }
    PointTo(kRoot, levels == 0 ? leaf : first);
    Put(kPagesAt, static_cast<std::uint32_t>(file_.size() / kPage));
    ASSERT_TRUE(ReplaceFile(path_, file_, 0600).ok());
  }

  void ExpectDamaged() {
    const std::vector<WantedTable> wanted = {{"user", {"id"}}};
    for (const SpoolLimits& limits : {SpoolLimits(), kRowByRow}) {
      const auto all = ReadAll(*std::make_unique<SqliteRows>(path_, limits), wanted);
      ASSERT_FALSE(all.ok());
      EXPECT_EQ(all.error().code(), ErrorCode::kInvalidArgument);
      EXPECT_NE(all.error().message().find("damaged"), std::string_view::npos);
    }
  }

 private:
  static constexpr std::uint64_t kFileLimit = std::uint64_t{1} << 20;
  static constexpr std::size_t kPage = 512;
  // sqlite.org/fileformat2.html
  static constexpr std::size_t kPagesAt = 28;
  static constexpr std::size_t kCellCountAt = 3;
  static constexpr std::size_t kRightChildAt = 8;
  static constexpr std::size_t kCellsAt = 12;
  static constexpr std::byte kTableInterior{5};
  static constexpr std::byte kIndexInterior{2};

  static std::size_t Start(std::uint32_t page) { return (page - 1) * kPage; }
  std::uint32_t Get(std::size_t at, std::size_t size) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | std::to_integer<std::uint32_t>(file_[at + i]);
    return value;
  }
  void Put(std::size_t at, std::uint32_t value) { StoreU32(MutableBytes(file_).subspan(at, 4), value); }
  // Where an interior page has the numbers of its children.
  std::vector<std::size_t> ChildrenOf(std::uint32_t page) const {
    std::vector<std::size_t> children;
    const std::uint32_t cells = Get(Start(page) + kCellCountAt, 2);
    for (std::uint32_t i = 0; i < cells; ++i) {
      children.push_back(Start(page) + Get(Start(page) + kCellsAt + 2 * i, 2));
    }
    children.push_back(Start(page) + kRightChildAt);
    return children;
  }
  std::uint32_t LeftmostLeaf(std::uint32_t page) const {
    const std::byte kind = file_[Start(page)];
    EXPECT_TRUE(page != 2 || kind == kTableInterior || kind == kIndexInterior);
    if (kind != kTableInterior && kind != kIndexInterior) return page;
    return LeftmostLeaf(Get(ChildrenOf(page).front(), 4));
  }
  void PointTo(std::uint32_t page, std::uint32_t child) {
    for (const std::size_t at : ChildrenOf(page)) Put(at, child);
  }

  Bytes file_;
};

constexpr const char* kRows =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
    "INSERT INTO user SELECT i, 'login' FROM n";

TEST_F(SharedPagesTest, RowsThatDoNotComeInOrderAreDamage) {
  for (const std::uint32_t levels : {0U, kEndless}) {
    MakeShared(std::string("CREATE TABLE user (id INTEGER PRIMARY KEY, login);") + kRows, levels);
    ExpectDamaged();
    ASSERT_EQ(unlink(path_.c_str()), 0);
  }
}

TEST_F(SharedPagesTest, MoreRowsThanTheFileHasRoomForAreDamage) {
  MakeShared(std::string("CREATE TABLE user (id PRIMARY KEY, login) WITHOUT ROWID;") + kRows, kEndless);
  ExpectDamaged();
}

}  // namespace
}  // namespace coffer::grafana
