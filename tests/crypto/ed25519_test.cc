#include "crypto/ed25519.h"

#include <thread>

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

Ed25519PrivateKey KeyOf(std::string_view seed_hex) {
  return Ed25519PrivateKey::FromSeed(SecretOf(Hex(seed_hex))).value();
}

Ed25519PrivateKey SomeKey() { return KeyOf("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"); }

struct Rfc8032Case {
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};

// RFC 8032 7.1, tests 1 to 3.
constexpr Rfc8032Case kRfc8032[] = {{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                                     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                                     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc"
                                     "61e39701cf9b46bd25bf5f0595bbe2465"
                                     "5141438e7a100b"},
                                    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                                     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                                     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e4"
                                     "58f3613d0f11d8c387b2eaeb4302aeeb0"
                                     "0d291612bb0c00"},
                                    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                                     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                                     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290a"
                                     "e67f760984dc6594a7c15e9716ed28dc0"
                                     "27beceea1ec40a"}};

TEST(Ed25519Test, MatchesRfc8032) {
  for (const Rfc8032Case& c : kRfc8032) {
    const Ed25519PrivateKey key = KeyOf(c.seed);
    EXPECT_EQ(ToHex(key.public_key().bytes()), c.public_key);
    const Ed25519Signature signature = key.Sign(Hex(c.message));
    EXPECT_EQ(ToHex(signature), c.signature);
    const auto public_key = Ed25519PublicKey::FromBytes(Hex(c.public_key));
    ASSERT_TRUE(public_key.ok());
    EXPECT_TRUE(public_key->Verify(Hex(c.message), signature));
  }
}

TEST(Ed25519Test, MatchesWycheproof) {
  const auto file = LoadWycheproof("ed25519_test.json");
  if (!file) GTEST_SKIP() << "the Wycheproof vectors are not beside the repository";
  int valid = 0;
  int invalid = 0;
  for (const Json& group : file->at("testGroups")) {
    const auto key = Ed25519PublicKey::FromBytes(HexOf(group.at("publicKey").at("pk")));
    ASSERT_TRUE(key.ok());
    for (const Json& c : group.at("tests")) {
      const bool expected = c.at("result") == "valid";
      EXPECT_EQ(key->Verify(HexOf(c.at("msg")), HexOf(c.at("sig"))), expected) << c.at("tcId");
      ++(expected ? valid : invalid);
    }
  }
  EXPECT_GT(valid, 80);
  EXPECT_GT(invalid, 60);
}

TEST(Ed25519Test, GeneratedKeysDifferAndSign) {
  const Ed25519PrivateKey a = Ed25519PrivateKey::Generate();
  const Ed25519PrivateKey b = Ed25519PrivateKey::Generate();
  EXPECT_FALSE(a.public_key() == b.public_key());
  EXPECT_TRUE(a.public_key().Verify(AsBytes("text"), a.Sign(AsBytes("text"))));
  EXPECT_FALSE(b.public_key().Verify(AsBytes("text"), a.Sign(AsBytes("text"))));
}

TEST(Ed25519Test, TheSeedGivesTheSameKeyAgain) {
  const Ed25519PrivateKey key = Ed25519PrivateKey::Generate();
  const SecretBytes seed = key.Seed();
  EXPECT_EQ(seed.size(), Ed25519PrivateKey::kSeedSize);
  const auto again = Ed25519PrivateKey::FromSeed(seed);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->public_key() == key.public_key());
  EXPECT_EQ(again->Sign(AsBytes("a")), key.Sign(AsBytes("a")));
}

TEST(Ed25519Test, SeedsOfOtherSizesAreRefused) {
  for (const std::size_t size : {0U, 31U, 33U, 64U}) {
    const auto key = Ed25519PrivateKey::FromSeed(SecretBytes(size));
    ASSERT_FALSE(key.ok()) << size;
    EXPECT_EQ(key.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(Ed25519Test, EveryChangedBitOfASignatureIsRefused) {
  const Ed25519PrivateKey key = SomeKey();
  const Ed25519Signature signature = key.Sign(AsBytes("message"));
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    Ed25519Signature changed = signature;
    changed[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(key.public_key().Verify(AsBytes("message"), changed)) << bit;
  }
}

TEST(Ed25519Test, AnotherMessageIsRefused) {
  const Ed25519PrivateKey key = SomeKey();
  const Ed25519Signature signature = key.Sign(AsBytes("message"));
  for (const std::string_view message : {"", "messagf", "messag", "message ", "Message"}) {
    EXPECT_FALSE(key.public_key().Verify(AsBytes(message), signature)) << message;
  }
}

TEST(Ed25519Test, SignaturesOfOtherSizesAreRefused) {
  const Ed25519PrivateKey key = SomeKey();
  Bytes signature = CopyOf(key.Sign({}));
  signature.push_back(std::byte{0});
  for (const std::size_t size : {0U, 1U, 32U, 63U, 65U}) {
    EXPECT_FALSE(key.public_key().Verify({}, ByteView(signature).first(size))) << size;
  }
}

// S + L signs the same when nobody checks that S is below the group's order L.
TEST(Ed25519Test, ASignatureIsNotMalleable) {
  constexpr std::string_view kOrder = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
  const Ed25519PrivateKey key = SomeKey();
  Ed25519Signature signature = key.Sign(AsBytes("message"));
  const Bytes order = Hex(kOrder);
  unsigned carry = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    carry += std::to_integer<unsigned>(signature[32 + i]) + std::to_integer<unsigned>(order[i]);
    signature[32 + i] = static_cast<std::byte>(carry & 0xFFU);
    carry >>= 8U;
  }
  ASSERT_EQ(carry, 0U);
  EXPECT_FALSE(key.public_key().Verify(AsBytes("message"), signature));
}

TEST(Ed25519Test, BytesThatAreNoPublicKeyAreRefused) {
  const struct {
    const char* name;
    const char* hex;
  } cases[] = {
      {"empty", ""},
      {"31 bytes", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751"},
      {"33 bytes", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a00"},
      {"zeros, of order 4", "0000000000000000000000000000000000000000000000000000000000000000"},
      {"the neutral element", "0100000000000000000000000000000000000000000000000000000000000000"},
      {"of order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
      {"of order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"},
      {"of order 8, the other one", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"},
      {"not canonical, p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
      {"not canonical, p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
      {"all ones", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
      {"not on the curve", "0200000000000000000000000000000000000000000000000000000000000000"},
  };
  for (const auto& c : cases) {
    const auto key = Ed25519PublicKey::FromBytes(Hex(c.hex));
    ASSERT_FALSE(key.ok()) << c.name;
    EXPECT_EQ(key.error().code(), ErrorCode::kInvalidArgument) << c.name;
  }
}

TEST(Ed25519Test, OneKeySignsInManyThreads) {
  const Ed25519PrivateKey key = SomeKey();
  const Ed25519Signature expected = key.Sign(AsBytes("message"));
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (int& count : right) {
    threads.emplace_back([&key, &expected, &count] {
      for (int i = 0; i < 50; ++i) {
        const bool same = key.Sign(AsBytes("message")) == expected;
        if (same && key.public_key().Verify(AsBytes("message"), expected)) ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, std::vector<int>(4, 50));
}

}  // namespace
}  // namespace coffer
