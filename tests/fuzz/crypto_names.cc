// Names and text forms: what parses is written back to the same text. The first byte chooses the parser.
#include "crypto/names.h"

namespace coffer {
namespace {

void CheckField(std::string_view text) {
  const auto name = FieldName::Parse(text);
  if (name.ok()) COFFER_CHECK(name->ToText() == text);
}

void CheckPath(std::string_view text) {
  const auto path = SecretPath::Parse(text);
  if (!path.ok()) return;
  COFFER_CHECK(path->text() == text && text.size() <= kMaxSecretPath);
  COFFER_CHECK(SecretPath::FromSegments(path->Segments()).value() == *path);
}

void CheckReference(std::string_view text) {
  const auto reference = SecretReference::Parse(text);
  if (reference.ok()) COFFER_CHECK(reference->ToText() == text);
}

void CheckCiphertext(std::string_view text) {
  const auto ciphertext = CiphertextFromText(text);
  if (ciphertext.ok()) COFFER_CHECK(CiphertextToText(*ciphertext) == text);
}

void CheckBytes(std::string_view text) {
  const auto decoded = FromBase64Url(text);
  if (decoded.ok()) COFFER_CHECK(ToBase64Url(*decoded) == text);
  const auto hex = FromHex(text);
  if (hex.ok()) COFFER_CHECK(FromHex(ToHex(*hex)).value() == *hex);
  COFFER_CHECK(!IsIdentifier(text) || IsUtf8(text));
}

void Check(unsigned choice, std::string_view text) {
  switch (choice % 5) {
    case 0:
      return CheckField(text);
    case 1:
      return CheckPath(text);
    case 2:
      return CheckReference(text);
    case 3:
      return CheckCiphertext(text);
    default:
      return CheckBytes(text);
  }
}

}  // namespace
}  // namespace coffer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  coffer::Check(data[0], coffer::AsText(std::as_bytes(std::span(data, size).subspan(1))));
  return 0;
}
