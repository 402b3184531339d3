// What changes on one field that was applied before, catalog key by catalog key, and whether it then protects less.
// (The keys of an index are index_diff.h.)
#pragma once

#include "policy/catalog.h"
#include "policy/catalog_keys.h"
#include "policy/catalog_lock.h"

namespace coffer::policy {

struct KeyChange {
  CatalogKey key;
  std::string what;  // "suite: 1 -> 2"
  bool weaker = false;
  std::string_view why = {};  // a literal: what it costs, when that is another thing than the key's rule says
};

// kFailedPrecondition At the key for a change of what is frozen. A rename is not a key's change here.
Result<std::vector<KeyChange>> CompareKeys(const LockedField& before, const CatalogField& wanted);

}  // namespace coffer::policy
