// That a store opens with the audit log that it was used with, and with no less of it.
#include <gtest/gtest.h>

#include "io/file.h"
#include "tests/keysvc/service/recovery_fixture.h"

namespace coffer::keysvc {
namespace {

AuditLogRecord NotedIn(MemoryStore& store) {
  const std::unique_ptr<StoreTransaction> transaction = std::move(store.Begin()).value();
  const std::vector<StoredRow> rows = transaction->Scan({.table = Table::kAuditLog}).value();
  EXPECT_EQ(rows.size(), 1u);
  return rows.empty() ? AuditLogRecord() : AuditLogFromRow(rows.front().columns).value();
}

// A shop whose audit log has been noted with three records.
class RecoveryAuditLogTest : public RecoveryTest {
 protected:
  void SetUp() override {
    RecoveryTest::SetUp();
    home_.audit_log.vkey = "coffer/one+00000001+AQ==";
    home_.audit_log.records = {"boot", "unseal", "call"};
    ASSERT_TRUE(Unsealed());
  }
  // By another process.
  bool Unsealed() {
    home_.Restart();
    return home_.admin->Unseal(admin, KeyFile()).ok();
  }
  void ExpectOtherLog() {
    home_.Restart();
    ExpectRolledBack(home_, "another audit log");
  }
  StoreEpoch Epoch() { return home_.barrier->Enter().value()->store->seen(); }
};

// rm -rf audit audit.key audit.key.signed: the new log has no epoch that the store could be too old for.
TEST_F(RecoveryAuditLogTest, AStoreOpensWithNoOtherAuditLogThanItsOwn) {
  Work();
  std::unique_ptr<MemoryStore> yesterday = CopyOfStore(*home_.store);
  const Bytes journal = home_.journal.files()[kJournal];
  const auto before = std::make_pair(emails_, secrets_);
  Work();
  home_.Restart();
  ASSERT_TRUE(home_.admin->Unseal(admin, KeyFile()).ok()) << "the same one";
  home_.store = std::move(yesterday);
  home_.journal.Replace(kJournal, journal);
  home_.audit_log.vkey = "coffer/two+00000002+AQ==";
  home_.Restart();
  ExpectRolledBack(home_, "another audit log");
  ExpectRolledBack(home_, "another audit log");
  EXPECT_NE(home_.barrier->facts()->rollback.find("another audit log"), std::string_view::npos);
  const auto plan = Recover(home_, KeyFile(), false);
  ASSERT_TRUE(plan.ok()) << plan.error().ToString();
  EXPECT_TRUE(plan->loses && plan->other_log && !plan->repaired);
  for (const bool new_journal : {false, true}) {
    const auto refused = Recover(home_, KeyFile(), true, new_journal);
    ASSERT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
    EXPECT_NE(refused.error().ToString().find("another audit log"), std::string::npos) << refused.error().ToString();
  }
  std::vector<CallRecord> records;
  home_.recorder = Immediately([&records](const CallRecord& record) {
    records.push_back(record);
    return Status();
  });
  home_.Restart();
  ASSERT_TRUE(Recover(home_, KeyFile(), true, false, "", true).ok()) << "an operator may say so";
  EXPECT_NE(records.back().failure.find("another audit log"), std::string_view::npos) << "and it is recorded";
  EXPECT_TRUE(records.back().ok);
  EXPECT_EQ(records.back().reason, "a test");
  std::tie(emails_, secrets_) = before;
  ExpectEverythingThere(home_);
  home_.Restart();
  ASSERT_TRUE(home_.admin->Unseal(admin, KeyFile()).ok()) << "it goes on with this one";
  home_.audit_log.vkey = "coffer/one+00000001+AQ==";
  home_.Restart();
  ExpectRolledBack(home_, "another audit log");
}

TEST_F(RecoveryAuditLogTest, ABackupOnAHostThatHasNothingTakesTheLogThatIsThere) {
  ASSERT_TRUE(home_.operators->Backup(admin, folder / "backup.age").ok());
  Home site(*this);
  site.audit_log.vkey = "coffer/two+00000002+AQ==";
  site.Open();
  const auto done = Recover(site, Identity(), true, false, folder / "backup.age");
  ASSERT_TRUE(done.ok()) << done.error().ToString();
  EXPECT_TRUE(done->other_log && !done->loses);
  ExpectEverythingThere(site);
  site.Restart();
  EXPECT_TRUE(site.admin->Unseal(admin, KeyFile()).ok());
  // With its store lost as well, from the journal.
  site.store = std::make_unique<MemoryStore>();
  site.audit_log.vkey = "coffer/four+00000004+AQ==";
  site.Restart();
  const auto again = Recover(site, Identity(), true);
  ASSERT_TRUE(again.ok()) << again.error().ToString();
  EXPECT_TRUE(again->other_log && again->from_journal);
  // Where a store is, its log is not replaced unseen.
  site.audit_log.vkey = "coffer/three+00000003+AQ==";
  site.Restart();
  EXPECT_EQ(Recover(site, Identity(), true, false, folder / "backup.age").error().code(),
            ErrorCode::kFailedPrecondition);
}

TEST_F(RecoveryAuditLogTest, AnAlteredAuditLogRowIsTamperingAndNotARollback) {
  const std::unique_ptr<StoreTransaction> transaction = std::move(home_.store->Begin()).value();
  StoredRow row = transaction->Scan({.table = Table::kAuditLog})->front();
  row.columns[1] = std::string("coffer/two+00000002+AQ==");
  ASSERT_TRUE(transaction->Update(Table::kAuditLog, row).ok());
  ASSERT_TRUE(transaction->Commit().ok());
  home_.audit_log.vkey = "coffer/two+00000002+AQ==";
  home_.Restart();
  EXPECT_EQ(home_.admin->Unseal(admin, KeyFile()).error().code(), ErrorCode::kIntegrity);
  EXPECT_EQ(home_.barrier->state(), BarrierState::kCompromised);
}

TEST_F(RecoveryAuditLogTest, EveryUnsealNotesHowFarTheLogHasComeAndOnlyOnce) {
  EXPECT_EQ(NotedIn(*home_.store).size, 3u);
  const StoreEpoch before = Epoch();
  home_.audit_log.records.insert(home_.audit_log.records.end(), {"call", "stop", "boot"});
  ASSERT_TRUE(Unsealed());
  const AuditLogRecord noted = NotedIn(*home_.store);
  EXPECT_EQ(noted.size, 6u);
  EXPECT_EQ(noted.root, home_.audit_log.HeadAt(6).root);
  EXPECT_EQ(Epoch().value, before.value + 1);
  home_.audit_log.records.emplace_back("call");
  Work();
  ASSERT_TRUE(home_.admin->Unseal(admin, KeyFile()).ok()) << "it is open already";
  EXPECT_EQ(NotedIn(*home_.store).size, 6u);
}

// rm -rf audit audit.key.signed, with audit.key kept; the empty tree was signed again.
TEST_F(RecoveryAuditLogTest, AnEmptiedLogOfTheSameKeyIsAnotherOne) {
  std::unique_ptr<MemoryStore> yesterday = CopyOfStore(*home_.store);
  const Bytes journal = home_.journal.files()[kJournal];
  const auto before = std::make_pair(emails_, secrets_);
  Work();
  home_.store = std::move(yesterday);
  home_.journal.Replace(kJournal, journal);
  home_.audit_log.records = {"boot"};
  ExpectOtherLog();
  home_.audit_log.records = {};
  ExpectOtherLog();
  home_.audit_log.records = {"boot", "begin of unseal"};
  ExpectOtherLog();
  EXPECT_EQ(Recover(home_, KeyFile(), true).error().code(), ErrorCode::kFailedPrecondition);
  ExpectOtherLog();
  const auto done = Recover(home_, KeyFile(), true, false, "", true);
  ASSERT_TRUE(done.ok()) << done.error().ToString();
  EXPECT_TRUE(done->other_log);
  EXPECT_EQ(NotedIn(*home_.store).size, 2u);
  std::tie(emails_, secrets_) = before;
  ExpectEverythingThere(home_);
  ASSERT_TRUE(Unsealed()) << "it goes on with what is there";
}

TEST_F(RecoveryAuditLogTest, OtherRecordsUnderTheSameKeyAreAnotherLogHoweverMany) {
  const std::vector<std::string> right = home_.audit_log.records;
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"boot", "unseal", "other"}, {"other", "unseal", "call", "stop"}}) {
    home_.audit_log.records = wrong;
    ExpectOtherLog();
  }
  home_.audit_log.records = right;
  EXPECT_TRUE(Unsealed()) << "the right one";
}

