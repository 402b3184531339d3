// The strings, numbers and booleans of a JSON text, each with its path. Nothing of the text is kept.
#pragma once

#include <functional>
#include <string_view>

#include "crypto/result.h"

namespace coffer::grafana {

inline constexpr std::size_t kMaxJsonDepth = 128;
inline constexpr std::size_t kMaxJsonPath = 256;  // bytes; a longer one is cut and ends in "..."

// A string, a number or a boolean. Its views live until the callback returns.
struct JsonLeaf {
  std::string_view path;    // "receivers[0].secureSettings.url"; empty for a text that is one value
  std::string_view key;     // of the innermost object around it: "url"
  std::string_view parent;  // the key that has this object: "secureSettings"
  std::size_t depth = 0;    // how many objects and arrays are around it
  bool is_string = false;
  std::string_view text;  // of a string
};
using OnJsonLeaf = std::function<void(const JsonLeaf&)>;

// In the order of the text; every one of a key that comes twice. kInvalidArgument: no JSON text, or nested deeper than
// kMaxJsonDepth; the leaves before that were given.
Status ForEachJsonLeaf(std::string_view json, const OnJsonLeaf& on_leaf);

// Where UTF-8 text can be cut so that at most `size` bytes are left and no character is split.
std::size_t CharacterEnd(std::string_view text, std::size_t size);

}  // namespace coffer::grafana
