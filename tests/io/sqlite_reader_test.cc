#include "io/sqlite_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "io/file.h"
#include "tests/support/in_child.h"
#include "tests/support/sqlite_program.h"
#include "tests/support/temp_dir.h"

namespace coffer {
namespace {

constexpr std::uint64_t kFileLimit = 64 * 1024 * 1024;
constexpr uid_t kNobody = 65534;
constexpr const char* kTable = "CREATE TABLE t (v); INSERT INTO t VALUES ('one'), ('two');";

// Names and bytes of a folder's files, but for the index of a log, which is no content.
std::vector<std::pair<std::string, Bytes>> ContentsOf(const std::string& folder) {
  std::vector<std::pair<std::string, Bytes>> contents;
  const auto names = ListDirectory(folder, 100);
  EXPECT_TRUE(names.ok());
  for (const std::string& name : *names) {
    const auto bytes = ReadFile(folder + "/" + name, kFileLimit);
    EXPECT_TRUE(bytes.ok());
    contents.emplace_back(name, name.ends_with("-shm") ? Bytes() : *bytes);
  }
  return contents;
}

// The only column of all rows.
Result<std::vector<std::string>> ReadValues(SqliteReader& reader) {
  std::vector<std::string> values;
  COFFER_ASSIGN_OR_RETURN(SqliteQuery query, reader.Prepare("SELECT v FROM t ORDER BY _rowid_"));
  for (;;) {
    COFFER_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) break;
    COFFER_ASSIGN_OR_RETURN(const auto cell, query.Cell(0));
    values.emplace_back(cell ? AsText(*cell) : "(null)");
  }
  COFFER_TRY(reader.Check());
  return values;
}

Result<std::vector<std::string>> ReadValues(const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(const auto reader, SqliteReader::Open(path, 0));
  return ReadValues(*reader);
}

ErrorCode OpenError(const std::string& path) {
  const auto reader = SqliteReader::Open(path, 0);
  EXPECT_FALSE(reader.ok());
  return reader.ok() ? ErrorCode::kInternal : reader.error().code();
}

using Values = std::vector<std::string>;
const Values kBoth = {"one", "two"};

class SqliteReaderTest : public testing::Test {
 protected:
  // A file whose program ended: as it should, or killed.
  void MakeFile(const std::string& sql) { ASSERT_EQ(RunSqlite(path_, sql), SQLITE_OK); }
  void MakeFileAndCrash(const std::string& sql) {
    SqliteProgram program(path_);
    ASSERT_EQ(program.Run(sql), SQLITE_OK);
  }
  bool Has(const std::string& ending) const { return *Exists(path_ + ending); }
  // What is read, when nothing in the folder may change by it.
  Values ReadUntouched() const {
    const auto before = ContentsOf(folder_.path());
    const auto values = ReadValues(path_);
    EXPECT_TRUE(values.ok());
    EXPECT_TRUE(ContentsOf(folder_.path()) == before);
    return values.ok() ? *values : Values();
  }

