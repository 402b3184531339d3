// Whoever can write to the log's folder, and knows the format, against `coffer audit verify`: each attack is found by
// the check that is named for it, and the log as it was is not accused.
#include <algorithm>

#include "tests/audit/verifier_fixture.h"

namespace coffer::audit {
namespace {

struct Attack {
  const char* name;
  Check check;
  std::function<void(const LogWorld&)> act;
};

void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.name; }

// Changes one file of the journal.
std::function<void(const LogWorld&)> OnFile(std::size_t which, std::function<void(Bytes&)> change) {
  return [which, change = std::move(change)](const LogWorld& world) {
    const std::string path = world.Files().at(which);
    Bytes content = ReadWhole(path);
    change(content);
    WriteWhole(path, content);
  };
}
std::function<void(const LogWorld&)> OnLastFile(std::function<void(Bytes&)> change) {
  return [change = std::move(change)](const LogWorld& world) { OnFile(world.Files().size() - 1, change)(world); };
}
// All records, changed, in a journal that fits.
std::function<void(const LogWorld&)> OnRecords(std::function<void(std::vector<Bytes>&)> change) {
  return [change = std::move(change)](const LogWorld& world) {
    std::vector<Bytes> records = RecordsOfLog(world);
    change(records);
    WriteJournalAnew(world, records);
  };
}
// The same by whoever has the log's key as well.
std::function<void(const LogWorld&)> OnRecordsWithKey(std::function<void(std::vector<Bytes>&)> change) {
  return [change = std::move(change)](const LogWorld& world) {
    OnRecords(change)(world);
    SignAnew(world);
  };
}
std::function<void(const LogWorld&)> OnText(std::string name, std::string from, std::string to) {
  return [=](const LogWorld& world) {
    std::string text(AsText(ReadWhole(world.audit() + "/" + name)));
    COFFER_CHECK(text.find(from) != text.npos);
    text.replace(text.find(from), from.size(), to);
    WriteWhole(world.audit() + "/" + name, AsBytes(text));
  };
}
// The first file below `audit` whose path has all these parts.
std::string FileLike(const LogWorld& world, const std::vector<std::string>& parts) {
  for (const auto& entry : fs::recursive_directory_iterator(world.audit())) {
    const std::string path = entry.path().string();
    const bool all = std::all_of(parts.begin(), parts.end(),
                                 [&path](const std::string& part) { return path.find(part) != path.npos; });
    if (all && entry.is_regular_file()) return path;
  }
  COFFER_CHECK(false);
  return {};
}
std::function<void(const LogWorld&)> FlipIn(std::vector<std::string> parts, std::size_t offset) {
  return [=](const LogWorld& world) {
    const std::string path = FileLike(world, parts);
    Bytes content = ReadWhole(path);
    content.at(offset) ^= std::byte{1};
    WriteWhole(path, content);
  };
}

std::size_t IndexOf(const std::vector<Bytes>& records, RecordType type, std::size_t from = 0) {
  for (std::size_t i = from; i < records.size(); ++i) {
    if (DecodeRecord(records[i])->record.type == type) return i;
  }
  COFFER_CHECK(false);
  return 0;
}

void SwapFrames(Bytes& content) {
  const std::vector<FramePlace> frames = FramesOf(content);
  for (std::size_t i = 1; i + 1 < frames.size(); ++i) {
    const FramePlace& one = frames[i];
    const FramePlace& two = frames[i + 1];
    if (one.head.frame_bytes() != two.head.frame_bytes()) continue;
    const auto at = content.begin() + static_cast<std::ptrdiff_t>(one.offset);
    const auto size = static_cast<std::ptrdiff_t>(one.head.frame_bytes());
    std::swap_ranges(at, at + size, at + size);
    return;
  }
  COFFER_CHECK(false);
}

// Two records of one frame exchanged, its CRC right.
void SwapRecords(Bytes& content) {
  for (const FramePlace& place : FramesOf(content)) {
    if (place.head.count < 2) continue;
    const auto begin = content.begin() + static_cast<std::ptrdiff_t>(place.offset + kFrameHeadBytes);
    Reader reader(ByteView(content).subspan(place.offset + kFrameHeadBytes));
    const std::ptrdiff_t first = reader.U16() + 2;
    reader.Take(static_cast<std::size_t>(first) - 2);
    const std::ptrdiff_t second = reader.U16() + 2;
    std::rotate(begin, begin + first, begin + first + second);
    return MendFrameAt(content, place);
  }
  COFFER_CHECK(false);
}

void EraseFrame(Bytes& content) {
  const std::vector<FramePlace> frames = FramesOf(content);
  const FramePlace& gone = frames.at(frames.size() / 2);
  const std::size_t size = content.size();
  const auto at = content.begin() + static_cast<std::ptrdiff_t>(gone.offset);
  content.erase(at, at + static_cast<std::ptrdiff_t>(gone.head.frame_bytes()));
  content.resize(size);
}

void RepeatFrame(Bytes& content) {
  const std::vector<FramePlace> frames = FramesOf(content);
  const FramePlace& again = frames.at(frames.size() / 2);
  const std::size_t size = content.size();
  const auto at = content.begin() + static_cast<std::ptrdiff_t>(again.offset);
  const Bytes frame(at, at + static_cast<std::ptrdiff_t>(again.head.frame_bytes()));
  content.insert(at, frame.begin(), frame.end());
  content.resize(size);
}

// The last frames away, zeros in their place: a journal that fits.
void CutFrames(Bytes& content) {
  const std::vector<FramePlace> frames = FramesOf(content);
  const FramePlace& first = frames.at(frames.size() - 2);
  std::fill(content.begin() + static_cast<std::ptrdiff_t>(first.offset), content.end(), std::byte{0});
}

void FlipAt(Bytes& content, std::size_t offset) { content.at(offset) ^= std::byte{4}; }
const FramePlace FrameAt(const Bytes& content, double where) {
  const std::vector<FramePlace> frames = FramesOf(content);
  return frames.at(static_cast<std::size_t>(static_cast<double>(frames.size() - 1) * where));
}

std::vector<Attack> JournalAttacks() {
  return {
      {"ABitOfARecord", Check::kJournalFrames,
       OnFile(0, [](Bytes& file) { FlipAt(file, FrameAt(file, 0.5).offset + kFrameHeadBytes + 20); })},
      {"ABitOfTheLastRecord", Check::kCheckpointSize,
       OnLastFile([](Bytes& file) { FlipAt(file, FrameAt(file, 1).offset + kFrameHeadBytes + 20); })},
      {"ABitOfAHeader", Check::kJournalHeaders, OnFile(1, [](Bytes& file) { FlipAt(file, 60); })},
      {"ABitOfACrc", Check::kJournalFrames,
       OnFile(1, [](Bytes& file) { FlipAt(file, FrameAt(file, 0.3).offset + 9); })},
      {"ABitOfARoot", Check::kJournalRoots,
       OnFile(1,
              [](Bytes& file) {
                const FramePlace place = FrameAt(file, 0.7);
                FlipAt(file, place.offset + 40);
                MendFrameAt(file, place);
              })},
      {"TheEndZeroed", Check::kCheckpointSize, OnLastFile(CutFrames)},
      {"TheEndZeroedAndKnownFromTheKeysSide", Check::kLastSigned, OnLastFile(CutFrames)},
      {"AFileCut", Check::kJournalFiles, OnFile(0, [](Bytes& file) { file.resize(file.size() / 2); })},
      {"AFileEmptied", Check::kJournalHeaders, OnFile(1, [](Bytes& file) { file.clear(); })},
      {"TheLastFileEmptied", Check::kJournalHeaders, OnLastFile([](Bytes& file) { file.clear(); })},
      {"AFrameTakenOut", Check::kJournalFrames, OnFile(0, EraseFrame)},
      {"AFrameTwice", Check::kJournalFrames, OnFile(0, RepeatFrame)},
      {"TwoFramesExchanged", Check::kJournalFrames, OnFile(0, SwapFrames)},
      {"TwoRecordsExchanged", Check::kJournalRoots, OnFile(0, SwapRecords)},
      {"TwoFilesExchanged", Check::kJournalFiles,
       [](const LogWorld& world) {
         const std::vector<std::string> files = world.Files();
         fs::rename(files.at(0), world / "aside");
         fs::rename(files.at(1), files.at(0));
         fs::rename(world / "aside", files.at(1));
       }},
      {"AFileGone", Check::kJournalFiles, [](const LogWorld& world) { fs::remove(world.Files().at(1)); }},
      {"TheFirstFileGone", Check::kJournalFiles, [](const LogWorld& world) { fs::remove(world.Files().at(0)); }},
      {"TheLastFileGone", Check::kCheckpointSize, [](const LogWorld& world) { fs::remove(world.Files().back()); }},
      {"EveryFileGone", Check::kJournalFiles, [](const LogWorld& world) { fs::remove_all(world.journal()); }},
      {"AFileUnderAnotherName", Check::kJournalFiles,
       [](const LogWorld& world) { fs::rename(world.Files().back(), world.journal() + "/" + JournalFileName(9'999)); }},
      {"AFileUnderNoName", Check::kJournalFiles,
       [](const LogWorld& world) { WriteWhole(world.journal() + "/1.journal", AsBytes("x")); }},
      {"GarbageBehindAFile", Check::kJournalFiles, OnLastFile([](Bytes& file) { file.resize(file.size() + 7); })},
      {"GarbageBehindTheLastFrame", Check::kJournalTail,
       OnLastFile([](Bytes& file) { file.at(file.size() - 9) = std::byte{7}; })},
      {"GarbageInAnEarlierFile", Check::kJournalFrames,
       OnFile(0, [](Bytes& file) { file.at(file.size() - 1) = std::byte{7}; })},
  };
}

std::vector<Attack> ForgedJournals() {
  return {
      {"ARecordForged", Check::kCheckpointRoot, OnRecords([](std::vector<Bytes>& records) {
         records[200] = Changed(records[200], [](Record& record) { record.operation = "GetKeyring"; });
       })},
      {"ARecordForgedAndTheTilesLeft", Check::kEntryBundles, OnRecords([](std::vector<Bytes>& records) {
         records[200] = Changed(records[200], [](Record& record) { record.operation = "GetKeyring"; });
       })},
      {"ARecordTakenOut", Check::kCheckpointRoot, OnRecords([](std::vector<Bytes>& records) {
         records.erase(records.begin() + 100);
         records.push_back(records.back());
       })},
      {"AResultTakenOut", Check::kCheckpointSize, OnRecords([](std::vector<Bytes>& records) {
         records.erase(records.begin() + static_cast<std::ptrdiff_t>(IndexOf(records, RecordType::kResult)));
       })},
      {"RecordsInAnotherOrder", Check::kCheckpointRoot,
       OnRecords([](std::vector<Bytes>& records) { std::swap(records[50], records[51]); })},
      {"AnEarlierTime", Check::kRecordTimes, OnRecordsWithKey([](std::vector<Bytes>& records) {
         records[100] = Changed(records[100], [](Record& record) { record.time_us -= 3'600'000'000; });
       })},
      {"AResultOfNoBegin", Check::kRecordPairs, OnRecordsWithKey([](std::vector<Bytes>& records) {
         const std::size_t result = IndexOf(records, RecordType::kResult);
         records[result] = Changed(records[result], [](Record& record) { record.begin = 1; });
       })},
      {"ABeginTakenOut", Check::kRecordPairs, OnRecordsWithKey([](std::vector<Bytes>& records) {
         const std::size_t begin = IndexOf(records, RecordType::kBegin);
         records[begin] = Changed(records[begin], [](Record& record) { record.type = RecordType::kCall; });
       })},
      {"AResultTwice", Check::kRecordPairs, OnRecordsWithKey([](std::vector<Bytes>& records) {
         const std::size_t result = IndexOf(records, RecordType::kResult);
         records[result + 1] = records[result];
       })},
      {"AResultOfAnotherOperation", Check::kRecordPairs, OnRecordsWithKey([](std::vector<Bytes>& records) {
         const std::size_t begin = IndexOf(records, RecordType::kBegin);
         records[begin] = Changed(records[begin], [](Record& record) { record.operation = "PutSecret"; });
       })},
      {"AnOlderStore", Check::kStoreEpochs, OnRecordsWithKey([](std::vector<Bytes>& records) {
         const std::size_t result = IndexOf(records, RecordType::kResult, 300);
         records[result] = Changed(records[result], [](Record& record) { record.store_epoch = 3; });
       })},
      {"ARecordOfAnotherForm", Check::kRecords,
       OnRecordsWithKey([](std::vector<Bytes>& records) { records[70].push_back(std::byte{0}); })},
      {"ARecordOfNoForm", Check::kRecords,
       OnRecordsWithKey([](std::vector<Bytes>& records) { records[70] = CopyOf(AsBytes("nothing happened")); })},
      {"AFileMadeAnew", Check::kJournalChain,
       [](const LogWorld& world) {
         // The same records in another file of the same name: what follows names the one before by its digest.
         LogWorld other(world / "other");
         fs::create_directories(other.audit());
         fs::copy_file(world.key(), other.key());
         const std::vector<Bytes> records = RecordsOfLog(world);
         WriteJournalAnew(other, records);
         fs::copy_file(other.Files().at(0), world.Files().at(0), fs::copy_options::overwrite_existing);
       }},
  };
}

std::vector<Attack> PublishedAttacks() {
  return {
      {"ABitOfATile", Check::kTiles, FlipIn({"/tile/0/000"}, 40)},
      {"ABitOfAPartialTile", Check::kTiles, FlipIn({"/tile/0/00", ".p/"}, 3)},
      {"ABitOfAnUpperTile", Check::kTiles, FlipIn({"/tile/1/000.p/"}, 31)},
      {"ABitOfABundle", Check::kEntryBundles, FlipIn({"/tile/entries/000"}, 500)},
      {"ABitOfAPartialBundle", Check::kEntryBundles, FlipIn({"/tile/entries/00", ".p/"}, 80)},
      {"ATileThatIsLonger", Check::kTiles,
       [](const LogWorld& world) {
         Bytes tile = ReadWhole(world.audit() + "/tile/0/000");
         tile.resize(tile.size() + 32);
         WriteWhole(world.audit() + "/tile/0/000", tile);
       }},
      {"ATileOfNothing", Check::kTiles,
       [](const LogWorld& world) { fs::copy_file(world.audit() + "/tile/0/000", world.audit() + "/tile/0/077"); }},
      {"APartialTileOfNothing", Check::kTiles,
       [](const LogWorld& world) {
         fs::create_directories(world.audit() + "/tile/3/000.p");
         WriteWhole(world.audit() + "/tile/3/000.p/1", Bytes(32));
       }},
      {"ABundleOfNothing", Check::kEntryBundles,
       [](const LogWorld& world) {
         fs::copy_file(world.audit() + "/tile/entries/000", world.audit() + "/tile/entries/012");
       }},
      {"ATileGone", Check::kTilesMissing, [](const LogWorld& world) { fs::remove(world.audit() + "/tile/0/001"); }},
      {"ABundleGone", Check::kTilesMissing,
       [](const LogWorld& world) { fs::remove(world.audit() + "/tile/entries/000"); }},
      {"APartialTileGone", Check::kTilesMissing,
       [](const LogWorld& world) { fs::remove_all(world.audit() + "/tile/1/000.p"); }},
      {"TheCheckpointsSize", Check::kCheckpointSignature, OnText("checkpoint", "\n1", "\n2")},
      {"TheCheckpointsRoot", Check::kCheckpointSignature, OnText("checkpoint", "=\n", "A\n")},
      {"TheCheckpointsOrigin", Check::kCheckpointSignature, OnText("checkpoint", "coffer/", "coffee/")},
      {"TheCheckpointsSignature", Check::kCheckpointSignature,
       [](const LogWorld& world) {
         SignedNote note = ReadCheckpoint(world.audit()).value();
         note.signatures[0].bytes[5] ^= std::byte{1};
         WriteWhole(world.audit() + "/checkpoint", AsBytes(note.ToText()));
       }},
      {"TheCheckpointSignedByAnother", Check::kCheckpointSignature,
       [](const LogWorld& world) {
         const Checkpoint checkpoint = Checkpoint::Parse(ReadCheckpoint(world.audit())->text).value();
         const NoteSigner other = NoteSigner::Create(checkpoint.origin, KeyFrom(1)).value();
         WriteWhole(world.audit() + "/checkpoint", AsBytes(SignCheckpoint(checkpoint.head, other)->ToText()));
       }},
      {"TheCheckpointGone", Check::kCheckpointSignature,
       [](const LogWorld& world) { fs::remove(world.audit() + "/checkpoint"); }},
      {"TheCheckpointEmptied", Check::kCheckpointSignature,
       [](const LogWorld& world) { WriteWhole(world.audit() + "/checkpoint", Bytes()); }},
      {"AnOldCheckpoint", Check::kLastSigned,
       [](const LogWorld& world) {
         fs::copy_file(LogWorld(GoodLog::Get().yesterday()).audit() + "/checkpoint", world.audit() + "/checkpoint",
                       fs::copy_options::overwrite_existing);
       }},
      {"TheLastSignedOneForged", Check::kLastSigned,
       [](const LogWorld& world) { WriteWhole(world.key() + ".signed", AsBytes("none")); }},
      {"TheFolderOfYesterday", Check::kLastSigned,
       [](const LogWorld& world) {
         fs::remove_all(world.audit());
         CopyTree(LogWorld(GoodLog::Get().yesterday()).audit(), world.audit());
       }},
      {"AForeignFile", Check::kForeignFiles,
       [](const LogWorld& world) { WriteWhole(world.audit() + "/notes.txt", AsBytes("x")); }},
      {"AForeignFileInTheJournal", Check::kForeignFiles,
       [](const LogWorld& world) { WriteWhole(world.journal() + "/old", AsBytes("x")); }},
      {"AForeignFileAmongTiles", Check::kForeignFiles,
       [](const LogWorld& world) { WriteWhole(world.audit() + "/tile/0/0001", AsBytes("x")); }},
      {"ALinkAmongTiles", Check::kForeignFiles,
       [](const LogWorld& world) { fs::create_symlink("000", world.audit() + "/tile/0/077"); }},
  };
}

class AttackTest : public ::testing::TestWithParam<Attack> {};

TEST_P(AttackTest, IsFoundByItsCheck) {
  const TempDir folder;
  const LogWorld world(folder / "world");
  CopyTree(GoodLog::Get().today(), world.folder());
  GetParam().act(world);
  const VerifyReport report = world.Verify();
  EXPECT_FALSE(report.untouched());
  EXPECT_TRUE(Finds(report, GetParam().check))
      << "expected " << CheckName(GetParam().check) << ", found " << FoundIn(report);
}

std::string NameOf(const ::testing::TestParamInfo<Attack>& attack) { return attack.param.name; }
INSTANTIATE_TEST_SUITE_P(OnTheJournal, AttackTest, ::testing::ValuesIn(JournalAttacks()), NameOf);
INSTANTIATE_TEST_SUITE_P(WithRightSums, AttackTest, ::testing::ValuesIn(ForgedJournals()), NameOf);
INSTANTIATE_TEST_SUITE_P(OnWhatIsPublished, AttackTest, ::testing::ValuesIn(PublishedAttacks()), NameOf);

class LogAttackTest : public LogCopyTest {};

TEST_F(LogAttackTest, TheLogAsItWasIsNotAccused) {
  const VerifyReport report = world.Verify();
  EXPECT_TRUE(report.untouched()) << FoundIn(report);
  EXPECT_GT(report.journal_files, 2u);
  EXPECT_GT(report.frames, 500u);
}

TEST_F(LogAttackTest, TheKeyOfAnotherLogIsNotBelieved) {
  VerifyOptions options = world.Verifying();
  options.log_key = NoteSigner::Create("coffer/another", KeyFrom(9)).value().verifier();
  const VerifyReport report = VerifyLog(options);
  EXPECT_TRUE(Finds(report, Check::kCheckpointSignature)) << FoundIn(report);
  EXPECT_TRUE(Finds(report, Check::kJournalHeaders)) << FoundIn(report);
}

TEST_F(LogAttackTest, AnotherKeyOfTheSameNameIsNotBelieved) {
  VerifyOptions options = world.Verifying();
  options.log_key = NoteSigner::Create(world.vkey().name(), KeyFrom(9)).value().verifier();
  const VerifyReport report = VerifyLog(options);
  EXPECT_TRUE(Finds(report, Check::kCheckpointSignature)) << FoundIn(report);
}

// Folder, key and what lies beside the key, all of yesterday: nothing on the host tells, what was kept elsewhere does.
TEST_F(LogAttackTest, AHostPutBackAsAWholeIsFoundByAKeptCheckpointAlone) {
  const LogWorld yesterday(GoodLog::Get().yesterday());
  fs::remove(yesterday.audit() + "/journal/none");
  EXPECT_TRUE(yesterday.Verify().untouched()) << FoundIn(yesterday.Verify());
  VerifyOptions options = yesterday.Verifying();
  options.kept = world.audit() + "/checkpoint";
  const VerifyReport report = VerifyLog(options);
  EXPECT_TRUE(Finds(report, Check::kKeptCheckpoint)) << FoundIn(report);
}

TEST_F(LogAttackTest, ASecondHistorySignedWithTheStolenKeyIsFoundByAKeptCheckpointAlone) {
  fs::copy_file(world.audit() + "/checkpoint", world / "kept");
  std::vector<Bytes> records = RecordsOfLog(world);
  const std::size_t calls = records.size();
  for (Bytes& record : records) {
    record = Changed(record, [](Record& changed) { changed.object = "shop.nothing"; });
  }
  records.push_back(records.back());
  WriteJournalAnew(world, records);
  SignAnew(world);
  EXPECT_TRUE(world.Verify().untouched()) << FoundIn(world.Verify());
  VerifyOptions options = world.Verifying();
  options.kept = world / "kept";
  const VerifyReport report = VerifyLog(options);
  EXPECT_TRUE(Finds(report, Check::kKeptCheckpoint)) << FoundIn(report);
  // No proof leads from the one to the other.
  const TreeHead kept = Checkpoint::Parse(SignedNote::Parse(AsText(ReadWhole(world / "kept")))->text)->head;
  TileHashes hashes(ReadTilesIn(world.audit()), calls + 1);
  const Proof proof = MakeConsistencyProof({.from = kept.size, .to = calls + 1}, hashes.Source()).value();
  EXPECT_FALSE(VerifyConsistency(kept, report.head, proof).ok());
}

TEST_F(LogAttackTest, AFileRemovedUnderARunningLogEndsIt) {
  FakeClock clock(kLogStart + 3'600'000'000);
  const auto log = world.Open(clock);
  ASSERT_TRUE(log->AppendAndWait(CallRecordOf("GetKeyring")).ok());
  fs::remove(world.Files().back());
  EXPECT_EQ(log->AppendAndWait(CallRecordOf("GetKeyring")).error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(log->state().ok()) << "and nothing is answered any more";
}

TEST_F(LogAttackTest, ARolledBackLogIsNotOpened) {
  fs::remove_all(world.audit());
  CopyTree(LogWorld(GoodLog::Get().yesterday()).audit(), world.audit());
  FakeClock clock(kLogStart + 3'600'000'000);
  EXPECT_EQ(Log::Open(world.Options(), clock).error().code(), ErrorCode::kIntegrity);
}

}  // namespace
}  // namespace coffer::audit
