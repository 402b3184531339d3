#include "plugins/grafana/splice.h"

#include <algorithm>
#include <map>

namespace coffer::grafana {
namespace {

// A range of the old text and what stands there in the new one.
struct Piece {
  std::size_t begin;
  std::size_t end;
  ByteView with;
};

std::vector<Piece> PiecesOf(const std::vector<Edit>& edits) {
  std::vector<Piece> pieces;
  for (const Edit& edit : edits) {
    pieces.push_back({edit.span.begin, edit.span.end, edit.with});
    if (edit.span.cut_end > edit.span.cut_begin) pieces.push_back({edit.span.cut_begin, edit.span.cut_end, {}});
  }
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
  return pieces;
}

bool SameNode(const YamlNode& a, const YamlNode& b) {
  return a.kind == b.kind && a.tag == b.tag && a.value == b.value && a.children == b.children && a.parent == b.parent &&
         a.target == b.target && a.anchor == b.anchor && a.flow == b.flow;
}

bool SamePlace(const YamlNode& a, const YamlNode& b) {
  return a.kind == b.kind && a.parent == b.parent && a.anchor == b.anchor;
}

}  // namespace

SecretBytes Splice(std::string_view text, std::vector<Edit> edits) {
  const std::vector<Piece> pieces = PiecesOf(edits);
  std::size_t size = text.size();
  for (const Piece& piece : pieces) size = size - (piece.end - piece.begin) + piece.with.size();
  SecretBytes out(size);
  MutableBytes rest = out.ExposeMutable(SecretAccess::kFile);
  const auto copy = [&rest](ByteView from) {
    std::copy(from.begin(), from.end(), rest.begin());
    rest = rest.subspan(from.size());
  };
  std::size_t at = 0;
  for (const Piece& piece : pieces) {
    COFFER_CHECK(piece.begin >= at && piece.end >= piece.begin);
    copy(AsBytes(text.substr(at, piece.begin - at)));
    copy(piece.with);
    at = piece.end;
  }
  copy(AsBytes(text.substr(at)));
  return out;
}

Status VerifyEdited(const YamlTree& before, std::string_view edited, std::span<const ExpectedValue> expected) {
  COFFER_ASSIGN_OR_RETURN(const YamlTree after, YamlTree::Parse(edited));
  std::map<NodeId, std::string_view> values;
  for (const ExpectedValue& one : expected) values.emplace(one.node, one.value);
  const std::size_t count = before.nodes().size();
  for (std::size_t i = 0; i < count; ++i) {
    const YamlNode& old = before.nodes()[i];
    const auto value = values.find(static_cast<NodeId>(i));
    const bool same = i < after.nodes().size() && (value == values.end() ? SameNode(old, after.nodes()[i])
                                                                         : SamePlace(old, after.nodes()[i]) &&
                                                                               after.nodes()[i].value == value->second);
    if (!same)
      return Error(ErrorCode::kInvalidArgument, "cannot be replaced without changing its neighbours").AtLine(old.line);
  }
  if (after.nodes().size() != count) {
    return Error(ErrorCode::kInvalidArgument, "cannot be replaced without changing the end of the file");
  }
  return {};
}

}  // namespace coffer::grafana
