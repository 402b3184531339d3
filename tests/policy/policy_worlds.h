// Random policies that are accepted, as text and as what the independent evaluator takes; and every act that they can
// tell apart.
#pragma once

#include <random>

#include "policy/access_policy.h"
#include "tests/policy/naive_policy.h"
#include "tests/support/sanitized.h"

namespace coffer::policy {

using naive::Texts;

inline const Texts kFields = {"shop.user.email", "shop.card.number", "shop.other.column"};
inline const Texts kClasses = {"public", "internal", "pii", "secret"};
inline const Texts kKeyrings = {"shop", "shop-pii", "other"};
inline const Texts kTenants = {"default", "north", "south"};
inline const Texts kPurposes = {"", "checkout", "support"};
inline const std::vector<std::int64_t> kTimes = {500, 1500, 2500};

inline std::vector<naive::Person> Persons() {
  return {{"alice", {"unix:admin:1000", "spiffe://example.org/role/admin/alice"}},
          {"bob", {"unix:admin:1001", "unix:restorer:1001"}},
          {"carol", {"unix:admin:1002"}},
          {"dave", {"unix:auditor:1003"}},
          {"erin", {"unix:dba:1004"}},
          {"frank", {"unix:restorer:1005"}}};
}

// One that a person has, or that rules name, and one that nobody knows.
inline Texts PrincipalsOf(Role role) {
  const std::string name(RoleName(role));
  const std::map<std::string, std::string> known = {{"admin", "unix:admin:1000"},
                                                    {"dba", "unix:dba:1004"},
                                                    {"auditor", "unix:auditor:1003"},
                                                    {"restorer", "unix:restorer:1005"},
                                                    {"app", "spiffe://example.org/role/app/orders"}};
  const auto found = known.find(name);
  const std::string first = found == known.end() ? "unix:" + name + ":7" : found->second;
  // The third is alice's, in whatever role.
  Texts principals = {first, "unix:" + name + ":999", "spiffe://example.org/role/" + name + "/alice"};
  if (role == Role::kApp) principals.push_back(first + "-2");
  return principals;
}

inline const std::vector<Texts> kApprovers = {
    {}, {"alice", "alice"}, {"bob", "carol"}, {"bob", "bob"}, {"dave", "nobody"}};

// How many worlds a test looks at: fewer where each step is slower.
constexpr std::uint64_t Worlds(std::uint64_t count) { return kSanitized ? (count + 3) / 4 : count; }

// Random worlds that a policy accepts.
class Maker {
 public:
  Maker(std::uint64_t seed, naive::Matrix matrix) : random_(seed) {
    world_.matrix = std::move(matrix);
    world_.persons = Persons();
  }

  naive::World Make(int rules) {
    MakeAny(rules);
    MakeStanding(world_);
    const std::string app = PrincipalsOf(Role::kApp).front();
    for (const naive::Rule& rule : world_.rules) {
      const bool names = std::find(rule.principals.begin(), rule.principals.end(), app) != rule.principals.end();
      if (names) world_.recovered[app] = {app + "-2", app + "-3"};
    }
    return world_;
  }

  // One whose grants may pass by approvals.
  naive::World MakeAny(int rules) {
    for (int i = 0; i < rules; ++i) {
      naive::Rule rule = MakeRule(i);
      if (!rule.operations.empty()) world_.rules.push_back(std::move(rule));
    }
    return world_;
  }

  // What passes by approvals becomes standing: narrow, and with an end.
  void MakeStanding(naive::World& world) {
    for (naive::Rule& rule : world.rules) {
      if (naive::PassesApprovals(world, rule)) Stand(rule);
    }
  }

  // A grant that may be issued beside a policy; with no operations: none came out.
  naive::Rule MakeIssued(int number) {
    naive::Rule rule = MakeRule(number);
    while (rule.forbid) rule = MakeRule(number);
    rule.id = "issued-" + std::to_string(number);
    std::erase_if(rule.operations, [](const std::string& operation) { return AsksTwo(operation); });
    rule.principals = {PrincipalsOf(*ParseRole(rule.roles.front())).front()};
    rule.until = 2000;
    return rule;
  }

  // What may be kept for an emergency.
  naive::Rule MakeEmergency() {
    naive::Rule rule;
    rule.id = "break-glass";
    rule.roles = {"app"};
    while (rule.operations.empty()) ChooseOperations(rule);
    const Texts of_the_log = {"GetCheckpoint", "ProveConsistency"};
    for (const std::string& one : of_the_log) std::erase(rule.operations, one);
    if (rule.operations.empty()) rule.operations = {"GetSecret"};
    rule.principals = {PrincipalsOf(Role::kApp).front()};
    NarrowAll(rule);
    return rule;
  }

  Texts Some(const Texts& from) {
    Texts some;
    for (const std::string& text : from) {
      if (Below(2) == 0) some.push_back(text);
    }
    if (some.size() == from.size() && some.size() > 1) some.pop_back();
    if (some.empty()) some.push_back(from[Below(from.size())]);
    return some;
  }
  std::size_t Below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

 private:
  naive::Rule MakeRule(int number) {
    naive::Rule rule;
    rule.forbid = Below(4) == 0;
    rule.id = (rule.forbid ? "no-" : "yes-") + std::to_string(number);
    Texts roles;
    for (const Role role : AllRoles()) roles.emplace_back(RoleName(role));
    rule.roles = {roles[Below(roles.size())]};
    if (rule.forbid && Below(2) == 0) rule.roles = Some(roles);
    ChooseOperations(rule);
    for (const std::string& role : Below(3) == 0 ? rule.roles : Texts()) {
      rule.principals.push_back(PrincipalsOf(*ParseRole(role)).front());
    }
    NarrowAll(rule);
    if (Below(3) == 0 && !rule.forbid) rule.purposes = Some({"checkout", "support"});
    if (Below(3) == 0) rule.from = 1000;
    if (Below(3) == 0) rule.until = 2000;
    return rule;
  }

