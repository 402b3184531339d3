#include "keysvc/audit_retention.h"

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "audit/frame.h"
#include "audit/signing_key.h"
#include "audit/verifier.h"
#include "keysvc/audit_indexer.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kStart = 1'795'250'000'000'000;  // 2026-11-21
constexpr std::int64_t kDay = 86'400'000'000;
constexpr std::int64_t kDecember = 1'796'083'200'000'000;

class AuditRetentionTest : public ::testing::Test {
 protected:
  AuditRetentionTest() { Open(); }

  void Open() {
    index.reset();
    log.reset();
    audit::LogOptions options;
    options.folder = folder / "audit";
    options.key_file = folder / "audit.key";
    options.file_bytes = audit::kMinFileBytes;
    options.publish_every = std::chrono::hours(1);
    log = audit::Log::Open(options, clock).value();
    index = std::make_unique<audit::QueryIndex>(*log, clock, folder / "audit/index.sqlite");
    Follow();
  }
  void Follow() {
    while (true) {
      const auto progress = index->Follow();
      ASSERT_TRUE(progress.ok()) << progress.error().ToString();
      if (!progress->more) return;
    }
  }
  void Append(int count, const std::string& principal = "unix:app:canary") {
    audit::Record record;
    record.operation = "DecryptFields";
    record.object = "shop.user.email";
    record.allowed = true;
    record.outcome = "ok";
    record.personal.principal = principal;
    // Now and then waited for, so that no frame fills a file.
    for (int i = 1; i < count; ++i) {
      if (i % 50 == 0) {
        ASSERT_TRUE(log->AppendAndWait(record).ok());
      } else {
        log->Append(record, [](const Result<std::uint64_t>&) {});
      }
    }
    ASSERT_TRUE(log->AppendAndWait(record).ok());
    ASSERT_TRUE(log->PublishNow().ok());
    Follow();
  }
  AuditRetention Keeping(std::uint32_t records_days, std::uint32_t people_days) {
    return {*log, *index, {.records_days = records_days, .people_days = people_days}};
  }
  bool FilesHold(const std::string& text) const {
    return std::system(("grep -raq '" + text + "' '" + folder.path() + "'").c_str()) == 0;
  }
  bool HasKeyOf(const std::string& month) const { return std::filesystem::exists(folder / ("audit/keys/" + month)); }
  std::uint64_t CountOf(audit::RecordType type) {
    Follow();
    audit::RecordFilter filter;
    filter.type = type;
    return index->Search({.filter = filter}).value().records.size();
  }
  void ExpectUntouched() const {
    const audit::VerifyReport report = audit::VerifyLog({.folder = folder / "audit",
                                                         .log_key = NoteVerifier::Parse(log->vkey()).value(),
                                                         .last_signed = folder / "audit.key.signed",
                                                         .kept = {},
                                                         .witnesses = {}});
    EXPECT_TRUE(report.untouched()) << report.findings().front().sentence;
  }

  TempDir folder;
  FakeClock clock{kStart};
  std::unique_ptr<audit::Log> log;
  std::unique_ptr<audit::QueryIndex> index;
};

