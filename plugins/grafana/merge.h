// Maps with YAML merge keys ("<<: *base"), as go-yaml reads them.
#pragma once

#include <set>
#include <string_view>
#include <vector>

#include "plugins/grafana/yaml_tree.h"

namespace coffer::grafana {

struct Pair {
  NodeId key{};
  NodeId value{};
};

// The pairs of a map and of the maps merged into it.
struct FlatMap {
  std::vector<Pair> pairs;      // What counts: own keys, then those of the merged maps that are not there yet.
  std::vector<NodeId> sources;  // The map itself and every map that was merged.

  // The value of `key`, or null.
  const NodeId* Find(const YamlTree& tree, std::string_view key) const;
};

// Flattens maps of one tree; all together within one budget of steps, so that merges of merges end. Thread-compatible.
class Flattener {
 public:
  explicit Flattener(const YamlTree& tree) : tree_(tree) {}

  // `map` (an alias is followed) must be a map with scalar keys. kInvalidArgument with the line: it is not; a merge of
  // something else than maps; a merge that overrides nothing but stands behind the key that overrides it (go-yaml 2 and
  // 3 disagree); merges nested too deep or too many.
  Result<FlatMap> Flatten(NodeId map);

 private:
  struct Scope;
  Status AddMap(NodeId map, std::size_t depth, Scope& scope);
  Status AddMerge(NodeId value, std::size_t depth, Scope& scope);
  Status AddOwn(const YamlNode& map, Scope& scope);

  const YamlTree& tree_;
  std::size_t steps_ = 0;
};

}  // namespace coffer::grafana
