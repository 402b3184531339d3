#include "plugins/grafana/database/plausible.h"

#include <array>
#include <cmath>

#include <nlohmann/json.hpp>

#include "plugins/grafana/database/characters.h"

namespace coffer::grafana {
namespace {

// A kind of character: how many there are, in how many bytes, and how often a text has one. The shares sum to less than
// 1, so the likelihood of a text against that of random bytes is at most 1 on average, and Markov's inequality gives
// the promise of the header.
struct CharacterClass {
  double count;
  std::size_t size;
  double share;

  double Bits() const { return 8 * static_cast<double>(size) + std::log2(share / count); }
};
constexpr CharacterClass kAlphanumeric{62, 1, 0.8125};
constexpr CharacterClass kOtherAscii{36, 1, 0.15625};  // with tab, line feed and carriage return
constexpr std::array<CharacterClass, 3> kLonger = {
    {{1888, 2, 0.015625}, {61'440, 3, 0.0078125}, {1'048'576, 4, 0.00390625}}};

bool IsOtherAscii(char c) { return c >= 0 && !IsAlphanumeric(c) && (!IsControl(c) || IsSpace(c)); }

// The class of the first character of valid UTF-8; null for a control character.
const CharacterClass* ClassOf(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (IsAlphanumeric(text.front())) return &kAlphanumeric;
  if (IsOtherAscii(text.front())) return &kOtherAscii;
  if (lead < 0x80) return nullptr;
  if (lead == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0) return nullptr;  // U+0080 to U+009F
  return lead < 0xE0 ? &kLonger[0] : lead < 0xF0 ? &kLonger[1] : &kLonger[2];
}

std::optional<double> TextBits(std::string_view text) {
  if (!IsUtf8(text)) return std::nullopt;
  double bits = 0;
  while (!text.empty()) {
    const CharacterClass* const found = ClassOf(text);
    if (found == nullptr) return std::nullopt;
    bits += found->Bits();
    text.remove_prefix(found->size);
  }
  return bits;
}

std::optional<double> JsonObjectBits(std::string_view text) {
  constexpr double kBitsOfBraces = 2 * 8;
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return std::nullopt;
  const std::optional<double> between = TextBits(text.substr(1, text.size() - 2));
  if (!between || !nlohmann::json::accept(text)) return std::nullopt;
  return kBitsOfBraces + *between;
}

}  // namespace

std::optional<double> PlausibleBits(const SecretBytes& plaintext, PlaintextKind kind) {
  const std::string_view text = AsText(plaintext.Expose(SecretAccess::kCipher));
  return kind == PlaintextKind::kJsonObject ? JsonObjectBits(text) : TextBits(text);
}

}  // namespace coffer::grafana