  TempDir folder_;
  const std::string path_ = folder_ / "grafana.db";
};

TEST_F(SqliteReaderTest, FileWithoutLogIsReadAndLeftAsItIs) {
  MakeFile(kTable);
  EXPECT_EQ(ReadUntouched(), kBoth);
}

TEST_F(SqliteReaderTest, FileWhoseLogWasClosedIsReadAndLeftAsItIs) {
  MakeFile(std::string("PRAGMA journal_mode=WAL;") + kTable);
  ASSERT_FALSE(Has("-wal") || Has("-shm"));
  EXPECT_EQ(ReadUntouched(), kBoth);
}

TEST_F(SqliteReaderTest, FileWithALogAfterACrashIsReadAndLeftAsItIs) {
  MakeFileAndCrash(std::string("PRAGMA journal_mode=WAL;") + kTable);
  ASSERT_TRUE(Has("-wal") && Has("-shm"));
  EXPECT_EQ(ReadUntouched(), kBoth);
}

TEST_F(SqliteReaderTest, CopyOfAFileAndItsLogWithoutTheIndexIsReadAndLeftAsItIs) {
  MakeFileAndCrash(std::string("PRAGMA journal_mode=WAL;") + kTable);
  ASSERT_EQ(unlink((path_ + "-shm").c_str()), 0);
  EXPECT_EQ(ReadUntouched(), kBoth);
}

TEST_F(SqliteReaderTest, EmptyLogWithoutTheIndexIsReadAndLeftAsItIs) {
  MakeFile(std::string("PRAGMA journal_mode=WAL;") + kTable);
  ASSERT_TRUE(WriteFileDurably(path_ + "-wal", ByteView(), 0600).ok());
  EXPECT_EQ(ReadUntouched(), kBoth);
}

TEST_F(SqliteReaderTest, IndexWithoutALogIsLeftAsItIs) {
  MakeFile(std::string("PRAGMA journal_mode=WAL;") + kTable);
  ASSERT_TRUE(WriteFileDurably(path_ + "-shm", ByteView(), 0600).ok());
  EXPECT_EQ(ReadUntouched(), kBoth);
}

TEST_F(SqliteReaderTest, PathIsNoUriAndMayBeALink) {
  MakeFile(kTable);
  const std::string odd = folder_ / "100%?mode=rwc#x y";
  ASSERT_EQ(rename(path_.c_str(), odd.c_str()), 0);
  ASSERT_EQ(symlink(odd.c_str(), path_.c_str()), 0);
  EXPECT_EQ(ReadUntouched(), kBoth);
}

// A program that uses the file while it is read.

TEST_F(SqliteReaderTest, LogOfARunningProgramIsRead) {
  SqliteProgram program(path_);
  ASSERT_EQ(program.Run(std::string("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;") + kTable), SQLITE_OK);
  EXPECT_EQ(ReadUntouched(), kBoth);
}

TEST_F(SqliteReaderTest, ProgramWithALogWritesAndCopiesItMeanwhileAndIsNotSeen) {
  SqliteProgram program(path_);
  ASSERT_EQ(program.Run(std::string("PRAGMA journal_mode=WAL;") + kTable), SQLITE_OK);
  const auto reader = SqliteReader::Open(path_, 0);
  ASSERT_TRUE(reader.ok());
  EXPECT_FALSE((*reader)->delays_writers());
  EXPECT_EQ(program.Run("UPDATE t SET v = 'new'; PRAGMA wal_checkpoint"), SQLITE_OK);
  const auto values = ReadValues(**reader);
  ASSERT_TRUE(values.ok());
  EXPECT_EQ(*values, kBoth);
}

TEST_F(SqliteReaderTest, ProgramWithALogMayEndMeanwhile) {
  SqliteProgram program(path_);
  ASSERT_EQ(program.Run(std::string("PRAGMA journal_mode=WAL;") + kTable), SQLITE_OK);
  {
    const auto reader = SqliteReader::Open(path_, 0);
    ASSERT_TRUE(reader.ok());
    ASSERT_EQ(program.Run("INSERT INTO t VALUES ('three')"), SQLITE_OK);
    program.Close();
    EXPECT_EQ(*ReadValues(**reader), kBoth);
  }
  EXPECT_EQ(ReadUntouched(), (Values{"one", "two", "three"}));
}

TEST_F(SqliteReaderTest, ProgramWithoutALogWaitsForTheReaderAndNoLonger) {
  MakeFile(kTable);
  SqliteProgram program(path_);
  {
    const auto reader = SqliteReader::Open(path_, 0);
    ASSERT_TRUE(reader.ok());
    EXPECT_TRUE((*reader)->delays_writers());
    EXPECT_EQ(program.Run("UPDATE t SET v = 'new'"), SQLITE_BUSY);
    EXPECT_EQ(*ReadValues(**reader), kBoth);
  }
  EXPECT_EQ(program.Run("UPDATE t SET v = 'new'"), SQLITE_OK);
}

TEST_F(SqliteReaderTest, WhatWasReadDoesNotCountWhenAProgramOpenedTheFileMeanwhile) {
  MakeFile(std::string("PRAGMA journal_mode=WAL;") + kTable);
  const auto reader = SqliteReader::Open(path_, 0);
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE((*reader)->Check().ok());
  SqliteProgram program(path_);
  EXPECT_EQ(program.Run("INSERT INTO t VALUES ('three')"), SQLITE_OK);
  EXPECT_EQ((*reader)->Check().error().code(), ErrorCode::kUnavailable);
  program.Close();  // Cannot hide that it was there.
  EXPECT_EQ((*reader)->Check().error().code(), ErrorCode::kUnavailable);
}

TEST_F(SqliteReaderTest, WhatWasReadOfALogWithoutIndexDoesNotCountWhenAProgramOpenedItMeanwhile) {
  MakeFileAndCrash(std::string("PRAGMA journal_mode=WAL;") + kTable);
  ASSERT_EQ(unlink((path_ + "-shm").c_str()), 0);
  const auto reader = SqliteReader::Open(path_, 0);
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE((*reader)->Check().ok());
  SqliteProgram program(path_);
  EXPECT_EQ(program.Run("INSERT INTO t VALUES ('three')"), SQLITE_OK);
  program.Close();
  EXPECT_EQ((*reader)->Check().error().code(), ErrorCode::kUnavailable);
}

TEST_F(SqliteReaderTest, FileThatAnotherProgramHoldsIsUnavailable) {
  MakeFile(kTable);
  SqliteProgram program(path_);
  ASSERT_EQ(program.Run("BEGIN EXCLUSIVE"), SQLITE_OK);
  EXPECT_EQ(OpenError(path_), ErrorCode::kUnavailable);
  ASSERT_EQ(program.Run("COMMIT"), SQLITE_OK);
  EXPECT_EQ(ReadUntouched(), kBoth);
}

TEST_F(SqliteReaderTest, FileThatAnotherProgramKeepsForItselfIsUnavailable) {
  MakeFile(std::string("PRAGMA journal_mode=WAL;") + kTable);
  SqliteProgram program(path_);
  ASSERT_EQ(program.Run("PRAGMA locking_mode=EXCLUSIVE; INSERT INTO t VALUES ('three')"), SQLITE_OK);
  EXPECT_EQ(OpenError(path_), ErrorCode::kUnavailable);
}

TEST_F(SqliteReaderTest, UnfinishedWriteOfACrashedProgramIsSaid) {
  MakeFile(kTable);
  SqliteProgram program(path_);
  ASSERT_EQ(program.Run("PRAGMA cache_size=1; BEGIN; CREATE TABLE big (v); "
                        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
                        "INSERT INTO big SELECT zeroblob(2000) FROM n"),
            SQLITE_OK);
  program.Kill();
  const auto before = ContentsOf(folder_.path());
  EXPECT_EQ(OpenError(path_), ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(ContentsOf(folder_.path()) == before);
}

// Other users.

class SqliteReaderUserTest : public SqliteReaderTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    ASSERT_EQ(chmod(folder_.path().c_str(), 0777), 0);
  }
  // 0 when nobody reads both values, else a code; 100 and more when it is an error's.
  int ReadAsNobody() const {
    return InChild([this] {
      if (setgid(kNobody) != 0 || setuid(kNobody) != 0) return 99;
      const auto values = ReadValues(path_);
      if (!values.ok()) return 100 + static_cast<int>(values.error().code());
      return *values == kBoth ? 0 : 1;
    });
  }
};

