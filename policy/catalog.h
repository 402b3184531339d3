// The catalog file of one scope: what its fields are to be (TOML, closed keys). Text in, declarations out; what was
// applied before is catalog_lock.h, the step from one to the other catalog_plan.h.
//
//   scope = "shop"
//   [field."connection.password"]                # shop.connection.password
//   class   = "secret"                           # public | internal | pii | secret; required
//   keyring = "shop"                             # required
//   row     = "uuid"                             # int64 | uuid | text | bytes | 2 to 255 of them; or bind_row = false
//   bind    = { url = "text", login = "text" }   # 1 to 255 columns beside the value; a secret has them or `unbound`
//   suite   = 2                                  # 1 or 2; default 2 for a secret, else 1
//   pad     = 32                                 # "none" or 1 to 32; default 32 for a secret, else "none"
//   bind_row = true                              # default true
//   unbound = "reason"                           # why row or columns are not bound
//   renamed_from = "connection.pass"
//   accept_unbound_until = 2027-01-31T00:00:00Z  # values from before bind_row = true stay readable until then
#pragma once

#include "policy/declaration.h"

namespace coffer::policy {

struct CatalogField {
  ColumnName name;
  FieldDeclaration declaration;
  std::optional<ColumnName> renamed_from;
  std::optional<std::int64_t> accept_unbound_until_unix_s;
  std::uint64_t line = 0;  // of the field's table in the file
};

struct Catalog {
  std::string scope;
  std::vector<CatalogField> fields;  // sorted by name, no duplicates
};

inline constexpr std::size_t kMaxCatalogBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxCatalogFields = 1000;

// kInvalidArgument, with the line and a path like "field.user.email.class", for whatever is not a catalog. Thread-safe.
Result<Catalog> ParseCatalog(std::string_view text);

}  // namespace coffer::policy
