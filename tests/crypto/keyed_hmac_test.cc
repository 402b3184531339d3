#include "crypto/internal/keyed_hmac.h"

#include <thread>

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer::internal {
namespace {

TEST(KeyedHmacTest, MatchesRfc4231AgainAndAgain) {
  int count = 0;
  for (const Json& c : LoadExternal("HMAC-SHA256")) {
    const auto hmac = KeyedHmac::Create(SecretOf(HexOf(c.at("key")))).value();
    const Bytes message = HexOf(c.at("message"));
    const auto expected = c.at("mac").get<std::string>();
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(ToHex(*hmac.Of({message})).substr(0, expected.size()), expected) << c.at("name");
    }
    ++count;
  }
  EXPECT_GE(count, 7);
}

TEST(KeyedHmacTest, PiecesAreOneMessage) {
  const SecretBytes key = SecretOf(Bytes(32, std::byte{1}));
  const auto hmac = KeyedHmac::Create(key).value();
  const Digest whole = HmacSha256(key.Expose(SecretAccess::kTest), {AsBytes("abcdef")});
  EXPECT_EQ(*hmac.Of({AsBytes("abcdef")}), whole);
  EXPECT_EQ(*hmac.Of({AsBytes("abc"), {}, AsBytes("def")}), whole);
  EXPECT_NE(*hmac.Of({AsBytes("abcde")}), whole);
  EXPECT_NE(*hmac.Of({}), whole);
}

TEST(KeyedHmacTest, ThreadsShareOneKey) {
  const auto hmac = KeyedHmac::Create(SecretOf(Bytes(32, std::byte{1}))).value();
  const Digest expected = hmac.Of({AsBytes("abc")}).value();
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        if (hmac.Of({AsBytes("abc")}).value() != expected) ++count;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(KeyedHmacDeathTest, WantsAKey) { EXPECT_DEATH(static_cast<void>(KeyedHmac::Create({})), "check failed"); }

}  // namespace
}  // namespace coffer::internal
