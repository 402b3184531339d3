// The values of TOML that stand without quotes, and the characters that escapes name.
#pragma once

#include "policy/internal/toml_tree.h"

namespace coffer::policy {

// true, false, a decimal integer, digits with a dot or an offset date-time; kOther for everything else. The line is the
// caller's.
TomlNode ParseTomlScalar(std::string_view word);

// Appends U+`code` as UTF-8; false when it is a surrogate or above U+10FFFF.
bool AppendCodePoint(std::uint32_t code, std::string& out);

}  // namespace coffer::policy
