// Index tokens: what is stored beside an encrypted column so that it can be searched (docs/FORMAT.md section 5).
//
//   token = HMAC-SHA256(K_idx, u32 profile, u8 kind, u8 partition, u8 part, LP(value)), cut to the column's bits
//
// Values are plaintext that was transformed already (crypto/text_transform.h, crypto/range_map.h). Tokens are what the
// database sees: they are not secret, and that two are equal is not either.
#pragma once

#include "crypto/derive.h"
#include "crypto/random.h"
#include "crypto/text_transform.h"
#include "crypto/token_form.h"

namespace coffer {

// The tokens of one value or one search. An index has either numbers (int4, int8, int8[]) or strings (bytea).
struct IndexTokens {
  std::vector<std::int64_t> numbers;
  std::vector<Bytes> strings;
  bool operator==(const IndexTokens&) const = default;
};

// How a row's tokens must meet those of a search.
enum class TokenMatch : std::uint8_t {
  kIsOneOf,   // kEquality, kCompound: column = ANY (tokens)
  kHasOneOf,  // kPrefix, kRange: column && tokens
  kHasAll,    // kNgram: column @> the tokens of an alternative
};

struct SearchTokens {
  TokenMatch match = TokenMatch::kIsOneOf;
  // A row matches when it matches one of them: one for each partition with kHasAll, else exactly one.
  std::vector<IndexTokens> alternatives;
  // Rows that match must be compared with the needle after decryption even if no two tokens collide: the needle is
  // longer than the parts that are indexed. (Tokens of few bits collide, so such rows are always compared.)
  bool needs_filter = false;
};

// Where the needle stands in an n-gram search.
struct Anchors {
  bool at_start = false;
  bool at_end = false;
};

// The value of a compound index: LP(v1), LP(v2) ... of 2 to kMaxCompoundParts values in declared order. Nothing when
// one of them is NULL (nothing). kInvalidArgument: another number of values, or one longer than kMaxIndexedBytes.
inline constexpr std::size_t kMaxCompoundParts = 16;
Result<std::optional<SecretBytes>> PackCompound(std::span<const std::optional<ByteView>> values);

// Of one search; one whose value is long counts once for each 64 bytes of it.
inline constexpr std::size_t kMaxSearchTokens = 16384;

// The tokens of one index profile for one tenant under one version of an index key. Immutable and thread-safe. Wiped
// when destroyed.
class IndexTokenizer {
 public:
  // Where partitions are drawn from; tests put their own in its place.
  using RandomSource = void (*)(MutableBytes);

  // kInvalidArgument: the key is not 32 bytes, or form.Validate() fails.
  static Result<IndexTokenizer> Create(const SecretBytes& index_data_key, TenantUuid tenant, IndexDomainUuid domain,
                                       const TokenForm& form, RandomSource random = FillRandom);
  ~IndexTokenizer();
  IndexTokenizer(IndexTokenizer&&) noexcept;
  IndexTokenizer& operator=(IndexTokenizer&&) noexcept;

  const TokenForm& form() const;

  // What a row stores for a value: one token, or form().count of them in ascending order. The partition is drawn anew
  // each time. `value` is text as UTF-8 (always, for kPrefix and kNgram), bytes, an int64 or UUID as its bytes, or what
  // PackCompound made; not for kRange. kInvalidArgument: not UTF-8, too long, or more tokens than form().count.
  // kUnavailable: no memory for a slow index. kInternal: another kind's value (a caller's defect), or a library fails.
  Result<IndexTokens> Stored(ByteView value) const;
  // The same for kRange and the order of a value. kInvalidArgument: outside the domain.
  Result<IndexTokens> StoredRange(std::uint64_t order) const;

  // The tokens to search for. kInvalidArgument, beside the causes above: an empty value, or a compound one with all
  // its parts empty; a needle shorter than every length, or than n; one with more n-grams than an array holds; more
  // than kMaxSearchTokens tokens; anchors for another kind than kNgram.
  Result<SearchTokens> Search(ByteView value, Anchors anchors = {}) const;
  // Values from `low` to `high`, both orders and both included. kInvalidArgument: an end outside the domain, or low >
  // high.
  Result<SearchTokens> SearchRange(std::uint64_t low, std::uint64_t high) const;

 private:
  struct State;
  explicit IndexTokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace coffer
