// The step from the lock that was applied to the catalog that is wanted: the new lock, what changes in words, and
// whether it then protects less. Pure: ids come from the caller, nothing is stored here. `apply` stores the result,
// `diff` shows it.
#pragma once

#include <functional>

#include "policy/catalog.h"
#include "policy/catalog_lock.h"

namespace coffer::policy {

// Where ids of new scopes and fields come from.
struct NewIds {
  std::function<ScopeUuid()> scope;
  std::function<FieldUuid()> field;
};

enum class ChangeKind : std::uint8_t { kAdded, kChanged, kRenamed, kRetired, kRestored };
std::string_view ChangeKindName(ChangeKind kind);  // "added"

struct ChangeLine {
  ChangeKind kind = ChangeKind::kAdded;
  std::string field;  // "shop.user.email"
  std::string what;   // "suite: 1 -> 2"
  bool weakening = false;
  std::string why;  // what a weakening costs; else empty
  // "changed shop.user.email: suite: 2 -> 1 (weaker: ...)"
  std::string ToText() const;
};

struct CatalogChange {
  CatalogLock lock;               // what to store and to give back; the stored one when nothing changed
  std::vector<ChangeLine> lines;  // sorted by field
  bool changed = false;           // the lock is not the stored one
  bool weakens = false;           // some line is a weakening
  bool retires = false;           // some field is retired: the caller refuses while its census is not zero

  // Weakening and retiring are acts for two persons.
  bool NeedsSecondPerson() const { return weakens || retires; }
};

// `stored` is the store's lock of wanted.scope, `presented` the one that came with the catalog.
//
//   stored  presented
//   no      no         a new scope: new ids, serial 1
//   no      yes        an empty store takes the ids and the serial (up to 10^9) over
//   yes     no         kFailedPrecondition: the lock is missing
//   yes     yes        kConflict (limit: the current serial) for an older serial; kFailedPrecondition for a newer one
//                      (the store lost its latest state), for other ids or other contents
//
// A field is known by its name; `renamed_from` carries the id over from a live field that is no longer declared. What
// is no longer declared is retired, and gets its id back when it is declared again. A name that another field had is a
// weakening: callers that still use it would reach other rules. Row types, bind list and pad
// multiple are frozen: kFailedPrecondition. Older forms stay readable: the declaration that was goes to `former`; one
// that binds no row, once rows are bound, only until `accept_unbound_until`. kInternal when `ids` gives an id twice.
// Thread-safe as `ids`.
Result<CatalogChange> PlanApply(const Catalog& wanted, const std::optional<CatalogLock>& stored,
                                const std::optional<CatalogLock>& presented, const NewIds& ids);

}  // namespace coffer::policy
