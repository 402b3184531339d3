#include "io/sqlite_writer.h"

#include <array>
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

using Values = std::vector<std::string>;

constexpr std::uint64_t kFileLimit = 64 * 1024 * 1024;
constexpr uid_t kNobody = 65534;
constexpr const char* kTable = "CREATE TABLE t (v); INSERT INTO t VALUES ('one'), ('two');";
constexpr const char* kWal = "PRAGMA journal_mode=WAL;";

class SqliteWriterTest : public testing::Test {
 protected:
  void MakeFile(const std::string& sql) { ASSERT_EQ(RunSqlite(path_, sql), SQLITE_OK); }
  std::unique_ptr<SqliteWriter> Opened() const {
    auto writer = SqliteWriter::Open({.path = path_, .busy_timeout_ms = 0, .vfs = ""});
    EXPECT_TRUE(writer.ok()) << writer.error().ToString();
    return writer.ok() ? std::move(*writer) : nullptr;
  }
  ErrorCode OpenError() const {
    const auto writer = SqliteWriter::Open({.path = path_, .busy_timeout_ms = 0, .vfs = ""});
    EXPECT_FALSE(writer.ok());
    return writer.ok() ? ErrorCode::kInternal : writer.error().code();
  }
  static Values Read(SqliteWriter& writer) {
    Values values;
    const Status read = writer.Query("SELECT v FROM t ORDER BY _rowid_", {}, [&values](auto cells) -> Status {
      values.emplace_back(cells[0] ? AsText(*cells[0]) : "~");
      return {};
    });
    EXPECT_TRUE(read.ok());
    return values;
  }
  Values ReadFile(const std::string& path) const {
    Values values;
    const auto reader = SqliteReader::Open(path, 0);
    EXPECT_TRUE(reader.ok());
    auto query = (*reader)->Prepare("SELECT v FROM t ORDER BY _rowid_");
    while (query.ok() && query->Step().value()) values.emplace_back(AsText(query->Cell(0).value().value()));
    return values;
  }
  static std::uint64_t Set(SqliteWriter& writer, std::string_view from, std::string_view to) {
    const std::array<SqliteParameter, 2> parameters = {to, from};
    const auto changed = writer.Change("UPDATE t SET v = ?1 WHERE v = ?2", parameters);
    EXPECT_TRUE(changed.ok());
    return changed.ok() ? *changed : 0;
  }
  std::string FileBytes() const {
    const auto bytes = coffer::ReadFile(path_, kFileLimit);
    EXPECT_TRUE(bytes.ok());
    return std::string(AsText(*bytes));
  }
  Values Names() const { return ListDirectory(folder_.path(), 100).value(); }

  TempDir folder_;
  const std::string path_ = folder_ / "grafana.db";
};

TEST_F(SqliteWriterTest, WhatIsCommittedIsThere) {
  for (const std::string mode : {"", kWal}) {
    static_cast<void>(RemoveFileDurably(path_));
    MakeFile(mode + kTable);
    auto writer = Opened();
    EXPECT_EQ(Set(*writer, "one", "1"), 1U);
    EXPECT_EQ(Set(*writer, "none", "1"), 0U);
    EXPECT_EQ(Read(*writer), (Values{"1", "two"}));
    ASSERT_TRUE(writer->Commit().ok());
    writer.reset();
    EXPECT_EQ(ReadFile(path_), (Values{"1", "two"}));
    EXPECT_EQ(Names(), Values{"grafana.db"});
  }
}

TEST_F(SqliteWriterTest, WithoutACommitNoByteChanges) {
  for (const std::string mode : {"", kWal}) {
    static_cast<void>(RemoveFileDurably(path_));
    MakeFile(mode + kTable);
    const std::string before = FileBytes();
    auto writer = Opened();
    Set(*writer, "one", "1");
    writer.reset();
    EXPECT_TRUE(FileBytes() == before);
    EXPECT_EQ(Names(), Values{"grafana.db"});
  }
}

