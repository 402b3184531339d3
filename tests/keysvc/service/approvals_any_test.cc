// Approvals of acts that only this policy asks approvals for: what is approved is one request of one person, done once.
#include "tests/keysvc/service/asking_fixture.h"

namespace coffer::keysvc {
namespace {

using policy::Operation;

class AnyApprovalTest : public AskingFixture {};

TEST_F(AnyApprovalTest, EveryKindOfActIsAskedForApprovedAndDoneOnce) {
  for (const AskedAct& one : Acts()) {
    SCOPED_TRACE(policy::OperationName(one.operation));
    const std::string rule(one.rule);
    EXPECT_EQ(Code(one.act(one.by)), "failed_precondition") << "nobody has asked";
    EXPECT_EQ(Last().rule, rule);
    EXPECT_FALSE(Last().allowed);
    EXPECT_EQ(Last().asked, "");

    const std::string id = Ask(one);
    ASSERT_NE(id, "");
    EXPECT_EQ(Last().asked, id);
    EXPECT_EQ(Last().rule, rule);
    EXPECT_EQ(Last().reason, "asks for approval " + id + ": a test");
    EXPECT_FALSE(Last().allowed);
    EXPECT_EQ(Last().store, barrier->Enter().value()->uuid);
    EXPECT_EQ(Code(one.act(Using(one.by, id))), "failed_precondition") << "it waits";

    ASSERT_EQ(Approve(id), "");
    EXPECT_EQ(Code(one.act(Using(Other(one.by), id))), "permission_denied") << "another caller";
    EXPECT_EQ(Code(one.act(Changed(Using(one.by, id)))), "permission_denied") << "another request";
    EXPECT_EQ(Last().rule, rule);
    EXPECT_FALSE(Last().allowed);

    const Status done = one.act(Using(one.by, id));
    ASSERT_TRUE(done.ok()) << done.error().ToString();
    EXPECT_TRUE(Last().ok && Last().allowed);
    EXPECT_EQ(Last().rule, rule);
    EXPECT_EQ(Last().reason, "approval " + id + " by bob: a test");
    EXPECT_EQ(Last().asked, "");
    EXPECT_EQ(Code(one.act(Using(one.by, id))), "not_found") << "used";
    EXPECT_EQ(Waiting(), 0u);
  }
}

TEST_F(AnyApprovalTest, NobodyApprovesHisOwn) {
  for (const AskedAct& one : Acts()) {
    SCOPED_TRACE(policy::OperationName(one.operation));
    const std::string id = Ask(one);
    EXPECT_EQ(Approve(id, people.alice), "permission_denied");
    EXPECT_EQ(Code(one.act(Using(one.by, id))), "failed_precondition");
    EXPECT_EQ(Deny(id), "");
  }
}

TEST_F(AnyApprovalTest, WhoIsNoPersonAsksNobody) {
  for (const AskedAct& one : Acts()) {
    SCOPED_TRACE(policy::OperationName(one.operation));
    Caller nobody = Other(one.by);
    nobody.approval.reason = "a test";
    EXPECT_EQ(Code(one.act(nobody)), "permission_denied");
    EXPECT_EQ(Waiting(), 0u);
  }
}

TEST_F(AnyApprovalTest, WhoHasATokenIsNoPerson) {
  for (const AskedAct& one : Acts()) {
    for (const auto method : {policy::Principal::Method::kToken, policy::Principal::Method::kJwt}) {
      SCOPED_TRACE(policy::OperationName(one.operation));
      Caller bearer = one.by;
      bearer.principal.method = method;
      bearer.approval.reason = "a test";
      EXPECT_EQ(Code(one.act(bearer)), "permission_denied");
      EXPECT_EQ(Waiting(), 0u);
    }
  }
}

TEST_F(AnyApprovalTest, ItRunsOutAndEndsWithItsPolicy) {
  const AskedAct get = Getting("a");
  const std::string old = Ask(get);
  ASSERT_EQ(Approve(old), "");
  clock.Advance(30 * kMinute);
  EXPECT_EQ(Code(get.act(Using(get.by, old))), "not_found");
  const std::string id = Ask(get);
  ASSERT_EQ(Approve(id), "");
  ApplyAsking(2);
  EXPECT_EQ(Code(get.act(Using(get.by, id))), "failed_precondition");
  EXPECT_EQ(Approve(id), "failed_precondition");
}

TEST_F(AnyApprovalTest, TheStatementHasTheNamesThatTheServiceKnowsAndACodeOfTheRequest) {
  const auto facts_of = [this](const AskedAct& one) {
    const std::string id = Ask(one);
    const auto statement = policy::ApprovalStatement::Parse(StatementOf(id)).value();
    EXPECT_EQ(statement.operation, one.operation);
    EXPECT_EQ(statement.requester, one.by.principal.id);
    EXPECT_EQ(Deny(id), "");
    std::string text;
    for (const auto& [key, value] : statement.facts.lines()) {
      text += key == "request" ? "request " + value.substr(0, value.find(':')) : key + " " + value + ", ";
    }
    return text;
  };
  AskedAct get = Getting("a");
  EXPECT_EQ(facts_of(get), "object a, tenant default, request hmac-sha256");
  get.by.claims = {.purpose = "billing", .on_behalf_of = "Ann", .request_id = "4711"};
  EXPECT_EQ(facts_of(get), "object a, tenant default, purpose billing, on-behalf-of Ann, request hmac-sha256");
  EXPECT_EQ(facts_of(Decrypting({0})),
            "object shop.user.email, field shop.user.email, class pii, keyring shop, tenant default, request "
            "hmac-sha256");
  EXPECT_EQ(facts_of(ActOf(Operation::kGenerateDataKey)),
            "object shop, keyring shop, tenant default, request hmac-sha256");
  EXPECT_EQ(facts_of(ActOf(Operation::kCreateKeyring)), "object new, keyring new, request hmac-sha256");
  EXPECT_EQ(facts_of(ActOf(Operation::kListTenants)), "request hmac-sha256");
}

TEST_F(AnyApprovalTest, NamesAreBoundEvenWhereTheRequestSaysTheSame) {
  const AskedAct a = Getting("a");
  const std::string id = Ask(a);
  ASSERT_EQ(Approve(id), "");
  const AskedAct b = Getting("b");
  Caller by = Using(a.by, id);
  EXPECT_EQ(Code(b.act(by)), "permission_denied") << "another path";
  by.claims.purpose = "another";
  EXPECT_EQ(Code(a.act(by)), "permission_denied") << "another purpose";
  EXPECT_EQ(Code(a.act(Using(a.by, id))), "");
}

// Nobody but the requester can have the code of a request that he guesses, and compare it.
TEST_F(AnyApprovalTest, ACodeTellsNothingOfTheRequest) {
  const Digest request = Sha256({AsBytes("path a, value 1234")});
  Approvals& approvals = *barrier->Enter().value()->approvals;
  const std::string code = approvals.CodeOf("unix:app:7", request);
  EXPECT_EQ(code, approvals.CodeOf("unix:app:7", request));
  EXPECT_NE(code, approvals.CodeOf("unix:app:7", Sha256({AsBytes("path a, value 1235")})));
  EXPECT_NE(code, approvals.CodeOf("unix:admin:8", request)) << "another's guess";
  EXPECT_EQ(code.find(ToHex(request)), std::string::npos);
  MemoryStore other_store;
  const auto other = OpenBarrier(other_store, clock);
  ASSERT_TRUE(other->Init(KeyFileSeal{.path = folder / "other.key", .allow_same_device = true}, {}).ok());
  EXPECT_NE(code, other->Enter().value()->approvals->CodeOf("unix:app:7", request)) << "another store";
}

TEST_F(AnyApprovalTest, OneApprovalIsForOneFieldAndTenantOfACall) {
  const AskedAct both = Decrypting({0, 1});
  const std::string same = Ask(both);
  ASSERT_EQ(Approve(same), "");
  EXPECT_EQ(Code(both.act(Using(both.by, same))), "") << "two columns of one field";

  const AskedAct two = DecryptingTwoFields();
  const std::string id = Ask(two);
  EXPECT_NE(StatementOf(id).find("\nfield shop.user.email\n"), std::string::npos) << "the first";
  ASSERT_EQ(Approve(id), "");
  EXPECT_EQ(Code(two.act(Using(two.by, id))), "permission_denied");
  EXPECT_FALSE(Last().allowed);
  EXPECT_EQ(Code(two.act(Using(two.by, id))), "not_found") << "used up by the try";
}

TEST_F(AnyApprovalTest, WhatIsApprovedDoesNotWidenTheLimitsOfTheRest) {
  ApplyAsking(2, {.asking = {{policy::Role::kApp, {Operation::kDecryptFields}}},
                  .fields = "[\"shop.connection.password\"]",
                  .more = "[grant.app-emails]\nroles = [\"app\"]\noperations = [\"DecryptFields\"]\n"
                          "fields = [\"shop.user.email\"]\nclasses = \"all\"\nkeyrings = \"all\"\ntenants = \"all\"\n"
                          "limits = { values_per_minute = 1 }\n"});
  const AskedAct both = DecryptingTwoFields();
  const std::string id = Ask(both);
  EXPECT_NE(StatementOf(id).find("\nfield shop.connection.password\n"), std::string::npos);
  ASSERT_EQ(Approve(id), "");
  EXPECT_EQ(Code(both.act(Using(both.by, id))), "resource_exhausted") << "two values";
  EXPECT_EQ(Last().rule, "app-asks");
}

TEST_F(AnyApprovalTest, AnActThatNobodyHasToApproveIsNotDoneForWhoAsks) {
  Caller asking = admin;
  asking.approval.reason = "a test";
  const std::uint64_t before = barrier->Enter().value()->store->seen().value;
  EXPECT_EQ(Code(key_service.CreateTenant(asking, "acme")), "failed_precondition");
  EXPECT_EQ(Code(key_service.RegisterCensusSource(asking, "db", kMinute)), "failed_precondition");
  EXPECT_EQ(Code(admin_service.AdminService::Seal(asking)), "failed_precondition");
  EXPECT_EQ(Code(admin_service.AdminService::Apply(asking, kShopCatalog, lock)), "failed_precondition");
  EXPECT_EQ(barrier->Enter().value()->store->seen().value, before);
  EXPECT_EQ(Waiting(), 0u);
  EXPECT_TRUE(key_service.GetTenant(asking, "default").ok()) << "a read gives what it would have given anyway";
  EXPECT_TRUE(key_service.CreateTenant(admin, "acme").ok());
}

TEST_F(AnyApprovalTest, WhatHasNoRequestCannotBeAskedFor) {
  AskedAct get = Getting("a");
  get.by.approval.reason = "a test";
  get.by.approval.request.reset();
  EXPECT_EQ(Code(get.act(get.by)), "permission_denied");
  EXPECT_EQ(Waiting(), 0u);
}

TEST_F(AnyApprovalTest, WhileSealedNothingIsAskedOrUsed) {
  const AskedAct list = ActOf(Operation::kListSealSlots);
  const AskedAct get = Getting("a");
  const std::string id = Ask(list);
  ASSERT_EQ(Approve(id), "");
  ASSERT_TRUE(admin_service.AdminService::Seal(admin).ok());
  EXPECT_EQ(Code(list.act(Using(list.by, id))), "sealed") << "though the act itself needs no open store";
  EXPECT_EQ(Code(list.act(list.by)), "sealed");
  EXPECT_EQ(Code(get.act(Using(get.by, id))), "sealed");
  ASSERT_TRUE(barrier->Unseal(KeyFile()).ok());
  EXPECT_EQ(Code(list.act(Using(list.by, id))), "");
}

// What weakens a catalog is decided by the rules of both acts.
TEST_F(AnyApprovalTest, ACatalogThatWeakensIsAskedForOnce) {
  ApplyAsking(2, {.asking = {{policy::Role::kAdmin, {Operation::kApplyCatalog}}}});
  std::string weaker(kShopCatalog);
  weaker.replace(weaker.find("class   = \"pii\""), 15, "class   = \"internal\"");
  const auto apply = [&](const std::string& catalog) {
    return AskedAct{.operation = Operation::kApplyCatalog,
                    .rule = "admin-asks",
                    .by = WithRequest(admin, catalog),
                    .act = [this, catalog](const Caller& by) {
                      return StatusOf(admin_service.AdminService::Apply(by, catalog, lock));
                    }};
  };
  const AskedAct same = apply(kShopCatalog);
  const std::string stronger = Ask(same);
  ASSERT_EQ(Approve(stronger), "");
  EXPECT_EQ(Code(apply(weaker).act(Using(apply(weaker).by, stronger))), "permission_denied") << "a graver act";
  EXPECT_EQ(Code(same.act(Using(same.by, stronger))), "");

  const std::string id = Ask(apply(weaker));
  EXPECT_NE(StatementOf(id).find("\noperation WeakenCatalog\n"), std::string::npos);
  ASSERT_EQ(Approve(id), "");
  EXPECT_EQ(Code(apply(weaker).act(Using(apply(weaker).by, id))), "");
}

TEST_F(AnyApprovalTest, AGraverActNeedsWhatThePlainOneAsksToo) {
  ApplyAsking(2, {.asking = {{policy::Role::kAdmin, {Operation::kApplyCatalog}}},
                  .approvals = "count = 1, roles = [\"auditor\"]"});
  std::string weaker(kShopCatalog);
  weaker.replace(weaker.find("class   = \"pii\""), 15, "class   = \"internal\"");
  const auto act = [&](const Caller& by) { return StatusOf(admin_service.AdminService::Apply(by, weaker, lock)); };
  const AskedAct weakening{
      .operation = Operation::kWeakenCatalog, .rule = "admin-approved", .by = WithRequest(admin, weaker), .act = act};
  const std::string id = Ask(weakening);
  ASSERT_EQ(Approve(id), "");
  EXPECT_EQ(Code(act(Using(weakening.by, id))), "failed_precondition")
      << "an administrator approved, and the plain act asks an auditor";
}

// A read that is done again, because what was decided may not hold any more.
class RepeatedReadTest : public AskingFixture {
 protected:
  // Under a pipeline whose next `times` records come just before something changes.
  void Move(int times) { moves = times; }

