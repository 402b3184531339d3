// The step that brings the lock of one scope, as another store has it, into this store's: what was encrypted and
// indexed there decrypts and is searched here. Pure: key versions come from the caller, nothing is stored here.
//
// Fields are known by their ids. The lock here wins: names, classes and forms stay as they are here. The tokens of rows
// that were written there are made with other keys than those of here, so each index version of there becomes a version
// of here with a number of its own, marked as merged: searched, never written. Rows that are moved here get that number
// in <column>_iv. A scope that is not here yet is taken over, with its index versions under their own numbers and one
// more for each index, which is written.
#pragma once

#include <functional>

#include "policy/catalog_lock.h"

namespace coffer::policy {

// What a merge takes from outside.
struct CatalogMergePorts {
  // The version here of a keyring that is `version` of the keyring of that name there; 0 when it cannot make tokens
  // now.
  std::function<KeyVersion(std::string_view keyring, KeyVersion version)> version_here;
  // The primary version here of a keyring, which exists.
  std::function<KeyVersion(std::string_view keyring)> primary_version;
};

// What rows that an index's version of there wrote have to say here.
struct IndexMove {
  std::string index;  // "shop.user.email.exact"
  std::uint16_t there = 0;
  std::uint16_t here = 0;  // 0: they are not found here: their tokens have to be made anew
  bool operator==(const IndexMove&) const = default;
};

struct CatalogMerge {
  CatalogLock lock;
  bool changed = false;          // the lock is not the one that was here
  std::size_t fields = 0;        // taken over
  std::size_t versions = 0;      // of indexes, merged in
  std::vector<IndexMove> moves;  // those with another number here, or none
};

// `here`: nothing when the scope is not here. With `take_fields` a field that is not here is taken over, retired or
// not, without its indexes.
//
// kFailedPrecondition with a path like "field.shop.user.email": a field that is not here (or whose name is another's
// here), that has other row types or bound columns, or that has a form here no longer known; an index that would have
// more versions than can be searched. Thread-safe as `ports`.
Result<CatalogMerge> MergeCatalog(const std::optional<CatalogLock>& here, const CatalogLock& there, bool take_fields,
                                  const CatalogMergePorts& ports);

}  // namespace coffer::policy
