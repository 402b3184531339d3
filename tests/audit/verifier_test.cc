#include "audit/verifier.h"

#include <atomic>
#include <thread>

#include "tests/audit/verifier_fixture.h"

namespace coffer::audit {
namespace {

class VerifierTest : public LogCopyTest {
 protected:
  // The published checkpoint, cosigned by a witness of that name.
  void Cosign(const std::string& name, unsigned key, const std::string& file,
              std::uint64_t time_s = 1'790'000'000) const {
    SignedNote note = ReadCheckpoint(world.audit()).value();
    const NoteCosigner witness = NoteCosigner::Create(name, KeyFrom(key)).value();
    note.signatures.push_back(witness.Cosign(note.text, time_s).value());
    WriteWhole(world.audit() + "/" + file, AsBytes(note.ToText()));
  }
  // The log goes on, and the witnesses do not look any more; they cosigned at its end. Gives the last record's time.
  std::int64_t GoOnFor(std::int64_t micros) const {
    FakeClock clock(world.Verify().last_time_us);
    const auto log = world.Open(clock);
    clock.Advance(micros);
    COFFER_CHECK(log->AppendAndWait(CallRecordOf("GetKeyring")).ok());
    return clock.UnixMicros();
  }
  VerifyOptions Watched(std::size_t quorum, std::int64_t now_us) const {
    VerifyOptions options = world.Verifying();
    options.witnesses = {WitnessKey("w1", 50), WitnessKey("w2", 90)};
    options.quorum = quorum;
    options.now_us = now_us;
    return options;
  }
  static NoteVerifier WitnessKey(const std::string& name, unsigned key) {
    return NoteCosigner::Create(name, KeyFrom(key)).value().verifier();
  }
};

TEST_F(VerifierTest, EveryCheckHasANameOfItsOwnAndASentence) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kChecks; ++i) {
    const auto check = static_cast<Check>(i);
    names.insert(CheckName(check));
    EXPECT_FALSE(CheckSentence(check).empty()) << CheckName(check);
  }
  EXPECT_EQ(names.size(), kChecks);
}

TEST_F(VerifierTest, AnUntouchedLogSaysWhatItHolds) {
  const VerifyReport report = world.Verify();
  ASSERT_TRUE(report.untouched()) << FoundIn(report);
  const std::size_t records = RecordsOfLog(world).size();
  EXPECT_EQ(report.head.size, records);
  ASSERT_TRUE(report.checkpoint && report.last_signed);
  EXPECT_EQ(*report.checkpoint, report.head) << "a log that was closed signs all of it";
  EXPECT_EQ(*report.last_signed, report.head);
  EXPECT_EQ(report.journal_files, world.Files().size());
  EXPECT_GT(report.tile_files, 8u);
  EXPECT_EQ(report.open_begins, 0u);
  EXPECT_EQ(report.first_time_us, kLogStart);
  EXPECT_GT(report.last_time_us, kLogStart);
  EXPECT_FALSE(report.skipped(Check::kKeptCheckpoint).empty());
  EXPECT_FALSE(report.skipped(Check::kCosignatures).empty());
  EXPECT_TRUE(report.skipped(Check::kTiles).empty());
}

TEST_F(VerifierTest, VerifyingChangesNothing) {
  std::map<std::string, Bytes> before;
  const auto look = [this] {
    std::map<std::string, Bytes> files;
    for (const auto& entry : fs::recursive_directory_iterator(world.folder())) {
      if (entry.is_regular_file()) files[entry.path().string()] = ReadWhole(entry.path().string());
    }
    return files;
  };
  before = look();
  ASSERT_TRUE(world.Verify().untouched());
  EXPECT_EQ(before, look());
}

TEST_F(VerifierTest, ALogThatGrewContinuesTheCheckpointThatWasKept) {
  VerifyOptions options = world.Verifying();
  options.kept = LogWorld(GoodLog::Get().yesterday()).audit() + "/checkpoint";
  const VerifyReport report = VerifyLog(options);
  EXPECT_TRUE(report.untouched()) << FoundIn(report);
  ASSERT_TRUE(report.kept);
  EXPECT_LT(report.kept->size, report.head.size);
}