TEST_F(SqliteWriterTest, LogOfACrashStaysUntilACommit) {
  {
    SqliteProgram program(path_);
    ASSERT_EQ(program.Run(std::string(kWal) + kTable), SQLITE_OK);
  }
  const std::string before = FileBytes();
  const Bytes log = coffer::ReadFile(path_ + "-wal", kFileLimit).value();
  ASSERT_FALSE(log.empty());
  auto writer = Opened();
  EXPECT_EQ(Read(*writer), (Values{"one", "two"}));
  Set(*writer, "one", "1");
  writer.reset();
  EXPECT_TRUE(FileBytes() == before);
  EXPECT_TRUE(coffer::ReadFile(path_ + "-wal", kFileLimit).value() == log);
  writer = Opened();
  Set(*writer, "one", "1");
  ASSERT_TRUE(writer->Commit().ok());
  writer.reset();
  EXPECT_EQ(Names(), Values{"grafana.db"}) << "the log was copied into the file";
  EXPECT_EQ(ReadFile(path_), (Values{"1", "two"}));
}

TEST_F(SqliteWriterTest, JournalOfACrashIsRolledBack) {
  MakeFile(std::string("PRAGMA page_size=512;") + kTable);
  {
    SqliteProgram program(path_);
    // More than fits into its cache: the file is written before the commit.
    ASSERT_EQ(
        program.Run("PRAGMA cache_size=1; BEGIN; UPDATE t SET v = 'lost'; INSERT INTO t SELECT hex(zeroblob(200)) "
                    "FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i "
                    "FROM n)"),
        SQLITE_OK);
  }
  ASSERT_TRUE(*Exists(path_ + "-journal"));
  EXPECT_EQ(Read(*Opened()), (Values{"one", "two"}));
}

TEST_F(SqliteWriterTest, NobodyElseWritesMeanwhileAndAReaderReads) {
  for (const std::string mode : {"", kWal}) {
    static_cast<void>(RemoveFileDurably(path_));
    MakeFile(mode + kTable);
    SqliteProgram program(path_);
    auto writer = Opened();
    Set(*writer, "one", "1");
    EXPECT_EQ(program.Run("UPDATE t SET v = 'mine'"), SQLITE_BUSY);
    EXPECT_EQ(program.Run("SELECT v FROM t"), SQLITE_OK);
    ASSERT_TRUE(writer->Commit().ok());
    writer.reset();
    EXPECT_EQ(program.Run("UPDATE t SET v = v || '+'"), SQLITE_OK);
    program.Close();
    EXPECT_EQ(ReadFile(path_), (Values{"1+", "two+"}));
  }
}

TEST_F(SqliteWriterTest, AProgramThatWritesKeepsItOut) {
  for (const std::string mode : {"", kWal}) {
    static_cast<void>(RemoveFileDurably(path_));
    MakeFile(mode + kTable);
    SqliteProgram program(path_);
    ASSERT_EQ(program.Run("BEGIN IMMEDIATE; UPDATE t SET v = 'mine'"), SQLITE_OK);
    EXPECT_EQ(OpenError(), ErrorCode::kUnavailable);
  }
}

TEST_F(SqliteWriterTest, AReaderThatStaysKeepsTheCommitOutAndNothingIsLost) {
  MakeFile(kTable);
  SqliteProgram program(path_);
  ASSERT_EQ(program.Run("BEGIN; SELECT v FROM t"), SQLITE_OK);
  auto writer = Opened();
  Set(*writer, "one", "1");
  const Status committed = writer->Commit();
  ASSERT_FALSE(committed.ok());
  EXPECT_EQ(committed.error().code(), ErrorCode::kUnavailable);
  writer.reset();
  program.Close();
  EXPECT_EQ(ReadFile(path_), (Values{"one", "two"}));
}

TEST_F(SqliteWriterTest, FileThatMayNotBeWrittenIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  MakeFile(kTable);
  ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod(path_.c_str(), 0644), 0);
  const std::string before = FileBytes();
  EXPECT_EQ(InChild([this] {
              if (setuid(kNobody) != 0) return 1;
              const auto writer = SqliteWriter::Open({.path = path_, .busy_timeout_ms = 0, .vfs = ""});
              return !writer.ok() && writer.error().code() == ErrorCode::kPermissionDenied ? 0 : 2;
            }),
            0);
  EXPECT_TRUE(FileBytes() == before);
}

