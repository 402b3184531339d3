#include "audit/log.h"

#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "audit/publisher.h"
#include "audit/signing_key.h"
#include "io/directory.h"
#include "io/file.h"
#include "tests/support/temp_dir.h"

namespace coffer::audit {
namespace {

constexpr std::int64_t kStart = 1'795'250'000'000'000;  // 2026-11-21

class AuditLogTest : public ::testing::Test {
 protected:
  LogOptions Options() const {
    LogOptions options;
    options.folder = folder / "audit";
    options.key_file = folder / "audit.key";
    options.file_bytes = 128 * 1024;
    options.publish_every = std::chrono::hours(1);  // The tests publish.
    return options;
  }
  Result<std::unique_ptr<Log>> TryOpen() const { return Log::Open(Options(), clock); }
  std::unique_ptr<Log> Open() const {
    Result<std::unique_ptr<Log>> log = TryOpen();
    EXPECT_TRUE(log.ok()) << log.error().ToString();
    return log.ok() ? std::move(log).value() : nullptr;
  }
  // The log as a process leaves it that is killed: the files as they are now, without the stop.
  void CopyTo(const std::string& name) const {
    COFFER_CHECK(
        std::system(("rm -rf '" + (folder / name) + "' && mkdir '" + (folder / name) + "' && cp -a '" +
                     (folder / "audit") + "' '" + (folder / "audit.key") + "' '" + (folder / name) + "/' && cp -a '" +
                     (folder / "audit.key.signed") + "' '" + (folder / name) + "/' 2>/dev/null || true")
                        .c_str()) == 0);
  }
  void PutBack(const std::string& name) const {
    COFFER_CHECK(
        std::system(("rm -rf '" + (folder / "audit") + "' '" + (folder / "audit.key") + "' '" +
                     (folder / "audit.key.signed") + "' && cp -a '" + (folder / name) + "/.' '" + folder.path() + "'")
                        .c_str()) == 0);
  }
  static Record Call(std::uint64_t epoch = 0) {
    Record record;
    record.role = "app";
    record.operation = "DecryptFields";
    record.allowed = true;
    record.outcome = "ok";
    if (epoch != 0) record.store = StoreUuid{{std::byte{7}}};
    record.store_epoch = epoch;
    record.personal.principal = "unix:app:7";
    return record;
  }
  static std::vector<EncodedRecord> All(const Log& log) {
    std::vector<EncodedRecord> records;
    const Status read = log.ReadRecords({}, [&records](std::uint64_t, ByteView bytes) -> Result<bool> {
      COFFER_ASSIGN_OR_RETURN(EncodedRecord record, DecodeRecord(bytes));
      records.push_back(std::move(record));
      return true;
    });
    EXPECT_TRUE(read.ok()) << read.error().ToString();
    return records;
  }

