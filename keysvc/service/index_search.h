// Searching an index: the tokens to look for, and whether what was found is what was meant.
#pragma once

#include "keysvc/service/index_writer.h"

namespace coffer::keysvc {

// What to look for. The views must outlive the call.
struct SearchTerm {
  enum class What : std::uint8_t { kNothing, kEquals, kBeginsWith, kContains, kBetween, kParts };
  std::string_view index;  // its name
  What what = What::kNothing;
  ByteView value;               // kBetween: the low end
  ByteView high;                // kBetween
  Anchors anchors;              // kContains
  std::vector<ByteView> parts;  // kParts
};

// How to find the rows of one version.
struct VersionTokens {
  std::uint16_t version = 0;
  SearchTokens tokens;
};

// The index that a term is for. kInvalidArgument: no such index of the field, or a term of another kind.
Result<const policy::IndexRule*> FindSearched(const policy::FieldRule& field, const SearchTerm& term);

// The tokens of all live versions that any row can have; `rule` is FindSearched's. kInvalidArgument At "search": a term
// that the index cannot answer.
Result<std::vector<VersionTokens>> SearchIndex(KeyEngine& keys, const policy::IndexRule& rule, TenantUuid tenant,
                                               const SearchTerm& term);

// A search term as the index reads it, to compare decrypted values with. The rule must outlive it.
class IndexMatcher {
 public:
  // As FindSearched; and kInvalidArgument for a term that the index cannot answer.
  static Result<IndexMatcher> Create(const policy::FieldRule& field, const SearchTerm& term);

  const policy::IndexRule& rule() const { return *rule_; }
  // For every kind but compound. A value that the index could not have taken does not match.
  bool Matches(ByteView plaintext) const;
  // For compound: one plaintext a part, nothing for NULL.
  bool MatchesParts(const std::vector<std::optional<ByteView>>& parts) const;

 private:
  IndexMatcher(const policy::IndexRule& rule, const policy::IndexVersionRule& version, SearchTerm::What what,
               Anchors anchors)
      : rule_(&rule), version_(&version), what_(what), anchors_(anchors) {}

  const policy::IndexRule* rule_;
  const policy::IndexVersionRule* version_;
  SearchTerm::What what_;
  Anchors anchors_;
  SecretBytes needle_;     // transformed, or packed
  std::uint64_t low_ = 0;  // kBetween: orders
  std::uint64_t high_ = 0;
};

}  // namespace coffer::keysvc
