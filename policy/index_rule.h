// The run-time side of an index: what making and searching its tokens needs to know.
#pragma once

#include "policy/catalog_lock.h"

namespace coffer::policy {

struct IndexVersionRule {
  std::uint16_t number = 0;  // <column>_iv
  std::string keyring;
  KeyVersion key_version;
  IndexDomainUuid domain;
  TokenForm form;                    // with its profile's number
  std::vector<IndexedValue> values;  // how the value is read, or each of IndexRule::parts
  bool global = false;               // the token key is of the tenant of zeros
  std::string unicode;               // when not empty: refuse where UnicodeVersion() is another
  bool merged = false;               // no keys are made for it: rows that have it were written elsewhere
};

struct IndexRule {
  std::string name;
  IndexKind kind = IndexKind::kEquality;
  bool unique = false;             // a write returns the tokens of all versions
  std::vector<std::string> parts;  // kCompound: names of fields, "shop.user.email"; else empty
  std::uint16_t write_version = 0;
  std::vector<IndexVersionRule> versions;  // what is searched, by number

  // Null when it is not searched.
  const IndexVersionRule* Find(std::uint16_t number) const;
  const IndexVersionRule& Written() const;
  // What was declared last: the last version that is not merged.
  const IndexVersionRule& Declared() const;
  // The versions whose tokens a write carries: the written one, or of a unique index all, so that both constraints hold
  // while it is rotated.
  std::vector<const IndexVersionRule*> VersionsToWrite() const;
  // True when a token of any version that is searched is made slowly.
  bool IsSlow() const;
};

// The live indexes of one field of a valid lock, by name.
std::vector<IndexRule> IndexRulesOf(const CatalogLock& lock, const LockedField& field);

}  // namespace coffer::policy
