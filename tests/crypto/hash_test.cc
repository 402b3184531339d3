#include "crypto/hash.h"

#include <thread>

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

TEST(Sha256Test, MatchesFips180) {
  EXPECT_EQ(ToHex(Sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(ToHex(Sha256({AsBytes("abc")})), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(Sha256({AsBytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")})),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256Test, PiecesAreConcatenated) {
  EXPECT_EQ(Sha256({AsBytes("a"), {}, AsBytes("bc")}), Sha256({AsBytes("abc")}));
}

TEST(HmacSha256Test, MatchesRfc4231) {
  int count = 0;
  for (const Json& c : LoadExternal("HMAC-SHA256")) {
    const Bytes expected = HexOf(c.at("mac"));
    const Digest mac = HmacSha256(HexOf(c.at("key")), {HexOf(c.at("message"))});
    EXPECT_EQ(CopyOf(ByteView(mac).first(expected.size())), expected) << c.at("name");
    ++count;
  }
  EXPECT_EQ(count, 7);
}

TEST(HmacSha256Test, PiecesAreConcatenated) {
  const Bytes key(32, std::byte{7});
  EXPECT_EQ(HmacSha256(key, {AsBytes("a"), {}, AsBytes("bc")}), HmacSha256(key, {AsBytes("abc")}));
  EXPECT_EQ(HmacSha256(key, {}), HmacSha256(key, {ByteView()}));
}

// A key that was used before must not stay in the context: an empty key is a key.
TEST(HmacSha256Test, EmptyKeyIsNotTheLastKey) {
  const Digest expected = HmacSha256({}, {AsBytes("x")});
  const Digest other = HmacSha256(AsBytes("some other key"), {AsBytes("x")});
  EXPECT_EQ(HmacSha256({}, {AsBytes("x")}), expected);
  EXPECT_NE(other, expected);
  // HMAC pads keys with zeros, so this is the same key by definition (RFC 2104 section 2).
  EXPECT_EQ(HmacSha256(Bytes(64), {AsBytes("x")}), expected);
}

TEST(HmacSha256Test, ThreadsDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&wrong, t] {
      const Bytes key(32, static_cast<std::byte>(t));
      const Digest expected = HmacSha256(key, {AsBytes("x")});
      for (int i = 0; i < 2000; ++i) wrong[t] += HmacSha256(key, {AsBytes("x")}) == expected ? 0 : 1;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(HmacSha256Test, MatchesWycheproof) {
  const auto file = LoadWycheproof("hmac_sha256_test.json");
  if (!file) GTEST_SKIP() << "the Wycheproof vectors are not beside the repository";
  int valid = 0;
  int invalid = 0;
  for (const Json& group : file->at("testGroups")) {
    const std::size_t tag_size = group.at("tagSize").get<std::size_t>() / 8;
    for (const Json& c : group.at("tests")) {
      const Digest mac = HmacSha256(HexOf(c.at("key")), {HexOf(c.at("msg"))});
      const bool is_valid = c.at("result") == "valid";
      EXPECT_EQ(EqualConstantTime(ByteView(mac).first(tag_size), HexOf(c.at("tag"))), is_valid) << c.at("tcId");
      ++(is_valid ? valid : invalid);
    }
  }
  std::cout << "Wycheproof hmac_sha256: " << valid << " valid, " << invalid << " invalid\n";
  EXPECT_EQ(valid + invalid, file->at("numberOfTests"));
}

TEST(HkdfSha256Test, MatchesRfc5869) {
  int count = 0;
  for (const Json& c : LoadExternal("HKDF-SHA256")) {
    const SecretBytes okm = HkdfSha256(HexOf(c.at("ikm")), HexOf(c.at("salt")), HexOf(c.at("info")), c.at("length"));
    EXPECT_EQ(ToHex(okm.Expose(SecretAccess::kTest)), c.at("okm")) << c.at("name");
    ++count;
  }
  EXPECT_EQ(count, 3);
}

TEST(HkdfSha256Test, ShorterOutputIsAPrefixOfLonger) {
  const std::string longest = Revealed(HkdfSha256(AsBytes("ikm"), {}, AsBytes("info"), 8160));
  for (std::size_t length : {1U, 16U, 31U, 32U, 33U, 64U, 8159U}) {
    EXPECT_EQ(Revealed(HkdfSha256(AsBytes("ikm"), {}, AsBytes("info"), length)), longest.substr(0, length)) << length;
  }
}

TEST(HkdfSha256Test, EmptySaltIsZeros) {
  EXPECT_EQ(Revealed(HkdfSha256(AsBytes("ikm"), {}, {}, 32)), Revealed(HkdfSha256(AsBytes("ikm"), Bytes(32), {}, 32)));
}

TEST(HkdfSha256DeathTest, LengthOutsideTheRfcAborts) {
  EXPECT_DEATH(static_cast<void>(HkdfSha256({}, {}, {}, 0)), "check failed");
  EXPECT_DEATH(static_cast<void>(HkdfSha256({}, {}, {}, 8161)), "check failed");
}

TEST(HkdfSha256Test, MatchesWycheproof) {
  const auto file = LoadWycheproof("hkdf_sha256_test.json");
  if (!file) GTEST_SKIP() << "the Wycheproof vectors are not beside the repository";
  int valid = 0;
  int refused = 0;
  for (const Json& group : file->at("testGroups")) {
    for (const Json& c : group.at("tests")) {
      const auto length = c.at("size").get<std::size_t>();
      if (c.at("result") == "invalid") {
        EXPECT_GT(length, 8160U) << c.at("tcId") << ": the only reason to refuse";
        ++refused;
        continue;
      }
      const SecretBytes okm = HkdfSha256(HexOf(c.at("ikm")), HexOf(c.at("salt")), HexOf(c.at("info")), length);
      EXPECT_EQ(ToHex(okm.Expose(SecretAccess::kTest)), c.at("okm")) << c.at("tcId");
      ++valid;
    }
  }
  std::cout << "Wycheproof hkdf_sha256: " << valid << " valid, " << refused << " of a refused length\n";
  EXPECT_EQ(valid + refused, file->at("numberOfTests"));
}

}  // namespace
}  // namespace coffer
