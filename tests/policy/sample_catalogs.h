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

inline constexpr std::string_view kExpect = "{ rows = 1000000, distinct = 900000, top_share = 0.0001 }";

// shop.user.email with an equality index "exact" of 16 bits, and these lines in the index's table.
inline std::string IndexCatalog(std::string_view lines, std::string_view field_lines = "") {
  return "scope = \"shop\"\n[field.\"user.email\"]\nclass = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\nexpect = " +
         std::string(kExpect) + "\n" + std::string(field_lines) +
         "[field.\"user.email\".index.exact]\nkind = \"equality\"\nkeyring = \"shop-index\"\nbits = 16\n" +
         std::string(lines) + "\n";
}

// The same without kind, keyring and bits: `lines` have them. They start at line 8.
inline std::string BareIndexCatalog(std::string_view lines, std::string_view expect = kExpect) {
  return "scope = \"shop\"\n[field.\"user.email\"]\nclass = \"pii\"\nkeyring = \"k\"\nrow = \"uuid\"\nexpect = " +
         std::string(expect) + "\n[field.\"user.email\".index.exact]\n" + std::string(lines) + "\n";
}

// One index of each kind, with every key that it may have.
inline constexpr std::string_view kIndexedCatalog = R"(scope = "shop"
[field."user.birth"]
class = "pii"
keyring = "k"
row = "uuid"
expect = { rows = 1000000, distinct = 30000, top_share = 0.0002 }
[field."user.birth".index.day]
kind = "range"
keyring = "shop-index"
bits = 40
type = "timestamp"
min = "1900-01-01T00:00:00Z"
max = 2100-01-01T00:00:00Z
sparsity = 4
count = 20
partitions = 4
[field."user.email"]
class = "pii"
keyring = "k"
row = "uuid"
expect = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
[field."user.email".index.both]
kind = "compound"
keyring = "shop-index"
bits = 256
unique = true
parts = ["user.name", { field = "user.email", type = "text", transform = ["trim", "nfkc_casefold"] }]
slow = { passes = 2, memory_kib = 65536 }
[field."user.email".index.exact]
kind = "equality"
keyring = "shop-index"
bits = 16
transform = ["trim", "nfkc_casefold"]
scope = "global"
domain = "email"
partitions = 2
[field."user.email".index.host]
kind = "equality"
keyring = "shop-index"
bits = 12
transform = ["email_domain", "ascii_casefold"]
expect = { rows = 1000000, distinct = 5000, top_share = 0.4 }
accept_leak = "support asks for \"everyone at\" a company"
[field."user.name"]
class = "pii"
keyring = "k"
row = "uuid"
expect = { rows = 1000000, distinct = 200000, top_share = 0.01 }
[field."user.name".index.start]
kind = "prefix"
keyring = "shop-index"
bits = 20
transform = ["nfkc_casefold"]
lengths = [3, 4, 8]
count = 4
[field."user.name".index.within]
kind = "ngram"
keyring = "shop-index"
bits = 32
n = 3
count = 64
[field."user.salary"]
class = "pii"
keyring = "k"
row = "uuid"
expect = { rows = 1000000, distinct = 40000, top_share = 0.001 }
[field."user.salary".index.range]
kind = "range"
keyring = "shop-index"
bits = 30
type = "decimal"
scale = 2
min = 0
max = 1000000.5
)";

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

inline IndexDomainUuid DomainId(std::uint8_t number) {
  IndexDomainUuid uuid;
  uuid.bytes.fill(std::byte{0xd0});
  uuid.bytes.back() = std::byte{number};
  return uuid;
}

// Scope 1, 2, ...; field and domain `first`, `first` + 1, ...; every keyring is at `primary`.
inline PlanPorts CountingIds(std::uint8_t first = 1, std::uint32_t primary = 1) {
  return {[next = std::uint8_t{1}]() mutable { return ScopeId(next++); },
          [next = first]() mutable { return FieldId(next++); }, [next = first]() mutable { return DomainId(next++); },
          [primary](std::string_view) { return KeyVersion{primary}; }};
}

inline CatalogChange MustPlan(const Catalog& wanted, const std::optional<CatalogLock>& stored,
                              const std::optional<CatalogLock>& presented, std::uint8_t first_id = 1,
                              std::uint32_t primary = 1) {
  Result<CatalogChange> change = PlanApply(wanted, stored, presented, CountingIds(first_id, primary));
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
