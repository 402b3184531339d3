#include "crypto/pbkdf2_aes.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "tests/crypto/vectors.h"

namespace coffer {
namespace {

SecretBytes Secret(std::string_view text) { return SecretOf(AsBytes(text)); }

ErrorCode CodeOf(const Result<SecretBytes>& result) { return result.ok() ? ErrorCode{} : result.error().code(); }
ErrorCode CodeOf(const Result<Bytes>& result) { return result.ok() ? ErrorCode{} : result.error().code(); }

std::string Derived(std::string_view passphrase, std::string_view salt, std::uint32_t iterations) {
  return ToHex(AsBytes(Revealed(Pbkdf2HmacSha256(Secret(passphrase), AsBytes(salt), iterations))));
}

// The first 32 bytes of their 64.
TEST(Pbkdf2, MatchesRfc7914) {
  EXPECT_EQ(Derived("passwd", "salt", 1), "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
  EXPECT_EQ(Derived("Password", "NaCl", 80000), "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

// The inputs of RFC 6070 with SHA-256.
TEST(Pbkdf2, MatchesTheInputsOfRfc6070) {
  EXPECT_EQ(Derived("password", "salt", 1), "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b");
  EXPECT_EQ(Derived("password", "salt", 2), "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43");
  EXPECT_EQ(Derived("password", "salt", 4096), "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a");
  EXPECT_EQ(Derived("passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096),
            "348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e1");
}

// The sizes at which the key of HMAC is padded, fills its block, and is hashed.
TEST(Pbkdf2, MatchesOpenSslAtEverySizeOfThePassphrase) {
  for (const std::size_t size : {0U, 1U, 16U, 31U, 32U, 55U, 63U, 64U, 65U, 127U, 128U, 129U, 1024U}) {
    for (const std::size_t salt_size : {0U, 8U, 51U, 52U, 60U, 64U, 100U}) {
      for (const std::uint32_t iterations : {1U, 2U, 7U}) {
        const std::string passphrase(size, 'p');
        const std::string salt(salt_size, 's');
        std::array<std::byte, kAesKeySize> expected{};
        ASSERT_EQ(PKCS5_PBKDF2_HMAC(passphrase.data(), static_cast<int>(size), AsUnsigned(AsBytes(salt)),
                                    static_cast<int>(salt_size), static_cast<int>(iterations), EVP_sha256(),
                                    kAesKeySize, AsUnsigned(MutableBytes(expected))),
                  1);
        EXPECT_EQ(Derived(passphrase, salt, iterations), ToHex(expected)) << size << ", " << salt_size;
      }
    }
  }
}

TEST(Pbkdf2, AnotherPassphraseSaltOrCountGivesAnotherKey) {
  const std::string key = Derived("passphrase", "saltsalt", 3);
  EXPECT_NE(key, Derived("passphrasf", "saltsalt", 3));
  EXPECT_NE(key, Derived("passphrase", "saltsalu", 3));
  EXPECT_NE(key, Derived("passphrase", "saltsalt", 4));
}

TEST(Pbkdf2DeathTest, NoIterationsAbort) {
  EXPECT_DEATH(static_cast<void>(Pbkdf2HmacSha256(Secret("p"), AsBytes("s"), 0)), "check failed");
}

// NIST SP 800-38A, F.3.17 and F.3.18.
TEST(AesCfb, MatchesNist) {
  const SecretBytes key = SecretOf(Hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"));
  const Bytes iv = Hex("000102030405060708090a0b0c0d0e0f");
  const Bytes plaintext =
      Hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
          "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
  const Bytes ciphertext =
      Hex("dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407b"
          "df10132415e54b92a13ed0a8267ae2f975a385741ab9cef82031623d55b1e471");
  for (std::size_t size = 0; size <= plaintext.size(); ++size) {
    const ByteView part = ByteView(plaintext).first(size);
    const ByteView expected = ByteView(ciphertext).first(size);
    EXPECT_EQ(AesCfbEncrypt(key, iv, SecretOf(part)).value(), CopyOf(expected)) << size;
    EXPECT_EQ(Revealed(AesCfbDecrypt(key, iv, expected).value()), AsText(part)) << size;
  }
}

TEST(AesCfb, WrongKeyGivesGarbageAndNoError) {
  const Bytes iv(kCfbIvSize);
  const auto ciphertext = AesCfbEncrypt(SecretBytes(kAesKeySize), iv, Secret("hunter2"));
  const auto garbage = AesCfbDecrypt(SecretOf(Bytes(kAesKeySize, std::byte{1})), iv, *ciphertext);
  ASSERT_TRUE(garbage.ok());
  EXPECT_EQ(garbage->size(), 7U);
  EXPECT_NE(Revealed(*garbage), "hunter2");
}

TEST(AesGcm, MatchesTheVectorsOfItsAuthors) {
  const SecretBytes key(kAesKeySize);
  const Bytes nonce(kGcmNonceSize);
  EXPECT_EQ(ToHex(*AesGcmEncrypt(key, nonce, SecretBytes())), "530f8afbc74536b9a963b4f1c4cb738b");
  EXPECT_EQ(ToHex(*AesGcmEncrypt(key, nonce, SecretBytes(16))),
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

bool IsOurs(const Json& group, const Json& c) {
  return group.at("keySize") == 256 && group.at("ivSize") == 96 && group.at("tagSize") == 128 && c.at("aad") == "";
}

TEST(AesGcm, MatchesWycheproof) {
  const auto file = LoadWycheproof("aes_gcm_test.json");
  if (!file) GTEST_SKIP() << "the Wycheproof vectors are not beside the repository";
  int count = 0;
  for (const Json& group : file->at("testGroups")) {
    for (const Json& c : group.at("tests")) {
      if (!IsOurs(group, c)) continue;
      ++count;
      const SecretBytes key = SecretOf(HexOf(c.at("key")));
      const Bytes nonce = HexOf(c.at("iv"));
      Bytes ciphertext = HexOf(c.at("ct"));
      Append(ciphertext, HexOf(c.at("tag")));
      const auto plaintext = AesGcmDecrypt(key, nonce, ciphertext);
      ASSERT_EQ(plaintext.ok(), c.at("result") == "valid") << c.at("tcId");
      if (!plaintext.ok()) continue;
      EXPECT_EQ(CopyOf(AsBytes(Revealed(*plaintext))), HexOf(c.at("msg"))) << c.at("tcId");
      EXPECT_EQ(*AesGcmEncrypt(key, nonce, *plaintext), ciphertext) << c.at("tcId");
    }
  }
  std::cout << "Wycheproof aes_gcm without associated data: " << count << " run\n";
  EXPECT_GT(count, 20);
}

TEST(AesGcm, WhateverIsChangedDoesNotDecrypt) {
  const SecretBytes key(kAesKeySize);
  const Bytes nonce(kGcmNonceSize);
  const Bytes good = *AesGcmEncrypt(key, nonce, Secret("hunter2"));
  ASSERT_EQ(Revealed(*AesGcmDecrypt(key, nonce, good)), "hunter2");
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes changed = good;
    changed[i] ^= std::byte{1};
    EXPECT_EQ(CodeOf(AesGcmDecrypt(key, nonce, changed)), ErrorCode::kDecryptFailed) << i;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(CodeOf(AesGcmDecrypt(key, nonce, ByteView(good).first(size))), ErrorCode::kDecryptFailed) << size;
  }
  Bytes longer = good;
  longer.push_back(std::byte{0});
  EXPECT_EQ(CodeOf(AesGcmDecrypt(key, nonce, longer)), ErrorCode::kDecryptFailed);
  EXPECT_EQ(CodeOf(AesGcmDecrypt(SecretOf(Bytes(kAesKeySize, std::byte{1})), nonce, good)), ErrorCode::kDecryptFailed);
  EXPECT_EQ(CodeOf(AesGcmDecrypt(key, Bytes(kGcmNonceSize, std::byte{1}), good)), ErrorCode::kDecryptFailed);
}

TEST(Aes, WrongSizesAreRefused) {
  const Bytes text(32);
  const SecretBytes secret(32);
  for (const std::size_t size : {0U, 16U, 24U, 31U, 33U}) {
    const SecretBytes key(size);
    EXPECT_EQ(CodeOf(AesCfbEncrypt(key, Bytes(kCfbIvSize), secret)), ErrorCode::kInvalidArgument) << size;
    EXPECT_EQ(CodeOf(AesCfbDecrypt(key, Bytes(kCfbIvSize), text)), ErrorCode::kInvalidArgument) << size;
    EXPECT_EQ(CodeOf(AesGcmEncrypt(key, Bytes(kGcmNonceSize), secret)), ErrorCode::kInvalidArgument) << size;
    EXPECT_EQ(CodeOf(AesGcmDecrypt(key, Bytes(kGcmNonceSize), text)), ErrorCode::kInvalidArgument) << size;
  }
  const SecretBytes key(kAesKeySize);
  for (const std::size_t size : {0U, 8U, 11U, 13U, 15U, 17U}) {
    EXPECT_EQ(CodeOf(AesCfbEncrypt(key, Bytes(size), secret)), ErrorCode::kInvalidArgument) << size;
    EXPECT_EQ(CodeOf(AesCfbDecrypt(key, Bytes(size), text)), ErrorCode::kInvalidArgument) << size;
    EXPECT_EQ(CodeOf(AesGcmEncrypt(key, Bytes(size), secret)), ErrorCode::kInvalidArgument) << size;
    EXPECT_EQ(CodeOf(AesGcmDecrypt(key, Bytes(size), text)), ErrorCode::kInvalidArgument) << size;
  }
}

}  // namespace
}  // namespace coffer
