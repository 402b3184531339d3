#include "crypto/text_transform.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <utf8proc.h>

#include "crypto/internal/code_points.h"
#include "crypto/internal/nfkc_casefold.h"

namespace coffer {
namespace {

using Buffer = internal::WipedVector<char>;

constexpr std::uint16_t kMaxCount = 255;
constexpr std::uint16_t kMaxCountryCode = 999;
// Italy, Ivory Coast, Congo and San Marino: the leading 0 of a national number is dialled from abroad too.
constexpr std::array<std::uint16_t, 4> kZeroKeepers = {39, 225, 242, 378};
constexpr std::size_t kMinE164Digits = 7;
constexpr std::size_t kMaxE164Digits = 15;

struct Named {
  std::string_view name;
  TransformKind kind;
};
constexpr std::array<Named, 10> kNames = {{
    {"trim", TransformKind::kTrim},
    {"nfkc_casefold", TransformKind::kNfkcCasefold},
    {"ascii_casefold", TransformKind::kAsciiCasefold},
    {"digits", TransformKind::kDigits},
    {"email_local", TransformKind::kEmailLocal},
    {"email_domain", TransformKind::kEmailDomain},
    {"email_strip_plus", TransformKind::kEmailStripPlus},
    {"first", TransformKind::kFirst},
    {"last", TransformKind::kLast},
    {"e164", TransformKind::kE164},
}};

// Property White_Space (PropList.txt), stable by Unicode's policy.
constexpr std::array<std::string_view, 20> kWideSpaces = {
    "\u0085", "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
    "\u2007", "\u2008", "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000", " "};

Error Invalid(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsWhiteSpace(std::string_view point) {
  if (point.size() == 1 && point[0] >= '\t' && point[0] <= '\r') return true;
  return std::find(kWideSpaces.begin(), kWideSpaces.end(), point) != kWideSpaces.end();
}

// The text as it is between two steps: a window onto the caller's text or onto `owned`.
struct Working {
  std::string_view text;
  Buffer owned;

  void Take(Buffer&& next) {
    owned = std::move(next);
    text = {owned.data(), owned.size()};
  }
};

std::string_view Trimmed(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = internal::CodePointSize(text.front());
    if (!IsWhiteSpace(text.substr(0, size))) break;
    text.remove_prefix(size);
  }
  while (!text.empty()) {
    const std::size_t last = internal::LastCodePoint(text);
    if (!IsWhiteSpace(text.substr(last))) break;
    text = text.substr(0, last);
  }
  return text;
}

std::string_view First(std::string_view text, std::size_t count) {
  return text.substr(0, std::min(internal::PrefixSize(text, count), text.size()));
}

std::string_view Last(std::string_view text, std::size_t count) {
  std::string_view before = text;
  for (std::size_t i = 0; i < count && !before.empty(); ++i) before = before.substr(0, internal::LastCodePoint(before));
  return text.substr(before.size());
}

void LowerAscii(Working& working) {
  Buffer lower(working.text.begin(), working.text.end());
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  working.Take(std::move(lower));
}

void KeepDigits(Working& working) {
  Buffer digits;
  digits.reserve(working.text.size());
  std::copy_if(working.text.begin(), working.text.end(), std::back_inserter(digits), IsDigit);
  working.Take(std::move(digits));
}

struct Email {
  std::string_view local;
  std::string_view domain;
};
Result<Email> SplitEmail(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == text.npos || at == 0 || at + 1 == text.size()) return Invalid("the text is not an email address");
  return Email{text.substr(0, at), text.substr(at + 1)};
}

Status StripPlus(Working& working) {
  COFFER_ASSIGN_OR_RETURN(const Email email, SplitEmail(working.text));
  const std::size_t plus = email.local.find('+', 1);
  if (plus == email.local.npos) return {};
  Buffer kept(email.local.begin(), email.local.begin() + static_cast<std::ptrdiff_t>(plus));
  kept.push_back('@');
  kept.insert(kept.end(), email.domain.begin(), email.domain.end());
  working.Take(std::move(kept));
  return {};
}

Error NoNumber() { return Invalid("the text is not a telephone number of the declared form"); }

// The number without what people put between its digits, or an error for any other character. `has_trunk` tells of a
// 0 alone in parentheses, which belongs to national numbers only.
Result<Buffer> Dialled(std::string_view text, bool& has_trunk) {
  constexpr std::string_view kNoBreakSpace = "\u00A0";
  enum class Parenthesis { kNone, kOpen, kZero } parenthesis = Parenthesis::kNone;
  Buffer dialled;
  dialled.reserve(text.size());
  while (!text.empty()) {
    const char c = text.front();
    if (text.substr(0, kNoBreakSpace.size()) == kNoBreakSpace) {
      text.remove_prefix(kNoBreakSpace.size());
      continue;
    }
    if (IsDigit(c) || (c == '+' && dialled.empty())) {
      dialled.push_back(c);
      parenthesis = parenthesis == Parenthesis::kOpen && c == '0' ? Parenthesis::kZero : Parenthesis::kNone;
    } else if (c == '(') {
      parenthesis = Parenthesis::kOpen;
    } else if (c == ')') {
      has_trunk = has_trunk || parenthesis == Parenthesis::kZero;
      parenthesis = Parenthesis::kNone;
    } else if (std::string_view(" -./").find(c) == std::string_view::npos) {
      return NoNumber();
    }
    text.remove_prefix(1);
  }
  return dialled;
}

Status ToE164(std::uint16_t country_code, Working& working) {
  bool has_trunk = false;
  COFFER_ASSIGN_OR_RETURN(const Buffer dialled, Dialled(working.text, has_trunk));
  std::string_view number(dialled.data(), dialled.size());
  Buffer result = {'+'};
  const bool has_plus = !number.empty() && number.front() == '+';
  if (has_plus || number.substr(0, 2) == "00") {
    number.remove_prefix(has_plus ? 1 : 2);
    if (has_trunk || number.empty() || number.front() == '0') return NoNumber();
  } else {
    if (country_code == 0) return NoNumber();
    for (char digit : std::to_string(country_code)) result.push_back(digit);
    if (!number.empty() && number.front() == '0') number.remove_prefix(1);
    if (number.empty()) return NoNumber();
  }
  result.insert(result.end(), number.begin(), number.end());
  const std::size_t digits = result.size() - 1;
  if (digits < kMinE164Digits || digits > kMaxE164Digits) return NoNumber();
  working.Take(std::move(result));
  return {};
}

Status Step(const Transform& transform, Working& working) {
  switch (transform.kind) {
    case TransformKind::kTrim:
      working.text = Trimmed(working.text);
      return {};
    case TransformKind::kNfkcCasefold: {
      COFFER_ASSIGN_OR_RETURN(Buffer folded, internal::NfkcCasefold(working.text, kMaxIndexedBytes));
      working.Take(std::move(folded));
      return {};
    }
    case TransformKind::kAsciiCasefold:
      LowerAscii(working);
      return {};
    case TransformKind::kDigits:
      KeepDigits(working);
      return {};
    case TransformKind::kEmailLocal: {
      COFFER_ASSIGN_OR_RETURN(const Email email, SplitEmail(working.text));
      working.text = email.local;
      return {};
    }
    case TransformKind::kEmailDomain: {
      COFFER_ASSIGN_OR_RETURN(const Email email, SplitEmail(working.text));
      working.text = email.domain;
      return {};
    }
    case TransformKind::kEmailStripPlus:
      return StripPlus(working);
    case TransformKind::kFirst:
      working.text = First(working.text, transform.parameter);
      return {};
    case TransformKind::kLast:
      working.text = Last(working.text, transform.parameter);
      return {};
    case TransformKind::kE164:
      return ToE164(transform.parameter, working);
  }
  return Invalid("the transform is unknown");
}

// A decimal number of 1 to `max` without a leading zero.
Result<std::uint16_t> ParseParameter(std::string_view text, std::uint16_t max) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || text.front() == '0' || number > max) {
    return Invalid("a transform's number is out of range").WithLimit(max);
  }
  return number;
}

}  // namespace

