#include <atomic>
#include <fcntl.h>
#include <future>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "io/mutex.h"
#include "io/unix_socket.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait_until.h"

namespace coffer {
namespace {

// Keeps the connections that it was handed.
class Collector {
 public:
  UnixAcceptor::Handler Handler() {
    return [this](UniqueFd connection, const PeerCredentials& peer) {
      const Lock lock(mutex_);
      all_are_ours_ = all_are_ours_ && peer.uid == geteuid() && peer.pid == getpid();
      connections_.push_back(std::move(connection));
    };
  }
  std::size_t count() {
    const Lock lock(mutex_);
    return connections_.size();
  }
  bool all_are_ours() {
    const Lock lock(mutex_);
    return all_are_ours_;
  }

 private:
  Mutex mutex_;
  std::vector<UniqueFd> connections_ COFFER_GUARDED_BY(mutex_);
  bool all_are_ours_ COFFER_GUARDED_BY(mutex_) = true;
};

std::unique_ptr<UnixAcceptor> StartAt(const std::string& path, UnixAcceptor::Handler handler) {
  auto listener = ListenUnix(path, 0600);
  EXPECT_TRUE(listener.ok());
  auto acceptor = UnixAcceptor::Start(std::move(listener).value(), std::move(handler));
  EXPECT_TRUE(acceptor.ok());
  return std::move(acceptor).value();
}

TEST(UnixAcceptorTest, HandsEveryConnectionOn) {
  const TempDir folder;
  Collector collector;
  const auto acceptor = StartAt(folder / "s", collector.Handler());
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 50; ++i) {
    auto client = ConnectUnix(folder / "s");
    ASSERT_TRUE(client.ok());
    clients.push_back(std::move(client).value());
  }
  EXPECT_TRUE(WaitUntil([&] { return collector.count() == 50; }));
  EXPECT_TRUE(collector.all_are_ours());
}

TEST(UnixAcceptorTest, StoppedItAnswersNobody) {
  const TempDir folder;
  Collector collector;
  const auto acceptor = StartAt(folder / "s", collector.Handler());
  acceptor->Stop();
  acceptor->Stop();
  EXPECT_EQ(ConnectUnix(folder / "s").error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(collector.count(), 0U);
}

TEST(UnixAcceptorTest, StopWaitsForTheHandler) {
  const TempDir folder;
  std::promise<void> entered;
  std::promise<void> may_go;
  std::atomic<bool> left = false;
  const auto acceptor = StartAt(folder / "s", [&](UniqueFd, const PeerCredentials&) {
    entered.set_value();
    may_go.get_future().wait();
    left = true;
  });
  const auto client = ConnectUnix(folder / "s");
  ASSERT_TRUE(client.ok());
  entered.get_future().wait();
  std::thread releases([&] { may_go.set_value(); });
  acceptor->Stop();
  EXPECT_TRUE(left);
  releases.join();
}

TEST(UnixAcceptorTest, DestructionStops) {
  const TempDir folder;
  Collector collector;
  StartAt(folder / "s", collector.Handler()).reset();
  EXPECT_FALSE(ConnectUnix(folder / "s").ok());
}

TEST(UnixAcceptorTest, WithoutDescriptorsConnectionsWait) {
  const TempDir folder;
  Collector collector;
  const auto acceptor = StartAt(folder / "s", collector.Handler());
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  // One descriptor is left, and the client takes it.
  rlimit tight = before;
  {
    const UniqueFd next(open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(next.valid());
    tight.rlim_cur = static_cast<rlim_t>(next.get()) + 1;
  }
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  const auto client = ConnectUnix(folder / "s");
  const bool handed_early = WaitUntil([&] { return collector.count() != 0; }, std::chrono::milliseconds(120));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(client.ok()) << client.error().ToString();
  EXPECT_FALSE(handed_early);
  EXPECT_TRUE(WaitUntil([&] { return collector.count() == 1; }));
}

}  // namespace
}  // namespace coffer
