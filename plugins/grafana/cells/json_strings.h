// The strings of a JSON text as they stand in it, for changing one and leaving every other byte alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coffer::grafana {

// What stands between a string's quotes.
struct JsonString {
  std::size_t offset = 0;
  std::size_t size = 0;
};

// The strings that are values, not keys, in the text's order, which is that of ForEachJsonLeaf. `json` has to be JSON.
std::vector<JsonString> JsonStringValues(std::string_view json);

// Whether an object has a key twice; "a" and "\u0061" are one key. False for what is no JSON.
bool HasDuplicateKeys(std::string_view json);

}  // namespace coffer::grafana
