// The index planner: what an index will show of the values, and how many rows a search finds that it did not mean, from
// what the catalog expects of them. Pure functions over numbers; the sentences are index_sentences.h.
//
// Two rules say how many bits a token should have. CipherSweet's (FieldIndexPlanner): with R rows, K bits of different
// values and L bits of token, 2 <= R / 2^(sum of min(L, K) over all indexes of the table) <= sqrt(R), since columns of
// one row leak together (Bindschaedler et al., VLDB 2018). AWS's (beacons): sqrt(X) < 2^L < X / 2 with X different
// values. An index over few or very uneven values gives them away whatever its bits (Naveed, Kamara, Wright, CCS 2015):
// it is refused below 8 bits of different values, or when one value has more than a sixteenth of the rows. What the
// catalog expects counts only as far as the form allows: a range has no more values than its domain, a text that is cut
// to N digits 10^N, to N characters 64^N. A prefix index is refused when its shortest beginning has fewer than 3
// characters.
#pragma once

#include "policy/catalog.h"

namespace coffer::policy {

struct BitRange {
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  bool operator==(const BitRange&) const = default;
};

// CipherSweet's rule for one more index over `rows` rows, `value_bits` (K) bits of different values, beside indexes
// that have used `taken_bits` already: 1 to 256 bits; min is 1 when even that is below sqrt(rows). Nothing when there
// are fewer than 16 rows, or no number of bits leaves 2 rows a token.
std::optional<BitRange> BitsByCoincidences(double rows, double value_bits, double taken_bits);

// AWS's rule: nothing when no number of bits keeps it.
std::optional<BitRange> BitsByDistinctValues(double distinct);

// Why an index gives its values away; each is enough to be refused, unless `accept_leak` says why not.
enum class IndexRefusal : std::uint8_t {
  kSecret,       // a field of it is of class secret
  kFewValues,    // fewer than 256 different values
  kCommonValue,  // one value has more than a sixteenth of the rows
  kShortPrefix,  // a beginning of 1 or 2 characters is indexed
};

// What whoever reads the database learns from an index.
enum class IndexLeak : std::uint8_t {
  kEqualValues,        // within a partition, how often each value occurs
  kEqualCombinations,  // the same for a compound
  kEqualPrefixes,      // the beginnings that rows have in common
  kNgrams,             // the n-grams that rows have in common
  kEqualTexts,         // texts that are equal as a whole, by the pads of their arrays
  kOrder,              // for each two rows how long a prefix of the number they share
  kEqualCiphertexts,   // suite 4: equal values, without an index
  kAcrossTenants,      // the same between tenants
  kAcrossColumns,      // and between the columns of the domain
  kExistence,          // a unique constraint tells whoever inserts
};

enum class IndexWarning : std::uint8_t {
  kMoreBits,   // than the range: tokens identify values
  kFewerBits,  // than the range: searches find many rows that were not meant
};

struct IndexAssessment {
  ColumnName field;
  std::string name;  // of the index; empty for a field of suite 4
  IndexKind kind = IndexKind::kEquality;
  std::uint16_t bits = 0;
  std::uint16_t partitions = 1;
  std::uint8_t longest = 0;         // kPrefix: the longest length that is indexed
  bool always_padded = false;       // kPrefix: count is above the number of lengths
  Expectation expect;               // of what is indexed, as far as the form allows
  double value_bits = 0;            // K
  double false_rows = 0;            // rows that a search finds and does not mean; with arrays, for each token it asks
  double linkage = 0;               // probability that two rows with equal tokens have equal values
  std::optional<BitRange> advised;  // the tighter of both rules; nothing when no number of bits keeps them
  std::vector<IndexLeak> leaks;
  std::vector<IndexWarning> warnings;
  std::vector<IndexRefusal> refusals;
  bool accepted = false;  // accept_leak is given

  bool IsRefused() const { return !refusals.empty() && !accepted; }
};

// All indexes of one table together.
struct TableAssessment {
  std::string table;
  std::uint64_t rows = 0;         // the fewest that one of its fields expects
  double taken_bits = 0;          // sum of min(L, K)
  double coincidences = 0;        // rows that have the same tokens in all indexes
  bool tells_rows_apart = false;  // fewer than 2
};

struct CatalogAssessment {
  std::vector<IndexAssessment> indexes;  // by field, then by name
  std::vector<TableAssessment> tables;   // by name; those with an index

  const IndexAssessment* Find(const ColumnName& field, std::string_view name) const;
};

// `catalog` comes from ParseCatalog.
CatalogAssessment AssessIndexes(const Catalog& catalog);

// True when a transform keeps a part of the text only, so that the field's expectation says nothing about what is left.
bool KeepsAPartOnly(const IndexDefinition& definition);

}  // namespace coffer::policy
