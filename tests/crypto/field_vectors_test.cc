#include <gtest/gtest.h>

#include "crypto/internal/xaes.h"
#include "crypto/names.h"
#include "tests/crypto/field_fixture.h"

namespace coffer {
namespace {

// The cipher that a case asks for, or nothing when it is refused.
std::optional<FieldCipher> CipherOf(const Json& c) {
  const std::int64_t pad = c.at("pad_multiple").get<std::int64_t>();
  const std::int64_t suite = c.at("suite").get<std::int64_t>();
  if (pad < 0 || pad > 255 || suite < 0 || suite > 255) return std::nullopt;
  const FieldForm form{static_cast<Suite>(suite), static_cast<std::uint8_t>(pad), !c.at("row").is_null(),
                       !c.at("context").is_null()};
  const FieldPlace place{UuidOfHex<ScopeUuid>(c.at("scope")), UuidOfHex<TenantUuid>(c.at("tenant")),
                         UuidOfHex<FieldUuid>(c.at("field"))};
  auto cipher = FieldCipher::Create(SecretOf(HexOf(c.at("data_key"))), KeyId{U64Of(c.at("key_id"))}, form, place);
  if (!cipher.ok()) return std::nullopt;
  return std::move(cipher).value();
}

Result<SecretBytes> DecryptCase(const FieldCipher& cipher, const Json& c, ByteView ciphertext) {
  const Bytes row = RowOf(c.at("row"));
  const Bytes context = ContextOf(c.at("context"));
  return cipher.Decrypt(ciphertext, {row, context});
}

TEST(FieldVectorsTest, PositivesDecrypt) {
  int count = 0;
  const Json file = LoadVectors("field_ciphertext.json");
  for (const Json& c : file.at("positive")) {
    const auto cipher = CipherOf(c);
    ASSERT_TRUE(cipher.has_value()) << c.at("name");
    const auto plaintext = DecryptCase(*cipher, c, HexOf(c.at("ciphertext")));
    ASSERT_TRUE(plaintext.ok()) << c.at("name");
    EXPECT_EQ(ToHex(plaintext->Expose(SecretAccess::kTest)), c.at("plaintext")) << c.at("name");
    ++count;
  }
  EXPECT_GE(count, 20);
}

TEST(FieldVectorsTest, TextFormsRoundTrip) {
  const Json file = LoadVectors("field_ciphertext.json");
  for (const Json& c : file.at("positive")) {
    if (c.at("text").is_null()) continue;
    EXPECT_EQ(CiphertextToText(HexOf(c.at("ciphertext"))), c.at("text")) << c.at("name");
    EXPECT_EQ(CiphertextFromText(c.at("text").get<std::string>()).value(), HexOf(c.at("ciphertext"))) << c.at("name");
  }
}

// A nonce cannot be given to FieldCipher, so our encryption is compared by its parts: same size, same header, and it
// decrypts.
TEST(FieldVectorsTest, OurOwnEncryptionHasTheFormOfTheVectors) {
  const Json file = LoadVectors("field_ciphertext.json");
  for (const Json& c : file.at("positive")) {
    const auto cipher = CipherOf(c);
    ASSERT_TRUE(cipher.has_value());
    const Bytes expected = HexOf(c.at("ciphertext"));
    const Bytes plaintext = HexOf(c.at("plaintext"));
    const Bytes row = RowOf(c.at("row"));
    const Bytes context = ContextOf(c.at("context"));
    Bytes ours(cipher->form().CiphertextSize(plaintext.size()));
    ASSERT_EQ(ours.size(), expected.size()) << c.at("name");
    ASSERT_TRUE(cipher->Encrypt(plaintext, {row, context}, ours).ok());
    EXPECT_EQ(ToHex(ByteView(ours).first(10)), ToHex(ByteView(expected).first(10))) << c.at("name");
    EXPECT_EQ(CopyOf(DecryptCase(*cipher, c, ours)->Expose(SecretAccess::kTest)), plaintext) << c.at("name");
  }
}

// The whole body of a suite 1 ciphertext without padding, byte for byte, from the primitives and the vectors'
// associated data.
TEST(FieldVectorsTest, PrimitivesGiveTheBytesOfTheVectors) {
  int count = 0;
  const Json file = LoadVectors("field_ciphertext.json");
  for (const Json& c : file.at("positive")) {
    if (c.at("pad_multiple") != 0) continue;
    const Bytes expected = HexOf(c.at("ciphertext"));
    const Bytes plaintext = HexOf(c.at("plaintext"));
    const Bytes ad = HexOf(c.at("aad"));
    const auto suite = static_cast<Suite>(c.at("suite").get<int>());
    const FieldKeys keys = DeriveFieldKeys(SecretOf(HexOf(c.at("data_key"))), suite,
                                           UuidOfHex<TenantUuid>(c.at("tenant")), UuidOfHex<FieldUuid>(c.at("field")));
    const auto xaes = internal::XaesKey::Create(keys.encryption.Expose(SecretAccess::kTest)).value();
    const ByteView nonce = ByteView(expected).subspan(10, 24);
    Bytes content(plaintext.size());
    Bytes tag(16);
    ASSERT_TRUE(xaes.Encrypt(nonce, plaintext, ad, content, tag).ok());
    Bytes made;
    Writer(made).Raw(ByteView(expected).first(34)).Raw(content).Raw(tag);
    if (suite == Suite::kXaes256GcmCommitting) Append(made, internal::Commitment(keys.commitment, nonce, ad, tag));
    EXPECT_EQ(ToHex(made), ToHex(expected)) << c.at("name");
    ++count;
  }
  EXPECT_GE(count, 40);
}

TEST(FieldVectorsTest, NegativesFailWithOneError) {
  int refused_by_decrypt = 0;
  int refused_as_request = 0;
  const Json file = LoadVectors("field_ciphertext.json");
  for (const Json& c : file.at("negative")) {
    const auto cipher = CipherOf(c);
    if (!cipher || !TryRowOf(c.at("row")).ok() || !TryContextOf(c.at("context")).ok()) {
      ++refused_as_request;
      continue;
    }
    EXPECT_EQ(AnswerOf(DecryptCase(*cipher, c, HexOf(c.at("ciphertext")))), OneError()) << c.at("name");
    ++refused_by_decrypt;
  }
  EXPECT_GE(refused_by_decrypt, 60);
  std::cout << "field negatives: " << refused_by_decrypt << " by Decrypt, " << refused_as_request << " as a request\n";
}

// Without a nonce our own encryption is the vector's, byte for byte.
TEST(FieldVectorsTest, DeterministicPositivesEncryptAndDecrypt) {
  int count = 0;
  const Json file = LoadVectors("field_ciphertext_siv.json");
  for (const Json& c : file.at("positive")) {
    const auto cipher = CipherOf(c);
    ASSERT_TRUE(cipher.has_value()) << c.at("name");
    const Bytes plaintext = HexOf(c.at("plaintext"));
    const Bytes expected = HexOf(c.at("ciphertext"));
    const Bytes context = ContextOf(c.at("context"));
    Bytes ours(cipher->form().CiphertextSize(plaintext.size()));
    ASSERT_TRUE(cipher->Encrypt(plaintext, {{}, context}, ours).ok());
    EXPECT_EQ(ToHex(ours), ToHex(expected)) << c.at("name");
    EXPECT_EQ(CopyOf(DecryptCase(*cipher, c, expected)->Expose(SecretAccess::kTest)), plaintext) << c.at("name");
    EXPECT_TRUE(IsFieldCiphertext(expected)) << c.at("name");
    ++count;
  }
  EXPECT_GE(count, 20);
}

TEST(FieldVectorsTest, DeterministicNegativesFailWithOneError) {
  int count = 0;
  const Json file = LoadVectors("field_ciphertext_siv.json");
  for (const Json& c : file.at("negative")) {
    const auto cipher = CipherOf(c);
    if (!cipher || !TryRowOf(c.at("row")).ok() || !TryContextOf(c.at("context")).ok()) continue;
    EXPECT_EQ(AnswerOf(DecryptCase(*cipher, c, HexOf(c.at("ciphertext")))), OneError()) << c.at("name");
    ++count;
  }
  EXPECT_GE(count, 60);
  std::cout << "deterministic field negatives: " << count << " by Decrypt\n";
}

TEST(FieldVectorsTest, DeterministicCiphertextsDecryptUnderNoOtherSuite) {
  const Json file = LoadVectors("field_ciphertext_siv.json");
  for (const Json& c : file.at("positive")) {
    for (int suite : {1, 2}) {
      Json as_ours = c;
      as_ours["suite"] = suite;
      EXPECT_EQ(AnswerOf(DecryptCase(*CipherOf(as_ours), as_ours, HexOf(c.at("ciphertext")))), OneError())
          << c.at("name");
    }
  }
}

}  // namespace
}  // namespace coffer
