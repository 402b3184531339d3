// What AccessService refuses, on the wire, and what the metadata of approvals may hold.
#include <unistd.h>

#include "coffer/v1/access.pb.h"
#include "tests/keysvc/rpc/bad_input.h"
#include "tests/keysvc/service/people.h"

namespace coffer::keysvc {
namespace {

const std::string kMarkerText = kMarker;

class BadAccessInputs : public BadInput {
 protected:
  void SetUp() override {
    StartShop();
    ApplyPolicy();
  }
  // Applies a policy that keeps something for an emergency of our own as an application.
  void KeepForAnEmergency() {
    const StoreUuid store = StoreUuid::Parse(Status().store_uuid()).value();
    const std::string text =
        people.PolicyText(2, people.BreakGlassText("roles = [\"app\"]\nprincipals = [\"" + OwnApp() +
                                                   "\"]\noperations = [\"GetSecret\"]\ntenants = \"all\"\n"));
    const Answer applied =
        Call("AccessService.ApplyPolicy",
             "policy: " + Quoted(text) + " signatures: " + Quoted(people.Signatures(store, text, 2)));
    ASSERT_TRUE(applied.ok()) << applied.ToText();
  }
  policy::BreakGlassStatement Statement() {
    return {.store = StoreUuid::Parse(Status().store_uuid()).value(),
            .id = policy::ApprovalUuid::Generate(1),
            .policy_serial = 2,
            .principal = OwnApp(),
            .not_after_unix_s = SystemClock().UnixMicros() / kMicrosPerSecond + 1'800,
            .reason = "ticket 4711"};
  }
  static std::string OwnApp() { return "unix:app:" + std::to_string(geteuid()); }
  // A call as the administrator, with this metadata.
  Answer Destroy(const Metadata& metadata) {
    return As(policy::Role::kAdmin).Call("SecretService.DestroySecret", "path: 'app/db' versions: 2", metadata);
  }

