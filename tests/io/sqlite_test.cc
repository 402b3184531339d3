#include "io/sqlite.h"

#include <stdlib.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "io/file.h"

namespace coffer {
namespace {

constexpr std::uint64_t kFileLimit = 16 * 1024 * 1024;

class SqliteTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "coffer-sqlite-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { EXPECT_TRUE(RemoveTree(folder_).ok()); }

  SqliteOptions Options(const std::string& name = "test.db") const { return {folder_ + "/" + name, "", 0}; }
  std::unique_ptr<SqliteDatabase> Open() const {
    auto database = SqliteDatabase::Open(Options());
    EXPECT_TRUE(database.ok());
    return database.ok() ? *std::move(database) : nullptr;
  }
  // What Open answers for a file with this content.
  ErrorCode OpenError(ByteView content) const {
    EXPECT_TRUE(WriteFileDurably(Options().path, content, 0600).ok());
    const auto database = SqliteDatabase::Open(Options());
    EXPECT_FALSE(database.ok());
    return database.ok() ? ErrorCode::kInternal : database.error().code();
  }

  std::string folder_;
};

Result<Datum> StoreAndRead(SqliteDatabase& database, const Datum& value, ValueType type, bool nullable) {
  COFFER_TRY(database.Execute("CREATE TABLE IF NOT EXISTS t (v); DELETE FROM t"));
  {
    COFFER_ASSIGN_OR_RETURN(SqliteStatement insert, database.Prepare("INSERT INTO t VALUES (?1)"));
    COFFER_TRY(insert.Bind(1, value));
    COFFER_TRY(insert.Step());
  }
  COFFER_ASSIGN_OR_RETURN(SqliteStatement select, database.Prepare("SELECT v FROM t"));
  COFFER_ASSIGN_OR_RETURN(const bool row, select.Step());
  EXPECT_TRUE(row);
  return select.Column(0, type, nullable);
}

Uuid SampleUuid() {
  Uuid uuid;
  uuid.bytes.fill(std::byte{0x5a});
  return uuid;
}

TEST_F(SqliteTest, EveryTypeReadsBackAsWritten) {
  const auto database = Open();
  const std::vector<std::pair<Datum, ValueType>> cases = {
      {std::int64_t{0}, ValueType::kInt64}, {INT64_MIN, ValueType::kInt64},
      {INT64_MAX, ValueType::kInt64},       {SampleUuid(), ValueType::kUuid},
      {std::string(), ValueType::kText},    {std::string("a\0b\xff", 4), ValueType::kText},
      {Bytes(), ValueType::kBytes},         {Bytes(1'100'000, std::byte{7}), ValueType::kBytes},
  };
  for (const auto& [value, type] : cases) {
    const auto read = StoreAndRead(*database, value, type, false);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, value);
  }
}

TEST_F(SqliteTest, NullReadsBackWhereItIsAllowed) {
  const auto database = Open();
  const auto read = StoreAndRead(*database, NullValue{}, ValueType::kInt64, true);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(std::holds_alternative<NullValue>(*read));
}

TEST_F(SqliteTest, ValueOfAnotherTypeIsIntegrity) {
  const auto database = Open();
  const std::vector<std::pair<Datum, ValueType>> cases = {
      {NullValue{}, ValueType::kInt64},    {NullValue{}, ValueType::kBytes}, {std::string("1"), ValueType::kInt64},
      {std::int64_t{1}, ValueType::kText}, {Bytes(3), ValueType::kText},     {std::string("abc"), ValueType::kBytes},
      {Bytes(15), ValueType::kUuid},       {Bytes(17), ValueType::kUuid},    {std::string(16, 'a'), ValueType::kUuid},
  };
  for (const auto& [value, type] : cases) {
    const auto read = StoreAndRead(*database, value, type, false);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code(), ErrorCode::kIntegrity);
  }
}

TEST_F(SqliteTest, TakenKeyIsAlreadyExists) {
  const auto database = Open();
  ASSERT_TRUE(database->Execute("CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)").ok());
  const Status again = database->Execute("INSERT INTO t VALUES (1)");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), ErrorCode::kAlreadyExists);
}

