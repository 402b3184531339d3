// One field's cipher with its place and binding, for the tests of FieldCipher.
#pragma once

#include "crypto/field_cipher.h"
#include "tests/crypto/vectors.h"

namespace coffer {

inline constexpr std::uint8_t kPadMultiples[] = {0, 1, 2, 16, 31, 32};
inline constexpr Suite kSuites[] = {Suite::kXaes256Gcm, Suite::kXaes256GcmCommitting};

// What a value is encrypted as. The default binds a row and a context.
struct FieldSetup {
  Bytes data_key = Bytes(32, std::byte{0x11});
  KeyId id{7};
  FieldForm form{Suite::kXaes256GcmCommitting, 16, true, true};
  FieldPlace place{TestUuid<ScopeUuid>(1), TestUuid<TenantUuid>(2), TestUuid<FieldUuid>(3)};
  std::int64_t row = 42;
  std::string url = "https://db.example/";

  FieldCipher Cipher() const { return FieldCipher::Create(SecretOf(data_key), id, form, place).value(); }
  Bytes Row() const {
    Bytes out;
    const ScalarView parts[] = {row};
    if (form.row_bound) {
      EXPECT_TRUE(EncodeRow(parts, out).ok());
    }
    return out;
  }
  Bytes Context() const {
    Bytes out;
    const BoundColumn columns[] = {{"url", TextView{url}}, {"login", NullValue{}}};
    if (form.context_bound) {
      EXPECT_TRUE(EncodeContext(columns, out).ok());
    }
    return out;
  }
  Bytes Encrypt(ByteView plaintext) const {
    const Bytes row_bytes = Row();
    const Bytes context = Context();
    Bytes out(form.CiphertextSize(plaintext.size()));
    EXPECT_TRUE(Cipher().Encrypt(plaintext, {row_bytes, context}, out).ok());
    return out;
  }
  Result<SecretBytes> Decrypt(ByteView ciphertext) const {
    const Bytes row_bytes = Row();
    const Bytes context = Context();
    return Cipher().Decrypt(ciphertext, {row_bytes, context});
  }
};

// What Decrypt answers for a ciphertext that is not one: code and sentence, which must be the same for every cause.
inline std::string OneError() { return "decrypt_failed: the value does not decrypt here"; }
inline std::string AnswerOf(const Result<SecretBytes>& result) {
  if (result.ok()) return "decrypts";
  return std::string(ErrorCodeName(result.error().code())) + ": " + result.error().ToString();
}

}  // namespace coffer