TEST_F(SqliteReaderUserTest, WhoMayOnlyReadReadsTheLogOfARunningProgram) {
  SqliteProgram program(path_);
  ASSERT_EQ(program.Run(std::string("PRAGMA journal_mode=WAL;") + kTable), SQLITE_OK);
  for (const char* ending : {"", "-wal", "-shm"}) ASSERT_EQ(chmod((path_ + ending).c_str(), 0644), 0);
  EXPECT_EQ(ReadAsNobody(), 0);
}

TEST_F(SqliteReaderUserTest, WhoMayOnlyReadReadsTheLogAfterACrash) {
  MakeFileAndCrash(std::string("PRAGMA journal_mode=WAL;") + kTable);
  for (const char* ending : {"", "-wal", "-shm"}) ASSERT_EQ(chmod((path_ + ending).c_str(), 0644), 0);
  const auto before = ContentsOf(folder_.path());
  EXPECT_EQ(ReadAsNobody(), 0);
  EXPECT_TRUE(ContentsOf(folder_.path()) == before);
}

TEST_F(SqliteReaderUserTest, WhoMayMakeFilesMakesNoneThatTheProgramCannotUse) {
  MakeFile(std::string("PRAGMA journal_mode=WAL;") + kTable);
  ASSERT_EQ(chmod(path_.c_str(), 0644), 0);
  EXPECT_EQ(ReadAsNobody(), 0);
  EXPECT_EQ(ListDirectory(folder_.path(), 10)->size(), 1U);
}

