// The rules of a lock's domains and indexes (index_lock.h).
#pragma once

#include "policy/catalog_lock.h"

namespace coffer::policy {

// kInvalidArgument with a path like "domain.email.profile.2".
Status ValidateDomains(const CatalogLock& lock);

// Of one field of the lock, whose domains are valid. kInvalidArgument with a path like "index.exact.versions".
Status ValidateIndexes(const CatalogLock& lock, const LockedField& field);

}  // namespace coffer::policy
