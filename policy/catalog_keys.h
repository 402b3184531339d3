// Every key that a field may have in a catalog file, once: the parser knows no other, and the plan classifies each
// change of one as stronger, weaker or neutral. A key that is missing here does not compile. (The keys of an
// index are index_keys.h.)
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace coffer::policy {

enum class CatalogKey : unsigned char {
  kClass,
  kKeyring,
  kRow,
  kBind,
  kSuite,
  kPad,
  kBindRow,
  kUnbound,
  kRenamedFrom,
  kAcceptUnboundUntil,
  kExpect,
  kIndex,
};
inline constexpr std::size_t kCatalogKeyCount = 12;

// How a change of the key on a field that was applied before is judged.
enum class KeyEffect : unsigned char {
  kFrozen,      // refused: declare a new field and re-encrypt
  kOrdered,     // one direction protects less, the other more
  kWeakerOnly,  // any change may protect less
  kNeutral,     // protects the same
};

struct CatalogKeyRule {
  CatalogKey key;
  std::string_view name;
  KeyEffect effect;
  std::string_view weaker;  // what a weaker change costs; empty when there is none
};

inline constexpr std::array<CatalogKeyRule, kCatalogKeyCount> kCatalogKeys = {{
    {CatalogKey::kClass, "class", KeyEffect::kOrdered, "a lower class loosens who may read the field"},
    {CatalogKey::kKeyring, "keyring", KeyEffect::kWeakerOnly, "another keyring may be open to other people"},
    {CatalogKey::kRow, "row", KeyEffect::kFrozen, ""},
    {CatalogKey::kBind, "bind", KeyEffect::kFrozen, ""},
    {CatalogKey::kSuite, "suite", KeyEffect::kOrdered, "new values carry no commitment to their key"},
    {CatalogKey::kPad, "pad", KeyEffect::kOrdered, "ciphertexts show the length of new values"},
    {CatalogKey::kBindRow, "bind_row", KeyEffect::kOrdered, "a value can be copied into another row"},
    {CatalogKey::kUnbound, "unbound", KeyEffect::kOrdered, "a reason stands in for a binding"},
    {CatalogKey::kRenamedFrom, "renamed_from", KeyEffect::kNeutral, ""},
    {CatalogKey::kAcceptUnboundUntil, "accept_unbound_until", KeyEffect::kOrdered,
     "unbound values are accepted for longer"},
    {CatalogKey::kExpect, "expect", KeyEffect::kNeutral, ""},
    {CatalogKey::kIndex, "index", KeyEffect::kNeutral, ""},  // its own keys are index_keys.h
}};

constexpr const CatalogKeyRule& RuleOf(CatalogKey key) { return kCatalogKeys[static_cast<std::size_t>(key)]; }

constexpr std::optional<CatalogKey> FindCatalogKey(std::string_view name) {
  for (const CatalogKeyRule& rule : kCatalogKeys) {
    if (rule.name == name) return rule.key;
  }
  return std::nullopt;
}

constexpr bool EveryCatalogKeyIsClassified() {
  for (std::size_t i = 0; i < kCatalogKeyCount; ++i) {
    const CatalogKeyRule& rule = kCatalogKeys[i];
    const bool can_weaken = rule.effect == KeyEffect::kOrdered || rule.effect == KeyEffect::kWeakerOnly;
    if (rule.key != static_cast<CatalogKey>(i) || rule.name.empty() || can_weaken == rule.weaker.empty()) return false;
  }
  return static_cast<std::size_t>(CatalogKey::kIndex) + 1 == kCatalogKeyCount;
}
static_assert(EveryCatalogKeyIsClassified());

}  // namespace coffer::policy
