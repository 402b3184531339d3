#include "plugins/grafana/database/copy_text.h"

#include <cstdint>

namespace coffer::grafana {
namespace {

bool IsOctal(char c) { return c >= '0' && c <= '7'; }

// The length of the escape behind a backslash; 0: there is none.
std::size_t EscapeSize(std::string_view rest) {
  if (rest.empty()) return 0;
  const bool octal = IsOctal(rest.front());
  if (!octal && rest.front() != 'x') return 1;
  std::size_t size = 1;
  while (size < 3 && size < rest.size() && (octal ? IsOctal(rest[size]) : HexDigit(rest[size]) >= 0)) ++size;
  return size;
}

bool AppendCodePoint(std::uint32_t point, std::string& out) {
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
  const auto tail = [&out](std::uint32_t bits) { out += static_cast<char>(0x80 | (bits & 0x3f)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | (point >> 6));
    tail(point);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | (point >> 12));
    tail(point >> 6);
    tail(point);
  } else {
    out += static_cast<char>(0xf0 | (point >> 18));
    tail(point >> 12);
    tail(point >> 6);
    tail(point);
  }
  return true;
}

struct UnistrForm {
  std::size_t prefix = 0;
  std::size_t digits = 4;
};

UnistrForm UnistrFormOf(char first) {
  switch (first) {
    case '+':
      return {1, 6};
    case 'u':
      return {1, 4};
    case 'U':
      return {1, 8};
    default:
      return {0, 4};
  }
}

}  // namespace

int HexDigit(int c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool AppendHex(std::string_view text, std::string& out) {
  if (text.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high << 4 | low);
  }
  return true;
}

bool AppendBytea(std::string_view text, std::string& out) {
  if (text.starts_with("\\x")) return AppendHex(text.substr(2), out);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (text.substr(i + 1, 1) == "\\") {
      out += '\\';
      ++i;
      continue;
    }
    const std::string_view octal = text.substr(i + 1, 3);
    if (octal.size() != 3 || octal[0] > '3' || !IsOctal(octal[0]) || !IsOctal(octal[1]) || !IsOctal(octal[2])) {
      return false;
    }
    AppendEscape(octal, out);
    i += 3;
  }
  return true;
}

bool AppendCopyField(std::string_view text, std::string& out) {
  for (;;) {
    const std::size_t slash = text.find('\\');
    out += text.substr(0, slash);
    if (slash == text.npos) return true;
    text.remove_prefix(slash + 1);
    const std::size_t size = EscapeSize(text);
    if (size == 0) return false;
    if (text.front() == 'v') {
      out += '\v';
    } else {
      AppendEscape(text.substr(0, size), out);
    }
    text.remove_prefix(size);
  }
}

void AppendEscape(std::string_view escape, std::string& out) {
  const char first = escape.front();
  if (IsOctal(first) || (first == 'x' && escape.size() > 1)) {
    const bool octal = first != 'x';
    unsigned value = 0;
    for (const char c : octal ? escape : escape.substr(1)) {
      value = value * (octal ? 8 : 16) + static_cast<unsigned>(HexDigit(c));
    }
    out += static_cast<char>(value & 0xff);
    return;
  }
  constexpr std::string_view kNames = "bfnrt";
  constexpr std::string_view kMeanings = "\b\f\n\r\t";
  const std::size_t known = kNames.find(first);
  out += known == kNames.npos ? first : kMeanings[known];
}

bool AppendUnistr(std::string_view text, std::string& out) {
  for (;;) {
    const std::size_t slash = text.find('\\');
    out += text.substr(0, slash);
    if (slash == text.npos) return true;
    text.remove_prefix(slash + 1);
    if (text.starts_with('\\')) {
      out += '\\';
      text.remove_prefix(1);
      continue;
    }
    if (text.empty()) return false;
    const UnistrForm form = UnistrFormOf(text.front());
    if (text.size() < form.prefix + form.digits) return false;
    std::uint32_t point = 0;
    for (const char c : text.substr(form.prefix, form.digits)) {
      const int digit = HexDigit(c);
      if (digit < 0) return false;
      point = point << 4 | static_cast<std::uint32_t>(digit);
    }
    if (!AppendCodePoint(point, out)) return false;
    text.remove_prefix(form.prefix + form.digits);
  }
}

}  // namespace coffer::grafana
