#include "crypto/internal/siv.h"

#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "tests/crypto/vectors.h"

namespace coffer::internal {
namespace {

// V, then the ciphertext.
Bytes Encrypted(const SivKey& key, const std::vector<Bytes>& components, ByteView plaintext) {
  const std::vector<ByteView> views(components.begin(), components.end());
  Bytes out(kSivSize + plaintext.size());
  const MutableBytes room(out);
  EXPECT_TRUE(key.Encrypt(views, plaintext, room.first(kSivSize), room.subspan(kSivSize)).ok());
  return out;
}

std::optional<Bytes> Decrypted(const SivKey& key, const std::vector<Bytes>& components, ByteView sealed) {
  const std::vector<ByteView> views(components.begin(), components.end());
  Bytes out(sealed.size() - kSivSize, std::byte{0xEE});
  const auto matches = key.Decrypt(views, sealed.first(kSivSize), sealed.subspan(kSivSize), out);
  EXPECT_TRUE(matches.ok());
  if (*matches) return out;
  EXPECT_EQ(out, Bytes(out.size())) << "what does not match is wiped";
  return std::nullopt;
}

// RFC 5297's own vectors have keys of 256 bits, so AES-128 within.
TEST(SivTest, MatchesRfc5297A1) {
  const auto key = SivKey::Create(Hex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")).value();
  const std::vector<Bytes> ad = {Hex("101112131415161718191a1b1c1d1e1f2021222324252627")};
  const Bytes sealed = Encrypted(key, ad, Hex("112233445566778899aabbccddee"));
  EXPECT_EQ(ToHex(sealed), "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c");
  EXPECT_EQ(ToHex(*Decrypted(key, ad, sealed)), "112233445566778899aabbccddee");
}

TEST(SivTest, MatchesRfc5297A2) {
  const auto key = SivKey::Create(Hex("7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f")).value();
  const std::vector<Bytes> components = {
      Hex("00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100"),
      Hex("102030405060708090a0"), Hex("09f911029d74e35bd84156c5635688c0")};
  const Bytes plaintext =
      Hex("7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d414553");
  const Bytes sealed = Encrypted(key, components, plaintext);
  EXPECT_EQ(ToHex(sealed),
            "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8af829"
            "ea64ad544a272e9c485b62a3fd5c0d");
  EXPECT_EQ(Decrypted(key, components, sealed), plaintext);
}

TEST(SivTest, MatchesTheExternalVectors) {
  int count = 0;
  for (const Json& c : LoadExternal("AES-256-SIV")) {
    const auto key = SivKey::Create(HexOf(c.at("key"))).value();
    EXPECT_EQ(ToHex(Encrypted(key, {HexOf(c.at("aad"))}, HexOf(c.at("plaintext")))), c.at("ciphertext"));
    ++count;
  }
  EXPECT_GE(count, 1);
}

struct Counts {
  int valid = 0;
  int invalid = 0;
  int empty_plaintext = 0;
};

Counts RunWycheproof(const Json& file, int key_bits) {
  Counts counts;
  for (const Json& group : file.at("testGroups")) {
    if (group.at("keySize") != key_bits) continue;
    for (const Json& c : group.at("tests")) {
      const auto key = SivKey::Create(HexOf(c.at("key"))).value();
      const std::vector<Bytes> aad = {HexOf(c.at("aad"))};
      const Bytes sealed = HexOf(c.at("ct"));
      const Bytes plaintext = HexOf(c.at("msg"));
      if (c.at("result") == "valid") {
        EXPECT_EQ(Encrypted(key, aad, plaintext), sealed) << c.at("tcId");
        EXPECT_EQ(Decrypted(key, aad, sealed), plaintext) << c.at("tcId");
        ++counts.valid;
        counts.empty_plaintext += plaintext.empty() ? 1 : 0;
      } else {
        EXPECT_EQ(Decrypted(key, aad, sealed), std::nullopt) << c.at("tcId");
        ++counts.invalid;
      }
    }
  }
  return counts;
}

TEST(SivTest, MatchesWycheproof) {
  const auto file = LoadWycheproof("aes_siv_cmac_test.json");
  if (!file) GTEST_SKIP() << "the Wycheproof vectors are not beside the repository";
  const Counts ours = RunWycheproof(*file, 512);
  const Counts small = RunWycheproof(*file, 256);
  std::cout << "Wycheproof aes_siv_cmac: 512-bit keys " << ours.valid << " valid (" << ours.empty_plaintext
            << " of empty plaintext), " << ours.invalid << " invalid; 256-bit keys " << small.valid << " valid, "
            << small.invalid << " invalid\n";
  EXPECT_EQ(ours.valid, 39);
  EXPECT_EQ(ours.valid + ours.invalid, 147);
  EXPECT_GE(ours.empty_plaintext, 1);
}

TEST(SivTest, RoundTripsEveryLength) {
  const auto key = SivKey::Create(Bytes(64, std::byte{5})).value();
  for (std::size_t size = 0; size < 600; size = size < 70 ? size + 1 : size + 37) {
    const Bytes plaintext(size, std::byte{0xA5});
    const Bytes sealed = Encrypted(key, {Bytes(3)}, plaintext);
    EXPECT_EQ(Decrypted(key, {Bytes(3)}, sealed), plaintext) << size;
  }
}

TEST(SivTest, EncryptsAndDecryptsInPlace) {
  const auto key = SivKey::Create(Bytes(64, std::byte{5})).value();
  for (std::size_t size : {1U, 15U, 16U, 17U, 256U, 257U, 1000U}) {
    const Bytes plaintext(size, std::byte{9});
    const Bytes ad(20);
    const ByteView components[] = {ad};
    Bytes memory = plaintext;
    Bytes v(kSivSize);
    ASSERT_TRUE(key.Encrypt(components, memory, v, memory).ok());
    Bytes sealed = v;
    Append(sealed, memory);
    EXPECT_EQ(sealed, Encrypted(key, {ad}, plaintext));
    EXPECT_TRUE(key.Decrypt(components, v, memory, memory).value());
    EXPECT_EQ(memory, plaintext);
  }
}

TEST(SivTest, EveryFlippedBitIsRefused) {
  const auto key = SivKey::Create(Bytes(64, std::byte{5})).value();
  const Bytes sealed = Encrypted(key, {Bytes(3)}, AsBytes("seventeen bytes .."));
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_EQ(Decrypted(key, {Bytes(3)}, changed), std::nullopt) << bit;
  }
}

TEST(SivTest, EveryOtherKeyOrAssociatedDataIsRefused) {
  const auto key = SivKey::Create(Bytes(64, std::byte{5})).value();
  const Bytes sealed = Encrypted(key, {Hex("0102")}, AsBytes("text"));
  EXPECT_TRUE(Decrypted(key, {Hex("0102")}, sealed).has_value());
  for (const std::vector<Bytes>& other : std::vector<std::vector<Bytes>>{
           {}, {{}}, {Hex("01")}, {Hex("0103")}, {Hex("010200")}, {Hex("01"), Hex("02")}, {Hex("0102"), {}}}) {
    EXPECT_EQ(Decrypted(key, other, sealed), std::nullopt) << other.size();
  }
  for (std::size_t place : {0U, 31U, 32U, 63U}) {
    Bytes changed(64, std::byte{5});
    changed[place] ^= std::byte{1};
    EXPECT_EQ(Decrypted(SivKey::Create(changed).value(), {Hex("0102")}, sealed), std::nullopt) << place;
  }
}

TEST(SivTest, AnEmptyComponentIsNotNone) {
  const auto key = SivKey::Create(Bytes(64, std::byte{5})).value();
  EXPECT_NE(Encrypted(key, {}, {}), Encrypted(key, {{}}, {}));
}

TEST(SivTest, RefusesKeysOfOtherSizes) {
  for (std::size_t size : {0U, 16U, 31U, 33U, 48U, 63U, 65U, 128U}) {
    EXPECT_EQ(SivKey::Create(Bytes(size)).error().code(), ErrorCode::kInvalidArgument) << size;
  }
}

TEST(SivTest, ThreadsShareOneKey) {
  const auto key = SivKey::Create(Bytes(64, std::byte{5})).value();
  const Bytes expected = Encrypted(key, {Bytes(40)}, Bytes(100));
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        if (Encrypted(key, {Bytes(40)}, Bytes(100)) != expected) ++count;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

}  // namespace
}  // namespace coffer::internal
