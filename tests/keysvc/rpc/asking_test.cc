// Approvals of whatever a policy asks them for, on the wire: what is approved is the request's bytes, and a call that
// is done again because something changed meanwhile is done once.
#include <thread>

#include "coffer/v1/field.pb.h"
#include "coffer/v1/secret.pb.h"
#include "tests/keysvc/rpc/door_fixture.h"
#include "tests/keysvc/service/asking_policy.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

using policy::Operation;

constexpr char kReason[] = "coffer-approval-reason-bin";
constexpr char kUse[] = "coffer-approval";

class AskingTest : public DoorFixture {
 protected:
  void SetUp() override {
    StartShop();
    for (const char* const value : {"first", "second"}) {
      ASSERT_TRUE(secrets
                      .Put(app, {.name = {.tenant = "", .path = "a"},
                                 .value = AsBytes(value),
                                 .expected_version = std::nullopt,
                                 .expires_us = 0,
                                 .metadata = std::nullopt})
                      .ok());
    }
    emails = Encrypted(EmailColumn({"ann@example.org", "ben@example.org"}));
    AskingPolicy{
        .asking = {{policy::Role::kApp, {Operation::kGetSecret, Operation::kDecryptFields, Operation::kPutSecret}}}}
        .Apply(people, access, barrier->Enter().value()->uuid, 1);
    Listen(policy::Role::kApp);
  }

  Answer Call(const std::string& rpc, const std::string& request, const Metadata& metadata = {}) const {
    return NewWire(policy::Role::kApp).Call(rpc, request, metadata);
  }
  // The id.
  std::string Ask(const std::string& rpc, const std::string& request) const {
    const Answer asked = Call(rpc, request, {{kReason, "a test"}});
    EXPECT_EQ(asked.code, grpc::StatusCode::FAILED_PRECONDITION) << asked.ToText();
    EXPECT_NE(asked.asked, "") << asked.ToText();
    return asked.asked;
  }
  std::string Approved(const std::string& rpc, const std::string& request) const {
    const std::string id = Ask(rpc, request);
    const coffer::Status approved = people.Approve(access, people.bob, id);
    EXPECT_TRUE(approved.ok()) << approved.error().ToString();
    return id;
  }
  // How the statement names the request.
  std::string CodeOf(const std::string& id) const {
    const auto waiting = access.ListApprovals(admin).value();
    for (const PendingApproval& pending : waiting) {
      if (pending.statement.id.ToText() == id) return pending.statement.facts.lines().back().second;
    }
    return "";
  }
  std::string DecryptRequest(std::size_t row) const {
    return "columns { field: 'shop.user.email' values: " + Quoted(emails[row]) +
           " rows { parts { int64: " + std::to_string(row + 1) + " } } }";
  }
  // Something that every call has to be decided again after.
  void MoveGeneration() {
    const auto unsealed = barrier->Enter().value();
    EXPECT_TRUE(unsealed->policies->UseGrants(1, {}).ok());
  }

  const People& people = approver.people;
  std::vector<std::string> emails;
};

TEST_F(AskingTest, WhatIsApprovedIsThisRequest) {
  const std::string get = "SecretService.GetSecret";
  const std::string id = Approved(get, "path: 'a' version: 1");
  for (const char* const other :
       {"path: 'a'", "path: 'a' version: 2", "path: 'b' version: 1", "path: 'a' version: 1 tenant: 'default'"}) {
    const Answer refused = Call(get, other, {{kUse, id}});
    EXPECT_EQ(refused.code, grpc::StatusCode::PERMISSION_DENIED) << other << refused.ToText();
  }
  EXPECT_EQ(Call(get, "version: 1 path: 'a'", {{kUse, id}}).As<v1::GetSecretResponse>().value(), "first");
  EXPECT_EQ(Call(get, "path: 'a' version: 1", {{kUse, id}}).code, grpc::StatusCode::NOT_FOUND);
}

TEST_F(AskingTest, ACiphertextIsPartOfTheRequest) {
  const std::string decrypt = "FieldService.DecryptFields";
  const std::string id = Approved(decrypt, DecryptRequest(0));
  EXPECT_EQ(Call(decrypt, DecryptRequest(1), {{kUse, id}}).code, grpc::StatusCode::PERMISSION_DENIED);
  const Answer done = Call(decrypt, DecryptRequest(0), {{kUse, id}});
  EXPECT_EQ(done.As<v1::DecryptFieldsResponse>().columns(0).values(0), "ann@example.org");
  EXPECT_EQ(Call(decrypt, DecryptRequest(0), {{kUse, id}}).code, grpc::StatusCode::NOT_FOUND);
}

TEST_F(AskingTest, TheCodeOfARequestIsTheSameForTheSame) {
  const std::string put = "SecretService.PutSecret";
  const std::string code = CodeOf(Ask(put, "path: 'a' value: '1234'"));
  EXPECT_EQ(code.find("hmac-sha256:"), 0u) << code;
  EXPECT_EQ(CodeOf(Ask(put, "path: 'a' value: '1234'")), code);
  EXPECT_NE(CodeOf(Ask(put, "path: 'a' value: '1235'")), code);
  // Of another type, with the same bytes.
  EXPECT_NE(CodeOf(Ask("SecretService.GetSecret", "path: 'a'")), CodeOf(Ask(put, "path: 'a'")));
}

TEST_F(AskingTest, ACallThatIsDoneAgainUsesItsApprovalOnce) {
  for (const auto& [rpc, request] :
       {std::pair<std::string, std::string>("SecretService.GetSecret", "path: 'a'"),
        std::pair<std::string, std::string>("FieldService.DecryptFields", DecryptRequest(0))}) {
    SCOPED_TRACE(rpc);
    const std::string id = Approved(rpc, request);
    const std::size_t before = stop.passed(app.principal.id);
    stop.Hold(app.principal.id);
    Answer answer;
    std::thread caller([&, &rpc = rpc, &request = request] { answer = Call(rpc, request, {{kUse, id}}); });
    EXPECT_TRUE(WaitUntil([&] { return stop.waiting() == 1; }));
    MoveGeneration();
    stop.Release();
    caller.join();
    EXPECT_TRUE(answer.ok()) << answer.ToText();
    EXPECT_EQ(stop.passed(app.principal.id), before + 2) << "done again";
    EXPECT_EQ(Call(rpc, request, {{kUse, id}}).code, grpc::StatusCode::NOT_FOUND);
  }
}

TEST_F(AskingTest, ACallThatIsDoneAgainAsksOnce) {
  stop.Hold(app.principal.id);
  std::string id;
  std::thread caller([&] { id = Ask("SecretService.GetSecret", "path: 'a'"); });
  EXPECT_TRUE(WaitUntil([&] { return stop.waiting() == 1; }));
  MoveGeneration();
  stop.Release();
  caller.join();
  EXPECT_EQ(stop.passed(app.principal.id), 2u) << "done again";
  const auto waiting = access.ListApprovals(admin).value();
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting.front().statement.id.ToText(), id);
}

}  // namespace
}  // namespace coffer::keysvc
