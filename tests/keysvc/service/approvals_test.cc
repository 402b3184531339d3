// Approvals: what is asked of others, who may approve it, and that it is done once, as it was asked for.
#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kMinute = 60'000'000;

class ApprovalsTest : public ServiceFixture {
 protected:
  void SetUp() override {
    StartShop();
    people.Apply(access, barrier->Enter().value()->uuid);
    ASSERT_TRUE(secrets
                    .Put(app, {.name = Name(),
                               .value = AsBytes("value"),
                               .expected_version = std::nullopt,
                               .expires_us = 0,
                               .metadata = std::nullopt})
                    .ok());
  }
  static SecretName Name() { return {.tenant = "", .path = "a"}; }
  // The act of all these tests, without the fixture's approver.
  Result<std::uint32_t> Destroy(const Caller& by, std::int64_t version = 1) {
    return secrets.SecretService::Destroy(by, Name(), {SecretVersion{version}});
  }
  std::string Ask() {
    return People::Ask(admin, [this](const Caller& by) { return Destroy(by); });
  }
  static Caller Using(Caller caller, const std::string& id) {
    caller.approval.id = id;
    return caller;
  }
  // "" when it was done, else the code's name; and that a refusal changed nothing and is in the log.
  std::string Code(const Result<std::uint32_t>& done) {
    const CallRecord& last = recorded.records.back();
    EXPECT_EQ(last.ok, done.ok());
    if (done.ok()) return "";
    EXPECT_FALSE(last.rule.empty());
    EXPECT_TRUE(secrets.Get(app, Name(), {}).ok()) << "a refused act was done";
    return std::string(ErrorCodeName(done.error().code()));
  }
  std::string StatementOf(const std::string& id) {
    const std::vector<PendingApproval> list = access.ListApprovals(admin).value();
    for (const PendingApproval& pending : list) {
      if (pending.statement.id.ToText() == id) return pending.text;
    }
    return "none\n";
  }
  static std::string CodeOf(const Result<bool>& answer) {
    return answer.ok() ? "" : std::string(ErrorCodeName(answer.error().code()));
  }
  std::string Approve(const People::Person& person, const std::string& id) {
    return CodeOf(access.Approve(person.AsCaller(), id, person.Line(StatementOf(id))));
  }

  const People people;
};

TEST_F(ApprovalsTest, AnActIsAskedForApprovedAndDoneOnce) {
  EXPECT_EQ(Code(Destroy(admin)), "failed_precondition") << "nobody has approved it";
  const std::string id = Ask();
  EXPECT_EQ(recorded.records.back().asked, id);
  EXPECT_EQ(Code(Destroy(Using(admin, id))), "failed_precondition") << "it waits";
  EXPECT_EQ(Approve(people.bob, id), "");
  EXPECT_EQ(recorded.records.back().object, id);
  EXPECT_EQ(access.ListApprovals(admin)->front().approved_by, std::vector<std::string>{"bob"});
  ASSERT_EQ(*Destroy(Using(admin, id)), 1U);
  EXPECT_EQ(recorded.records.back().reason, "approval " + id + " by bob: a test");
  EXPECT_EQ(recorded.records.back().rule, "admin-approved");
  EXPECT_EQ(recorded.records.back().policy->serial(), 1U);
  EXPECT_TRUE(access.ListApprovals(admin)->empty());
  EXPECT_EQ(Destroy(Using(admin, id)).error().code(), ErrorCode::kNotFound) << "used";
}

TEST_F(ApprovalsTest, TheStatementSaysExactlyWhatWillBeDone) {
  const auto statement = policy::ApprovalStatement::Parse(StatementOf(Ask())).value();
  EXPECT_EQ(statement.store, barrier->Enter().value()->uuid);
  EXPECT_EQ(statement.requester, "unix:admin:7");
  EXPECT_EQ(statement.operation, policy::Operation::kDestroySecret);
  EXPECT_EQ(statement.policy_serial, 1U);
  EXPECT_EQ(statement.rule, "admin-approved");
  EXPECT_EQ(statement.reason, "a test");
  EXPECT_EQ(statement.not_after_unix_s, clock.UnixMicros() / 1'000'000 + 30 * 60);
  std::map<std::string, std::string> facts;
  for (const auto& [key, value] : statement.facts.lines()) facts[key] = value;
  EXPECT_EQ(facts["secret"], "a");
  EXPECT_EQ(facts["tenant"], "default");
  EXPECT_EQ(facts["version"], "1");
  EXPECT_EQ(facts["current-version"], "1");
  EXPECT_EQ(facts.count("secret-uuid"), 1U);
}