  TempDir folder;
  FakeClock clock{kStart};
};

TEST_F(AuditLogTest, RecordsComeBackInOrderAcrossStarts) {
  std::string origin;
  {
    const auto log = Open();
    origin = log->origin();
    EXPECT_EQ(log->AppendAndWait(Call(5)).value(), 1u);
    EXPECT_EQ(log->AppendAndWait(Call()).value(), 2u);
  }
  const auto log = Open();
  EXPECT_FALSE(log->recovered());
  EXPECT_EQ(log->origin(), origin);
  ASSERT_TRUE(log->seen_store().has_value());
  EXPECT_EQ(log->seen_store()->epoch, 5u);
  const std::vector<EncodedRecord> records = All(*log);
  ASSERT_EQ(records.size(), 5u);
  EXPECT_EQ(records[0].record.type, RecordType::kBoot);
  EXPECT_EQ(records[1].record.store_epoch, 5u);
  EXPECT_EQ(records[2].record.store_epoch, 5u) << "a record says how new the store was";
  EXPECT_EQ(records[3].record.type, RecordType::kStop);
  EXPECT_EQ(records[4].record.type, RecordType::kBoot);
  EXPECT_EQ(DecryptPersonal(records[1], *log->month_keys().Find(202611).value())->principal, "unix:app:7");
}

TEST_F(AuditLogTest, AStoresEpochNeverFallsAndAnotherStoreBeginsAnew) {
  const auto log = Open();
  ASSERT_TRUE(log->AppendAndWait(Call(9)).ok());
  ASSERT_TRUE(log->AppendAndWait(Call(4)).ok());
  EXPECT_EQ(log->seen_store()->epoch, 9u);
  Record other = Call(2);
  other.store.bytes.front() = std::byte{8};
  ASSERT_TRUE(log->AppendAndWait(other).ok());
  EXPECT_EQ(log->seen_store()->store, other.store);
  EXPECT_EQ(log->seen_store()->epoch, 2u);
  EXPECT_EQ(All(*log)[2].record.store_epoch, 9u);
}

TEST_F(AuditLogTest, TimeNeverGoesBack) {
  const auto log = Open();
  ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  clock.SetUnixMicros(kStart - 3'600'000'000);
  ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  clock.SetUnixMicros(kStart + 5);
  ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  const std::vector<EncodedRecord> records = All(*log);
  EXPECT_EQ(records[2].record.time_us, kStart);
  EXPECT_EQ(records[3].record.time_us, kStart + 5);
}

// Its rows' tags are under the key of the month that it was made in, whenever it is taken.
TEST_F(AuditLogTest, ARecordOfRowsKeepsTheMonthOfItsTags) {
  constexpr std::int64_t kDecember = 1'796'083'200'000'000;  // 2026-12-01
  const auto log = Open();
  Record record = Call();
  record.time_us = kDecember - 1;
  record.rows = Digest{std::byte{1}};
  clock.SetUnixMicros(kDecember);
  ASSERT_TRUE(log->AppendAndWait(record).ok());
  Record later = Call();
  later.time_us = kDecember - 1;
  ASSERT_TRUE(log->AppendAndWait(later).ok());
  const std::vector<EncodedRecord> records = All(*log);
  EXPECT_EQ(records[records.size() - 2].month, 202611u);
  EXPECT_EQ(records[records.size() - 2].record.time_us, kDecember - 1);
  EXPECT_EQ(records.back().month, 202612u) << "without tags the log's clock counts";
}

TEST_F(AuditLogTest, NamesThatDoNotFitAreRefusedAndNotCut) {
  const auto log = Open();
  const std::uint64_t size = log->durable().size;
  Record record = Call();
  record.object = std::string(kMaxNamesBytes + 1, 'a');
  EXPECT_EQ(log->AppendAndWait(record).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(log->durable().size, size);
  record.object.pop_back();
  EXPECT_TRUE(log->AppendAndWait(record).ok());
}

TEST_F(AuditLogTest, AStopInNoGoodOrderIsRecordedWithWhatWasBegun) {
  {
    const auto log = Open();
    Record begin = Call();
    begin.type = RecordType::kBegin;
    Record finished = Call();
    finished.type = RecordType::kResult;
    finished.begin = log->AppendAndWait(begin).value();
    ASSERT_TRUE(log->AppendAndWait(finished).ok());
    ASSERT_EQ(log->AppendAndWait(begin).value(), 3u);
    ASSERT_TRUE(log->AppendAndWait(Call()).ok());
    CopyTo("killed");
  }
  PutBack("killed");
  const auto log = Open();
  EXPECT_TRUE(log->recovered());
  const std::vector<EncodedRecord> records = All(*log);
  ASSERT_EQ(records.size(), 7u);
  EXPECT_EQ(records[5].record.type, RecordType::kRecovery);
  EXPECT_EQ(records[5].record.items, 1u);
  EXPECT_EQ(records[5].record.begin, 3u);
}

TEST_F(AuditLogTest, EveryRecordIsProvedToBeInTheSignedTree) {
  const auto log = Open();
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(log->AppendAndWait(Call()).ok());
    if (i % 100 == 0) {
      ASSERT_TRUE(log->PublishNow().ok());
    }
  }
  EXPECT_EQ(log->signed_head().size, 502u);
  ASSERT_TRUE(log->PublishNow().ok());
  const NoteVerifier key = NoteVerifier::Parse(log->vkey()).value();
  const Checkpoint checkpoint = OpenCheckpoint(log->checkpoint().value(), LogTrust::Of(key))->checkpoint;
  EXPECT_EQ(checkpoint.head, log->durable());
  for (const std::uint64_t index : {0U, 1U, 255U, 256U, 511U, 512U, 600U}) {
    const Bytes record = log->RecordAt(index).value();
    const Proof proof = log->ProveInclusion({.index = index, .size = checkpoint.head.size}).value();
    EXPECT_TRUE(VerifyInclusion(index, LeafHash(record), checkpoint.head, proof).ok()) << index;
    EXPECT_FALSE(VerifyInclusion(index + 1, LeafHash(record), checkpoint.head, proof).ok()) << index;
  }
  EXPECT_EQ(log->ProveInclusion({.index = 601, .size = 601}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(log->ProveInclusion({.index = 1, .size = 602}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(log->RecordAt(601).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(log->ProveConsistency({.from = 5, .to = 602}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(log->ProveConsistency({.from = 6, .to = 5}).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(AuditLogTest, LaterCheckpointsContinueEarlierOnes) {
  auto log = Open();
  std::vector<TreeHead> heads;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 67; ++i) ASSERT_TRUE(log->AppendAndWait(Call()).ok());
    ASSERT_TRUE(log->PublishNow().ok());
    heads.push_back(log->signed_head());
    if (round == 3) {
      log.reset();
      log = Open();
    }
  }
  for (const TreeHead& earlier : heads) {
    const Proof proof = log->ProveConsistency({.from = earlier.size, .to = heads.back().size}).value();
    EXPECT_TRUE(VerifyConsistency(earlier, heads.back(), proof).ok()) << earlier.size;
  }
}

TEST_F(AuditLogTest, TilesThatWereDeletedAreMadeAgain) {
  TreeHead head;
  {
    const auto log = Open();
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  }
  ASSERT_TRUE(RemoveTree(folder / "audit/tile").ok());
  ASSERT_TRUE(RemoveTree(folder / "audit/checkpoint").ok());
  const auto log = Open();
  ASSERT_TRUE(log->PublishNow().ok());
  const Bytes record = log->RecordAt(3).value();
  const Proof proof = log->ProveInclusion({.index = 3, .size = log->signed_head().size}).value();
  EXPECT_TRUE(VerifyInclusion(3, LeafHash(record), log->signed_head(), proof).ok());
}

TEST_F(AuditLogTest, PublishingGoesOnAfterItFailed) {
  const auto log = Open();
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  const std::string tiles = folder / "audit/tile";
  ASSERT_TRUE(RemoveTree(tiles).ok());
  ASSERT_TRUE(WriteFileDurably(tiles, ByteView(), 0600).ok()) << "a file where the folder of tiles goes";
  EXPECT_FALSE(log->PublishNow().ok());
  EXPECT_FALSE(log->publishing().ok());
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  ASSERT_TRUE(RemoveFileDurably(tiles).ok());
  ASSERT_TRUE(log->PublishNow().ok());
  EXPECT_EQ(log->signed_head(), log->durable());
  const Bytes record = log->RecordAt(299).value();
  const Proof proof = log->ProveInclusion({.index = 299, .size = log->signed_head().size}).value();
  EXPECT_TRUE(VerifyInclusion(299, LeafHash(record), log->signed_head(), proof).ok());
}

TEST_F(AuditLogTest, AnOlderLogPutBackIsRefused) {
  {
    const auto log = Open();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  }
  COFFER_CHECK(std::system(("cp -a '" + (folder / "audit") + "' '" + (folder / "yesterday") + "'").c_str()) == 0);
  {
    const auto log = Open();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  }
  ASSERT_TRUE(RemoveTree(folder / "audit").ok());
  COFFER_CHECK(std::system(("mv '" + (folder / "yesterday") + "' '" + (folder / "audit") + "'").c_str()) == 0);
  EXPECT_EQ(TryOpen().error().code(), ErrorCode::kIntegrity);
}

TEST_F(AuditLogTest, OneProcessAtATime) {
  const auto log = Open();
  const Result<std::unique_ptr<Log>> second = TryOpen();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(log->AppendAndWait(Call()).ok());
}

TEST_F(AuditLogTest, WithoutTheCheckpointBesideTheKeyThePublishedOneCounts) {
  {
    const auto log = Open();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  }
  ASSERT_TRUE(RemoveFileDurably(folder / "audit.key.signed").ok());
  { ASSERT_NE(Open(), nullptr); }
  ASSERT_TRUE(RemoveFileDurably(folder / "audit.key.signed").ok());
  COFFER_CHECK(std::system(("rm '" + (folder / "audit") + "'/journal/*").c_str()) == 0);
  EXPECT_EQ(TryOpen().error().code(), ErrorCode::kIntegrity) << "the checkpoint counts more";
}

TEST_F(AuditLogTest, WithoutAnyCheckpointALogIsRefused) {
  { const auto log = Open(); }
  CopyTo("whole");
  ASSERT_TRUE(RemoveFileDurably(folder / "audit.key.signed").ok());
  ASSERT_TRUE(RemoveFileDurably(folder / "audit/checkpoint").ok());
  EXPECT_EQ(TryOpen().error().code(), ErrorCode::kIntegrity);
  PutBack("whole");
  EXPECT_NE(Open(), nullptr);
}

// Somebody who empties the log and keeps its key would else have the key begin a second history.
TEST_F(AuditLogTest, AKeyWithoutItsLastCheckpointBeginsNoLog) {
  { const auto log = Open(); }
  COFFER_CHECK(std::system(("rm -r '" + (folder / "audit") + "' '" + (folder / "audit.key.signed") + "'").c_str()) ==
               0);
  const auto opened = TryOpen();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), ErrorCode::kIntegrity);
  EXPECT_FALSE(Exists(folder / "audit.key.signed").value());
}

TEST_F(AuditLogTest, AFirstStartThatEndedBeforeTheKeyGoesOn) {
  { const auto log = Open(); }
  ASSERT_TRUE(RemoveFileDurably(folder / "audit.key").ok());
  ASSERT_TRUE(RemoveTree(folder / "audit").ok());
  { ASSERT_NE(Open(), nullptr); }
  EXPECT_NE(Open(), nullptr);
}

TEST_F(AuditLogTest, AFirstStartThatEndedBehindTheKeyGoesOn) {
  { const auto log = Open(); }
  const std::string signed_path = folder / "audit.key.signed";
  const NoteSigner signer = ReadSigningKey(folder / "audit.key").value();
  ASSERT_TRUE(WriteFileDurably(signed_path, AsBytes(SignCheckpoint(TreeHead(), signer)->ToText()), 0644).ok());
  ASSERT_TRUE(RemoveTree(folder / "audit").ok());
  EXPECT_NE(Open(), nullptr);
}

TEST_F(AuditLogTest, ALogWhoseTilesCannotBeWrittenStartsAndSaysSo) {
  {
    const auto log = Open();
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  }
  const std::string tiles = folder / "audit/tile";
  ASSERT_TRUE(RemoveTree(tiles).ok());
  ASSERT_TRUE(WriteFileDurably(tiles, ByteView(), 0600).ok()) << "a file where the folder of tiles goes";
  const auto log = Open();
  ASSERT_NE(log, nullptr);
  EXPECT_FALSE(log->publishing().ok());
  EXPECT_TRUE(log->AppendAndWait(Call()).ok());
  ASSERT_TRUE(RemoveFileDurably(tiles).ok());
  ASSERT_TRUE(log->PublishNow().ok());
  EXPECT_EQ(log->signed_head(), log->durable());
}

TEST_F(AuditLogTest, AClockThatWasNeverSetLeavesALogThatOpens) {
  clock.SetUnixMicros(0);
  {
    const auto log = Open();
    ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  }
  clock.SetUnixMicros(-5);
  EXPECT_EQ(All(*Open()).front().record.time_us, kLeastRecordTime);
}

TEST_F(AuditLogTest, KeyAndLogThatDoNotBelongTogetherAreRefused) {
  { const auto log = Open(); }
  const std::string key = folder / "audit.key";
  const std::string audit = folder / "audit";
  struct Case {
    const char* what;
    std::string command;
  };
  const std::vector<Case> cases = {
      {"no key", "rm '" + key + "'"},
      {"an empty key", ": > '" + key + "'"},
      {"a key with a byte too many", "printf x >> '" + key + "'"},
      {"another log's key", "head -c 24 '" + key + "' > '" + key + ".n'; tail -c +25 '" + key +
                                "' | tr '0-9a-f' '1-9a-f0' >> '" + key + ".n'; mv '" + key + ".n' '" + key +
                                "'; chmod 600 '" + key + "'"},
      {"no journal", "rm -r '" + audit + "/journal'"},
      {"an empty journal", "rm '" + audit + "'/journal/*"},
      {"no folder", "rm -r '" + audit + "'"},
      {"a checkpoint that is none", "echo x > '" + key + ".signed'"},
  };
  CopyTo("whole");
  for (const Case& wrong : cases) {
    PutBack("whole");
    COFFER_CHECK(std::system(wrong.command.c_str()) == 0);
    const Result<std::unique_ptr<Log>> log = TryOpen();
    ASSERT_FALSE(log.ok()) << wrong.what;
    EXPECT_EQ(log.error().code(), ErrorCode::kIntegrity) << wrong.what << ": " << log.error().ToString();
  }
  PutBack("whole");
  COFFER_CHECK(std::system(("chmod 644 '" + key + "'").c_str()) == 0);
  EXPECT_EQ(TryOpen().error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(AuditLogTest, AnErasedMonthKeepsItsRecordsAndLosesItsPeople) {
  {
    const auto log = Open();
    ASSERT_TRUE(log->AppendAndWait(Call()).ok());
    ASSERT_TRUE(log->EraseMonth(202611).ok());
    ASSERT_TRUE(log->AppendAndWait(Call()).ok()) << "the month goes on without names";
  }
  const auto log = Open();
  EXPECT_EQ(log->month_keys().Find(202611).value(), nullptr);
  const std::vector<EncodedRecord> records = All(*log);
  EXPECT_FALSE(records[1].personal.empty());
  EXPECT_EQ(records[2].record.type, RecordType::kErased);
  EXPECT_TRUE(records[3].personal.empty());
  clock.SetUnixMicros(kStart + 30LL * 86'400'000'000);
  ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  EXPECT_FALSE(All(*log).back().personal.empty()) << "the next month has its own key";
}

TEST_F(AuditLogTest, NoBytesOfPeopleReachTheFolder) {
  {
    const auto log = Open();
    Record record = Call();
    record.personal = {.principal = "spiffe://canary-principal",
                       .peer = "canary-peer",
                       .on_behalf_of = "canary-behalf",
                       .reason = "canary-reason"};
    ASSERT_TRUE(log->AppendAndWait(record).ok());
  }
  EXPECT_NE(std::system(("grep -rq canary '" + folder.path() + "'").c_str()), 0);
  EXPECT_EQ(std::system(("grep -rq DecryptFields '" + folder.path() + "'").c_str()), 0) << "grep finds what is there";
}

TEST_F(AuditLogTest, ManyThreadsAppendAndPublish) {
  const auto log = Open();
  constexpr int kThreads = 4;
  constexpr int kEach = 300;
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&log, &answered] {
      for (int i = 0; i < kEach; ++i) {
        log->Append(Call(), [&answered](const Result<std::uint64_t>& index) {
          EXPECT_TRUE(index.ok()) << index.error().ToString();
          ++answered;
        });
        if (i % 50 == 0) {
          // Waits for its own, so that no slow disk has more waiting than may.
          EXPECT_TRUE(log->AppendAndWait(Call()).ok());
          EXPECT_TRUE(log->PublishNow().ok());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(log->AppendAndWait(Call()).ok());
  EXPECT_EQ(answered, kThreads * kEach) << "completions run in the order of indexes";
  std::int64_t before = 0;
  for (const EncodedRecord& record : All(*log)) {
    EXPECT_GE(record.record.time_us, before);
    before = record.record.time_us;
  }
}

}  // namespace
}  // namespace coffer::audit
