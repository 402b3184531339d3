// Policies: the access policies that were applied, kept with their signatures in the store. The one with the highest
// serial holds, with the grants beside it (grants.h) as one immutable view; until there is one, the built-in table.
#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "io/clock.h"
#include "io/mutex.h"
#include "keysvc/store/authenticated_store.h"
#include "keysvc/store/records.h"
#include "policy/access_policy.h"

namespace coffer::keysvc {

using PolicyPointer = std::shared_ptr<const policy::AccessPolicy>;

// What holds until a policy is applied. One for all.
PolicyPointer BuiltinPolicy();

// Thread-safe.
class Policies {
 public:
  // `store` and `clock` must outlive it. kIntegrity: a stored policy is none, or its signatures do not hold.
  static Result<std::unique_ptr<Policies>> Load(AuthenticatedStore& store, StoreUuid uuid, const Clock& clock);

  // `signatures`: lines of a note (crypto/note.h) over the text's PolicyStatement, by as many administrators of the
  // policy that holds as it asks for; by the policy's own for the first one. `recovered`: whoever asks has proven to
  // hold the recovery identity, and no signature is looked at. `by` is a principal. kInvalidArgument: not a policy;
  // kPermissionDenied: signatures are missing or false; kConflict: the serial does not rise.
  Result<PolicyPointer> Apply(const std::string& text, const std::string& signatures, bool recovered,
                              const std::string& by);

  // As it was applied. 0: the one that holds. kNotFound.
  Result<AccessPolicyRecord> Stored(std::uint64_t serial) const;

  // Makes these the grants beside the policy of this serial, instead of those before. kUnavailable: another policy
  // holds. kInvalidArgument: AccessPolicy::With's.
  Status UseGrants(std::uint64_t serial, const std::vector<policy::AccessRule>& grants);
  // The policy that was applied, without grants beside it.
  PolicyPointer base() const;

  // With the grants beside it. Decides.
  PolicyPointer view() const;
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  Policies(AuthenticatedStore& store, StoreUuid uuid, const Clock& clock) : store_(store), uuid_(uuid), clock_(clock) {}
  Result<std::vector<AccessPolicyRecord>> Read() const;
  // That enough administrators of the policy before it, the last of `before`, have signed; of the policy itself when
  // it is the first. kIntegrity: that one is none.
  Status CheckSignatures(const policy::AccessPolicy& signed_policy, const std::string& text,
                         const std::string& signatures, std::span<const AccessPolicyRecord> before) const;
  void Use(PolicyPointer base, PolicyPointer view);

  AuthenticatedStore& store_;
  const StoreUuid uuid_;
  const Clock& clock_;
  std::atomic<std::uint64_t> generation_{1};
  Mutex apply_mutex_;  // taken before view_mutex_
  mutable SharedMutex view_mutex_;
  PolicyPointer base_ COFFER_GUARDED_BY(view_mutex_) = BuiltinPolicy();
  PolicyPointer view_ COFFER_GUARDED_BY(view_mutex_) = BuiltinPolicy();
};

}  // namespace coffer::keysvc
