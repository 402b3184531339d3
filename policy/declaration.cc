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
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  const auto characters = std::count_if(text.begin(), text.end(), starts_character);
  return characters >= 1 && characters <= static_cast<std::ptrdiff_t>(kMaxReason) &&
         std::none_of(text.begin(), text.end(), is_control);
}

Status ValidateDeclaration(const FieldDeclaration& declaration, const ColumnName& name) {
  const FieldForm& form = declaration.form;
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
