#include "crypto/random.h"

#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "crypto/internal/nonces_ahead.h"
#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

std::vector<Nonce> Draw(std::size_t count) {
  std::vector<Nonce> nonces;
  for (std::size_t i = 0; i < count; ++i) nonces.push_back(NextNonce());
  return nonces;
}

void WriteAll(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written <= 0) _exit(2);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

Bytes ReadAll(int fd) {
  Bytes all;
  std::array<std::byte, 4096> chunk{};
  for (ssize_t size = 1; size > 0;) {
    size = read(fd, chunk.data(), chunk.size());
    if (size > 0) Append(all, ByteView(chunk).first(static_cast<std::size_t>(size)));
  }
  return all;
}

// Forks and gives the nonces that the child drew.
std::set<std::string> DrawInChild(std::size_t count) {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    for (const Nonce& nonce : Draw(count)) WriteAll(ends[1], nonce);
    _exit(0);
  }
  close(ends[1]);
  const Bytes bytes = ReadAll(ends[0]);
  close(ends[0]);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(bytes.size(), count * sizeof(Nonce));
  std::set<std::string> nonces;
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Nonce)) {
    nonces.insert(ToHex(ByteView(bytes).subspan(at, sizeof(Nonce))));
  }
  return nonces;
}

TEST(FillRandomTest, FillsEachByteInTime) {
  Bytes seen(1000);
  for (int round = 0; round < 10; ++round) {
    Bytes bytes(1000);
    FillRandom(bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) seen[i] |= bytes[i];
  }
  for (std::byte b : seen) EXPECT_NE(b, std::byte{0});
  FillRandom({});
}

TEST(RandomSecretTest, HasTheSizeAndDiffers) {
  EXPECT_EQ(RandomSecret(32).size(), 32U);
  EXPECT_NE(Revealed(RandomSecret(32)), Revealed(RandomSecret(32)));
  EXPECT_TRUE(RandomSecret(0).empty());
}

TEST(NextNonceTest, NeverRepeatsOverManyDraws) {
  const auto nonces = Draw(10'000);
  EXPECT_EQ(std::set<Nonce>(nonces.begin(), nonces.end()).size(), nonces.size());
  EXPECT_FALSE(std::set<Nonce>(nonces.begin(), nonces.end()).contains(Nonce{}));
}

TEST(NextNonceTest, ThreadsDoNotShare) {
  std::vector<std::vector<Nonce>> drawn(4);
  std::vector<std::thread> threads;
  for (auto& mine : drawn) threads.emplace_back([&mine] { mine = Draw(1000); });
  for (auto& thread : threads) thread.join();
  std::set<Nonce> all;
  for (const auto& mine : drawn) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 4000U);
}

TEST(NextNonceTest, ForkedChildDrawsOthers) {
  static_cast<void>(Draw(1));  // The page is filled before the fork: without its wiping both would draw the same.
  const std::set<std::string> child = DrawInChild(200);
  std::set<std::string> all = child;
  for (const Nonce& nonce : Draw(200)) all.insert(ToHex(nonce));
  EXPECT_EQ(child.size(), 200U);
  EXPECT_EQ(all.size(), 400U);
}

TEST(NextNonceTest, TwoChildrenDrawOthers) {
  static_cast<void>(Draw(1));
  std::set<std::string> all = DrawInChild(200);
  all.merge(DrawInChild(200));
  EXPECT_EQ(all.size(), 400U);
}

TEST(NextNonceTest, DrawsAtMost170Ahead) {
  for (int i = 0; i < 400; ++i) {
    static_cast<void>(NextNonce());
    EXPECT_LT(internal::NoncesAhead(), 170U);
  }
}

TEST(NextNonceTest, ForkedChildHasNoneAhead) {
  DiscardNonces();
  static_cast<void>(NextNonce());
  ASSERT_EQ(internal::NoncesAhead(), 169U);
  const pid_t child = fork();
  if (child == 0) _exit(internal::NoncesAhead() == 0 ? 0 : 1);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(DiscardNoncesTest, LeavesNoneAhead) {
  DiscardNonces();
  EXPECT_EQ(internal::NoncesAhead(), 0U);
  static_cast<void>(NextNonce());
  EXPECT_EQ(internal::NoncesAhead(), 169U);
  std::thread([] { DiscardNonces(); }).join();
  EXPECT_EQ(internal::NoncesAhead(), 0U) << "another thread's discard counts here too";
}

TEST(DiscardNoncesTest, LaterNoncesAreFreshInEveryThread) {
  std::set<Nonce> all;
  for (int round = 0; round < 50; ++round) {
    for (const Nonce& nonce : Draw(3)) all.insert(nonce);
    DiscardNonces();
  }
  std::thread([&all] {
    for (const Nonce& nonce : Draw(3)) all.insert(nonce);
    DiscardNonces();
    for (const Nonce& nonce : Draw(3)) all.insert(nonce);
  }).join();
  EXPECT_EQ(all.size(), 156U);
}

TEST(DiscardNoncesTest, MayBeCalledWhileOthersDraw) {
  std::set<Nonce> mine;
  std::thread other([] {
    for (int i = 0; i < 2000; ++i) DiscardNonces();
  });
  for (int i = 0; i < 2000; ++i) mine.insert(NextNonce());
  other.join();
  EXPECT_EQ(mine.size(), 2000U);
}

}  // namespace
}  // namespace coffer
