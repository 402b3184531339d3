#include "plugins/grafana/flow_scalar.h"

#include <array>
#include <charconv>
#include <cstdint>

namespace coffer::grafana {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsSpace(char c) { return IsBlank(c) || c == '\r' || c == '\n'; }

// Walks the text and the expected value side by side, so that nothing is copied.
class Matcher {
 public:
  Matcher(std::string_view text, std::size_t at, std::string_view value) : text_(text), at_(at), value_(value) {}

  bool Ended() const { return at_ >= text_.size(); }
  char Peek() const { return text_[at_]; }
  std::size_t at() const { return at_; }
  void Skip(std::size_t count) { at_ += count; }
  bool ValueEnded() const { return value_.empty(); }
  std::string_view Rest() const { return text_.substr(at_); }

  bool Expect(std::string_view part) {
    if (!value_.starts_with(part)) return false;
    value_.remove_prefix(part.size());
    return true;
  }
  bool ExpectChar(char c) { return Expect(std::string_view(&c, 1)); }

  // White space inside a scalar: blanks are themselves; around line breaks they vanish, one break is a space, more are
  // one line feed less. After an escaped break (`escaped`) each further one is a line feed.
  bool ExpectSpace(bool escaped) {
    const std::size_t begin = at_;
    std::size_t breaks = 0;
    while (!Ended() && IsSpace(Peek())) breaks += text_[at_++] == '\n' ? 1 : 0;
    if (escaped) return ExpectBreaks(breaks);
    if (breaks == 0) return Expect(text_.substr(begin, at_ - begin));
    return breaks == 1 ? Expect(" ") : ExpectBreaks(breaks - 1);
  }

 private:
  bool ExpectBreaks(std::size_t count) {
    for (; count > 0; --count) {
      if (!Expect("\n")) return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_;
  std::string_view value_;
};

struct Utf8 {
  std::array<char, 4> bytes{};
  std::size_t size = 0;
  std::string_view view() const { return {bytes.data(), size}; }
  void Add(std::uint32_t byte) { bytes[size++] = static_cast<char>(static_cast<unsigned char>(byte)); }
};

Utf8 Encode(std::uint32_t point) {
  Utf8 out;
  if (point < 0x80) {
    out.Add(point);
  } else if (point < 0x800) {
    out.Add(0xC0 | (point >> 6));
  } else if (point < 0x10000) {
    out.Add(0xE0 | (point >> 12));
    out.Add(0x80 | ((point >> 6) & 0x3F));
  } else {
    out.Add(0xF0 | (point >> 18));
    out.Add(0x80 | ((point >> 12) & 0x3F));
    out.Add(0x80 | ((point >> 6) & 0x3F));
  }
  if (point >= 0x80) out.Add(0x80 | (point & 0x3F));
  return out;
}

std::size_t HexDigits(char escape) { return escape == 'x' ? 2 : escape == 'u' ? 4 : escape == 'U' ? 8 : 0; }

std::optional<std::uint32_t> NamedEscape(char escape) {
  switch (escape) {
    case '0':
      return 0x00;
    case 'a':
      return 0x07;
    case 'b':
      return 0x08;
    case 't':
    case '\t':
      return 0x09;
    case 'n':
      return 0x0A;
    case 'v':
      return 0x0B;
    case 'f':
      return 0x0C;
    case 'r':
      return 0x0D;
    case 'e':
      return 0x1B;
    case 'N':
      return 0x85;
    case '_':
      return 0xA0;
    case 'L':
      return 0x2028;
    case 'P':
      return 0x2029;
    case ' ':
    case '"':
    case '/':
    case '\\':
      return static_cast<std::uint32_t>(escape);
    default:
      return std::nullopt;
  }
}

// Behind a backslash of a double-quoted scalar.
bool MatchEscape(Matcher& in) {
  if (in.Ended()) return false;
  const char escape = in.Peek();
  if (escape == '\n' || in.Rest().starts_with("\r\n")) {
    in.Skip(escape == '\n' ? 1 : 2);
    return in.ExpectSpace(true);
  }
  in.Skip(1);
  std::optional<std::uint32_t> point = NamedEscape(escape);
  if (const std::size_t digits = HexDigits(escape); digits > 0) {
    const std::string_view hex = in.Rest().substr(0, digits);
    std::uint32_t number = 0;
    const auto parsed = std::from_chars(hex.data(), hex.data() + hex.size(), number, 16);
    if (hex.size() != digits || parsed.ec != std::errc() || parsed.ptr != hex.data() + hex.size()) return false;
    in.Skip(digits);
    point = number;
  }
  if (!point || *point > 0x10FFFF || (*point >= 0xD800 && *point < 0xE000)) return false;
  return in.Expect(Encode(*point).view());
}

bool MatchQuotedPiece(Matcher& in, char quote) {
  const char c = in.Peek();
  if (IsSpace(c)) return in.ExpectSpace(false);
  in.Skip(1);
  if (quote == '"' && c == '\\') return MatchEscape(in);
  if (c == quote) in.Skip(1);  // '' inside of '...'
  return in.ExpectChar(c);
}

}  // namespace

std::optional<std::size_t> MatchQuoted(std::string_view text, std::size_t begin, std::string_view value) {
  const char quote = text[begin];
  Matcher in(text, begin + 1, value);
  while (!in.Ended()) {
    const bool doubled = quote == '\'' && in.Rest().starts_with("''");
    if (in.Peek() == quote && !doubled) {
      return in.ValueEnded() ? std::optional(in.at() + 1) : std::nullopt;
    }
    if (!MatchQuotedPiece(in, quote)) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::size_t> MatchPlain(std::string_view text, std::size_t begin, std::string_view value) {
  Matcher in(text, begin, value);
  while (!in.ValueEnded()) {
    if (in.Ended()) return std::nullopt;
    const char c = in.Peek();
    if (IsSpace(c)) {
      if (!in.ExpectSpace(false)) return std::nullopt;
      continue;
    }
    in.Skip(1);
    if (!in.ExpectChar(c)) return std::nullopt;
  }
  return in.at();
}

}  // namespace coffer::grafana
