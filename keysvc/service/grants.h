// Grants: what is in force beside the policy that holds, kept in the store: grants that were issued for a time, and
// what the policy keeps for an emergency while it is in use. They end with their policy: applying another one ends them
// all.
#pragma once

#include "keysvc/service/policies.h"
#include "policy/signed_statements.h"

namespace coffer::keysvc {

// Thread-safe.
class Grants {
 public:
  // All must outlive it.
  Grants(AuthenticatedStore& store, StoreUuid uuid, Policies& policies, const Clock& clock)
      : store_(store), uuid_(uuid), policies_(policies), clock_(clock) {}

  // Puts what is stored and in force beside the policy. kIntegrity: a row holds what was never issued.
  Status Load();

  // The rule that Issue would put in force, and its refusals.
  Result<policy::AccessRule> Check(const policy::AccessPolicy& under, const std::string& text) const;
  // `text`: as AccessPolicy::ParseIssuedGrant, for the policy `under`, which has to be the one that holds. `by` is a
  // principal. The rule's id. kInvalidArgument; kAlreadyExists: one in force has its name; kResourceExhausted;
  // kFailedPrecondition: the clock stands before the last grant; kUnavailable: another policy was applied.
  Result<std::string> Issue(const policy::AccessPolicy& under, const std::string& text, const std::string& by,
                            const std::string& reason);
  // kNotFound: none in force has this name.
  Status Revoke(const std::string& name);
  // Those in force, by name.
  Result<std::vector<AccessGrantRecord>> List() const;

  // Turns on what the policy `under` keeps for an emergency. `caller` is a principal. kPermissionDenied,
  // kFailedPrecondition, kAlreadyExists, kUnavailable, as AccessService.BreakGlass says.
  Result<policy::BreakGlassStatement> Activate(const policy::AccessPolicy& under, const std::string& statement,
                                               const std::string& signature, const std::string& caller);
  // Before the statement's end. kNotFound: nothing is on.
  Status EndEmergency();
  // `person` of the policy that holds; `review`: as policy::IsReason. kNotFound; kFailedPrecondition: it is on, or was
  // reviewed; kPermissionDenied: the person is who used it.
  Status Review(const std::string& id, const policy::Person& person, const std::string& review);

  struct Emergency {
    BreakGlassRecord record;
    bool active = false;
  };
  // All there were, by age.
  Result<std::vector<Emergency>> Emergencies() const;

 private:
  Result<std::vector<policy::AccessRule>> Present(const policy::AccessPolicy& base) const;  // what is in force now
  // Makes Present() count, for the policy of this serial. kUnavailable: another one holds.
  Status Refresh(std::uint64_t serial) COFFER_REQUIRES(change_mutex_);
  // Commits, and has it counted. A commit whose outcome is unknown may have happened.
  Status Commit(StoreMutation mutation, std::uint64_t serial) COFFER_REQUIRES(change_mutex_);

  AuthenticatedStore& store_;
  const StoreUuid uuid_;
  Policies& policies_;
  const Clock& clock_;
  Mutex change_mutex_;  // one change at a time
};

}  // namespace coffer::keysvc
