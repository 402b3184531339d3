#include "plugins/grafana/database/printable_text.h"

#include <algorithm>
#include <array>

#include "crypto/bytes.h"
#include "plugins/grafana/database/characters.h"

namespace coffer::grafana {
namespace {

// The first and the last of neighbours, in UTF-8: of one size, so that bytes are in the characters' order.
struct Range {
  std::string_view first;
  std::string_view last;
};
constexpr auto kHarmful = std::to_array<Range>({
    {"\xC2\x80", "\xC2\x9F"},          // U+0080 to U+009F: the second controls
    {"\xD8\x9C", "\xD8\x9C"},          // U+061C: Arabic letter mark
    {"\xE2\x80\x8B", "\xE2\x80\x8F"},  // U+200B to U+200F: without width, marks of direction
    {"\xE2\x80\xA8", "\xE2\x80\xAE"},  // U+2028 to U+202E: separators, embedding and override
    {"\xE2\x81\xA0", "\xE2\x81\xAF"},  // U+2060 to U+206F: not seen, isolates
    {"\xEF\xBB\xBF", "\xEF\xBB\xBF"},  // U+FEFF: byte order mark
});

// How many bytes of harm are at the start; 0: none.
std::size_t HarmAt(std::string_view text) {
  if (IsControl(text.front())) return 1;
  for (const Range& range : kHarmful) {
    const std::string_view character = text.substr(0, range.first.size());
    if (range.first <= character && character <= range.last) return character.size();
  }
  return 0;
}

}  // namespace

std::string PrintableText(std::string_view text) {
  if (!IsUtf8(text)) return "?";
  std::string printable;
  while (!text.empty()) {
    const std::size_t harm = HarmAt(text);
    printable += harm > 0 ? '?' : text.front();
    text.remove_prefix(std::max<std::size_t>(harm, 1));
  }
  return printable;
}

}  // namespace coffer::grafana
