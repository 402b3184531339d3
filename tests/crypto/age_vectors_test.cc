// Age files against tests/vectors/age.json, which a second implementation made.
#include <gtest/gtest.h>

#include "tests/crypto/age_fixture.h"

namespace coffer {
namespace {

internal::AgeSeeds SeedsOf(const Json& c) {
  internal::AgeSeeds seeds;
  seeds.file_key = SecretOf(HexOf(c.at("file_key")));
  const Bytes ephemerals = HexOf(c.at("ephemerals"));
  for (std::size_t at = 0; at < ephemerals.size(); at += 32) {
    seeds.ephemerals.push_back(SecretOf(ByteView(ephemerals).subspan(at, 32)));
  }
  const Bytes nonce = HexOf(c.at("nonce"));
  std::copy(nonce.begin(), nonce.end(), seeds.nonce.begin());
  return seeds;
}

// What our encryptor makes with the seeds of the case.
Bytes EncryptCase(const Json& c, std::span<const AgeRecipient> recipients, ByteView plaintext) {
  AgeEncryptor encryptor = SeedsOf(c).MakeEncryptor(recipients).value();
  Bytes file;
  EXPECT_TRUE(encryptor.Write(plaintext, file).ok());
  EXPECT_TRUE(encryptor.Finish(file).ok());
  return file;
}

TEST(AgeVectorsTest, OurFilesAreTheSecondImplementationsFiles) {
  int count = 0;
  const Json vectors = LoadVectors("age.json");
  for (const Json& c : vectors.at("positive")) {
    if (c.at("kind") != "file") continue;
    const auto identities = IdentitiesOf(c.at("identities"));
    const Bytes plaintext = AgePlaintext(c.at("size").get<std::size_t>());
    const Bytes file = EncryptCase(c, RecipientsOf(identities), plaintext);
    ASSERT_EQ(ToHex(Sha256({file})), c.at("sha256")) << c.at("name");
    if (!c.at("file").is_null()) {
      EXPECT_EQ(ToHex(file), c.at("file"));
    }
    EXPECT_EQ(file.size(), AgeFileSize(identities.size(), plaintext.size()));
    EXPECT_TRUE(IsAgeFile(file));
    for (const AgeIdentity& identity : identities) {
      const AgeReading reading = ReadAge(std::span(&identity, 1), file);
      EXPECT_EQ(reading.Ending(), "ok") << c.at("name");
      EXPECT_EQ(reading.plaintext, plaintext) << c.at("name");
    }
    ++count;
  }
  EXPECT_GE(count, 18);
}

TEST(AgeVectorsTest, ForeignFilesAreRead) {
  int count = 0;
  const Json vectors = LoadVectors("age.json");
  for (const Json& c : vectors.at("positive")) {
    if (c.at("kind") != "foreign") continue;
    for (const std::size_t step : {std::size_t{1}, SIZE_MAX}) {
      const AgeReading reading = ReadAge(IdentitiesOf(c.at("identities")), HexOf(c.at("file")), step);
      EXPECT_EQ(reading.Ending(), "ok") << c.at("name");
      EXPECT_EQ(reading.plaintext, AgePlaintext(c.at("size").get<std::size_t>())) << c.at("name");
    }
    ++count;
  }
  EXPECT_GE(count, 10);
}

// Form errors are invalid arguments, the rest is kDecryptFailed; either way nothing of these files is given out.
TEST(AgeVectorsTest, NegativesAreRefusedAndNothingIsGivenOut) {
  int by_form = 0;
  int by_key = 0;
  const Json vectors = LoadVectors("age.json");
  for (const Json& c : vectors.at("negative")) {
    if (c.at("kind") != "file") continue;
    const auto identities = IdentitiesOf(c.at("identities"));
    const Bytes file = HexOf(c.at("file"));
    const AgeReading reading = ReadAge(identities, file);
    ASSERT_FALSE(reading.status.ok()) << c.at("name");
    EXPECT_TRUE(reading.plaintext.empty()) << c.at("name");
    EXPECT_EQ(ReadAge(identities, file, 1).Ending(), reading.Ending()) << c.at("name");
    EXPECT_FALSE(AgeDecrypt(identities, file).ok()) << c.at("name");
    const ErrorCode code = reading.status.error().code();
    ASSERT_TRUE(code == ErrorCode::kInvalidArgument || code == ErrorCode::kDecryptFailed) << c.at("name");
    ++(code == ErrorCode::kInvalidArgument ? by_form : by_key);
  }
  EXPECT_GE(by_form, 60);
  EXPECT_GE(by_key, 30);
}

TEST(AgeVectorsTest, NegativesSayWhatIsWrong) {
  std::map<std::string, std::string> endings;
  const Json vectors = LoadVectors("age.json");
  for (const Json& c : vectors.at("negative")) {
    if (c.at("kind") != "file") continue;
    endings[c.at("name")] = ReadAge(IdentitiesOf(c.at("identities")), HexOf(c.at("file"))).Ending();
  }
  EXPECT_EQ(endings.at("file: no byte"),
            "invalid_argument: the file is no age file, or is cut short inside its header");
  EXPECT_EQ(endings.at("file: version 2"), "invalid_argument: the age file is of a version that is not supported");
  EXPECT_EQ(endings.at("file: another name"), "invalid_argument: the file is no age file");
  EXPECT_EQ(endings.at("file: ASCII armor"),
            "invalid_argument: the age file is armored: decode it with `age -d` or send the binary file");
  EXPECT_EQ(endings.at("file: to others: another recipient"), kForOthers);
  EXPECT_EQ(endings.at("file: to others: a passphrase"), kForOthers);
  EXPECT_EQ(endings.at("file: the MAC is of zeros"), kHeaderChanged);
  EXPECT_EQ(endings.at("file: the payload is cut by a byte"), kPayloadChanged);
}

}  // namespace
}  // namespace coffer
