#include "keysvc/service/access_service.h"

#include <algorithm>

#include "crypto/text_form.h"
#include "policy/declaration.h"

namespace coffer::keysvc {
namespace {

// The person that the caller is in the policy that decides.
Result<const policy::Person*> PersonOf(const CallRecord& record) {
  const policy::Person* person = record.policy->PersonOf(record.principal);
  if (person != nullptr) return person;
  return Error(ErrorCode::kPermissionDenied, "only persons whom the policy names approve or deny");
}

// What approvers sign shows every line of the grant as it is.
Result<policy::ActFacts> FactsOf(const policy::AccessRule& rule, const std::string& text) {
  policy::ActFacts facts;
  facts.Add("name", rule.id);
  for (const std::string& principal : rule.principals) facts.Add("to", principal);
  for (const policy::Operation operation : policy::AllOperations()) {
    if (rule.operations.Has(operation)) facts.Add("gives", policy::OperationName(operation));
  }
  facts.Add("sha256", ToHex(Sha256({AsBytes(text)})));
  const std::string ended = text + "\n";
  LineReader lines(ended);
  while (const std::optional<std::string_view> line = lines.Next()) {
    if (line->empty() || facts.Add("line", *line).lines().back().second == *line) continue;
    return Error(ErrorCode::kInvalidArgument,
                 "is too long or has characters that do not show: approvers could not read it")
        .At("grant")
        .AtLine(lines.line());
  }
  return facts;
}

}  // namespace

Result<std::uint64_t> AccessService::ApplyPolicy(const Caller& caller, const ApplyRequest& request) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<std::uint64_t> {
    const bool is_first = unsealed.policies->view()->serial() == 0;
    if ((is_first || request.recovery) && !caller.local) {
      return Error(ErrorCode::kPermissionDenied,
                   "the first policy, and one by recovery, are taken on the admin's unix socket only");
    }
    if (request.recovery) {
      COFFER_TRY(CheckProof(unsealed, *request.recovery));
      record.reason = "by the recovery identity, without signatures";
    }
    COFFER_ASSIGN_OR_RETURN(
        const PolicyPointer applied,
        unsealed.policies->Apply(request.policy, request.signatures, request.recovery.has_value(), record.principal));
    record.object = std::to_string(applied->serial());
    record.items = applied->rules().size();
    return applied->serial();
  };
  return pipeline_.Mutate(caller, policy::Operation::kApplyPolicy, act);
}

// The challenge is to whomever the caller said; only the store's own recovery recipients prove anything.
Status AccessService::CheckProof(Unsealed& unsealed, const RecoveryProof& proof) const {
  COFFER_TRY(operators_.Proven(proof));
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, unsealed.store->Scan({.table = Table::kSealSlot}));
  COFFER_ASSIGN_OR_RETURN(const std::vector<SealSlotRecord> slots, SealSlotsFrom(rows));
  const std::vector<AgeRecipient> recipients = RecoveryRecipients(slots);
  const auto is_ours = [&recipients](const AgeRecipient& recipient) {
    return std::find(recipients.begin(), recipients.end(), recipient) != recipients.end();
  };
  if (!proof.recipients.empty() && std::all_of(proof.recipients.begin(), proof.recipients.end(), is_ours)) return {};
  return Error(ErrorCode::kPermissionDenied, "is no identity of this store's recovery slots").At("recovery");
}

Result<AccessPolicyRecord> AccessService::ShowPolicy(const Caller& caller, std::uint64_t serial) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<AccessPolicyRecord> {
    AccessPolicyRecord builtin;
    builtin.serial = 0;
    if (serial == 0 && record.policy->serial() == 0) return builtin;
    COFFER_ASSIGN_OR_RETURN(AccessPolicyRecord stored, unsealed.policies->Stored(serial));
    record.object = std::to_string(stored.serial);
    return stored;
  };
  return pipeline_.Read(caller, policy::Operation::kShowPolicy, act);
}

Result<std::vector<PendingApproval>> AccessService::ListApprovals(const Caller& caller) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<std::vector<PendingApproval>> {
    COFFER_ASSIGN_OR_RETURN(std::vector<PendingApproval> list, unsealed.approvals->List(*record.policy));
    record.items = list.size();
    return list;
  };
  return pipeline_.Read(caller, policy::Operation::kListApprovals, act);
}