TEST_F(VerifierTest, AKeptCheckpointOfAnotherLogIsRefused) {
  const NoteSigner other = NoteSigner::Create("coffer/another", KeyFrom(3)).value();
  WriteWhole(world / "kept", AsBytes(SignCheckpoint(TreeHead{}, other)->ToText()));
  VerifyOptions options = world.Verifying();
  options.kept = world / "kept";
  EXPECT_TRUE(Finds(VerifyLog(options), Check::kKeptCheckpoint));
  options.kept = world / "not there";
  EXPECT_TRUE(Finds(VerifyLog(options), Check::kKeptCheckpoint));
}

TEST_F(VerifierTest, WithoutTilesTheJournalIsVerifiedAndTheRestSaidToBeSkipped) {
  fs::remove_all(world.audit() + "/tile");
  const VerifyReport report = world.Verify();
  EXPECT_TRUE(report.untouched()) << FoundIn(report);
  for (const Check check : {Check::kTiles, Check::kEntryBundles, Check::kTilesMissing}) {
    EXPECT_FALSE(report.skipped(check).empty()) << CheckName(check);
  }
}

TEST_F(VerifierTest, WithoutWhatLiesBesideTheKeyTheCheckIsSkipped) {
  VerifyOptions options = world.Verifying();
  options.last_signed = "";
  EXPECT_FALSE(VerifyLog(options).skipped(Check::kLastSigned).empty());
  options.last_signed = world / "none";
  const VerifyReport report = VerifyLog(options);
  EXPECT_TRUE(report.untouched());
  EXPECT_FALSE(report.skipped(Check::kLastSigned).empty());
}

TEST_F(VerifierTest, CosignaturesOfAQuorumAreAskedFor) {
  VerifyOptions options = world.Verifying();
  options.witnesses = {WitnessKey("w1", 50), WitnessKey("w2", 90)};
  options.quorum = 1;
  EXPECT_TRUE(Finds(VerifyLog(options), Check::kCosignatures)) << "nobody cosigned";
  Cosign("w2", 90, kCosignedCheckpoint);
  VerifyReport report = VerifyLog(options);
  EXPECT_TRUE(report.untouched()) << FoundIn(report);
  ASSERT_EQ(report.cosigned.size(), 1u);
  EXPECT_EQ(report.cosigned[0].witness, "w2");
  options.quorum = 2;
  EXPECT_TRUE(Finds(VerifyLog(options), Check::kCosignatures)) << "one is not two";
  options.quorum = 1;
  Cosign("w2", 91, kCosignedCheckpoint);
  EXPECT_TRUE(Finds(VerifyLog(options), Check::kCosignatures)) << "another key of that name";
}