TEST_F(SqliteTest, WrongSqlIsInternalAndNamesNoValue) {
  const auto database = Open();
  for (const char* sql : {"SELECT x FROM nowhere", "SELEC 'canary'", "SELECT \"canary\""}) {
    const auto statement = database->Prepare(sql);
    ASSERT_FALSE(statement.ok());
    EXPECT_EQ(statement.error().code(), ErrorCode::kInternal);
    EXPECT_EQ(statement.error().ToString().find("canary"), std::string::npos);
  }
  EXPECT_EQ(database->Prepare("").error().code(), ErrorCode::kInternal);
}

TEST_F(SqliteTest, BindBeyondTheParametersIsRefused) {
  const auto database = Open();
  auto statement = database->Prepare("SELECT ?1");
  ASSERT_TRUE(statement.ok());
  EXPECT_FALSE(statement->Bind(2, std::int64_t{1}).ok());
}

TEST_F(SqliteTest, PreparedAgainForgetsItsParameters) {
  const auto database = Open();
  {
    auto first = database->Prepare("SELECT ?1");
    ASSERT_TRUE(first->Bind(1, std::int64_t{7}).ok());
    ASSERT_TRUE(*first->Step());
  }
  auto second = database->Prepare("SELECT ?1");
  ASSERT_TRUE(*second->Step());
  const auto value = second->Column(0, ValueType::kInt64, true);
  ASSERT_TRUE(value.ok());
  EXPECT_TRUE(std::holds_alternative<NullValue>(*value));
}

TEST_F(SqliteTest, FilesArePrivateToTheirOwner) {
  const auto database = Open();
  ASSERT_TRUE(database->Execute("CREATE TABLE t (a)").ok());
  for (const char* suffix : {"", "-wal"}) {
    const auto facts = FactsOf(Options().path + suffix);
    ASSERT_TRUE(facts.ok());
    EXPECT_EQ(facts->permissions, 0600U);
  }
  EXPECT_FALSE(*Exists(Options().path + "-shm"));
}

TEST_F(SqliteTest, SecondConnectionIsUnavailableUntilTheFirstCloses) {
  auto first = Open();
  const auto second = SqliteDatabase::Open(Options());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
  first.reset();
  EXPECT_TRUE(SqliteDatabase::Open(Options()).ok());
}

