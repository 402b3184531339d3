// Typed values of rows and bound columns, and their one encoding into associated data (docs/FORMAT.md section 1).
#pragma once

#include <span>
#include <variant>

#include "crypto/cursor.h"
#include "crypto/ids.h"

namespace coffer {

struct NullValue {
  auto operator<=>(const NullValue&) const = default;
};
struct TextView {
  std::string_view text;  // UTF-8, not normalised
};
struct BytesView {
  ByteView bytes;
};

// One column's value; views must outlive it.
using ScalarView = std::variant<NullValue, std::int64_t, Uuid, TextView, BytesView>;

// What a value is declared to be. kNull is never declared.
enum class ValueType : std::uint8_t { kNull = 0, kInt64 = 1, kUuid = 2, kText = 3, kBytes = 4 };
ValueType TypeOf(const ScalarView& value);

inline constexpr std::size_t kMaxCompositeParts = 255;
inline constexpr std::size_t kMaxValueBytes = 4096;  // of one text or bytes value in a row or a context
inline constexpr std::size_t kMaxColumnName = 63;    // bytes; PostgreSQL's limit

// Appends one value. kInvalidArgument: text that is not UTF-8, or more than kMaxValueBytes. On an error `out` is as
// before.
Status EncodeValue(const ScalarView& value, Bytes& out);

// Appends a row id: one part as a bare value, 2 to 255 parts as a composite. No part may be NULL.
Status EncodeRow(std::span<const ScalarView> parts, Bytes& out);

struct BoundColumn {
  std::string_view column;  // as the database names it: UTF-8, 1 to kMaxColumnName bytes
  ScalarView value;         // NULL allowed
};
// Appends a context: 1 to 255 columns, in any order; sorted here. Duplicates are refused.
Status EncodeContext(std::span<const BoundColumn> columns, Bytes& out);

// Strict parsers of the same bytes: whatever they accept re-serialises to the same bytes. The views point into
// `encoded`.
Result<std::vector<ScalarView>> ParseRow(ByteView encoded);
Result<std::vector<BoundColumn>> ParseContext(ByteView encoded);

}  // namespace coffer
