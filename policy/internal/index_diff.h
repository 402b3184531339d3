// What changes on one index that was applied before, key by key, and whether it then protects less.
#pragma once

#include "policy/catalog.h"
#include "policy/index_keys.h"
#include "policy/index_lock.h"

namespace coffer::policy {

struct IndexKeyChange {
  IndexKey key;
  std::string what;  // "bits: 16 -> 20"
  bool weaker = false;
};

// An index as its last version has it.
struct AppliedIndex {
  const LockedIndex& index;
  const LockedDomain& domain;
  const IndexProfile& profile;
};

// `parts` and names are the plan's, and so are versions.
std::vector<IndexKeyChange> CompareIndexKeys(const AppliedIndex& before, const CatalogIndex& wanted);

}  // namespace coffer::policy
