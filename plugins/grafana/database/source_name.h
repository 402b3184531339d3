// What a person names as a Grafana database, told by the name and by a file's first bytes.
#pragma once

#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer::grafana {

// postgres://... or postgresql://...
bool NamesServer(std::string_view source);
// A path: anything else with a scheme may have a password in it, and is for no message.
bool NamesFile(std::string_view source);

inline constexpr std::string_view kSqliteMagic("SQLite format 3\0", 16);
// The beginning of the file, at most kSqliteMagic's size. The file is closed again: closing it later would drop the
// locks of a SQLite that has it open in this process.
Result<std::string> FirstBytes(const std::string& path);

}  // namespace coffer::grafana
