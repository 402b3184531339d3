#include "crypto/names.h"

#include <algorithm>
#include <limits>

#include "crypto/field_header.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxName = 63;
constexpr std::size_t kMaxSegments = 8;
constexpr std::size_t kMaxSegment = 64;
constexpr std::size_t kMaxText = 4'194'304;
constexpr std::size_t kMaxVersionDigits = 19;
constexpr std::string_view kTextPrefix = "coffer:v1:";
constexpr std::string_view kUpperHex = "0123456789ABCDEF";

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUnreserved(char c) {
  return IsLower(c) || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '.' || c == '_' || c == '~' || c == '-';
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t end = text.find(separator); end != text.npos; end = text.find(separator)) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

std::string Escape(std::string_view raw) {
  std::string escaped;
  for (char c : raw) {
    if (IsUnreserved(c)) {
      escaped += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    escaped += '%';
    escaped += kUpperHex[byte >> 4U];
    escaped += kUpperHex[byte & 15U];
  }
  return escaped;
}

// Nothing when an escape is cut off, not in upper case, or escapes what needs none.
std::optional<std::string> Unescape(std::string_view escaped) {
  std::string raw;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '%') {
      raw += escaped[i];
      continue;
    }
    if (escaped.size() - i < 3) return std::nullopt;
    const std::size_t high = kUpperHex.find(escaped[i + 1]);
    const std::size_t low = kUpperHex.find(escaped[i + 2]);
    if (high == kUpperHex.npos || low == kUpperHex.npos) return std::nullopt;
    raw += static_cast<char>(high << 4U | low);
    i += 2;
  }
  if (Escape(raw) != escaped) return std::nullopt;
  return raw;
}

Status CheckSegment(std::string_view segment) {
  if (segment.empty()) return Error(ErrorCode::kInvalidArgument, "a path's segment is empty");
  if (segment.size() > kMaxSegment) {
    return Error(ErrorCode::kInvalidArgument, "a path's segment is longer than allowed").WithLimit(kMaxSegment);
  }
  if (segment == "." || segment == "..") return Error(ErrorCode::kInvalidArgument, "a path's segment is . or ..");
  if (!Unescape(segment)) return Error(ErrorCode::kInvalidArgument, "a path's segment is not escaped as it has to be");
  return {};
}

Status CheckPath(std::string_view text) {
  if (text.size() > kMaxSecretPath)
    return Error(ErrorCode::kInvalidArgument, "a path is longer than allowed").WithLimit(kMaxSecretPath);
  const auto segments = Split(text, '/');
  if (segments.size() > kMaxSegments)
    return Error(ErrorCode::kInvalidArgument, "a path has too many segments").WithLimit(kMaxSegments);
  for (std::string_view segment : segments) COFFER_TRY(CheckSegment(segment));
  return {};
}

Result<std::uint64_t> ParseVersion(std::string_view text) {
  const Error wrong(ErrorCode::kInvalidArgument,
                    "a version is a decimal number from 1 to 2^63 - 1 without leading zeros");
  if (text.empty() || text.size() > kMaxVersionDigits || text[0] == '0') return wrong;
  std::uint64_t version = 0;  // 19 digits fit.
  for (char c : text) {
    if (!IsDigit(c)) return wrong;
    version = version * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (version > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return wrong;
  return version;
}

}  // namespace

bool IsIdentifier(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && !IsDigit(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsLower(c) || IsDigit(c) || c == '_'; });
}

bool IsSlug(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && text[0] != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; });
}

std::string FieldName::ToText() const {
  if (IsSecret()) return std::string(kSecretField);
  return scope + '.' + table + '.' + column;
}

Result<FieldName> FieldName::Parse(std::string_view text) {
  if (text == kSecretField) return Secret();
  const auto parts = Split(text, '.');
  if (parts.size() != 3 || !std::all_of(parts.begin(), parts.end(), IsIdentifier)) {
    return Error(ErrorCode::kInvalidArgument, "a field is named scope.table.column, each of [a-z_][a-z0-9_]{0,62}");
  }
  return FieldName{std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
}

Result<SecretPath> SecretPath::Parse(std::string_view text) {
  COFFER_TRY(CheckPath(text));
  return SecretPath(std::string(text));
}

Result<SecretPath> SecretPath::FromSegments(std::span<const std::string> segments) {
  std::string text;
  for (const std::string& segment : segments) {
    if (!text.empty()) text += '/';
    // Checked here too: an empty first segment would vanish from the joined text.
    const std::string escaped = Escape(segment);
    COFFER_TRY(CheckSegment(escaped));
    text += escaped;
  }
  return Parse(text);
}

std::vector<std::string> SecretPath::Segments() const {
  std::vector<std::string> segments;
  for (std::string_view segment : Split(text_, '/')) segments.push_back(Unescape(segment).value_or(std::string()));
  return segments;
}

std::string SecretReference::ToText() const {
  std::string text = std::string(kSecretScheme) + path.text();
  if (version) text += '#' + std::to_string(*version);
  return text;
}

Result<SecretReference> SecretReference::Parse(std::string_view text) {
  if (text.substr(0, kSecretScheme.size()) != kSecretScheme) {
    return Error(ErrorCode::kInvalidArgument, "a reference to a secret begins with coffer://");
  }
  text.remove_prefix(kSecretScheme.size());
  const std::size_t mark = text.find('#');
  COFFER_ASSIGN_OR_RETURN(auto path, SecretPath::Parse(text.substr(0, mark)));
  SecretReference reference{std::move(path), std::nullopt};
  if (mark != text.npos) {
    COFFER_ASSIGN_OR_RETURN(reference.version, ParseVersion(text.substr(mark + 1)));
  }
  return reference;
}

std::string CiphertextToText(ByteView ciphertext) { return std::string(kTextPrefix) + ToBase64Url(ciphertext); }

Result<Bytes> CiphertextFromText(std::string_view text) {
  if (text.size() > kMaxText)
    return Error(ErrorCode::kInvalidArgument, "a ciphertext is longer than allowed").WithLimit(kMaxText);
  if (text.substr(0, kTextPrefix.size()) != kTextPrefix) {
    return Error(ErrorCode::kInvalidArgument, "a ciphertext's text begins with coffer:v1:");
  }
  COFFER_ASSIGN_OR_RETURN(Bytes ciphertext, FromBase64Url(text.substr(kTextPrefix.size())));
  if (!IsFieldCiphertext(ciphertext)) return Error(ErrorCode::kInvalidArgument, "is not a field ciphertext");
  return ciphertext;
}

}  // namespace coffer
