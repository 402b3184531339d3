#include "policy/internal/field_values.h"

#include "crypto/names.h"

namespace coffer::policy {
namespace {

using Kind = TomlNode::Kind;

Result<ValueType> ReadType(const TomlNode& node) {
  if (node.kind == Kind::kText) {
    if (const auto type = ParseValueType(node.text)) return *type;
  }
  return Refused("is not a type: int64, uuid, text or bytes");
}

}  // namespace

Error OnLine(Error error, std::uint64_t line) { return error.line() != 0 ? error : std::move(error).AtLine(line); }

Result<std::string> ReadText(const TomlNode& node) {
  if (node.kind != Kind::kText) return Refused("must be text");
  return node.text;
}

Result<bool> ReadBool(const TomlNode& node) {
  if (node.kind != Kind::kBool) return Refused("must be true or false");
  return node.boolean;
}

Result<std::string> ReadScope(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(std::string scope, ReadText(node));
  if (!IsIdentifier(scope)) return Refused("is not a scope's name: [a-z_][a-z0-9_]{0,62}");
  if (scope == kReservedScope) return Refused("is reserved for built-in fields");
  return scope;
}

Result<std::string> ReadKeyring(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(std::string keyring, ReadText(node));
  if (!IsSlug(keyring)) return Refused("is not a keyring's name: [a-z0-9][a-z0-9-]{0,62}");
  if (keyring == kReservedKeyring) return Refused("is reserved for the vault's own secrets");
  return keyring;
}

Result<FieldClass> ReadClass(const TomlNode& node) {
  if (node.kind == Kind::kText) {
    if (const auto field_class = ParseFieldClass(node.text)) return *field_class;
  }
  return Refused("is not a class: public, internal, pii or secret");
}

Result<Suite> ReadSuite(const TomlNode& node) {
  if (node.kind == Kind::kInteger && node.integer == 1) return Suite::kXaes256Gcm;
  if (node.kind == Kind::kInteger && node.integer == 2) return Suite::kXaes256GcmCommitting;
  if (node.kind == Kind::kInteger && node.integer == 4) return Suite::kAes256Siv;
  return Refused("must be 1, 2 or 4: fields have no other suite");
}

Result<std::uint8_t> ReadPad(const TomlNode& node) {
  if (node.kind == Kind::kText && node.text == "none") return std::uint8_t{0};
  const auto limit = static_cast<std::int64_t>(kMaxPadMultiple);
  if (node.kind == Kind::kInteger && node.integer >= 1 && node.integer <= limit)
    return static_cast<std::uint8_t>(node.integer);
  return Refused("must be \"none\" or a multiple of 1 to 32 bytes: the format has no larger ones and no padme")
      .WithLimit(kMaxPadMultiple);
}

Result<std::vector<ValueType>> ReadRowTypes(const TomlNode& node) {
  std::vector<ValueType> types;
  if (node.kind != Kind::kArray) {
    COFFER_ASSIGN_OR_RETURN(const ValueType type, ReadType(node));
    types.push_back(type);
    return types;
  }
  if (node.items.size() < 2) return Refused("must be one type, or a list of 2 to 255");
  if (node.items.size() > kMaxRowParts) return Refused("has more parts than allowed").WithLimit(kMaxRowParts);
  for (const TomlNode& item : node.items) {
    COFFER_ASSIGN_OR_RETURN(const ValueType type, ReadType(item));
    types.push_back(type);
  }
  return types;
}

Result<std::vector<BoundType>> ReadBind(const TomlNode& node) {
  if (node.kind != Kind::kTable) return Refused("must be a table of columns, like { url = \"text\" }");
  if (node.entries.empty()) return Refused("must name at least one column");
  if (node.entries.size() > kMaxBoundColumns)
    return Refused("binds more columns than allowed").WithLimit(kMaxBoundColumns);
  std::vector<BoundType> bind;
  for (const auto& [key, entry] : node.entries) {
    if (!IsIdentifier(key))
      return Refused("is not a column's name: [a-z_][a-z0-9_]{0,62}").At(key).AtLine(entry->key_line);
    Result<ValueType> type = ReadType(entry->value);
    if (!type.ok()) return OnLine(std::move(type).error().At(key), entry->key_line);
    bind.push_back({key, *type});
  }
  return bind;
}

}  // namespace coffer::policy
