#include "plugins/grafana/provisioning.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "plugins/grafana/merge.h"
#include "plugins/grafana/taint.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kSecure = "secureJsonData";

Error Refuse(const YamlNode& node, Literal message) {
  return Error(ErrorCode::kInvalidArgument, message).AtLine(node.line);
}

bool IsTextTag(std::string_view tag) { return tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:str"; }

class Finder {
 public:
  explicit Finder(const YamlTree& tree) : tree_(tree), flattener_(tree) {}

  Result<Provisioning> Run();

 private:
  const YamlNode& At(NodeId id) const { return tree_.node(tree_.Resolve(id)); }
  Status AddDatasource(NodeId item);
  Result<std::vector<std::string>> Owner(const FlatMap& datasource, const YamlNode& place) const;
  Status AddSecure(NodeId value, const std::vector<std::string>& owner);
  Status AddUse(NodeId value, SecretPath path, const YamlNode& place);
  Status AddEntry(NodeId id, SecretPath path);
  Status CheckLeftOver() const;
  Status CheckPair(NodeId key, NodeId value) const;
  void NotePasswords(const FlatMap& datasource);

  const YamlTree& tree_;
  Flattener flattener_;
  Provisioning out_;
  std::map<NodeId, std::size_t> entry_of_;
  std::map<std::string, NodeId> node_of_path_;
  std::set<NodeId> datasource_maps_;  // Maps whose keys are fields of a datasource.
  std::set<NodeId> secure_maps_;      // Maps whose keys are names of secrets.
};

Result<Provisioning> Finder::Run() {
  const YamlNode& root = tree_.node(YamlTree::kRoot);
  if (root.kind == NodeKind::kNull) return std::move(out_);
  if (root.kind != NodeKind::kMap) return Refuse(root, "the file is not a map");
  COFFER_ASSIGN_OR_RETURN(const FlatMap top, flattener_.Flatten(YamlTree::kRoot));
  if (const NodeId* list = top.Find(tree_, "datasources"); list != nullptr && At(*list).kind != NodeKind::kNull) {
    if (At(*list).kind != NodeKind::kSequence) return Refuse(tree_.node(*list), "datasources is not a list");
    for (const NodeId item : At(*list).children) COFFER_TRY(AddDatasource(item));
  }
  COFFER_TRY(CheckLeftOver());
  std::set<NodeId> secrets;
  for (const SecretEntry& entry : out_.entries) secrets.insert(entry.node);
  COFFER_TRY(CheckTaint(tree_, {secrets, datasource_maps_, secure_maps_, top}));
  return std::move(out_);
}

Status Finder::AddDatasource(NodeId item) {
  if (At(item).kind == NodeKind::kNull) return {};
  COFFER_ASSIGN_OR_RETURN(const FlatMap datasource, flattener_.Flatten(item));
  datasource_maps_.insert(datasource.sources.begin(), datasource.sources.end());
  if (const NodeId* old = datasource.Find(tree_, "secure_json_data"); old != nullptr) {
    return Refuse(tree_.node(*old), "secure_json_data is the old format; write apiVersion: 1 and secureJsonData");
  }
  NotePasswords(datasource);
  const NodeId* secure = datasource.Find(tree_, kSecure);
  if (secure == nullptr || At(*secure).kind == NodeKind::kNull) return {};
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> owner, Owner(datasource, tree_.node(item)));
  return AddSecure(*secure, owner);
}

// The first segments of its paths: "grafana", organisation, uid or name.
Result<std::vector<std::string>> Finder::Owner(const FlatMap& datasource, const YamlNode& place) const {
  std::vector<std::string> owner{"grafana", "1"};
  if (const NodeId* org = datasource.Find(tree_, "orgId"); org != nullptr && At(*org).kind != NodeKind::kNull) {
    const std::string& text = At(*org).value;
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (At(*org).kind != NodeKind::kScalar || text != std::to_string(number) || parsed.ec != std::errc()) {
      return Refuse(tree_.node(*org), "orgId is not a decimal number");
    }
    if (number > 0) owner[1] = text;  // Grafana takes 0 for the first organisation.
  }
  for (const std::string_view field : {"uid", "name"}) {
    const NodeId* id = datasource.Find(tree_, field);
    if (id == nullptr || At(*id).kind == NodeKind::kNull) continue;
    if (At(*id).kind != NodeKind::kScalar) return Refuse(tree_.node(*id), "uid and name must be texts");
    if (At(*id).value.empty()) continue;
    owner.push_back(At(*id).value);
    return owner;
  }
  return Refuse(place, "a datasource with secureJsonData needs a uid or a name");
}

