// Where a scalar stands in the text, so that it can be replaced without touching what is around it. yaml-cpp tells only
// where a node starts; the end is found by a second reader of YAML scalars (YAML 1.1 as libyaml and go-yaml read it),
// whose value must agree with yaml-cpp's: a scalar that two readers read differently is refused, never guessed.
#pragma once

#include "plugins/grafana/yaml_tree.h"

namespace coffer::grafana {

struct ScalarSpan {
  std::size_t begin = 0;  // The scalar without anchor and tag; of a block scalar the header ("|-") alone.
  std::size_t end = 0;
  std::size_t cut_begin = 0;  // The lines of a block scalar's content; empty for the other styles.
  std::size_t cut_end = 0;
  char quote = 0;  // '"' or '\'' when it was quoted.
};

// The span of scalar node `id` of `tree`, which was parsed from `text`. Fails with kInvalidArgument and the line where
// the two readers disagree or the style is not supported.
Result<ScalarSpan> FindScalar(std::string_view text, const YamlTree& tree, NodeId id);

}  // namespace coffer::grafana
