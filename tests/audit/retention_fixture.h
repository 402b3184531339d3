// A log of several days and several journal files, a copy of it for each test, and what retention made of it.
#pragma once

#include "audit/pruned_note.h"
#include "audit/pruner.h"
#include "tests/audit/verifier_fixture.h"

namespace coffer::audit {

inline constexpr std::int64_t kDayUs = 86'400'000'000;

class DaysOfLog {
 public:
  static constexpr int kDays = 6;
  static constexpr int kADay = 400;

  static const DaysOfLog& Get() {
    static const DaysOfLog made;
    return made;
  }
  const std::string& folder() const { return world_.folder(); }
  // What was signed at the end of each day.
  const std::vector<SignedNote>& checkpoints() const { return checkpoints_; }
  std::vector<TreeHead> Heads() const {
    std::vector<TreeHead> heads;
    for (const SignedNote& note : checkpoints_) heads.push_back(Checkpoint::Parse(note.text)->head);
    return heads;
  }

 private:
  DaysOfLog() : world_(folder_ / "days") {
    fs::create_directory(world_.folder());
    FakeClock clock(kLogStart);
    const auto log = world_.Open(clock);
    const std::uint64_t begin = log->AppendAndWait(CallRecordOf("RotateKeyring", RecordType::kBegin)).value();
    for (int day = 0; day < kDays; ++day) {
      for (int i = 1; i < kADay; ++i) {
        log->Append(CallRecordOf("DecryptFields"), [](const Result<std::uint64_t>&) {});
        // So that no frame fills a file.
        if (i % 20 == 0) COFFER_CHECK(log->AppendAndWait(CallRecordOf("EncryptFields")).ok());
      }
      if (day + 1 == kDays) {
        Record result = CallRecordOf("RotateKeyring", RecordType::kResult);
        result.begin = begin;
        COFFER_CHECK(log->AppendAndWait(result).ok());
      }
      COFFER_CHECK(log->AppendAndWait(CallRecordOf("EncryptFields")).ok() && log->PublishNow().ok());
      checkpoints_.push_back(log->checkpoint().value());
      clock.Advance(kDayUs);
    }
  }

  TempDir folder_;
  LogWorld world_;
  std::vector<SignedNote> checkpoints_;
};

class RetentionTest : public ::testing::Test {
 protected:
  RetentionTest() : world(folder / "world") { CopyTree(DaysOfLog::Get().folder(), world.folder()); }

  // The start of a day of the log.
  static std::int64_t Day(int day) { return kLogStart + day * kDayUs; }
  static std::string NameOf(const std::string& path) { return fs::path(path).filename().string(); }
  std::string NotePath() const { return world.audit() + "/" + kPrunedNote; }
  bool HasBundle(std::uint64_t index) const {
    return fs::exists(world.audit() + "/" + Tile{TileKind::kRecords, 0, index, kTileWidth}.Path());
  }
  // Drops what is older than that day: the index of what is left. The log is closed again.
  std::uint64_t PruneBefore(std::int64_t before_us) {
    const auto log = world.Open(clock);
    const Result<Pruned> pruned = log->Prune({.before_us = before_us});
    EXPECT_TRUE(pruned.ok()) << pruned.error().ToString();
    EXPECT_GT(pruned->records, 0u);
    return log->oldest();
  }
  Result<std::unique_ptr<Log>> TryOpen(const LogWorld& of) const { return Log::Open(of.Options(), clock); }
  void ExpectUntouched(const LogWorld& of, std::uint64_t dropped) const {
    const VerifyReport report = of.Verify();
    EXPECT_TRUE(report.untouched()) << FoundIn(report);
    EXPECT_EQ(report.dropped, dropped);
  }

  TempDir folder;
  LogWorld world;
  // Thirty days after the log's: retention drops nothing younger.
  FakeClock clock{kLogStart + (DaysOfLog::kDays + 30) * kDayUs};
};

}  // namespace coffer::audit
