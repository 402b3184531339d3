// Every decision of policies, compared with an implementation that shares no code with them.
#include <chrono>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "policy/access_policy.h"
#include "tests/policy/naive_policy.h"

namespace coffer::policy {
namespace {

using naive::Texts;

std::string OutcomeText(Outcome outcome) {
  if (outcome == Outcome::kDenied) return "denied";
  return outcome == Outcome::kAllowed ? "allowed" : "needs-approval";
}

const Texts kFields = {"shop.user.email", "shop.card.number", "shop.other.column"};
const Texts kClasses = {"public", "internal", "pii", "secret"};
const Texts kKeyrings = {"shop", "shop-pii", "other"};
const Texts kTenants = {"default", "north", "south"};
const Texts kPurposes = {"", "checkout", "support"};
const std::vector<std::int64_t> kTimes = {500, 1500, 2500};

std::vector<naive::Person> Persons() {
  return {{"alice", {"unix:admin:1000", "spiffe://example.org/role/admin/alice"}},
          {"bob", {"unix:admin:1001", "unix:dba:1001"}},
          {"carol", {"unix:admin:1002"}},
          {"dave", {"unix:auditor:1003"}},
          {"erin", {"unix:dba:1004"}},
          {"frank", {"unix:restorer:1005"}}};
}

// One that a person has, or that rules name, and one that nobody knows.
Texts PrincipalsOf(Role role) {
  const std::string name(RoleName(role));
  const std::map<std::string, std::string> known = {{"admin", "unix:admin:1000"},
                                                    {"dba", "unix:dba:1001"},
                                                    {"auditor", "unix:auditor:1003"},
                                                    {"restorer", "unix:restorer:1005"},
                                                    {"app", "spiffe://example.org/role/app/orders"}};
  const auto found = known.find(name);
  const std::string first = found == known.end() ? "unix:" + name + ":7" : found->second;
  return {first, "unix:" + name + ":999"};
}

const std::vector<Texts> kApprovers = {{}, {"alice"}, {"bob", "carol"}, {"dave", "nobody"}};

// Random worlds that a policy accepts.
class Maker {
 public:
  Maker(std::uint64_t seed, naive::Matrix matrix) : random_(seed) {
    world_.matrix = std::move(matrix);
    world_.persons = Persons();
  }

  naive::World Make(int rules) {
    for (int i = 0; i < rules; ++i) {
      naive::Rule rule = MakeRule(i);
      if (!rule.operations.empty()) world_.rules.push_back(std::move(rule));
    }
    return world_;
  }

  Texts Some(const Texts& from) {
    Texts some;
    for (const std::string& text : from) {
      if (Below(2) == 0) some.push_back(text);
    }
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
    if (Below(3) == 0) rule.principals = {PrincipalsOf(*ParseRole(rule.roles.front())).front()};
    Narrow(rule, "fields", kFields, rule.fields);
    Narrow(rule, "classes", kClasses, rule.classes);
    Narrow(rule, "keyrings", kKeyrings, rule.keyrings);
    Narrow(rule, "tenants", kTenants, rule.tenants);
    if (Below(3) == 0) rule.purposes = Some({"checkout", "support"});
    if (Below(3) == 0) rule.from = 1000;
    if (Below(3) == 0) rule.until = 2000;
    return rule;
  }

  // Of one kind, so that it can be narrowed, or of any kinds.
  void ChooseOperations(naive::Rule& rule) {
    const char* const kinds[] = {"fields", "keyrings", "tenants", ""};
    const std::string kind = kinds[Below(4)];
    const Texts two = {"DestroySecret", "ScheduleDestroy", "ShredTenant", "RemoveCensusSource",
                       "AddSealSlot",   "RemoveSealSlot",  "Rekey",       "MergeStore"};
    bool asks_two = false;
    for (const auto& [operation, may] : world_.matrix) {
      if (naive::DecidedByRole().contains(operation)) continue;
      if (!rule.forbid && !may.at(rule.roles.front())) continue;
      if (!kind.empty() && !naive::OperationHas(operation, kind)) continue;
      if (Below(2) == 0) continue;
      rule.operations.push_back(operation);
      asks_two = asks_two || std::find(two.begin(), two.end(), operation) != two.end();
    }
    const std::string& role = rule.roles.front();
    if (rule.forbid || (role != "admin" && role != "dba")) return;
    if (!asks_two && Below(3) != 0) return;
    rule.approvals = static_cast<int>(1 + Below(2));
    rule.approver_roles = Below(2) == 0 ? Texts{"admin"} : Texts{"admin", "auditor"};
  }

