#include "audit/verifier_index.h"

#include "audit/query_index.h"
#include "io/sqlite.h"
#include "tests/audit/verifier_fixture.h"

namespace coffer::audit {
namespace {

class VerifierIndexTest : public LogCopyTest {
 protected:
  VerifierIndexTest() {
    FakeClock clock(kLogStart + 3'600'000'000);
    const auto log = world.Open(clock);
    QueryIndex index(*log, clock, Path());
    while (index.Follow()->more) {
    }
    indexed = index.size();
  }

  std::string Path() const { return world.audit() + "/index.sqlite"; }
  // Whoever can write the file.
  void Edit(const std::string& sql) const {
    const auto database = SqliteDatabase::Open({.path = Path(), .vfs = {}}).value();
    COFFER_CHECK(database->Execute(sql).ok());
  }
  VerifyReport Verify() const {
    IndexComparison index(Path(), world.vkey().name());
    VerifyOptions options = world.Verifying();
    options.follower = &index;
    return VerifyLog(options);
  }

  std::uint64_t indexed = 0;
};

TEST_F(VerifierIndexTest, AnIndexOfTheLogIsNotAccused) {
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.untouched()) << FoundIn(report);
  EXPECT_TRUE(report.skipped(Check::kIndex).empty()) << report.skipped(Check::kIndex);
  EXPECT_GT(indexed, 1'000u);
}

TEST_F(VerifierIndexTest, EveryEditIsFound) {
  CopyTree(world.audit(), folder / "good");
  const std::vector<std::string> edits = {
      "UPDATE records SET operation = (SELECT id FROM names WHERE text = 'app') WHERE idx = 9",
      "UPDATE records SET time_us = time_us + 1 WHERE idx = 700",
      "UPDATE records SET allowed = 0 WHERE idx = 1",
      "UPDATE records SET standing = 1 WHERE idx = 12",
      "UPDATE records SET store_epoch = 1 WHERE idx = 1",
      "UPDATE names SET text = 'GetKeyring' WHERE text = 'DecryptFields'",
      "DELETE FROM records WHERE idx = 30",
      "DELETE FROM records WHERE idx = 0",
      "DELETE FROM records WHERE idx >= " + std::to_string(indexed - 1),
      "DELETE FROM records",
      "UPDATE records SET idx = 99999 WHERE idx = 40",
      "UPDATE progress SET origin = 'coffer/another'",
      "UPDATE progress SET frontier = zeroblob(8)",
      "UPDATE progress SET version = 99",
      "DELETE FROM progress",
      "DROP TABLE records",
  };
  for (const std::string& sql : edits) {
    fs::remove_all(world.audit());
    CopyTree(folder / "good", world.audit());
    Edit(sql);
    EXPECT_TRUE(Finds(Verify(), Check::kIndex)) << sql;
  }
}

TEST_F(VerifierIndexTest, AFileThatIsNoDatabaseIsFound) {
  WriteWhole(Path(), AsBytes(std::string(10'000, 'x')));
  EXPECT_TRUE(Finds(Verify(), Check::kIndex));
}

TEST_F(VerifierIndexTest, AnIndexThatIsNotThereIsSkippedAndNotMade) {
  for (const char* const suffix : {"", "-wal", "-shm"}) fs::remove(Path() + suffix);
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.untouched()) << FoundIn(report);
  EXPECT_FALSE(report.skipped(Check::kIndex).empty());
  EXPECT_FALSE(fs::exists(Path()));
}

TEST_F(VerifierIndexTest, AnIndexThatIsInUseIsSkipped) {
  const auto database = SqliteDatabase::Open({.path = Path(), .vfs = {}, .busy_timeout_ms = 1}).value();
  ASSERT_TRUE(database->Execute("BEGIN IMMEDIATE").ok());
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.untouched()) << FoundIn(report);
  EXPECT_FALSE(report.skipped(Check::kIndex).empty());
}

TEST_F(VerifierIndexTest, AnIndexThatIsBehindIsComparedAsFarAsItIs) {
  FakeClock clock(kLogStart + 7'200'000'000);
  {
    const auto log = world.Open(clock);
    ASSERT_TRUE(log->AppendAndWait(CallRecordOf("GetKeyring")).ok());
  }
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.untouched()) << FoundIn(report);
  EXPECT_GT(report.head.size, indexed);
}

}  // namespace
}  // namespace coffer::audit