TEST_F(RecoveryAuditLogTest, ALogThatCannotBeReadNowIsNoOtherOne) {
  home_.audit_log.unreadable = true;
  home_.Restart();
  EXPECT_EQ(home_.admin->Unseal(admin, KeyFile()).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(home_.barrier->state(), BarrierState::kSealed);
  home_.audit_log.unreadable = false;
  EXPECT_TRUE(home_.admin->Unseal(admin, KeyFile()).ok());
}

TEST_F(RecoveryAuditLogTest, ADiskThatRefusesTheNoteDoesNotHinderTheUnseal) {
  home_.audit_log.records.emplace_back("call");
  home_.Restart();
  home_.journal.FailAtStep(3);  // after the two of opening it
  const auto unsealed = home_.admin->Unseal(admin, KeyFile());
  ASSERT_TRUE(unsealed.ok()) << unsealed.error().ToString();
  EXPECT_EQ(NotedIn(*home_.store).size, 3u);
  ExpectEverythingThere(home_);
  Work();
  ASSERT_TRUE(Unsealed());
  EXPECT_EQ(NotedIn(*home_.store).size, 4u);
  ExpectEverythingThere(home_);
}

TEST_F(RecoveryAuditLogTest, NothingIsNotedBeforeTheLogHasSignedARecord) {
  Home site(*this);
  site.audit_log = {.vkey = "coffer/two+00000002+AQ==", .records = {}};
  site.Open();
  const KeyFileSeal seal{.path = folder / "site.key", .allow_same_device = true};
  ASSERT_TRUE(site.operators->Init(admin, seal, std::nullopt, true).ok());
  EXPECT_TRUE((*site.store->Begin())->Scan({.table = Table::kAuditLog})->empty());
  site.audit_log.records = {"boot"};
  site.Restart();
  ASSERT_TRUE(site.admin->Unseal(admin, seal).ok());
  EXPECT_EQ(NotedIn(*site.store).size, 1u);
}

// RunningLogOf over a real log of 300 records, of which `noted_` is an earlier head.
class RunningLogTest : public ServiceFixture {
 protected:
  void SetUp() override {
    Open();
    Grow(120);
    noted_ = log_->signed_head();
    Grow(180);
  }
  void Open() {
    audit::LogOptions options;
    options.folder = folder / "audit";
    options.key_file = folder / "audit.key";
    options.publish_every = std::chrono::hours(1);
    Result<std::unique_ptr<audit::Log>> opened = audit::Log::Open(options, clock);
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    log_ = std::move(opened).value();
  }
  void Grow(int count) {
    audit::Record record;
    record.role = "app";
    record.operation = "ListKeyrings";
    record.allowed = true;
    record.outcome = "ok";
    for (int i = 0; i < count; ++i) ASSERT_TRUE(log_->AppendAndWait(record).ok());
    ASSERT_TRUE(log_->PublishNow().ok());
  }
  bool Continues(const audit::TreeHead& head) const {
    const Result<bool> continues = RunningLogOf(*log_).continues(head);
    EXPECT_TRUE(continues.ok());
    return continues.ok() && *continues;
  }

  std::unique_ptr<audit::Log> log_;
  audit::TreeHead noted_;
};

TEST_F(RunningLogTest, ALogContinuesItsOwnHeadsAndNoOthers) {
  const audit::TreeHead now = RunningLogOf(*log_).signed_head();
  EXPECT_EQ(RunningLogOf(*log_).vkey, log_->vkey());
  EXPECT_EQ(now.size, 301u);
  EXPECT_TRUE(Continues(noted_));
  EXPECT_TRUE(Continues(now));
  EXPECT_FALSE(Continues({.size = noted_.size, .root = now.root}));
  EXPECT_FALSE(Continues({.size = noted_.size + 1, .root = noted_.root}));
  EXPECT_FALSE(Continues({.size = now.size, .root = noted_.root}));
  EXPECT_FALSE(Continues({.size = now.size + 1, .root = now.root}));
  log_.reset();
  Open();
  EXPECT_TRUE(Continues(noted_)) << "after a restart too";
}

TEST_F(RunningLogTest, WithoutTheTilesOfTheProofTheRecordsTell) {
  const audit::TreeHead now = log_->signed_head();
  ASSERT_TRUE(RemoveFileDurably(folder / "audit/tile/0/000").ok());
  EXPECT_TRUE(Continues(noted_));
  EXPECT_FALSE(Continues({.size = noted_.size, .root = now.root}));
  EXPECT_FALSE(Continues({.size = noted_.size + 1, .root = noted_.root}));
}

}  // namespace
}  // namespace coffer::keysvc
