#include "keysvc/service/audit_service_tails.h"

#include "tests/keysvc/service/audit_service_fixture.h"

namespace coffer::keysvc {
namespace {

using policy::Operation;
using policy::Role;

class AuditTailTest : public AuditServiceFixture {};

TEST_F(AuditTailTest, ATailGivesWhatComesAndNothingTwice) {
  Append("unix:app:1000", 5);
  Follow();
  auto tail = Tail(auditor, {.filter = {}}).value();
  EXPECT_TRUE(Next(*tail).value().records.empty());
  int woken = 0;
  tail->WhenMore([&woken] { ++woken; });
  EXPECT_EQ(woken, 0);
  Append("unix:app:2000", AuditTail::kBatch + 3);
  Follow();
  EXPECT_EQ(woken, 1);
  const auto first = Next(*tail).value();
  EXPECT_EQ(first.records.size(), AuditTail::kBatch);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.records.front().index, 6u);
  EXPECT_EQ(first.next, 6u + AuditTail::kBatch);
  const auto second = Next(*tail).value();
  EXPECT_EQ(second.records.size(), 3u);
  EXPECT_FALSE(second.more);
  tail->WhenMore([&woken] { ++woken; });
  EXPECT_EQ(woken, 1);
}

TEST_F(AuditTailTest, ATailWakesAtOnceWhenRecordsCameMeanwhile) {
  Follow();
  auto tail = Tail(auditor, {.filter = {}, .from_now = false}).value();
  EXPECT_EQ(Next(*tail).value().records.size(), 1u) << "the boot, from index 0";
  Append("unix:app:1000");
  Follow();
  int woken = 0;
  tail->WhenMore([&woken] { ++woken; });
  EXPECT_EQ(woken, 1);
}

TEST_F(AuditTailTest, ATailFiltersEndsAtItsCountAndMayBeginLater) {
  Append("unix:app:1000", 2);
  Append("unix:dba:8", 3, false);
  Append("unix:app:1000", 2);
  Follow();
  TailAsked asked{.filter = {}, .from_now = false, .max_records = 2};
  asked.filter.refused = true;
  auto tail = Tail(auditor, asked).value();
  const auto batch = Next(*tail).value();
  EXPECT_EQ(batch.records.size(), 2u);
  EXPECT_TRUE(batch.done);
  auto later = Tail(auditor, {.filter = {}}).value();
  later->BeginAt(6);
  EXPECT_EQ(Next(*later).value().records.front().index, 6u);
}

TEST_F(AuditTailTest, OneCallerHasFourTailsAndAllTogetherSixteen) {
  Follow();
  std::vector<std::unique_ptr<AuditTail>> tails;
  const auto refusal_of = [this](const std::string& id) {
    const auto tail = Tail(AuditorNamed(id), {});
    return tail.ok() ? "" : std::string(ErrorCodeName(tail.error().code())) + ": " + tail.error().ToString();
  };
  for (const std::string id : {"unix:auditor:1", "unix:auditor:2", "unix:auditor:3", "unix:auditor:4"}) {
    for (std::size_t i = 0; i < AuditTails::kMaxOfOneCaller; ++i) {
      auto tail = Tail(AuditorNamed(id), {});
      ASSERT_TRUE(tail.ok()) << id << i << tail.error().ToString();
      tails.push_back(std::move(tail).value());
    }
    EXPECT_EQ(refusal_of(id), "resource_exhausted: as many tails as one caller may have run already (limit 4)");
  }
  EXPECT_EQ(refusal_of("unix:auditor:5"), "resource_exhausted: as many tails as are allowed run already (limit 16)");
  int woken = 0;
  tails.back()->WhenMore([&woken] { ++woken; });
  tails.pop_back();
  EXPECT_EQ(refusal_of("unix:auditor:1").substr(0, 18), "resource_exhausted") << "another one's place is free";
  EXPECT_EQ(refusal_of("unix:auditor:5"), "");
  EXPECT_EQ(refusal_of("unix:auditor:4"), "");
  Append("unix:app:1000");
  Follow();
  EXPECT_EQ(woken, 0) << "a tail that is gone is not woken";
}

TEST_F(AuditTailTest, ATailIsABeginAndAResultThatSaysHowManyRecordsWentOut) {
  Append("unix:app:1000", 6);
  Follow();
  struct Case {
    std::string name;
    std::uint64_t asked;  // 0: no end
    int reads;
    std::optional<Status> closed;  // unset: only destroyed
    std::uint64_t sent;
    std::string_view outcome;
    std::string_view failure;
  };
  const Status stops = Error(ErrorCode::kUnavailable, "it stops");
  const std::vector<Case> cases = {
      {"all that was asked for", 5, 1, Status(), 5, "ok", ""},
      {"the reader left behind the first message", 0, 1, Status(), 7, "ok", "the reader left"},
      {"the reader left before any", 5, 0, Status(), 0, "ok", "the reader left"},
      {"an error behind some", 0, 1, stops, 7, "unavailable", "it stops"},
      {"an error before any", 0, 0, stops, 0, "unavailable", "it stops"},
      {"nobody said why", 0, 1, std::nullopt, 7, "ok", "the reader left"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    recorded.records.clear();
    auto tail = Tail(auditor, {.filter = {}, .from_now = false, .max_records = one.asked}).value();
    ASSERT_EQ(recorded.records.size(), 1u);
    EXPECT_EQ(recorded.records[0].phase, CallRecord::Phase::kBegin) << "before anything is given";
    for (int i = 0; i < one.reads; ++i) ASSERT_TRUE(Next(*tail).ok());
    int told = 0;
    if (one.closed) tail->Close(*one.closed, [&told](const Pipeline::Verdict&) { ++told; });
    EXPECT_EQ(told, one.closed ? 1 : 0);
    tail.reset();
    ASSERT_EQ(recorded.records.size(), 2u) << "one end, however it came";
    const CallRecord& end = recorded.records[1];
    EXPECT_EQ(end.phase, CallRecord::Phase::kResult);
    EXPECT_EQ(end.operation, Operation::kTailRecords);
    EXPECT_EQ(end.principal, auditor.principal.id);
    EXPECT_TRUE(end.begin.has_value());
    EXPECT_EQ(end.items, one.sent);
    EXPECT_EQ(end.ok ? "ok" : ErrorCodeName(end.error), one.outcome);
    EXPECT_EQ(end.failure, one.failure);
  }
}

TEST_F(AuditTailTest, ATailGivesNothingAnyMoreOnceItsCallerMayNot) {
  StartShop();
  const StoreUuid uuid = barrier->Enter().value()->uuid;
  const People& people = approver.people;
  people.Apply(access, uuid, 1);
  constexpr char kForbid[] = "[forbid.no-tails]\nroles = [\"auditor\"]\noperations = [\"TailRecords\"]\n";
  struct Case {
    std::string name;
    std::function<void()> end;
    ErrorCode code;
    std::string_view rule;
    std::uint64_t serial;
  };
  const std::vector<Case> cases = {
      {"another policy forbids it", [&] { people.Apply(access, uuid, 2, kForbid); }, ErrorCode::kPermissionDenied,
       "no-tails", 2},
      {"nobody calls any more", [&] { caller_now = Error(ErrorCode::kUnauthenticated, "the certificate was denied"); },
       ErrorCode::kUnauthenticated, "auditor-all", 3},
      {"who calls is no auditor any more", [&] { caller_now = LocalCaller(Role::kDba); }, ErrorCode::kPermissionDenied,
       "default-deny", 3},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    Append("unix:app:1000", 2);
    Follow();
    auto tail = Tail(auditor, {.filter = {}, .from_now = false}).value();
    ASSERT_GE(Next(*tail)->records.size(), 2u);
    const std::uint64_t given = index->size();
    Append("unix:app:1000", 2);
    Follow();
    one.end();
    const auto refused = Next(*tail);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), one.code);
    tail->Close(refused.error(), [](const Pipeline::Verdict&) {});
    tail.reset();
    const CallRecord& end = recorded.records.back();
    EXPECT_EQ(end.items, given) << "nothing of what came meanwhile";
    EXPECT_FALSE(end.ok);
    EXPECT_FALSE(end.allowed);
    EXPECT_EQ(end.error, one.code);
    EXPECT_EQ(end.rule, one.rule);
    EXPECT_EQ(end.policy->serial(), one.serial);
    caller_now = auditor;
    if (one.serial == 2) people.Apply(access, uuid, 3);
  }
}

