// Reading the audit log where a policy asks approvals for it: what needs no open store otherwise.
#include "tests/keysvc/service/asking_policy.h"
#include "tests/keysvc/service/audit_service_fixture.h"

namespace coffer::keysvc {
namespace {

using policy::Operation;

class AuditAskingTest : public AuditServiceFixture {
 protected:
  void SetUp() override {
    AuditServiceFixture::SetUp();
    Follow();
    StartShop();
    AskingPolicy{.asking = {{policy::Role::kAuditor, {Operation::kQueryRecords, Operation::kTailRecords}}}}.Apply(
        people, access, barrier->Enter().value()->uuid, 1);
    asking = auditor;
    asking.approval.request = Sha256({AsBytes("all records")});
  }
  std::string Query(const Caller& by) {
    const auto found = service->Query(by, {});
    EXPECT_EQ(recorded.records.back().ok, found.ok());
    return found.ok() ? "" : std::string(ErrorCodeName(found.error().code()));
  }

  const People& people = approver.people;
  Caller asking;
};

TEST_F(AuditAskingTest, AQueryIsAskedForAndDoneOnce) {
  EXPECT_EQ(Query(asking), "failed_precondition");
  Caller wish = asking;
  wish.approval.reason = "a test";
  EXPECT_EQ(Query(wish), "failed_precondition");
  const std::string id = recorded.records.back().asked;
  ASSERT_NE(id, "");
  Caller done = asking;
  done.approval.id = id;
  EXPECT_EQ(Query(done), "failed_precondition") << "it waits";
  ASSERT_TRUE(people.Approve(access, people.bob, id).ok());
  Caller changed = done;
  changed.approval.request = Sha256({AsBytes("other records")});
  EXPECT_EQ(Query(changed), "permission_denied");
  EXPECT_EQ(Query(done), "");
  EXPECT_EQ(recorded.records.back().reason, "approval " + id + " by bob: a test");
  EXPECT_EQ(Query(done), "not_found");
}

TEST_F(AuditAskingTest, ATailCannotBeAskedFor) {
  Caller wish = auditor;
  wish.approval.reason = "a test";
  for (const Caller& by : {auditor, wish}) {
    const auto tail = Tail(by, {.filter = {}});
    ASSERT_FALSE(tail.ok());
    EXPECT_FALSE(recorded.records.back().ok);
  }
  EXPECT_TRUE(access.ListApprovals(admin)->empty());
}

}  // namespace
}  // namespace coffer::keysvc
