// The strings, numbers and booleans of a JSON text, each with its path. Nothing of the text is kept.
//
// A path is made to be shown: a key that holds a secret itself (FindMisplaced), as a URL with a password does, stands
// as kHiddenKey in it.
#pragma once

#include <functional>
#include <string_view>

#include "crypto/result.h"
#include "plugins/grafana/database/misplaced.h"

namespace coffer::grafana {

inline constexpr std::size_t kMaxJsonDepth = 128;
inline constexpr std::size_t kMaxJsonPath = 256;  // bytes; a longer one is cut and ends in "..."
inline constexpr std::string_view kHiddenKey = "<key>";

// A string, a number or a boolean. Its views live until the callback returns.
struct JsonLeaf {
  std::string_view path;    // "receivers[0].secureSettings.url"; empty for a text that is one value
  std::string_view key;     // of the innermost object around it, as it is: "url"
  std::string_view parent;  // the key that has this object: "secureSettings"
  std::size_t depth = 0;    // how many objects and arrays are around it
  bool is_string = false;
  std::string_view text;  // of a string or a number
};
using OnJsonLeaf = std::function<void(const JsonLeaf&)>;

// In the order of the text; every one of a key that comes twice. kInvalidArgument: no JSON text, or nested deeper than
// kMaxJsonDepth; the leaves before that were given. `on_key` is called for each kind of secret that a key holds, with
// the path that ends in it.
Status ForEachJsonLeaf(std::string_view json, const OnJsonLeaf& on_leaf, const OnMisplaced& on_key = {});

// Where UTF-8 text can be cut so that at most `size` bytes are left and no character is split.
std::size_t CharacterEnd(std::string_view text, std::size_t size);

}  // namespace coffer::grafana
