#include "crypto/internal/xaes.h"

#include <thread>

#include <gtest/gtest.h>

#include "crypto/cursor.h"
#include "crypto/hash.h"
#include "tests/crypto/accumulated.h"
#include "tests/crypto/vectors.h"

namespace coffer::internal {
namespace {

struct Output {
  Bytes ciphertext;
  Bytes tag;
  bool operator==(const Output&) const = default;
};

Output EncryptWith(const XaesKey& key, ByteView nonce, ByteView plaintext, ByteView ad) {
  Output output{Bytes(plaintext.size()), Bytes(kTagSize)};
  EXPECT_TRUE(key.Encrypt(nonce, plaintext, ad, output.ciphertext, output.tag).ok());
  return output;
}

std::vector<GcmBackend> Backends() {
  std::vector<GcmBackend> backends = {GcmBackend::kAutomatic, GcmBackend::kOpenSsl};
  if (IsAvailable(GcmBackend::kLibsodium)) backends.push_back(GcmBackend::kLibsodium);
  return backends;
}

TEST(XaesTest, MatchesTheSpecification) {
  int count = 0;
  for (const Json& c : LoadExternal("XAES-256-GCM")) {
    for (GcmBackend backend : Backends()) {
      const auto key = XaesKey::Create(HexOf(c.at("key")), backend);
      ASSERT_TRUE(key.ok());
      const Output output = EncryptWith(*key, HexOf(c.at("nonce")), HexOf(c.at("plaintext")), HexOf(c.at("aad")));
      EXPECT_EQ(ToHex(output.ciphertext) + ToHex(output.tag), c.at("ciphertext")) << c.at("name");
      ++count;
    }
  }
  EXPECT_GE(count, 4);
}

TEST(XaesTest, AccumulatedTenThousandMatch) {
  const Json c = LoadExternal("XAES-256-GCM accumulated").at(0);
  ASSERT_EQ(c.at("rounds"), 10000);
  for (GcmBackend backend : Backends()) EXPECT_EQ(AccumulatedXaes(10000, backend), c.at("output"));
}

TEST(XaesTest, EveryByteOfTheNonceCounts) {
  const XaesKey key = XaesKey::Create(Bytes(32, std::byte{1})).value();
  const Bytes plaintext(20);
  const Bytes nonce(24);
  const Output base = EncryptWith(key, nonce, plaintext, {});
  for (std::size_t i = 0; i < nonce.size(); ++i) {
    Bytes other = nonce;
    other[i] ^= std::byte{1};
    EXPECT_NE(EncryptWith(key, other, plaintext, {}), base) << i;
    Bytes back(20);
    EXPECT_FALSE(key.Decrypt(other, base.ciphertext, base.tag, {}, back).value()) << i;
  }
}

TEST(XaesTest, DecryptTellsAFalseTagAndWipes) {
  const XaesKey key = XaesKey::Create(Bytes(32, std::byte{1})).value();
  const Bytes nonce(24);
  Output output = EncryptWith(key, nonce, AsBytes("plaintext"), AsBytes("ad"));
  Bytes back(9, std::byte{0xEE});
  EXPECT_TRUE(key.Decrypt(nonce, output.ciphertext, output.tag, AsBytes("ad"), back).value());
  EXPECT_EQ(AsText(back), "plaintext");
  EXPECT_FALSE(key.Decrypt(nonce, output.ciphertext, output.tag, AsBytes("aD"), back).value());
  EXPECT_EQ(back, Bytes(9));
  output.tag[15] ^= std::byte{0x80};
  EXPECT_FALSE(key.Decrypt(nonce, output.ciphertext, output.tag, AsBytes("ad"), back).value());
}

TEST(XaesTest, RefusesKeysOfOtherSizes) {
  for (std::size_t size : {0U, 16U, 31U, 33U, 64U}) {
    EXPECT_EQ(XaesKey::Create(Bytes(size)).error().code(), ErrorCode::kInvalidArgument) << size;
  }
}

TEST(XaesTest, MovedKeyStillWorks) {
  XaesKey key = XaesKey::Create(Bytes(32, std::byte{1})).value();
  const Output before = EncryptWith(key, Bytes(24), AsBytes("x"), {});
  XaesKey moved = std::move(key);
  EXPECT_EQ(EncryptWith(moved, Bytes(24), AsBytes("x"), {}), before);
}

// Contexts of OpenSSL are for one thread at a time: many threads on one key must not disturb each other.
TEST(XaesTest, ManyThreadsShareOneKey) {
  const XaesKey key = XaesKey::Create(Bytes(32, std::byte{1})).value();
  std::vector<int> wrong(8);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&key, &wrong, t] {
      Bytes nonce(24, static_cast<std::byte>(t));
      const Output expected =
          EncryptWith(XaesKey::Create(Bytes(32, std::byte{1})).value(), nonce, AsBytes("plain"), {});
      for (int i = 0; i < 3000; ++i) {
        if (EncryptWith(key, nonce, AsBytes("plain"), {}) != expected) ++wrong[t];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(8));
}

TEST(XaesDeathTest, NonceOfAnotherSizeAborts) {
  const XaesKey key = XaesKey::Create(Bytes(32)).value();
  Bytes tag(kTagSize);
  EXPECT_DEATH(static_cast<void>(key.Encrypt(Bytes(12), {}, {}, {}, tag)), "check failed");
}

TEST(CommitmentTest, IsTheHashOfThePage) {
  const SecretBytes key = SecretOf(Bytes(32, std::byte{1}));
  const Bytes nonce(24, std::byte{2});
  const Bytes tag(16, std::byte{3});
  Bytes message;
  Writer(message).Raw("coffer/v1/cmt").U8(0).Raw(Bytes(32, std::byte{1})).Raw(nonce).LengthPrefixed("ad").Raw(tag);
  EXPECT_EQ(Commitment(key, nonce, AsBytes("ad"), tag), Sha256({message}));
}

TEST(CommitmentTest, EveryInputCounts) {
  const auto commit = [](unsigned key, unsigned nonce, std::string_view ad, unsigned tag) {
    return Commitment(SecretOf(Bytes(32, static_cast<std::byte>(key))), Bytes(24, static_cast<std::byte>(nonce)),
                      AsBytes(ad), Bytes(16, static_cast<std::byte>(tag)));
  };
  std::set<Digest> all = {commit(1, 1, "a", 1), commit(2, 1, "a", 1), commit(1, 2, "a", 1),
                          commit(1, 1, "b", 1), commit(1, 1, "", 1),  commit(1, 1, "a", 2)};
  EXPECT_EQ(all.size(), 6U);
}

}  // namespace
}  // namespace coffer::internal
