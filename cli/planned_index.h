// The live indexes of a field, as the applied catalog has them: what kind they are, and which columns their tokens are
// stored in.
//
// The tokens of an index are in one column, and beside it "<column>_iv" says of which version they are. A unique index
// has a column of its own for each version instead (docs/OPERATIONS.md, "Indexes"): the name itself for version 1,
// "<column>_2" and so on for later ones.
#pragma once

#include <string>
#include <vector>

#include "cli/outcome.h"
#include "client/client.h"
#include "crypto/names.h"
#include "policy/catalog_lock.h"

namespace coffer::cli {

struct PlannedIndex {
  std::string name;
  IndexKind kind = IndexKind::kEquality;
  bool unique = false;
  bool slow = false;                    // one of its live versions is
  std::size_t count = 1;                // tokens of a value, at most
  std::size_t parts = 1;                // fields of a compound
  std::vector<std::uint32_t> versions;  // live, ascending
  std::uint32_t written = 0;            // what new rows have

  bool IsArray() const { return kind != IndexKind::kEquality && kind != IndexKind::kCompound; }
  // The versions that a write makes tokens of.
  std::vector<std::uint32_t> VersionsToWrite() const { return unique ? versions : std::vector{written}; }
  // `base` is the column of an index that is not unique.
  std::string ColumnOf(const std::string& base, std::uint32_t version) const;
  // Empty for a unique index, which needs none.
  std::string VersionColumnOf(const std::string& base) const { return unique ? std::string() : base + "_iv"; }
};

// The lock of a scope that the service has applied.
Outcome<policy::CatalogLock> FetchLock(client::Client& client, const std::string& scope);

// kExitFailed: the catalog has no such field.
Outcome<const policy::LockedField*> FindField(const policy::CatalogLock& lock, const FieldName& field);

// Without retired ones.
std::vector<PlannedIndex> IndexesOf(const policy::CatalogLock& lock, const policy::LockedField& field);

// kExitFailed: `field` has no such index. Its text is a field's name.
Outcome<PlannedIndex> FindIndex(const std::vector<PlannedIndex>& indexes, std::string_view field,
                                std::string_view name);

}  // namespace coffer::cli