TEST_F(AuditRetentionTest, WithoutDaysEverythingIsKept) {
  Append(2'000);
  clock.Advance(30'000 * kDay);
  Open();
  Open();
  EXPECT_FALSE(Keeping(0, 0).Pass());
  EXPECT_EQ(log->oldest(), 0u);
  EXPECT_TRUE(HasKeyOf("2026-11"));
}

TEST_F(AuditRetentionTest, AMonthsNamesGoSoManyDaysAfterItsEnd) {
  Append(10);
  EXPECT_TRUE(FilesHold("unix:app:canary")) << "the index has names in clear";
  clock.SetUnixMicros(kDecember + 90 * kDay - 1);
  clock.Advance(0);
  Open();
  Open();  // The newest record before this start is of that day.
  EXPECT_FALSE(Keeping(0, 90).Pass());
  EXPECT_TRUE(HasKeyOf("2026-11"));
  clock.Advance(1);
  AuditRetention retention = Keeping(0, 90);
  EXPECT_FALSE(retention.Pass());
  EXPECT_FALSE(HasKeyOf("2026-11"));
  EXPECT_TRUE(HasKeyOf("2027-02")) << "a later month";
  EXPECT_FALSE(FilesHold("unix:app:canary")) << "neither the index nor the log has the name";
  EXPECT_EQ(CountOf(audit::RecordType::kErased), 1u);
  EXPECT_FALSE(retention.Pass());
  EXPECT_EQ(CountOf(audit::RecordType::kErased), 1u) << "once";
  ExpectUntouched();
  audit::RecordFilter filter;
  filter.operation = "DecryptFields";
  EXPECT_EQ(index->Search({.filter = filter}).value().records.size(), 10u) << "what was done stays";
}

TEST_F(AuditRetentionTest, OldRecordsGoAndTheRestVerifies) {
  Append(2'000);
  clock.Advance(20 * kDay);
  Append(2'000);
  Open();
  clock.Advance(20 * kDay);
  Open();
  Open();
  AuditRetention retention = Keeping(30, 0);
  while (retention.Pass()) continue;
  EXPECT_GT(log->oldest(), 0u);
  EXPECT_LE(log->oldest(), 2'002u);
  EXPECT_EQ(CountOf(audit::RecordType::kPruned), 1u);
  EXPECT_TRUE(HasKeyOf("2026-11"));
  ExpectUntouched();
}

TEST_F(AuditRetentionTest, OneJumpOfTheClockDropsNothingAndErasesNobody) {
  Append(2'000);
  clock.Advance(2 * kDay);
  Open();
  clock.SetUnixMicros(kStart + 20'000 * kDay);
  Append(1);
  EXPECT_FALSE(Keeping(30, 1).Pass());
  EXPECT_EQ(log->oldest(), 0u);
  EXPECT_TRUE(HasKeyOf("2026-11"));
}

TEST_F(AuditRetentionTest, WhatNoWitnessHasSeenStays) {
  Append(3'000);
  clock.Advance(40 * kDay);
  Open();
  Open();
  std::uint64_t seen = 0;
  AuditRetention retention(*log, *index, {.records_days = 30, .below = [&seen] { return seen; }});
  EXPECT_FALSE(retention.Pass());
  EXPECT_EQ(log->oldest(), 0u);
  seen = 1'500;
  retention.Pass();
  EXPECT_GT(log->oldest(), 0u);
  EXPECT_LE(log->oldest(), 1'500u);
}

TEST_F(AuditRetentionTest, APassThatFailsIsTriedAgain) {
  Append(3'000);
  clock.Advance(40 * kDay);
  Open();
  Open();
  const std::string note = folder / "audit/pruned";
  std::filesystem::create_directories(note + "/in the way");
  AuditRetention retention = Keeping(30, 0);
  EXPECT_FALSE(retention.Pass());
  EXPECT_EQ(log->oldest(), 0u);
  std::filesystem::remove_all(note);
  retention.Pass();
  EXPECT_GT(log->oldest(), 0u);
  ExpectUntouched();
}

TEST_F(AuditRetentionTest, TheIndexersThreadCallsItAMinuteAfterItsStart) {
  std::atomic<int> passes = 0;
  const auto indexer = AuditIndexer::Start(*index, clock,
                                           {.advanced = [] {},
                                            .retain =
                                                [&passes] {
                                                  ++passes;
                                                  return false;
                                                }});
  ASSERT_TRUE(indexer.ok());
  EXPECT_EQ(passes, 0);
  clock.Advance(61'000'000);
  EXPECT_TRUE(WaitUntil([&] { return passes == 1; }));
  EXPECT_TRUE(WaitUntil([&] {
    clock.Advance(3'600'000'000);
    return passes > 1;
  })) << "and every hour";
}

}  // namespace
}  // namespace coffer::keysvc