TEST_F(ApprovalsTest, WhatACatalogLosesIsInTheStatement) {
  std::string catalog(kShopCatalog);
  catalog.replace(catalog.find("class   = \"pii\""), 15, "class   = \"internal\"");
  catalog.resize(catalog.find("[field.\"note.body\"]"));
  const auto apply = [&](const Caller& by) { return admin_service.AdminService::Apply(by, catalog, lock); };
  const std::string statement = StatementOf(People::Ask(admin, apply));
  EXPECT_NE(statement.find("\noperation WeakenCatalog\n"), std::string::npos) << statement;
  EXPECT_NE(statement.find("\nweakens shop.user.email"), std::string::npos) << statement;
  EXPECT_NE(statement.find("\nretires shop.note.body"), std::string::npos) << statement;
  Caller asking = admin;
  asking.approval.reason = "a test";
  const auto stronger = admin_service.AdminService::Apply(asking, kShopCatalog, lock);
  ASSERT_FALSE(stronger.ok()) << "nobody has to approve it, so it cannot be asked for";
  EXPECT_EQ(stronger.error().code(), ErrorCode::kFailedPrecondition);
}

TEST_F(ApprovalsTest, ItIsOfOneActOneRequesterAndOneState) {
  const std::string id = Ask();
  ASSERT_EQ(Approve(people.bob, id), "");
  EXPECT_EQ(Code(Destroy(Using(people.bob.AsCaller(), id))), "permission_denied") << "another requester";
  ASSERT_TRUE(secrets
                  .Put(app, {.name = Name(),
                             .value = AsBytes("second"),
                             .expected_version = std::nullopt,
                             .expires_us = 0,
                             .metadata = std::nullopt})
                  .ok());
  EXPECT_EQ(Code(Destroy(Using(admin, id), 2)), "permission_denied") << "another version";
  EXPECT_EQ(Code(Destroy(Using(admin, id))), "permission_denied") << "there is a newer version now";
  DestroyRequest other;
  other.name = "shop";
  other.version = KeyVersion{1};
  other.no_sources = true;
  ASSERT_TRUE(key_service.RotateKeyring(admin, "shop", {}).ok());
  EXPECT_EQ(key_service.KeyService::ScheduleDestroy(Using(admin, id), other).error().code(),
            ErrorCode::kPermissionDenied)
      << "another operation";
}

TEST_F(ApprovalsTest, NobodyApprovesHisOwnOrWithAnothersKey) {
  const std::string id = Ask();
  const std::string statement = StatementOf(id);
  EXPECT_EQ(Approve(people.alice, id), "permission_denied") << "her own";
  const Caller alice = people.alice.AsCaller();
  const Caller bob = people.bob.AsCaller();
  EXPECT_EQ(CodeOf(access.Approve(alice, id, people.bob.Line(statement))), "permission_denied") << "carried by alice";
  EXPECT_EQ(CodeOf(access.Approve(bob, id, people.alice.Line(statement))), "permission_denied") << "alice's key";
  EXPECT_EQ(CodeOf(access.Approve(bob, id, people.bob.Line(statement + "more yes\n"))), "permission_denied");
  EXPECT_EQ(CodeOf(access.Approve(bob, id, people.bob.Line(statement) + people.bob.Line(statement))),
            "permission_denied")
      << "two lines";
  EXPECT_EQ(CodeOf(access.Approve(bob, id, "")), "permission_denied");
  EXPECT_EQ(CodeOf(access.Approve(bob, "no-uuid", "")), "invalid_argument");
  EXPECT_EQ(recorded.records.back().object, "") << "what is no id is not written down";
  Caller nobody = admin;
  nobody.principal.id = "unix:admin:99";
  EXPECT_EQ(CodeOf(access.Approve(nobody, id, people.bob.Line(statement))), "permission_denied");
  EXPECT_EQ(CodeOf(access.Approve(dba, id, people.bob.Line(statement))), "permission_denied");
  EXPECT_TRUE(access.ListApprovals(admin)->front().approved_by.empty());
  EXPECT_EQ(Code(Destroy(Using(admin, id))), "failed_precondition");
}

