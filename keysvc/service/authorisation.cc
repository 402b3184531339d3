#include "keysvc/service/authorisation.h"

#include <algorithm>

#include "crypto/names.h"

namespace coffer::keysvc {
namespace {

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

Error Asked(CallRecord& record, const std::string& id) {
  record.asked = id;
  record.reason = "asks for approval " + id + ": " + record.approval.reason;
  return Error(ErrorCode::kFailedPrecondition, "was not done: it was asked of others, who have to approve it first")
      .At("approval " + id);
}

std::string Because(const PendingApproval& pending) {
  std::string text = "approval " + pending.statement.id.ToText() + " by ";
  for (const std::string& person : pending.approved_by) {
    text.append(&person == &pending.approved_by.front() ? "" : ", ").append(person);
  }
  return text + ": " + pending.statement.reason;
}

// By the rules of the record's operation and of the graver one that it is: what says less counts.
policy::Decision Decide(const CallRecord& record, policy::Operation operation, const ActScope& scope,
                        std::span<const std::string_view> approved_by = {}) {
  const policy::Decision decision = record.policy->Decide(ActOf(record, operation, scope, approved_by));
  if (operation == record.operation) return decision;
  const policy::Decision plain = record.policy->Decide(ActOf(record, record.operation, scope, approved_by));
  return plain.outcome < decision.outcome ? plain : decision;
}

// Who shows a token has what somebody else made.
bool IsBearer(const CallRecord& record) {
  return record.authentication == audit::Authentication::kToken || record.authentication == audit::Authentication::kJwt;
}

Error NoPerson(const policy::Decision& decision) {
  return Error(ErrorCode::kPermissionDenied,
               "only persons whom the policy names may ask others for approval, and not with a token")
      .At("rule " + std::string(decision.rule));
}

// Whether the caller asks others at all, and can.
Status CheckWish(const CallRecord& record, const policy::Decision& alone) {
  if (alone.outcome == policy::Outcome::kDenied || alone.approvals == nullptr) return Denied(alone);
  if (record.approval.empty() || record.policy->serial() == 0) return Asking(*record.policy, alone);
  if (IsBearer(record)) return NoPerson(alone);
  return {};
}

// What the policy says to the act without approvals, when the caller asks others and can.
Result<policy::Decision> DecideAlone(CallRecord& record, policy::Operation operation, const ActScope& scope) {
  policy::Decision alone = Decide(record, operation, scope);
  Note(record, alone);
  COFFER_TRY(CheckWish(record, alone));
  return alone;
}

// An act of the call, to be asked for or approved.
struct ApprovedAct {
  policy::Operation operation;
  const ActScope& scope;
  const policy::Decision& alone;  // by the policy, without approvals
  const policy::ActFacts& facts;