TEST_F(SqliteTest, PathThatCannotBeOpenedIsUnavailable) {
  EXPECT_EQ(SqliteDatabase::Open(Options("missing/test.db")).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(SqliteDatabase::Open({folder_, "", 0}).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(SqliteDatabase::Open({"test.db", "no-such-vfs", 0}).error().code(), ErrorCode::kInternal);
  EXPECT_EQ(SqliteDatabase::Open({"", "", 0}).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(SqliteTest, FileThatIsNoDatabaseIsIntegrity) {
  EXPECT_EQ(OpenError(AsBytes(std::string(5000, 'x'))), ErrorCode::kIntegrity);
  EXPECT_EQ(OpenError(AsBytes("SQLite format 4\0 and more, but not the right thing")), ErrorCode::kIntegrity);
}

TEST_F(SqliteTest, DamageIsFoundAtOpenAfterAnUncleanStop) {
  const auto database = Open();
  ASSERT_TRUE(
      database->Execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b); INSERT INTO t (b) VALUES (randomblob(3000))").ok());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(database->Execute("INSERT INTO t (b) SELECT randomblob(3000) FROM t").ok());
  ASSERT_TRUE(database->MakeDurable().ok());
  ASSERT_TRUE(database->Execute("INSERT INTO t (b) VALUES ('in the WAL')").ok());

  // A copy of the open files is what a crash leaves.
  auto file = ReadFile(Options().path, kFileLimit);
  const auto wal = ReadFile(Options().path + "-wal", kFileLimit);
  ASSERT_TRUE(file.ok() && wal.ok());
  ASSERT_FALSE(wal->empty());
  const SqliteOptions copy = Options("copy.db");
  const auto put = [&](ByteView content) {
    return WriteFileDurably(copy.path, content, 0600).ok() && WriteFileDurably(copy.path + "-wal", *wal, 0600).ok();
  };
  ASSERT_TRUE(put(*file));
  EXPECT_TRUE(SqliteDatabase::Open(copy).ok());

  std::fill(file->begin() + 4 * 4096, file->begin() + 5 * 4096, std::byte{0xee});
  ASSERT_TRUE(put(*file));
  const auto damaged = SqliteDatabase::Open(copy);
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code(), ErrorCode::kIntegrity);
}

TEST_F(SqliteTest, TruncateLogLeavesAnEmptyWal) {
  const auto database = Open();
  ASSERT_TRUE(database->Execute("CREATE TABLE t (a); INSERT INTO t VALUES ('canary'); DELETE FROM t").ok());
  EXPECT_GT(FactsOf(Options().path + "-wal")->size, 0U);
  ASSERT_TRUE(database->TruncateLog().ok());
  EXPECT_EQ(FactsOf(Options().path + "-wal")->size, 0U);
  const auto file = ReadFile(Options().path, kFileLimit);
  EXPECT_EQ(AsText(*file).find("canary"), std::string_view::npos);
  EXPECT_TRUE(database->Execute("INSERT INTO t VALUES (1)").ok());
}

TEST_F(SqliteTest, TruncateLogWithinATransactionIsRefused) {
  const auto database = Open();
  ASSERT_TRUE(database->Execute("CREATE TABLE t (a); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").ok());
  EXPECT_FALSE(database->TruncateLog().ok());
  EXPECT_TRUE(database->Execute("COMMIT").ok());
  EXPECT_TRUE(database->TruncateLog().ok());
}

TEST_F(SqliteTest, PlantedTriggersAndViewsDoNothing) {
  const auto database = Open();
  ASSERT_TRUE(database
                  ->Execute("CREATE TABLE t (a); CREATE TABLE copied (a); CREATE VIEW v AS SELECT 1 AS a;"
                            "CREATE TRIGGER spy AFTER INSERT ON t BEGIN INSERT INTO copied VALUES (new.a); END;"
                            "INSERT INTO t VALUES (1)")
                  .ok());
  EXPECT_FALSE(*database->Prepare("SELECT a FROM copied")->Step());
  EXPECT_FALSE(database->Prepare("SELECT a FROM v").ok());
}

TEST_F(SqliteTest, SettingsAreThoseThatWeRelyOn) {
  const auto database = Open();
  const std::vector<std::pair<std::string, Datum>> expected = {
      {"journal_mode", std::string("wal")},
      {"locking_mode", std::string("exclusive")},
      {"synchronous", std::int64_t{2}},
      {"trusted_schema", std::int64_t{0}},
      {"cell_size_check", std::int64_t{1}},
      {"secure_delete", std::int64_t{1}},
      {"foreign_keys", std::int64_t{1}},
      {"temp_store", std::int64_t{2}},
      {"max_page_count", std::int64_t{33'554'431}},
  };
  for (const auto& [pragma, value] : expected) {
    auto statement = database->Prepare("PRAGMA " + pragma);
    ASSERT_TRUE(*statement->Step()) << pragma;
    const auto type = static_cast<ValueType>(value.index());
    EXPECT_EQ(*statement->Column(0, type, false), value) << pragma;
  }
}

TEST_F(SqliteTest, RowsSurviveClosing) {
  ASSERT_TRUE(Open()->Execute("CREATE TABLE t (a); INSERT INTO t VALUES (42)").ok());
  const auto database = Open();
  auto select = database->Prepare("SELECT a FROM t");
  ASSERT_TRUE(*select->Step());
  EXPECT_EQ(*select->Column(0, ValueType::kInt64, false), Datum(std::int64_t{42}));
}

}  // namespace
}  // namespace coffer
