// The part of TOML 1.0 that catalogs and locks are written in, as a small tree with lines. Everything that it takes is
// TOML and means the same there (tests and fuzzing compare with toml++, which is itself undefined on broken input).
//
// Left out: multi-line strings, lists of tables ([[x]]), numbers but decimal ones without '_' or exponent, dates and
// times but 2027-01-31T00:00:00Z or with an offset, and going back into a table that dotted keys made.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"

namespace coffer::policy {

// Move-only.
struct TomlNode {
  enum class Kind : std::uint8_t {
    kText,
    kInteger,
    kDecimal,  // digits with a dot, as `text`: "-0.25", without a leading '+'
    kBool,
    kInstant,  // an offset date-time in whole seconds, as `integer` Unix seconds; `text` as written
    kArray,
    kTable,
    kOther,  // what is left out above and has no quotes or brackets; nobody takes it
  };
  struct Entry;

  Kind kind = Kind::kOther;
  std::uint64_t line = 0;  // where the value starts, counted from 1
  std::string text;
  std::int64_t integer = 0;
  bool boolean = false;
  std::vector<TomlNode> items;                                         // of an array
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries;  // of a table, by key

  // The value of a table's key; null when there is none.
  const TomlNode* Find(std::string_view key) const;
};

struct TomlNode::Entry {
  // How a table came to be, which decides how it may grow.
  enum class Origin : std::uint8_t { kValue, kHeader, kOnTheWay, kDottedKey };

  std::uint64_t key_line = 0;
  Origin origin = Origin::kValue;
  TomlNode value;
};

inline constexpr std::size_t kMaxTomlKeyParts = 4;  // a.b.c.d
inline constexpr std::size_t kMaxTomlDecimal = 64;  // characters of a number with a dot
inline constexpr std::size_t kMaxTomlDepth = 4;     // arrays and inline tables in one another

// The document's top table. kInvalidArgument with the line for whatever is not that. Thread-safe.
Result<TomlNode> ParseToml(std::string_view text, std::size_t max_bytes);

}  // namespace coffer::policy