TEST_F(VerifierTest, AWitnessThatStoppedCosigningLongAgoIsFound) {
  const std::int64_t end_s = world.Verify().last_time_us / 1'000'000 + 1;
  Cosign("w1", 50, kCosignedCheckpoint, static_cast<std::uint64_t>(end_s));
  const std::uint64_t seen = world.Verify().head.size;
  const VerifyReport idle = VerifyLog(Watched(1, (end_s + 86'400) * 1'000'000));
  EXPECT_TRUE(idle.untouched()) << "nothing came since: " << FoundIn(idle);
  EXPECT_EQ(idle.unwitnessed(), 0u);
  std::int64_t now_us = GoOnFor(599'000'000);
  const VerifyReport near = VerifyLog(Watched(1, now_us));
  EXPECT_TRUE(near.untouched()) << FoundIn(near);
  EXPECT_EQ(near.unwitnessed(), near.head.size - seen);
  EXPECT_EQ(near.cosigned_us, end_s * 1'000'000);
  now_us = GoOnFor(3'000'000);
  const VerifyReport far = VerifyLog(Watched(1, now_us));
  ASSERT_EQ(far.count(Check::kCosignatures), 1u) << FoundIn(far);
  EXPECT_EQ(far.findings().front().record, seen) << "from there on nobody has seen anything";
  VerifyOptions patient = Watched(1, now_us);
  patient.max_cosignature_age_us = 3'600'000'000;
  EXPECT_TRUE(VerifyLog(patient).untouched());
}

TEST_F(VerifierTest, TheAgeIsThatOfTheQuorumAndNotOfItsYoungestWitness) {
  const auto end_s = static_cast<std::uint64_t>(world.Verify().last_time_us / 1'000'000 + 1);
  SignedNote note = ReadCheckpoint(world.audit()).value();
  const NoteCosigner old = NoteCosigner::Create("w1", KeyFrom(50)).value();
  const NoteCosigner young = NoteCosigner::Create("w2", KeyFrom(90)).value();
  note.signatures.push_back(old.Cosign(note.text, end_s - 3'600).value());
  note.signatures.push_back(young.Cosign(note.text, end_s).value());
  WriteWhole(world.audit() + "/" + std::string(kCosignedCheckpoint), AsBytes(note.ToText()));
  const std::int64_t now_us = GoOnFor(60'000'000);
  EXPECT_TRUE(VerifyLog(Watched(1, now_us)).untouched());
  EXPECT_TRUE(Finds(VerifyLog(Watched(2, now_us)), Check::kCosignatures));
}

TEST_F(VerifierTest, ACosignatureOfTheFutureIsNotBelieved) {
  const auto end_s = static_cast<std::uint64_t>(world.Verify().last_time_us / 1'000'000);
  for (const std::uint64_t time_s : {end_s + 301, end_s + 86'400 * 365, ~std::uint64_t{0} >> 1U}) {
    Cosign("w1", 50, kCosignedCheckpoint, time_s);
    const VerifyReport report = VerifyLog(Watched(1, static_cast<std::int64_t>(end_s) * 1'000'000));
    EXPECT_TRUE(Finds(report, Check::kCosignatures)) << time_s;
    EXPECT_FALSE(report.cosigned_head.has_value());
  }
  Cosign("w1", 50, kCosignedCheckpoint, end_s + 300);
  EXPECT_TRUE(VerifyLog(Watched(1, static_cast<std::int64_t>(end_s) * 1'000'000)).untouched()) << "clocks differ";
}

TEST_F(VerifierTest, ARecordOfTheFutureIsFoundOnceAndMinutesAreForgiven) {
  VerifyOptions options = world.Verifying();
  const VerifyReport good = VerifyLog(options);
  options.now_us = good.last_time_us - kMaxRecordAheadUs;
  EXPECT_TRUE(VerifyLog(options).untouched()) << "a clock that was corrected: " << FoundIn(VerifyLog(options));
  for (const std::int64_t ahead_us : {60'000'000LL, 86'400'000'000LL, 86'400'000'000'000LL}) {
    options.now_us = good.last_time_us - kMaxRecordAheadUs - ahead_us;
    const VerifyReport report = VerifyLog(options);
    EXPECT_EQ(report.count(Check::kRecordTimes), 1u) << FoundIn(report);
    EXPECT_EQ(report.findings().size(), 1u) << FoundIn(report);
  }
  options.now_us = 0;
  EXPECT_TRUE(VerifyLog(options).untouched()) << "all times are believed";
}

TEST_F(VerifierTest, ACosignedCheckpointThatTheJournalDoesNotHoldIsFound) {
  Cosign("w1", 50, kCosignedCheckpoint);
  fs::remove_all(world.audit() + "/journal");
  fs::remove_all(world.audit() + "/tile");
  const LogWorld yesterday(GoodLog::Get().yesterday());
  CopyTree(yesterday.journal(), world.journal());
  fs::copy_file(yesterday.audit() + "/checkpoint", world.audit() + "/checkpoint", fs::copy_options::overwrite_existing);
  VerifyOptions options = world.Verifying();
  options.last_signed = "";
  EXPECT_TRUE(VerifyLog(options).untouched()) << "nothing else tells";
  options.witnesses = {WitnessKey("w1", 50)};
  options.quorum = 1;
  EXPECT_TRUE(Finds(VerifyLog(options), Check::kCosignatures));
}

TEST_F(VerifierTest, MoreFindingsThanAreListedAreCounted) {
  std::vector<Bytes> records = RecordsOfLog(world);
  for (std::size_t i = 100; i < 200; ++i) records[i] = CopyOf(AsBytes("nothing"));
  WriteJournalAnew(world, records);
  const VerifyReport report = world.Verify();
  EXPECT_EQ(report.count(Check::kRecords), 100u);
  EXPECT_LE(report.findings().size(), kChecks * VerifyReport::kListed);
}

TEST_F(VerifierTest, AFolderThatIsNotThereIsNotUntouched) {
  VerifyOptions options = world.Verifying();
  options.folder = world / "none";
  const VerifyReport report = VerifyLog(options);
  EXPECT_TRUE(Finds(report, Check::kReading));
  EXPECT_TRUE(Finds(report, Check::kJournalFiles));
  EXPECT_TRUE(Finds(report, Check::kCheckpointSignature));
}

TEST_F(VerifierTest, ABeginThatACrashLeftOpenIsCountedAndNoFinding) {
  FakeClock clock(kLogStart + 3'600'000'000);
  {
    const auto log = world.Open(clock);
    ASSERT_TRUE(log->AppendAndWait(CallRecordOf("RotateKeyring", RecordType::kBegin)).ok());
  }
  const VerifyReport report = world.Verify();
  EXPECT_TRUE(report.untouched()) << FoundIn(report);
  EXPECT_EQ(report.open_begins, 1u);
}

TEST_F(VerifierTest, AnotherStoreMayBeAtAnEarlierEpoch) {
  FakeClock clock(kLogStart + 3'600'000'000);
  {
    const auto log = world.Open(clock);
    Record record = CallRecordOf("RotateKeyring");
    record.store = StoreOf(2);
    record.store_epoch = 1;
    ASSERT_TRUE(log->AppendAndWait(record).ok());
  }
  EXPECT_TRUE(world.Verify().untouched()) << FoundIn(world.Verify());
}

TEST_F(VerifierTest, AFollowerGetsEveryRecordAndItsFindingsCount) {
  class Counter final : public RecordFollower {
   public:
    void Take(std::uint64_t index, ByteView) override { in_order = in_order && index == count++; }
    void Finish(VerifyReport& report) override { report.Find(Check::kIndex, "index", "is another one"); }
    std::uint64_t count = 0;
    bool in_order = true;
  };
  Counter counter;
  VerifyOptions options = world.Verifying();
  options.follower = &counter;
  const VerifyReport report = VerifyLog(options);
  EXPECT_EQ(counter.count, report.head.size);
  EXPECT_TRUE(counter.in_order);
  EXPECT_TRUE(Finds(report, Check::kIndex));
}

// Calls on many threads; the mutations among them raise the epoch. Verified in place and as copies, again and again.
TEST_F(VerifierTest, ARunningLogIsNotAccusedInPlaceNorAsACopy) {
  const SystemClock clock;
  LogOptions options = world.Options();
  options.publish_every = std::chrono::milliseconds(1);
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> epoch = 1'000;
  const auto log = Log::Open(options, clock).value();
  std::vector<std::thread> writers;
  for (int t = 0; t < 3; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        Record record = CallRecordOf("DecryptFields");
        if (t == 0 || i % 7 == 0) {
          record.store = StoreOf(1);
          record.store_epoch = ++epoch;
        }
        if (!log->AppendAndWait(std::move(record)).ok()) return;
      }
    });
  }
  for (int round = 0; round < 12; ++round) {
    const VerifyReport live = world.Verify();
    EXPECT_TRUE(live.untouched()) << "in place: " << FoundIn(live);
    const LogWorld copy(folder / ("copy" + std::to_string(round)));
    // As docs/OPERATIONS.md says: once all of it, then again what the checkpoint speaks of. Files come and go, and cp
    // skips one that is replaced while it looks.
    const std::string command = "mkdir '" + copy.folder() + "'; cp -a '" + world.key() + "' '" + world.audit() + "' '" +
                                copy.folder() + "' 2>/dev/null; for i in $(seq 100); do [ -e '" + copy.audit() +
                                "/checkpoint' ] && break; cp -a '" + world.audit() + "/checkpoint' '" + copy.audit() +
                                "/' 2>/dev/null; done; cp -a '" + world.audit() + "/tile' '" + world.journal() + "' '" +
                                copy.audit() + "/' 2>/dev/null || true";
    COFFER_CHECK(std::system(command.c_str()) == 0);
    const VerifyReport copied = copy.Verify();
    // With a checkpoint each millisecond a tile may be filled just between the listing of two folders.
    EXPECT_EQ(copied.findings().size(), copied.count(Check::kTilesMissing)) << "a copy: " << FoundIn(copied);
    fs::remove_all(copy.folder());
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
}

}  // namespace
}  // namespace coffer::audit
