// The primitives under age files against outside vectors: ChaCha20-Poly1305 and X25519.
#include <gtest/gtest.h>

#include "crypto/internal/age_cipher.h"
#include "tests/crypto/vectors.h"

namespace coffer::internal {
namespace {

template <std::size_t kSize>
std::array<std::byte, kSize> ArrayOf(ByteView bytes) {
  std::array<std::byte, kSize> out{};
  COFFER_CHECK(bytes.size() == kSize);
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

// Nothing when the tag is false.
std::optional<Bytes> OpenWith(ChaChaPoly& cipher, const ChaChaNonce& nonce, ByteView sealed) {
  Bytes out(sealed.size() - kAgeTagSize, std::byte{0xEE});
  const auto authentic = cipher.Open(nonce, sealed, out);
  COFFER_CHECK(authentic.ok());
  if (*authentic) return out;
  EXPECT_EQ(out, Bytes(out.size())) << "what was not authentic is wiped";
  return std::nullopt;
}

bool HasOurShape(const Json& group) {
  return group.at("ivSize") == 96 && group.at("keySize") == 256 && group.at("tagSize") == 128;
}

TEST(ChaChaPolyTest, MatchesWycheproof) {
  const auto file = LoadWycheproof("chacha20_poly1305_test.json");
  if (!file) GTEST_SKIP() << "the Wycheproof vectors are not beside the repository";
  int valid = 0;
  for (const Json& group : file->at("testGroups")) {
    if (!HasOurShape(group)) continue;
    for (const Json& c : group.at("tests")) {
      if (!c.at("aad").get<std::string>().empty()) continue;
      ChaChaPoly cipher = ChaChaPoly::Create(SecretOf(HexOf(c.at("key")))).value();
      const auto nonce = ArrayOf<12>(HexOf(c.at("iv")));
      Bytes sealed = HexOf(c.at("ct"));
      Append(sealed, HexOf(c.at("tag")));
      const auto opened = OpenWith(cipher, nonce, sealed);
      ASSERT_EQ(opened.has_value(), c.at("result") == "valid") << c.at("tcId");
      if (!opened) continue;
      ++valid;
      EXPECT_EQ(ToHex(*opened), c.at("msg")) << c.at("tcId");
      Bytes again(sealed.size());
      ASSERT_TRUE(cipher.Seal(nonce, *opened, again).ok());
      EXPECT_EQ(again, sealed) << c.at("tcId");
    }
  }
  EXPECT_GT(valid, 10);
}

TEST(ChaChaPolyTest, OneContextSealsAndOpensInTurn) {
  ChaChaPoly cipher = ChaChaPoly::Create(SecretOf(Bytes(32, std::byte{7}))).value();
  const ChaChaNonce nonce{};
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 64U, 1000U, 65536U}) {
    const Bytes plaintext(size, std::byte{0x5A});
    Bytes sealed(size + kAgeTagSize);
    ASSERT_TRUE(cipher.Seal(nonce, plaintext, sealed).ok());
    EXPECT_EQ(OpenWith(cipher, nonce, sealed), plaintext) << size;
    for (const std::size_t at : {std::size_t{0}, sealed.size() / 2, sealed.size() - 1}) {
      Bytes bad = sealed;
      bad[at] ^= std::byte{0x80};
      EXPECT_FALSE(OpenWith(cipher, nonce, bad)) << size << " at " << at;
    }
  }
}

TEST(ChaChaPolyTest, OpenFailsUnderAnotherNonceOrKey) {
  ChaChaPoly cipher = ChaChaPoly::Create(SecretOf(Bytes(32, std::byte{7}))).value();
  ChaChaPoly other = ChaChaPoly::Create(SecretOf(Bytes(32, std::byte{8}))).value();
  Bytes sealed(20);
  ASSERT_TRUE(cipher.Seal({}, Bytes(4), sealed).ok());
  EXPECT_TRUE(OpenWith(cipher, {}, sealed));
  EXPECT_FALSE(OpenWith(cipher, {std::byte{1}}, sealed));
  EXPECT_FALSE(OpenWith(other, {}, sealed));
}

TEST(X25519Test, MatchesWycheproof) {
  const auto file = LoadWycheproof("x25519_test.json");
  if (!file) GTEST_SKIP() << "the Wycheproof vectors are not beside the repository";
  int zeros = 0;
  int count = 0;
  for (const Json& group : file->at("testGroups")) {
    for (const Json& c : group.at("tests")) {
      const auto shared = X25519(SecretOf(HexOf(c.at("private"))), ArrayOf<32>(HexOf(c.at("public"))));
      const bool is_zero = HexOf(c.at("shared")) == Bytes(32);
      ASSERT_EQ(shared.ok(), !is_zero) << c.at("tcId");
      if (shared.ok()) {
        EXPECT_EQ(ToHex(shared->Expose(SecretAccess::kTest)), c.at("shared")) << c.at("tcId");
      }
      zeros += is_zero ? 1 : 0;
      ++count;
    }
  }
  EXPECT_GT(zeros, 5);
  EXPECT_GT(count, 500);
}

TEST(X25519Test, MatchesRfc7748Section6) {
  const SecretBytes alice = SecretOf(Hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const SecretBytes bob = SecretOf(Hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  EXPECT_EQ(ToHex(X25519Base(alice)), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(ToHex(X25519Base(bob)), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  EXPECT_EQ(ToHex(X25519(alice, X25519Base(bob))->Expose(SecretAccess::kTest)),
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

TEST(AgeChunksTest, OpensOnlyInOrderAndWithTheFlag) {
  const SecretBytes file_key = SecretOf(Bytes(kAgeFileKeySize, std::byte{1}));
  AgeChunks sealing = AgeChunks::Create(file_key, {}).value();
  std::vector<Bytes> sealed(3);
  for (std::size_t i = 0; i < sealed.size(); ++i) ASSERT_TRUE(sealing.Seal(Bytes(5), i == 2, sealed[i]).ok());
  const auto opens = [&file_key](std::vector<std::pair<Bytes, bool>> chunks) {
    AgeChunks opening = AgeChunks::Create(file_key, {}).value();
    Bytes out(5);
    return std::all_of(chunks.begin(), chunks.end(),
                       [&](const auto& chunk) { return opening.Open(chunk.first, chunk.second, out).value(); });
  };
  EXPECT_TRUE(opens({{sealed[0], false}, {sealed[1], false}, {sealed[2], true}}));
  EXPECT_FALSE(opens({{sealed[1], false}}));
  EXPECT_FALSE(opens({{sealed[0], true}}));
  EXPECT_FALSE(opens({{sealed[0], false}, {sealed[2], true}}));
  EXPECT_FALSE(opens({{sealed[0], false}, {sealed[1], false}, {sealed[2], false}}));
}

}  // namespace
}  // namespace coffer::internal
