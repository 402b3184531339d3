// Retention: what goes, what stays, and that the log opens, verifies and proves as before.
#include "tests/audit/retention_fixture.h"

namespace coffer::audit {
namespace {

TEST_F(RetentionTest, WholeFilesOfOldRecordsGoAndEverythingElseStays) {
  const std::vector<Bytes> records = RecordsOfLog(world);
  const auto log = world.Open(clock);
  const Result<Pruned> pruned = log->Prune({.before_us = Day(3)});
  ASSERT_TRUE(pruned.ok()) << pruned.error().ToString();
  const std::uint64_t oldest = log->oldest();
  EXPECT_EQ(pruned->records, oldest);
  ASSERT_GT(oldest, 2 * kTileWidth);
  EXPECT_EQ(NameOf(world.Files().front()), JournalFileName(oldest));
  EXPECT_LT(DecodeRecord(records[oldest])->record.time_us, Day(3)) << "nothing younger went";
  EXPECT_FALSE(HasBundle(0));
  EXPECT_FALSE(HasBundle(oldest / kTileWidth - 1));
  EXPECT_TRUE(HasBundle(oldest / kTileWidth)) << "the bundle that the oldest record is in stays";
  EXPECT_EQ(log->RecordAt(oldest).value(), records[oldest]);
  for (const std::uint64_t gone : {std::uint64_t{0}, std::uint64_t{300}, oldest - 1}) {
    const Error error = log->RecordAt(gone).error();
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_EQ(error.message(), "was dropped by the log's retention");
  }
  std::uint64_t next = oldest;
  ASSERT_TRUE(log->ReadRecords({},
                               [&](std::uint64_t index, ByteView bytes) -> Result<bool> {
                                 EXPECT_EQ(index, next++);
                                 EXPECT_TRUE(index >= records.size() || CopyOf(bytes) == records[index]) << index;
                                 return true;
                               })
                  .ok());
  EXPECT_EQ(next, log->durable().size);
}

TEST_F(RetentionTest, WhatWasProvedIsStillProved) {
  const std::vector<Bytes> records = RecordsOfLog(world);
  const std::uint64_t oldest = PruneBefore(Day(3));
  const auto log = world.Open(clock);
  ASSERT_TRUE(log->PublishNow().ok());
  const TreeHead head = log->signed_head();
  for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{255}, std::uint64_t{256}, oldest - 1, oldest}) {
    const Proof proof = log->ProveInclusion({.index = index, .size = head.size}).value();
    EXPECT_TRUE(VerifyInclusion(index, LeafHash(records[index]), head, proof).ok()) << index;
  }
  for (const TreeHead& earlier : DaysOfLog::Get().Heads()) {
    const Proof proof = log->ProveConsistency({.from = earlier.size, .to = head.size}).value();
    EXPECT_TRUE(VerifyConsistency(earlier, head, proof).ok()) << earlier.size;
  }
}

TEST_F(RetentionTest, ALogThatWasPrunedVerifiesOpensAndIsPrunedAgain) {
  std::uint64_t oldest = 0;
  for (int day = 2; day <= DaysOfLog::kDays; ++day) {
    const std::uint64_t before = oldest;
    {
      const auto log = world.Open(clock);
      EXPECT_EQ(log->oldest(), before);
      EXPECT_FALSE(log->recovered());
      ASSERT_TRUE(log->Prune({.before_us = Day(day)}).ok());
      oldest = log->oldest();
      EXPECT_GE(oldest, before);
      ASSERT_TRUE(log->AppendAndWait(CallRecordOf("DecryptFields")).ok());
    }
    ExpectUntouched(world, oldest);
    EXPECT_EQ(ReadPruned(world.audit(), world.vkey())->size, oldest);
  }
  EXPECT_GT(oldest, 3u * DaysOfLog::kADay);
}

