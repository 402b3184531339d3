// Grants for a time: who issues one, what approvers see of it, what it lets through, and how it ends.
#include "tests/keysvc/service/beside_fixture.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kEnd = 1'700'006'400 * kSecond;  // of the grant; 6,400 s after the clock's beginning

std::string GrantText(const std::string& name = "debug", const std::string& until = "2023-11-15T00:00:00Z") {
  return "[grant.issued-" + name + R"(]
roles = ["app"]
principals = ["unix:app:7"]
operations = ["DecryptFields"]

fields = ["shop.connection.password"]   # ticket 4711
classes = "all"
keyrings = "all"
tenants = "all"
not_after = )" +
         until + "\n";
}

class GrantsTest : public BesideFixture {
 protected:
  void SetUp() override {
    BesideFixture::SetUp();
    ASSERT_TRUE(Apply(1).ok());
  }
  auto Issuing(const std::string& text) {
    return [this, text](const Caller& by) { return access.IssueGrant(by, text); };
  }
  // Asked for, approved by bob, and done.
  Result<std::string> Issue(const std::string& text = GrantText()) {
    return people.Approved(access, admin, Issuing(text), "ticket 4711");
  }
  // Without others, as far as the service is concerned.
  Result<std::string> IssueAlone(const std::string& text) {
    return grants().Issue(*barrier->policy(), text, "unix:admin:7", "a test");
  }
  // The error of asking for it; "asked" when it waits.
  std::string Asked(const std::string& text) {
    Caller asking = admin;
    asking.approval.reason = "a test";
    const std::string code = Code(access.IssueGrant(asking, text));
    return access.ListApprovals(admin)->empty() ? code : "asked";
  }
  std::string Revoke(const std::string& name, const std::string& reason = "done") {
    return Code(access.RevokeGrant(admin, name, reason));
  }
};

TEST_F(GrantsTest, OneLetsADeniedActThroughUntilItsEnd) {
  EXPECT_EQ(Reads(app), "permission_denied");
  EXPECT_EQ(Issue().value(), "issued-debug");
  EXPECT_EQ(recorded.records.back().object, "issued-debug");
  EXPECT_NE(recorded.records.back().reason.find("by bob: ticket 4711"), std::string::npos);
  EXPECT_EQ(Reads(app), "");
  EXPECT_EQ(Rule(), "issued-debug");
  EXPECT_EQ(recorded.records.back().policy->serial(), 1U);
  EXPECT_EQ(Reads(As("unix:app:8")), "permission_denied") << "of another principal";
  const AccessService::InForce in_force = access.ListGrants(auditor).value();
  ASSERT_EQ(in_force.grants.size(), 1U);
  EXPECT_EQ(in_force.grants.front().text, GrantText());
  EXPECT_EQ(in_force.grants.front().issued_by, "unix:admin:7");
  EXPECT_EQ(in_force.grants.front().reason, "ticket 4711");
  EXPECT_TRUE(in_force.emergencies.empty());
  clock.Advance(kEnd - clock.UnixMicros() - 1);
  EXPECT_EQ(Reads(app), "");
  clock.Advance(1);
  EXPECT_EQ(Reads(app), "permission_denied");
  EXPECT_EQ(Rule(), "default-deny");
  EXPECT_TRUE(access.ListGrants(admin)->grants.empty());
}

TEST_F(GrantsTest, ApproversSignEveryLineOfIt) {
  const std::string id = People::Ask(admin, Issuing(GrantText()));
  EXPECT_EQ(Reads(app), "permission_denied") << "only asked for";
  std::string shown;
  std::map<std::string, std::string> facts;
  const std::vector<PendingApproval> waiting = access.ListApprovals(admin).value();
  for (const auto& [key, value] : waiting.front().statement.facts.lines()) {
    facts[key] = value;
    if (key == "line") shown += value + "\n";
  }
  EXPECT_EQ(facts["name"], "issued-debug");
  EXPECT_EQ(facts["to"], "unix:app:7");
  EXPECT_EQ(facts["gives"], "DecryptFields");
  EXPECT_EQ(facts["sha256"], ToHex(Sha256({AsBytes(GrantText())})));
  std::string expected = GrantText();
  expected.erase(expected.find("\n\n"), 1);
  EXPECT_EQ(shown, expected);
  ASSERT_TRUE(people.Approve(access, people.bob, id).ok());
  Caller using_it = admin;
  using_it.approval.id = id;
  EXPECT_EQ(Code(access.IssueGrant(using_it, GrantText("debug", "2023-11-15T00:00:01Z"))), "permission_denied")
      << "another end";
  EXPECT_EQ(Code(access.IssueGrant(using_it, GrantText())), "");
  EXPECT_EQ(Code(access.IssueGrant(using_it, GrantText("again"))), "not_found") << "used";
}