TEST_F(SqliteWriterTest, WhatIsNoDatabaseIsRefusedAndNothingIsMade) {
  EXPECT_EQ(OpenError(), ErrorCode::kNotFound);
  EXPECT_TRUE(Names().empty());
  ASSERT_TRUE(WriteFileDurably(path_,
                               AsBytes("-- a dump, and long enough for a header of one hundred bytes, as there is "
                                       "one in each database's file of SQLite's"),
                               0600)
                  .ok());
  EXPECT_EQ(OpenError(), ErrorCode::kInvalidArgument);
  ASSERT_TRUE(RemoveFileDurably(path_).ok());
  ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);
  EXPECT_EQ(OpenError(), ErrorCode::kInvalidArgument);
}

TEST_F(SqliteWriterTest, ADatabaseInUtf16IsRefused) {
  MakeFile(std::string("PRAGMA encoding='UTF-16';") + kTable);
  EXPECT_EQ(OpenError(), ErrorCode::kInvalidArgument);
}

TEST_F(SqliteWriterTest, TriggersOfTheFileDoNotRun) {
  MakeFile(std::string(kTable) + "CREATE TRIGGER r AFTER UPDATE ON t BEGIN DELETE FROM t; END;");
  auto writer = Opened();
  Set(*writer, "one", "1");
  EXPECT_EQ(Read(*writer), (Values{"1", "two"}));
}

TEST_F(SqliteWriterTest, BackupIsTheCommittedStateAndPrivate) {
  for (const std::string mode : {"", kWal}) {
    static_cast<void>(RemoveFileDurably(path_));
    MakeFile(mode + kTable);
    const std::string copy = folder_ / ("copy" + std::to_string(mode.size()));
    auto writer = Opened();
    ASSERT_TRUE(writer->BackUp(copy).ok());
    EXPECT_EQ(FactsOf(copy)->permissions, 0600U);
    const Status again = writer->BackUp(copy);
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().code(), ErrorCode::kAlreadyExists);
    Set(*writer, "one", "1");
    ASSERT_TRUE(writer->Commit().ok());
    writer.reset();
    EXPECT_EQ(ReadFile(copy), (Values{"one", "two"}));
    EXPECT_EQ(ReadFile(path_), (Values{"1", "two"}));
  }
  EXPECT_EQ(Names(), (Values{"copy0", "copy24", "grafana.db"}));
}

TEST_F(SqliteWriterTest, ReplacedBytesAreNotInTheFileAnyMore) {
  MakeFile("CREATE TABLE t (v); INSERT INTO t VALUES ('a-value-that-was-here-before');");
  auto writer = Opened();
  Set(*writer, "a-value-that-was-here-before", "x");
  ASSERT_TRUE(writer->Commit().ok());
  writer.reset();
  EXPECT_EQ(FileBytes().find("that-was-here"), std::string::npos);
}

TEST_F(SqliteWriterTest, ColumnsOfAnOrdinaryTableAreNamed) {
  MakeFile(std::string(kTable) +
           "CREATE TABLE w (k PRIMARY KEY, V) WITHOUT ROWID; CREATE VIEW x AS SELECT 1;"
           "CREATE TABLE g (a, b AS (a || 'x'), c AS (a) STORED, d);");
  const auto writer = Opened();
  EXPECT_EQ(writer->ColumnsOf("T").value()->names, Values{"v"});
  EXPECT_TRUE(writer->ColumnsOf("t").value()->has_row_ids);
  EXPECT_EQ(writer->ColumnsOf("g").value()->names, (Values{"a", "d"})) << "others are not what is stored";
  EXPECT_FALSE(writer->ColumnsOf("w").value()->has_row_ids);
  EXPECT_FALSE(writer->ColumnsOf("x").value());
  EXPECT_FALSE(writer->ColumnsOf("none").value());
}

}  // namespace
}  // namespace coffer
