#include "plugins/grafana/yaml_tree.h"

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "crypto/bytes.h"

namespace coffer::grafana {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::uint64_t LineOf(std::string_view text, std::size_t offset) {
  return 1 +
         static_cast<std::uint64_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
}

Error At(std::string_view text, std::size_t offset, Literal message) {
  return Error(ErrorCode::kInvalidArgument, message).AtLine(LineOf(text, offset));
}

bool IsForbiddenControl(std::string_view text, std::size_t i) {
  const char c = text[i];
  if (c == '\r') return i + 1 == text.size() || text[i + 1] != '\n';
  return (c >= 0 && c < 0x20 && c != '\t' && c != '\n') || c == 0x7F;
}

// What YAML 1.1 readers take for a line break or refuse, and 1.2 readers take for text.
bool IsDisputed(std::string_view rest) {
  return rest.starts_with("\xC2\x85") || rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9") ||
         rest.starts_with(kByteOrderMark);
}

Status CheckText(std::string_view text) {
  if (text.size() > kMaxYamlBytes) {
    return Error(ErrorCode::kInvalidArgument, "the file is longer than allowed, in bytes").WithLimit(kMaxYamlBytes);
  }
  if (!IsUtf8(text)) return Error(ErrorCode::kInvalidArgument, "the file is not UTF-8");
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (IsForbiddenControl(text, i)) return At(text, i, "a control character that YAML does not allow");
    const bool ascii = static_cast<unsigned char>(text[i]) < 0x80;
    if (!ascii && IsDisputed(text.substr(i)))
      return At(text, i, "a Unicode line separator or byte order mark; write it escaped");
  }
  return {};
}

// Thrown through yaml-cpp by the handler below, and caught in Parse.
class Refused : public std::exception {
 public:
  explicit Refused(Error error) : error_(std::move(error)) {}
  const Error& error() const { return error_; }

 private:
  Error error_;
};

// Builds the nodes from the parser's events, and stops it where a limit is reached.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(std::size_t base) : base_(base) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) Refuse(mark, "the file holds more than one YAML document; split it");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Add(NodeKind::kNull, mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) Refuse(mark, "an alias of an unknown anchor");
    nodes_[Add(NodeKind::kAlias, mark, 0)].target = found->second;
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode& node = nodes_[Add(NodeKind::kScalar, mark, anchor)];
    node.tag = tag;
    node.value = value;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    Open(NodeKind::kSequence, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    Open(NodeKind::kMap, mark, tag, anchor, style);
  }
  void OnMapEnd() override { open_.pop_back(); }

  std::vector<YamlNode> Take() && { return std::move(nodes_); }

 private:
  [[noreturn]] static void Refuse(const YAML::Mark& mark, Literal message) {
    throw Refused(Error(ErrorCode::kInvalidArgument, message).AtLine(static_cast<std::uint64_t>(mark.line) + 1));
  }

  std::size_t Add(NodeKind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (nodes_.size() >= kMaxYamlNodes) Refuse(mark, "the file holds more YAML nodes than allowed");
    const auto id = static_cast<NodeId>(nodes_.size());
    YamlNode node;
    node.kind = kind;
    node.anchor = anchor;
    node.offset = base_ + static_cast<std::size_t>(mark.pos);
    node.column = static_cast<std::size_t>(mark.column);
    node.line = static_cast<std::uint64_t>(mark.line) + 1;
    if (!open_.empty()) {
      YamlNode& parent = nodes_[open_.back()];
      node.parent = static_cast<NodeId>(open_.back());
      node.flow = parent.flow;
      parent.children.push_back(id);
    }
    if (anchor != 0) anchors_.insert_or_assign(anchor, id);
    nodes_.push_back(std::move(node));
    return nodes_.size() - 1;
  }

  void Open(NodeKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    if (open_.size() >= kMaxYamlDepth) Refuse(mark, "the file is nested deeper than allowed");
    const std::size_t index = Add(kind, mark, anchor);
    nodes_[index].tag = tag;
    nodes_[index].flow = nodes_[index].flow || style == YAML::EmitterStyle::Flow;
    open_.push_back(index);
  }

  const std::size_t base_;  // Bytes of the byte order mark, which the parser does not count.
  int documents_ = 0;
  std::vector<YamlNode> nodes_;
  std::vector<std::size_t> open_;
  std::map<YAML::anchor_t, NodeId> anchors_;
};

Status RunParser(std::string_view text, Builder& builder) {
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
    return {};
  } catch (const Refused& refused) {
    return Error(refused.error());
  } catch (const YAML::Exception& failure) {
    // Its own message can quote the file.
    const auto line = static_cast<std::uint64_t>(std::max(failure.mark.line, 0)) + 1;
    return Error(ErrorCode::kInvalidArgument, "the file is not YAML that can be read").AtLine(line);
  } catch (const std::exception&) {
    return Error(ErrorCode::kInvalidArgument, "the file is not YAML that can be read");
  }
}

Status CheckKeys(const std::vector<YamlNode>& nodes) {
  for (const YamlNode& map : nodes) {
    if (map.kind != NodeKind::kMap) continue;
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < map.children.size(); i += 2) {
      const YamlNode* key = &nodes[static_cast<std::size_t>(map.children[i])];
      const std::uint64_t line = key->line;
      if (key->kind == NodeKind::kAlias) key = &nodes[static_cast<std::size_t>(key->target)];
      if (key->kind != NodeKind::kScalar || seen.insert(key->value).second) continue;
      return Error(ErrorCode::kInvalidArgument, "a key that this map already has").AtLine(line);
    }
  }
  return {};
}

}  // namespace

Result<YamlTree> YamlTree::Parse(std::string_view text) {
  const std::size_t base = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  const std::string_view body = text.substr(base);
  COFFER_TRY(CheckText(body));
  Builder builder(base);
  COFFER_TRY(RunParser(body, builder));
  YamlTree tree(std::move(builder).Take());
  if (tree.nodes_.empty()) tree.nodes_.emplace_back();
  COFFER_TRY(CheckKeys(tree.nodes_));
  return tree;
}

YamlTree::~YamlTree() {
  for (YamlNode& node : nodes_) Wipe(AsMutableBytes(node.value));
}

}  // namespace coffer::grafana
