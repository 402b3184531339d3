#include "crypto/internal/gcm.h"

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "tests/crypto/vectors.h"

namespace coffer::internal {
namespace {

class GcmTest : public testing::TestWithParam<GcmBackend> {
 protected:
  void SetUp() override {
    if (!IsAvailable(GetParam())) GTEST_SKIP() << "this processor has no AES instructions";
  }
};

std::string NameOf(const testing::TestParamInfo<GcmBackend>& backend) {
  switch (backend.param) {
    case GcmBackend::kAutomatic:
      return "Automatic";
    case GcmBackend::kOpenSsl:
      return "OpenSsl";
    case GcmBackend::kLibsodium:
      return "Libsodium";
  }
  return "Unknown";
}

INSTANTIATE_TEST_SUITE_P(Backends, GcmTest,
                         testing::Values(GcmBackend::kAutomatic, GcmBackend::kOpenSsl, GcmBackend::kLibsodium), NameOf);

bool IsOurs(const Json& group) {
  return group.at("keySize") == 256 && group.at("ivSize") == 96 && group.at("tagSize") == 128;
}

void CheckCase(GcmBackend backend, const Json& c) {
  const Bytes key = HexOf(c.at("key"));
  const Bytes nonce = HexOf(c.at("iv"));
  const Bytes ad = HexOf(c.at("aad"));
  const Bytes expected = HexOf(c.at("ct"));
  const Bytes expected_tag = HexOf(c.at("tag"));
  const bool is_valid = c.at("result") == "valid";
  Bytes plaintext(expected.size());
  const auto matches = GcmDecrypt(backend, key, nonce, expected, expected_tag, ad, plaintext);
  ASSERT_TRUE(matches.ok()) << c.at("tcId");
  EXPECT_EQ(*matches, is_valid) << c.at("tcId");
  EXPECT_EQ(plaintext, is_valid ? HexOf(c.at("msg")) : Bytes(expected.size())) << c.at("tcId");
  if (!is_valid) return;
  Bytes out(expected.size());
  Bytes tag(kTagSize);
  ASSERT_TRUE(GcmEncrypt(backend, key, nonce, HexOf(c.at("msg")), ad, out, tag).ok());
  EXPECT_EQ(out, expected) << c.at("tcId");
  EXPECT_EQ(tag, expected_tag) << c.at("tcId");
}

TEST_P(GcmTest, MatchesWycheproof) {
  const auto file = LoadWycheproof("aes_gcm_test.json");
  if (!file) GTEST_SKIP() << "the Wycheproof vectors are not beside the repository";
  int count = 0;
  for (const Json& group : file->at("testGroups")) {
    if (!IsOurs(group)) continue;
    for (const Json& c : group.at("tests")) {
      CheckCase(GetParam(), c);
      ++count;
    }
  }
  std::cout << "Wycheproof aes_gcm, 256-bit keys and 96-bit nonces: " << count << " run\n";
  EXPECT_GT(count, 60);
}

TEST_P(GcmTest, MatchesOpenSslAtEveryShortLength) {
  const Bytes key(32, std::byte{3});
  const Bytes nonce(12, std::byte{4});
  for (std::size_t size : {0U, 1U, 15U, 16U, 17U, 63U, 64U, 65U, 127U, 128U, 129U, 1023U, 1024U, 1025U, 5000U}) {
    for (std::size_t ad_size : {0U, 1U, 16U, 93U, 512U}) {
      const Bytes plaintext(size, std::byte{5});
      const Bytes ad(ad_size, std::byte{6});
      Bytes out(size);
      Bytes tag(kTagSize);
      Bytes expected(size);
      Bytes expected_tag(kTagSize);
      ASSERT_TRUE(GcmEncrypt(GetParam(), key, nonce, plaintext, ad, out, tag).ok());
      ASSERT_TRUE(GcmEncrypt(GcmBackend::kOpenSsl, key, nonce, plaintext, ad, expected, expected_tag).ok());
      EXPECT_EQ(out, expected) << size << ", " << ad_size;
      EXPECT_EQ(tag, expected_tag) << size << ", " << ad_size;
      Bytes back(size);
      EXPECT_TRUE(GcmDecrypt(GetParam(), key, nonce, out, tag, ad, back).value());
      EXPECT_EQ(back, plaintext);
    }
  }
}

TEST_P(GcmTest, EncryptsAndDecryptsInPlace) {
  const Bytes key(32, std::byte{1});
  const Bytes nonce(12);
  for (std::size_t size : {1U, 100U, 2000U}) {
    const Bytes plaintext(size, std::byte{9});
    Bytes memory = plaintext;
    Bytes tag(kTagSize);
    ASSERT_TRUE(GcmEncrypt(GetParam(), key, nonce, memory, {}, memory, tag).ok());
    EXPECT_NE(memory, plaintext);
    EXPECT_TRUE(GcmDecrypt(GetParam(), key, nonce, memory, tag, {}, memory).value());
    EXPECT_EQ(memory, plaintext);
  }
}

TEST_P(GcmTest, FalseTagGivesNoPlaintext) {
  const Bytes key(32, std::byte{1});
  const Bytes nonce(12);
  for (std::size_t size : {1U, 100U, 2000U}) {
    Bytes out(size);
    Bytes tag(kTagSize);
    ASSERT_TRUE(GcmEncrypt(GetParam(), key, nonce, Bytes(size, std::byte{9}), AsBytes("ad"), out, tag).ok());
    Bytes back(size, std::byte{0xEE});
    EXPECT_FALSE(GcmDecrypt(GetParam(), key, nonce, out, tag, AsBytes("aD"), back).value());
    EXPECT_EQ(back, Bytes(size)) << "wiped";
    for (std::size_t i = 0; i < tag.size(); ++i) {
      Bytes wrong = tag;
      wrong[i] ^= std::byte{1};
      EXPECT_FALSE(GcmDecrypt(GetParam(), key, nonce, out, wrong, AsBytes("ad"), back).value()) << i;
    }
  }
}

TEST(GcmDeathTest, WrongSizesAbort) {
  Bytes out(4);
  Bytes tag(kTagSize);
  const Bytes four(4);
  const auto encrypt = [&](std::size_t key, std::size_t nonce, std::size_t in) {
    static_cast<void>(GcmEncrypt(GcmBackend::kOpenSsl, Bytes(key), Bytes(nonce), Bytes(in), {}, out, tag));
  };
  EXPECT_DEATH(encrypt(31, 12, 4), "check failed");
  EXPECT_DEATH(encrypt(32, 11, 4), "check failed");
  EXPECT_DEATH(encrypt(32, 12, 5), "check failed");
}

TEST(GcmBackendTest, OpenSslAndAutomaticAreAlwaysThere) {
  EXPECT_TRUE(IsAvailable(GcmBackend::kOpenSsl));
  EXPECT_TRUE(IsAvailable(GcmBackend::kAutomatic));
}

}  // namespace
}  // namespace coffer::internal
