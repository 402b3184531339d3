#include "plugins/grafana/scalar_span.h"

#include <algorithm>
#include <optional>

#include "plugins/grafana/block_scalar.h"
#include "plugins/grafana/flow_scalar.h"

namespace coffer::grafana {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsSpace(char c) { return IsBlank(c) || c == '\r' || c == '\n'; }

std::size_t SkipSpaceAndComments(std::string_view text, std::size_t at) {
  while (at < text.size() && (IsSpace(text[at]) || text[at] == '#')) {
    if (text[at] != '#') {
      ++at;
      continue;
    }
    at = std::min(text.find('\n', at), text.size());
  }
  return at;
}

// The offset behind an anchor ("&a") and a tag ("!!str"), in either order.
std::size_t SkipProperties(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == '&' || text[at] == '!')) {
    while (at < text.size() && !IsSpace(text[at])) ++at;
    at = SkipSpaceAndComments(text, at);
  }
  return at;
}

// The indentation of the collection that holds `id`: the column of its key, or of the dash before it.
std::optional<std::size_t> ParentIndent(std::string_view text, const YamlTree& tree, NodeId id) {
  const YamlNode& node = tree.node(id);
  const YamlNode& parent = tree.node(node.parent);
  if (parent.kind == NodeKind::kMap) {
    const auto value = std::find(parent.children.begin(), parent.children.end(), id);
    return tree.node(*(value - 1)).column;
  }
  std::size_t dash = node.offset;
  while (dash > 0 && IsBlank(text[dash - 1])) --dash;
  if (dash == 0 || text[dash - 1] != '-') return std::nullopt;
  return node.column - (node.offset - (dash - 1));
}

std::size_t ColumnOf(std::string_view text, std::size_t at) {
  const std::size_t feed = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return feed == std::string_view::npos ? at : at - feed - 1;
}

Error Disagree(const YamlNode& node) {
  return Error(ErrorCode::kInvalidArgument,
               "a value written in a way that YAML readers disagree about; put it in double quotes")
      .AtLine(node.line);
}

}  // namespace

Result<ScalarSpan> FindScalar(std::string_view text, const YamlTree& tree, NodeId id) {
  const YamlNode& node = tree.node(id);
  COFFER_CHECK(node.kind == NodeKind::kScalar && id != YamlTree::kRoot);
  ScalarSpan span;
  span.begin = SkipProperties(text, node.offset);
  if (span.begin >= text.size()) return Disagree(node);
  const char first = text[span.begin];
  std::optional<std::size_t> end;
  if (first == '"' || first == '\'') {
    span.quote = first;
    end = MatchQuoted(text, span.begin, node.value);
  } else if ((first == '|' || first == '>') && !node.flow) {
    const auto indent = ParentIndent(text, tree, id);
    // A header may stand in its parent's column, on a line of its own; what takes its place may not.
    const bool deeper = indent && ColumnOf(text, span.begin) > *indent;
    const auto block = deeper ? MatchBlock(text, span.begin, *indent, node.value) : std::nullopt;
    if (block) {
      end = block->header_end;
      span.cut_begin = block->content_begin;
      span.cut_end = block->content_end;
    }
  } else {
    end = MatchPlain(text, span.begin, node.value);
  }
  if (!end) return Disagree(node);
  span.end = *end;
  return span;
}

}  // namespace coffer::grafana
