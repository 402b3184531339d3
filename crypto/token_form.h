// What the tokens of an index are: the part of an index profile that their bytes depend on (docs/FORMAT.md section 5).
#pragma once

#include <compare>
#include <optional>
#include <vector>

#include "crypto/result.h"

namespace coffer {

enum class IndexKind : std::uint8_t { kEquality = 1, kPrefix = 2, kNgram = 3, kRange = 4, kCompound = 5 };

// The column's type. Prefixes, n-grams and ranges have arrays of kInt8.
enum class TokenColumn : std::uint8_t { kInt4, kInt8, kBytea };

// The ends of a range, as m(min) and m(max) (crypto/range_map.h).
struct RangeDomain {
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  std::uint8_t sparsity = 1;  // 1 to 8
  auto operator<=>(const RangeDomain&) const = default;
};

// Argon2id before the HMAC: each guess at a value costs as much, also for whoever has the index key.
struct SlowCost {
  std::uint8_t passes = 1;              // 1 to 16
  std::uint32_t memory_kib = 8 * 1024;  // 8 to 256 MiB
  auto operator<=>(const SlowCost&) const = default;
};

struct TokenForm {
  std::uint32_t profile = 0;  // its number in the index domain, from 1
  IndexKind kind = IndexKind::kEquality;
  TokenColumn column = TokenColumn::kInt8;
  std::uint16_t bits = 63;            // kInt4 1 to 31; kInt8 1 to 63, arrays from 10; kBytea 128 or 256
  std::uint16_t partitions = 1;       // 1 to 256
  std::uint8_t count = 0;             // arrays: their size, 1 to 255; else 0
  std::vector<std::uint8_t> lengths;  // kPrefix: code points, ascending, each from 1; else empty
  std::uint8_t n = 0;                 // kNgram: 2 to 16; else 0
  std::optional<RangeDomain> domain;  // kRange, and only there
  std::optional<SlowCost> slow;       // kEquality and kCompound

  bool operator==(const TokenForm&) const = default;

  bool IsArray() const { return kind != IndexKind::kEquality && kind != IndexKind::kCompound; }
  // Bytes of tokens that a row stores.
  std::size_t RowBytes() const;
  // kInvalidArgument: a limit above is broken, a setting of another kind is there, an array is not kInt8, or it is too
  // small for its lengths or levels or too large for its bits (above 192 it needs 32).
  Status Validate() const;
};

}  // namespace coffer
