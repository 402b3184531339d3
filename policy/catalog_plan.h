// The step from the lock that was applied to the catalog that is wanted: the new lock, what changes in words, and
// whether it then protects less. Pure: ids and key versions come from the caller, nothing is stored here. `apply`
// stores the result, `diff` shows it.
#pragma once

#include <functional>

#include "policy/catalog.h"
#include "policy/catalog_lock.h"

namespace coffer::policy {

// What a plan takes from outside.
struct PlanPorts {
  std::function<ScopeUuid()> scope;  // new ids
  std::function<FieldUuid()> field;
  std::function<IndexDomainUuid()> domain;
  // The primary version of a keyring that indexes may use; 0 when there is none.
  std::function<KeyVersion(std::string_view keyring)> primary_version;
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
// that binds no row, once rows are bound, only until `accept_unbound_until`.
//
// An index gets a new version when its definition, its keyring or that keyring's primary version is another than the
// last version's. A new version is searched at once, and written when a later apply says so (`write_version`): whoever
// searches by an older lock would miss its rows. The first version of a new index is written at once. A last version
// that no row can have, since it never was written, makes room for the new one. What `oldest_version` leaves out is
// forgotten; no number is given again. An index that is no longer declared is kept as retired and goes on with its
// versions when it is declared again.
//
// A new index, or a restored one, of a field that was applied before is a weakening, unless it shows no more than an
// index that the field has (internal/index_cost.h); and so is, for a new field too, one in a named domain that the lock
// has already. What the planner refuses (index_planner.h) is kFailedPrecondition unless it has `accept_leak`, and so
// are another list of parts, a keyring that is not there, a write_version that the stored lock does not search, and an
// oldest_version above it.
//
// kInternal when `ports` give an id twice. Thread-safe as `ports`.
Result<CatalogChange> PlanApply(const Catalog& wanted, const std::optional<CatalogLock>& stored,
                                const std::optional<CatalogLock>& presented, const PlanPorts& ports);

}  // namespace coffer::policy