Result<Transform> Transform::Parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const auto* const named =
      std::find_if(kNames.begin(), kNames.end(), [name](const Named& each) { return each.name == name; });
  if (named == kNames.end()) return Invalid("the transform is unknown");
  const bool counts = named->kind == TransformKind::kFirst || named->kind == TransformKind::kLast;
  if (colon == text.npos) {
    if (counts) return Invalid("the transform wants a number");
    return Transform{named->kind, 0};
  }
  if (!counts && named->kind != TransformKind::kE164) return Invalid("the transform takes no number");
  COFFER_ASSIGN_OR_RETURN(const std::uint16_t parameter,
                          ParseParameter(text.substr(colon + 1), counts ? kMaxCount : kMaxCountryCode));
  if (!counts && std::find(kZeroKeepers.begin(), kZeroKeepers.end(), parameter) != kZeroKeepers.end()) {
    return Invalid("national numbers of this country keep their leading 0: take e164 without a country code");
  }
  return Transform{named->kind, parameter};
}

std::string Transform::ToText() const {
  const auto* const named =
      std::find_if(kNames.begin(), kNames.end(), [this](const Named& each) { return each.kind == kind; });
  COFFER_CHECK(named != kNames.end());
  std::string text(named->name);
  if (parameter != 0) text += ":" + std::to_string(parameter);
  return text;
}

std::string_view UnicodeVersion() { return utf8proc_unicode_version(); }

Result<SecretBytes> ApplyTransforms(std::span<const Transform> transforms, std::string_view text) {
  if (transforms.size() > kMaxTransforms) return Invalid("there are too many transforms").WithLimit(kMaxTransforms);
  if (text.size() > kMaxIndexedBytes) {
    return Invalid("the text is too long for an index, in bytes").WithLimit(kMaxIndexedBytes);
  }
  if (text.find('\0') != text.npos || !IsUtf8(text)) return Invalid("the text is not UTF-8, or has a U+0000");
  Working working{text, {}};
  for (const Transform& transform : transforms) COFFER_TRY(Step(transform, working));
  return SecretBytes::CopyOf(AsBytes(working.text));
}

}  // namespace coffer