TEST_F(AuditTailTest, DecidingAgainTakesNothingOfTheCallersLimits) {
  StartShop();
  const StoreUuid uuid = barrier->Enter().value()->uuid;
  const People& people = approver.people;
  std::string text = people.PolicyText();
  const std::string grant = "[grant.auditor-all]\n";
  text.insert(text.find(grant) + grant.size(), "limits = { in_flight = 1 }\n");
  ASSERT_TRUE(
      access
          .ApplyPolicy(people.alice.AsCaller(),
                       {.policy = text, .signatures = people.Signatures(uuid, text, 1), .recovery = std::nullopt})
          .ok());
  Append("unix:app:1000", AuditTail::kBatch + 1);
  Follow();
  const auto tail = Tail(auditor, {.filter = {}, .from_now = false}).value();
  EXPECT_EQ(Tail(auditor, {}).error().code(), ErrorCode::kResourceExhausted) << "the one that runs counts";
  for (const std::size_t records : {AuditTail::kBatch, std::size_t{2}}) {
    const auto batch = Next(*tail);
    ASSERT_TRUE(batch.ok()) << batch.error().ToString();
    EXPECT_EQ(batch->records.size(), records);
  }
  EXPECT_EQ(Tail(auditor, {}).error().code(), ErrorCode::kResourceExhausted) << "and counts still";
}

