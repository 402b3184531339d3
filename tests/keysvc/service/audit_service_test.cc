#include "keysvc/service/audit_service.h"

#include <functional>
#include <future>
#include <set>
#include <unistd.h>

#include "tests/keysvc/service/audit_service_fixture.h"

namespace coffer::keysvc {
namespace {

using policy::Operation;
using policy::Role;

class AuditServiceTest : public AuditServiceFixture {};

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
  EXPECT_TRUE(Tail(auditor, {}).ok());
  EXPECT_TRUE(service->Checkpoint(auditor).ok());
  EXPECT_TRUE(service->ProveConsistency(auditor, {}).ok());
  EXPECT_TRUE(service->ProveRecord(auditor, 1).ok());
}

TEST_F(AuditServiceTest, ReadingBeginsAtTheOldestRecordThatRetentionHasLeft) {
  // Files of the least size, so that some are full.
  index.reset();
  log.reset();
  audit::LogOptions options;
  options.folder = folder / "small";
  options.key_file = folder / "small.key";
  options.file_bytes = audit::kMinFileBytes;
  options.publish_every = std::chrono::hours(1);
  log = audit::Log::Open(options, clock).value();
  index = std::make_unique<audit::QueryIndex>(*log, clock, folder / "small/index.sqlite");
  service = std::make_unique<AuditService>(pipeline, *log, *index);
  Append("unix:app:1000", 1'500);
  ASSERT_TRUE(log->PublishNow().ok());
  EXPECT_EQ(service->Checkpoint(auditor)->oldest_index, 0u);
  clock.Advance(1);
  ASSERT_GT(log->Prune({.before_us = clock.UnixMicros()})->records, 0u);
  const std::uint64_t oldest = log->oldest();
  Follow();
  EXPECT_EQ(service->Checkpoint(auditor)->oldest_index, oldest);
  const auto found = service->Query(auditor, {.filter = {}, .oldest_first = true});
  ASSERT_TRUE(found.ok()) << found.error().ToString();
  EXPECT_EQ(found->records.front().index, oldest);
  const auto tail = Tail(auditor, {.filter = {}, .from_now = false}).value();
  EXPECT_EQ(Next(*tail)->records.front().index, oldest);
  EXPECT_TRUE(service->ProveRecord(auditor, oldest).ok());
  const Error dropped = service->ProveRecord(auditor, oldest - 1).error();
  EXPECT_EQ(dropped.code(), ErrorCode::kNotFound);
  EXPECT_EQ(dropped.message(), "was dropped by the log's retention");
  EXPECT_TRUE(service->ProveConsistency(auditor, {.from = 5}).ok());
}

TEST_F(AuditServiceTest, NobodyElseReadsPeopleAndEveryRefusalIsRecorded) {
  Append("unix:app:1000");
  Follow();
  for (const Role role : policy::AllRoles()) {
    const Caller caller = LocalCaller(role);
    recorded.records.clear();
    const auto tailed = [&] { return Tail(caller, {}).ok(); };  // and ended
    const std::vector<std::pair<Operation, bool>> did = {
        {Operation::kQueryRecords, service->Query(caller, {}).ok()},
        {Operation::kAggregateRecords, service->Aggregate(caller, {}, {audit::GroupBy::kRole}).ok()},
        {Operation::kTailRecords, tailed()},
        {Operation::kGetCheckpoint, service->Checkpoint(caller).ok()},
        {Operation::kProveConsistency, service->ProveConsistency(caller, {}).ok()},
        {Operation::kProveRecord, service->ProveRecord(caller, 1).ok()}};
    // A tail that began has a record of its end, and one of its begin before.
    std::erase_if(recorded.records, [](const CallRecord& record) { return record.phase == CallRecord::Phase::kBegin; });
    ASSERT_EQ(recorded.records.size(), did.size());
    for (std::size_t i = 0; i < did.size(); ++i) {
      const auto& [operation, ok] = did[i];
      EXPECT_EQ(ok, policy::MayEver(role, operation).allowed) << policy::OperationName(operation);
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
  const auto trust = audit::LogTrust::Of(NoteVerifier::Parse(head.vkey).value());
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

TEST_F(AuditServiceTest, ARecordThatIsSignedIsProvedWithoutASignature) {
  Append("unix:app:1000", 5);
  ASSERT_TRUE(log->PublishNow().ok());
  const std::uint64_t size = log->signed_head().size;
  Append("unix:app:1000", 5);
  for (std::uint64_t at = 0; at < size; ++at) EXPECT_TRUE(service->ProveRecord(auditor, at).ok()) << at;
  EXPECT_EQ(log->signed_head().size, size);
  EXPECT_EQ(service->ProveRecord(auditor, 11).error().path(), "index");
  EXPECT_EQ(log->signed_head().size, size) << "what is not there is not signed";
  EXPECT_TRUE(service->ProveRecord(auditor, size).ok());
  EXPECT_EQ(log->signed_head().size, 11u);
}

TEST_F(AuditServiceTest, WhoAsksForTheNewestAgainAndAgainWaitsForSignatures) {
  const auto begin = std::chrono::steady_clock::now();
  constexpr int kAsked = 5;
  for (int i = 0; i < kAsked; ++i) {
    Append("unix:app:1000");
    const std::uint64_t newest = log->durable().size - 1;
    EXPECT_TRUE(service->ProveRecord(auditor, newest).ok()) << "nobody has to ask twice";
    EXPECT_EQ(log->signed_head().size, newest + 1) << "each of them was signed for";
  }
  EXPECT_GE(std::chrono::steady_clock::now() - begin, (kAsked - 1) * AuditService::kForcedEvery);
}

TEST_F(AuditServiceTest, OneSignatureServesAllWhoWaitForIt) {
  const Pipeline thread_safe(*barrier, Immediately([](const CallRecord&) { return Status(); }));
  const AuditService shared(thread_safe, *log, *index);
  Append("unix:app:1000");
  ASSERT_TRUE(shared.ProveRecord(auditor, 1).ok()) << "from here on, the others wait";
  Append("unix:app:1000", 8);
  std::vector<std::future<std::uint64_t>> sizes;
  for (std::uint64_t i = 0; i < 8; ++i) {
    sizes.push_back(std::async(std::launch::async, [&, i] {
      const auto proved = shared.ProveRecord(auditor, 2 + i);
      return proved.ok() ? audit::Checkpoint::Parse(proved->proof.checkpoint.text)->head.size : 0;
    }));
  }
  for (std::future<std::uint64_t>& size : sizes) EXPECT_EQ(size.get(), 10u);
}

TEST_F(AuditServiceTest, ACheckpointThatIsGoneIsNotSignedAnewByWhoAsks) {
  Append("unix:app:1000");
  ASSERT_TRUE(log->PublishNow().ok());
  Append("unix:app:1000");
  ASSERT_EQ(unlink((folder / "audit/checkpoint").c_str()), 0);
  const std::uint64_t size = log->signed_head().size;
  const Error gone = service->Checkpoint(LocalCaller(Role::kApp)).error();
  EXPECT_EQ(gone.code(), ErrorCode::kUnavailable);
  EXPECT_EQ(gone.message(), "the log has no checkpoint for now: try again in a second");
  EXPECT_EQ(log->signed_head().size, size);
  ASSERT_TRUE(log->PublishNow().ok());
  EXPECT_TRUE(service->Checkpoint(LocalCaller(Role::kApp)).ok());
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
