#include "plugins/grafana/taint.h"

namespace coffer::grafana {
namespace {

// For each node: whether a secret is inside of it, aliases followed.
std::vector<bool> Spread(const YamlTree& tree, const std::set<NodeId>& secrets) {
  const auto& nodes = tree.nodes();
  std::vector<std::vector<NodeId>> aliases(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].kind != NodeKind::kAlias) continue;
    aliases[static_cast<std::size_t>(nodes[i].target)].push_back(static_cast<NodeId>(i));
  }
  std::vector<bool> tainted(nodes.size(), false);
  std::vector<NodeId> work(secrets.begin(), secrets.end());
  while (!work.empty()) {
    const NodeId id = work.back();
    work.pop_back();
    const auto index = static_cast<std::size_t>(id);
    if (tainted[index]) continue;
    tainted[index] = true;
    work.push_back(tree.node(id).parent);
    work.insert(work.end(), aliases[index].begin(), aliases[index].end());
  }
  return tainted;
}

class Checker {
 public:
  Checker(const YamlTree& tree, const TaintedPlaces& places)
      : tree_(tree), places_(places), tainted_(Spread(tree, places.secrets)) {}

  Status Run() const {
    for (const NodeId map : places_.datasource_maps) COFFER_TRY(CheckMap(map, "secureJsonData"));
    for (const NodeId map : places_.secure_maps) COFFER_TRY(CheckKeys(map));
    for (const Pair& pair : places_.top.pairs) {
      const std::string& key = tree_.node(tree_.Resolve(pair.key)).value;
      const bool read = key == "apiVersion" || key == "deleteDatasources" || key == "prune";
      if (read && Tainted(pair.value)) return Refuse(pair.value);
    }
    return {};
  }

 private:
  bool Tainted(NodeId id) const { return tainted_[static_cast<std::size_t>(id)]; }
  Error Refuse(NodeId id) const {
    return Error(ErrorCode::kInvalidArgument, "a secret also reaches a field that is not secret, through an anchor")
        .AtLine(tree_.node(id).line);
  }
  Status CheckKeys(NodeId map) const {
    const auto& children = tree_.node(map).children;
    for (std::size_t i = 0; i < children.size(); i += 2) {
      if (Tainted(children[i])) return Refuse(children[i]);
    }
    return {};
  }
  Status CheckMap(NodeId map, std::string_view secret_key) const {
    COFFER_TRY(CheckKeys(map));
    const auto& children = tree_.node(map).children;
    for (std::size_t i = 0; i < children.size(); i += 2) {
      const std::string& key = tree_.node(tree_.Resolve(children[i])).value;
      if (key != secret_key && key != "<<" && Tainted(children[i + 1])) return Refuse(children[i + 1]);
    }
    return {};
  }

  const YamlTree& tree_;
  const TaintedPlaces& places_;
  const std::vector<bool> tainted_;
};

}  // namespace

Status CheckTaint(const YamlTree& tree, const TaintedPlaces& places) { return Checker(tree, places).Run(); }

}  // namespace coffer::grafana