TEST_F(RetentionTest, TheRecordOfItIsSignedBeforeTheNoteAndNamesTheIndex) {
  const std::uint64_t oldest = PruneBefore(Day(3));
  int found = 0;
  for (const Bytes& bytes : RecordsOfLog(world, {.from = oldest})) {
    const Record record = DecodeRecord(bytes)->record;
    if (record.type != RecordType::kPruned) continue;
    ++found;
    EXPECT_EQ(record.begin, oldest);
    EXPECT_EQ(record.items, oldest);
    EXPECT_EQ(record.authentication, Authentication::kService);
  }
  EXPECT_EQ(found, 1);
}

TEST_F(RetentionTest, NothingIsRecordedWhenNothingGoes) {
  const auto log = world.Open(clock);
  const std::uint64_t size = log->durable().size;
  for (const PruneLimits& limits : std::vector<PruneLimits>{{.before_us = kLogStart},
                                                            {.before_us = 0},
                                                            {.before_us = Day(4), .below = 0},
                                                            {.before_us = Day(4), .below = 99}}) {
    const Result<Pruned> pruned = log->Prune(limits);
    ASSERT_TRUE(pruned.ok());
    EXPECT_EQ(pruned->records, 0u);
  }
  EXPECT_EQ(log->durable().size, size);
  EXPECT_FALSE(fs::exists(NotePath()));
}

