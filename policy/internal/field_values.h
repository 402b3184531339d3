// Readers of the values that a catalog file and a lock share. Each fails with kInvalidArgument and no path: the caller
// knows the key.
#pragma once

#include "policy/declaration.h"
#include "policy/internal/toml_tree.h"

namespace coffer::policy {

inline Error Refused(Literal message) { return Error(ErrorCode::kInvalidArgument, message); }
// Keeps a line that `error` already has.
Error OnLine(Error error, std::uint64_t line);

Result<std::string> ReadText(const TomlNode& node);
Result<bool> ReadBool(const TomlNode& node);
Result<std::string> ReadScope(const TomlNode& node);    // an identifier, not the reserved one
Result<std::string> ReadKeyring(const TomlNode& node);  // a slug, not the reserved one
Result<FieldClass> ReadClass(const TomlNode& node);
Result<Suite> ReadSuite(const TomlNode& node);
// "none" is 0.
Result<std::uint8_t> ReadPad(const TomlNode& node);
// One type, or a list of 2 to 255.
Result<std::vector<ValueType>> ReadRowTypes(const TomlNode& node);
// A table of 1 to 255 columns, sorted.
Result<std::vector<BoundType>> ReadBind(const TomlNode& node);

}  // namespace coffer::policy
