#include "policy/declaration.h"

#include <algorithm>
#include <array>

#include "crypto/names.h"

namespace coffer::policy {
namespace {

struct ClassWord {
  FieldClass field_class;
  std::string_view word;
};
constexpr std::array<ClassWord, 4> kClassWords = {{{FieldClass::kPublic, "public"},
                                                   {FieldClass::kInternal, "internal"},
                                                   {FieldClass::kPii, "pii"},
                                                   {FieldClass::kSecret, "secret"}}};

struct TypeWord {
  ValueType type;
  std::string_view word;
};
constexpr std::array<TypeWord, 4> kTypeWords = {{{ValueType::kInt64, "int64"},
                                                 {ValueType::kUuid, "uuid"},
                                                 {ValueType::kText, "text"},
                                                 {ValueType::kBytes, "bytes"}}};

struct CodePoints {
  char32_t first;
  char32_t last;
};
// What a terminal or a page does not show as itself (Unicode: Cc, Zl, Zp, Bidi_Control, the byte order mark): a text
// with it could read as another one.
constexpr std::array<CodePoints, 8> kHidden = {{{0x00, 0x1f},
                                                {0x7f, 0x9f},
                                                {0x061c, 0x061c},
                                                {0x200b, 0x200f},
                                                {0x2028, 0x202e},
                                                {0x2060, 0x2069},
                                                {0xfeff, 0xfeff},
                                                {0xfff9, 0xfffb}}};

bool IsHidden(char32_t code_point) {
  return std::any_of(kHidden.begin(), kHidden.end(), [code_point](const CodePoints& range) {
    return range.first <= code_point && code_point <= range.last;
  });
}

// The first code point of valid UTF-8 that is not empty, which then starts after it.
char32_t TakeCodePoint(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t code_point = size == 1 ? lead : lead & (0x7fU >> size);
  for (const char next : text.substr(1, size - 1)) {
    code_point = (code_point << 6U) | (static_cast<unsigned char>(next) & 0x3fU);
  }
  text.remove_prefix(size);
  return code_point;
}

Error Refused(Literal message, std::string_view key) { return Error(ErrorCode::kInvalidArgument, message).At(key); }

}  // namespace

std::string_view FieldClassName(FieldClass field_class) {
  for (const ClassWord& entry : kClassWords) {
    if (entry.field_class == field_class) return entry.word;
  }
  return "?";
}

std::optional<FieldClass> ParseFieldClass(std::string_view text) {
  for (const ClassWord& entry : kClassWords) {
    if (entry.word == text) return entry.field_class;
  }
  return std::nullopt;
}

std::string_view ValueTypeName(ValueType type) {
  for (const TypeWord& entry : kTypeWords) {
    if (entry.type == type) return entry.word;
  }
  return "?";
}

std::optional<ValueType> ParseValueType(std::string_view text) {
  for (const TypeWord& entry : kTypeWords) {
    if (entry.word == text) return entry.type;
  }
  return std::nullopt;
}

std::optional<ColumnName> ColumnName::Parse(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view table = text.substr(0, dot);
  const std::string_view column = text.substr(dot + 1);
  if (!IsIdentifier(table) || !IsIdentifier(column)) return std::nullopt;
  return ColumnName{std::string(table), std::string(column)};
}

bool IsReason(std::string_view text) {
  if (!IsUtf8(text)) return false;
  std::size_t characters = 0;
  while (!text.empty()) {
    if (IsHidden(TakeCodePoint(text))) return false;
    ++characters;
  }
  return characters >= 1 && characters <= kMaxReason;
}

Status CheckReason(std::string_view text, std::string_view name) {
  if (IsReason(text)) return {};
  return Refused("must be 1 to 200 characters that all show", name).WithLimit(kMaxReason);
}

Status ValidateDeclaration(const FieldDeclaration& declaration, const ColumnName& name) {
  const FieldForm& form = declaration.form;
  if (form.suite == Suite::kAes256Siv && form.row_bound) {
    return Refused("must be false with suite 4: bound rows would make equal values differ", "bind_row");
  }
  if (form.row_bound && declaration.row.empty())
    return Refused("is required: the type of the row id, or bind_row = false", "row");
  const auto is_own = [&](const BoundType& bound) { return bound.column == name.column; };
  if (std::any_of(declaration.bind.begin(), declaration.bind.end(), is_own)) {
    return Refused("binds the encrypted column to itself", "bind");
  }
  if (!declaration.unbound.empty() && form.row_bound && form.context_bound) {
    return Refused("gives a reason although row and columns are bound", "unbound");
  }
  if (declaration.field_class == FieldClass::kSecret && declaration.unbound.empty()) {
    if (!form.row_bound) return Refused("is required: why this secret's row is not bound", "unbound");
    if (!form.context_bound) {
      return Refused("is required for a secret: the columns that say where it is sent, or unbound = \"reason\"",
                     "bind");
    }
  }
  return {};
}

}  // namespace coffer::policy
