// Masks of values of any bytes: equal ones are equal, they are text that restores, and no more of a value is left than
// its form. The first byte is the longest mask allowed; 0: any.
#include <algorithm>

#include "db/mask.h"

namespace coffer::db {
namespace {

std::size_t Characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool IsPlain(char c) { return static_cast<unsigned char>(c) < 0x80; }

// What is neither letter nor digit, of ASCII: all that a mask may keep.
bool IsForm(char c) {
  return IsPlain(c) && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z');
}

void CheckText(const Masker& masker, std::string_view value, std::uint32_t length_max) {
  const std::string mask = masker.Text(value, length_max);
  COFFER_CHECK(mask == masker.Text(value, length_max));
  COFFER_CHECK(std::all_of(mask.begin(), mask.end(), IsPlain));
  // Only an address is of another length, and it is nobody's.
  COFFER_CHECK(mask.size() == Characters(value) || mask.ends_with("@masked.invalid"));
  COFFER_CHECK(length_max == 0 || mask.size() <= std::max<std::size_t>(length_max, Characters(value)));
  for (const char c : mask) COFFER_CHECK(!IsForm(c) || value.find(c) != value.npos || c == '@' || c == '.');
}

void CheckOthers(const Masker& masker, std::string_view value, std::uint32_t length_max) {
  const std::string opaque = masker.Opaque(value, length_max);
  COFFER_CHECK(opaque.size() == std::min<std::size_t>(length_max == 0 ? 32 : length_max, 32));
  const std::string date = masker.Date(value);
  COFFER_CHECK(date == "infinity" || date == "-infinity" || date.size() == value.size());
  const std::string number = masker.Number(value, 32'767);
  COFFER_CHECK(number == masker.Number(value, 32'767));
  COFFER_CHECK(number.size() == Characters(value) || number.size() == value.size());
  COFFER_CHECK(masker.Uuid(value).size() == 36);
  COFFER_CHECK(masker.Bytes(AsBytes(value)).size() == value.size());
}

}  // namespace
}  // namespace coffer::db

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const coffer::db::Masker masker;
  const std::string_view value = coffer::AsText(std::as_bytes(std::span(data, size).subspan(1)));
  coffer::db::CheckText(masker, value, data[0]);
  coffer::db::CheckOthers(masker, value, data[0]);
  return 0;
}
