// AccessService: the policy that holds, what is in force beside it, and what waits for others' approval, through the
// pipeline.
#pragma once

#include "keysvc/service/operator_service.h"

namespace coffer::keysvc {

// Thread-safe.
class AccessService {
 public:
  // `operators` must outlive it: the proof that a recovery identity is at hand is its.
  AccessService(const Pipeline& pipeline, const OperatorService& operators)
      : pipeline_(pipeline), operators_(operators) {}

  struct ApplyRequest {
    std::string policy;
    std::string signatures;                 // lines of a note
    std::optional<RecoveryProof> recovery;  // instead of signatures
  };
  // The serial. The first one, and one by recovery, on the admin's unix socket only. Errors of Policies::Apply.
  Result<std::uint64_t> ApplyPolicy(const Caller& caller, const ApplyRequest& request) const;
  // `serial` 0: the one that holds; then without a text while it is the built-in one.
  Result<AccessPolicyRecord> ShowPolicy(const Caller& caller, std::uint64_t serial) const;

  Result<std::vector<PendingApproval>> ListApprovals(const Caller& caller) const;
  // Errors of Approvals; kPermissionDenied, too, for a caller who is no person of the policy.
  Result<bool> Approve(const Caller& caller, const std::string& id, const std::string& signature) const;
  Result<bool> Deny(const Caller& caller, const std::string& id) const;

  // `grant`: a table of TOML. Others have to approve it; they see its lines. The rule's id. Errors of Grants::Issue.
  Result<std::string> IssueGrant(const Caller& caller, const std::string& grant) const;
  struct InForce {
    std::vector<AccessGrantRecord> grants;
    std::vector<Grants::Emergency> emergencies;
  };
  Result<InForce> ListGrants(const Caller& caller) const;
  // `name`: a grant's, or policy::kBreakGlassRule for the emergency. `reason`: as policy::IsReason.
  Result<bool> RevokeGrant(const Caller& caller, const std::string& name, const std::string& reason) const;

  // Errors of Grants::Activate.
  Result<policy::BreakGlassStatement> BreakGlass(const Caller& caller, const std::string& statement,
                                                 const std::string& signature) const;
  // Errors of Grants::Review; kPermissionDenied, too, for a caller who is no auditor among the policy's persons.
  Result<bool> ReviewBreakGlass(const Caller& caller, const std::string& id, const std::string& review) const;

  // Pipeline::Reject.
  Error Reject(const Caller& caller, policy::Operation operation, Error error) const {
    return pipeline_.Reject(caller, operation, std::move(error));
  }

 private:
  Status CheckProof(Unsealed& unsealed, const RecoveryProof& proof) const;

  const Pipeline& pipeline_;
  const OperatorService& operators_;
};

}  // namespace coffer::keysvc