Status Finder::AddSecure(NodeId value, const std::vector<std::string>& owner) {
  COFFER_ASSIGN_OR_RETURN(const FlatMap secure, flattener_.Flatten(value));
  secure_maps_.insert(secure.sources.begin(), secure.sources.end());
  for (const Pair& pair : secure.pairs) {
    const YamlNode& place = tree_.node(pair.value);
    if (At(pair.value).kind == NodeKind::kNull) {
      out_.notes.push_back({place.line, "a secureJsonData key without a value is left as it is"});
      continue;
    }
    std::vector<std::string> segments = owner;
    segments.push_back(At(pair.key).value);
    auto path = SecretPath::FromSegments(segments);
    if (!path.ok()) return Error(std::move(path).error()).AtLine(place.line);
    COFFER_TRY(AddUse(pair.value, std::move(path).value(), place));
  }
  return {};
}

Status Finder::AddUse(NodeId value, SecretPath path, const YamlNode& place) {
  const NodeId id = tree_.Resolve(value);
  const auto [known, is_new] = node_of_path_.emplace(path.text(), id);
  if (!is_new) return Refuse(place, "another datasource of this file has the same organisation and uid or name");
  if (const auto entry = entry_of_.find(id); entry != entry_of_.end()) {
    out_.entries[entry->second].paths.push_back(std::move(path));
    return {};
  }
  return AddEntry(id, std::move(path));
}

Status Finder::AddEntry(NodeId id, SecretPath path) {
  const YamlNode& node = tree_.node(id);
  if (node.kind != NodeKind::kScalar) return Refuse(node, "a value of secureJsonData is not a text");
  if (!IsTextTag(node.tag)) return Refuse(node, "a value of secureJsonData has a tag other than !!str");
  if (node.value.size() > kMaxSecretBytes) {
    return Refuse(node, "a value of secureJsonData is longer than allowed, in bytes").WithLimit(kMaxSecretBytes);
  }
  if (node.value.find('\0') != std::string::npos) return Refuse(node, "a value of secureJsonData holds a NUL");
  if (out_.entries.size() == kMaxSecrets) {
    return Refuse(node, "the file holds more secrets than allowed").WithLimit(kMaxSecrets);
  }
  SecretEntry entry;
  entry.node = id;
  entry.line = node.line;
  if (node.value.find(kSecretScheme) != std::string::npos) {
    auto reference = SecretReference::Parse(node.value);
    if (!reference.ok()) return Refuse(node, "a reference must be the whole value: coffer://<path>");
    entry.reference = std::move(reference).value();
  }
  entry.paths.push_back(std::move(path));
  entry_of_.emplace(id, out_.entries.size());
  out_.entries.push_back(std::move(entry));
  return {};
}

// Values that Grafana still reads in fields that are not encrypted.
void Finder::NotePasswords(const FlatMap& datasource) {
  for (const std::string_view field : {"password", "basicAuthPassword"}) {
    const NodeId* value = datasource.Find(tree_, field);
    if (value == nullptr || At(*value).kind != NodeKind::kScalar || At(*value).value.empty()) continue;
    out_.notes.push_back(
        {tree_.node(*value).line, "a password outside secureJsonData is left as it is; move it there"});
  }
}

// Nothing that looks like a secret or a reference may be left outside of the entries.
Status Finder::CheckLeftOver() const {
  for (const YamlNode& node : tree_.nodes()) {
    if (node.kind != NodeKind::kMap) continue;
    const bool secure = secure_maps_.contains(static_cast<NodeId>(&node - tree_.nodes().data()));
    for (std::size_t i = 0; i < node.children.size(); i += 2) {
      if (secure) COFFER_TRY(CheckPair(node.children[i], node.children[i + 1]));
      const NodeId value = tree_.Resolve(node.children[i + 1]);
      if (At(node.children[i]).value != kSecure || tree_.node(value).kind != NodeKind::kMap) continue;
      if (secure_maps_.contains(value) || tree_.node(value).children.empty()) continue;
      return Refuse(tree_.node(node.children[i]), "a secureJsonData that no datasource of this file uses; remove it");
    }
  }
  for (std::size_t i = 0; i < tree_.nodes().size(); ++i) {
    const YamlNode& node = tree_.nodes()[i];
    if (!node.value.starts_with(kSecretScheme) || entry_of_.contains(static_cast<NodeId>(i))) continue;
    return Refuse(node, "a coffer:// reference outside secureJsonData is never replaced; remove it");
  }
  return {};
}

Status Finder::CheckPair(NodeId key, NodeId value) const {
  const bool merge = At(key).value == "<<";
  if (merge || At(value).kind == NodeKind::kNull || entry_of_.contains(tree_.Resolve(value))) return {};
  return Refuse(tree_.node(value), "a merged value that is overridden wherever it is used; remove it");
}

}  // namespace

Result<Provisioning> FindSecrets(const YamlTree& tree) { return Finder(tree).Run(); }

}  // namespace coffer::grafana
