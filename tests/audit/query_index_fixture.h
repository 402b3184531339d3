// QueryIndexTest: an audit log in a temporary folder and indexes of it, with a clock that the test moves.
#pragma once

#include <algorithm>

#include <gtest/gtest.h>

#include "audit/query_index.h"
#include "tests/support/temp_dir.h"

namespace coffer::audit {

inline constexpr std::int64_t kStart = 1'795'250'000'000'000;  // 2026-11-21
inline constexpr std::int64_t kDay = 86'400'000'000;
inline constexpr std::int64_t kHour = 3'600'000'000;
using Indexes = std::vector<std::uint64_t>;

class QueryIndexTest : public ::testing::Test {
 protected:
  void SetUp() override { OpenLog(); }
  void OpenLog() {
    LogOptions options;
    options.folder = folder / "audit";
    options.key_file = folder / "audit.key";
    options.file_bytes = 4 << 20;
    options.publish_every = std::chrono::hours(1);  // The tests publish.
    Result<std::unique_ptr<Log>> opened = Log::Open(options, clock);
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    log = std::move(opened).value();
  }
  std::string IndexPath() const { return folder / "audit/index.sqlite"; }
  std::unique_ptr<QueryIndex> NewIndex() { return std::make_unique<QueryIndex>(*log, clock, IndexPath()); }
  // Follows to the end; the test fails when that fails. True: the file was made anew on the way.
  static bool FollowAll(QueryIndex& index) {
    bool made_anew = false;
    while (true) {
      const Result<QueryIndex::Progress> progress = index.Follow();
      EXPECT_TRUE(progress.ok()) << progress.error().ToString();
      if (!progress.ok()) return made_anew;
      made_anew = made_anew || progress->made_anew;
      if (!progress->more) return made_anew;
    }
  }
  static Record Call(const std::string& principal = "unix:app:7", const std::string& operation = "DecryptFields") {
    Record record;
    record.authentication = Authentication::kUnixSocket;
    record.role = "app";
    record.operation = operation;
    record.object = "shop.user.email";
    record.tenant = "default";
    record.allowed = true;
    record.rule = "app-fields";
    record.outcome = "ok";
    record.items = 2;
    record.personal.principal = principal;
    return record;
  }
  static Record Refused(const std::string& principal = "unix:dba:8") {
    Record record = Call(principal);
    record.role = "dba";
    record.allowed = false;
    record.rule = "dba-sees-no-plaintext";
    record.outcome = "permission_denied";
    record.items = 0;
    return record;
  }
  static Record WithEverything() {
    Record record = Call();
    record.type = RecordType::kResult;
    record.object = "shop.user.email,shop.user.phone";
    record.tenant = "default,acme";
    record.keys = {3, 5, std::uint64_t{1} << 62};
    record.items = 5;
    record.failed = 2;
    record.unmatched = 1;
    record.reasons = {{ItemReason::kNotAuthentic, 2}, {ItemReason::kNoMatch, 1}};
    record.row_tags = {RowTag{std::byte{0xff}}, RowTag{std::byte{1}}};
    record.rows = Digest{std::byte{2}};
    record.purpose = "report";
    record.request_id = "req-1";
    record.policy_serial = 9;
    record.failure = "some values do not decrypt";
    record.store.bytes.front() = std::byte{7};
    record.store_epoch = 44;
    record.latency_us = 1234;
    record.begin = 1;
    record.personal = {.principal = "spiffe://x/role/app/a", .peer = "ipv4:1", .on_behalf_of = "bob", .reason = "r"};
    return record;
  }
  std::uint64_t Append(const Record& record) {
    const Result<std::uint64_t> index = log->AppendAndWait(record);
    EXPECT_TRUE(index.ok()) << index.error().ToString();
    return index.ok() ? *index : 0;
  }
  // What the index has to say, out of the journal by the shortest way.
  std::vector<IndexedRecord> Expected() const {
    std::vector<IndexedRecord> records;
    const Status read = log->ReadRecords({}, [&](std::uint64_t index, ByteView bytes) -> Result<bool> {
      COFFER_ASSIGN_OR_RETURN(const EncodedRecord encoded, DecodeRecord(bytes));
      Record record = encoded.record;
      COFFER_ASSIGN_OR_RETURN(const auto key, log->month_keys().Find(encoded.month));
      if (key != nullptr && !encoded.personal.empty()) record.personal = DecryptPersonal(encoded, *key).value();
      record.id = {};
      record.rows.reset();
      records.push_back({index, std::move(record)});
      return true;
    });
    EXPECT_TRUE(read.ok()) << read.error().ToString();
    return records;
  }
  static std::vector<IndexedRecord> AllOf(QueryIndex& index, RecordQuery query = {}) {
    query.oldest_first = true;
    query.max_records = QueryIndex::kMaxPage;
    std::vector<IndexedRecord> records;
    while (true) {
      Result<RecordPage> page = index.Search(query);
      EXPECT_TRUE(page.ok()) << page.error().ToString();
      if (!page.ok()) return records;
      for (IndexedRecord& record : page->records) records.push_back(std::move(record));
      if (!page->next) return records;
      query.filter.from = *page->next;
    }
  }
  static std::vector<std::uint64_t> Found(QueryIndex& index, const RecordFilter& filter, bool oldest_first = false,
                                          std::size_t limit = 1'000) {
    const Result<RecordPage> page =
        index.Search({.filter = filter, .oldest_first = oldest_first, .max_records = limit});
    EXPECT_TRUE(page.ok()) << page.error().ToString();
    std::vector<std::uint64_t> indexes;
    if (page.ok()) {
      for (const IndexedRecord& found : page->records) indexes.push_back(found.index);
    }
    return indexes;
  }
  static void ExpectSame(const std::vector<IndexedRecord>& found, const std::vector<IndexedRecord>& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].index, expected[i].index);
      EXPECT_EQ(found[i].record, expected[i].record) << "record " << i;
    }
  }
  bool FilesHold(const std::string& text) const {
    return std::system(("grep -aq '" + text + "' " + IndexPath() + "*").c_str()) == 0;
  }

  TempDir folder;
  FakeClock clock{kStart};
  std::unique_ptr<Log> log;
};

}  // namespace coffer::audit
