// Literal ("|") and folded (">") block scalars of YAML, matched in the text against the value that another reader
// found.
#pragma once

#include <optional>
#include <string_view>

namespace coffer::grafana {

struct BlockExtent {
  std::size_t header_end = 0;     // Behind the indicators; a comment may follow.
  std::size_t content_begin = 0;  // The lines of the content, without blank ones at its end.
  std::size_t content_end = 0;
};

// `text` from `begin` holds a block scalar inside a collection indented by `parent_indent`. Nothing when it is
// malformed or reads as something else than `value`.
std::optional<BlockExtent> MatchBlock(std::string_view text, std::size_t begin, std::size_t parent_indent,
                                      std::string_view value);

}  // namespace coffer::grafana
