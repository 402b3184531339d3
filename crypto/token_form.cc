#include "crypto/token_form.h"

#include <algorithm>

#include "crypto/range_map.h"

namespace coffer {
namespace {

constexpr std::uint16_t kMaxPartitions = 256;
constexpr std::uint16_t kMinArrayBits = 10;
constexpr std::uint16_t kMinLargeArrayBits = 32;
constexpr std::uint8_t kLargeArray = 192;
constexpr std::uint8_t kMinN = 2;
constexpr std::uint8_t kMaxN = 16;
constexpr std::uint8_t kMaxPasses = 16;
constexpr std::uint32_t kMinMemoryKib = 8 * 1024;
constexpr std::uint32_t kMaxMemoryKib = 256 * 1024;

Error Invalid(Literal message) { return {ErrorCode::kInvalidArgument, message}; }

bool HasBits(TokenColumn column, std::uint16_t bits) {
  switch (column) {
    case TokenColumn::kInt4:
      return bits >= 1 && bits <= 31;
    case TokenColumn::kInt8:
      return bits >= 1 && bits <= 63;
    case TokenColumn::kBytea:
      return bits == 128 || bits == 256;
  }
  return false;
}

Status CheckArray(const TokenForm& form) {
  if (form.column != TokenColumn::kInt8) return Invalid("an index of this kind is an int8[]");
  if (form.count == 0) return Invalid("an index of this kind wants a count of tokens");
  if (form.bits < kMinArrayBits || (form.count > kLargeArray && form.bits < kMinLargeArrayBits)) {
    return Invalid("an array has too few bits for its count");
  }
  return {};
}

Status CheckPrefix(const TokenForm& form) {
  const auto& lengths = form.lengths;
  if (lengths.empty() || lengths.front() == 0) return Invalid("a prefix index wants lengths from 1");
  if (std::adjacent_find(lengths.begin(), lengths.end(), std::greater_equal<>()) != lengths.end()) {
    return Invalid("the lengths of a prefix index are not ascending");
  }
  if (lengths.size() > form.count) return Invalid("the count is smaller than the number of lengths");
  return {};
}

Status CheckRange(const TokenForm& form) {
  if (!form.domain) return Invalid("a range index wants a domain");
  COFFER_ASSIGN_OR_RETURN(const RangeMap map,
                          RangeMap::Create(form.domain->min, form.domain->max, form.domain->sparsity));
  if (map.level_count() > form.count) return Invalid("the count is smaller than the number of levels");
  return {};
}

Status CheckSlow(const TokenForm& form) {
  if (form.IsArray()) return Invalid("an index of this kind cannot be slow");
  if (form.slow->passes < 1 || form.slow->passes > kMaxPasses) {
    return Invalid("the passes of a slow index are out of range").WithLimit(kMaxPasses);
  }
  if (form.slow->memory_kib < kMinMemoryKib || form.slow->memory_kib > kMaxMemoryKib) {
    return Invalid("the memory of a slow index is out of range, in KiB").WithLimit(kMaxMemoryKib);
  }
  return {};
}

// What only one kind has.
Status CheckKind(const TokenForm& form) {
  if (form.kind != IndexKind::kPrefix && !form.lengths.empty()) return Invalid("only a prefix index has lengths");
  if (form.kind != IndexKind::kNgram && form.n != 0) return Invalid("only an n-gram index has an n");
  if (form.kind != IndexKind::kRange && form.domain) return Invalid("only a range index has a domain");
  switch (form.kind) {
    case IndexKind::kEquality:
    case IndexKind::kCompound:
      if (form.count != 0) return Invalid("an index of this kind has no count");
      return {};
    case IndexKind::kPrefix:
      return CheckPrefix(form);
    case IndexKind::kNgram:
      if (form.n < kMinN || form.n > kMaxN) return Invalid("the n of n-grams is out of range").WithLimit(kMaxN);
      return {};
    case IndexKind::kRange:
      return CheckRange(form);
  }
  return Invalid("the kind of the index is unknown");
}

}  // namespace

std::size_t TokenForm::RowBytes() const {
  switch (column) {
    case TokenColumn::kBytea:
      return bits / 8U;
    case TokenColumn::kInt4:
      return 4;
    case TokenColumn::kInt8:
      break;
  }
  return IsArray() ? std::size_t{8} * count : 8;
}

Status TokenForm::Validate() const {
  if (profile == 0) return Invalid("profiles are numbered from 1");
  if (!HasBits(column, bits)) return Invalid("the index's column cannot have as many bits");
  if (partitions < 1 || partitions > kMaxPartitions) {
    return Invalid("the partitions are out of range").WithLimit(kMaxPartitions);
  }
  COFFER_TRY(CheckKind(*this));
  if (IsArray()) COFFER_TRY(CheckArray(*this));
  if (slow) COFFER_TRY(CheckSlow(*this));
  return {};
}

}  // namespace coffer
