// FieldCipher with suite 4, AES-256-SIV.
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "tests/crypto/field_fixture.h"

namespace coffer {
namespace {

FieldSetup Deterministic(std::uint8_t pad = 0, bool context_bound = false) {
  FieldSetup setup;
  setup.form = {Suite::kAes256Siv, pad, false, context_bound};
  return setup;
}

TEST(FieldDeterministicTest, RoundTripsEveryFormAndLength) {
  for (std::uint8_t pad : kPadMultiples) {
    for (bool context_bound : {false, true}) {
      const FieldSetup setup = Deterministic(pad, context_bound);
      for (std::size_t size : {0U, 1U, 15U, 16U, 17U, 31U, 32U, 33U, 255U, 256U, 257U, 5000U}) {
        const Bytes plaintext(size, std::byte{0x80});
        const auto back = setup.Decrypt(setup.Encrypt(plaintext));
        ASSERT_TRUE(back.ok()) << int{pad} << ", " << size;
        EXPECT_EQ(CopyOf(back->Expose(SecretAccess::kTest)), plaintext);
      }
    }
  }
}

TEST(FieldDeterministicTest, EqualPlaintextsAreEqualAndOthersAreNot) {
  const FieldSetup setup = Deterministic();
  std::set<std::string> ciphertexts;
  for (int i = 0; i < 200; ++i) {
    const std::string text = std::to_string(i % 100);
    ciphertexts.insert(ToHex(setup.Encrypt(AsBytes(text))));
  }
  EXPECT_EQ(ciphertexts.size(), 100U);
}

TEST(FieldDeterministicTest, OverheadIsTwentySixBytes) {
  EXPECT_EQ(Deterministic().Encrypt({}).size(), 26U);
  EXPECT_EQ(Deterministic().Encrypt(Bytes(7)).size(), 33U);
  EXPECT_EQ(Deterministic(16).Encrypt(Bytes(7)).size(), 26U + 16U);
  EXPECT_EQ(Deterministic(16).Encrypt(Bytes(16)).size(), 26U + 32U);
}

TEST(FieldDeterministicTest, EveryFlippedBitFailsWithTheOneError) {
  for (std::uint8_t pad : std::initializer_list<std::uint8_t>{0, 16}) {
    const FieldSetup setup = Deterministic(pad, true);
    const Bytes ciphertext = setup.Encrypt(AsBytes("password"));
    for (std::size_t bit = 0; bit < ciphertext.size() * 8; ++bit) {
      Bytes changed = ciphertext;
      changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      EXPECT_EQ(AnswerOf(setup.Decrypt(changed)), OneError()) << bit;
    }
  }
}

TEST(FieldDeterministicTest, EveryOtherLengthFailsWithTheOneError) {
  const FieldSetup setup = Deterministic();
  const Bytes ciphertext = setup.Encrypt(AsBytes("password"));
  for (std::size_t size = 0; size < ciphertext.size(); ++size) {
    EXPECT_EQ(AnswerOf(setup.Decrypt(ByteView(ciphertext).first(size))), OneError()) << size;
  }
  Bytes longer = ciphertext;
  longer.push_back(std::byte{0});
  EXPECT_EQ(AnswerOf(setup.Decrypt(longer)), OneError());
}

TEST(FieldDeterministicTest, AnotherPlaceKeyOrContextFails) {
  const FieldSetup setup = Deterministic(0, true);
  const Bytes ciphertext = setup.Encrypt(AsBytes("password"));
  const std::pair<const char*, std::function<void(FieldSetup&)>> cases[] = {
      {"key", [](FieldSetup& s) { s.data_key[0] ^= std::byte{1}; }},
      {"key id", [](FieldSetup& s) { s.id = KeyId{8}; }},
      {"scope", [](FieldSetup& s) { s.place.scope = TestUuid<ScopeUuid>(9); }},
      {"tenant", [](FieldSetup& s) { s.place.tenant = TestUuid<TenantUuid>(9); }},
      {"field", [](FieldSetup& s) { s.place.field = TestUuid<FieldUuid>(9); }},
      {"context", [](FieldSetup& s) { s.url += "x"; }},
      {"no context", [](FieldSetup& s) { s.form.context_bound = false; }},
      {"padding", [](FieldSetup& s) { s.form.pad_multiple = 16; }},
      {"suite 1", [](FieldSetup& s) { s.form.suite = Suite::kXaes256Gcm; }},
      {"suite 2", [](FieldSetup& s) { s.form.suite = Suite::kXaes256GcmCommitting; }},
  };
  for (const auto& [name, change] : cases) {
    FieldSetup other = setup;
    change(other);
    EXPECT_EQ(AnswerOf(other.Decrypt(ciphertext)), OneError()) << name;
    if (other.form.suite == Suite::kAes256Siv) {
      EXPECT_NE(other.Encrypt(AsBytes("password")), ciphertext) << name;
    }
  }
}

TEST(FieldDeterministicTest, OtherSuitesCiphertextsDoNotDecrypt) {
  for (Suite suite : kSuites) {
    FieldSetup writer = Deterministic();
    writer.form.suite = suite;
    Bytes ciphertext = writer.Encrypt(AsBytes("password"));
    EXPECT_EQ(AnswerOf(Deterministic().Decrypt(ciphertext)), OneError());
    ciphertext[1] = std::byte{0x04};
    EXPECT_EQ(AnswerOf(Deterministic().Decrypt(ciphertext)), OneError());
  }
}

TEST(FieldDeterministicTest, IsNeverRowBound) {
  const auto code = [](const FieldForm& form) {
    const auto cipher = FieldCipher::Create(SecretBytes(32), KeyId{1}, form, {});
    return cipher.ok() ? std::string_view("ok") : ErrorCodeName(cipher.error().code());
  };
  EXPECT_EQ(code({Suite::kAes256Siv, 0, false, false}), "ok");
  EXPECT_EQ(code({Suite::kAes256Siv, 32, false, true}), "ok");
  EXPECT_EQ(code({Suite::kAes256Siv, 0, true, false}), "invalid_argument");
  EXPECT_EQ(code({Suite::kAes256Siv, 0, true, true}), "invalid_argument");
  EXPECT_EQ(code({Suite::kAes256Siv, 33, false, false}), "invalid_argument");
}

}  // namespace
}  // namespace coffer
