// Ranges over ordered values: maps of types to u64 that keep their order, and the dyadic intervals that hold a value or
// make up a range (docs/FORMAT.md section 5, "Ranges").
//
// The construction is that of range indexes in MongoDB's Queryable Encryption (libmongocrypt,
// mc-range-edge-generation.c and mc-range-mincover-generator.template.h), without a stored root. All functions are
// thread-safe.
#pragma once

#include <string_view>

#include "crypto/result.h"

namespace coffer {

// m(x) of a value: for two values of one type (and scale) m keeps <, == and >.
std::uint64_t OrderOfInt64(std::int64_t value);
// Microseconds since 1970-01-01 UTC. kInvalidArgument: -2^63 and 2^63 - 1, which are PostgreSQL's infinities.
Result<std::uint64_t> OrderOfTimestamp(std::int64_t microseconds);
// `text` as PostgreSQL writes a numeric, "-123.45" for one: at most kMaxDecimalText characters, no exponent.
// kInvalidArgument: another form, a scale above kMaxDecimalScale, or a value that times 10^scale is no int64.
Result<std::uint64_t> OrderOfDecimal(std::string_view text, unsigned scale);
// kInvalidArgument: NaN. -0 is 0; infinities are the ends of the order.
Result<std::uint64_t> OrderOfDouble(double value);

inline constexpr std::size_t kMaxDecimalText = 64;
inline constexpr unsigned kMaxDecimalScale = 18;
inline constexpr unsigned kMaxSparsity = 8;

// 2^level neighbours: those u with u >> level == prefix.
struct DyadicInterval {
  std::uint8_t level = 0;
  std::uint64_t prefix = 0;
  std::uint64_t last() const { return (prefix << level) + ((std::uint64_t{1} << level) - 1); }
  auto operator<=>(const DyadicInterval&) const = default;
};

// A domain of orders, with the levels that are stored.
class RangeMap {
 public:
  // Ends are m(min) and m(max). kInvalidArgument: min >= max, or a sparsity that is not 1 to kMaxSparsity.
  static Result<RangeMap> Create(std::uint64_t min, std::uint64_t max, unsigned sparsity);

  // 0, s, 2s ... below the bit length of max - min; 1 to 64 of them.
  std::size_t level_count() const { return (width_ + sparsity_ - 1) / sparsity_; }

  // u = order - min. kInvalidArgument: outside the domain.
  Result<std::uint64_t> PositionOf(std::uint64_t order) const;

  // The interval that holds u on the level of `index`, which is below level_count(); 0 is the leaf.
  DyadicInterval Edge(std::uint64_t u, std::size_t index) const;

  // The largest stored interval that starts at `low` and ends at or before `high`. Taken again from behind its last(),
  // until that is `high`, it gives the cover of [low, high]: u has an edge in common with it exactly when low <= u <=
  // high. Both are positions, low <= high. Nothing is allocated here, since positions are plaintext.
  DyadicInterval CoverStart(std::uint64_t low, std::uint64_t high) const;

 private:
  RangeMap(std::uint64_t min, std::uint64_t max, unsigned sparsity, unsigned width)
      : min_(min), max_(max), sparsity_(sparsity), width_(width) {}

  std::uint64_t min_;
  std::uint64_t max_;
  unsigned sparsity_;
  unsigned width_;  // bit length of max - min
};

}  // namespace coffer