  const People people{"unix:admin:" + std::to_string(geteuid())};
};

TEST_F(BadAccessInputs, PoliciesThatAreNone) {
  const std::string rpc = "AccessService.ApplyPolicy";
  const std::string next = "policy: " + Quoted(people.PolicyText(2));
  ExpectRefused({
      Invalid(rpc, "", "policy.serial: is required"),
      Invalid(rpc, "policy: " + Quoted(kMarkerText), "policy:1: "),
      Invalid(rpc, "policy: " + Quoted(std::string(256 * 1024 + 1, '#')),
              "policy: is longer than allowed (limit 262144)"),
      Invalid(rpc, next + " signatures: " + Quoted(std::string(16 * 1024 + 1, 's')),
              "signatures: is longer than allowed (limit 16384)"),
      Invalid(rpc, next, "signatures: are no signature lines"),
      Invalid(rpc, next + " signatures: " + Quoted(kMarkerText), "signatures: are no signature lines"),
      Invalid(rpc, next + " signatures: 'x' recovery { }", "recovery: stands instead of signatures"),
      Invalid(rpc, next + " recovery { recipients: " + Quoted(kMarkerText) + " }", "recipients"),
      Conflict(rpc, "policy: " + Quoted(people.PolicyText(1)), "serial: must be higher"),
  });
  const StoreUuid other = StoreUuid::Generate(1);
  ExpectRefused(Denied(rpc, next + " signatures: " + Quoted(people.Signatures(other, people.PolicyText(2), 2)),
                       "signatures: needs more signatures of administrators"));
}

TEST_F(BadAccessInputs, PoliciesAndApprovalsThatAreNotThere) {
  const std::string signature = " signature: 'x'";
  ExpectRefused(NotFound("AccessService.GetPolicy", "serial: 2", "serial: no policy of this serial"));
  for (const char* const id : {"", "x", "HUNTER2hunter2", "01926e3a-0000-7000-8000-00000000000", "../../etc"}) {
    ExpectRefused({
        Invalid("AccessService.Approve", "id: " + Quoted(id) + signature, "approval: is no approval's id"),
        Invalid("AccessService.Deny", "id: " + Quoted(id), "approval: is no approval's id"),
    });
  }
  const std::string none = "id: '01926e3a-0000-7000-8000-000000000000'";
  ExpectRefused({
      NotFound("AccessService.Approve", none + signature, "approval: there is none of this id"),
      NotFound("AccessService.Deny", none, "approval: there is none of this id"),
      Invalid("AccessService.Approve", none + " signature: " + Quoted(std::string(16 * 1024 + 1, 's')),
              "signature: is longer than allowed (limit 16384)"),
  });
}

TEST_F(BadAccessInputs, GrantsThatAreNone) {
  const std::string issue = "AccessService.IssueGrant";
  const std::string revoke = "AccessService.RevokeGrant";
  const std::string text =
      "[grant.issued-x]\nroles = [\"app\"]\nprincipals = [\"unix:app:1\"]\n"
      "operations = [\"GetSecret\"]\ntenants = \"all\"\n";
  const std::string reason = " reason: 'a test'";
  ExpectRefused({
      Invalid(issue, "", "grant: "),
      Invalid(issue, "grant: " + Quoted(kMarkerText), "grant:1: "),
      Invalid(issue, "grant: " + Quoted(std::string(16 * 1024 + 1, '#')),
              "grant: is longer than allowed (limit 16384)"),
      Invalid(issue, "grant: " + Quoted(text), "not_after"),
      Invalid(issue, "grant: " + Quoted(text + "not_after = 2999-01-01T00:00:00Z\n"), "not_after"),
      NotFound(revoke, "name: 'issued-x'" + reason, "name: no grant of this name is in force"),
      NotFound(revoke, "name: " + Quoted(kMarkerText) + reason, "name: no grant of this name is in force"),
      NotFound(revoke, "name: 'break-glass'" + reason, "emergency: none is in use"),
      Invalid(revoke, "name: 'issued-x'", "reason: must be 1 to 200 characters"),
      Invalid(revoke, "name: 'issued-x' reason: " + Quoted(kMarkerText + std::string(200, 'r')),
              "reason: must be 1 to 200 characters"),
      Invalid(revoke, "name: 'issued-x' reason: " + Quoted(kMarkerText + "\x1b[2J"), "reason: must be 1 to 200"),
  });
}

TEST_F(BadAccessInputs, EmergenciesThatAreNone) {
  const std::string use = "AccessService.BreakGlass";
  const std::string review = "AccessService.ReviewBreakGlass";
  const std::string id = "id: '01926e3a-0000-7000-8000-000000000000'";
  ExpectRefused(Precondition(use, "statement: 'x' signature: 'x'", "the policy that holds keeps nothing"));
  ASSERT_NO_FATAL_FAILURE(KeepForAnEmergency());
  const policy::BreakGlassStatement statement = Statement();
  const std::string signature = " signature: " + Quoted(people.offline.Line(statement.ToText()));
  ExpectRefused({
      Invalid(use, "", "statement: is no statement about an emergency"),
      Invalid(use, "statement: " + Quoted(kMarkerText), "statement: is no statement about an emergency"),
      Invalid(use, "statement: " + Quoted(std::string(64 * 1024 + 1, 's')),
              "statement: is longer than allowed (limit 65536)"),
      Invalid(use, "signature: " + Quoted(std::string(16 * 1024 + 1, 's')),
              "signature: is longer than allowed (limit 16384)"),
      Denied(use, "statement: " + Quoted(statement.ToText()) + " signature: " + Quoted(kMarkerText),
             "signature: is no signature over this statement"),
      Denied(use, "statement: " + Quoted(Statement().ToText()) + signature, "signature: is no signature"),
      Invalid(review, id, "review: must be 1 to 200 characters"),
      Invalid(review, id + " review: " + Quoted(kMarkerText + "\n"), "review: must be 1 to 200 characters"),
      Denied(review, id + " review: 'x'", "only persons whom the policy names as auditors"),
  });
}

TEST_F(BadAccessInputs, AnEmergencyIsLoud) {
  ASSERT_NO_FATAL_FAILURE(KeepForAnEmergency());
  const policy::BreakGlassStatement statement = Statement();
  const auto used = Call("AccessService.BreakGlass", "statement: " + Quoted(statement.ToText()) + " signature: " +
                                                         Quoted(people.offline.Line(statement.ToText())));
  ASSERT_TRUE(used.ok()) << used.ToText();
  EXPECT_EQ(used.As<v1::BreakGlassResponse>().id(), statement.id.ToText());
  EXPECT_EQ(used.As<v1::BreakGlassResponse>().until_us(), statement.not_after_unix_s * 1'000'000);
  const auto list = Call("AccessService.ListGrants", "").As<v1::ListGrantsResponse>();
  ASSERT_EQ(list.emergencies_size(), 1);
  EXPECT_TRUE(list.emergencies(0).active());
  EXPECT_EQ(list.emergencies(0).statement(), statement.ToText());
  ASSERT_TRUE(Call("AccessService.RevokeGrant", "name: 'break-glass' reason: 'over'").ok());
  const auto ended = Call("AccessService.ListGrants", "").As<v1::ListGrantsResponse>();
  EXPECT_FALSE(ended.emergencies(0).active());
  EXPECT_GE(ended.emergencies(0).ended_us(), ended.emergencies(0).activated_us());
  EXPECT_EQ(ended.emergencies(0).reviewed_us(), 0);
  for (const std::string& line : {"BreakGlass by " + statement.principal, std::string("RevokeGrant by unix:admin:")}) {
    EXPECT_NE(LogLineWith(line).find("[warning]"), std::string::npos) << line << "\n" << Log();
  }
  EXPECT_NE(LogLineWith("BreakGlass by ").find("ticket 4711"), std::string::npos);
}

TEST_F(BadAccessInputs, TheMetadataOfApprovals) {
  const std::string before = Counts();
  const auto refused = [&](const Metadata& metadata, grpc::StatusCode code, const std::string& text) {
    const Answer answer = Destroy(metadata);
    EXPECT_EQ(answer.code, code) << answer.ToText();
    EXPECT_NE(answer.message.find(text), std::string::npos) << answer.ToText();
    EXPECT_EQ(answer.message.find(kMarker), std::string::npos) << answer.ToText();
    EXPECT_EQ(LogLineWith(kMarker), "");
    EXPECT_EQ(Counts(), before);
  };
  const std::string reason = "coffer-approval-reason-bin";
  refused({}, grpc::StatusCode::FAILED_PRECONDITION, "rule admin-approved: others have to approve this act");
  for (const std::string& text : {kMarkerText + std::string(200, 'r'), kMarkerText + "\n", kMarkerText + "\x1b[2J",
                                  kMarkerText + std::string(1, '\xff')}) {
    refused({{reason, text}}, grpc::StatusCode::INVALID_ARGUMENT,
            "coffer-approval-reason: must be 1 to 200 characters that all show");
  }
  refused({{"coffer-approval", kMarkerText}}, grpc::StatusCode::INVALID_ARGUMENT, "approval: is no approval's id");
  refused({{"coffer-approval", "01926e3a-0000-7000-8000-000000000000"}}, grpc::StatusCode::NOT_FOUND,
          "approval: there is none of this id");
}

TEST_F(BadAccessInputs, WhatIsAskedIsShownAndNotDone) {
  const Answer asked = Destroy({{"coffer-approval-reason-bin", "ticket 4711"}});
  EXPECT_EQ(asked.code, grpc::StatusCode::FAILED_PRECONDITION) << asked.ToText();
  ASSERT_FALSE(asked.asked.empty());
  const auto list = Call("AccessService.ListApprovals", "").As<v1::ListApprovalsResponse>();
  ASSERT_EQ(list.approvals_size(), 1);
  EXPECT_EQ(list.approvals(0).id(), asked.asked);
  EXPECT_NE(list.approvals(0).statement().find("reason ticket 4711\n"), std::string::npos);
  EXPECT_TRUE(Call("SecretService.GetSecret", "path: 'app/db' version: 2").ok());
  EXPECT_TRUE(Call("AccessService.Deny", "id: " + Quoted(asked.asked)).ok());
  EXPECT_EQ(Destroy({{"coffer-approval", asked.asked}}).code, grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace coffer::keysvc