TEST_F(RetentionTest, TheNewestFileStaysHoweverOldItIs) {
  PruneBefore(Day(9'000));
  const auto log = world.Open(clock);
  // The record of it, and that of this start, may have made one more boundary fit.
  while (log->Prune({.before_us = Day(9'000)})->records > 0) continue;
  ASSERT_GE(world.Files().size(), 1u);
  EXPECT_EQ(NameOf(world.Files().front()), JournalFileName(log->oldest()));
  EXPECT_LT(log->oldest(), log->signed_head().size);
  EXPECT_TRUE(log->RecordAt(log->oldest()).ok());
}

TEST_F(RetentionTest, OnlyWhatAWitnessHasSeenGoes) {
  const auto log = world.Open(clock);
  const std::uint64_t seen = DaysOfLog::Get().Heads().at(1).size;
  ASSERT_TRUE(log->Prune({.before_us = Day(9'000), .below = seen}).ok());
  EXPECT_GT(log->oldest(), 0u);
  EXPECT_LE(log->oldest(), seen);
}

TEST_F(RetentionTest, OnlyWhatIsSignedGoes) {
  const auto log = world.Open(clock);
  const std::uint64_t signed_size = log->signed_head().size;
  for (int i = 0; i < 100; ++i) {
    for (int j = 0; j < 20; ++j) log->Append(CallRecordOf("DecryptFields"), [](const Result<std::uint64_t>&) {});
    ASSERT_TRUE(log->AppendAndWait(CallRecordOf("DecryptFields")).ok());
  }
  ASSERT_TRUE(log->Prune({.before_us = Day(9'000)}).ok());
  EXPECT_LE(log->oldest(), signed_size);
  EXPECT_GT(log->Prune({.before_us = Day(9'000)})->records, 0u) << "the record of the first one was signed";
}

TEST_F(RetentionTest, AClockThatJumpsAheadMakesNothingOlderThanADay) {
  const auto log = world.Open(clock);
  const std::int64_t newest = Day(DaysOfLog::kDays);  // the stop of the run before
  clock.SetUnixMicros(newest + 3'650 * kDayUs);
  ASSERT_TRUE(log->AppendAndWait(CallRecordOf("DecryptFields")).ok());
  EXPECT_EQ(log->RetentionNow(), newest + kDayUs);
  clock.Advance(5 * kDayUs);
  EXPECT_EQ(log->RetentionNow(), newest + 6 * kDayUs) << "time that goes by counts";
  EXPECT_EQ(log->Prune({.before_us = log->RetentionNow() - 30 * kDayUs})->records, 0u);
  clock.SetUnixMicros(newest - kDayUs);
  EXPECT_EQ(log->RetentionNow(), newest - kDayUs) << "a clock that is behind is believed";
}

TEST_F(RetentionTest, TheFirstRunGoesByTheClockOfItsStart) {
  const LogWorld fresh(folder / "fresh");
  fs::create_directory(fresh.folder());
  const auto log = fresh.Open(clock);
  const std::int64_t start = clock.UnixMicros();
  clock.SetUnixMicros(start + 100 * kDayUs);
  EXPECT_EQ(log->RetentionNow(), start + kDayUs);
}

TEST_F(RetentionTest, TilesThatAreMissingOrWrongAreMadeAgainBeforeTheirRecordsGo) {
  fs::remove(world.audit() + "/tile/0/000");
  WriteWhole(world.audit() + "/tile/0/001", AsBytes("not a tile"));
  const std::uint64_t oldest = PruneBefore(Day(3));
  ExpectUntouched(world, oldest);
}

TEST_F(RetentionTest, RecordsThatAreDamagedAreNotDropped) {
  const std::string path = world.Files().front();
  const auto log = world.Open(clock);
  Bytes content = ReadWhole(path);
  content.at(FramesOf(content).at(3).offset + kFrameHeadBytes + 20) ^= std::byte{1};
  WriteWhole(path, content);
  EXPECT_EQ(log->Prune({.before_us = Day(3)}).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(log->oldest(), 0u);
  EXPECT_TRUE(fs::exists(path));
  EXPECT_FALSE(fs::exists(NotePath()));
}

TEST_F(RetentionTest, TilesThatCanBeMadeOutOfTheOthersAreMadeAgain) {
  const std::uint64_t oldest = PruneBefore(Day(3));
  for (const auto& entry : fs::directory_iterator(world.audit() + "/tile")) {
    if (entry.path().filename() != "0" && entry.path().filename() != "entries") fs::remove_all(entry.path());
  }
  for (const auto& entry : fs::directory_iterator(world.audit() + "/tile/0")) {
    if (entry.path().extension() == ".p") fs::remove_all(entry.path());
  }
  fs::remove(world.audit() + "/checkpoint");
  {
    const auto log = world.Open(clock);
    ASSERT_TRUE(log->PublishNow().ok());
  }
  ExpectUntouched(world, oldest);
}

TEST_F(RetentionTest, TilesThatOnlyACopyHasAreAskedFor) {
  const std::uint64_t oldest = PruneBefore(Day(3));
  CopyTree(world.folder(), folder / "whole");
  const std::string bundle = Tile{TileKind::kRecords, 0, oldest / kTileWidth, kTileWidth}.Path();
  if (oldest % kTileWidth == 0) GTEST_SKIP() << "no bundle has both dropped records and kept ones";
  for (const std::string& gone : {std::string("tile"), std::string("tile/0"), std::string("tile/0/000"), bundle}) {
    const LogWorld copy(folder / ("copy" + std::to_string(std::hash<std::string>()(gone))));
    CopyTree(folder / "whole", copy.folder());
    fs::remove_all(copy.audit() + "/" + gone);
    // So that the tiles' writer cannot go on where it was.
    for (const auto& entry : fs::recursive_directory_iterator(copy.audit())) {
      if (entry.path().extension() == ".p" && entry.path().parent_path().filename() == "0") {
        fs::remove_all(entry.path());
        break;
      }
    }
    const Result<std::unique_ptr<Log>> opened = TryOpen(copy);
    ASSERT_FALSE(opened.ok()) << gone;
    EXPECT_EQ(opened.error().code(), ErrorCode::kIntegrity);
    EXPECT_NE(opened.error().message().find("restore tile/ from a copy"), std::string_view::npos) << gone;
    fs::remove_all(copy.audit() + "/tile");
    CopyTree(world.audit() + "/tile", copy.audit() + "/tile");
    EXPECT_TRUE(TryOpen(copy).ok()) << gone;
  }
}

// Somebody without the key edits an old record, and makes files and headers fit. Afterwards nobody could tell what the
// true one hashed to.
TEST_F(RetentionTest, RecordsThatWereForgedInFilesThatFitAreNotDropped) {
  const NoteSigner signer = ReadSigningKey(world.key()).value();
  const TreeHead head = Checkpoint::Parse(ReadCheckpoint(world.audit())->text)->head;
  std::vector<Bytes> records = RecordsOfLog(world);
  for (const bool forged : {false, true}) {
    if (forged) records.at(7) = Changed(records.at(7), [](Record& record) { record.operation = "ListKeyrings"; });
    WriteJournalAnew(world, records);
    for (const bool damaged : {false, true}) {
      if (damaged) WriteWhole(world.audit() + "/tile/0/001", AsBytes("not a tile"));
      const auto journal = DiskLogFolder(world.journal());
      const Pruner pruner(*journal, signer, world.audit());
      const Pruner::Limits limits{.before_us = Day(3), .below = head.size, .signed_head = head};
      const TreeHead boundary = pruner.Find(Frontier(), limits)->before.Head();
      ASSERT_GT(boundary.size, kTileWidth);
      const Status checked = pruner.CheckRecords({}, boundary, head);
      EXPECT_EQ(checked.ok(), !forged) << damaged;
      EXPECT_TRUE(checked.ok() || checked.error().code() == ErrorCode::kIntegrity);
    }
    fs::remove_all(world.audit());
    CopyTree(DaysOfLog::Get().folder() + "/audit", world.audit());
  }
}

TEST_F(RetentionTest, BundlesThatCameBackWithACopyOfTheTilesGoAgain) {
  CopyTree(world.audit() + "/tile", folder / "copy of tile");
  PruneBefore(Day(3));
  fs::remove_all(world.audit() + "/tile");
  CopyTree(folder / "copy of tile", world.audit() + "/tile");
  ASSERT_TRUE(HasBundle(0));
  const auto log = world.Open(clock);
  ASSERT_TRUE(log->Prune({.before_us = 0}).ok());
  EXPECT_FALSE(HasBundle(0));
  EXPECT_FALSE(HasBundle(1));
}

TEST_F(RetentionTest, ALastCheckpointFromBeforeItIsContinued) {
  const std::uint64_t oldest = PruneBefore(Day(9'000));
  ASSERT_GT(oldest, DaysOfLog::Get().Heads().at(2).size);
  WriteWhole(world.key() + ".signed", AsBytes(DaysOfLog::Get().checkpoints().at(2).ToText()));
  {
    const auto log = world.Open(clock);
    EXPECT_GE(log->signed_head().size, oldest);
    ASSERT_TRUE(log->PublishNow().ok());
  }
  ExpectUntouched(world, oldest);
  // One of another history is not.
  const NoteSigner signer = ReadSigningKey(world.key()).value();
  WriteWhole(world.key() + ".signed", AsBytes(SignCheckpoint({7, EmptyRoot()}, signer)->ToText()));
  EXPECT_EQ(TryOpen(world).error().code(), ErrorCode::kIntegrity);
}

TEST_F(RetentionTest, AFileThatACrashLeftNeedNotBeWhole) {
  const std::string first = NameOf(world.Files().front());
  const std::uint64_t oldest = PruneBefore(Day(3));
  WriteWhole(world.journal() + "/" + first, AsBytes("no header"));
  {
    const auto log = world.Open(clock);
    EXPECT_EQ(log->oldest(), oldest);
  }
  EXPECT_FALSE(fs::exists(world.journal() + "/" + first));
  ExpectUntouched(world, oldest);
}

TEST_F(RetentionTest, ARecordIsOfTheNewestRecordsMonthHoweverTheClockIsSetBack) {
  const auto log = world.Open(clock);
  ASSERT_TRUE(log->AppendAndWait(CallRecordOf("DecryptFields")).ok());
  const Month month = MonthOf(clock.UnixMicros());
  clock.SetUnixMicros(0);
  const std::uint64_t index = log->AppendAndWait(CallRecordOf("DecryptFields")).value();
  ASSERT_TRUE(log->PublishNow().ok());
  EXPECT_EQ(DecodeRecord(log->RecordAt(index).value())->month, month);
  EXPECT_EQ(log->month_keys().All().value().front(), MonthOf(kLogStart)) << "no key of a month before the log";
  EXPECT_GT(log->Ahead(), 0);
}

TEST_F(RetentionTest, AMonthIsRecordedAsErasedBeforeItIs) {
  const auto log = world.Open(clock);
  const std::uint64_t size = log->durable().size;
  const std::string key = world.audit() + "/keys/2026-11";
  ASSERT_TRUE(fs::exists(key));
  // The key's place cannot be renamed or removed: a folder with something in it.
  fs::remove(key);
  fs::create_directories(key + "/in the way");
  EXPECT_FALSE(log->EraseMonth(MonthOf(kLogStart)).ok());
  EXPECT_EQ(log->durable().size, size + 1);
  fs::remove_all(key);
  EXPECT_TRUE(log->EraseMonth(MonthOf(kLogStart)).ok()) << "and again";
}

// A process that is killed at any point leaves one of these folders.
TEST_F(RetentionTest, ACrashBetweenAnyTwoStepsIsFinishedByTheNextStart) {
  const NoteSigner signer = ReadSigningKey(world.key()).value();
  const auto journal = DiskLogFolder(world.journal());
  Pruner pruner(*journal, signer, world.audit());
  const auto log = world.Open(clock);
  const TreeHead head = log->signed_head();
  const TreeHead base =
      pruner.Find(Frontier(), {.before_us = Day(4), .below = head.size, .signed_head = head})->before.Head();
  ASSERT_GT(base.size, 2 * kTileWidth);
  struct Step {
    const char* name;
    std::function<void()> act;
    bool noted;
  };
  const std::vector<Step> steps = {
      {"nothing yet", [] {}, false},
      {"the tiles kept", [&] { ASSERT_TRUE(pruner.KeepTiles({}, base, head).ok()); }, false},
      {"the record durable",
       [&] {
         Record record = CallRecordOf("", RecordType::kPruned);
         record.begin = base.size;
         ASSERT_TRUE(log->AppendAndWait(record).ok());
       },
       false},
      {"the record signed", [&] { ASSERT_TRUE(log->PublishNow().ok()); }, false},
      {"the note written", [&] { ASSERT_TRUE(pruner.WriteNote(base).ok()); }, true},
      {"a bundle gone", [&] { fs::remove(world.audit() + "/tile/entries/000"); }, true},
      {"all bundles gone", [&] { ASSERT_TRUE(pruner.RemoveBundles(base, 0).ok()); }, true},
      {"a file gone", [&] { fs::remove(world.Files().front()); }, true},
      {"all files gone", [&] { ASSERT_TRUE(pruner.RemoveFiles(base).ok()); }, true},
  };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    SCOPED_TRACE(steps[i].name);
    steps[i].act();
    const LogWorld copy(folder / ("step" + std::to_string(i)));
    // The journal's spare files may come and go meanwhile.
    COFFER_CHECK(std::system(("cp -a '" + world.folder() + "' '" + copy.folder() + "' 2>/dev/null || true").c_str()) ==
                 0);
    ExpectUntouched(copy, steps[i].noted ? base.size : 0);
    {
      const auto again = copy.Open(clock);
      EXPECT_EQ(again->oldest(), steps[i].noted ? base.size : 0);
      EXPECT_EQ(again->Prune({.before_us = Day(4)})->records > 0, !steps[i].noted);
      EXPECT_EQ(again->oldest(), base.size);
    }
    EXPECT_EQ(NameOf(copy.Files().front()), JournalFileName(base.size));
    EXPECT_FALSE(fs::exists(copy.audit() + "/tile/entries/000"));
    EXPECT_FALSE(fs::exists(copy.audit() + "/tile/entries/001"));
    ExpectUntouched(copy, base.size);
  }
}

TEST_F(RetentionTest, ReadersGoOnWhileRecordsAreDropped) {
  const auto log = world.Open(clock);
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      std::uint64_t next = 0;
      const Status read = log->ReadRecords({}, [&next](std::uint64_t index, ByteView) -> Result<bool> {
        EXPECT_TRUE(next == 0 || index == next);
        next = index + 1;
        return true;
      });
      EXPECT_TRUE(read.ok()) << read.error().ToString();
    }
  });
  for (int day = 1; day <= DaysOfLog::kDays; ++day) EXPECT_TRUE(log->Prune({.before_us = Day(day)}).ok());
  done = true;
  reader.join();
  EXPECT_GT(log->oldest(), 0u);
}

}  // namespace
}  // namespace coffer::audit
