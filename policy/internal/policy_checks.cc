#include "policy/internal/policy_checks.h"

#include <algorithm>

#include "policy/internal/field_values.h"

namespace coffer::policy {
namespace {

using Effect = AccessRule::Effect;

std::string PlaceOf(const AccessRule& rule) {
  return (rule.effect == Effect::kForbid ? "forbid." : "grant.") + rule.id;
}

Status CheckOperations(const AccessRule& rule) {
  for (const Operation operation : AllOperations()) {
    if (!rule.operations.Has(operation)) continue;
    if (IsDecidedByRole(operation)) {
      return Refused("names an operation that a role alone decides, so that nobody locks himself out")
          .At(OperationName(operation));
    }
    if (rule.effect == Effect::kForbid) continue;
    for (const Role role : rule.roles) {
      if (!MayEver(role, operation).allowed) {
        return Refused("is an operation that one of the rule's roles may never have").At(OperationName(operation));
      }
    }
    if (NeedsSecondPerson(operation) && !rule.approvals) {
      return Refused("asks a second person: the grant must say approvals").At(OperationName(operation));
    }
  }
  return {};
}

Status CheckPrincipals(const AccessRule& rule) {
  std::set<Role> roles;
  for (const std::string& principal : rule.principals) {
    const Role role = ParsePrincipal(principal)->role;
    if (!rule.roles.contains(role)) {
      return Refused("names a principal whose role is none of the rule's").At("principals");
    }
    roles.insert(role);
  }
  if (!roles.empty() && roles != rule.roles) {
    return Refused("names no principal of one of the rule's roles, which it would never match").At("principals");
  }
  return {};
}

bool MayAsk(const AccessRule& rule, const Person& person) {
  if (rule.principals.empty()) {
    return person.HasOneOf(rule.roles);
  }
  return std::any_of(person.principals.begin(), person.principals.end(),
                     [&](const std::string& principal) { return rule.principals.contains(principal); });
}

// Whoever may ask has enough others who may approve.
Status CheckApprovers(const AccessPolicy& policy, const AccessRule& rule) {
  if (!rule.approvals) return {};
  for (const Role role : rule.approvals->roles) {
    if (!MayApprove(role)) return Refused("names a role that may not approve").At("approvals");
  }
  const auto approves = [&rule](const Person& person) { return person.HasOneOf(rule.approvals->roles); };
  const std::vector<Person>& persons = policy.persons();
  const auto all = static_cast<std::size_t>(std::count_if(persons.begin(), persons.end(), approves));
  bool somebody = false;
  for (const Person& person : persons) {
    if (!MayAsk(rule, person)) continue;
    somebody = true;
    if (all - (approves(person) ? 1 : 0) < rule.approvals->count) {
      return Refused("asks for more persons than there are beside the one who asks").At("approvals");
    }
  }
  if (!somebody) return Refused("is for nobody: no person of the policy calls as one of the rule's").At("approvals");
  return {};
}

Status CheckPersons(const AccessPolicy& policy) {
  std::map<std::string, std::string, std::less<>> holders;
  std::vector<Ed25519PublicKey> keys;
  std::size_t admins = 0;
  for (const Person& person : policy.persons()) {
    const std::string place = "person." + person.name;
    for (const std::string& principal : person.principals) {
      if (holders.emplace(HolderOf(principal), person.name).first->second != person.name) {
        return Refused("has a principal, or a user or name in another role, that another person has").At(place);
      }
    }
    if (std::find(keys.begin(), keys.end(), person.key.key()) != keys.end()) {
      return Refused("has the key of another person").At(place);
    }
    keys.push_back(person.key.key());
    for (const Role a : person.roles) {
      for (const Role b : person.roles) {
        if (!GoTogether(a, b)) return Refused("holds two roles that must be two persons'").At(place);
      }
    }
    admins += person.roles.contains(Role::kAdmin) ? 1 : 0;
  }
  if (admins < policy.admin_signatures()) {
    return Refused("asks for more signatures than there are persons of role admin").At("admin_signatures");
  }
  return {};
}

Status CheckIds(const AccessPolicy& policy) {
  std::set<std::string_view> ids;
  for (const AccessRule& rule : policy.rules()) {
    if (!ids.insert(rule.id).second) {
      return Refused("is the name of two rules: records could not tell them apart").At(PlaceOf(rule)).AtLine(rule.line);
    }
  }
  return {};
}

// What an emergency never opens, whatever the policy says.
constexpr OperationSet kReadingTheLog = {Operation::kQueryRecords,     Operation::kAggregateRecords,
                                         Operation::kTailRecords,      Operation::kGetCheckpoint,
                                         Operation::kProveConsistency, Operation::kProveRecord};

Status CheckEmergency(const AccessPolicy& policy, const BreakGlass& kept) {
  const auto has_key = [&kept](const Person& person) {
    return person.key.key() == kept.key.key() || person.name == kept.key.name();
  };
  if (std::any_of(policy.persons().begin(), policy.persons().end(), has_key)) {
    return Refused("is a person's, or has a person's name: it must be kept offline, for emergencies alone").At("key");
  }
  for (const Role role : kept.rule.roles) {
    if (!MayEver(role, Operation::kBreakGlass).allowed) {
      return Refused("names a role that may never use it: `coffer policy operations` says which may").At("roles");
    }
  }
  for (const Operation operation : AllOperations()) {
    if (!kept.rule.operations.Has(operation)) continue;
    if (kReadingTheLog.Has(operation)) {
      return Refused("is about the audit log, which is read in no emergency").At(OperationName(operation));
    }
    if (NeedsSecondPerson(operation)) {
      return Refused("asks a second person, in an emergency too").At(OperationName(operation));
    }
  }
  COFFER_TRY(CheckOperations(kept.rule));
  return CheckPrincipals(kept.rule);
}

Status CheckBreakGlass(const AccessPolicy& policy) {
  const std::optional<BreakGlass>& kept = policy.break_glass();
  if (!kept) return {};
  Status checked = CheckEmergency(policy, *kept);
  if (!checked.ok()) return std::move(checked).error().At("break_glass").AtLine(kept->rule.line);
  return {};
}

// Fields are named where they can be, so classes need not be.
Status CheckNarrow(const AccessRule& rule) {
  if (rule.principals.empty()) return Refused("is required of a standing grant").At("principals");
  if (!rule.not_after_unix_s) return Refused("is required of a standing grant").At("not_after");
  if (rule.approvals) return Refused("are not for a standing grant, which nobody approves").At("approvals");
  const auto is_open = [&rule](const NameScope& scope, Facet facet) {
    const auto operations = AllOperations();
    return scope.all && std::any_of(operations.begin(), operations.end(), [&](Operation operation) {
             return rule.operations.Has(operation) && HasFacet(operation, facet);
           });
  };
  const Literal names = "must be exact names in a standing grant";
  if (is_open(rule.fields, Facet::kField)) return Refused(names).At("fields");
  if (is_open(rule.keyrings, Facet::kKeyring)) return Refused(names).At("keyrings");
  if (is_open(rule.tenants, Facet::kTenant)) return Refused(names).At("tenants");
  return {};
}

template <typename Values>
bool Meet(const Values& a, const Values& b) {
  return std::any_of(a.begin(), a.end(), [&b](const auto& value) { return b.contains(value); });
}

bool Meet(const NameScope& a, const NameScope& b) { return a.all || b.all || Meet(a.names, b.names); }

bool EndsBefore(const AccessRule& a, const AccessRule& b) {
  return a.not_after_unix_s && b.not_before_unix_s && *a.not_after_unix_s <= *b.not_before_unix_s;
}

// Some act matches both, if its caller claims a fitting purpose, as anybody can.
bool Overlap(const AccessRule& a, const AccessRule& b) {
  return a.operations.Meets(b.operations) && Meet(a.roles, b.roles) &&
         (a.principals.empty() || b.principals.empty() || Meet(a.principals, b.principals)) &&
         (!a.classes || !b.classes || Meet(*a.classes, *b.classes)) && Meet(a.fields, b.fields) &&
         Meet(a.keyrings, b.keyrings) && Meet(a.tenants, b.tenants) && !EndsBefore(a, b) && !EndsBefore(b, a);
}

}  // namespace

bool GoTogether(Role a, Role b) {
  const auto are = [a, b](Role x, Role y) { return (a == x && b == y) || (a == y && b == x); };
  return !are(Role::kDba, Role::kApp) && !are(Role::kDba, Role::kAdmin) && !are(Role::kDba, Role::kAuditor) &&
         !are(Role::kAdmin, Role::kAuditor) && !are(Role::kAdmin, Role::kApp) &&
         !are(Role::kBackupAgent, Role::kRestorer);
}

Status CheckPolicy(const AccessPolicy& policy) {
  COFFER_TRY(CheckPersons(policy));
  COFFER_TRY(CheckIds(policy));
  COFFER_TRY(CheckBreakGlass(policy));
  for (const AccessRule& rule : policy.rules()) {
    Status checked = CheckOperations(rule);
    if (checked.ok()) checked = CheckPrincipals(rule);
    if (checked.ok()) checked = CheckApprovers(policy, rule);
    if (!checked.ok()) return std::move(checked).error().At(PlaceOf(rule)).AtLine(rule.line);
  }
  return {};
}

Status CheckStanding(const AccessPolicy& policy) {
  const std::vector<AccessRule>& rules = policy.rules();
  for (const AccessRule& rule : rules) {
    if (rule.effect == Effect::kForbid || (rule.approvals && !rule.standing)) continue;
    Status checked;
    if (rule.standing) {
      checked = CheckNarrow(rule);
    } else if (std::any_of(rules.begin(), rules.end(),
                           [&](const AccessRule& other) { return other.approvals && Overlap(rule, other); })) {
      checked = Refused("allows without approvals what another grant asks them for: narrow it, or make it standing");
    }
    if (!checked.ok()) return std::move(checked).error().At(PlaceOf(rule)).AtLine(rule.line);
  }
  return {};
}

}  // namespace coffer::policy
