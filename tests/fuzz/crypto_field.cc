// Field ciphertexts: a header that parses is written back to the same bytes; decryption under fixed keys never crashes,
// fails with one error, and what it accepts has the size that encryption gives; what is encrypted decrypts. The first
// byte chooses the form.
#include "crypto/field_cipher.h"

namespace coffer {
namespace {

FieldForm FormOf(std::byte choice) {
  const auto bits = std::to_integer<unsigned>(choice);
  const auto pad = static_cast<std::uint8_t>(bits >> 3U);
  const Suite suite = (bits & 1U) != 0 ? Suite::kXaes256Gcm : Suite::kXaes256GcmCommitting;
  return {suite, pad, (bits & 2U) != 0, (bits & 4U) != 0};
}

// The deterministic suite, with the padding and context binding of the same choice.
FieldForm SivFormOf(std::byte choice) {
  FieldForm form = FormOf(choice);
  form.suite = Suite::kAes256Siv;
  form.row_bound = false;
  return form;
}

void CheckHeader(ByteView input) {
  const auto header = FieldHeader::Parse(input);
  COFFER_CHECK(header.has_value() || !IsFieldCiphertext(input));
  if (!header) return;
  std::array<std::byte, kFieldHeaderSize> again{};
  header->Write(again);
  COFFER_CHECK(AsText(again) == AsText(input.first(kFieldHeaderSize)));
}

void CheckCipher(const FieldForm& form, ByteView input) {
  static const SecretBytes key = SecretBytes::CopyOf(Bytes(32, std::byte{0x11}));
  const auto cipher = FieldCipher::Create(key, KeyId{7}, form, {});
  COFFER_CHECK(cipher.ok());
  const Bytes bound(9, std::byte{1});
  const Binding binding{form.row_bound ? ByteView(bound) : ByteView(),
                        form.context_bound ? ByteView(bound) : ByteView()};

  const auto plaintext = cipher->Decrypt(input, binding);
  if (plaintext.ok()) {
    COFFER_CHECK(input.size() == form.CiphertextSize(plaintext->size()));
  } else {
    COFFER_CHECK(plaintext.error().code() == ErrorCode::kDecryptFailed);
  }
  Bytes out(form.CiphertextSize(input.size()));
  COFFER_CHECK(cipher->Encrypt(input, binding, out).ok());
  COFFER_CHECK(IsFieldCiphertext(out));
  const auto back = cipher->Decrypt(out, binding);
  COFFER_CHECK(back.ok() && EqualConstantTime(back->Expose(SecretAccess::kTest), input));
}

}  // namespace
}  // namespace coffer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const coffer::ByteView input = std::as_bytes(std::span(data, size));
  if (input.empty()) return 0;
  coffer::CheckHeader(input.subspan(1));
  coffer::CheckCipher(coffer::FormOf(input[0]), input.subspan(1));
  coffer::CheckCipher(coffer::SivFormOf(input[0]), input.subspan(1));
  return 0;
}