Result<bool> AccessService::Approve(const Caller& caller, const std::string& id, const std::string& signature) const {
  const Subject subject = Subject::OfId(id);
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<bool> {
    COFFER_ASSIGN_OR_RETURN(const policy::Person* const person, PersonOf(record));
    COFFER_TRY(unsealed.approvals->Approve(*record.policy, id, *person, signature));
    return true;
  };
  return pipeline_.Mutate(caller, policy::Operation::kApprove, act, subject);
}

Result<bool> AccessService::Deny(const Caller& caller, const std::string& id) const {
  const Subject subject = Subject::OfId(id);
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<bool> {
    COFFER_ASSIGN_OR_RETURN(const policy::Person* const person, PersonOf(record));
    COFFER_TRY(unsealed.approvals->Deny(*record.policy, id, *person));
    return true;
  };
  return pipeline_.Mutate(caller, policy::Operation::kDeny, act, subject);
}

Result<std::string> AccessService::IssueGrant(const Caller& caller, const std::string& grant) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<std::string> {
    const auto facts_of = [&]() -> Result<policy::ActFacts> {
      COFFER_ASSIGN_OR_RETURN(const policy::AccessRule rule, unsealed.grants->Check(*record.policy, grant));
      record.object = rule.id;
      return FactsOf(rule, grant);
    };
    COFFER_ASSIGN_OR_RETURN(const std::string reason,
                            AuthoriseApproved(unsealed, record, policy::Operation::kIssueGrant, {}, facts_of));
    // The record outlives the grant's row.
    record.reason = "text sha256:" + ToHex(Sha256({AsBytes(grant)})) + ", " + record.reason;
    return unsealed.grants->Issue(*record.policy, grant, record.principal, reason);
  };
  return pipeline_.Mutate(caller, policy::Operation::kIssueGrant, act);
}

Result<AccessService::InForce> AccessService::ListGrants(const Caller& caller) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<InForce> {
    InForce in_force;
    COFFER_ASSIGN_OR_RETURN(in_force.grants, unsealed.grants->List());
    COFFER_ASSIGN_OR_RETURN(in_force.emergencies, unsealed.grants->Emergencies());
    record.items = in_force.grants.size();
    return in_force;
  };
  return pipeline_.Read(caller, policy::Operation::kListGrants, act);
}

Result<bool> AccessService::RevokeGrant(const Caller& caller, const std::string& name,
                                        const std::string& reason) const {
  Subject subject = Subject::Because(reason);
  subject.object = Subject::Named(name).object;
  const auto act = [&](Unsealed& unsealed, CallRecord&) -> Result<bool> {
    COFFER_TRY(policy::CheckReason(reason, "reason"));
    COFFER_TRY(name == policy::kBreakGlassRule ? unsealed.grants->EndEmergency() : unsealed.grants->Revoke(name));
    return true;
  };
  return pipeline_.Mutate(caller, policy::Operation::kRevokeGrant, act, subject);
}

Result<policy::BreakGlassStatement> AccessService::BreakGlass(const Caller& caller, const std::string& statement,
                                                              const std::string& signature) const {
  Subject subject;
  const Result<policy::BreakGlassStatement> claimed = policy::BreakGlassStatement::Parse(statement);
  if (claimed.ok()) {
    subject.object = claimed->id.ToText();
    subject.reason = claimed->reason;
  }
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<policy::BreakGlassStatement> {
    return unsealed.grants->Activate(*record.policy, statement, signature, record.principal);
  };
  return pipeline_.Mutate(caller, policy::Operation::kBreakGlass, act, subject);
}

Result<bool> AccessService::ReviewBreakGlass(const Caller& caller, const std::string& id,
                                             const std::string& review) const {
  const Subject subject = Subject::OfId(id, review);
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<bool> {
    COFFER_TRY(policy::CheckReason(review, "review"));
    const policy::Person* const person = record.policy->PersonOf(record.principal);
    if (person == nullptr || !person->roles.contains(policy::Role::kAuditor)) {
      return Error(ErrorCode::kPermissionDenied, "only persons whom the policy names as auditors review an emergency");
    }
    COFFER_TRY(unsealed.grants->Review(id, *person, review));
    return true;
  };
  return pipeline_.Mutate(caller, policy::Operation::kReviewBreakGlass, act, subject);
}

}  // namespace coffer::keysvc
