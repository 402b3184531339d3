// What one field is declared to be: class, keyring, form of its ciphertexts, types of its row ids and bound columns.
// Shared by the catalog file (what is wanted), the lock (what was applied) and the run-time view.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/field_header.h"
#include "crypto/value.h"

namespace coffer::policy {

// How much a value hurts when it is read by the wrong person; ordered.
enum class FieldClass : std::uint8_t { kPublic = 1, kInternal = 2, kPii = 3, kSecret = 4 };

struct BoundType {
  std::string column;
  ValueType type = ValueType::kText;
  bool operator==(const BoundType&) const = default;
};

struct FieldDeclaration {
  FieldClass field_class = FieldClass::kSecret;
  std::string keyring;
  FieldForm form;               // form.context_bound says the same as !bind.empty()
  std::vector<ValueType> row;   // 1 to 255 types; empty only when rows were never bound
  std::vector<BoundType> bind;  // at most 255, sorted by column, no duplicates
  std::string unbound;          // why row or neighbours are not bound; empty: no reason given
  bool operator==(const FieldDeclaration&) const = default;
};

inline constexpr std::size_t kMaxRowParts = 255;
inline constexpr std::size_t kMaxBoundColumns = 255;
inline constexpr std::size_t kMaxReason = 200;  // characters (code points) of `unbound`
inline constexpr std::string_view kReservedScope = "coffer";
inline constexpr std::string_view kReservedKeyring = "coffer-secrets";

// "secret" and back; nothing for a word that is none.
std::string_view FieldClassName(FieldClass field_class);
std::optional<FieldClass> ParseFieldClass(std::string_view text);

// "int64", "uuid", "text", "bytes" and back. NULL has no name: it is never declared.
std::string_view ValueTypeName(ValueType type);
std::optional<ValueType> ParseValueType(std::string_view text);

// "table.column".
struct ColumnName {
  std::string table;
  std::string column;
  auto operator<=>(const ColumnName&) const = default;
  std::string ToText() const { return table + "." + column; }
  // Exactly two identifiers with one dot between them.
  static std::optional<ColumnName> Parse(std::string_view text);
};

// The rules between the keys of one declaration, which hold in the file and in the lock: bound rows have types, a
// secret is bound or says why not, nothing is bound to itself. kInvalidArgument At the key that breaks one.
Status ValidateDeclaration(const FieldDeclaration& declaration, const ColumnName& name);

// 1 to kMaxReason characters of UTF-8 that all show: no control characters, line separators, marks of direction or
// zero width.
bool IsReason(std::string_view text);
// kInvalidArgument At `name` unless it is.
Status CheckReason(std::string_view text, std::string_view name);

}  // namespace coffer::policy
