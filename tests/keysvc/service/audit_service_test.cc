#include "keysvc/service/audit_service.h"

#include <functional>
#include <set>

#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {
namespace {

using policy::Operation;
using policy::Role;

class AuditServiceTest : public ServiceFixture {
 protected:
  void SetUp() override {
    audit::LogOptions options;
    options.folder = folder / "audit";
    options.key_file = folder / "audit.key";
    options.file_bytes = 1 << 20;
    options.publish_every = std::chrono::hours(1);  // The tests publish.
    Result<std::unique_ptr<audit::Log>> opened = audit::Log::Open(options, clock);
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    log = std::move(opened).value();
    index = std::make_unique<audit::QueryIndex>(*log, clock, folder / "audit/index.sqlite");
    service = std::make_unique<AuditService>(pipeline, *log, *index);
  }
  void Append(const std::string& principal, std::uint64_t count = 1, bool allowed = true) {
    audit::Record record;
    record.role = "app";
    record.operation = "DecryptFields";
    record.object = "shop.user.email";
    record.tenant = "default";
    record.allowed = allowed;
    record.outcome = allowed ? "ok" : "permission_denied";
    record.items = 1;
    record.personal.principal = principal;
    for (std::uint64_t i = 0; i < count; ++i) {
      record.request_id = "r" + std::to_string(++appended);
      ASSERT_TRUE(log->AppendAndWait(record).ok());
    }
  }
  // What the daemon's thread does once a second.
  void Follow() {
    while (true) {
      const auto progress = index->Follow();
      ASSERT_TRUE(progress.ok()) << progress.error().ToString();
      if (!progress->more) break;
    }
    service->Advance();
  }
  // The error of a query with this filter; the test fails when it succeeds, or acts, or is not recorded.
  void ExpectRefused(const audit::RecordFilter& filter, std::string_view text) {
    recorded.records.clear();
    const auto refused = service->Query(auditor, {.filter = filter});
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(refused.error().ToString().find(text), std::string::npos) << refused.error().ToString();
    ASSERT_EQ(recorded.records.size(), 1u);
    EXPECT_FALSE(recorded.records.front().ok);
    EXPECT_EQ(service->Aggregate(auditor, filter, {audit::GroupBy::kRole}).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(service->Tail(auditor, {.filter = filter}).error().code(), ErrorCode::kInvalidArgument);
  }

  std::unique_ptr<audit::Log> log;
  std::unique_ptr<audit::QueryIndex> index;
  std::unique_ptr<AuditService> service;
  std::uint64_t appended = 0;
};

TEST_F(AuditServiceTest, AnAuditorReadsAndIsRecordedWithoutWhatWasLookedFor) {
  Append("unix:app:1000", 3);
  Append("unix:app:2000");
  Follow();
  recorded.records.clear();
  RecordsAsked asked;
  asked.filter.principal = "unix:app:1000";
  asked.filter.object = "shop.user.email";
  asked.filter.tenant = "default";
  const auto found = service->Query(auditor, asked);
  ASSERT_TRUE(found.ok()) << found.error().ToString();
  EXPECT_EQ(found->records.size(), 3u);
  EXPECT_EQ(found->next, "");
  ASSERT_EQ(recorded.records.size(), 1u);
  const CallRecord& record = recorded.records.front();
  EXPECT_EQ(record.operation, Operation::kQueryRecords);
  EXPECT_EQ(record.principal, auditor.principal.id);
  EXPECT_EQ(record.items, 3u);
  EXPECT_EQ(record.object, "");
  EXPECT_EQ(record.tenant, "");
  EXPECT_TRUE(record.ok);
}

TEST_F(AuditServiceTest, EverythingIsServedWhileSealed) {
  ASSERT_EQ(barrier->state(), BarrierState::kUninitialised);
  Append("unix:app:1000");
  Follow();
  EXPECT_TRUE(service->Query(auditor, {}).ok());
  EXPECT_TRUE(service->Aggregate(auditor, {}, {audit::GroupBy::kRole}).ok());
  EXPECT_TRUE(service->Tail(auditor, {}).ok());
  EXPECT_TRUE(service->Checkpoint(auditor).ok());
  EXPECT_TRUE(service->ProveConsistency(auditor, {}).ok());
  EXPECT_TRUE(service->ProveRecord(auditor, 1).ok());
}

TEST_F(AuditServiceTest, NobodyElseReadsPeopleAndEveryRefusalIsRecorded) {
  Append("unix:app:1000");
  Follow();
  for (const Role role : policy::AllRoles()) {
    const Caller caller = LocalCaller(role);
    recorded.records.clear();
    const std::vector<std::pair<Operation, bool>> did = {
        {Operation::kQueryRecords, service->Query(caller, {}).ok()},
        {Operation::kAggregateRecords, service->Aggregate(caller, {}, {audit::GroupBy::kRole}).ok()},
        {Operation::kTailRecords, service->Tail(caller, {}).ok()},
        {Operation::kGetCheckpoint, service->Checkpoint(caller).ok()},
        {Operation::kProveConsistency, service->ProveConsistency(caller, {}).ok()},
        {Operation::kProveRecord, service->ProveRecord(caller, 1).ok()}};
    ASSERT_EQ(recorded.records.size(), did.size());
    for (std::size_t i = 0; i < did.size(); ++i) {
      const auto& [operation, ok] = did[i];
      EXPECT_EQ(ok, policy::Decide(role, operation).allowed) << policy::OperationName(operation);
      EXPECT_EQ(recorded.records[i].operation, operation);
      EXPECT_EQ(recorded.records[i].allowed, ok);
    }
  }
}

TEST_F(AuditServiceTest, FiltersThatCannotBeMeantAreRefusedByName) {
  Follow();
  const auto with = [](const std::function<void(audit::RecordFilter&)>& set) {
    audit::RecordFilter filter;
    set(filter);
    return filter;
  };
  const std::string longest(AuditService::kMaxName, 'p');
  ExpectRefused(with([](auto& f) { f.from_us = -1; }), "filter.from_us: must not be before 1970");
  ExpectRefused(with([](auto& f) { f.to_us = -1; }), "filter.to_us: must not be before 1970");
  ExpectRefused(with([](auto& f) { f.from_us = 5, f.to_us = 4; }), "filter.from_us: must not be after to_us");
  ExpectRefused(with([](auto& f) { f.from = 5, f.to = 4; }), "filter.from_index: must not be above to_index");
  ExpectRefused(with([](auto& f) { f.role = "root"; }), "filter.role: is not a role");
  ExpectRefused(with([](auto& f) { f.operation = "decryptfields"; }), "filter.operation: is not an operation's name");
  ExpectRefused(with([](auto& f) { f.outcome = "fine"; }), "filter.outcome: is neither ok nor an error's name");
  ExpectRefused(with([](auto& f) { f.key = 0; }), "filter.key_id: is not a key's id");
  ExpectRefused(with([](auto& f) { f.key = std::uint64_t{1} << 63U; }), "filter.key_id: is not a key's id");
  ExpectRefused(with([&](auto& f) { f.principal = longest + "p"; }), "filter.principal: is longer than allowed");
  ExpectRefused(with([&](auto& f) { f.object = longest + "p"; }), "filter.object: is longer than allowed (limit 1024)");
  ExpectRefused(with([](auto& f) { f.tenant = std::string(64, 't'); }), "filter.tenant: is longer than allowed");
  ExpectRefused(with([](auto& f) { f.request_id = std::string(65, 'r'); }), "filter.request_id: is longer than");
  EXPECT_TRUE(service->Query(auditor, {.filter = with([&](auto& f) { f.principal = f.object = longest; })}).ok());
}

TEST_F(AuditServiceTest, PagesGoOnWithTheirTokensInBothOrders) {
  Append("unix:app:1000", 10);
  Follow();
  for (const bool oldest_first : {false, true}) {
    RecordsAsked asked{.filter = {}, .oldest_first = oldest_first, .page_size = 4, .page_token = {}};
    std::set<std::uint64_t> indexes;
    int pages = 0;
    do {
      const auto found = service->Query(auditor, asked);
      ASSERT_TRUE(found.ok()) << found.error().ToString();
      for (const audit::IndexedRecord& record : found->records) EXPECT_TRUE(indexes.insert(record.index).second);
      asked.page_token = found->next;
    } while (!asked.page_token.empty() && ++pages < 10);
    EXPECT_EQ(indexes.size(), 11u);
  }
}

TEST_F(AuditServiceTest, TokensAndSizesThatAreNoneAreRefused) {
  Append("unix:app:1000", 3);
  Follow();
  for (const char* token : {"x", "o", "n", "3", "o3", "n-1", "n+1", "n 1", "n1 ", "n1x", "n99999999999999999999"}) {
    const auto refused = service->Query(auditor, {.filter = {}, .page_token = token});
    ASSERT_FALSE(refused.ok()) << token;
    EXPECT_EQ(refused.error().path(), "page_token");
  }
  EXPECT_EQ(service->Query(auditor, {.filter = {}, .oldest_first = true, .page_token = "n3"}).error().path(),
            "page_token");
  EXPECT_EQ(service->Query(auditor, {.filter = {}, .page_size = 1'001}).error().path(), "page_size");
  EXPECT_TRUE(service->Query(auditor, {.filter = {}, .page_size = 1'000, .page_token = "n0"}).value().records.empty());
}

TEST_F(AuditServiceTest, DimensionsAreOneOrTwoDifferentOnes) {
  Append("unix:app:1000", 3);
  Follow();
  using audit::GroupBy;
  for (const std::vector<GroupBy>& by : {std::vector<GroupBy>{},
                                         {GroupBy::kRole, GroupBy::kRole},
                                         {GroupBy::kRole, GroupBy::kTenant, GroupBy::kObject}}) {
    EXPECT_EQ(service->Aggregate(auditor, {}, by).error().path(), "by");
  }
  const auto groups = service->Aggregate(auditor, {}, {GroupBy::kPrincipal, GroupBy::kOutcome}).value();
  ASSERT_EQ(groups.groups.size(), 2u);
  EXPECT_EQ(groups.groups.front().records, 3u);
}

TEST_F(AuditServiceTest, ATailGivesWhatComesAndNothingTwice) {
  Append("unix:app:1000", 5);
  Follow();
  auto tail = service->Tail(auditor, {.filter = {}}).value();
  EXPECT_TRUE(tail->Next().value().records.empty());
  int woken = 0;
  tail->WhenMore([&woken] { ++woken; });
  EXPECT_EQ(woken, 0);
  Append("unix:app:2000", AuditTail::kBatch + 3);
  Follow();
  EXPECT_EQ(woken, 1);
  const auto first = tail->Next().value();
  EXPECT_EQ(first.records.size(), AuditTail::kBatch);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.records.front().index, 6u);
  EXPECT_EQ(first.next, 6u + AuditTail::kBatch);
  const auto second = tail->Next().value();
  EXPECT_EQ(second.records.size(), 3u);
  EXPECT_FALSE(second.more);
  tail->WhenMore([&woken] { ++woken; });
  EXPECT_EQ(woken, 1);
}

TEST_F(AuditServiceTest, ATailWakesAtOnceWhenRecordsCameMeanwhile) {
  Follow();
  auto tail = service->Tail(auditor, {.filter = {}, .from_now = false}).value();
  EXPECT_EQ(tail->Next().value().records.size(), 1u) << "the boot, from index 0";
  Append("unix:app:1000");
  Follow();
  int woken = 0;
  tail->WhenMore([&woken] { ++woken; });
  EXPECT_EQ(woken, 1);
}

TEST_F(AuditServiceTest, ATailFiltersEndsAtItsCountAndMayBeginLater) {
  Append("unix:app:1000", 2);
  Append("unix:dba:8", 3, false);
  Append("unix:app:1000", 2);
  Follow();
  TailAsked asked{.filter = {}, .from_now = false, .max_records = 2};
  asked.filter.refused = true;
  auto tail = service->Tail(auditor, asked).value();
  const auto batch = tail->Next().value();
  EXPECT_EQ(batch.records.size(), 2u);
  EXPECT_TRUE(batch.done);
  auto later = service->Tail(auditor, {.filter = {}}).value();
  later->BeginAt(6);
  EXPECT_EQ(later->Next().value().records.front().index, 6u);
}

TEST_F(AuditServiceTest, TailsAreFewAndGiveTheirPlacesBack) {
  Follow();
  std::vector<std::unique_ptr<AuditTail>> tails;
  for (std::size_t i = 0; i < AuditTails::kMaxTails; ++i) tails.push_back(service->Tail(auditor, {}).value());
  EXPECT_EQ(service->Tail(auditor, {}).error().code(), ErrorCode::kResourceExhausted);
  int woken = 0;
  tails.back()->WhenMore([&woken] { ++woken; });
  tails.pop_back();
  EXPECT_TRUE(service->Tail(auditor, {}).ok());
  Append("unix:app:1000");
  Follow();
  EXPECT_EQ(woken, 0) << "a tail that is gone is not woken";
}

TEST_F(AuditServiceTest, WhatATailCannotBeAskedIsRefused) {
  Append("unix:app:1000");
  Follow();
  TailAsked asked;
  asked.filter.to_us = 5;
  EXPECT_EQ(service->Tail(auditor, asked).error().path(), "filter.to_us");
  asked.filter.to_us.reset();
  asked.filter.to = 5;
  EXPECT_EQ(service->Tail(auditor, asked).error().path(), "filter.to_index");
  TailAsked behind{.filter = {}, .from_now = false};
  behind.filter.from = 3;
  EXPECT_EQ(service->Tail(auditor, behind).error().path(), "filter.from_index");
}

TEST_F(AuditServiceTest, TheEndWakesEveryTailAndRefusesIt) {
  Follow();
  auto tail = service->Tail(auditor, {}).value();
  int woken = 0;
  tail->WhenMore([&woken] { ++woken; });
  service->EndTails();
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(tail->Next().error().code(), ErrorCode::kUnavailable);
  tail->WhenMore([&woken] { ++woken; });
  EXPECT_EQ(woken, 2) << "at once";
}

TEST_F(AuditServiceTest, AnIndexThatIsNotThereAnswersUnavailableAndProofsGoOn) {
  Append("unix:app:1000");
  EXPECT_EQ(service->Query(auditor, {}).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(service->Aggregate(auditor, {}, {audit::GroupBy::kRole}).error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(service->Checkpoint(auditor).ok());
  EXPECT_TRUE(service->ProveRecord(auditor, 1).ok());
}

TEST_F(AuditServiceTest, AProofVerifiesOfflineAndOnlyForItsRecord) {
  Append("unix:app:1000", 20);
  const LogHead head = service->Checkpoint(LocalCaller(Role::kApp)).value();
  EXPECT_EQ(head.origin, log->origin());
  EXPECT_EQ(head.durable_size, 21u);
  const auto trust = audit::LogTrust::Of(audit::NoteVerifier::Parse(head.vkey).value());
  for (const std::uint64_t at : {0U, 7U, 20U}) {
    const RecordProved proved = service->ProveRecord(auditor, at).value();
    EXPECT_TRUE(audit::VerifyTlogProof(proved.proof, audit::LeafHash(proved.record), trust).ok()) << at;
    EXPECT_EQ(audit::DecodeRecord(proved.record).value().record.request_id, at == 0 ? "" : "r" + std::to_string(at));
    Bytes changed = proved.record;
    changed.back() ^= std::byte{1};
    EXPECT_FALSE(audit::VerifyTlogProof(proved.proof, audit::LeafHash(changed), trust).ok()) << at;
  }
  EXPECT_EQ(service->ProveRecord(auditor, 21).error().path(), "index");
  EXPECT_EQ(service->ProveRecord(auditor, ~std::uint64_t{0}).error().path(), "index");
}

TEST_F(AuditServiceTest, TheLogGrowsAndProvesIt) {
  Append("unix:app:1000", 5);
  ASSERT_TRUE(log->PublishNow().ok());
  const LogHead early = service->Checkpoint(auditor).value();
  EXPECT_EQ(early.signed_head.size, 6u);
  Append("unix:app:1000", 9);
  ASSERT_TRUE(log->PublishNow().ok());
  const LogHead late = service->Checkpoint(auditor).value();
  const ConsistencyProved proved = service->ProveConsistency(LocalCaller(Role::kDba), {.from = 6, .to = 0}).value();
  EXPECT_EQ(proved.growth.to, 15u);
  EXPECT_TRUE(audit::VerifyConsistency(early.signed_head, late.signed_head, proved.proof).ok());
  EXPECT_EQ(service->ProveConsistency(auditor, {.from = 6, .to = 16}).error().path(), "to_size");
  EXPECT_EQ(service->ProveConsistency(auditor, {.from = 7, .to = 6}).error().path(), "from_size");
}

}  // namespace
}  // namespace coffer::keysvc
