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
      return Refused("is the name of a grant and of a forbid: records could not tell them apart").At(PlaceOf(rule));
    }
  }
  return {};
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
  for (const AccessRule& rule : policy.rules()) {
    Status checked = CheckOperations(rule);
    if (checked.ok()) checked = CheckPrincipals(rule);
    if (checked.ok()) checked = CheckApprovers(policy, rule);
    if (!checked.ok()) return std::move(checked).error().At(PlaceOf(rule)).AtLine(rule.line);
  }
  return {};
}

}  // namespace coffer::policy
