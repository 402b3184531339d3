#include "io/unix_socket.h"

#include <array>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/directory.h"
#include "io/file.h"
#include "tests/support/temp_dir.h"

namespace coffer {
namespace {

TEST(ListenUnixTest, HasExactlyTheModeWhateverTheUmask) {
  const TempDir folder;
  for (const mode_t mask : {0U, 077U}) {
    const mode_t umask_before = umask(mask);
    const auto listener = ListenUnix(folder / "s", 0660);
    umask(umask_before);
    ASSERT_TRUE(listener.ok()) << listener.error().ToString();
    EXPECT_EQ(FactsOf(folder / "s")->permissions, 0660U);
    EXPECT_EQ(FactsOf(folder / "s")->kind, FileKind::kSocket);
  }
}

TEST(ListenUnixTest, ConnectionCarriesBytesAndThePeer) {
  const TempDir folder;
  const auto listener = ListenUnix(folder / "s", 0600);
  ASSERT_TRUE(listener.ok());
  const auto client = ConnectUnix(folder / "s");
  ASSERT_TRUE(client.ok()) << client.error().ToString();
  const auto server = AcceptUnix(listener->get());
  ASSERT_TRUE(server.ok());
  ASSERT_TRUE(server->valid());
  ASSERT_EQ(write(client->get(), "ping", 4), 4);
  std::array<char, 8> seen{};
  EXPECT_EQ(read(server->get(), seen.data(), seen.size()), 4);
  EXPECT_EQ(*PeerUid(server->get()), geteuid());
  EXPECT_EQ(PeerOf(server->get())->gid, getegid());
  EXPECT_EQ(PeerOf(server->get())->pid, getpid());
}

TEST(ListenUnixTest, AcceptedConnectionIsNonBlockingAndClosesOnExec) {
  const TempDir folder;
  const auto listener = ListenUnix(folder / "s", 0600);
  ASSERT_TRUE(listener.ok());
  const auto client = ConnectUnix(folder / "s");
  const auto server = AcceptUnix(listener->get());
  ASSERT_TRUE(server.ok() && server->valid());
  EXPECT_NE(fcntl(server->get(), F_GETFL) & O_NONBLOCK, 0);
  for (const int fd : {server->get(), listener->get(), client->get()}) EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

TEST(ListenUnixTest, AcceptGivesNothingWhenNobodyWaits) {
  const TempDir folder;
  const auto listener = ListenUnix(folder / "s", 0600);
  ASSERT_TRUE(listener.ok());
  const auto none = AcceptUnix(listener->get());
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->valid());
}

TEST(ListenUnixTest, TakesOverASocketThatNobodyAnswersOn) {
  const TempDir folder;
  ASSERT_TRUE(ListenUnix(folder / "s", 0600).ok());  // Closed at once; its file stays.
  ASSERT_TRUE(*Exists(folder / "s"));
  const auto second = ListenUnix(folder / "s", 0600);
  ASSERT_TRUE(second.ok()) << second.error().ToString();
  EXPECT_TRUE(ConnectUnix(folder / "s").ok());
}

TEST(ListenUnixTest, LeavesASocketThatSomebodyAnswersOn) {
  const TempDir folder;
  const auto first = ListenUnix(folder / "s", 0600);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(ListenUnix(folder / "s", 0600).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_TRUE(ConnectUnix(folder / "s").ok());
}

TEST(ListenUnixTest, LeavesWhatIsNoSocket) {
  const TempDir folder;
  ASSERT_TRUE(WriteFileDurably(folder / "file", AsBytes("precious"), 0600).ok());
  ASSERT_EQ(symlink("file", (folder / "link").c_str()), 0);
  for (const char* name : {"file", "link"}) {
    EXPECT_EQ(ListenUnix(folder / name, 0600).error().code(), ErrorCode::kAlreadyExists) << name;
  }
  EXPECT_EQ(AsText(*ReadFile(folder / "file", 100)), "precious");
}

TEST(ListenUnixTest, LeavesASocketOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a socket of another user";
  const TempDir folder;
  ASSERT_TRUE(ListenUnix(folder / "s", 0600).ok());
  ASSERT_EQ(chown((folder / "s").c_str(), 65'534, 65'534), 0);
  EXPECT_EQ(ListenUnix(folder / "s", 0600).error().code(), ErrorCode::kPermissionDenied);
}

TEST(ListenUnixTest, RefusesPathsThatDoNotFit) {
  const TempDir folder;
  const std::string fits = folder / std::string(kMaxUnixPath - folder.path().size() - 1, 'p');
  ASSERT_EQ(fits.size(), kMaxUnixPath);
  EXPECT_TRUE(ListenUnix(fits, 0600).ok());
  const auto longer = ListenUnix(fits + "p", 0600);
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(longer.error().limit(), kMaxUnixPath);
  EXPECT_EQ(ListenUnix("", 0600).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ConnectUnix(std::string("a\0b", 3)).error().code(), ErrorCode::kInvalidArgument);
}

TEST(ListenUnixTest, FailsWithoutItsFolder) {
  const TempDir folder;
  EXPECT_EQ(ListenUnix(folder / "none/s", 0600).error().code(), ErrorCode::kNotFound);
}

TEST(ConnectUnixTest, FailsWhenNobodyListens) {
  const TempDir folder;
  EXPECT_EQ(ConnectUnix(folder / "s").error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(ListenUnix(folder / "s", 0600).ok());
  EXPECT_EQ(ConnectUnix(folder / "s").error().code(), ErrorCode::kUnavailable);
}

TEST(PeerOfTest, FailsOnWhatIsNoConnection) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  EXPECT_FALSE(PeerOf(reader.get()).ok());
  const UniqueFd inet(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_FALSE(PeerUid(inet.get()).ok());
  EXPECT_FALSE(PeerUid(-1).ok());
}

}  // namespace
}  // namespace coffer
