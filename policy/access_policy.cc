#include "policy/access_policy.h"

#include <algorithm>

#include "policy/internal/field_values.h"
#include "policy/internal/policy_checks.h"
#include "policy/internal/recovered_names.h"

namespace coffer::policy {
namespace {

constexpr std::string_view kDefaultDeny = "default-deny";

std::uint32_t ApprovalsOf(const AccessRule& rule) { return rule.approvals ? rule.approvals->count : 0; }

// What is there for a time is named before what always is: records then tell what was done by it.
int RankOf(const AccessRule& rule) {
  if (rule.id == kBreakGlassRule) return 0;
  return rule.id.starts_with(kIssuedGrantPrefix) ? 1 : 2;
}

// Forbids first; then what asks least of whoever calls.
bool IsAskedBefore(const AccessRule& a, const AccessRule& b) {
  if (a.effect != b.effect) return a.effect == AccessRule::Effect::kForbid;
  if (ApprovalsOf(a) != ApprovalsOf(b)) return ApprovalsOf(a) < ApprovalsOf(b);
  if (RankOf(a) != RankOf(b)) return RankOf(a) < RankOf(b);
  return a.id < b.id;
}

// `known`: what the act names, if that is known. What is not known is in no list of names, but may be what is
// forbidden.
bool IsIn(const NameScope& scope, const std::optional<std::string_view>& known, AccessRule::Effect effect) {
  if (scope.all) return true;
  if (!known) return effect == AccessRule::Effect::kForbid;
  return scope.names.contains(*known);
}

bool IsIn(const std::optional<std::set<FieldClass>>& classes, const std::optional<FieldClass>& known,
          AccessRule::Effect effect) {
  if (!classes) return true;
  if (!known) return effect == AccessRule::Effect::kForbid;
  return classes->contains(*known);
}

Mismatch MatchWho(const AccessRule& rule, const Act& act) {
  if (!rule.roles.contains(act.role)) return Mismatch::kRole;
  if (!rule.operations.Has(act.operation)) return Mismatch::kOperation;
  if (!rule.principals.empty() && !rule.principals.contains(act.principal)) return Mismatch::kPrincipal;
  return Mismatch::kNone;
}

// Whatever the scope, the purpose and the hour.
bool MatchesAlways(const AccessRule& rule) {
  return rule.fields.all && !rule.classes && rule.keyrings.all && rule.tenants.all && rule.purposes.empty() &&
         !rule.not_before_unix_s && !rule.not_after_unix_s;
}

Decision ByRole(const RoleDecision& decision) {
  return {decision.allowed ? Outcome::kAllowed : Outcome::kDenied, decision.rule, decision.reason, nullptr, {}};
}

Decision Denied() { return {Outcome::kDenied, kDefaultDeny, "no grant of the policy allows it", nullptr, {}}; }

Decision Forbidden(const AccessRule& rule) {
  return {Outcome::kDenied, rule.id, "a forbid of the policy names it", nullptr, {}};
}

Decision Asking(const AccessRule& rule, bool is_person) {
  return {Outcome::kNeedsApproval,
          rule.id,
          is_person ? "a grant of the policy allows it to those whom others approve"
                    : "others have to approve it, and whoever asks is no person of the policy",
          &*rule.approvals,
          {}};
}

// How many of those who approved count for the rule: persons of its roles, each once, but not the one who asks. None
// when whoever asks is no person of the policy: he could be any of them.
std::size_t CountApprovals(const AccessPolicy& policy, const ApprovalRule& rule, const Act& act) {
  const Person* asking = policy.PersonOf(act.principal);
  if (asking == nullptr) return 0;
  const auto counts = [&](const Person& person) {
    if (&person == asking) return false;
    if (std::find(act.approved_by.begin(), act.approved_by.end(), person.name) == act.approved_by.end()) return false;
    return person.HasOneOf(rule.roles);
  };
  return static_cast<std::size_t>(std::count_if(policy.persons().begin(), policy.persons().end(), counts));
}

// What an issued grant says beside what a policy's grants may say.
Status CheckIssued(const AccessRule& rule, std::int64_t now_unix_s) {
  if (rule.principals.empty()) return Refused("is required of an issued grant").At("principals");
  if (rule.standing) return Refused("is for grants of the policy itself").At("standing");
  if (!rule.not_after_unix_s) return Refused("is required of an issued grant").At("not_after");
  if (*rule.not_after_unix_s <= now_unix_s) return Refused("must be in the future").At("not_after");
  if (*rule.not_after_unix_s - now_unix_s > kMaxIssuedGrantLife) {
    return Refused("is further ahead than an issued grant may last, in seconds")
        .At("not_after")
        .WithLimit(kMaxIssuedGrantLife);
  }
  for (const Operation operation : AllOperations()) {
    if (rule.operations.Has(operation) && NeedsSecondPerson(operation)) {
      return Refused("asks a second person each time: only the policy itself allows it").At(OperationName(operation));
    }
  }
  return {};
}

std::optional<std::int64_t> Wider(const std::optional<std::int64_t>& a, const std::optional<std::int64_t>& b) {
  return a && b ? std::optional(std::max(*a, *b)) : std::nullopt;
}

std::optional<std::int64_t> Narrower(const std::optional<std::int64_t>& a, const std::optional<std::int64_t>& b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

bool Person::HasOneOf(const std::set<Role>& wanted) const {
  return std::any_of(wanted.begin(), wanted.end(), [this](Role role) { return roles.contains(role); });
}

bool Person::IsHolder(std::string_view holder) const {
  return std::any_of(principals.begin(), principals.end(),
                     [holder](const std::string& principal) { return HolderOf(principal) == holder; });
}

Mismatch Match(const AccessRule& rule, const Act& act) {
  const Mismatch who = MatchWho(rule, act);
  if (who != Mismatch::kNone) return who;
  if (!IsIn(rule.fields, act.field, rule.effect)) return Mismatch::kField;
  if (!IsIn(rule.classes, act.field_class, rule.effect)) return Mismatch::kClass;
  if (!IsIn(rule.keyrings, act.keyring, rule.effect)) return Mismatch::kKeyring;
  if (!IsIn(rule.tenants, act.tenant, rule.effect)) return Mismatch::kTenant;
  if (!rule.purposes.empty() && !rule.purposes.contains(act.purpose)) return Mismatch::kPurpose;
  if (rule.not_before_unix_s && act.now_unix_s < *rule.not_before_unix_s) return Mismatch::kNotYet;
  if (rule.not_after_unix_s && act.now_unix_s >= *rule.not_after_unix_s) return Mismatch::kNoMore;
  return Mismatch::kNone;
}

std::string_view MismatchSentence(Mismatch mismatch) {
  switch (mismatch) {
    case Mismatch::kNone:
      return "matches";
    case Mismatch::kRole:
      return "is for other roles";
    case Mismatch::kPrincipal:
      return "is for other principals";
    case Mismatch::kOperation:
      return "is about other operations";
    case Mismatch::kField:
      return "names other fields";
    case Mismatch::kClass:
      return "names other classes";
    case Mismatch::kKeyring:
      return "names other keyrings";
    case Mismatch::kTenant:
      return "names other tenants";
    case Mismatch::kPurpose:
      return "asks for another purpose";
    case Mismatch::kNotYet:
      return "begins later";
    case Mismatch::kNoMore:
      return "has ended";
  }
  return "?";
}

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDenied:
      return "denied";
    case Outcome::kNeedsApproval:
      return "needs-approval";
    case Outcome::kAllowed:
      return "allowed";
  }
  return "?";
}

std::optional<Outcome> ParseOutcome(std::string_view text) {
  for (const Outcome outcome : {Outcome::kDenied, Outcome::kNeedsApproval, Outcome::kAllowed}) {
    if (OutcomeName(outcome) == text) return outcome;
  }
  return std::nullopt;
}

AccessLimits WidestOf(const AccessLimits& a, const AccessLimits& b) {
  return {.values_per_minute = Wider(a.values_per_minute, b.values_per_minute),
          .distinct_per_day = Wider(a.distinct_per_day, b.distinct_per_day),
          .in_flight = Wider(a.in_flight, b.in_flight)};
}

AccessLimits NarrowestOf(const AccessLimits& a, const AccessLimits& b) {
  return {.values_per_minute = Narrower(a.values_per_minute, b.values_per_minute),
          .distinct_per_day = Narrower(a.distinct_per_day, b.distinct_per_day),
          .in_flight = Narrower(a.in_flight, b.in_flight)};
}

AccessPolicy AccessPolicy::Builtin() {
  std::map<std::string, AccessRule, std::less<>> rules;
  for (const Role role : AllRoles()) {
    for (const Operation operation : AllOperations()) {
      const RoleDecision decision = MayEver(role, operation);
      if (!decision.allowed || IsDecidedByRole(operation)) continue;
      std::string id(decision.rule);
      // An id of its own would be one more word for the same thing: the two of a role never share an operation.
      const bool asks_two = NeedsSecondPerson(operation);
      AccessRule& rule = rules[asks_two ? id + "/two" : id];
      rule.effect = AccessRule::Effect::kGrant;
      rule.id = std::move(id);
      rule.roles = {role};
      rule.operations.Add(operation);
      if (asks_two) rule.approvals = ApprovalRule{.count = 1, .roles = {Role::kAdmin}};
    }
  }
  AccessPolicy policy;
  for (auto& [key, rule] : rules) policy.rules_.push_back(std::move(rule));
  policy.Index();
  return policy;
}

Result<AccessPolicy> AccessPolicy::Parse(std::string_view text) {
  COFFER_ASSIGN_OR_RETURN(WrittenPolicy written, ReadPolicy(text));
  COFFER_TRY(ExpandRecovered(written));
  AccessPolicy policy;
  policy.serial_ = written.serial;
  policy.admin_signatures_ = written.admin_signatures;
  policy.persons_ = std::move(written.persons);
  policy.rules_ = std::move(written.rules);
  policy.break_glass_ = std::move(written.break_glass);
  policy.Index();
  COFFER_TRY(CheckPolicy(policy));
  COFFER_TRY(CheckStanding(policy));
  return policy;
}

Result<AccessPolicy> AccessPolicy::With(const std::vector<AccessRule>& grants) const {
  AccessPolicy policy = *this;
  if (grants.empty()) return policy;
  policy.rules_.insert(policy.rules_.end(), grants.begin(), grants.end());
  policy.places_ = {};
  policy.Index();
  COFFER_TRY(CheckPolicy(policy));
  return policy;
}

Result<AccessRule> AccessPolicy::ParseIssuedGrant(std::string_view text, std::int64_t now_unix_s) const {
  COFFER_ASSIGN_OR_RETURN(AccessRule rule, ReadIssuedGrant(text));
  Status checked = CheckIssued(rule, now_unix_s);
  if (!checked.ok()) return std::move(checked).error().At("grant." + rule.id).AtLine(rule.line);
  const Result<AccessPolicy> with = With({rule});
  if (!with.ok()) return with.error();
  return rule;
}

void AccessPolicy::Index() {
  std::sort(rules_.begin(), rules_.end(), IsAskedBefore);
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    for (const Role role : rules_[i].roles) {
      for (const Operation operation : AllOperations()) {
        if (!rules_[i].operations.Has(operation)) continue;
        places_[static_cast<std::size_t>(role)][static_cast<std::size_t>(operation)].push_back(
            static_cast<std::uint16_t>(i));
      }
    }
  }
}

