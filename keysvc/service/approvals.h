// Approvals: acts that one person asked for and that others have to sign, kept in the store until they are done, denied
// or too old. What is signed is the statement of exactly one act (policy/signed_statements.h).
#pragma once

#include "io/clock.h"
#include "keysvc/store/authenticated_store.h"
#include "keysvc/store/records.h"
#include "policy/access_policy.h"
#include "policy/signed_statements.h"

namespace coffer::keysvc {

inline constexpr std::size_t kMaxApprovals = 64;      // that wait, of all
inline constexpr std::size_t kMaxApprovalsOfOne = 8;  // of one requester

// One that waits.
struct PendingApproval {
  policy::ApprovalStatement statement;
  std::string text;  // of the statement
  std::int64_t asked_us = 0;
  std::vector<std::string> approved_by;  // persons of the policy whose signatures hold, by name
};

// Thread-safe.
class Approvals {
 public:
  // `store` and `clock` must outlive it. `request_key`: DeriveRequestKey's.
  Approvals(AuthenticatedStore& store, StoreUuid uuid, const Clock& clock, SecretBytes request_key)
      : store_(store), uuid_(uuid), clock_(clock), request_key_(std::move(request_key)) {}

  // How a statement names a request of which this is the digest. A code of this store's and requester's own: no other
  // person can have codes of guessed requests made and compare them.
  std::string CodeOf(std::string_view requester, const Digest& request) const;

  // What an act has to be, to be the one that was asked for.
  struct Asked {
    std::string_view requester;  // a principal
    policy::Operation operation = policy::Operation::kShowStatus;
    const policy::ActFacts& facts;
  };

  // Keeps the statement, good for as long as `rule` says. kResourceExhausted: too many wait. kInvalidArgument: the
  // reason, or the act is too long.
  Result<policy::ApprovalUuid> Ask(const policy::AccessPolicy& policy, const policy::ApprovalRule& approvals,
                                   std::string_view rule, const Asked& asked, const std::string& reason);

  // The one of this id, when it is of just this act. kNotFound: it was used, denied, has run out, or never was;
  // kPermissionDenied: another act, another requester, or the policy has changed since.
  Result<PendingApproval> Find(const policy::AccessPolicy& policy, const std::string& id, const Asked& asked) const;
  // Ends it: whoever is told ok may act, once. kNotFound: somebody else was first.
  Status Use(policy::ApprovalUuid id);

  // By age. What has run out is left out.
  Result<std::vector<PendingApproval>> List(const policy::AccessPolicy& policy) const;
  // `signature`: a note's line over the statement, by `person`, who must be one whom the rule names, not the requester.
  // Approving again is fine. kPermissionDenied, kNotFound, kFailedPrecondition: the policy has changed since.
  Status Approve(const policy::AccessPolicy& policy, const std::string& id, const policy::Person& person,
                 const std::string& signature);
  // By anybody whom the rule names, or by the requester.
  Status Deny(const policy::AccessPolicy& policy, const std::string& id, const policy::Person& person);

 private:
  Result<PendingApproval> Read(const policy::AccessPolicy& policy, const std::string& id) const;
  Result<PendingApproval> FromRow(const policy::AccessPolicy& policy, const Row& row) const;
  Status Erase(StoreMutation& mutation, const Uuid& id) const;
  Status EraseOld(StoreMutation& mutation) const;

  AuthenticatedStore& store_;
  const StoreUuid uuid_;
  const Clock& clock_;
  const SecretBytes request_key_;
};

}  // namespace coffer::keysvc
