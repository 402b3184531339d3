// A QueryIndex whose log drops its oldest records.
#include "audit/verifier_index.h"
#include "io/directory.h"
#include "io/file.h"
#include "io/sqlite.h"
#include "tests/audit/query_index_fixture.h"

namespace coffer::audit {
namespace {

class PrunedIndexTest : public QueryIndexTest {
 protected:
  // Some files of the least size that a log may have, a month each.
  void SetUp() override {
    OpenSmall();
    for (int month = 0; month < 3; ++month) {
      for (int i = 0; i < 500; ++i) {
        Record record = i % 7 == 0 ? WithEverything() : Call("person-" + std::to_string(month));
        log->Append(std::move(record), [](const Result<std::uint64_t>&) {});
        if (i % 20 == 0) Append(Refused("person-" + std::to_string(month)));
      }
      clock.Advance(31 * kDay);
    }
    ASSERT_TRUE(log->PublishNow().ok());
  }
  void OpenSmall() {
    LogOptions options;
    options.folder = folder / "audit";
    options.key_file = folder / "audit.key";
    options.file_bytes = kMinFileBytes;
    options.publish_every = std::chrono::hours(1);
    log = Log::Open(options, clock).value();
  }
  std::uint64_t Prune(int months) {
    EXPECT_GT(log->Prune({.before_us = kStart + months * 31 * kDay})->records, 0u);
    return log->oldest();
  }
  std::int64_t Count(const std::string& sql) const {
    auto database = SqliteDatabase::Open({.path = IndexPath(), .vfs = {}, .busy_timeout_ms = 100}).value();
    SqliteStatement query = database->Prepare(sql).value();
    EXPECT_TRUE(query.Step().value());
    return std::get<std::int64_t>(query.Column(0, ValueType::kInt64, false).value());
  }
};

TEST_F(PrunedIndexTest, AJournalThatCannotBeReadIsNoEmptyAnswer) {
  const std::string path = folder / "audit/journal/00000000000000000000.journal";
  const Bytes whole = ReadFile(path, kMinFileBytes).value();
  Bytes damaged = whole;
  damaged.at(damaged.size() / 2) ^= std::byte{1};
  ASSERT_TRUE(WriteFileDurably(path, damaged, 0600).ok());
  const auto index = NewIndex();
  while (index->Follow().ok()) continue;
  EXPECT_LT(index->size(), log->durable().size);
  const auto found = index->Search({.filter = {}, .oldest_first = true});
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code(), ErrorCode::kUnavailable);
  EXPECT_NE(found.error().message().find("coffer audit verify"), std::string_view::npos);
  EXPECT_EQ(index->Count({}, {GroupBy::kOperation}).error().code(), ErrorCode::kUnavailable);
  ASSERT_TRUE(WriteFileDurably(path, whole, 0600).ok());
  FollowAll(*index);
  ExpectSame(AllOf(*index), Expected());
}

TEST_F(PrunedIndexTest, AnIndexMadeAnewBeginsAtTheOldestRecord) {
  Prune(2);
  const auto index = NewIndex();
  EXPECT_FALSE(FollowAll(*index));
  EXPECT_EQ(index->size(), log->durable().size);
  ExpectSame(AllOf(*index), Expected());
}

TEST_F(PrunedIndexTest, RowsOfDroppedRecordsAreRemovedWithWhatWasDerivedFromThem) {
  std::uint64_t oldest = 0;
  {
    const auto index = NewIndex();
    FollowAll(*index);
    EXPECT_TRUE(FilesHold("person-0"));
    oldest = Prune(2);
    std::vector<IndexedRecord> left = Expected();
    left.pop_back();  // the record of it, which the index does not have yet
    ExpectSame(AllOf(*index), left);
    FollowAll(*index);
    ExpectSame(AllOf(*index), Expected());
    RecordFilter filter;
    filter.from_us = kStart;
    EXPECT_EQ(Found(*index, filter, true).front(), oldest) << "times are looked for among what is left";
    filter.object = "shop.user.phone";
    for (const std::uint64_t found : Found(*index, filter)) EXPECT_GE(found, oldest);
    EXPECT_FALSE(FilesHold("person-0")) << "a month of which nothing is left";
    EXPECT_TRUE(FilesHold("person-2"));
  }
  const std::string below = std::to_string(oldest);
  for (const char* table : {"records", "record_objects", "record_tenants", "record_keys", "record_rows"}) {
    EXPECT_EQ(Count("SELECT count(*) FROM " + std::string(table) + " WHERE idx < " + below), 0) << table;
    EXPECT_GT(Count("SELECT count(*) FROM " + std::string(table)), 0) << table;
  }
  const auto index = NewIndex();
  EXPECT_FALSE(FollowAll(*index)) << "it fits the log, which has the tiles of what was dropped";
  ExpectSame(AllOf(*index), Expected());
}

TEST_F(PrunedIndexTest, AnIndexThatWasBehindPassesOverWhatIsGone) {
  {
    const auto index = NewIndex();
    ASSERT_TRUE(index->Follow().ok());
  }
  // As if it had stopped early.
  Frontier early;
  ASSERT_TRUE(log->ReadRecords({.from = 0, .to = 100},
                               [&early](std::uint64_t, ByteView bytes) -> Result<bool> {
                                 early.Append(LeafHash(bytes));
                                 return true;
                               })
                  .ok());
  const std::string sql =
      "DELETE FROM records WHERE idx >= 100; DELETE FROM segments WHERE first >= 100; UPDATE progress SET frontier = "
      "x'" +
      ToHex(early.Encode()) + "'";
  ASSERT_TRUE(SqliteDatabase::Open({.path = IndexPath(), .vfs = {}}).value()->Execute(sql).ok());
  ASSERT_GT(Prune(2), 100u);
  const auto index = NewIndex();
  EXPECT_FALSE(FollowAll(*index));
  ExpectSame(AllOf(*index), Expected());
}

TEST_F(PrunedIndexTest, TheVerifierComparesWhatIsLeft) {
  const auto verify = [this] {
    const NoteVerifier key = NoteVerifier::Parse(log->vkey()).value();
    log.reset();
    IndexComparison comparison(IndexPath(), key.name(), folder / "audit/keys");
    VerifyOptions options{.folder = folder / "audit", .log_key = key, .last_signed = {}, .kept = {}, .witnesses = {}};
    options.follower = &comparison;
    VerifyReport report = VerifyLog(options);
    OpenSmall();
    return report;
  };
  FollowAll(*NewIndex());
  Prune(2);
  const VerifyReport behind = verify();
  EXPECT_TRUE(behind.untouched()) << "rows that are not removed yet are no finding";
  EXPECT_EQ(behind.skipped(Check::kIndex), "");
  FollowAll(*NewIndex());
  EXPECT_TRUE(verify().untouched());
  const std::string sql = "UPDATE records SET items = items + 1 WHERE idx = " + std::to_string(log->oldest() + 3);
  ASSERT_TRUE(SqliteDatabase::Open({.path = IndexPath(), .vfs = {}}).value()->Execute(sql).ok());
  EXPECT_EQ(verify().count(Check::kIndex), 1u);
}

}  // namespace
}  // namespace coffer::audit
