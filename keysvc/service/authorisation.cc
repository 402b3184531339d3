#include "keysvc/service/authorisation.h"

#include <algorithm>

#include "crypto/names.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;

policy::Act ActOf(const CallRecord& record, policy::Operation operation, const ActScope& scope,
                  std::span<const std::string_view> approved_by = {}) {
  return {.role = record.role,
          .principal = record.principal,
          .operation = operation,
          .field = scope.field,
          .field_class = scope.field_class,
          .keyring = scope.keyring,
          .tenant = scope.tenant,
          .purpose = record.claims.purpose,
          .now_unix_s = record.decided_us / kMicrosPerSecond,
          .approved_by = approved_by};
}

Error Denied(const policy::Decision& decision) {
  if (decision.outcome == policy::Outcome::kNeedsApproval) {
    return Error(ErrorCode::kPermissionDenied, "the policy asks approvals for an act that cannot be asked of others")
        .At("rule " + std::string(decision.rule));
  }
  return Error(ErrorCode::kPermissionDenied, "the policy does not allow this act to you")
      .At("rule " + std::string(decision.rule));
}

// The call is in flight until its record and its reply are gone.
Status Enter(CallRecord& record) {
  if (record.spent == nullptr || !record.limits.in_flight) return {};
  record.in_flight.reset();  // of a part before, whose limit may be wider
  COFFER_ASSIGN_OR_RETURN(PrincipalLimits::InFlight in_flight,
                          record.spent->Enter(record.principal, record.limits.in_flight));
  record.in_flight = std::make_shared<PrincipalLimits::InFlight>(std::move(in_flight));
  return {};
}

// The first rule that allowed a part of the call stays named, and the narrowest limits count.
void Note(CallRecord& record, const policy::Decision& decision) {
  const bool allowed = decision.outcome == policy::Outcome::kAllowed;
  if (!allowed || !record.decided) record.rule = decision.rule;
  record.limits = record.decided ? policy::NarrowestOf(record.limits, decision.limits) : decision.limits;
  record.allowed = allowed;
  record.decided = true;
}

Error Asking(const policy::AccessPolicy& policy, const policy::Decision& decision) {
  return Error(ErrorCode::kFailedPrecondition,
               policy.serial() == 0 ? Literal("others have to approve this act, and no policy says yet who: apply one "
                                              "that names persons (coffer policy apply)")
                                    : Literal("others have to approve this act: ask for it (--ask REASON)"))
      .At("rule " + std::string(decision.rule));
}

// Whoever is no person could be anybody, himself included.
Error Ask(Unsealed& unsealed, const Caller& caller, CallRecord& record, const policy::Decision& decision,
          const Approvals::Asked& asked) {
  if (record.policy->PersonOf(record.principal) == nullptr) {
    return Error(ErrorCode::kPermissionDenied, "only persons whom the policy names may ask others for approval")
        .At("rule " + std::string(decision.rule));
  }
  const Result<policy::ApprovalUuid> id =
      unsealed.approvals->Ask(*record.policy, *decision.approvals, decision.rule, asked, caller.approval.reason);
  if (!id.ok()) return id.error();
  record.asked = id->ToText();
  record.reason = "asks for approval " + record.asked + ": " + caller.approval.reason;
  return Error(ErrorCode::kFailedPrecondition, "was not done: it was asked of others, who have to approve it first")
      .At("approval " + record.asked);
}

std::string Because(const PendingApproval& pending) {
  std::string text = "approval " + pending.statement.id.ToText() + " by ";
  for (const std::string& person : pending.approved_by) {
    text.append(&person == &pending.approved_by.front() ? "" : ", ").append(person);
  }
  return text + ": " + pending.statement.reason;
}

}  // namespace

ActScope ActScope::Named(policy::Operation operation, std::string_view name) {
  ActScope scope;
  if (policy::HasFacet(operation, policy::Facet::kKeyring)) {
    scope.keyring = name;
  } else if (policy::HasFacet(operation, policy::Facet::kTenant)) {
    scope.tenant = name;
  }
  return scope;
}

