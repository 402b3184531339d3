#include "keysvc/service/index_search.h"

#include <algorithm>

#include "crypto/random.h"
#include "crypto/secret_equality.h"
#include "policy/index_value.h"

namespace coffer::keysvc {
namespace {

using What = SearchTerm::What;

What WhatOf(IndexKind kind) {
  switch (kind) {
    case IndexKind::kEquality:
      return What::kEquals;
    case IndexKind::kPrefix:
      return What::kBeginsWith;
    case IndexKind::kNgram:
      return What::kContains;
    case IndexKind::kRange:
      return What::kBetween;
    case IndexKind::kCompound:
      return What::kParts;
  }
  return What::kNothing;
}

Error OtherKind() {
  return Error(ErrorCode::kInvalidArgument,
               "must be equals for an equality index, begins_with for prefix, contains for n-gram, between for range, "
               "parts for compound");
}

Result<SecretBytes> Packed(const policy::IndexVersionRule& version, const SearchTerm& term) {
  std::vector<std::optional<ByteView>> parts;
  for (const ByteView part : term.parts) parts.emplace_back(part);
  COFFER_ASSIGN_OR_RETURN(std::optional<SecretBytes> packed, PackParts(version, parts));
  return std::move(*packed);
}

Error EmptyNeedle() { return {ErrorCode::kInvalidArgument, "an empty value cannot be searched for"}; }

struct Orders {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

// The part of the orders that rows of this version can have; nothing when they have none of them. A version's domain
// may be narrower than a later one's.
std::optional<Orders> Within(const RangeDomain& domain, const Orders& orders) {
  const Orders both{.low = std::max(domain.min, orders.low), .high = std::min(domain.max, orders.high)};
  if (both.low > both.high) return std::nullopt;
  return both;
}

Result<Orders> OrdersOf(const policy::IndexVersionRule& version, const SearchTerm& term) {
  Orders orders;
  COFFER_ASSIGN_OR_RETURN(orders.low, policy::OrderOf(version.values.front(), AsText(term.value)));
  COFFER_ASSIGN_OR_RETURN(orders.high, policy::OrderOf(version.values.front(), AsText(term.high)));
  return orders;
}

// Nothing: no row of the version can match.
Result<std::optional<SearchTokens>> RangeTokens(const IndexAtWork& index, const SearchTerm& term) {
  COFFER_ASSIGN_OR_RETURN(const Orders asked, OrdersOf(*index.version, term));
  // What the newest domain does not have is refused, not passed over.
  std::optional<Orders> orders = asked;
  if (index.version != &index.rule->Declared() && asked.low <= asked.high) {
    orders = Within(*index.version->form.domain, asked);
  }
  if (!orders) return std::optional<SearchTokens>();
  COFFER_ASSIGN_OR_RETURN(SearchTokens tokens, index.tokenizer->SearchRange(orders->low, orders->high));
  return std::optional(std::move(tokens));
}

Result<std::optional<SearchTokens>> TokensOf(const IndexAtWork& index, const SearchTerm& term) {
  const policy::IndexVersionRule& version = *index.version;
  if (term.what == What::kBetween) return RangeTokens(index, term);
  if (term.what == What::kParts) {
    COFFER_ASSIGN_OR_RETURN(const SecretBytes packed, Packed(version, term));
    COFFER_ASSIGN_OR_RETURN(SearchTokens tokens, index.tokenizer->Search(packed.Expose(SecretAccess::kCipher)));
    return std::optional(std::move(tokens));
  }
  COFFER_ASSIGN_OR_RETURN(const SecretBytes value, ReadValue(version, 0, term.value));
  COFFER_ASSIGN_OR_RETURN(SearchTokens tokens,
                          index.tokenizer->Search(value.Expose(SecretAccess::kCipher), term.anchors));
  return std::optional(std::move(tokens));
}

Result<TokenizerPointer> Decoy(const policy::IndexVersionRule& version, TenantUuid tenant) {
  COFFER_ASSIGN_OR_RETURN(IndexTokenizer tokenizer,
                          IndexTokenizer::Create(RandomSecret(kKeySize), tenant, version.domain, version.form));
  return std::make_shared<const IndexTokenizer>(std::move(tokenizer));
}

}  // namespace

Result<const policy::IndexRule*> FindSearched(const policy::FieldRule& field, const SearchTerm& term) {
  const policy::IndexRule* rule = field.FindIndex(term.index);
  if (rule == nullptr) return Error(ErrorCode::kInvalidArgument, "is not an index of the field").At("index");
  if (term.what != WhatOf(rule->kind)) return OtherKind();
  if (term.what == What::kParts && term.parts.size() != rule->parts.size()) {
    return Error(ErrorCode::kInvalidArgument, "must have one value a part of the index")
        .At("parts")
        .WithLimit(rule->parts.size());
  }
  return rule;
}

Result<std::vector<VersionTokens>> SearchIndex(KeyEngine& keys, const policy::IndexRule& rule, TenantUuid tenant,
                                               const SearchTerm& term) {
  std::vector<VersionTokens> found;
  for (const policy::IndexVersionRule& version : rule.versions) {
    COFFER_ASSIGN_OR_RETURN(IndexAtWork index, OpenIndex(keys, rule, version, tenant, false));
    const bool has_rows = index.tokenizer != nullptr;
    // Without a key no row has tokens, but a bad term is refused all the same: by a key that nobody has.
    if (!has_rows) {
      COFFER_ASSIGN_OR_RETURN(index.tokenizer, Decoy(version, tenant));
    }
    Result<std::optional<SearchTokens>> tokens = TokensOf(index, term);
    if (!tokens.ok()) return std::move(tokens).error().At("search");
    if (!has_rows || !*tokens) continue;
    found.push_back({.version = version.number, .tokens = std::move(**tokens)});
  }
  return found;
}

Result<IndexMatcher> IndexMatcher::Create(const policy::FieldRule& field, const SearchTerm& term) {
  COFFER_ASSIGN_OR_RETURN(const policy::IndexRule* const rule, FindSearched(field, term));
  const policy::IndexVersionRule& version = rule->Written();
  IndexMatcher matcher(*rule, version, term.what, term.anchors);
  if (term.what == What::kBetween) {
    Result<Orders> orders = OrdersOf(version, term);
    if (!orders.ok()) return std::move(orders).error();
    matcher.low_ = orders->low;
    matcher.high_ = orders->high;
    return matcher;
  }
  Result<SecretBytes> needle =
      term.what == What::kParts ? Packed(version, term) : policy::IndexedBytes(version.values.front(), term.value);
  if (!needle.ok()) return std::move(needle).error();
  matcher.needle_ = std::move(needle).value();
  const std::size_t empty_size = term.what == What::kParts ? 4 * term.parts.size() : 0;  // lengths alone
  if (matcher.needle_.size() == empty_size) return EmptyNeedle();
  return matcher;
}

bool IndexMatcher::Matches(ByteView plaintext) const {
  const policy::IndexedValue& form = version_->values.front();
  if (what_ == What::kBetween) {
    const Result<std::uint64_t> order = policy::OrderOf(form, AsText(plaintext));
    return order.ok() && low_ <= *order && *order <= high_;
  }
  const Result<SecretBytes> value = policy::IndexedBytes(form, plaintext);
  if (!value.ok()) return false;
  const std::string_view text = AsText(value->Expose(SecretAccess::kCipher));
  const std::string_view needle = AsText(needle_.Expose(SecretAccess::kCipher));
  switch (what_) {
    case What::kBeginsWith:
      return text.starts_with(needle);
    case What::kContains:
      if (anchors_.at_start && !text.starts_with(needle)) return false;
      if (anchors_.at_end && !text.ends_with(needle)) return false;
      // Both ends by one occurrence: the text is the needle.
      if (anchors_.at_start && anchors_.at_end) return text.size() == needle.size();
      return text.find(needle) != std::string_view::npos;
    default:
      return text == needle;
  }
}

bool IndexMatcher::MatchesParts(const std::vector<std::optional<ByteView>>& parts) const {
  const Result<std::optional<SecretBytes>> packed = PackParts(*version_, parts);
  return packed.ok() && *packed && EqualConstantTime(**packed, needle_);
}

}  // namespace coffer::keysvc
