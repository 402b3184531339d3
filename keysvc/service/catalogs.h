// Catalogs: the applied catalogs of all scopes, kept as their locks in the store and looked up through one immutable
// view.
#pragma once

#include <map>

#include "keysvc/service/key_engine.h"
#include "policy/catalog_plan.h"
#include "policy/catalog_view.h"

namespace coffer::keysvc {

inline constexpr std::size_t kMaxScopes = 256;

// Thread-safe.
class Catalogs {
 public:
  // `store`, `keys` and `clock` must outlive it.
  static Result<std::unique_ptr<Catalogs>> Load(AuthenticatedStore& store, const KeyEngine& keys, const Clock& clock);

  // What applying would do. `lock` is the text of the scope's catalog.lock, empty for none.
  Result<policy::CatalogChange> Plan(std::string_view catalog, std::string_view lock) const;
  // Plans, asks `allow`, stores. The change holds the new lock. Errors of the plan; kFailedPrecondition for a keyring
  // that does not exist.
  Result<policy::CatalogChange> Apply(std::string_view catalog, std::string_view lock,
                                      const std::function<Status(const policy::CatalogChange&)>& allow);

  // Runs `act`, which changes the stored locks and says whether it did; nobody applies meanwhile. Then they are read
  // again.
  Status ChangeUnder(const std::function<Result<bool>()>& act);

  // kNotFound.
  Result<std::string> LockOf(std::string_view scope) const;
  std::vector<std::string> Scopes() const;
  std::shared_ptr<const policy::CatalogView> view() const;
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  using Locks = std::map<std::string, policy::CatalogLock, std::less<>>;

  Catalogs(AuthenticatedStore& store, const KeyEngine& keys, const Clock& clock)
      : store_(store), keys_(keys), clock_(clock) {}
  static Result<Locks> ReadLocks(AuthenticatedStore& store);
  // The view of all locks together: the last check before they are stored, since a store whose locks make no view is
  // not loaded again.
  static Result<policy::CatalogView> ViewOf(const Locks& locks);
  void Use(Locks locks, policy::CatalogView view) COFFER_EXCLUDES(view_mutex_);
  Status CheckKeyring(const std::string& name, KeyringPurpose purpose) const;
  Status CheckKeyrings(const policy::CatalogLock& lock) const;
  Result<policy::CatalogChange> PlanAgainst(const Locks& locks, std::string_view catalog, std::string_view lock) const;

  AuthenticatedStore& store_;
  const KeyEngine& keys_;
  const Clock& clock_;
  std::atomic<std::uint64_t> generation_{1};
  Mutex apply_mutex_;  // taken before view_mutex_
  mutable SharedMutex view_mutex_;
  Locks locks_ COFFER_GUARDED_BY(view_mutex_);
  std::shared_ptr<const policy::CatalogView> view_ COFFER_GUARDED_BY(view_mutex_);
};

}  // namespace coffer::keysvc
