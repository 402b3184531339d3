// What the reports of both rotations say in lines. Names of rows and counts, never a value.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/grafana/rotation/rotation.h"

namespace coffer::grafana {

// "1 value", "2 values".
std::string CountText(std::uint64_t count, std::string_view one, std::string_view many);
// "data_source.secure_json_data: 12 values", by column of SensitiveColumns().
std::vector<std::string> ValueLines(const std::map<std::size_t, std::uint64_t>& values);
// "data_source.secure_json_data: password of id=7: not under the key".
std::vector<std::string> UnreadableLines(std::span<const UnreadableCell> cells);

}  // namespace coffer::grafana