TEST_F(GrantsTest, WhatCannotBeIssuedIsNotAsked) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string text = GrantText();
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_EQ(Asked(""), "invalid_argument");
  EXPECT_EQ(Asked("serial = 2\n"), "invalid_argument");
  EXPECT_EQ(Asked(with("issued-debug", "debug")), "invalid_argument");
  EXPECT_EQ(Asked(with("principals = [\"unix:app:7\"]\n", "")), "invalid_argument");
  EXPECT_EQ(Asked(GrantText("debug", "2023-12-15T00:00:00Z")), "invalid_argument") << "31 days";
  EXPECT_EQ(Asked(GrantText("debug", "2023-11-14T22:13:20Z")), "invalid_argument") << "over";
  EXPECT_EQ(Asked(with("DecryptFields", "DestroySecret")), "invalid_argument");
  EXPECT_EQ(Asked(with("DecryptFields", "RotateKek")), "invalid_argument") << "never of an application";
  EXPECT_EQ(Asked(with("   # ticket", "\t# ticket")), "invalid_argument") << "a line that does not show as it is";
  EXPECT_EQ(Asked(with("# ticket", "#" + std::string(2'100, 'x'))), "invalid_argument") << "a line that is cut";
  Caller nobody = As("unix:admin:99");
  EXPECT_EQ(Code(access.IssueGrant(nobody, GrantText())), "failed_precondition");
  EXPECT_EQ(Code(access.IssueGrant(dba, GrantText())), "permission_denied");
  EXPECT_TRUE(access.ListApprovals(admin)->empty());
  ASSERT_TRUE(Issue().ok());
  EXPECT_EQ(Asked(GrantText()), "already_exists");
  EXPECT_EQ(Asked(GrantText("other")), "asked");
}

TEST_F(GrantsTest, ItEndsWhenItIsRevoked) {
  ASSERT_TRUE(Issue().ok());
  EXPECT_EQ(Reads(app), "");
  EXPECT_EQ(Revoke("issued-debug", ""), "invalid_argument");
  EXPECT_EQ(Revoke("issued-debug", "two\nlines"), "invalid_argument");
  EXPECT_EQ(recorded.records.back().reason, "");
  EXPECT_EQ(Code(access.RevokeGrant(dba, "issued-debug", "done")), "permission_denied");
  EXPECT_EQ(Revoke("HUNTER2 hunter2"), "not_found");
  EXPECT_EQ(recorded.records.back().object, "") << "what is no name is not written down";
  EXPECT_EQ(Revoke("emails"), "not_found") << "the policy's own";
  EXPECT_EQ(Reads(app), "");
  EXPECT_EQ(Revoke("issued-debug"), "");
  EXPECT_EQ(recorded.records.back().object, "issued-debug");
  EXPECT_EQ(recorded.records.back().reason, "done");
  EXPECT_EQ(Reads(app), "permission_denied");
  EXPECT_EQ(Revoke("issued-debug"), "not_found");
  EXPECT_EQ(Rows(Table::kAccessGrant), 0U);
  ASSERT_TRUE(Issue().ok()) << "its name is free again";
  EXPECT_EQ(Reads(app), "");
}

TEST_F(GrantsTest, AnotherPolicyEndsThemAllAtOnce) {
  ASSERT_TRUE(Issue().ok());
  const PolicyPointer before = barrier->policy();
  ASSERT_TRUE(Apply(2).ok());
  EXPECT_EQ(Reads(app), "permission_denied");
  EXPECT_TRUE(access.ListGrants(admin)->grants.empty());
  EXPECT_EQ(Revoke("issued-debug"), "not_found");
  Restart();
  EXPECT_EQ(Reads(app), "permission_denied");
  EXPECT_EQ(Code(grants().Issue(*before, GrantText("late"), "unix:admin:7", "a test")), "unavailable")
      << "decided under the policy before";
  EXPECT_EQ(Rows(Table::kAccessGrant), 1U);
  EXPECT_TRUE(access.ListGrants(admin)->grants.empty());
  ASSERT_TRUE(Issue(GrantText("new")).ok());
  EXPECT_EQ(Rows(Table::kAccessGrant), 1U) << "the old one's row goes";
  EXPECT_EQ(Reads(app), "");
}

TEST_F(GrantsTest, ItSurvivesARestartUntilItsEnd) {
  ASSERT_TRUE(Issue(GrantText("debug", "2023-12-14T22:13:20Z")).ok()) << "30 days";
  Restart();
  EXPECT_EQ(Reads(app), "");
  EXPECT_EQ(Rule(), "issued-debug");
  clock.Advance(policy::kMaxIssuedGrantLife * kSecond - 1);
  Restart();
  EXPECT_EQ(Reads(app), "") << "its end is near, and it was long to begin with";
  clock.Advance(1);
  EXPECT_EQ(Reads(app), "permission_denied");
  Restart();
  EXPECT_EQ(Reads(app), "permission_denied");
}

TEST_F(GrantsTest, AForbidStillWins) {
  ASSERT_TRUE(Apply(2, R"([forbid.passwords]
roles = ["app"]
operations = ["DecryptFields"]
fields = ["shop.connection.password"]
classes = "all"
keyrings = "all"
tenants = "all"
)")
                  .ok());
  ASSERT_TRUE(Issue().ok());
  EXPECT_EQ(Reads(app), "permission_denied");
  EXPECT_EQ(Rule(), "passwords");
}

TEST_F(GrantsTest, OnlySoManyAreInForce) {
  for (std::size_t i = 0; i < policy::kMaxIssuedGrants; ++i) {
    ASSERT_TRUE(IssueAlone(GrantText("g" + std::to_string(i))).ok());
  }
  EXPECT_EQ(Asked(GrantText()), "resource_exhausted");
  EXPECT_EQ(Code(IssueAlone(GrantText())), "resource_exhausted");
  EXPECT_EQ(access.ListGrants(admin)->grants.size(), policy::kMaxIssuedGrants);
  clock.Advance(kEnd - clock.UnixMicros());
  ASSERT_TRUE(Issue(GrantText("g0", "2023-11-16T00:00:00Z")).ok());
  EXPECT_EQ(Rows(Table::kAccessGrant), 1U) << "those that are over go";
  EXPECT_EQ(Reads(app), "");
}

TEST_F(GrantsTest, ANameThatIsOverIsFreeAgain) {
  ASSERT_TRUE(Issue().ok());
  clock.Advance(kEnd - clock.UnixMicros());
  ASSERT_TRUE(Issue(GrantText("debug", "2023-11-16T00:00:00Z")).ok());
  EXPECT_EQ(Reads(app), "");
}

TEST_F(GrantsTest, NoneIsIssuedByAClockThatWentBack) {
  ASSERT_TRUE(Issue().ok());
  clock.SetUnixMicros(clock.UnixMicros() - 1);
  EXPECT_EQ(Asked(GrantText("other")), "failed_precondition");
  EXPECT_EQ(Code(IssueAlone(GrantText("other"))), "failed_precondition");
  clock.SetUnixMicros(clock.UnixMicros() + 1);
  EXPECT_EQ(Code(IssueAlone(GrantText("other"))), "");
}

TEST_F(GrantsTest, AClockThatWasAheadUnderAnotherPolicyStopsNothing) {
  const std::int64_t now = clock.UnixMicros();
  clock.SetUnixMicros(now + 3'600'000'000);
  ASSERT_TRUE(Issue().ok());
  clock.SetUnixMicros(now);
  EXPECT_EQ(Code(IssueAlone(GrantText("other"))), "failed_precondition");
  ASSERT_TRUE(Apply(2).ok());
  EXPECT_EQ(Code(IssueAlone(GrantText("other"))), "");
}

TEST_F(GrantsTest, OnlyWhatIsInForceMovesTheGeneration) {
  std::uint64_t before = barrier->generation();
  EXPECT_EQ(Revoke("issued-debug"), "not_found");
  EXPECT_EQ(Asked(GrantText()), "asked");
  EXPECT_EQ(barrier->generation(), before) << "calls that run meanwhile are disturbed by nothing";
  ASSERT_TRUE(Issue().ok());
  EXPECT_NE(barrier->generation(), before) << "what was decided before is decided again before it is released";
  before = barrier->generation();
  EXPECT_EQ(Revoke("issued-debug"), "");
  EXPECT_NE(barrier->generation(), before);
}

TEST_F(GrantsTest, OneInTheStoreThatNobodyIssuedOpensNothing) {
  AccessGrantRecord record{.name = "issued-debug",
                           .policy_serial = 2,
                           .text = "no grant",
                           .issued_us = clock.UnixMicros(),
                           .issued_by = "unix:admin:7",
                           .reason = "a test"};
  EXPECT_EQ(CodeWithRow(Table::kAccessGrant, ToRow(record)), "") << "of another policy, it is just not in force";
  record.policy_serial = 1;
  record.name = "issued-other";
  record.text = GrantText();
  EXPECT_EQ(CodeWithRow(Table::kAccessGrant, ToRow(record)), "integrity") << "the name of another";
}

TEST_F(GrantsTest, OneInTheStoreThatIsTooLongOpensNothing) {
  const AccessGrantRecord record{.name = "issued-debug",
                                 .policy_serial = 1,
                                 .text = GrantText("debug", "2030-01-01T00:00:00Z"),
                                 .issued_us = clock.UnixMicros(),
                                 .issued_by = "unix:admin:7",
                                 .reason = "a test"};
  EXPECT_EQ(CodeWithRow(Table::kAccessGrant, ToRow(record)), "integrity");
}

}  // namespace
}  // namespace coffer::keysvc