  int moves = 0;
  int tenants = 0;
  Pipeline moving{*barrier, Immediately([this](const CallRecord& record) {
                    recorded.records.push_back(record);
                    recorded.records.back().in_flight = nullptr;
                    if (record.phase == CallRecord::Phase::kCall && moves-- > 0) {
                      const auto unsealed = barrier->Enter().value();
                      EXPECT_TRUE(unsealed->policies->UseGrants(unsealed->policies->view()->serial(), {}).ok());
                    }
                    return Status();
                  })};
  SecretService moving_secrets{moving, clock};
  FieldService moving_fields{moving, clock, *barrier};

  AskedAct Getting(const std::string& path) {
    AskedAct get = AskingFixture::Getting(path);
    get.act = [this, path](const Caller& by) {
      return StatusOf(moving_secrets.Get(by, {.tenant = "", .path = path}, {}));
    };
    return get;
  }
};

TEST_F(RepeatedReadTest, UsesItsApprovalOnce) {
  const AskedAct get = Getting("a");
  const std::string id = Ask(get);
  ASSERT_EQ(Approve(id), "");
  const std::size_t before = recorded.records.size();
  Move(2);
  EXPECT_EQ(Code(get.act(Using(get.by, id))), "");
  ASSERT_EQ(recorded.records.size(), before + 3) << "each run is recorded";
  for (std::size_t run = before; run < recorded.records.size(); ++run) {
    EXPECT_TRUE(recorded.records[run].ok);
    EXPECT_EQ(recorded.records[run].reason, "approval " + id + " by bob: a test");
  }
  EXPECT_EQ(Code(get.act(Using(get.by, id))), "not_found");
}

TEST_F(RepeatedReadTest, AsksOnce) {
  Move(2);
  const std::size_t before = recorded.records.size();
  const std::string id = Ask(Getting("a"));
  ASSERT_EQ(recorded.records.size(), before + 3);
  for (std::size_t run = before; run < recorded.records.size(); ++run) EXPECT_EQ(recorded.records[run].asked, id);
  EXPECT_EQ(Waiting(), 1u);
}

TEST_F(RepeatedReadTest, IsRefusedUnderAnotherPolicy) {
  const AskedAct get = Getting("a");
  const std::string id = Ask(get);
  ASSERT_EQ(Approve(id), "");
  Withheld withheld;
  Caller by = Using(get.by, id);
  by.withheld = &withheld;
  ASSERT_TRUE(get.act(by).ok());
  ApplyAsking(2);
  // As a door does it when the generation has moved.
  by.so_far = std::move(withheld.record->so_far);
  withheld = {};
  const Status again = get.act(by);
  ASSERT_FALSE(again.ok()) << "nobody has approved it under this policy";
  EXPECT_EQ(again.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_FALSE(withheld.record->allowed);
}

TEST_F(RepeatedReadTest, ItsValuesAreCountedOnce) {
  ApplyAsking(2, {.app_limits = "limits = { values_per_minute = 3 }\n"});
  const auto decrypt = [this](std::size_t values) {
    const std::vector<std::string> some(emails.begin(), emails.begin() + static_cast<std::ptrdiff_t>(values));
    return Code(moving_fields.Decrypt(app, {EmailColumn(some)}));
  };
  const std::size_t before = recorded.records.size();
  Move(3);
  EXPECT_EQ(decrypt(2), "");
  EXPECT_EQ(recorded.records.size(), before + 4) << "each run is recorded";
  EXPECT_EQ(decrypt(2), "resource_exhausted") << "another call";
  EXPECT_EQ(decrypt(1), "");
  EXPECT_EQ(decrypt(1), "resource_exhausted");
  clock.Advance(kMinute);
  Move(1);
  EXPECT_EQ(decrypt(3), "");
  EXPECT_EQ(decrypt(1), "resource_exhausted");
}

// A probe by somebody who may do nothing of the kind leaves the name of what it was after.
class ProbeTest : public AskingFixture {};

TEST_F(ProbeTest, ARefusalBeforeTheActNamesWhatWasAskedFor) {
  const auto probe = [this](const auto& refused) {
    EXPECT_EQ(Code(refused), "permission_denied");
    EXPECT_FALSE(Last().decided) << "before the act";
    return Last().tenant + " " + Last().object;
  };
  const SecretName name{.tenant = "", .path = "app/db"};
  EXPECT_EQ(probe(secrets.Get(dba, name, {})), "default app/db");
  EXPECT_EQ(probe(secrets.Get(dba, {.tenant = "acme", .path = "app/db"}, {})), "acme app/db");
  EXPECT_EQ(probe(secrets.History(dba, name, 0, "")), "default app/db");
  EXPECT_EQ(probe(secrets.List(dba, "acme", "app/", 0, "")), "acme ");
  EXPECT_EQ(probe(secrets.Delete(dba, name, {})), "default app/db");
  EXPECT_EQ(probe(key_service.GenerateDataKey(dba, "shop", "acme")), "acme shop");
  EXPECT_EQ(probe(key_service.UnwrapDataKey(dba, "shop", "", AsBytes("wrapped"))), "default shop");
  EXPECT_EQ(probe(key_service.GetKeyring(app, "shop")), " shop");
  EXPECT_EQ(probe(key_service.GetTenant(app, "acme")), " acme");
  FieldColumn other = PasswordColumn("x", Uuid{}, "", "");
  other.tenant = "acme";
  EXPECT_EQ(probe(fields.Decrypt(dba, {EmailColumn({"x"}), other, EmailColumn({"y"})})),
            "default,acme shop.user.email,shop.connection.password");
  EXPECT_EQ(probe(fields.Search(dba, {{.field = "shop.user.email", .tenant = "", .term = {}}})),
            "default shop.user.email");
}

TEST_F(ProbeTest, WhatIsNoNameIsNotWrittenDown) {
  const auto probe = [this](const auto& refused) {
    EXPECT_EQ(Code(refused), "permission_denied");
    return Last().tenant + Last().object;
  };
  EXPECT_EQ(probe(secrets.Get(dba, {.tenant = "No Tenant", .path = "my password is 4711!"}, {})), "");
  EXPECT_EQ(probe(key_service.GenerateDataKey(dba, "My Password", "4711!")), "");
  FieldColumn column = EmailColumn({"x"});
  column.field = "my password is 4711!";
  EXPECT_EQ(probe(fields.Decrypt(dba, {column})), "");
  column.field = "shop.user.email";
  column.tenant = "4711!";
  EXPECT_EQ(probe(fields.Decrypt(dba, {column})), "?shop.user.email");
}

}  // namespace
}  // namespace coffer::keysvc
