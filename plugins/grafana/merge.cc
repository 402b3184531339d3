#include "plugins/grafana/merge.h"

#include <algorithm>

namespace coffer::grafana {
namespace {

constexpr std::string_view kMergeKey = "<<";
constexpr std::size_t kMaxSteps = 200'000;
constexpr std::size_t kMaxMergeDepth = 16;

Error Refuse(const YamlNode& node, Literal message) {
  return Error(ErrorCode::kInvalidArgument, message).AtLine(node.line);
}

}  // namespace

struct Flattener::Scope {
  FlatMap& out;
  std::set<std::string_view> seen;
  std::set<std::string_view> before_merge;  // Keys that stand in front of a merge key of the same map.
};

const NodeId* FlatMap::Find(const YamlTree& tree, std::string_view key) const {
  const auto found = std::find_if(pairs.begin(), pairs.end(),
                                  [&](const Pair& pair) { return tree.node(tree.Resolve(pair.key)).value == key; });
  return found == pairs.end() ? nullptr : &found->value;
}

Result<FlatMap> Flattener::Flatten(NodeId map) {
  FlatMap flat;
  Scope scope{flat, {}, {}};
  COFFER_TRY(AddMap(map, 0, scope));
  return flat;
}

Status Flattener::AddMap(NodeId id, std::size_t depth, Scope& scope) {
  const YamlNode& map = tree_.node(tree_.Resolve(id));
  if (map.kind != NodeKind::kMap) return Refuse(tree_.node(id), "is not a map");
  if (depth > kMaxMergeDepth) return Refuse(map, "merge keys are nested deeper than allowed");
  steps_ += 1 + map.children.size();
  if (steps_ > kMaxSteps) return Refuse(map, "the file has more merge keys than allowed");
  scope.out.sources.push_back(tree_.Resolve(id));
  COFFER_TRY(AddOwn(map, scope));
  for (std::size_t i = 0; i < map.children.size(); i += 2) {
    if (tree_.node(tree_.Resolve(map.children[i])).value != kMergeKey) continue;
    COFFER_TRY(AddMerge(map.children[i + 1], depth, scope));
  }
  return {};
}

Status Flattener::AddOwn(const YamlNode& map, Scope& scope) {
  std::vector<std::string_view> in_front;
  for (std::size_t i = 0; i < map.children.size(); i += 2) {
    const YamlNode& key = tree_.node(tree_.Resolve(map.children[i]));
    if (key.kind != NodeKind::kScalar) return Refuse(tree_.node(map.children[i]), "a key that is not a text");
    if (key.value == kMergeKey) {
      if (key.tag != "?") return Refuse(key, "a merge key in quotes or with a tag");
      scope.before_merge.insert(in_front.begin(), in_front.end());
      continue;
    }
    in_front.push_back(key.value);
    if (scope.seen.insert(key.value).second) {
      scope.out.pairs.push_back({map.children[i], map.children[i + 1]});
    } else if (scope.before_merge.contains(key.value)) {
      return Refuse(key, "is overridden by a key in front of the merge; put the merge key first");
    }
  }
  return {};
}

Status Flattener::AddMerge(NodeId id, std::size_t depth, Scope& scope) {
  const YamlNode& value = tree_.node(tree_.Resolve(id));
  if (value.kind != NodeKind::kSequence) return AddMap(id, depth + 1, scope);
  for (const NodeId item : value.children) COFFER_TRY(AddMap(item, depth + 1, scope));
  return {};
}

}  // namespace coffer::grafana
