// What changes on one field that was applied before, catalog key by catalog key, and whether it then protects less.
#pragma once

#include "policy/catalog.h"
#include "policy/catalog_keys.h"
#include "policy/catalog_lock.h"

namespace coffer::policy {

struct KeyChange {
  CatalogKey key;
  std::string what;  // "suite: 1 -> 2"
  bool weaker = false;
};

// kFailedPrecondition At the key for a change of what is frozen. A rename is not a key's change here.
Result<std::vector<KeyChange>> CompareKeys(const LockedField& before, const CatalogField& wanted);

}  // namespace coffer::policy
