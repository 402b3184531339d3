#include "crypto/person_key.h"

#include <gtest/gtest.h>

namespace coffer {
namespace {

SecretBytes Secret(std::string_view text) { return SecretBytes::CopyOf(AsBytes(text)); }
std::string TextOf(const SecretBytes& secret) { return std::string(AsText(secret.Expose(SecretAccess::kTest))); }

constexpr std::string_view kPassphrase = "correct horse battery";

// RFC 8410 section 10.3, and the public key of section 10.1.
constexpr std::string_view kRfc8410 =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
    "-----END PRIVATE KEY-----\n";
// The public key of both as a line.
std::string Line() {
  const Bytes bytes = FromHex("19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1").value();
  const Ed25519PublicKey key = Ed25519PublicKey::FromBytes(bytes).value();
  return NoteVerifier::Create("alice", NoteKeyType::kSignature, key).value().ToText() + "\n";
}

// By `openssl pkcs8 -topk8 -scrypt`: the key of RFC 8410 under kPassphrase.
constexpr std::string_view kByOpenSsl =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAjBz6T5GFqFBAICQAAC\n"
    "AQgCAQEwHQYJYIZIAWUDBAEqBBCXMyiso1eLNIIFYClLtPRtBECCmwh3fu2nYQWM\n"
    "mE0NLZxC+5/8Wu7/IyioVMIzAhsbMq5wqa8hl723CSodR57IB9/MWduqOdRMqfm1\n"
    "zPM0VLiB\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

TEST(PersonKey, OfTheRfcIsReadAndWrittenAgain) {
  const std::string file = Line() + std::string(kRfc8410);
  const Result<NoteSigner> key = ReadPersonKey(Secret(file), SecretBytes());
  ASSERT_TRUE(key.ok()) << key.error().ToString();
  EXPECT_EQ(key->verifier().name(), "alice");
  const Ed25519PrivateKey same =
      Ed25519PrivateKey::FromSeed(
          SecretBytes::CopyOf(FromHex("d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842").value()))
          .value();
  EXPECT_EQ(TextOf(WritePersonKey("alice", same, SecretBytes()).value()), file);
}

TEST(PersonKey, ThatOpenSslEncryptedIsRead) {
  const Result<NoteSigner> key = ReadPersonKey(Secret(Line() + std::string(kByOpenSsl)), Secret(kPassphrase));
  ASSERT_TRUE(key.ok()) << key.error().ToString();
  EXPECT_EQ(key->verifier().ToText() + "\n", Line());
}

TEST(PersonKey, UnderAPassphraseComesBackUnderThatOneOnly) {
  const SecretBytes file = MakePersonKey("bob", Secret(kPassphrase)).value();
  EXPECT_TRUE(IsEncryptedPersonKey(file));
  EXPECT_LE(file.size(), kMaxPersonKeyFile);
  const Result<NoteSigner> read = ReadPersonKey(file, Secret(kPassphrase));
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  EXPECT_EQ(read->verifier(), PublicPersonKey(file).value());
  EXPECT_EQ(read->verifier().name(), "bob");
  for (const std::string_view other : {"", "correct horse batterz", "correct horse battery "}) {
    const Result<NoteSigner> refused = ReadPersonKey(file, Secret(other));
    ASSERT_FALSE(refused.ok()) << other;
    EXPECT_EQ(refused.error().code(), ErrorCode::kDecryptFailed);
  }
}

TEST(PersonKey, TwoFilesOfOneKeyDiffer) {
  const Ed25519PrivateKey key = Ed25519PrivateKey::Generate();
  EXPECT_NE(TextOf(WritePersonKey("bob", key, Secret(kPassphrase)).value()),
            TextOf(WritePersonKey("bob", key, Secret(kPassphrase)).value()));
}

TEST(PersonKey, NamesAndPassphrasesHaveLimits) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{11}, std::size_t{1025}}) {
    const Result<SecretBytes> refused = MakePersonKey("bob", Secret(std::string(size, 'x')));
    ASSERT_FALSE(refused.ok()) << size;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(MakePersonKey("bob", Secret("123456789012")).ok());
  for (const std::string_view name : {"", "bob alice", "bob+alice", "bob\n"}) {
    EXPECT_FALSE(MakePersonKey(name, SecretBytes()).ok()) << name;
  }
}

TEST(PersonKey, WhatIsNoneIsRefused) {
  const std::string plain(kRfc8410);
  std::string of_x25519 = plain;  // the object identifier's last byte
  of_x25519.replace(of_x25519.find("K2VwBCIE"), 8, "K2VuBCIE");
  for (const std::string& text :
       {std::string(), plain, Line(), Line() + "-----BEGIN PRIVATE KEY-----\n",
        Line() + plain.substr(0, plain.size() / 2), Line() + of_x25519, "alice\n" + plain,
        Line() + "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMC4=\n-----END ENCRYPTED PRIVATE KEY-----\n",
        Line() + "-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
                 "00112233445566778899AABBCCDDEEFF\n\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK\n-----END PRIVATE KEY-----\n",
        Line() + std::string(kMaxPersonKeyFile, '\n') + plain}) {
    const Result<NoteSigner> refused = ReadPersonKey(Secret(text), Secret(kPassphrase));
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument) << text;
  }
}

TEST(PersonKey, OfAnotherPersonUnderThisLineIsNoticed) {
  const std::string other = TextOf(MakePersonKey("alice", SecretBytes()).value());
  const Result<NoteSigner> refused = ReadPersonKey(Secret(Line() + other.substr(other.find('\n') + 1)), SecretBytes());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kIntegrity);
}

TEST(PersonKey, NoFlippedBitGivesAnotherKey) {
  const SecretBytes made = MakePersonKey("bob", Secret(kPassphrase)).value();
  const NoteVerifier verifier = PublicPersonKey(made).value();
  const std::string file = TextOf(made);
  std::size_t refused = 0;
  for (std::size_t at = 0; at < file.size(); at += 7) {
    std::string changed = file;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const Result<NoteSigner> read = ReadPersonKey(Secret(changed), Secret(kPassphrase));
    refused += read.ok() ? 0 : 1;
    if (read.ok()) {
      EXPECT_EQ(read->verifier(), verifier) << at;
    }
  }
  EXPECT_GT(refused, file.size() / 7 / 2);
}

}  // namespace
}  // namespace coffer