TEST_F(SqliteReaderUserTest, FileThatMayNotBeReadIsSaid) {
  MakeFile(kTable);
  ASSERT_EQ(chmod(path_.c_str(), 0600), 0);
  EXPECT_EQ(ReadAsNobody(), 100 + static_cast<int>(ErrorCode::kPermissionDenied));
}

// What is in the file.

TEST_F(SqliteReaderTest, CellsOfEveryTypeAreBytesOrText) {
  MakeFile(
      "CREATE TABLE t (v); INSERT INTO t VALUES (NULL), (''), ('a' || char(0) || 'b'), (x''), (x'00ff'), (-7), "
      "(9223372036854775807), (1.5)");
  const std::string nul("a\0b", 3);
  const std::string blob("\x00\xff", 2);
  EXPECT_EQ(ReadUntouched(), (Values{"(null)", "", nul, "", blob, "-7", "9223372036854775807", "1.5"}));
}

TEST_F(SqliteReaderTest, TextOfAUtf16DatabaseIsUtf8) {
  MakeFile("PRAGMA encoding='UTF-16le'; CREATE TABLE t (v); INSERT INTO t VALUES ('gr\u00fcn'), (12)");
  EXPECT_EQ(ReadUntouched(), (Values{"gr\u00fcn", "12"}));
}

TEST_F(SqliteReaderTest, OnlyOrdinaryTablesHaveColumns) {
  MakeFile(
      "CREATE TABLE \"Us\"\"er\" (id INTEGER PRIMARY KEY, \"Log in\"); CREATE TABLE w (k PRIMARY KEY, v) WITHOUT "
      "ROWID; "
      "CREATE TABLE r (_RowId_, v); CREATE TABLE g (v, _rowid_ AS (v)); CREATE VIEW seen AS SELECT 1 AS v; "
      "CREATE VIRTUAL TABLE f USING fts5(v)");
  const auto reader = SqliteReader::Open(path_, 0);
  ASSERT_TRUE(reader.ok());
  const auto user = (*reader)->ColumnsOf("us\"ER");
  ASSERT_TRUE(user.ok() && user->has_value());
  EXPECT_EQ((*user)->names, (Values{"id", "Log in"}));
  EXPECT_TRUE((*user)->has_row_ids);
  for (const char* name : {"w", "r", "g"}) {
    const auto columns = (*reader)->ColumnsOf(name);
    ASSERT_TRUE(columns.ok() && columns->has_value()) << name;
    EXPECT_FALSE((*columns)->has_row_ids) << name;
  }
  for (const char* name : {"seen", "f", "missing", ""}) {
    const auto columns = (*reader)->ColumnsOf(name);
    ASSERT_TRUE(columns.ok()) << name;
    EXPECT_FALSE(columns->has_value()) << name;
  }
}

