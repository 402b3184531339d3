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
    // The good log's records name one object each, and no tenant, key or row.
    Record record = CallRecordOf("DecryptFields");
    record.object = "shop.user.email,shop.user.phone,shop.user.email";
    record.tenant = "default,acme";
    record.keys = {7, 9};
    record.row_tags = {RowTag{std::byte{1}}, RowTag{std::byte{2}}};
    record.rows = Digest{std::byte{3}};
    record.personal.principal = "unix:app:8";
    COFFER_CHECK(log->AppendAndWait(record).ok());
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
    IndexComparison index(Path(), world.vkey().name(), world.audit() + "/keys");
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
      // Searches by names.
      "UPDATE people SET text = 'unix:app:9' WHERE text = 'unix:app:8'",
      "UPDATE records SET principal = (SELECT id FROM people WHERE text = 'unix:app:7') WHERE principal = (SELECT id "
      "FROM people WHERE text = 'unix:app:8')",
      "UPDATE records SET principal = NULL WHERE idx = 9",
      "UPDATE people SET month = 202610",
      "DELETE FROM record_objects WHERE idx = 9",
      "DELETE FROM record_objects WHERE idx > 990",
      "DELETE FROM record_tenants",
      "DELETE FROM record_keys WHERE name = 9",
      "DELETE FROM record_rows",
      "UPDATE record_rows SET name = name + 1",
      "UPDATE record_objects SET idx = 0 WHERE idx = 9",
      "INSERT INTO record_keys VALUES(77, 9)",
      "INSERT INTO record_tenants SELECT id, 9 FROM names WHERE text = 'acme'",
      "UPDATE segments SET month = 202610",
      "INSERT INTO segments VALUES(500, 202610)",
      "DELETE FROM segments",
      // And what they are made with.
      "DROP INDEX by_trouble",
      "DROP INDEX by_trouble; CREATE INDEX by_trouble ON records(idx) WHERE standing > 1",
      "CREATE TABLE another(a)",
  };
  for (const std::string& sql : edits) {
    fs::remove_all(world.audit());
    CopyTree(folder / "good", world.audit());
    Edit(sql);
    EXPECT_TRUE(Finds(Verify(), Check::kIndex)) << sql;
  }
}

TEST_F(VerifierIndexTest, WithoutTheMonthsKeysTheReportSaysWhatWasNotCompared) {
  EXPECT_TRUE(Verify().remark(Check::kIndex).empty());
  fs::rename(world.audit() + "/keys", folder / "keys");
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.untouched()) << FoundIn(report);
  EXPECT_TRUE(report.skipped(Check::kIndex).empty());
  EXPECT_NE(report.remark(Check::kIndex).find("people's names"), std::string_view::npos);
  EXPECT_FALSE(fs::exists(world.audit() + "/keys")) << "nothing is made";
  fs::create_directory(world.audit() + "/keys");
  EXPECT_FALSE(Verify().remark(Check::kIndex).empty()) << "there is no key of the month";
  Edit("DELETE FROM record_tenants");
  EXPECT_TRUE(Finds(Verify(), Check::kIndex)) << "all else is compared";
}

TEST_F(VerifierIndexTest, NamesOfAMonthThatWasErasedAreNotExpectedAndAreFound) {
  fs::copy(Path(), folder / "before");
  {
    FakeClock clock(kLogStart + 7'200'000'000);
    const auto log = world.Open(clock);
    QueryIndex index(*log, clock, Path());
    while (index.Follow()->more) {
    }
    ASSERT_TRUE(index.EraseMonth(MonthOf(kLogStart)).ok());
    while (index.Follow()->more) {
    }
  }
  const VerifyReport report = Verify();
  EXPECT_TRUE(report.untouched()) << FoundIn(report);
  EXPECT_TRUE(report.remark(Check::kIndex).empty()) << report.remark(Check::kIndex);
  fs::copy(folder / "before", Path(), fs::copy_options::overwrite_existing);
  for (const char* const suffix : {"-wal", "-shm"}) fs::remove(Path() + suffix);
  EXPECT_TRUE(Finds(Verify(), Check::kIndex)) << "put back from before";
}

TEST_F(VerifierIndexTest, AnIndexThatDoesNotFindItsRowsIsFound) {
  Bytes file = ReadWhole(Path());
  ASSERT_GT(file.size(), 100'000u);
  CopyTree(world.audit(), folder / "good");
  int found = 0;
  for (std::size_t at = 8'192; at < file.size(); at += file.size() / 24) {
    Bytes damaged = file;
    for (std::size_t i = 0; i < 64 && at + i < damaged.size(); ++i) damaged[at + i] ^= std::byte{0x55};
    WriteWhole(Path(), damaged);
    for (const char* const suffix : {"-wal", "-shm"}) fs::remove(Path() + suffix);
    found += Finds(Verify(), Check::kIndex) ? 1 : 0;
  }
  EXPECT_GT(found, 12) << "free space may be damaged without anybody minding";
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
