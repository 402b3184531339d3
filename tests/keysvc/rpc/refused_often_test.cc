// Who is refused often for asking too much hears of it later; nobody else does.
#include <future>

#include "tests/keysvc/rpc/door_fixture.h"
#include "tests/keysvc/service/asking_policy.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

using Future = std::future<Answer>;

class RefusedOftenTest : public DoorFixture {
 protected:
  void SetUp() override {
    StartShop();
    AskingPolicy{.app_limits = "limits = { values_per_minute = 1 }\n"}.Apply(People(), access,
                                                                             barrier->Enter().value()->uuid, 1);
    Listen(policy::Role::kApp);
    Listen(policy::Role::kAdmin);
  }
  Answer Put() const { return NewWire(policy::Role::kApp).Call("SecretService.PutSecret", "path: 'a' value: 'v'"); }
  Future PutMeanwhile() const {
    return std::async(std::launch::async, [this] { return Put(); });
  }
  static bool IsAnswered(const Future& answer, std::chrono::milliseconds patience = Wire::kPatience) {
    return answer.wait_for(patience) == std::future_status::ready;
  }
  static constexpr std::chrono::milliseconds kAWhile{200};  // of waiting for what must not come
};

TEST_F(RefusedOftenTest, ByALimit) {
  ASSERT_TRUE(Put().ok());
  for (std::size_t i = 0; i < kRefusedAtOnce; ++i) ASSERT_EQ(Put().error, "resource_exhausted");
  Future late = PutMeanwhile();
  EXPECT_FALSE(IsAnswered(late, kAWhile));
  EXPECT_TRUE(NewWire(policy::Role::kAdmin).Call("AdminService.GetStatus", "").ok()) << "others wait for nothing";
  refusals.Close();
  ASSERT_TRUE(IsAnswered(late));
  const Answer answer = late.get();
  EXPECT_EQ(answer.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(answer.message.find("values_per_minute"), std::string::npos) << answer.ToText();
}

TEST_F(RefusedOftenTest, BecauseTooManyOfHisCallsWait) {
  stop.Hold(app.principal.id);
  std::vector<Future> calls;
  const auto answered = [&calls] {
    const auto is_answered = [](const Future& call) { return IsAnswered(call, std::chrono::milliseconds(0)); };
    return static_cast<std::size_t>(std::count_if(calls.begin(), calls.end(), is_answered));
  };
  for (std::size_t i = 0; i < kThreads + kCallerQueue + kRefusedAtOnce + 1; ++i) calls.push_back(PutMeanwhile());
  ASSERT_TRUE(WaitUntil([&] { return answered() == kRefusedAtOnce; }));
  EXPECT_FALSE(WaitUntil([&] { return answered() > kRefusedAtOnce; }, kAWhile));
  refusals.Close();
  EXPECT_TRUE(WaitUntil([&] { return answered() == kRefusedAtOnce + 1; }));
  stop.Release();
}

TEST_F(RefusedOftenTest, OtherRefusalsAreNotHeld) {
  for (std::size_t i = 0; i < kRefusedAtOnce + 5; ++i) {
    Future denied =
        std::async(std::launch::async, [this] { return NewWire(policy::Role::kApp).Call("AdminService.Seal", ""); });
    ASSERT_TRUE(IsAnswered(denied));
    EXPECT_EQ(denied.get().error, "permission_denied");
  }
}

}  // namespace
}  // namespace coffer::keysvc
