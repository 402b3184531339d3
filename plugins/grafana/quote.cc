#include "plugins/grafana/quote.h"

#include <array>

namespace coffer::grafana {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

// What stands for the first character of `rest`: at most six bytes.
struct Escape {
  std::array<char, 6> bytes{};
  std::size_t size = 0;   // 0: the character stands for itself.
  std::size_t taken = 1;  // Bytes of the character.

  static Escape Of(std::string_view text, std::size_t taken) {
    Escape escape;
    escape.taken = taken;
    for (const char c : text) escape.bytes[escape.size++] = c;
    return escape;
  }
  static Escape Hex(char kind, unsigned point, std::size_t digits, std::size_t taken) {
    Escape escape;
    escape.taken = taken;
    escape.bytes[escape.size++] = '\\';
    escape.bytes[escape.size++] = kind;
    for (std::size_t i = digits; i > 0; --i) escape.bytes[escape.size++] = kHex[(point >> (4 * (i - 1))) & 0xF];
    return escape;
  }
};

Escape EscapeFor(std::string_view rest) {
  const auto first = static_cast<unsigned char>(rest.front());
  switch (first) {
    case '"':
      return Escape::Of("\\\"", 1);
    case '\\':
      return Escape::Of("\\\\", 1);
    case '$':
      return Escape::Of("$$", 1);
    case '\n':
      return Escape::Of("\\n", 1);
    case '\r':
      return Escape::Of("\\r", 1);
    case '\t':
      return Escape::Of("\\t", 1);
    default:
      break;
  }
  if (first < 0x20 || first == 0x7F) return Escape::Hex('x', first, 2, 1);
  if (first == 0xC2 && static_cast<unsigned char>(rest[1]) < 0xA0) {
    return Escape::Hex('x', static_cast<unsigned char>(rest[1]), 2, 2);
  }
  if (rest.starts_with("\xE2\x80\xA8")) return Escape::Hex('u', 0x2028, 4, 3);
  if (rest.starts_with("\xE2\x80\xA9")) return Escape::Hex('u', 0x2029, 4, 3);
  if (rest.starts_with("\xEF\xBB\xBF")) return Escape::Hex('u', 0xFEFF, 4, 3);
  if (rest.starts_with("\xEF\xBF\xBE")) return Escape::Hex('u', 0xFFFE, 4, 3);
  if (rest.starts_with("\xEF\xBF\xBF")) return Escape::Hex('u', 0xFFFF, 4, 3);
  return {};
}

template <typename Emit>
void ForEachPiece(std::string_view text, const Emit& emit) {
  emit(std::string_view("\""));
  for (std::size_t at = 0; at < text.size();) {
    const Escape escape = EscapeFor(text.substr(at));
    emit(escape.size == 0 ? text.substr(at, 1) : std::string_view(escape.bytes.data(), escape.size));
    at += escape.taken;
  }
  emit(std::string_view("\""));
}

}  // namespace

std::size_t QuotedSize(std::string_view text) {
  std::size_t size = 0;
  ForEachPiece(text, [&size](std::string_view piece) { size += piece.size(); });
  return size;
}

void QuoteInto(std::string_view text, MutableBytes out) {
  std::size_t at = 0;
  ForEachPiece(text, [&](std::string_view piece) {
    for (const char c : piece) out[at++] = static_cast<std::byte>(c);
  });
  COFFER_CHECK(at == out.size());
}

}  // namespace coffer::grafana
