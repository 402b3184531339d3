// Plain and quoted scalars of YAML, matched in the text against the value that another reader found.
#pragma once

#include <optional>
#include <string_view>

namespace coffer::grafana {

// `text` from `begin` holds a quoted scalar ('...' or "..."). The offset behind its closing quote, or nothing when it
// is malformed or reads as something else than `value`.
std::optional<std::size_t> MatchQuoted(std::string_view text, std::size_t begin, std::string_view value);

// The same for a plain scalar, folded over several lines or not: the offset behind its last character.
std::optional<std::size_t> MatchPlain(std::string_view text, std::size_t begin, std::string_view value);

}  // namespace coffer::grafana
