#include "crypto/range_map.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace coffer {
namespace {

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;
constexpr std::uint64_t kMaxMagnitude = kSignBit;  // of the least int64

Error NoDecimal() { return {ErrorCode::kInvalidArgument, "the value is not a decimal number"}; }
Error Inexact() { return {ErrorCode::kInvalidArgument, "the number does not fit the declared scale, or 64 bits"}; }

bool IsDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// magnitude * 10 + digit, or false above that of the least int64.
bool Shift(std::uint64_t& magnitude, unsigned digit) {
  if (magnitude > (kMaxMagnitude - digit) / 10) return false;
  magnitude = magnitude * 10 + digit;
  return true;
}

unsigned DigitAt(std::string_view digits, std::size_t i) {
  return i < digits.size() ? static_cast<unsigned>(digits[i] - '0') : 0U;
}

// The digits before and after the point as one number with `scale` of the latter.
Result<std::uint64_t> Scaled(std::string_view whole, std::string_view fraction, unsigned scale) {
  if (fraction.find_first_not_of('0', std::min<std::size_t>(scale, fraction.size())) != fraction.npos) {
    return Inexact();
  }
  std::uint64_t magnitude = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (!Shift(magnitude, DigitAt(whole, i))) return Inexact();
  }
  for (std::size_t i = 0; i < scale; ++i) {
    if (!Shift(magnitude, DigitAt(fraction, i))) return Inexact();
  }
  return magnitude;
}

// True when [low, low + 2^level) starts at a multiple of its size and ends at or before `high`.
bool Fits(std::uint64_t low, std::uint64_t high, unsigned level) {
  const std::uint64_t rest = (std::uint64_t{1} << level) - 1;
  return (low & rest) == 0 && high - low >= rest;
}

}  // namespace

std::uint64_t OrderOfInt64(std::int64_t value) { return static_cast<std::uint64_t>(value) ^ kSignBit; }

Result<std::uint64_t> OrderOfTimestamp(std::int64_t microseconds) {
  using Limits = std::numeric_limits<std::int64_t>;
  if (microseconds == Limits::min() || microseconds == Limits::max()) {
    return Error(ErrorCode::kInvalidArgument, "an infinite timestamp has no place in a range");
  }
  return OrderOfInt64(microseconds);
}

Result<std::uint64_t> OrderOfDecimal(std::string_view text, unsigned scale) {
  if (scale > kMaxDecimalScale) {
    return Error(ErrorCode::kInvalidArgument, "the scale is too large").WithLimit(kMaxDecimalScale);
  }
  if (text.size() > kMaxDecimalText) return NoDecimal().WithLimit(kMaxDecimalText);
  const bool is_negative = !text.empty() && text.front() == '-';
  if (is_negative) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == text.npos ? std::string_view() : text.substr(point + 1);
  if (!IsDigits(whole) || (point != text.npos && !IsDigits(fraction))) return NoDecimal();
  COFFER_ASSIGN_OR_RETURN(const std::uint64_t magnitude, Scaled(whole, fraction, scale));
  if (magnitude == kMaxMagnitude && !is_negative) return Inexact();
  return OrderOfInt64(static_cast<std::int64_t>(is_negative ? std::uint64_t{0} - magnitude : magnitude));
}

Result<std::uint64_t> OrderOfDouble(double value) {
  static_assert(std::numeric_limits<double>::is_iec559);
  if (std::isnan(value)) return Error(ErrorCode::kInvalidArgument, "a NaN has no place in a range");
  if (value == 0) value = 0;  // -0 is 0.
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
}

Result<RangeMap> RangeMap::Create(std::uint64_t min, std::uint64_t max, unsigned sparsity) {
  if (min >= max) return Error(ErrorCode::kInvalidArgument, "the domain's end is not above its start");
  if (sparsity < 1 || sparsity > kMaxSparsity) {
    return Error(ErrorCode::kInvalidArgument, "the sparsity is out of range").WithLimit(kMaxSparsity);
  }
  return RangeMap(min, max, sparsity, static_cast<unsigned>(std::bit_width(max - min)));
}

Result<std::uint64_t> RangeMap::PositionOf(std::uint64_t order) const {
  if (order < min_ || order > max_)
    return Error(ErrorCode::kInvalidArgument, "the value is outside the index's domain");
  return order - min_;
}

DyadicInterval RangeMap::Edge(std::uint64_t u, std::size_t index) const {
  COFFER_CHECK(index < level_count());
  const auto level = static_cast<std::uint8_t>(index * sparsity_);
  return {level, u >> level};
}

DyadicInterval RangeMap::CoverStart(std::uint64_t low, std::uint64_t high) const {
  COFFER_CHECK(low <= high && high <= max_ - min_);
  unsigned level = 0;
  while (level + sparsity_ < width_ && Fits(low, high, level + sparsity_)) level += sparsity_;
  return {static_cast<std::uint8_t>(level), low >> level};
}

}  // namespace coffer
