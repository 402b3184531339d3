#include "crypto/field_cipher.h"

#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "tests/crypto/field_fixture.h"

namespace coffer {
namespace {

TEST(FieldCipherTest, RoundTripsEveryFormAndLength) {
  for (Suite suite : kSuites) {
    for (std::uint8_t pad : kPadMultiples) {
      for (int binding = 0; binding < 4; ++binding) {
        FieldSetup setup;
        setup.form = {suite, pad, (binding & 1) != 0, (binding & 2) != 0};
        for (std::size_t size : {0U, 1U, 15U, 16U, 17U, 31U, 32U, 33U, 1000U, 1024U, 1025U}) {
          const Bytes plaintext(size, std::byte{0x80});
          const Bytes ciphertext = setup.Encrypt(plaintext);
          const auto back = setup.Decrypt(ciphertext);
          ASSERT_TRUE(back.ok()) << int{pad} << ", " << binding << ", " << size;
          EXPECT_EQ(CopyOf(back->Expose(SecretAccess::kTest)), plaintext);
        }
      }
    }
  }
}

TEST(FieldCipherTest, PlaintextThatLooksLikePaddingSurvives) {
  FieldSetup setup;
  for (std::string_view hex : {"80", "8000", "800000000000000000000000000000", "80000000000000000000000000000000",
                               "00000000000000000000000000000000", "008000800000"}) {
    EXPECT_EQ(CopyOf(setup.Decrypt(setup.Encrypt(Hex(hex)))->Expose(SecretAccess::kTest)), Hex(hex)) << hex;
  }
}

TEST(FieldCipherTest, CiphertextHasItsHeaderAndSize) {
  FieldSetup setup;
  const Bytes ciphertext = setup.Encrypt(AsBytes("password"));
  EXPECT_EQ(ciphertext.size(), 82U + 16U);
  EXPECT_EQ(ToHex(ByteView(ciphertext).first(10)), "c1e20000000000000007");
  EXPECT_TRUE(IsFieldCiphertext(ciphertext));
  EXPECT_EQ(setup.Cipher().key_id(), KeyId{7});
  EXPECT_EQ(setup.Cipher().form(), setup.form);
}

TEST(FieldCipherTest, PaddingHidesTheLengthUpToTheMultiple) {
  FieldSetup setup;
  EXPECT_EQ(setup.Encrypt(Bytes(0)).size(), setup.Encrypt(Bytes(15)).size());
  EXPECT_LT(setup.Encrypt(Bytes(15)).size(), setup.Encrypt(Bytes(16)).size());
}

TEST(FieldCipherTest, SamePlaintextNeverGivesTheSameCiphertext) {
  FieldSetup setup;
  std::set<std::string> ciphertexts;
  std::set<std::string> nonces;
  for (int i = 0; i < 500; ++i) {
    const Bytes ciphertext = setup.Encrypt(AsBytes("password"));
    nonces.insert(ToHex(ByteView(ciphertext).subspan(10, 24)));
    ciphertexts.insert(ToHex(ByteView(ciphertext).subspan(34)));
  }
  EXPECT_EQ(nonces.size(), 500U);
  EXPECT_EQ(ciphertexts.size(), 500U);
}

TEST(FieldCipherTest, LongBindingsWork) {
  FieldSetup setup;
  setup.url = std::string(4000, 'u');
  const Bytes ciphertext = setup.Encrypt(AsBytes("x"));
  EXPECT_EQ(Revealed(*setup.Decrypt(ciphertext)), "x");
  setup.url.back() = 'v';
  EXPECT_EQ(AnswerOf(setup.Decrypt(ciphertext)), OneError());
}

TEST(FieldCipherTest, ThreadsShareOneCipher) {
  FieldSetup setup;
  const FieldCipher cipher = setup.Cipher();
  const Bytes row = setup.Row();
  const Bytes context = setup.Context();
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      const Bytes plaintext(t * 10, static_cast<std::byte>(t));
      Bytes out(cipher.form().CiphertextSize(plaintext.size()));
      for (int i = 0; i < 1000; ++i) {
        const bool encrypted = cipher.Encrypt(plaintext, {row, context}, out).ok();
        const auto back = cipher.Decrypt(out, {row, context});
        if (!encrypted || !back.ok() || CopyOf(back->Expose(SecretAccess::kTest)) != plaintext) ++wrong[t];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(FieldCipherCreateTest, RefusesBadKeysIdsAndForms) {
  const FieldForm form;
  const auto code = [](std::size_t key_size, std::uint64_t id, const FieldForm& f) {
    const auto cipher = FieldCipher::Create(SecretBytes(key_size), KeyId{id}, f, {});
    return cipher.ok() ? std::string_view("ok") : ErrorCodeName(cipher.error().code());
  };
  EXPECT_EQ(code(32, 1, form), "ok");
  for (std::size_t size : {0U, 16U, 31U, 33U, 64U}) EXPECT_EQ(code(size, 1, form), "invalid_argument") << size;
  EXPECT_EQ(code(32, 0, form), "invalid_argument");
  EXPECT_EQ(code(32, std::uint64_t{1} << 63, form), "invalid_argument");
  EXPECT_EQ(code(32, 1, {Suite::kXaes256Gcm, 33, true, false}), "invalid_argument");
  EXPECT_EQ(code(32, 1, {Suite::kXaes256Gcm, 255, true, false}), "invalid_argument");
  EXPECT_EQ(code(32, 1, {static_cast<Suite>(0), 0, true, false}), "invalid_argument");
  EXPECT_EQ(code(32, 1, {static_cast<Suite>(3), 0, false, false}), "invalid_argument");
}

TEST(FieldCipherEncryptTest, BindingThatDoesNotFitTheFormIsOurDefect) {
  FieldSetup setup;
  const Bytes one = Hex("01");
  for (int form_bits = 0; form_bits < 4; ++form_bits) {
    setup.form = {Suite::kXaes256Gcm, 0, (form_bits & 1) != 0, (form_bits & 2) != 0};
    const FieldCipher cipher = setup.Cipher();
    for (int given = 0; given < 4; ++given) {
      const Binding binding{(given & 1) != 0 ? ByteView(one) : ByteView(),
                            (given & 2) != 0 ? ByteView(one) : ByteView()};
      Bytes out(setup.form.CiphertextSize(3));
      const Status status = cipher.Encrypt(AsBytes("abc"), binding, out);
      EXPECT_EQ(status.ok(), given == form_bits);
      if (!status.ok()) {
        EXPECT_EQ(status.error().code(), ErrorCode::kInternal);
      }
      const auto back = cipher.Decrypt(Bytes(100), binding);
      EXPECT_EQ(back.error().code(), given == form_bits ? ErrorCode::kDecryptFailed : ErrorCode::kInternal);
    }
  }
}

TEST(FieldCipherEncryptTest, RoomOfAnotherSizeIsOurDefect) {
  FieldSetup setup;
  const Bytes row = setup.Row();
  const Bytes context = setup.Context();
  for (std::size_t size : {0U, 10U, 97U, 99U, 200U}) {
    Bytes out(size);
    EXPECT_EQ(setup.Cipher().Encrypt(AsBytes("password"), {row, context}, out).error().code(), ErrorCode::kInternal)
        << size;
  }
}

}  // namespace
}  // namespace coffer