ActScope ActScope::OfTenant(std::string_view tenant) {
  return {.tenant = tenant.empty() ? std::string_view(kDefaultTenant) : tenant};
}

ActScope ActScope::OfField(const policy::FieldRule& field, std::string_view tenant) {
  ActScope scope = OfTenant(tenant);
  scope.field = field.name;
  scope.field_class = field.field_class;
  scope.keyring = field.keyrings.front();
  return scope;
}

Status Authorise(CallRecord& record, const ActScope& scope) {
  const policy::Decision decision = record.policy->Decide(ActOf(record, record.operation, scope));
  Note(record, decision);
  if (!record.allowed) return Denied(decision);
  return Enter(record);
}

Status SpendValues(CallRecord& record, std::uint64_t values) {
  if (record.spent == nullptr || !record.limits.values_per_minute) return {};
  return record.spent->TakeValues(record.principal, record.limits.values_per_minute, values);
}

Status SpendRows(CallRecord& record, std::span<const Fingerprint> rows) {
  if (record.spent == nullptr || !record.limits.distinct_per_day) return {};
  return record.spent->TakeDistinct(record.principal, record.limits.distinct_per_day, rows);
}

bool MayAlso(CallRecord& record, policy::Operation operation, const ActScope& scope) {
  const policy::Decision decision = record.policy->Decide(ActOf(record, operation, scope));
  if (decision.outcome != policy::Outcome::kAllowed) return false;
  record.limits = policy::NarrowestOf(record.limits, decision.limits);
  return true;
}

Error PolicyChanged() { return Error(ErrorCode::kUnavailable, "the policy changed while the call ran: try again"); }

Result<std::string> AuthoriseApproved(Unsealed& unsealed, const Caller& caller, CallRecord& record,
                                      policy::Operation operation, const ActScope& scope,
                                      const ActFactsMaker& facts_of) {
  const policy::Decision alone = record.policy->Decide(ActOf(record, operation, scope));
  COFFER_TRY(CheckAsked(caller, record, operation, scope));
  COFFER_ASSIGN_OR_RETURN(const policy::ActFacts facts, facts_of());
  const Approvals::Asked asked{.requester = record.principal, .operation = operation, .facts = facts};
  if (unsealed.policies->view() != record.policy) return PolicyChanged();
  if (caller.approval.id.empty()) return Ask(unsealed, caller, record, alone, asked);
  COFFER_ASSIGN_OR_RETURN(const PendingApproval pending,
                          unsealed.approvals->Find(*record.policy, caller.approval.id, asked));
  const std::vector<std::string_view> persons(pending.approved_by.begin(), pending.approved_by.end());
  const policy::Decision decision = record.policy->Decide(ActOf(record, operation, scope, persons));
  record.decided = false;
  Note(record, decision);
  if (decision.outcome != policy::Outcome::kAllowed) {
    return Error(ErrorCode::kFailedPrecondition, "waits for others to approve it").At("approval");
  }
  // Whatever becomes of the act: nobody acts twice on one approval.
  COFFER_TRY(unsealed.approvals->Use(pending.statement.id));
  record.reason = Because(pending);
  return pending.statement.reason;
}

Status CheckAsked(const Caller& caller, CallRecord& record, policy::Operation operation, const ActScope& scope) {
  const policy::Decision alone = record.policy->Decide(ActOf(record, operation, scope));
  Note(record, alone);
  if (alone.outcome == policy::Outcome::kDenied || alone.approvals == nullptr) return Denied(alone);
  const bool has_wish = !caller.approval.id.empty() || !caller.approval.reason.empty();
  if (!has_wish || record.policy->serial() == 0) return Asking(*record.policy, alone);
  return {};
}

Status AuthoriseDryRun(CallRecord& record) {
  const policy::Decision decision = record.policy->Decide(ActOf(record, record.operation, {}));
  Note(record, decision);
  if (decision.outcome == policy::Outcome::kDenied) return Denied(decision);
  record.allowed = true;
  return {};
}

}  // namespace coffer::keysvc
