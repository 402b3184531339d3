// What one blind index is declared to be: how its tokens are made, of which fields, and what the values look like, for
// the planner. Shared by the catalog file (what is wanted), the lock (what was applied) and the run-time view. The
// bytes are docs/FORMAT.md section 5.
#pragma once

#include "crypto/text_transform.h"
#include "crypto/token_form.h"
#include "policy/declaration.h"

namespace coffer::policy {

// How a field's plaintext, which is always bytes, is read before it is indexed (policy/index_value.h).
enum class IndexType : std::uint8_t { kText, kBytes, kInt64, kUuid, kTimestamp, kDecimal, kDouble };

// One value that goes into an index.
struct IndexedValue {
  IndexType type = IndexType::kText;
  std::uint8_t scale = 0;             // kDecimal: 0 to 18
  std::vector<Transform> transforms;  // kText only
  bool operator==(const IndexedValue&) const = default;
};

// All that the tokens of a value depend on, but for the keys: two indexes with equal definitions in one domain have
// equal tokens.
struct IndexDefinition {
  TokenForm form;                    // form.profile is 0: the number belongs to the profile that holds this
  std::vector<IndexedValue> values;  // one; kCompound: 2 to 16
  std::string min;                   // kRange: the ends of the domain as they were written, which form.domain has too
  std::string max;
  bool global = false;  // one key for all tenants, so that a search finds rows of each
  bool operator==(const IndexDefinition&) const = default;
};

// What the planner is told about a field's values.
struct Expectation {
  std::uint64_t rows = 0;       // 1 to kMaxExpectedRows
  std::uint64_t distinct = 0;   // 1 to rows
  std::uint64_t top_share = 0;  // of the commonest value, in units of 10^-12: 1 to kWholeShare
  bool operator==(const Expectation&) const = default;
};
inline constexpr std::uint64_t kMaxExpectedRows = 1'000'000'000'000;
inline constexpr std::uint64_t kWholeShare = 1'000'000'000'000;

inline constexpr std::size_t kMaxIndexes = 16;  // live ones of one field
inline constexpr std::size_t kMaxIndexScale = 18;
inline constexpr std::uint16_t kMaxIndexVersion = 32767;  // <column>_iv is a smallint

// "equality", "prefix", "ngram", "range", "compound" and back; nothing for a word that is none.
std::string_view IndexKindName(IndexKind kind);
std::optional<IndexKind> ParseIndexKind(std::string_view text);

// "text", "bytes", "int64", "uuid", "timestamp", "decimal", "double" and back.
std::string_view IndexTypeName(IndexType type);
std::optional<IndexType> ParseIndexType(std::string_view text);

// int4, int8 or bytea, as the bits want it; arrays are int8.
TokenColumn ColumnOf(IndexKind kind, std::uint16_t bits);

// The version of Unicode that the tokens depend on, empty when they do not.
std::string UnicodeOf(const IndexDefinition& definition);

// The rules between the keys of one definition, which hold in the file and in the lock: types that the kind can take,
// ends of a range that are in order, settings that no other kind has, and those of TokenForm. kInvalidArgument At the
// key that breaks one.
Status ValidateIndexDefinition(const IndexDefinition& definition);

// A unique index has tokens that are never cut to collide, and one partition. kInvalidArgument At "unique".
Status ValidateUnique(const IndexDefinition& definition);

// 1 to kMaxExpectedRows rows, no more distinct values than rows, a share above 0. kInvalidArgument At the key.
Status ValidateExpectation(const Expectation& expect);

}  // namespace coffer::policy