  // Of the same call, and under the same policy with whatever grants beside it.
  bool Is(const CallRecord& record, const ApprovalGiven& given) const {
    return given.policy_serial == record.policy->serial() && given.operation == operation && given.facts == facts;
  }
  ApprovalGiven Given(const CallRecord& record) const {
    return {
        .policy_serial = record.policy->serial(), .operation = operation, .facts = facts, .asked = {}, .used = nullptr};
  }
};

// That the persons who approved are those whom the rule asks.
Status Accept(CallRecord& record, const ApprovedAct& act, const PendingApproval& pending) {
  const std::vector<std::string_view> persons(pending.approved_by.begin(), pending.approved_by.end());
  const policy::Decision decision = Decide(record, act.operation, act.scope, persons);
  Note(record, decision);
  record.rule = decision.rule;
  if (decision.outcome != policy::Outcome::kAllowed) {
    return Error(ErrorCode::kFailedPrecondition, "waits for others to approve it").At("approval");
  }
  return {};
}

Error Ask(Approvals& approvals, CallRecord& record, const ApprovedAct& act) {
  ApprovalGiven& given = record.so_far.approval;
  if (act.Is(record, given) && !given.asked.empty()) return Asked(record, given.asked);
  // He could be anybody, the one who approves included.
  if (record.policy->PersonOf(record.principal) == nullptr) return NoPerson(act.alone);
  const Result<policy::ApprovalUuid> id = approvals.Ask(
      *record.policy, *act.alone.approvals, act.alone.rule,
      {.requester = record.principal, .operation = act.operation, .facts = act.facts}, record.approval.reason);
  if (!id.ok()) return id.error();
  given = act.Given(record);
  given.asked = id->ToText();
  return Asked(record, given.asked);
}

// Whatever becomes of the act: nobody acts twice on one approval.
Status Use(Approvals& approvals, CallRecord& record, const ApprovedAct& act) {
  ApprovalGiven& given = record.so_far.approval;
  if (given.used != nullptr && act.Is(record, given)) return Accept(record, act, *given.used);
  if (given.used != nullptr) {
    return Error(ErrorCode::kPermissionDenied,
                 "is for one part of the call, under one policy: ask for each field and tenant by itself")
        .At("approval");
  }
  COFFER_ASSIGN_OR_RETURN(
      PendingApproval found,
      approvals.Find(*record.policy, record.approval.id,
                     {.requester = record.principal, .operation = act.operation, .facts = act.facts}));
  COFFER_TRY(Accept(record, act, found));
  COFFER_TRY(approvals.Use(found.statement.id));
  given = act.Given(record);
  given.used = std::make_shared<const PendingApproval>(std::move(found));
  return {};
}

// Asks for the approval, or uses it up; when the call is done again, neither happens a second time. The requester's
// reason.
Result<std::string> BeApproved(Approvals& approvals, CallRecord& record, const ApprovedAct& act) {
  if (record.approval.id.empty()) return Ask(approvals, record, act);
  const Status used = Use(approvals, record, act);
  if (!used.ok()) {
    record.allowed = false;
    return used.error();
  }
  const PendingApproval& approved = *record.so_far.approval.used;
  record.reason = Because(approved);
  return approved.statement.reason;
}

// What any call is about, as far as approvers can be told: names, and a code of the request.
policy::ActFacts FactsOf(const CallRecord& record, const ActScope& scope, const std::string& request_code) {
  policy::ActFacts facts;
  const auto add = [&facts](std::string_view key, std::string_view value) {
    if (!value.empty()) facts.Add(key, value);
  };
  add("object", record.object);
  add("field", scope.field.value_or(""));
  if (scope.field_class) facts.Add("class", policy::FieldClassName(*scope.field_class));
  add("keyring", scope.keyring.value_or(""));
  add("tenant", scope.tenant.value_or(""));
  add("purpose", record.claims.purpose);
  add("on-behalf-of", record.claims.on_behalf_of);
  return facts.Add("request", request_code);
}

// An act that this policy asks approvals for, though no policy has to.
Status AuthoriseAsked(CallRecord& record, const ActScope& scope, const policy::Decision& alone) {
  COFFER_TRY(CheckWish(record, alone));
  if (record.approvals == nullptr || !record.approval.request) return Denied(alone);
  const policy::ActFacts facts =
      FactsOf(record, scope, record.approvals->CodeOf(record.principal, *record.approval.request));
  COFFER_TRY(BeApproved(*record.approvals, record,
                        {.operation = record.operation, .scope = scope, .alone = alone, .facts = facts}));
  return {};
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

bool AsksOthers(const CallRecord& record) {
  return record.policy->Decide(ActOf(record, record.operation, {})).outcome == policy::Outcome::kNeedsApproval;
}

Status Authorise(CallRecord& record, const ActScope& scope) {
  const policy::Decision decision = record.policy->Decide(ActOf(record, record.operation, scope));
  Note(record, decision);
  if (decision.outcome == policy::Outcome::kDenied) return Denied(decision);
  COFFER_TRY(decision.outcome == policy::Outcome::kNeedsApproval ? AuthoriseAsked(record, scope, decision)
                                                                 : CheckNothingAsked(record));
  return Enter(record);
}

Status CheckNothingAsked(const CallRecord& record) {
  if (record.phase != CallRecord::Phase::kBegin || record.approval.reason.empty()) return {};
  return Error(ErrorCode::kFailedPrecondition, "nobody has to approve this act: do it without asking")
      .At("rule " + std::string(record.rule));
}

Status SpendValues(CallRecord& record, std::uint64_t values) {
  if (record.spent == nullptr || !record.limits.values_per_minute) return {};
  std::uint64_t& taken = record.so_far.values;
  if (values <= taken) return {};
  COFFER_TRY(record.spent->TakeValues(record.principal, record.limits.values_per_minute, values - taken));
  taken = values;
  return {};
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

Result<std::string> AuthoriseApproved(Unsealed& unsealed, CallRecord& record, policy::Operation operation,
                                      const ActScope& scope, const ActFactsMaker& facts_of) {
  COFFER_ASSIGN_OR_RETURN(const policy::Decision alone, DecideAlone(record, operation, scope));
  COFFER_ASSIGN_OR_RETURN(const policy::ActFacts facts, facts_of());
  if (unsealed.policies->view() != record.policy) return PolicyChanged();
  return BeApproved(*unsealed.approvals, record,
                    {.operation = operation, .scope = scope, .alone = alone, .facts = facts});
}

Status CheckAsked(CallRecord& record, policy::Operation operation, const ActScope& scope) {
  COFFER_TRY(DecideAlone(record, operation, scope));
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
