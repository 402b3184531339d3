// What the catalog tests share: a catalog that uses every key, and ids that count.
#pragma once

#include <gtest/gtest.h>

#include "policy/catalog_plan.h"

namespace coffer::policy {

inline constexpr std::string_view kShopCatalog = R"(scope = "shop"
[field."connection.password"]
class   = "secret"
keyring = "shop"
row     = "uuid"
bind    = { url = "text", login = "text" }
[field."order.note"]
class   = "internal"
keyring = "shop"
bind_row = false
[field."user.email"]
class   = "pii"
keyring = "shop-pii"
row     = ["int64", "text"]
)";

inline Catalog MustParse(std::string_view text) {
  Result<Catalog> catalog = ParseCatalog(text);
  if (!catalog.ok()) {
    ADD_FAILURE() << catalog.error().ToString();
    return {};
  }
  return std::move(catalog).value();
}

// A catalog of scope "shop" with the field shop.user.email, which has these lines.
inline std::string EmailCatalog(std::string_view lines) {
  return "scope = \"shop\"\n[field.\"user.email\"]\n" + std::string(lines) + "\n";
}

inline ScopeUuid ScopeId(std::uint8_t number) {
  ScopeUuid uuid;
  uuid.bytes.fill(std::byte{0xa0});
  uuid.bytes.back() = std::byte{number};
  return uuid;
}

inline FieldUuid FieldId(std::uint8_t number) {
  FieldUuid uuid;
  uuid.bytes.fill(std::byte{0xf0});
  uuid.bytes.back() = std::byte{number};
  return uuid;
}

// Scope 1, 2, ...; field `first`, `first` + 1, ...
inline NewIds CountingIds(std::uint8_t first = 1) {
  return {[next = std::uint8_t{1}]() mutable { return ScopeId(next++); },
          [next = first]() mutable { return FieldId(next++); }};
}

inline CatalogChange MustPlan(const Catalog& wanted, const std::optional<CatalogLock>& stored,
                              const std::optional<CatalogLock>& presented, std::uint8_t first_id = 1) {
  Result<CatalogChange> change = PlanApply(wanted, stored, presented, CountingIds(first_id));
  if (!change.ok()) {
    ADD_FAILURE() << change.error().ToString();
    return {};
  }
  return std::move(change).value();
}

// The lock after the first apply of `text`.
inline CatalogLock FirstLock(std::string_view text) {
  return MustPlan(MustParse(text), std::nullopt, std::nullopt).lock;
}

// `text` applied to `lock`, which the caller presents as it is stored. New fields count from 100.
inline CatalogChange Apply(std::string_view text, const CatalogLock& lock) {
  return MustPlan(MustParse(text), lock, lock, 100);
}

inline Result<CatalogChange> TryApply(std::string_view text, const CatalogLock& lock) {
  return PlanApply(MustParse(text), lock, lock, CountingIds(100));
}

inline std::string Lines(const CatalogChange& change) {
  std::string text;
  for (const ChangeLine& line : change.lines) text += line.ToText() + "\n";
  return text;
}

}  // namespace coffer::policy
