// Values that policy files and files of expectations share.
#pragma once

#include <optional>

#include "policy/internal/toml_tree.h"

namespace coffer::policy {

// [A-Za-z0-9._-]{1,64}, as a claim of one may be.
bool IsPurpose(std::string_view text);
// "scope.table.column"; the vault's own field is none that rules name.
bool IsRuleField(std::string_view text);
// A date and time with an offset, after 1970, as Unix seconds. kInvalidArgument otherwise.
Result<std::optional<std::int64_t>> ReadMoment(const TomlNode& node);

}  // namespace coffer::policy
