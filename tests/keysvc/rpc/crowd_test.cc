// One caller that asks for more than the service can do: an operator still acts, others still get their turn, and what
// nobody waits for any more is not done.
#include <thread>

#include "coffer/v1/admin.pb.h"
#include "coffer/v1/secret.pb.h"
#include "tests/keysvc/rpc/door_fixture.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

using policy::Role;

// Calls of one caller, all at once, each with a thread of its own.
class Crowd {
 public:
  explicit Crowd(Wire wire) : wire_(std::move(wire)) {}
  ~Crowd() { Join(); }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Puts a value at `path`.
  void Put(std::size_t calls, const std::string& path, std::chrono::milliseconds patience = Wire::kPatience) {
    for (std::size_t i = 0; i < calls; ++i) {
      threads_.emplace_back([this, path, patience] {
        const Answer answer = wire_.CallWithin(patience, "SecretService.PutSecret", "path: '" + path + "' value: 'v'");
        const Lock lock(mutex_);
        answers_.push_back(answer);
      });
    }
  }
  void Join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  bool HasAnswers(std::size_t count) {
    return WaitUntil([&] { return answers().size() == count; });
  }
  std::vector<Answer> answers() {
    const Lock lock(mutex_);
    return answers_;
  }

 private:
  Wire wire_;
  std::vector<std::thread> threads_;
  Mutex mutex_;
  std::vector<Answer> answers_ COFFER_GUARDED_BY(mutex_);
};

class CrowdTest : public DoorFixture {
 protected:
  void SetUp() override {
    StartShop();
    Listen(Role::kApp);
    Listen(Role::kAdmin);
    stop.Hold(app.principal.id);
  }
  // As many calls as threads, each of which holds one.
  void HoldEveryThread(Crowd& crowd) {
    crowd.Put(kThreads, "busy");
    ASSERT_TRUE(WaitUntil([&] { return stop.waiting() == kThreads; }));
  }
  // And as many as may wait, and one more, which is the first to have an answer.
  void FillItsPartOfTheQueue(Crowd& crowd) {
    HoldEveryThread(crowd);
    crowd.Put(kCallerQueue + 1, "waiting");
    ASSERT_TRUE(crowd.HasAnswers(1));
  }
};

TEST_F(CrowdTest, WhoHasFilledItsPartOfTheQueueIsToldSo) {
  Crowd crowd(NewWire(Role::kApp));
  FillItsPartOfTheQueue(crowd);
  const Answer refused = crowd.answers().front();
  EXPECT_EQ(refused.code, grpc::StatusCode::UNAVAILABLE) << refused.ToText();
  EXPECT_EQ(refused.error, "unavailable");
  EXPECT_EQ(refused.message, "too many of your calls are waiting: try again later (limit 8)");
  stop.Release();
  crowd.Join();
  const std::vector<Answer> answers = crowd.answers();
  ASSERT_EQ(answers.size(), kThreads + kCallerQueue + 1);
  for (std::size_t i = 1; i < answers.size(); ++i) EXPECT_TRUE(answers[i].ok()) << "was taken: " << answers[i].ToText();
}

TEST_F(CrowdTest, AnOperatorAsksAndSealsAtOnce) {
  Crowd crowd(NewWire(Role::kApp));
  FillItsPartOfTheQueue(crowd);
  const Wire wire = NewWire(Role::kAdmin);
  const auto status = wire.Call("AdminService.GetStatus", "").As<v1::GetStatusResponse>();
  EXPECT_EQ(status.state(), v1::SERVICE_STATE_UNSEALED);
  EXPECT_TRUE(wire.Call("AdminService.Seal", "").ok());
  EXPECT_EQ(barrier->state(), BarrierState::kSealed);
  EXPECT_EQ(stop.waiting(), kThreads) << "while the application's calls still hold every thread";
  stop.Release();
  crowd.Join();
  for (const Answer& answer : crowd.answers()) EXPECT_EQ(answer.code, grpc::StatusCode::UNAVAILABLE) << answer.ToText();
}

// The operator's threads are for the admin's unix socket alone.
TEST_F(CrowdTest, AnApplicationsStatusCallsWaitWithItsOthers) {
  Crowd crowd(NewWire(Role::kApp));
  HoldEveryThread(crowd);
  const Answer answer = NewWire(Role::kApp).CallWithin(std::chrono::milliseconds(200), "AdminService.GetStatus", "");
  EXPECT_EQ(answer.code, grpc::StatusCode::DEADLINE_EXCEEDED) << answer.ToText();
  stop.Release();
}

TEST_F(CrowdTest, ACallThatWasGivenUpWhileItWaitedIsNotDone) {
  const Wire wire = NewWire(Role::kApp);
  Crowd crowd(wire);
  HoldEveryThread(crowd);
  Crowd impatient(wire);
  impatient.Put(4, "given-up", std::chrono::milliseconds(200));
  impatient.Join();
  for (const Answer& answer : impatient.answers())
    ASSERT_EQ(answer.code, grpc::StatusCode::DEADLINE_EXCEEDED) << answer.ToText();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(wire.Serving().has_value()) << "the server has seen all that came before";
  stop.Release();
  crowd.Join();
  EXPECT_TRUE(wire.Call("SecretService.GetSecret", "path: 'busy'").ok());
  EXPECT_EQ(wire.Call("SecretService.GetSecret", "path: 'given-up'").code, grpc::StatusCode::NOT_FOUND);
}

TEST_F(CrowdTest, WhatWaitsIsAnsweredWhenTheServiceStopsAndWhatRunsGoesOn) {
  Crowd crowd(NewWire(Role::kApp));
  FillItsPartOfTheQueue(crowd);
  pool.Close();
  ASSERT_TRUE(crowd.HasAnswers(1 + kCallerQueue)) << "though every thread is held";
  std::vector<Answer> answers = crowd.answers();
  for (auto answer = answers.begin() + 1; answer != answers.end(); ++answer) {
    EXPECT_EQ(answer->code, grpc::StatusCode::UNAVAILABLE) << answer->ToText();
    EXPECT_EQ(answer->message, "the service is stopping: try again later");
  }
  const Answer late = NewWire(Role::kAdmin).Call("AdminService.GetStatus", "");
  EXPECT_EQ(late.message, "the service is stopping: try again later");
  stop.Release();
  crowd.Join();
  answers = crowd.answers();
  ASSERT_EQ(answers.size(), 1 + kCallerQueue + kThreads);
  for (std::size_t i = 1 + kCallerQueue; i < answers.size(); ++i) EXPECT_TRUE(answers[i].ok()) << answers[i].ToText();
}

}  // namespace
}  // namespace coffer::keysvc