TEST_F(ApprovalsTest, WhoIsNoPersonAsksNobody) {
  Caller nobody = admin;
  nobody.principal.id = "unix:admin:99";
  nobody.approval.reason = "a test";
  EXPECT_EQ(Code(Destroy(nobody)), "permission_denied");
  Caller long_reason = admin;
  long_reason.approval.reason = std::string(201, 'r');
  EXPECT_EQ(Code(Destroy(long_reason)), "invalid_argument");
  long_reason.approval.reason = "two\nlines";
  EXPECT_EQ(Code(Destroy(long_reason)), "invalid_argument");
  Caller asking_app = app;
  asking_app.approval.reason = "a test";
  EXPECT_EQ(Destroy(asking_app).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_TRUE(access.ListApprovals(admin)->empty());
}

TEST_F(ApprovalsTest, WhatCannotBeDoneIsNotAskedOfOthers) {
  Caller asking = admin;
  asking.approval.reason = "a test";
  EXPECT_EQ(Code(Destroy(asking, 2)), "not_found");
  DestroyRequest order;
  order.name = "shop";
  order.version = KeyVersion{1};
  order.no_sources = true;
  EXPECT_EQ(key_service.KeyService::ScheduleDestroy(asking, order).error().code(), ErrorCode::kFailedPrecondition)
      << "the primary";
  EXPECT_TRUE(access.ListApprovals(admin)->empty());
}

TEST_F(ApprovalsTest, ItRunsOut) {
  const std::string id = Ask();
  ASSERT_EQ(Approve(people.bob, id), "");
  clock.Advance(30 * kMinute - 1'000'000);
  EXPECT_EQ(access.ListApprovals(admin)->size(), 1U);
  clock.Advance(1'000'000);
  EXPECT_TRUE(access.ListApprovals(admin)->empty());
  EXPECT_EQ(Code(Destroy(Using(admin, id))), "not_found");
  EXPECT_EQ(Approve(people.bob, id), "not_found");
  // The rows go with the next one.
  Ask();
  EXPECT_EQ(store.Begin().value()->Scan({.table = Table::kApproval})->size(), 1U);
  EXPECT_EQ(store.Begin().value()->Scan({.table = Table::kApprovalVote})->size(), 0U);
}

TEST_F(ApprovalsTest, ItEndsWithItsPolicy) {
  const std::string id = Ask();
  ASSERT_EQ(Approve(people.bob, id), "");
  people.Apply(access, barrier->Enter().value()->uuid, 2);
  EXPECT_EQ(Code(Destroy(Using(admin, id))), "failed_precondition");
  EXPECT_EQ(Approve(people.bob, id), "failed_precondition");
}

TEST_F(ApprovalsTest, WhoeverIsAskedOrAsksMayDeny) {
  Caller nobody = auditor;
  nobody.principal.id = "unix:auditor:99";  // that of 7 is alice
  for (const Caller& by : {people.bob.AsCaller(), people.alice.AsCaller()}) {
    const std::string id = Ask();
    ASSERT_EQ(Approve(people.bob, id), "");
    EXPECT_EQ(CodeOf(access.Deny(nobody, id)), "permission_denied") << "no person";
    EXPECT_EQ(CodeOf(access.Deny(by, id)), "");
    EXPECT_EQ(CodeOf(access.Deny(by, id)), "not_found");
    EXPECT_EQ(Code(Destroy(Using(admin, id))), "not_found");
  }
}

TEST_F(ApprovalsTest, OnlySoManyWait) {
  for (std::size_t i = 0; i < kMaxApprovalsOfOne; ++i) Ask();
  Caller asking = admin;
  asking.approval.reason = "a test";
  EXPECT_EQ(Code(Destroy(asking)), "resource_exhausted");
  clock.Advance(31 * kMinute);
  Ask();
  EXPECT_EQ(access.ListApprovals(admin)->size(), 1U);
}

TEST_F(ApprovalsTest, TheyAndThePolicySurviveARestart) {
  const std::string id = Ask();
  ASSERT_EQ(Approve(people.bob, id), "");
  const std::unique_ptr<Barrier> again = OpenBarrier(store, clock);
  const Pipeline pipeline_again(*again, recorded.recorder());
  const OperatorService operators_again(pipeline_again, clock);
  const AccessService access_again(pipeline_again, operators_again);
  EXPECT_EQ(again->policy()->serial(), 0U) << "not known while sealed";
  ASSERT_TRUE(again->Unseal(KeyFile()).ok());
  EXPECT_EQ(again->policy()->serial(), 1U);
  EXPECT_EQ(access_again.ListApprovals(admin)->front().approved_by, std::vector<std::string>{"bob"});
  const SecretService secrets_again(pipeline_again, clock);
  EXPECT_EQ(*secrets_again.Destroy(Using(admin, id), Name(), {SecretVersion{1}}), 1U);
}

TEST_F(ApprovalsTest, AVoteOfAnotherKeyInTheStoreIsNone) {
  const std::string id = Ask();
  ASSERT_EQ(Approve(people.bob, id), "");
  const ApprovalVoteRecord forged{.approval = Uuid::Parse(id).value(),
                                  .person = "bob",
                                  .signature = people.alice.Line(StatementOf(id)),
                                  .voted_us = 1};
  {
    // As who holds the root key could: a row with a right MAC.
    StoreMutation mutation = barrier->Enter().value()->store->Begin().value();
    ASSERT_TRUE(mutation.Update(Table::kApprovalVote, ToRow(forged)).ok());
    ASSERT_TRUE(mutation.Commit().ok());
  }
  EXPECT_EQ(Code(Destroy(Using(admin, id))), "failed_precondition");
}

}  // namespace
}  // namespace coffer::keysvc
