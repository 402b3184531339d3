// What a backend parses: a value's bytes, its text form, a label. Nothing is read outside the input, the head alone
// says the same as the whole, text that decodes encodes to itself, and what is accepted has room for its suite.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "pgext/ciphertext_form.h"
#include "pgext/field_label.h"
#include "pgext/hex_text.h"

namespace coffer::pgext {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckForm(std::span<const std::uint8_t> input) {
  const auto form = ParseForm(input, input.size());
  const std::vector<std::uint8_t> head(
      input.begin(), input.begin() + static_cast<std::ptrdiff_t>(std::min(input.size(), kHeaderSize)));
  Check(ParseForm(head, input.size()).has_value() == form.has_value());
  if (!form) return;
  Check(input.size() >= 26 && input[0] == 0xC1 && (input[1] & 0x1F) == form->suite);
  Check(form->key_id != 0 && form->key_id >> 63 == 0);
  for (std::size_t i = 0; i < 8; ++i) Check(input[2 + i] == static_cast<std::uint8_t>(form->key_id >> (56 - 8 * i)));
}

void CheckText(std::string_view text) {
  const auto size = HexTextSize(text);
  if (!size) return;
  std::vector<std::uint8_t> bytes(*size);
  if (!DecodeHexText(text, bytes)) return;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string again = "\\x";
  for (const std::uint8_t byte : bytes) again += {kDigits[byte >> 4], kDigits[byte & 0x0F]};
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  Check(again == lower);
  CheckForm(bytes);
}

void CheckLabel(std::string_view label) {
  if (!IsFieldLabel(label)) return;
  Check(label.size() <= 6 + 3 * kNameSizeMax + 2);
  for (const char c : label) Check(c > ' ' && c < 127);
}

}  // namespace
}  // namespace coffer::pgext

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);  // its own memory: a read past the end is seen
  coffer::pgext::CheckForm({data, size});
  coffer::pgext::CheckText(text);
  coffer::pgext::CheckLabel(text);
  return 0;
}
