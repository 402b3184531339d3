// A principal that keeps exactly its limit of calls in flight is never refused for it.
#include <future>

#include "tests/keysvc/rpc/door_fixture.h"
#include "tests/keysvc/service/asking_policy.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

class InFlightTest : public DoorFixture {
 protected:
  void SetUp() override {
    StartShop();
    AskingPolicy{.app_limits = "limits = { in_flight = 1 }\n"}.Apply(People(), access, barrier->Enter().value()->uuid,
                                                                     1);
    Listen(policy::Role::kApp);
  }
};

TEST_F(InFlightTest, OneCallAfterTheOtherIsOneInFlight) {
  const Wire wire = NewWire(policy::Role::kApp);
  keeps = true;
  for (int call = 0; call < 10; ++call) {
    const Answer answer = wire.Call("SecretService.ListSecrets", "");
    ASSERT_TRUE(answer.ok()) << call << ": " << answer.ToText();
  }
}

TEST_F(InFlightTest, OfTwoAtOnceOneIsRefused) {
  stop.Hold(app.principal.id);
  const auto list = [this] { return NewWire(policy::Role::kApp).Call("SecretService.ListSecrets", ""); };
  std::future<Answer> one = std::async(std::launch::async, list);
  ASSERT_TRUE(WaitUntil([this] { return stop.waiting() == 1; }));
  std::future<Answer> other = std::async(std::launch::async, list);
  ASSERT_TRUE(WaitUntil([this] { return stop.waiting() == 2; }));
  stop.Release();
  EXPECT_TRUE(one.get().ok());
  EXPECT_EQ(other.get().error, "resource_exhausted");
  EXPECT_TRUE(list().ok()) << "both are over";
}

}  // namespace
}  // namespace coffer::keysvc
