#include "io/fault_vfs.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "io/sqlite.h"

namespace coffer {
namespace {

constexpr std::string_view kInsert = "INSERT INTO t VALUES (";

Result<std::unique_ptr<SqliteDatabase>> Open(const FaultVfs& vfs) {
  return SqliteDatabase::Open({"test.db", vfs.name(), 0});
}

std::unique_ptr<SqliteDatabase> OpenWithTable(const FaultVfs& vfs) {
  auto database = Open(vfs);
  EXPECT_TRUE(database.ok());
  EXPECT_TRUE((*database)->Execute("CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY)").ok());
  return *std::move(database);
}

Status Insert(SqliteDatabase& database, int value) {
  return database.Execute(std::string(kInsert) + std::to_string(value) + ")");
}

std::int64_t Count(SqliteDatabase& database) {
  auto statement = database.Prepare("SELECT count(*) FROM t");
  if (!statement.ok() || !statement->Step().ok()) return -1;
  return std::get<std::int64_t>(*statement->Column(0, ValueType::kInt64, false));
}

TEST(FaultVfsTest, CommittedRowsSurviveARebootAtAnyTime) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    FaultVfs vfs(seed);
    auto database = OpenWithTable(vfs);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(Insert(*database, i).ok());
    vfs.CrashAtStep(1);
    EXPECT_FALSE(Insert(*database, 5).ok());
    EXPECT_TRUE(vfs.crashed());
    database.reset();
    vfs.Reboot();
    database = OpenWithTable(vfs);
    EXPECT_GE(Count(*database), 5) << seed;
  }
}

TEST(FaultVfsTest, CrashAtEveryStepKeepsWhatWasAcknowledged) {
  for (std::uint64_t step = 1; step < 60; ++step) {
    FaultVfs vfs(step);
    vfs.CrashAtStep(step);
    std::int64_t acknowledged = 0;
    bool table = false;
    {
      auto database = Open(vfs);
      table = database.ok() && (*database)->Execute("CREATE TABLE t (a INTEGER PRIMARY KEY)").ok();
      while (table && acknowledged < 30 && Insert(**database, static_cast<int>(acknowledged)).ok()) ++acknowledged;
    }
    vfs.Reboot();
    const auto database = OpenWithTable(vfs);
    const std::int64_t there = Count(*database);
    EXPECT_GE(there, acknowledged) << step;
    EXPECT_LE(there, acknowledged + (table ? 1 : 0)) << step;
  }
}

TEST(FaultVfsTest, UnsyncedWritesAreLostForSomeSeedAndKeptForAnother) {
  bool lost = false;
  bool kept = false;
  for (std::uint64_t seed = 0; seed < 100 && !(lost && kept); ++seed) {
    FaultVfs vfs(seed);
    auto database = OpenWithTable(vfs);
    ASSERT_TRUE(database->Execute("PRAGMA synchronous=OFF").ok());
    ASSERT_TRUE(Insert(*database, 1).ok());
    vfs.CrashAtStep(1);
    EXPECT_FALSE(Insert(*database, 2).ok());
    database.reset();
    vfs.Reboot();
    database = OpenWithTable(vfs);
    (Count(*database) == 0 ? lost : kept) = true;
  }
  EXPECT_TRUE(lost);
  EXPECT_TRUE(kept);
}

TEST(FaultVfsTest, AfterTheCrashNothingWorksUntilReboot) {
  FaultVfs vfs(1);
  auto database = OpenWithTable(vfs);
  vfs.CrashAtStep(1);
  EXPECT_EQ(Insert(*database, 1).error().code(), ErrorCode::kUnavailable);
  const std::uint64_t steps = vfs.steps();
  EXPECT_FALSE(Insert(*database, 2).ok());
  database.reset();
  EXPECT_EQ(Open(vfs).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(vfs.steps(), steps);
  vfs.Reboot();
  EXPECT_FALSE(vfs.crashed());
  EXPECT_TRUE(Open(vfs).ok());
}

TEST(FaultVfsTest, FullDiskIsUnavailableAndEndsWithTheLimit) {
  FaultVfs vfs(2);
  const auto database = OpenWithTable(vfs);
  ASSERT_TRUE(database->Execute("CREATE TABLE large (b)").ok());
  vfs.LimitBytes(vfs.TotalBytes() + 5000);
  const Status full = database->Execute("INSERT INTO large VALUES (zeroblob(100000))");
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code(), ErrorCode::kUnavailable);
  EXPECT_NE(full.error().ToString().find("full"), std::string::npos);
  vfs.LimitBytes(0);
  EXPECT_TRUE(database->Execute("INSERT INTO large VALUES (zeroblob(100000))").ok());
}

TEST(FaultVfsTest, FailedSyncFailsOnce) {
  FaultVfs vfs(3);
  const auto database = OpenWithTable(vfs);
  vfs.FailSyncAtStep(1);
  EXPECT_EQ(Insert(*database, 1).error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(vfs.crashed());
  EXPECT_TRUE(Insert(*database, 1).ok());
}

TEST(FaultVfsTest, FailedSyncWhileEnteringTheWalIsNotSwallowed) {
  for (std::uint64_t step = 1; step < 10; ++step) {
    FaultVfs vfs(step);
    vfs.FailSyncAtStep(step);
    const auto database = Open(vfs);
    if (!database.ok()) {
      EXPECT_EQ(database.error().code(), ErrorCode::kUnavailable);
      continue;
    }
    auto mode = (*database)->Prepare("PRAGMA journal_mode");
    ASSERT_TRUE(*mode->Step());
    EXPECT_EQ(*mode->Column(0, ValueType::kText, false), Datum(std::string("wal"))) << step;
  }
}

TEST(FaultVfsTest, SameSeedSameHistory) {
  const auto history = [](std::uint64_t seed) {
    FaultVfs vfs(seed);
    auto database = OpenWithTable(vfs);
    vfs.CrashAtStep(7);
    for (int i = 0; Insert(*database, i).ok();) ++i;
    database.reset();
    vfs.Reboot();
    return std::pair(vfs.steps(), vfs.TotalBytes());
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) EXPECT_EQ(history(seed), history(seed)) << seed;
}

TEST(FaultVfsTest, SecondConnectionToAFileIsLockedOut) {
  FaultVfs vfs(4);
  auto first = OpenWithTable(vfs);
  EXPECT_EQ(Open(vfs).error().code(), ErrorCode::kUnavailable);
  first.reset();
  EXPECT_TRUE(Open(vfs).ok());
}

TEST(FaultVfsTest, TwoOfThemShareNothing) {
  FaultVfs one(5);
  FaultVfs other(5);
  const auto database = OpenWithTable(one);
  EXPECT_NE(one.name(), other.name());
  EXPECT_EQ(other.TotalBytes(), 0U);
}

TEST(FaultVfsTest, ContentsShowWhatWasPlanted) {
  FaultVfs vfs(6);
  const auto database = OpenWithTable(vfs);
  const std::string_view canary = "planted-canary";
  const auto found = [&] { return AsText(vfs.Contents()).find(canary) != std::string_view::npos; };
  EXPECT_FALSE(found());
  ASSERT_TRUE(database->Execute("CREATE TABLE c (b); INSERT INTO c VALUES ('planted-canary')").ok());
  EXPECT_TRUE(found());
}

}  // namespace
}  // namespace coffer
