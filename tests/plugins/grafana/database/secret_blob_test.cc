#include "plugins/grafana/database/secret_blob.h"

#include <gtest/gtest.h>

#include "crypto/base64.h"
#include "tests/plugins/grafana/database/known_answers.h"

namespace coffer::grafana {
namespace {

using namespace known_answers;

constexpr std::string_view kNamedCfb = "*YWVzLWNmYg*";
constexpr std::string_view kNamedGcm = "*YWVzLWdjbQ*";
const std::string kCfbContent = "saltAAAA" + std::string(16, '\xFE') + "body";
const std::string kGcmContent = "saltAAAA" + std::string(12, '\xFE') + std::string(16, '\xFD') + "body";

std::string WithKey(std::string_view id) {
  std::string base64 = ToBase64(AsBytes(id));
  base64.erase(std::min(base64.find('='), base64.size()));
  return "#" + base64 + "#";
}

// Parses, and is written again as it was.
SecretBlob Parsed(ByteView bytes) {
  auto blob = SecretBlob::Parse(bytes);
  EXPECT_TRUE(blob.ok());
  if (!blob.ok()) return {};
  EXPECT_EQ(blob->ToBytes(), CopyOf(bytes));
  return std::move(blob).value();
}
SecretBlob Parsed(std::string_view bytes) { return Parsed(AsBytes(bytes)); }

void ExpectRefused(std::string_view bytes, std::string_view why) {
  const auto blob = SecretBlob::Parse(AsBytes(bytes));
  ASSERT_FALSE(blob.ok()) << why;
  EXPECT_EQ(blob.error().code(), ErrorCode::kInvalidArgument) << why;
}

std::string Decrypted(const SecretBlob& blob, const SecretBytes& passphrase) {
  const auto plaintext = blob.Decrypt(passphrase);
  return plaintext.ok() ? Revealed(*plaintext) : "(error)";
}

TEST(SecretBlob, UnwrapsTheKnownDataKey) {
  const SecretBlob blob = Parsed(Hex(kWrappedHex));
  EXPECT_FALSE(blob.data_key);
  EXPECT_EQ(blob.cipher, BlobCipher::kAesCfb);
  EXPECT_EQ(AsText(blob.salt), "saltAAAA");
  EXPECT_EQ(Decrypted(blob, Secret(kSecretKey)), AsText(Hex(kDataKeyHex)));
}

TEST(SecretBlob, DecryptsTheKnownEnvelope) {
  const SecretBlob blob = Parsed(Hex(kEnvelopeHex));
  EXPECT_EQ(blob.data_key, kDataKeyId);
  EXPECT_EQ(blob.cipher, BlobCipher::kAesCfb);
  EXPECT_EQ(Decrypted(blob, SecretOf(Hex(kDataKeyHex))), kPlaintext);
}

TEST(SecretBlob, DecryptsTheKnownGcmBlob) {
  const SecretBlob blob = Parsed(Hex(kGcmHex));
  EXPECT_FALSE(blob.data_key);
  EXPECT_EQ(blob.cipher, BlobCipher::kAesGcm);
  EXPECT_EQ(Decrypted(blob, SecretOf(Hex(kDataKeyHex))), kPlaintext);
}

TEST(SecretBlob, DecryptsTheKnownCellOfADatasource) {
  const SecretBlob blob = Parsed(FromBase64(kEnvelopeBase64).value());
  EXPECT_EQ(blob.ToBytes(), Hex(kEnvelopeHex));
  EXPECT_EQ(Decrypted(blob, SecretOf(Hex(kDataKeyHex))), kPlaintext);
}

TEST(SecretBlob, EveryFormComesBackAsItWas) {
  for (const std::string& key : {std::string(), WithKey("a"), WithKey("2022-01-31/root@secretKey.v1"),
                                 WithKey(std::string(SecretBlob::kMaxDataKeyId, 'k'))}) {
    const SecretBlob unnamed = Parsed(key + kCfbContent);
    EXPECT_FALSE(unnamed.names_cipher);
    const SecretBlob empty = Parsed(key + "**" + kCfbContent);
    EXPECT_TRUE(empty.names_cipher && empty.empty_name);
    const SecretBlob named = Parsed(key + std::string(kNamedCfb) + kCfbContent);
    EXPECT_TRUE(named.names_cipher && !named.empty_name);
    for (const SecretBlob& blob : {unnamed, empty, named}) {
      EXPECT_EQ(blob.cipher, BlobCipher::kAesCfb);
      EXPECT_EQ(blob.data_key.has_value(), !key.empty());
      EXPECT_EQ(AsText(blob.body), "body");
    }
    const SecretBlob gcm = Parsed(key + std::string(kNamedGcm) + kGcmContent);
    EXPECT_EQ(gcm.cipher, BlobCipher::kAesGcm);
    EXPECT_EQ(gcm.iv.size(), 12U);
    EXPECT_EQ(gcm.body.size(), 20U);
  }
}

TEST(SecretBlob, TheThreeNamesOfCfbDecryptAlike) {
  const std::string content(AsText(Hex(kEnvelopeHex)).substr(WithKey(kDataKeyId).size() + kNamedCfb.size()));
  for (const std::string_view name : {std::string_view(), std::string_view("**"), kNamedCfb}) {
    EXPECT_EQ(Decrypted(Parsed(std::string(name) + content), SecretOf(Hex(kDataKeyHex))), kPlaintext) << name;
  }
}

TEST(SecretBlob, EncryptedComesBackUnderTheSamePassphrase) {
  for (const BlobCipher cipher : {BlobCipher::kAesCfb, BlobCipher::kAesGcm}) {
    for (const std::string& text : {std::string(), std::string("x"), std::string(1000, 'y')}) {
      for (const std::optional<std::string>& key : {std::optional<std::string>(), std::optional<std::string>("id")}) {
        const SecretBlob made = SecretBlob::Encrypt(Secret(text), Secret(kSecretKey), cipher, key);
        const SecretBlob read = Parsed(made.ToBytes());
        EXPECT_EQ(read.data_key, key);
        EXPECT_EQ(read.cipher, cipher);
        EXPECT_EQ(Decrypted(read, Secret(kSecretKey)), text);
      }
    }
  }
}

TEST(SecretBlob, EncryptedTwiceDiffersInSaltAndIv) {
  for (const BlobCipher cipher : {BlobCipher::kAesCfb, BlobCipher::kAesGcm}) {
    const SecretBlob one = SecretBlob::Encrypt(Secret("x"), Secret(kSecretKey), cipher, std::nullopt);
    const SecretBlob two = SecretBlob::Encrypt(Secret("x"), Secret(kSecretKey), cipher, std::nullopt);
    EXPECT_NE(one.salt, two.salt);
    EXPECT_NE(one.iv, two.iv);
  }
}

TEST(SecretBlob, WrongPassphraseFailsInGcmAndGivesGarbageInCfb) {
  const auto gcm = Parsed(Hex(kGcmHex)).Decrypt(Secret(kSecretKey));
  ASSERT_FALSE(gcm.ok());
  EXPECT_EQ(gcm.error().code(), ErrorCode::kDecryptFailed);
  const auto cfb = Parsed(Hex(kEnvelopeHex)).Decrypt(Secret(kSecretKey));
  ASSERT_TRUE(cfb.ok());
  EXPECT_EQ(cfb->size(), kPlaintext.size());
  EXPECT_NE(Revealed(*cfb), kPlaintext);
}

TEST(SecretBlob, AChangedByteNeverDecryptsToTheSame) {
  const SecretBytes data_key = SecretOf(Hex(kDataKeyHex));
  for (const std::string_view hex : {kEnvelopeHex, kGcmHex}) {
    const Bytes good = Hex(hex);
    for (std::size_t i = 0; i < good.size(); ++i) {
      Bytes changed = good;
      changed[i] ^= std::byte{1};
      const auto blob = SecretBlob::Parse(changed);
      if (!blob.ok()) continue;
      EXPECT_EQ(blob->ToBytes(), changed) << i;
      // Of an envelope the id may change, and then it names another key.
      if (blob->data_key != Parsed(good).data_key) continue;
      EXPECT_NE(Decrypted(*blob, data_key), kPlaintext) << i;
    }
  }
}

TEST(SecretBlob, CutShortItIsRefusedOrShorter) {
  for (const std::string& whole :
       {WithKey("id") + std::string(kNamedCfb) + kCfbContent, WithKey("id") + std::string(kNamedGcm) + kGcmContent,
        "**" + kCfbContent, std::string(kNamedGcm) + kGcmContent, kCfbContent}) {
    for (std::size_t size = 0; size + 4 < whole.size(); ++size) ExpectRefused(whole.substr(0, size), whole);
    for (std::size_t size = whole.size() - 4; size <= whole.size(); ++size) {
      EXPECT_EQ(Parsed(whole.substr(0, size)).body.size(), Parsed(whole).body.size() - (whole.size() - size));
    }
  }
}

TEST(SecretBlob, WhatIsNoBlobIsRefused) {
  ExpectRefused("##" + kCfbContent, "an empty id");
  ExpectRefused("#aWQ" + kCfbContent, "an id without an end");
  ExpectRefused("#aWQ=#" + kCfbContent, "padding");
  ExpectRefused("#aWR#" + kCfbContent, "bits over");
  ExpectRefused("#aWQ\n#" + kCfbContent, "a line end in base64");
  ExpectRefused("#aW-_#" + kCfbContent, "base64url");
  ExpectRefused("#a#" + kCfbContent, "an impossible length");
  ExpectRefused(WithKey("a\nb") + kCfbContent, "a control in the id");
  ExpectRefused(WithKey("a\x7F") + kCfbContent, "a delete in the id");
  ExpectRefused(WithKey("\xFF\xFE") + kCfbContent, "an id that is no text");
  ExpectRefused(WithKey(std::string(SecretBlob::kMaxDataKeyId + 1, 'k')) + kCfbContent, "a longer id");
  ExpectRefused("*YWVzLWN0cg*" + kCfbContent, "aes-ctr");
  ExpectRefused("*YWVzLWNmYg==*" + kCfbContent, "padding of the name");
  ExpectRefused("*YWVzLWNmYh*" + kCfbContent, "bits over in the name");
  ExpectRefused("*QUVTLUNGQg*" + kCfbContent, "AES-CFB");
  ExpectRefused("*YWVzLWNmYg" + kCfbContent, "a name without an end");
  ExpectRefused("*" + kCfbContent, "a star alone");
  ExpectRefused("", "nothing");
}

TEST(SecretBlob, AnUnnamedBlobHasASaltAsGrafanaMadeThem) {
  for (const char c : {'\0', ' ', '-', '_', '@', '[', '`', '{', ':', '/', '\x7F', '\x80', '\xFF'}) {
    std::string content = kCfbContent;
    content[3] = c;
    ExpectRefused(content, "in front");
    ExpectRefused(WithKey("id") + content, "behind an id");
    Parsed("**" + content);
    Parsed(std::string(kNamedCfb) + content);
  }
  Parsed("09AZaz5M" + kCfbContent.substr(8));
}

TEST(SecretBlob, LargerThanItsLimitIsRefusedUnread) {
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(SecretBlob::kMaxSize + 1);
  const auto blob = SecretBlob::Parse({memory.get(), SecretBlob::kMaxSize + 1});
  ASSERT_FALSE(blob.ok());
  EXPECT_EQ(blob.error().limit(), SecretBlob::kMaxSize);
}

TEST(SecretBlobDeathTest, AnIdThatDoesNotParseIsNotWritten) {
  for (const std::string& id : {std::string(), std::string(257, 'k'), std::string("a\nb")}) {
    EXPECT_DEATH(SecretBlob::Encrypt(Secret("x"), Secret("k"), BlobCipher::kAesCfb, id), "check failed");
  }
}

}  // namespace
}  // namespace coffer::grafana
