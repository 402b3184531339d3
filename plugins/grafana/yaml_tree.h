// A YAML document as a flat list of nodes with their places in the text: what yaml-cpp reads, bounded, without its
// exceptions. Comments and styles are not kept; whoever changes a document splices its text (plugins/grafana/splice.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"

namespace coffer::grafana {

inline constexpr std::size_t kMaxYamlBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxYamlNodes = 200'000;
inline constexpr std::size_t kMaxYamlDepth = 64;

// An index into YamlTree::nodes(), which are in the order of the text.
enum class NodeId : std::uint32_t {};

enum class NodeKind : std::uint8_t { kNull, kScalar, kAlias, kSequence, kMap };

struct YamlNode {
  NodeKind kind = NodeKind::kNull;
  bool flow = false;             // A collection in [] or {}; a scalar inside of one.
  std::string tag;               // "?" for a plain scalar, "!" for a quoted one, else the tag that was written.
  std::string value;             // Of a scalar.
  std::vector<NodeId> children;  // Of a map: key, value, key, value...
  NodeId parent{};               // The root's is itself.
  NodeId target{};               // Of an alias.
  std::uint64_t anchor = 0;      // 0: none. Numbered by order of appearance.
  std::size_t offset = 0;        // Of the first byte, anchor and tag included.
  std::size_t column = 0;        // In bytes, from 0.
  std::uint64_t line = 0;        // From 1.
};

// Immutable; wiped when freed, because a scalar can be a secret. Thread-compatible.
class YamlTree {
 public:
  // Reads one document of at most kMaxYamlBytes. Fails with kInvalidArgument and the line when the text is not UTF-8,
  // has control characters, a lone CR or a Unicode line separator (YAML readers disagree about them), is not YAML,
  // holds more than one document, a duplicate key, or more nodes or depth than allowed. An empty text is one null node.
  static Result<YamlTree> Parse(std::string_view text);

  YamlTree(YamlTree&&) noexcept = default;
  YamlTree& operator=(YamlTree&&) noexcept = default;
  YamlTree(const YamlTree&) = delete;
  YamlTree& operator=(const YamlTree&) = delete;
  ~YamlTree();

  const std::vector<YamlNode>& nodes() const { return nodes_; }
  const YamlNode& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  static constexpr NodeId kRoot{0};

  // The node that an alias stands for; any other node is itself.
  NodeId Resolve(NodeId id) const { return node(id).kind == NodeKind::kAlias ? node(id).target : id; }

 private:
  explicit YamlTree(std::vector<YamlNode> nodes) : nodes_(std::move(nodes)) {}

  std::vector<YamlNode> nodes_;
};

}  // namespace coffer::grafana
