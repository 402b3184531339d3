// The catalog file of one scope: what its fields are to be (TOML, closed keys). Text in, declarations out; what was
// applied before is catalog_lock.h, the step from one to the other catalog_plan.h.
//
//   scope = "shop"
//   [field."connection.password"]                # shop.connection.password
//   class   = "secret"                           # public | internal | pii | secret; required
//   keyring = "shop"                             # required
//   row     = "uuid"                             # int64 | uuid | text | bytes | 2 to 255 of them; or bind_row = false
//   bind    = { url = "text", login = "text" }   # 1 to 255 columns beside the value; a secret has them or `unbound`
//   suite   = 2                                  # 1, 2, or 4 (deterministic); default 2 for a secret, else 1
//   pad     = 32                                 # "none" or 1 to 32; default 32 for a secret, else "none"
//   bind_row = true                              # default true
//   unbound = "reason"                           # why row or columns are not bound
//   renamed_from = "connection.pass"
//   accept_unbound_until = 2027-01-31T00:00:00Z  # values from before bind_row = true stay readable until then
//   expect  = { rows = 1000000, distinct = 900000, top_share = 0.0001 }   # for the planner (policy/index_planner.h);
//                                                # required with an index, and with suite 4
//   [field."user.email".index.exact]             # an index; its name is [a-z_][a-z0-9_]{0,62}
//   kind      = "equality"                       # equality | prefix | ngram | range | compound; required
//   keyring   = "shop-index"                     # required
//   bits      = 16                               # 1 to 63, 128 or 256; required
//   type      = "text"                           # text | bytes | int64 | uuid | timestamp | decimal | double
//   scale     = 2                                # of a decimal; required there
//   transform = ["trim", "nfkc_casefold"]        # of text (crypto/text_transform.h)
//   scope     = "tenant"                         # or "global": one key for all tenants
//   domain    = "email"                          # indexes of one domain can be joined; default: a domain of its own
//   partitions = 1                               # 1 to 256
//   unique    = false
//   n         = 3                                # ngram: required
//   lengths   = [3, 4, 5]                        # prefix: required
//   min = 0, max = 100, sparsity = 2             # range: ends required, as text or numbers; sparsity 1 to 8, default 2
//   count     = 32                               # tokens a row: ngram: required; prefix, range: default what they need
//   slow      = { passes = 2, memory_kib = 65536 }
//   parts     = ["user.first_name", { field = "user.email", type = "text", transform = ["trim"] }]   # compound
//   expect    = { ... }                          # of what is indexed; required when a transform keeps a part only
//   accept_leak = "reason"
//   renamed_from = "old_name"
//   write_version = 2                            # the index version of new rows; default: as it is
//   oldest_version = 2                           # older ones are no longer searched; default: as it is
#pragma once

#include "policy/index_declaration.h"

namespace coffer::policy {

struct CatalogIndex {
  std::string name;
  std::string keyring;
  IndexDefinition definition;
  std::string domain;             // empty: its own
  std::vector<ColumnName> parts;  // kCompound: the fields of definition.values, else empty
  bool unique = false;
  std::optional<Expectation> expect;  // none: the field's, or what the parts' come to
  std::string accept_leak;            // empty: nothing is accepted
  std::optional<std::string> renamed_from;
  std::optional<std::uint16_t> write_version;
  std::optional<std::uint16_t> oldest_version;
  std::uint64_t line = 0;  // of the index's table in the file
};

struct CatalogField {
  ColumnName name;
  FieldDeclaration declaration;
  std::optional<ColumnName> renamed_from;
  std::optional<std::int64_t> accept_unbound_until_unix_s;
  std::optional<Expectation> expect;
  std::vector<CatalogIndex> indexes;  // sorted by name, no duplicates
  std::uint64_t line = 0;             // of the field's table in the file
};

struct Catalog {
  std::string scope;
  std::vector<CatalogField> fields;  // sorted by name, no duplicates

  const CatalogField* Find(const ColumnName& name) const;
};

inline constexpr std::size_t kMaxCatalogBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxCatalogFields = 1000;

// kInvalidArgument, with the line and a path like "field.user.email.class", for whatever is not a catalog. Thread-safe.
Result<Catalog> ParseCatalog(std::string_view text);

}  // namespace coffer::policy