TEST_F(SqliteReaderTest, GeneratedColumnsAreNone) {
  MakeFile("CREATE TABLE t (a, b AS (zeroblob(a)), c GENERATED ALWAYS AS (a || 'x') STORED, d)");
  const auto reader = SqliteReader::Open(path_, 0);
  ASSERT_TRUE(reader.ok());
  const auto columns = (*reader)->ColumnsOf("t");
  ASSERT_TRUE(columns.ok() && columns->has_value());
  EXPECT_EQ((*columns)->names, (Values{"a", "d"}));
}

TEST_F(SqliteReaderTest, SizeIsThatOfAllPages) {
  MakeFile("PRAGMA page_size=512; CREATE TABLE t (v); INSERT INTO t VALUES (zeroblob(5000))");
  const auto bytes = ReadFile(path_, kFileLimit);
  ASSERT_TRUE(bytes.ok());
  const auto reader = SqliteReader::Open(path_, 0);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->Size().value(), bytes->size());
}

TEST_F(SqliteReaderTest, NothingCanBeWritten) {
  MakeFile(kTable);
  const auto reader = SqliteReader::Open(path_, 0);
  ASSERT_TRUE(reader.ok());
  for (const char* sql : {"INSERT INTO t VALUES (1)", "CREATE TEMP TABLE x (v)", "PRAGMA user_version=3"}) {
    auto query = (*reader)->Prepare(sql);
    EXPECT_FALSE(query.ok() && query->Step().ok()) << sql;
  }
}

TEST_F(SqliteReaderTest, WhatIsNoDatabaseIsInvalid) {
  MakeFile(kTable);
  const auto whole = ReadFile(path_, kFileLimit);
  ASSERT_TRUE(whole.ok());
  for (const std::size_t size : {0U, 1U, 16U, 99U}) {
    ASSERT_TRUE(WriteFileDurably(path_, ByteView(*whole).first(size), 0600).ok());
    EXPECT_EQ(OpenError(path_), ErrorCode::kInvalidArgument) << size;
  }
  ASSERT_TRUE(WriteFileDurably(path_, Bytes(8'192, std::byte{'x'}), 0600).ok());
  EXPECT_EQ(OpenError(path_), ErrorCode::kInvalidArgument);
  EXPECT_EQ(OpenError(folder_.path()), ErrorCode::kInvalidArgument);
  EXPECT_EQ(OpenError(folder_ / "missing"), ErrorCode::kNotFound);
  EXPECT_EQ(OpenError(""), ErrorCode::kInvalidArgument);
}

// Each byte of a small file, and each end of it: an error, or values, but no crash and no write.
TEST_F(SqliteReaderTest, DamageIsAnErrorOrAnotherValue) {
  MakeFile(std::string("PRAGMA page_size=512;") + kTable);
  const auto whole = ReadFile(path_, kFileLimit);
  ASSERT_TRUE(whole.ok());
  for (std::size_t at = 0; at < whole->size(); ++at) {
    Bytes damaged = *whole;
    damaged[at] ^= std::byte{0xff};
    ASSERT_TRUE(ReplaceFile(path_, damaged, 0600).ok());
    const auto values = ReadValues(path_);
    EXPECT_TRUE(values.ok() || values.error().code() != ErrorCode::kInternal) << at;
    ASSERT_TRUE(ReplaceFile(path_, ByteView(*whole).first(at), 0600).ok());
    const auto shorter = ReadValues(path_);
    EXPECT_FALSE(shorter.ok() && *shorter == kBoth) << at;
  }
  EXPECT_EQ(ListDirectory(folder_.path(), 10)->size(), 1U);
}

}  // namespace
}  // namespace coffer
