// The text of a lock's domains and indexes: the writer, and the reader that accepts nothing else.
#pragma once

#include "policy/catalog_lock.h"
#include "policy/internal/toml_tree.h"

namespace coffer::policy {

// "{ rows = 10, distinct = 10, top_share = 0.1 }"
std::string ExpectationText(const Expectation& expect);

// Appends the tables of a field's indexes, or of the domains.
void WriteIndexes(const LockedField& field, std::string& out);
void WriteDomains(const std::vector<LockedDomain>& domains, std::string& out);

// kInvalidArgument with line and path. What the rules between the keys say is ValidateCatalogLock's.
Result<std::vector<LockedIndex>> ReadLockedIndexes(const TomlNode& node);
Result<std::vector<LockedDomain>> ReadLockedDomains(const TomlNode& node);

}  // namespace coffer::policy
