// Who is let in, as administrators change it: what is asked of others, what is refused before it is asked, and that the
// record tells what was done, never the token.
#include "keysvc/service/identity_service.h"

#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {
namespace {

constexpr char kOrders[] = "spiffe://example.org/role/app/orders";
const std::string kNoId = "01926e3a-0000-7000-8000-000000000000";

class IdentityServiceTest : public ServiceFixture {
 protected:
  void SetUp() override {
    StartShop();
    people.Apply(access, Open()->uuid);
  }
  std::shared_ptr<Unsealed> Open() { return barrier->Enter().value(); }
  static AccessTokens::Wanted Wanted() { return {.principal = kOrders, .listener = "tokens", .lifetime_s = 3'600}; }

  Result<AccessTokens::Made> Make(const AccessTokens::Wanted& wanted = Wanted()) {
    return people.Approved(
        access, admin, [&](const Caller& by) { return identity.CreateToken(by, wanted); }, "orders runs elsewhere");
  }
  Result<bool> Allow(const Digest& sha256) {
    return people.Approved(access, admin, [&](const Caller& by) { return identity.AllowCertificate(by, sha256); });
  }
  std::map<std::string, std::string> FactsOf(const std::string& id) {
    const std::vector<PendingApproval> waiting = access.ListApprovals(admin).value();
    for (const PendingApproval& pending : waiting) {
      const auto& lines = pending.statement.facts.lines();
      if (pending.statement.id.ToText() == id) return {lines.begin(), lines.end()};
    }
    return {};
  }
  // As many as may be, in one commit.
  void FillWithTokens() {
    AccessTokenRecord record{.id = {},
                             .digest = {},
                             .principal = kOrders,
                             .listener = "tokens",
                             .created_us = clock.UnixMicros(),
                             .not_after_us = clock.UnixMicros() + 60'000'000,
                             .created_by = "unix:admin:7",
                             .reason = "a test"};
    {
      const std::shared_ptr<Unsealed> open = Open();
      StoreMutation mutation = open->store->Begin().value();
      for (std::size_t i = 0; i < kMaxAccessTokens; ++i) {
        record.id = Uuid::Generate(i + 1);
        record.digest = Sha256({AsBytes(std::to_string(i))});
        ASSERT_TRUE(mutation.Insert(Table::kAccessToken, ToRow(record)).ok());
      }
      ASSERT_TRUE(mutation.Commit().ok());
    }
    ASSERT_TRUE(barrier->Seal().ok());
    ASSERT_TRUE(barrier->Unseal(KeyFile()).ok());
  }
  const CallRecord& Last() const { return recorded.records.back(); }
  template <typename T>
  static std::string Code(const Result<T>& result) {
    return result.ok() ? "" : std::string(ErrorCodeName(result.error().code()));
  }

  const IdentityService identity{pipeline};
  const People people;
  const Digest certificate = Sha256({AsBytes("a certificate")});
};

TEST_F(IdentityServiceTest, ATokenIsMadeWithApprovalOnly) {
  EXPECT_EQ(Code(identity.CreateToken(admin, Wanted())), "failed_precondition");
  const std::string id = People::Ask(admin, [&](const Caller& by) { return identity.CreateToken(by, Wanted()); });
  EXPECT_EQ(FactsOf(id), (std::map<std::string, std::string>{
                             {"principal", kOrders}, {"listener", "tokens"}, {"lifetime-s", "3600"}}));
  Caller using_it = admin;
  using_it.approval.id = id;
  EXPECT_EQ(Code(identity.CreateToken(using_it, Wanted())), "failed_precondition") << "it waits";
  ASSERT_TRUE(people.Approve(access, people.bob, id).ok());
  AccessTokens::Wanted other = Wanted();
  other.lifetime_s += 1;
  EXPECT_EQ(Code(identity.CreateToken(using_it, other)), "permission_denied") << "another one was approved";
  EXPECT_TRUE(identity.ListTokens(admin)->empty());
  const Result<AccessTokens::Made> made = identity.CreateToken(using_it, Wanted());
  ASSERT_TRUE(made.ok()) << made.error().ToString();
  EXPECT_EQ(Last().object, made->record.id.ToText());
  EXPECT_EQ(Last().reason, "for " + std::string(kOrders) + ", approval " + id + " by bob: a test");
  EXPECT_EQ(Last().rule, "admin-approved");
  EXPECT_EQ(Code(identity.CreateToken(using_it, Wanted())), "not_found") << "one approval, one token";
  const std::vector<AccessTokenRecord> list = identity.ListTokens(admin).value();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(Last().items, 1U);
  EXPECT_EQ(list.front().created_by, admin.principal.id);
  EXPECT_EQ(list.front().reason, "a test");
}

TEST_F(IdentityServiceTest, WhatCannotBeMadeIsNotAskedOfOthers) {
  Caller asking = admin;
  asking.approval.reason = "a test";
  AccessTokens::Wanted wanted = Wanted();
  wanted.principal = "spiffe://example.org/role/admin/root";
  EXPECT_EQ(Code(identity.CreateToken(asking, wanted)), "invalid_argument");
  wanted = Wanted();
  wanted.listener = "No Name";
  EXPECT_EQ(Code(identity.CreateToken(asking, wanted)), "invalid_argument");
  wanted = Wanted();
  wanted.lifetime_s = 59;
  EXPECT_EQ(Code(identity.CreateToken(asking, wanted)), "invalid_argument");
  EXPECT_EQ(Code(identity.AllowCertificate(asking, certificate)), "not_found");
  ASSERT_NO_FATAL_FAILURE(FillWithTokens());
  EXPECT_EQ(Code(identity.CreateToken(asking, Wanted())), "resource_exhausted");
  EXPECT_TRUE(access.ListApprovals(admin)->empty());
}

TEST_F(IdentityServiceTest, NoTokenStandsForAPersonInWhateverRole) {
  const People::Person dave("dave", 5, "spiffe://example.org/role/auditor/dave");
  people.Apply(access, Open()->uuid, 2, People::PersonText(dave));
  Caller asking = admin;
  asking.approval.reason = "a test";
  AccessTokens::Wanted wanted = Wanted();
  for (const char* role : {"app", "dba", "backup-agent"}) {
    wanted.principal = std::string("spiffe://example.org/role/") + role + "/dave";
    EXPECT_EQ(Code(identity.CreateToken(asking, wanted)), "permission_denied") << role;
  }
  EXPECT_TRUE(access.ListApprovals(admin)->empty());
  EXPECT_EQ(Code(identity.CreateToken(asking, Wanted())), "failed_precondition") << "asked";
}

TEST_F(IdentityServiceTest, OthersThanAdministratorsDoNothing) {
  for (const Caller& caller : {app, dba, auditor}) {
    Caller asking = caller;
    asking.approval.reason = "a test";
    EXPECT_EQ(Code(identity.CreateToken(asking, Wanted())), "permission_denied") << caller.principal.id;
    EXPECT_EQ(Code(identity.AllowCertificate(asking, certificate)), "permission_denied") << caller.principal.id;
    EXPECT_EQ(Code(identity.RevokeToken(caller, kNoId, "why")), "permission_denied") << caller.principal.id;
    EXPECT_EQ(Code(identity.DenyCertificate(caller, certificate, "why")), "permission_denied") << caller.principal.id;
    const bool looks = caller.principal.role == policy::Role::kAuditor;
    EXPECT_EQ(Code(identity.ListTokens(caller)), looks ? "" : "permission_denied") << caller.principal.id;
    EXPECT_EQ(Code(identity.ListDeniedCertificates(caller)), looks ? "" : "permission_denied") << caller.principal.id;
  }
  EXPECT_TRUE(Open()->denied->view()->empty());
}

TEST_F(IdentityServiceTest, ATokenIsRevokedAloneAndWithAReason) {
  const Result<AccessTokens::Made> made = Make();
  ASSERT_TRUE(made.ok()) << made.error().ToString();
  const std::string id = made->record.id.ToText();
  const Digest digest = made->record.digest;
  for (const std::string& reason : {std::string(), std::string("two\nlines"), std::string(201, 'x')}) {
    EXPECT_EQ(Code(identity.RevokeToken(admin, id, reason)), "invalid_argument") << reason;
    EXPECT_EQ(Last().reason, "") << "what is no reason is not recorded";
  }
  EXPECT_TRUE(Open()->tokens->Find(digest, "tokens").ok());
  ASSERT_TRUE(identity.RevokeToken(admin, id, "was in a mail").ok());
  EXPECT_EQ(Last().object, id);
  EXPECT_EQ(Last().reason, "was in a mail");
  EXPECT_EQ(recorded.records[recorded.records.size() - 2].phase, CallRecord::Phase::kBegin);
  EXPECT_EQ(recorded.records[recorded.records.size() - 2].object, id);
  EXPECT_FALSE(Open()->tokens->Find(digest, "tokens").ok());
  EXPECT_EQ(Code(identity.RevokeToken(admin, id, "again")), "not_found");
  EXPECT_EQ(Code(identity.RevokeToken(admin, "HUNTER2", "why")), "invalid_argument");
  EXPECT_EQ(Last().object, "") << "what is no id is not recorded";
}

TEST_F(IdentityServiceTest, ACertificateIsDeniedByOneAndAllowedByTwo) {
  EXPECT_EQ(Code(identity.DenyCertificate(admin, certificate, "")), "invalid_argument");
  EXPECT_TRUE(barrier->denied()->empty());
  ASSERT_TRUE(identity.DenyCertificate(admin, certificate, "its host was stolen").ok());
  EXPECT_EQ(Last().object, ToHex(certificate));
  EXPECT_EQ(Last().reason, "its host was stolen");
  EXPECT_TRUE(barrier->denied()->contains(certificate));
  const std::vector<DeniedCertificateRecord> list = identity.ListDeniedCertificates(auditor).value();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list.front().denied_by, admin.principal.id);

  EXPECT_EQ(Code(identity.AllowCertificate(admin, certificate)), "failed_precondition");
  const std::string id =
      People::Ask(admin, [&](const Caller& by) { return identity.AllowCertificate(by, certificate); });
  EXPECT_EQ(FactsOf(id), (std::map<std::string, std::string>{{"sha256", ToHex(certificate)},
                                                             {"denied-us", std::to_string(clock.UnixMicros())},
                                                             {"denied-by", admin.principal.id},
                                                             {"because", "its host was stolen"}}));
  EXPECT_TRUE(barrier->denied()->contains(certificate));
  const Result<bool> allowed = Allow(certificate);
  ASSERT_TRUE(allowed.ok()) << allowed.error().ToString();
  EXPECT_EQ(Last().object, ToHex(certificate));
  EXPECT_FALSE(barrier->denied()->contains(certificate));
}

TEST_F(IdentityServiceTest, ApprovalOfAnAllowIsOfThatDenial) {
  ASSERT_TRUE(identity.DenyCertificate(admin, certificate, "lost").ok());
  const auto allow = [&](const Caller& by) { return identity.AllowCertificate(by, certificate); };
  const std::string id = People::Ask(admin, allow);
  ASSERT_TRUE(people.Approve(access, people.bob, id).ok());
  ASSERT_TRUE(Allow(certificate).ok()) << "by another approval";
  clock.Advance(1'000'000);
  ASSERT_TRUE(identity.DenyCertificate(admin, certificate, "found, and misused").ok());
  Caller using_it = admin;
  using_it.approval.id = id;
  EXPECT_EQ(Code(allow(using_it)), "permission_denied") << "it was denied anew since";
  EXPECT_TRUE(barrier->denied()->contains(certificate));
}

TEST_F(IdentityServiceTest, EachChangeMovesTheGenerationAndCallsOfBeforeAreDoneAgain) {
  std::uint64_t before = barrier->generation();
  const auto moved = [&] {
    const std::uint64_t now = barrier->generation();
    return std::exchange(before, now) != now;
  };
  const Result<AccessTokens::Made> made = Make();
  EXPECT_TRUE(moved());
  ASSERT_TRUE(identity.RevokeToken(admin, made->record.id.ToText(), "over").ok());
  EXPECT_TRUE(moved());
  ASSERT_TRUE(identity.DenyCertificate(admin, certificate, "lost").ok());
  EXPECT_TRUE(moved());
  ASSERT_TRUE(Allow(certificate).ok());
  EXPECT_TRUE(moved());
}

TEST_F(IdentityServiceTest, ASealedServiceKnowsWhatWasDeniedAndNoToken) {
  const Result<AccessTokens::Made> made = Make();
  ASSERT_TRUE(identity.DenyCertificate(admin, certificate, "lost").ok());
  ASSERT_TRUE(barrier->Seal().ok());
  EXPECT_TRUE(barrier->denied()->contains(certificate));
  EXPECT_EQ(Code(identity.ListTokens(admin)), "sealed");
  EXPECT_EQ(Code(identity.DenyCertificate(admin, certificate, "lost")), "sealed");
  ASSERT_TRUE(barrier->Unseal(KeyFile()).ok());
  EXPECT_TRUE(barrier->denied()->contains(certificate));
  EXPECT_TRUE(Open()->tokens->Find(made->record.digest, "tokens").ok());
  barrier = OpenBarrier(store, clock);
  EXPECT_EQ(barrier->denied(), nullptr) << "a service that starts knows nothing before it is unsealed";
  ASSERT_TRUE(barrier->Unseal(KeyFile()).ok());
  EXPECT_TRUE(barrier->denied()->contains(certificate));
  EXPECT_TRUE(Open()->tokens->Find(made->record.digest, "tokens").ok());
}

TEST_F(IdentityServiceTest, ARecordTellsATokenFromAJsonWebToken) {
  Caller by_token = auditor;
  by_token.principal.method = policy::Principal::Method::kToken;
  EXPECT_TRUE(identity.ListTokens(by_token).ok());
  EXPECT_EQ(Last().authentication, audit::Authentication::kToken);
  by_token.principal.method = policy::Principal::Method::kJwt;
  EXPECT_TRUE(identity.ListTokens(by_token).ok());
  EXPECT_EQ(Last().authentication, audit::Authentication::kJwt);
}

TEST_F(IdentityServiceTest, TheTokenIsInNoRecord) {
  const Result<AccessTokens::Made> made = Make();
  ASSERT_TRUE(made.ok());
  const std::string text(AsText(made->token.Expose(SecretAccess::kTest)));
  ASSERT_TRUE(identity.RevokeToken(admin, made->record.id.ToText(), "over").ok());
  EXPECT_EQ(Code(identity.RevokeToken(admin, text, "why")), "invalid_argument");
  std::size_t seen = 0;
  for (const CallRecord& record : recorded.records) {
    for (const std::string& said : {record.object, record.reason, record.tenant, std::string(record.failure)}) {
      EXPECT_EQ(said.find(text.substr(5, 12)), said.npos);
      seen += said.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(seen, 5U);
}

}  // namespace
}  // namespace coffer::keysvc