  void Narrow(const naive::Rule& rule, const std::string& facet, const Texts& names, std::optional<Texts>& place) {
    for (const std::string& operation : rule.operations) {
      if (!naive::OperationHas(operation, facet)) return;
    }
    if (Below(2) == 0) place = Some(names);
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

class AccessDecisionTest : public ::testing::Test {
 protected:
  static AccessPolicy PolicyOf(const naive::World& world) {
    Result<AccessPolicy> policy = AccessPolicy::Parse(naive::ToToml(world));
    EXPECT_TRUE(policy.ok()) << policy.error().ToString() << "\n" << naive::ToToml(world);
    return std::move(policy).value();
  }

  const naive::Matrix matrix_ = naive::ReadMatrix("tests/policy/roles_matrix.txt");
};

TEST_F(AccessDecisionTest, EveryDecisionIsThatOfAnIndependentEvaluator) {
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t decisions = 0;
  std::uint64_t allowed = 0;
  std::uint64_t wrong = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const naive::World world = Maker(seed, matrix_).Make(40);
    const AccessPolicy policy = PolicyOf(world);
    for (const Role role : AllRoles()) {
      for (const Operation operation : AllOperations()) {
        EveryAct(role, operation).Each([&](const Asked& asked) {
          const std::string expected = naive::Decide(world, asked.act);
          const Decision decision = policy.Decide(asked.ForPolicy(role, operation));
          decisions += 1;
          allowed += expected == "allowed" ? 1 : 0;
          if (OutcomeText(decision.outcome) == expected) return;
          wrong += 1;
          if (wrong > 5) return;
          ADD_FAILURE() << "seed " << seed << ": " << asked.act.principal << " " << asked.act.operation << " by "
                        << decision.rule << " is " << OutcomeText(decision.outcome) << ", not " << expected;
        });
      }
    }
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_GE(decisions, 1'400'000u);
  EXPECT_GE(allowed, decisions / 50);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  fmt::print("{} decisions of six policies compared, {} of them allowed, in {:.1f} s\n", decisions, allowed,
             took.count());
}

// Of the few acts that each metamorphic check goes through, in every role and operation.
template <typename Take>
void SomeActs(std::uint64_t seed, const Take& take) {
  std::mt19937_64 random(seed);
  const auto below = [&random](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  for (const Role role : AllRoles()) {
    for (const Operation operation : AllOperations()) {
      for (int i = 0; i < 20; ++i) {
        Asked asked;
        const Texts principals = PrincipalsOf(role);
        asked.act = {.role = std::string(RoleName(role)),
                     .principal = principals[below(principals.size())],
                     .operation = std::string(OperationName(operation)),
                     .purpose = kPurposes[below(kPurposes.size())],
                     .field = {},
                     .field_class = {},
                     .keyring = {},
                     .tenant = {},
                     .now = kTimes[below(kTimes.size())],
                     .approved_by = kApprovers[below(kApprovers.size())]};
        if (HasFacet(operation, Facet::kField)) asked.act.field = kFields[below(3)];
        if (HasFacet(operation, Facet::kClass)) asked.act.field_class = kClasses[below(4)];
        if (HasFacet(operation, Facet::kKeyring)) asked.act.keyring = kKeyrings[below(3)];
        if (HasFacet(operation, Facet::kTenant)) asked.act.tenant = kTenants[below(3)];
        asked.approved_by.assign(asked.act.approved_by.begin(), asked.act.approved_by.end());
        take(asked.ForPolicy(role, operation));
      }
    }
  }
}

// Whatever the narrower one allows, the wider one allows.
void ExpectNarrower(const AccessPolicy& narrower, const AccessPolicy& wider, std::uint64_t seed, const char* what) {
  std::uint64_t more = 0;
  SomeActs(seed, [&](const Act& act) { more += narrower.Decide(act).outcome > wider.Decide(act).outcome ? 1 : 0; });
  EXPECT_EQ(more, 0u) << what << ", seed " << seed;
}

TEST_F(AccessDecisionTest, AForbidMoreAGrantLessOrANarrowerScopeNeverAllows) {
  for (std::uint64_t seed = 100; seed < 130; ++seed) {
    Maker maker(seed, matrix_);
    const naive::World world = maker.Make(12);
    const AccessPolicy policy = PolicyOf(world);

    naive::World with_forbid = world;
    naive::Rule forbid = world.rules[maker.Below(world.rules.size())];
    forbid.forbid = true;
    forbid.id = "one-more";
    forbid.approvals = 0;
    with_forbid.rules.push_back(forbid);
    ExpectNarrower(PolicyOf(with_forbid), policy, seed, "a forbid more");

    for (std::size_t i = 0; i < world.rules.size(); ++i) {
      if (world.rules[i].forbid) continue;
      naive::World without = world;
      without.rules.erase(without.rules.begin() + static_cast<std::ptrdiff_t>(i));
      ExpectNarrower(PolicyOf(without), policy, seed, "a grant less");

      naive::World narrower = world;
      narrower.rules[i].purposes = {"checkout"};
      if (!world.rules[i].purposes.empty()) narrower.rules[i].purposes = {world.rules[i].purposes.front()};
      if (narrower.rules[i].tenants) narrower.rules[i].tenants = Texts{narrower.rules[i].tenants->front()};
      if (narrower.rules[i].fields) narrower.rules[i].fields = Texts{narrower.rules[i].fields->front()};
      narrower.rules[i].until = 2000;
      ExpectNarrower(PolicyOf(narrower), policy, seed, "a narrower grant");
    }
  }
}

TEST_F(AccessDecisionTest, WithoutGrantsNothingIsAllowedButWhatARoleDecides) {
  naive::World world{.matrix = matrix_, .persons = Persons(), .rules = {}};
  const AccessPolicy policy = PolicyOf(world);
  SomeActs(1, [&](const Act& act) {
    const bool by_role = IsDecidedByRole(act.operation) && MayEver(act.role, act.operation).allowed;
    EXPECT_EQ(policy.Decide(act).outcome == Outcome::kAllowed, by_role) << OperationName(act.operation);
  });
}

TEST_F(AccessDecisionTest, WhatIsDeniedBeforehandIsDeniedWhateverTheRequest) {
  for (std::uint64_t seed = 200; seed < 220; ++seed) {
    const AccessPolicy policy = PolicyOf(Maker(seed, matrix_).Make(20));
    std::uint64_t denied = 0;
    SomeActs(seed, [&](const Act& act) {
      if (policy.DecideBeforehand(act.role, act.principal, act.operation).outcome != Outcome::kDenied) return;
      denied += 1;
      EXPECT_EQ(policy.Decide(act).outcome, Outcome::kDenied) << OperationName(act.operation);
    });
    EXPECT_GT(denied, 0u);
  }
}

}  // namespace
}  // namespace coffer::policy