TEST_F(AuditTailTest, ATailThatIsRefusedIsABeginAndItsResultOrOneRecordOfWhoMayNot) {
  Follow();
  recorded.records.clear();
  TailAsked behind{.filter = {}, .from_now = false};
  behind.filter.from = 1'000;
  EXPECT_FALSE(Tail(auditor, behind).ok());
  ASSERT_EQ(recorded.records.size(), 2u);
  EXPECT_EQ(recorded.records[1].phase, CallRecord::Phase::kResult);
  EXPECT_FALSE(recorded.records[1].ok);
  EXPECT_FALSE(Tail(LocalCaller(Role::kDba), {}).ok());
  ASSERT_EQ(recorded.records.size(), 3u);
  EXPECT_EQ(recorded.records[2].phase, CallRecord::Phase::kCall);
  EXPECT_FALSE(recorded.records[2].allowed);
}

TEST_F(AuditTailTest, ATailWhoseBeginCannotBeRecordedDoesNotRunAndHoldsNoPlace) {
  Follow();
  recorded.answer = Error(ErrorCode::kUnavailable, "the disk is full");
  for (std::size_t i = 0; i <= AuditTails::kMaxOfOneCaller; ++i) {
    Withheld withheld;
    Caller with = auditor;
    with.withheld = &withheld;
    EXPECT_EQ(service->Tail(with, {}).error().code(), ErrorCode::kUnavailable);
    EXPECT_FALSE(withheld.record.has_value());
  }
  recorded.answer = {};
  EXPECT_TRUE(Tail(auditor, {}).ok());
}

TEST_F(AuditTailTest, WhatATailCannotBeAskedIsRefused) {
  Append("unix:app:1000");
  Follow();
  TailAsked asked;
  asked.filter.to_us = 5;
  EXPECT_EQ(Tail(auditor, asked).error().path(), "filter.to_us");
  asked.filter.to_us.reset();
  asked.filter.to = 5;
  EXPECT_EQ(Tail(auditor, asked).error().path(), "filter.to_index");
  TailAsked behind{.filter = {}, .from_now = false};
  behind.filter.from = 3;
  EXPECT_EQ(Tail(auditor, behind).error().path(), "filter.from_index");
}

TEST_F(AuditTailTest, TheEndWakesEveryTailAndRefusesIt) {
  Follow();
  auto tail = Tail(auditor, {}).value();
  int woken = 0;
  tail->WhenMore([&woken] { ++woken; });
  service->EndTails();
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(Next(*tail).error().code(), ErrorCode::kUnavailable);
  tail->WhenMore([&woken] { ++woken; });
  EXPECT_EQ(woken, 2) << "at once";
}

}  // namespace
}  // namespace coffer::keysvc
