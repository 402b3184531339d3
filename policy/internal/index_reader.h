// The index tables of one field in a catalog file: which keys each kind has, and their defaults.
#pragma once

#include "policy/catalog.h"
#include "policy/internal/toml_tree.h"

namespace coffer::policy {

// The value of a field's key "index": a table of tables. Sorted by name. kInvalidArgument with the line and a path like
// "exact.bits".
Result<std::vector<CatalogIndex>> ReadIndexes(const TomlNode& node);

// The rules over several fields: a compound's parts are declared in one table, and what is indexed has an expectation.
// kInvalidArgument with the line and a path like "field.user.email.index.exact.parts".
Status CheckIndexesOf(const Catalog& catalog);

}  // namespace coffer::policy
