#include "crypto/age_file.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/crypto/age_fixture.h"

namespace coffer {
namespace {

const AgeSink kNoSink = [](ByteView) { return Status(); };

TEST(AgeFileTest, RoundTripsAtEverySizeAroundAChunk) {
  for (const std::size_t size : {0U, 1U, 15U, 16U, 65535U, 65536U, 65537U, 131071U, 131072U, 131073U, 200000U}) {
    const Bytes plaintext = AgePlaintext(size);
    const Bytes file = WriteAge(plaintext);
    EXPECT_EQ(file.size(), AgeFileSize(1, size));
    const AgeReading reading = ReadAge(file);
    EXPECT_EQ(reading.Ending(), "ok") << size;
    EXPECT_EQ(reading.plaintext, plaintext) << size;
  }
}

TEST(AgeFileTest, PiecesOfAnySizeGiveTheSameFile) {
  const Bytes plaintext = AgePlaintext(140'000);
  for (const std::size_t step : {1000U, 65535U, 65536U, 65537U, 131072U, 139999U}) {
    const Bytes file = WriteAge(std::span(&TestReader().Recipient(), 1), plaintext, step);
    for (const std::size_t read_step : {1000U, 65551U, 65552U, 65553U, 131104U}) {
      const AgeReading reading = ReadAge(file, read_step);
      ASSERT_EQ(reading.Ending(), "ok") << step << " " << read_step;
      EXPECT_EQ(reading.plaintext, plaintext);
      EXPECT_EQ(reading.pieces, (std::vector<std::size_t>{65536, 65536, 140'000 - 131'072}));
    }
  }
}

TEST(AgeFileTest, EachOfTwentyRecipientsReads) {
  std::vector<AgeIdentity> identities;
  for (int i = 0; i < 20; ++i) identities.push_back(AgeIdentity::Generate());
  const Bytes plaintext = AgePlaintext(10);
  const Bytes file = WriteAge(RecipientsOf(identities), plaintext);
  for (const AgeIdentity& identity : identities) EXPECT_EQ(ReadAge(std::span(&identity, 1), file).plaintext, plaintext);
  EXPECT_EQ(ReadAge(identities, file).plaintext, plaintext);
  EXPECT_EQ(ReadAge(file).Ending(), kForOthers);
}

TEST(AgeFileTest, AnyOfAReadersIdentitiesWillDo) {
  std::vector<AgeIdentity> identities;
  for (int i = 0; i < 19; ++i) identities.push_back(AgeIdentity::Generate());
  identities.push_back(TestReader().Clone());
  EXPECT_EQ(ReadAge(identities, WriteAge(AgePlaintext(10))).plaintext, AgePlaintext(10));
}

TEST(AgeFileTest, NoneOrTooManyKeysAreRefused) {
  const std::vector<AgeRecipient> recipients(21, TestReader().Recipient());
  EXPECT_TRUE(AgeEncryptor::Create(std::span(recipients).first(20)).ok());
  EXPECT_EQ(AgeEncryptor::Create(recipients).error().limit(), 20U);
  EXPECT_EQ(AgeEncryptor::Create({}).error().code(), ErrorCode::kInvalidArgument);
  std::vector<AgeIdentity> identities;
  for (int i = 0; i < 21; ++i) identities.push_back(TestReader().Clone());
  EXPECT_TRUE(AgeDecryptor::Create(std::span(identities).first(20)).ok());
  EXPECT_EQ(AgeDecryptor::Create(identities).error().limit(), 20U);
  EXPECT_EQ(AgeDecryptor::Create({}).error().code(), ErrorCode::kInvalidArgument);
}

TEST(AgeFileTest, NoTwoFilesShareAByteOfTheirSecrets) {
  std::set<std::string> stanzas;
  std::set<std::string> nonces;
  std::set<std::string> bodies;
  const Bytes plaintext = AgePlaintext(32);
  const std::vector<AgeRecipient> twice(2, TestReader().Recipient());
  for (int i = 0; i < 50; ++i) {
    const std::string file(AsText(WriteAge(twice, plaintext)));
    stanzas.insert(file.substr(22, 98));
    stanzas.insert(file.substr(120, 98));
    nonces.insert(file.substr(266, 16));
    bodies.insert(file.substr(282, 32));
  }
  EXPECT_EQ(stanzas.size(), 100U);
  EXPECT_EQ(nonces.size(), 50U);
  EXPECT_EQ(bodies.size(), 50U);
}

TEST(AgeEncryptorTest, WritesTheHeaderFirstAndChunksWhenTheyAreFull) {
  AgeEncryptor encryptor = AgeEncryptor::Create(std::span(&TestReader().Recipient(), 1)).value();
  Bytes out;
  ASSERT_TRUE(encryptor.Write({}, out).ok());
  EXPECT_EQ(out.size(), 22U + 98U + 48U + 16U);
  out.clear();
  ASSERT_TRUE(encryptor.Write(Bytes(65'536), out).ok());
  EXPECT_TRUE(out.empty()) << "it may be the last chunk";
  ASSERT_TRUE(encryptor.Write(Bytes(1), out).ok());
  EXPECT_EQ(out.size(), 65'552U);
  ASSERT_TRUE(encryptor.Finish(out).ok());
  EXPECT_EQ(out.size(), 65'552U + 17U);
}

TEST(AgeEncryptorTest, FailsAfterTheEnd) {
  AgeEncryptor encryptor = AgeEncryptor::Create(std::span(&TestReader().Recipient(), 1)).value();
  Bytes out;
  ASSERT_TRUE(encryptor.Finish(out).ok());
  const std::size_t size = out.size();
  EXPECT_EQ(encryptor.Write(Bytes(1), out).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(encryptor.Finish(out).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(out.size(), size);
}

TEST(AgeDecryptorTest, FailsAfterTheEndAndAfterAnError) {
  const Bytes file = WriteAge(AgePlaintext(5));
  AgeDecryptor good = AgeDecryptor::Create(std::span(&TestReader(), 1)).value();
  ASSERT_TRUE(good.Write(file, kNoSink).ok());
  ASSERT_TRUE(good.Finish(kNoSink).ok());
  EXPECT_EQ(good.Write(file, kNoSink).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(good.Finish(kNoSink).error().code(), ErrorCode::kFailedPrecondition);

  AgeDecryptor bad = AgeDecryptor::Create(std::span(&TestReader(), 1)).value();
  ASSERT_TRUE(bad.Write(ByteView(file).first(100), kNoSink).ok());
  ASSERT_EQ(bad.Finish(kNoSink).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(bad.Write(ByteView(file).subspan(100), kNoSink).error().code(), ErrorCode::kInvalidArgument);
}

TEST(AgeDecryptorTest, ASinksErrorEndsTheReading) {
  const Bytes file = WriteAge(AgePlaintext(200'000));
  AgeDecryptor decryptor = AgeDecryptor::Create(std::span(&TestReader(), 1)).value();
  int calls = 0;
  const AgeSink full = [&calls](ByteView) -> Status {
    ++calls;
    return Error(ErrorCode::kUnavailable, "the disk is full");
  };
  EXPECT_EQ(decryptor.Write(file, full).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(decryptor.Finish(full).error().message(), "the disk is full");
  EXPECT_EQ(calls, 1);
}

TEST(AgeDecryptorTest, WipesWhatItGaveOut) {
  const Bytes file = WriteAge(Bytes(70'000, std::byte{0x77}));
  AgeDecryptor decryptor = AgeDecryptor::Create(std::span(&TestReader(), 1)).value();
  std::vector<ByteView> views;
  const AgeSink sink = [&views](ByteView piece) {
    EXPECT_EQ(piece.front(), std::byte{0x77});
    views.push_back(piece);
    return Status();
  };
  ASSERT_TRUE(decryptor.Write(file, sink).ok());
  ASSERT_TRUE(decryptor.Finish(sink).ok());
  ASSERT_EQ(views.size(), 2U);
  for (const ByteView view : views) EXPECT_EQ(CopyOf(view), Bytes(view.size()));
}

TEST(AgeWholeFileTest, RoundTripsAndRefuses) {
  for (const std::size_t size : {0U, 74U, 65536U, 100'000U}) {
    const auto file = AgeEncrypt(std::span(&TestReader().Recipient(), 1), SecretOf(AgePlaintext(size)));
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(file->size(), AgeFileSize(1, size));
    const auto plaintext = AgeDecrypt(std::span(&TestReader(), 1), *file);
    ASSERT_TRUE(plaintext.ok());
    EXPECT_EQ(CopyOf(plaintext->Expose(SecretAccess::kTest)), AgePlaintext(size));
    EXPECT_FALSE(AgeDecrypt(std::span(&TestReader(), 1), ByteView(*file).first(file->size() - 1)).ok());
  }
  EXPECT_FALSE(AgeDecrypt(std::span(&TestReader(), 1), {}).ok());
  EXPECT_FALSE(AgeEncrypt({}, SecretBytes(1)).ok());
}

TEST(IsAgeFileTest, LooksAtTheFirstLine) {
  EXPECT_TRUE(IsAgeFile(AsBytes("age-encryption.org/v1\n")));
  EXPECT_TRUE(IsAgeFile(WriteAge({})));
  for (const std::string_view no : {"", "age-encryption.org/v1", "age-encryption.org/v1\r\n", "age-encryption.org/v2\n",
                                    "\nage-encryption.org/v1\n", "-----BEGIN AGE ENCRYPTED FILE-----\n"}) {
    EXPECT_FALSE(IsAgeFile(AsBytes(no))) << no;
  }
}

TEST(AgeFileSizeTest, CountsChunks) {
  EXPECT_EQ(AgeFileSize(1, 0), 200U);
  EXPECT_EQ(AgeFileSize(2, 1), 299U);
  EXPECT_EQ(AgeFileSize(1, 65'536), 200U + 65'536U);
  EXPECT_EQ(AgeFileSize(1, 65'537), 216U + 65'537U);
}

}  // namespace
}  // namespace coffer
