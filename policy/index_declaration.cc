#include "policy/index_declaration.h"

#include <algorithm>
#include <array>

#include "crypto/index_token.h"
#include "crypto/range_map.h"
#include "policy/index_value.h"

namespace coffer::policy {
namespace {

struct KindWord {
  IndexKind kind;
  std::string_view word;
};
constexpr std::array<KindWord, 5> kKindWords = {{{IndexKind::kEquality, "equality"},
                                                 {IndexKind::kPrefix, "prefix"},
                                                 {IndexKind::kNgram, "ngram"},
                                                 {IndexKind::kRange, "range"},
                                                 {IndexKind::kCompound, "compound"}}};

struct TypeWord {
  IndexType type;
  std::string_view word;
};
constexpr std::array<TypeWord, 7> kTypeWords = {{{IndexType::kText, "text"},
                                                 {IndexType::kBytes, "bytes"},
                                                 {IndexType::kInt64, "int64"},
                                                 {IndexType::kUuid, "uuid"},
                                                 {IndexType::kTimestamp, "timestamp"},
                                                 {IndexType::kDecimal, "decimal"},
                                                 {IndexType::kDouble, "double"}}};

constexpr std::uint16_t kMaxInt4Bits = 31;
constexpr std::uint16_t kMaxInt8Bits = 63;
constexpr std::uint16_t kMinArrayBits = 10;
constexpr std::uint8_t kLargeArray = 192;
constexpr std::uint16_t kLargeArrayBits = 32;

Error Refused(Literal message, std::string_view key) { return Error(ErrorCode::kInvalidArgument, message).At(key); }

// Range indexes have the types with an order, all others those with bytes, prefixes and n-grams text alone.
bool Takes(IndexKind kind, IndexType type) {
  const bool ordered_only = type == IndexType::kTimestamp || type == IndexType::kDecimal || type == IndexType::kDouble;
  switch (kind) {
    case IndexKind::kEquality:
    case IndexKind::kCompound:
      return !ordered_only;
    case IndexKind::kPrefix:
    case IndexKind::kNgram:
      return type == IndexType::kText;
    case IndexKind::kRange:
      return ordered_only || type == IndexType::kInt64;
  }
  return false;
}

Status ValidateValue(IndexKind kind, const IndexedValue& value) {
  if (!Takes(kind, value.type)) return Refused("is a type that an index of this kind does not take", "type");
  if (value.type != IndexType::kText && !value.transforms.empty()) {
    return Refused("is for text only", "transform");
  }
  if (value.transforms.size() > kMaxTransforms) {
    return Refused("has more steps than allowed", "transform").WithLimit(kMaxTransforms);
  }
  if (value.scale > kMaxIndexScale) return Refused("is more than allowed", "scale").WithLimit(kMaxIndexScale);
  if (value.type != IndexType::kDecimal && value.scale != 0) return Refused("is for decimals only", "scale");
  return {};
}

Status ValidateValues(const IndexDefinition& definition) {
  const IndexKind kind = definition.form.kind;
  const bool compound = kind == IndexKind::kCompound;
  const std::size_t size = definition.values.size();
  if (compound ? size < 2 || size > kMaxCompoundParts : size != 1) {
    return Refused("must be 2 to 16 fields of a compound index", "parts").WithLimit(kMaxCompoundParts);
  }
  for (const IndexedValue& value : definition.values) {
    Status valid = ValidateValue(kind, value);
    if (!valid.ok()) return compound ? std::move(valid).error().At("parts") : std::move(valid).error();
  }
  return {};
}

Status ValidateEnds(const IndexDefinition& definition) {
  const TokenForm& form = definition.form;
  const bool range = form.kind == IndexKind::kRange;
  if (range != form.domain.has_value() || range == definition.min.empty() || range == definition.max.empty()) {
    return Refused("and max are what a range index has, and no other", "min");
  }
  if (!range) return {};
  const auto is_end = [&](const std::string& text, std::uint64_t order) {
    const Result<std::uint64_t> read = OrderOf(definition.values.front(), text);
    return read.ok() && *read == order;
  };
  if (!is_end(definition.min, form.domain->min)) return Refused("is not a value of the index's type", "min");
  if (!is_end(definition.max, form.domain->max)) return Refused("is not a value of the index's type", "max");
  if (form.domain->min >= form.domain->max) return Refused("must be above min", "max");
  return {};
}

// What TokenForm refuses as well, with the key's name.
Status ValidateBits(const TokenForm& form) {
  if (form.IsArray() && (form.bits < kMinArrayBits || form.bits > kMaxInt8Bits)) {
    return Refused("must be 10 to 63 for an index of several tokens a row", "bits").WithLimit(kMaxInt8Bits);
  }
  if (form.column != ColumnOf(form.kind, form.bits)) return Refused("must be 1 to 63, 128 or 256", "bits");
  if (form.count > kLargeArray && form.bits < kLargeArrayBits) {
    return Refused("must be 32 or more for a count above 192", "bits");
  }
  return {};
}

Status ValidateCount(const TokenForm& form) {
  std::size_t least = 1;
  if (form.kind == IndexKind::kPrefix) least = form.lengths.size();
  if (form.domain) {
    COFFER_ASSIGN_OR_RETURN(const RangeMap map,
                            RangeMap::Create(form.domain->min, form.domain->max, form.domain->sparsity));
    least = map.level_count();
  }
  if (form.IsArray() && form.count < least) {
    return Refused("is less than what a row may have: a token for each length or level", "count").WithLimit(least);
  }
  return {};
}

}  // namespace

std::string_view IndexKindName(IndexKind kind) {
  for (const KindWord& entry : kKindWords) {
    if (entry.kind == kind) return entry.word;
  }
  return "?";
}

std::optional<IndexKind> ParseIndexKind(std::string_view text) {
  for (const KindWord& entry : kKindWords) {
    if (entry.word == text) return entry.kind;
  }
  return std::nullopt;
}

std::string_view IndexTypeName(IndexType type) {
  for (const TypeWord& entry : kTypeWords) {
    if (entry.type == type) return entry.word;
  }
  return "?";
}

std::optional<IndexType> ParseIndexType(std::string_view text) {
  for (const TypeWord& entry : kTypeWords) {
    if (entry.word == text) return entry.type;
  }
  return std::nullopt;
}

TokenColumn ColumnOf(IndexKind kind, std::uint16_t bits) {
  const bool array = kind == IndexKind::kPrefix || kind == IndexKind::kNgram || kind == IndexKind::kRange;
  if (bits > kMaxInt8Bits && !array) return TokenColumn::kBytea;
  return array || bits > kMaxInt4Bits ? TokenColumn::kInt8 : TokenColumn::kInt4;
}

std::string UnicodeOf(const IndexDefinition& definition) {
  const auto folds = [](const IndexedValue& value) {
    return std::any_of(value.transforms.begin(), value.transforms.end(),
                       [](const Transform& step) { return step.kind == TransformKind::kNfkcCasefold; });
  };
  if (std::none_of(definition.values.begin(), definition.values.end(), folds)) return {};
  return std::string(UnicodeVersion());
}

Status ValidateIndexDefinition(const IndexDefinition& definition) {
  COFFER_TRY(ValidateValues(definition));
  COFFER_TRY(ValidateEnds(definition));
  COFFER_TRY(ValidateBits(definition.form));
  COFFER_TRY(ValidateCount(definition.form));
  if (definition.form.slow && definition.form.IsArray()) {
    return Refused("is for kinds equality and compound", "slow");
  }
  if (definition.form.profile != 0) return Refused("belongs to the profile", "profile");
  TokenForm form = definition.form;
  form.profile = 1;
  return form.Validate();
}

Status ValidateUnique(const IndexDefinition& definition) {
  if (definition.form.column != TokenColumn::kBytea) return Refused("needs 128 or 256 bits", "unique");
  if (definition.form.partitions != 1) return Refused("needs one partition", "unique");
  return {};
}

Status ValidateExpectation(const Expectation& expect) {
  if (expect.rows < 1 || expect.rows > kMaxExpectedRows) {
    return Refused("must be 1 to 10^12", "rows").WithLimit(kMaxExpectedRows);
  }
  if (expect.distinct < 1 || expect.distinct > expect.rows) return Refused("must be 1 to rows", "distinct");
  if (expect.top_share < 1 || expect.top_share > kWholeShare) {
    return Refused("must be above 0 and at most 1, with up to 12 decimals", "top_share");
  }
  return {};
}

}  // namespace coffer::policy
