// What a lock holds of indexes: domains with their numbered profiles, and for each index the versions that are
// searched.
//
// A profile is immutable, and its number is never given again in its domain. An index version says how the tokens of a
// row were made: by which profile, under which version of which keyring. Versions are searched before they are written:
// a new one is in the list, and so in every search, until `write_version` says that new rows have it. One that never
// was written has no rows: the next one takes its place, under a number of its own. A version that was merged in from
// another store (catalog_merge.h) is searched like any other and never written here.
#pragma once

#include "crypto/derive.h"
#include "policy/index_declaration.h"

namespace coffer::policy {

struct IndexProfile {
  std::uint32_t number = 0;  // from 1
  IndexDefinition definition;
  std::string unicode;  // the version that its transforms follow; empty when they follow none
  bool operator==(const IndexProfile&) const = default;
};

struct LockedDomain {
  std::string name;  // as declared, or the id's text: the domain of an index that shares with none
  IndexDomainUuid uuid;
  std::vector<IndexProfile> profiles;  // 1, 2, 3 ...; no two the same
  bool operator==(const LockedDomain&) const = default;

  bool IsShared() const { return name != uuid.ToText(); }
  const IndexProfile* Find(std::uint32_t number) const;
};

struct LockedIndexVersion {
  std::uint16_t number = 0;  // from 1, what <column>_iv holds
  std::string domain;        // its name
  std::uint32_t profile = 0;
  std::string keyring;
  KeyVersion key_version;
  bool merged = false;  // its rows were written elsewhere, under a key that was merged in
  bool operator==(const LockedIndexVersion&) const = default;
};

struct LockedIndex {
  std::string name;
  bool retired = false;
  bool unique = false;
  std::string accept_leak;
  std::optional<Expectation> expect;
  std::vector<ColumnName> parts;          // kCompound: fields of the same table, in the order of the profiles' values
  std::vector<std::string> former_names;  // oldest first, no duplicates
  std::uint16_t write_version = 0;        // what new rows have; one of `versions` that is not merged
  // The highest version that rows may have, when that is above write_version: writing went back, or the index is unique
  // and so writes all versions.
  std::optional<std::uint16_t> stored_version;
  std::vector<LockedIndexVersion>
      versions;  // what is searched: 1 or more, their numbers rising, one of them not merged
  bool operator==(const LockedIndex&) const = default;

  std::uint16_t StoredVersion() const { return stored_version.value_or(write_version); }
  // Null when it is not searched.
  const LockedIndexVersion* Find(std::uint16_t number) const;
  // What was declared last: the last version that is not merged.
  const LockedIndexVersion& Declared() const;
};

inline constexpr std::size_t kMaxLockDomains = 4000;
inline constexpr std::size_t kMaxProfiles = 1000;        // of one domain
inline constexpr std::size_t kMaxLockIndexes = 64;       // of one field, live and retired
inline constexpr std::size_t kMaxLiveIndexVersions = 8;  // of one index: a search asks for the tokens of all

}  // namespace coffer::policy
