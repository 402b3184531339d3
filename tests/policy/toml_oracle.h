// toml++ as the second opinion on what a text says. Only for texts that our reader took: on others the library may be
// undefined.
#pragma once

#include <charconv>
#include <string_view>

#include "policy/internal/toml_tree.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace coffer::policy {

// True when some value is of a kind that our reader does not look into.
inline bool HasOther(const TomlNode& node) {
  if (node.kind == TomlNode::Kind::kOther) return true;
  for (const TomlNode& item : node.items) {
    if (HasOther(item)) return true;
  }
  for (const auto& [key, entry] : node.entries) {
    if (HasOther(entry->value)) return true;
  }
  return false;
}

inline bool SameMoment(const TomlNode& ours, const toml::date_time& theirs) {
  if (!theirs.offset || theirs.time.nanosecond != 0) return false;
  const std::int64_t local = ours.integer + std::int64_t{theirs.offset->minutes} * 60;
  const std::int64_t of_day = ((local % 86400) + 86400) % 86400;
  return of_day == theirs.time.hour * 3600 + theirs.time.minute * 60 + theirs.time.second;
}

inline double AsDouble(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

inline bool Same(const TomlNode& ours, const toml::node& theirs) {
  switch (ours.kind) {
    case TomlNode::Kind::kText:
      return theirs.is_string() && theirs.as_string()->get() == ours.text;
    case TomlNode::Kind::kInteger:
      return theirs.is_integer() && theirs.as_integer()->get() == ours.integer;
    case TomlNode::Kind::kDecimal:
      return theirs.is_floating_point() && theirs.as_floating_point()->get() == AsDouble(ours.text);
    case TomlNode::Kind::kBool:
      return theirs.is_boolean() && theirs.as_boolean()->get() == ours.boolean;
    case TomlNode::Kind::kInstant:
      return theirs.is_date_time() && SameMoment(ours, theirs.as_date_time()->get());
    case TomlNode::Kind::kArray:
      if (!theirs.is_array() || theirs.as_array()->size() != ours.items.size()) return false;
      for (std::size_t i = 0; i < ours.items.size(); ++i) {
        if (!Same(ours.items[i], *theirs.as_array()->get(i))) return false;
      }
      return true;
    case TomlNode::Kind::kTable:
      if (!theirs.is_table() || theirs.as_table()->size() != ours.entries.size()) return false;
      for (const auto& [key, entry] : ours.entries) {
        const toml::node* value = theirs.as_table()->get(key);
        if (value == nullptr || !Same(entry->value, *value)) return false;
      }
      return true;
    case TomlNode::Kind::kOther:
      return true;
  }
  return false;
}

inline bool SameAsLibrary(const TomlNode& ours, std::string_view text) {
  const toml::parse_result theirs = toml::parse(text);
  return theirs && Same(ours, theirs.table());
}

}  // namespace coffer::policy