  static bool AsksTwo(const std::string& operation) {
    static const std::set<std::string> kTwo = {"DestroySecret", "ScheduleDestroy", "ShredTenant", "RemoveCensusSource",
                                               "AddSealSlot",   "RemoveSealSlot",  "Rekey",       "MergeStore",
                                               "WeakenCatalog", "IssueGrant",      "CreateToken", "AllowCertificate"};
    return kTwo.contains(operation);
  }

  // Of one kind, so that it can be narrowed, or of any kinds.
  void ChooseOperations(naive::Rule& rule) {
    const char* const kinds[] = {"fields", "keyrings", "tenants", ""};
    const std::string kind = kinds[Below(4)];
    bool asks_two = false;
    for (const auto& [operation, may] : world_.matrix) {
      if (naive::DecidedByRole().contains(operation)) continue;
      if (!rule.forbid && !may.at(rule.roles.front())) continue;
      if (!kind.empty() && !naive::OperationHas(operation, kind)) continue;
      if (Below(2) == 0) continue;
      rule.operations.push_back(operation);
      asks_two = asks_two || AsksTwo(operation);
    }
    const std::string& role = rule.roles.front();
    if (rule.forbid || (role != "admin" && role != "dba")) return;
    if (!asks_two && Below(3) != 0) return;
    rule.approvals = static_cast<int>(1 + Below(2));
    rule.approver_roles = Below(2) == 0 ? Texts{"admin"} : Texts{"admin", "auditor"};
  }

  void NarrowAll(naive::Rule& rule) {
    Narrow(rule, "fields", kFields, rule.fields);
    Narrow(rule, "classes", kClasses, rule.classes);
    Narrow(rule, "keyrings", kKeyrings, rule.keyrings);
    Narrow(rule, "tenants", kTenants, rule.tenants);
  }

  void Narrow(const naive::Rule& rule, const std::string& facet, const Texts& names, std::optional<Texts>& place) {
    for (const std::string& operation : rule.operations) {
      if (!naive::OperationHas(operation, facet)) return;
    }
    if (Below(2) == 0) place = Some(names);
  }

  void Stand(naive::Rule& rule) {
    rule.standing = true;
    rule.until = 2000;
    rule.principals = {PrincipalsOf(*ParseRole(rule.roles.front())).front()};
    // What is narrowed alike: an operation that is about none of a facet keeps the others from being narrowed.
    const std::string first = rule.operations.front();
    for (const auto& entry :
         std::map<std::string, Texts>{{"fields", kFields}, {"keyrings", kKeyrings}, {"tenants", kTenants}}) {
      const std::string& facet = entry.first;  // a structured binding cannot be captured
      const bool has = naive::OperationHas(first, facet);
      std::erase_if(rule.operations, [&](const std::string& one) { return naive::OperationHas(one, facet) != has; });
      std::optional<Texts>& place = facet == "fields"     ? rule.fields
                                    : facet == "keyrings" ? rule.keyrings
                                                          : rule.tenants;
      if (has && !place.has_value()) place = Some(entry.second);
    }
  }

  std::mt19937_64 random_;
  naive::World world_;
};

// An act, told to both.
struct Asked {
  naive::Act act;
  std::vector<std::string_view> approved_by;

  Act ForPolicy(Role role, Operation operation) const {
    Act asked{.role = role, .principal = act.principal, .operation = operation};
    if (act.field) asked.field = *act.field;
    if (act.field_class) asked.field_class = ParseFieldClass(*act.field_class);
    if (act.keyring) asked.keyring = *act.keyring;
    if (act.tenant) asked.tenant = *act.tenant;
    asked.purpose = act.purpose;
    asked.now_unix_s = act.now;
    asked.approved_by = approved_by;
    return asked;
  }
};

// Goes through the values of one part after another; the last of each is "not known".
class EveryAct {
 public:
  EveryAct(Role role, Operation operation) : role_(role), operation_(operation), principals_(PrincipalsOf(role)) {}

  template <typename Take>
  void Each(const Take& take) {
    Asked asked;
    asked.act.role = RoleName(role_);
    asked.act.operation = OperationName(operation_);
    for (const std::string& principal : principals_) {
      asked.act.principal = principal;
      for (const std::int64_t now : kTimes) {
        asked.act.now = now;
        for (const std::string& purpose : kPurposes) {
          asked.act.purpose = purpose;
          Approved(asked, take);
        }
      }
    }
  }

 private:
  template <typename Take>
  void Approved(Asked& asked, const Take& take) {
    for (const Texts& approvers : kApprovers) {
      asked.act.approved_by = approvers;
      asked.approved_by.assign(approvers.begin(), approvers.end());
      Optional(HasFacet(operation_, Facet::kField), kFields, asked.act.field, [&] {
        Optional(HasFacet(operation_, Facet::kClass), kClasses, asked.act.field_class, [&] {
          Optional(HasFacet(operation_, Facet::kKeyring), kKeyrings, asked.act.keyring, [&] {
            Optional(HasFacet(operation_, Facet::kTenant), kTenants, asked.act.tenant, [&] { take(asked); });
          });
        });
      });
    }
  }

  template <typename Then>
  static void Optional(bool has, const Texts& values, std::optional<std::string>& place, const Then& then) {
    if (has) {
      for (const std::string& value : values) {
        place = value;
        then();
      }
    }
    place = std::nullopt;
    then();
  }

  const Role role_;
  const Operation operation_;
  const Texts principals_;
};

}  // namespace coffer::policy
