// Every key that an index may have in a catalog file, once: the parser knows no other, and the plan judges each change
// of one as this table says. A key that is missing here does not compile. (The keys of a field are catalog_keys.h.)
#pragma once

#include "policy/catalog_keys.h"

namespace coffer::policy {

enum class IndexKey : unsigned char {
  kKind,
  kKeyring,
  kType,
  kScale,
  kTransform,
  kBits,
  kScope,
  kDomain,
  kPartitions,
  kUnique,
  kN,
  kLengths,
  kMin,
  kMax,
  kSparsity,
  kCount,
  kSlow,
  kParts,
  kExpect,
  kAcceptLeak,
  kRenamedFrom,
  kWriteVersion,
  kOldestVersion,
};
inline constexpr std::size_t kIndexKeyCount = 23;

struct IndexKeyRule {
  IndexKey key;
  std::string_view name;
  KeyEffect effect;
  std::string_view weaker;  // what a weaker change costs; empty when there is none
};

inline constexpr std::string_view kOtherTokens = "other tokens may show more of the value";

inline constexpr std::array<IndexKeyRule, kIndexKeyCount> kIndexKeys = {{
    {IndexKey::kKind, "kind", KeyEffect::kWeakerOnly, kOtherTokens},
    {IndexKey::kKeyring, "keyring", KeyEffect::kWeakerOnly, "another keyring may be open to other people"},
    {IndexKey::kType, "type", KeyEffect::kWeakerOnly, kOtherTokens},
    {IndexKey::kScale, "scale", KeyEffect::kWeakerOnly, kOtherTokens},
    {IndexKey::kTransform, "transform", KeyEffect::kWeakerOnly, kOtherTokens},
    {IndexKey::kBits, "bits", KeyEffect::kOrdered, "fewer values share a token"},
    {IndexKey::kScope, "scope", KeyEffect::kOrdered, "equal values of different tenants show as equal"},
    {IndexKey::kDomain, "domain", KeyEffect::kOrdered, "equal values in all columns of the domain show as equal"},
    {IndexKey::kPartitions, "partitions", KeyEffect::kOrdered, "more rows with equal values show as equal"},
    {IndexKey::kUnique, "unique", KeyEffect::kOrdered, "whoever may insert learns whether a value is there"},
    {IndexKey::kN, "n", KeyEffect::kWeakerOnly, kOtherTokens},
    {IndexKey::kLengths, "lengths", KeyEffect::kWeakerOnly, kOtherTokens},
    {IndexKey::kMin, "min", KeyEffect::kWeakerOnly, kOtherTokens},
    {IndexKey::kMax, "max", KeyEffect::kWeakerOnly, kOtherTokens},
    {IndexKey::kSparsity, "sparsity", KeyEffect::kWeakerOnly, kOtherTokens},
    {IndexKey::kCount, "count", KeyEffect::kWeakerOnly, kOtherTokens},
    {IndexKey::kSlow, "slow", KeyEffect::kOrdered, "whoever has the index key guesses values faster"},
    {IndexKey::kParts, "parts", KeyEffect::kFrozen, ""},
    {IndexKey::kExpect, "expect", KeyEffect::kNeutral, ""},
    {IndexKey::kAcceptLeak, "accept_leak", KeyEffect::kOrdered, "what the planner refuses is accepted"},
    {IndexKey::kRenamedFrom, "renamed_from", KeyEffect::kNeutral, ""},
    {IndexKey::kWriteVersion, "write_version", KeyEffect::kNeutral, ""},
    {IndexKey::kOldestVersion, "oldest_version", KeyEffect::kNeutral, ""},
}};

constexpr const IndexKeyRule& RuleOf(IndexKey key) { return kIndexKeys[static_cast<std::size_t>(key)]; }

constexpr std::optional<IndexKey> FindIndexKey(std::string_view name) {
  for (const IndexKeyRule& rule : kIndexKeys) {
    if (rule.name == name) return rule.key;
  }
  return std::nullopt;
}

constexpr bool EveryIndexKeyIsClassified() {
  for (std::size_t i = 0; i < kIndexKeyCount; ++i) {
    const IndexKeyRule& rule = kIndexKeys[i];
    const bool can_weaken = rule.effect == KeyEffect::kOrdered || rule.effect == KeyEffect::kWeakerOnly;
    if (rule.key != static_cast<IndexKey>(i) || rule.name.empty() || can_weaken == rule.weaker.empty()) return false;
  }
  return static_cast<std::size_t>(IndexKey::kOldestVersion) + 1 == kIndexKeyCount;
}
static_assert(EveryIndexKeyIsClassified());

}  // namespace coffer::policy
