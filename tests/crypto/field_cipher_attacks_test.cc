// What somebody with write access to the database may try. Each of these must end in one and the same error.
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "crypto/internal/xaes.h"
#include "tests/crypto/field_fixture.h"

namespace coffer {
namespace {

TEST(FieldCipherAttackTest, EveryBitFlipIsRefused) {
  for (Suite suite : kSuites) {
    FieldSetup setup;
    setup.form.suite = suite;
    Bytes ciphertext = setup.Encrypt(AsBytes("password"));
    for (std::size_t bit = 0; bit < ciphertext.size() * 8; ++bit) {
      const auto mask = static_cast<std::byte>(1U << (bit % 8));
      ciphertext[bit / 8] ^= mask;
      ASSERT_EQ(AnswerOf(setup.Decrypt(ciphertext)), OneError()) << bit;
      ciphertext[bit / 8] ^= mask;
    }
    EXPECT_TRUE(setup.Decrypt(ciphertext).ok());
  }
}

TEST(FieldCipherAttackTest, EveryTruncationIsRefused) {
  for (Suite suite : kSuites) {
    for (std::uint8_t pad : kPadMultiples) {
      FieldSetup setup;
      setup.form.suite = suite;
      setup.form.pad_multiple = pad;
      const Bytes ciphertext = setup.Encrypt(AsBytes("a password of some length"));
      for (std::size_t size = 0; size < ciphertext.size(); ++size) {
        ASSERT_EQ(AnswerOf(setup.Decrypt(ByteView(ciphertext).first(size))), OneError()) << size;
        if (size > 10) {
          ASSERT_EQ(AnswerOf(setup.Decrypt(ByteView(ciphertext).last(size))), OneError()) << size;
        }
      }
    }
  }
}

TEST(FieldCipherAttackTest, AppendedBytesAreRefused) {
  for (Suite suite : kSuites) {
    FieldSetup setup;
    setup.form.suite = suite;
    const Bytes ciphertext = setup.Encrypt(AsBytes("password"));
    for (std::size_t extra : {1U, 16U, 32U, 100U}) {
      Bytes longer = ciphertext;
      Append(longer, Bytes(extra));
      EXPECT_EQ(AnswerOf(setup.Decrypt(longer)), OneError()) << extra;
      Bytes twice = ciphertext;
      Append(twice, ciphertext);
      EXPECT_EQ(AnswerOf(setup.Decrypt(twice)), OneError());
    }
  }
}

struct Move {
  const char* name;
  void (*apply)(FieldSetup&);
};

const Move kMoves[] = {
    {"another row", [](FieldSetup& s) { s.row = 43; }},
    {"a row of the other sign", [](FieldSetup& s) { s.row = -42; }},
    {"another field", [](FieldSetup& s) { s.place.field = TestUuid<FieldUuid>(4); }},
    {"another tenant", [](FieldSetup& s) { s.place.tenant = TestUuid<TenantUuid>(4); }},
    {"the global tenant", [](FieldSetup& s) { s.place.tenant = {}; }},
    {"another scope", [](FieldSetup& s) { s.place.scope = TestUuid<ScopeUuid>(4); }},
    {"tenant and field exchanged", [](FieldSetup& s) { std::swap(s.place.tenant.bytes, s.place.field.bytes); }},
    {"another version of the key", [](FieldSetup& s) { s.id = KeyId{8}; }},
    {"another key under the same id", [](FieldSetup& s) { s.data_key[0] ^= std::byte{1}; }},
    {"the other suite",
     [](FieldSetup& s) {
       s.form.suite = s.form.suite == Suite::kXaes256Gcm ? Suite::kXaes256GcmCommitting : Suite::kXaes256Gcm;
     }},
    {"no padding", [](FieldSetup& s) { s.form.pad_multiple = 0; }},
    {"not row-bound", [](FieldSetup& s) { s.form.row_bound = false; }},
    {"not context-bound", [](FieldSetup& s) { s.form.context_bound = false; }},
    {"an edited bound column", [](FieldSetup& s) { s.url = "https://evil.example/"; }},
    {"an emptied bound column", [](FieldSetup& s) { s.url.clear(); }},
};

TEST(FieldCipherAttackTest, ValueMovedElsewhereIsRefusedWithOneError) {
  for (Suite suite : kSuites) {
    for (const Move& move : kMoves) {
      FieldSetup from;
      from.form.suite = suite;
      FieldSetup to = from;
      move.apply(to);
      const Bytes ciphertext = from.Encrypt(AsBytes("password"));
      EXPECT_EQ(AnswerOf(to.Decrypt(ciphertext)), OneError()) << move.name;
      EXPECT_EQ(AnswerOf(from.Decrypt(to.Encrypt(AsBytes("password")))), OneError()) << move.name << ", back";
    }
  }
}

// The header is rewritten to what the new place expects: the tag must still refuse.
TEST(FieldCipherAttackTest, ValueMovedWithTheRightHeaderIsRefused) {
  for (Suite suite : kSuites) {
    for (const Move& move : kMoves) {
      FieldSetup from;
      from.form.suite = suite;
      FieldSetup to = from;
      move.apply(to);
      Bytes ciphertext = from.Encrypt(AsBytes("password"));
      FieldHeader{to.form.SecondByte(), to.id}.Write(MutableBytes(ciphertext).first(10));
      EXPECT_EQ(AnswerOf(to.Decrypt(ciphertext)), OneError()) << move.name;
    }
  }
}

TEST(FieldCipherAttackTest, SuiteDowngradeByCuttingTheCommitmentIsRefused) {
  FieldSetup strong;
  FieldSetup weak = strong;
  weak.form.suite = Suite::kXaes256Gcm;
  Bytes ciphertext = strong.Encrypt(AsBytes("password"));
  ciphertext.resize(ciphertext.size() - 32);
  ciphertext[1] = static_cast<std::byte>(weak.form.SecondByte());
  EXPECT_EQ(AnswerOf(weak.Decrypt(ciphertext)), OneError());
}

TEST(FieldCipherAttackTest, PartsOfTwoCiphertextsDoNotMix) {
  FieldSetup setup;
  const Bytes a = setup.Encrypt(AsBytes("password-a"));
  const Bytes b = setup.Encrypt(AsBytes("password-b"));
  ASSERT_EQ(a.size(), b.size());
  const std::pair<std::size_t, std::size_t> parts[] = {{10, 24}, {34, 16}, {50, 16}, {66, 32}};
  for (const auto& [at, size] : parts) {
    Bytes mixed = a;
    std::copy_n(b.begin() + static_cast<std::ptrdiff_t>(at), size, mixed.begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_EQ(AnswerOf(setup.Decrypt(mixed)), OneError()) << at;
  }
}

// Makes a ciphertext with content of the test's choice behind a right tag and commitment.
Bytes EncryptContent(const FieldSetup& setup, ByteView content) {
  const FieldKeys keys =
      DeriveFieldKeys(SecretOf(setup.data_key), setup.form.suite, setup.place.tenant, setup.place.field);
  const auto xaes = internal::XaesKey::Create(keys.encryption.Expose(SecretAccess::kTest)).value();
  Bytes header(10);
  FieldHeader{setup.form.SecondByte(), setup.id}.Write(header);
  Bytes ad;
  Writer(ad).Raw("coffer/v1/aad").U8(0).Raw(header).Raw(setup.place.scope.view()).Raw(setup.place.tenant.view());
  Writer(ad).Raw(setup.place.field.view()).LengthPrefixed(setup.Row()).LengthPrefixed(setup.Context());
  const Bytes nonce(24, std::byte{9});
  Bytes encrypted(content.size());
  Bytes tag(16);
  EXPECT_TRUE(xaes.Encrypt(nonce, content, ad, encrypted, tag).ok());
  Bytes out;
  Writer(out).Raw(header).Raw(nonce).Raw(encrypted).Raw(tag);
  if (setup.form.suite == Suite::kXaes256GcmCommitting) {
    Append(out, internal::Commitment(keys.commitment, nonce, ad, tag));
  }
  return out;
}

TEST(FieldCipherPaddingTest, OnlyWhatEncryptionMakesIsUnpadded) {
  const std::pair<std::string_view, bool> cases[] = {
      {"78800000", true},  {"78787880", true},          {"80000000", true},  {"7878787880000000", true},
      {"", false},         {"78787878", false},         {"00000000", false}, {"7880000000000000", false},
      {"788000", false},   {"7880000000", false},       {"80", false},       {"78800001", false},
      {"78810000", false}, {"8000000000000000", false}, {"78400000", false}, {"7878788000000000", false},
  };
  for (Suite suite : kSuites) {
    FieldSetup setup;
    setup.form.suite = suite;
    setup.form.pad_multiple = 4;
    for (const auto& [content, good] : cases) {
      const auto result = setup.Decrypt(EncryptContent(setup, Hex(content)));
      EXPECT_EQ(AnswerOf(result), good ? "decrypts" : OneError()) << content;
    }
  }
}

TEST(FieldCipherPaddingTest, MultipleIsTheFieldsNotTheCiphertexts) {
  FieldSetup setup;
  setup.form.pad_multiple = 32;
  const Bytes ciphertext = setup.Encrypt(AsBytes("password"));
  FieldSetup other = setup;
  other.form.pad_multiple = 16;  // The header is the same: only the strict check of the padding tells.
  EXPECT_EQ(AnswerOf(other.Decrypt(ciphertext)), OneError());
}

TEST(FieldCipherCommitmentTest, EveryFlipUnderARightTagIsRefused) {
  FieldSetup setup;
  Bytes ciphertext = EncryptContent(setup, Hex("80000000000000000000000000000000"));
  ASSERT_TRUE(setup.Decrypt(ciphertext).ok());
  for (std::size_t i = ciphertext.size() - 32; i < ciphertext.size(); ++i) {
    ciphertext[i] ^= std::byte{1};
    EXPECT_EQ(AnswerOf(setup.Decrypt(ciphertext)), OneError()) << i;
    ciphertext[i] ^= std::byte{1};
  }
}

}  // namespace
}  // namespace coffer
