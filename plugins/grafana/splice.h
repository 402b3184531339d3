// Replaces scalars in the text of a YAML file and leaves every other byte alone: comments, anchors, order and line ends
// stay as they were.
#pragma once

#include "crypto/secret_bytes.h"
#include "plugins/grafana/scalar_span.h"

namespace coffer::grafana {

// One scalar and the YAML text that takes its place.
struct Edit {
  NodeId node{};
  ScalarSpan span;
  ByteView with;  // Must outlive the call.
};

// The text with the edits made. `edits` may come in any order and must not overlap.
SecretBytes Splice(std::string_view text, std::vector<Edit> edits);

// A node and the value that it must have after an edit.
struct ExpectedValue {
  NodeId node{};
  std::string_view value;
};

// Parses `edited` and compares it with `before`, node by node: the expected ones have their new values, and all others
// are what they were. kInvalidArgument with the line in the old text otherwise.
Status VerifyEdited(const YamlTree& before, std::string_view edited, std::span<const ExpectedValue> expected);

}  // namespace coffer::grafana