Decision AccessPolicy::Decide(const Act& act) const {
  const RoleDecision by_role = MayEver(act.role, act.operation);
  if (!by_role.allowed || IsDecidedByRole(act.operation)) return ByRole(by_role);
  Decision decision = Denied();
  for (const std::uint16_t place : RulesFor(act.role, act.operation)) {
    const AccessRule& rule = rules_[place];
    if (Match(rule, act) != Mismatch::kNone) continue;
    if (rule.effect == AccessRule::Effect::kForbid) return Forbidden(rule);
    if (rule.approvals && CountApprovals(*this, *rule.approvals, act) < rule.approvals->count) {
      if (decision.outcome == Outcome::kDenied) decision = Asking(rule, PersonOf(act.principal) != nullptr);
    } else if (decision.outcome == Outcome::kAllowed) {
      decision.limits = WidestOf(decision.limits, rule.limits);
    } else {
      decision = {Outcome::kAllowed, rule.id, "a grant of the policy allows it", nullptr, rule.limits};
    }
  }
  return decision;
}

Decision AccessPolicy::DecideBeforehand(Role role, std::string_view principal, Operation operation) const {
  const RoleDecision by_role = MayEver(role, operation);
  if (!by_role.allowed || IsDecidedByRole(operation)) return ByRole(by_role);
  const Act who{.role = role, .principal = principal, .operation = operation};
  for (const std::uint16_t place : RulesFor(role, operation)) {
    const AccessRule& rule = rules_[place];
    if (MatchWho(rule, who) != Mismatch::kNone) continue;
    if (rule.effect == AccessRule::Effect::kGrant) {
      return {Outcome::kAllowed, rule.id, "a grant of the policy allows it", nullptr, {}};
    }
    if (MatchesAlways(rule)) return Forbidden(rule);
  }
  return Denied();
}

const Person* AccessPolicy::PersonOf(std::string_view principal) const {
  const std::string holder = HolderOf(principal);
  const auto is = [&holder](const Person& person) { return person.IsHolder(holder); };
  const auto found = std::find_if(persons_.begin(), persons_.end(), is);
  return found == persons_.end() ? nullptr : &*found;
}

const Person* AccessPolicy::FindPerson(std::string_view name) const {
  const auto is = [name](const Person& person) { return person.name == name; };
  const auto found = std::find_if(persons_.begin(), persons_.end(), is);
  return found == persons_.end() ? nullptr : &*found;
}

}  // namespace coffer::policy
