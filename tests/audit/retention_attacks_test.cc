// Whoever can write the folder of a log that was pruned, or would like it to look so.
#include "tests/audit/retention_fixture.h"

namespace coffer::audit {
namespace {

class RetentionAttackTest : public RetentionTest {
 protected:
  // Refused at the next start, and found by the verifier's check.
  void ExpectRefused(const char* what, Check check) const {
    const VerifyReport report = world.Verify();
    EXPECT_TRUE(Finds(report, check)) << what << ": " << FoundIn(report);
    const Result<std::unique_ptr<Log>> opened = TryOpen(world);
    ASSERT_FALSE(opened.ok()) << what;
    EXPECT_EQ(opened.error().code(), ErrorCode::kIntegrity) << what << ": " << opened.error().ToString();
  }
  std::string Note(const TreeHead& base, const NoteSigner& signer) const { return SignPruned(base, signer)->ToText(); }
  TreeHead SecondFile() const {
    const Bytes content = ReadWhole(world.Files().at(1));
    return ParseFileHeader(ByteView(content).first(kFileHeaderBytes))->before.Head();
  }
};

TEST_F(RetentionAttackTest, AFirstFileThatWasTakenAwayWithAFalseNoteIsFound) {
  const TreeHead base = SecondFile();
  fs::remove(world.Files().front());
  ExpectRefused("no note", Check::kJournalFiles);
  const NoteSigner other = NoteSigner::Create(world.vkey().name(), KeyFrom(3)).value();
  const std::string text = PrunedText{world.vkey().name(), base}.ToText();
  for (const auto& [what, note] : std::vector<std::pair<const char*, std::string>>{
           {"of another key", Note(base, other)}, {"without a signature", text}, {"with an empty line", text + "\n"}}) {
    WriteWhole(NotePath(), AsBytes(note));
    ExpectRefused(what, Check::kRetention);
    ExpectRefused(what, Check::kJournalFiles);
  }
}

TEST_F(RetentionAttackTest, TheNoteOfALogThatWasPrunedCannotBeExchanged) {
  PruneBefore(Day(2));
  const Bytes older = ReadWhole(NotePath());
  const std::uint64_t oldest = PruneBefore(Day(4));
  const Bytes note = ReadWhole(NotePath());
  ExpectUntouched(world, oldest);
  Bytes flipped = note;
  flipped.at(30) ^= std::byte{1};
  const Bytes checkpoint = ReadWhole(world.audit() + "/checkpoint");
  for (const auto& [what, content] :
       std::vector<std::pair<const char*, Bytes>>{{"cut", Bytes(note.begin(), note.end() - 9)},
                                                  {"emptied", Bytes()},
                                                  {"with a bit flipped", flipped},
                                                  {"a checkpoint", checkpoint}}) {
    WriteWhole(NotePath(), content);
    ExpectRefused(what, Check::kRetention);
  }
  WriteWhole(NotePath(), older);
  ExpectRefused("the note from before", Check::kJournalFiles);
  fs::remove(NotePath());
  ExpectRefused("no note", Check::kJournalFiles);
  WriteWhole(NotePath(), note);
  ExpectUntouched(world, oldest);
}

TEST_F(RetentionAttackTest, ANoteOfAnotherTreeIsFoundEvenWithTheKey) {
  const std::uint64_t oldest = PruneBefore(Day(3));
  const NoteSigner signer = ReadSigningKey(world.key()).value();
  WriteWhole(NotePath(), AsBytes(Note({oldest, EmptyRoot()}, signer)));
  ExpectRefused("another root", Check::kRetention);
}

TEST_F(RetentionAttackTest, ANoteWithoutARecordOfItIsFound) {
  const NoteSigner signer = ReadSigningKey(world.key()).value();
  const TreeHead base = SecondFile();
  WriteWhole(NotePath(), AsBytes(Note(base, signer)));
  fs::remove(world.Files().front());
  const VerifyReport report = world.Verify();
  EXPECT_EQ(report.findings().size(), report.count(Check::kRetention)) << FoundIn(report);
  EXPECT_TRUE(Finds(report, Check::kRetention));
}

TEST_F(RetentionAttackTest, ACheckpointThatWasKeptIsComparedWithWhatWasDropped) {
  const std::uint64_t oldest = PruneBefore(Day(4));
  const NoteSigner signer = ReadSigningKey(world.key()).value();
  VerifyOptions options = world.Verifying();
  options.kept = world / "kept";
  bool below = false;
  for (const SignedNote& note : DaysOfLog::Get().checkpoints()) {
    const TreeHead head = Checkpoint::Parse(note.text)->head;
    below = below || head.size < oldest;
    WriteWhole(options.kept, AsBytes(note.ToText()));
    EXPECT_TRUE(VerifyLog(options).untouched()) << head.size << ": " << FoundIn(VerifyLog(options));
    // The same size of another history.
    WriteWhole(options.kept, AsBytes(SignCheckpoint({head.size, LeafHash({})}, signer)->ToText()));
    EXPECT_TRUE(Finds(VerifyLog(options), Check::kKeptCheckpoint)) << head.size;
  }
  EXPECT_TRUE(below);
}

TEST_F(RetentionAttackTest, TilesOfDroppedRecordsAreStillVerified) {
  const std::uint64_t oldest = PruneBefore(Day(4));
  const std::string bundle = Tile{TileKind::kRecords, 0, oldest / kTileWidth, kTileWidth}.Path();
  if (oldest % kTileWidth == 0) GTEST_SKIP() << "no bundle has both dropped records and kept ones";
  struct Case {
    const char* what;
    std::string file;
    bool gone;
    Check check;
  };
  for (const Case& attack : std::vector<Case>{{"a bit of a tile", "tile/0/000", false, Check::kTiles},
                                              {"a tile gone", "tile/0/001", true, Check::kTilesMissing},
                                              {"a bit of the kept bundle", bundle, false, Check::kEntryBundles},
                                              {"the kept bundle gone", bundle, true, Check::kEntryBundles}}) {
    const std::string path = world.audit() + "/" + attack.file;
    const Bytes content = ReadWhole(path);
    Bytes changed = content;
    changed.at(40) ^= std::byte{1};
    WriteWhole(path, changed);
    if (attack.gone) fs::remove(path);
    const VerifyReport report = world.Verify();
    EXPECT_TRUE(Finds(report, attack.check)) << attack.what << ": " << FoundIn(report);
    WriteWhole(path, content);
  }
  ExpectUntouched(world, oldest);
}

// The key's holder, whose record of it a witness may have cosigned: what happened an hour ago is no old record.
TEST_F(RetentionAttackTest, RecordsThatAreYoungerThanRetentionDropsAnyAreMissed) {
  FakeClock early(Day(DaysOfLog::kDays) + 3'600'000'000);
  {
    const auto log = world.Open(early);
    ASSERT_GT(log->Prune({.before_us = early.UnixMicros()})->records, 0u);
  }
  const VerifyReport report = world.Verify();
  EXPECT_EQ(report.count(Check::kRetention), 1u) << FoundIn(report);
  EXPECT_EQ(report.findings().size(), 1u) << FoundIn(report);
  ASSERT_TRUE(report.dropped_age_us);
  EXPECT_LT(*report.dropped_age_us, DaysOfLog::kDays * kDayUs);
  // So old, to the microsecond.
  VerifyOptions options = world.Verifying();
  options.least_dropped_age_us = *report.dropped_age_us;
  EXPECT_TRUE(VerifyLog(options).untouched());
  ++options.least_dropped_age_us;
  EXPECT_TRUE(Finds(VerifyLog(options), Check::kRetention));
}

TEST_F(RetentionAttackTest, AClockThatIsSetForwardMakesNoRecordOld) {
  clock.SetUnixMicros(Day(DaysOfLog::kDays) + 31 * kDayUs);
  const std::uint64_t oldest = PruneBefore(Day(DaysOfLog::kDays));
  VerifyOptions options = world.Verifying();
  options.now_us = Day(DaysOfLog::kDays) + 3'600'000'000;
  const VerifyReport report = VerifyLog(options);
  EXPECT_EQ(report.count(Check::kRecordTimes), 1u) << "once for all that follow: " << FoundIn(report);
  EXPECT_EQ(report.findings().size(), 1u) << FoundIn(report);
  options.now_us += 31 * kDayUs;
  EXPECT_TRUE(VerifyLog(options).untouched()) << FoundIn(VerifyLog(options));
  EXPECT_EQ(VerifyLog(options).dropped, oldest);
}

TEST_F(RetentionAttackTest, AClockThatWasCorrectedByMinutesIsNoAttack) {
  constexpr std::int64_t kMinutes = 10 * 60 * std::int64_t{1'000'000};
  // It went back while records of just thirty days were dropped.
  const std::int64_t time_us = DecodeRecord(RecordsOfLog(world).at(SecondFile().size))->record.time_us;
  clock.SetUnixMicros(time_us + 30 * kDayUs - kMinutes);
  PruneBefore(time_us + 1);
  VerifyOptions options = world.Verifying();
  options.now_us = clock.UnixMicros() - kMinutes;
  const VerifyReport report = VerifyLog(options);
  EXPECT_TRUE(report.untouched()) << FoundIn(report);
  ASSERT_TRUE(report.dropped_age_us);
  EXPECT_EQ(*report.dropped_age_us, 30 * kDayUs - kMinutes);
}

TEST_F(RetentionAttackTest, WhatIsLeftOfDroppedBundlesIsComparedWithTheirHashes) {
  const std::string bundle = world.audit() + "/" + Tile{TileKind::kRecords, 0, 0, kTileWidth}.Path();
  const std::string partial = world.audit() + "/" + Tile{TileKind::kRecords, 0, 0, 100}.Path();
  const Bytes whole = ReadWhole(bundle);
  Bytes first;
  for (std::size_t i = 0; i < 100; ++i) AppendToBundle(first, ParseBundle(whole, kTileWidth).value()[i]);
  const std::uint64_t oldest = PruneBefore(Day(3));
  ASSERT_FALSE(fs::exists(bundle));
  fs::create_directory(fs::path(partial).parent_path());
  for (const auto& [path, content] : std::vector<std::pair<std::string, Bytes>>{{bundle, whole}, {partial, first}}) {
    WriteWhole(path, content);
    ExpectUntouched(world, oldest);  // as a crash leaves it
    Bytes changed = content;
    changed.at(40) ^= std::byte{1};
    for (const Bytes& forged : {changed, Bytes(content.begin(), content.end() - 1), Bytes()}) {
      WriteWhole(path, forged);
      EXPECT_EQ(world.Verify().count(Check::kEntryBundles), 1u) << FoundIn(world.Verify());
    }
    fs::remove(path);
  }
}

TEST_F(RetentionAttackTest, ALogThatWasPrunedNeedsItsTiles) {
  PruneBefore(Day(3));
  for (const char* gone : {"tile/0", "tile"}) {
    fs::remove_all(world.audit() + "/" + gone);
    EXPECT_TRUE(Finds(world.Verify(), Check::kTilesMissing)) << gone;
  }
  EXPECT_EQ(world.Verify().skipped(Check::kTilesMissing), "");
}

TEST_F(RetentionAttackTest, WhatIsLeftOfTheJournalIsVerifiedAsBefore) {
  PruneBefore(Day(3));
  const std::string path = world.Files().front();
  Bytes content = ReadWhole(path);
  content.at(FramesOf(content).at(1).offset + kFrameHeadBytes + 20) ^= std::byte{1};
  WriteWhole(path, content);
  EXPECT_TRUE(Finds(world.Verify(), Check::kJournalFrames));
}

}  // namespace
}  // namespace coffer::audit
