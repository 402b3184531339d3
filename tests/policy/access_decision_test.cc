// Every decision of policies, compared with an implementation that shares no code with them.
#include <chrono>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "policy/access_policy.h"
#include "tests/policy/policy_worlds.h"

namespace coffer::policy {
namespace {

using naive::Texts;

class AccessDecisionTest : public ::testing::Test {
 protected:
  static AccessPolicy PolicyOf(const naive::World& world) {
    Result<AccessPolicy> policy = AccessPolicy::Parse(naive::ToToml(world));
    EXPECT_TRUE(policy.ok()) << policy.error().ToString() << "\n" << naive::ToToml(world);
    std::vector<AccessRule> beside;
    for (const naive::Rule& rule : world.issued) {
      Result<AccessRule> issued = policy->ParseIssuedGrant(naive::IssuedToml(rule), 400);
      EXPECT_TRUE(issued.ok()) << issued.error().ToString() << "\n" << naive::IssuedToml(rule);
      beside.push_back(std::move(issued).value());
    }
    if (world.in_emergency) beside.push_back(policy->break_glass()->rule);
    Result<AccessPolicy> with = policy->With(beside);
    EXPECT_TRUE(with.ok()) << with.error().ToString() << "\n" << naive::ToToml(world);
    return std::move(with).value();
  }

  // Beside grants that were issued, and in an emergency.
  static naive::World WithBesides(Maker& maker, naive::World world, bool in_emergency) {
    for (int number = 0; number < 8; ++number) {
      naive::Rule issued = maker.MakeIssued(number);
      if (!issued.operations.empty()) world.issued.push_back(std::move(issued));
    }
    world.emergency = maker.MakeEmergency();
    world.in_emergency = in_emergency;
    return world;
  }

  const naive::Matrix matrix_ = naive::ReadMatrix("tests/policy/roles_matrix.txt");
};

TEST_F(AccessDecisionTest, EveryDecisionIsThatOfAnIndependentEvaluator) {
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t decisions = 0;
  std::uint64_t allowed = 0;
  std::uint64_t wrong = 0;
  std::uint64_t standing = 0;
  std::uint64_t recovered = 0;
  const std::uint64_t worlds = Worlds(6);
  for (std::uint64_t seed = 1; seed <= worlds; ++seed) {
    Maker maker(seed, matrix_);
    const naive::World world = WithBesides(maker, maker.Make(40), seed % 2 == 0);
    const AccessPolicy policy = PolicyOf(world);
    for (const naive::Rule& rule : world.rules) standing += rule.standing ? 1 : 0;
    recovered += world.recovered.size();
    for (const Role role : AllRoles()) {
      for (const Operation operation : AllOperations()) {
        EveryAct(role, operation).Each([&](const Asked& asked) {
          const std::string expected = naive::Decide(world, asked.act);
          const Decision decision = policy.Decide(asked.ForPolicy(role, operation));
          decisions += 1;
          allowed += expected == "allowed" ? 1 : 0;
          if (OutcomeName(decision.outcome) == expected) return;
          wrong += 1;
          if (wrong > 5) return;
          ADD_FAILURE() << "seed " << seed << ": " << asked.act.principal << " " << asked.act.operation << " by "
                        << decision.rule << " is " << OutcomeName(decision.outcome) << ", not " << expected;
        });
      }
    }
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_GE(decisions, 1'400'000u);
  EXPECT_GE(allowed, decisions / 50);
  EXPECT_GE(standing, worlds);
  EXPECT_GE(recovered, worlds / 2);
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
  for (std::uint64_t seed = 100; seed < 100 + Worlds(30); ++seed) {
    Maker maker(seed, matrix_);
    const naive::World world = maker.Make(12);
    const AccessPolicy policy = PolicyOf(world);

    naive::World with_forbid = world;
    naive::Rule forbid = world.rules[maker.Below(world.rules.size())];
    forbid.forbid = true;
    forbid.purposes.clear();
    forbid.id = "one-more";
    forbid.approvals = 0;
    forbid.standing = false;
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

TEST_F(AccessDecisionTest, AGrantBesideThePolicyNeverTakesAway) {
  for (std::uint64_t seed = 300; seed < 320; ++seed) {
    Maker maker(seed, matrix_);
    const naive::World world = maker.Make(12);
    const naive::World issued = WithBesides(maker, world, false);
    naive::World emergency = issued;
    emergency.in_emergency = true;
    ExpectNarrower(PolicyOf(world), PolicyOf(issued), seed, "issued grants");
    ExpectNarrower(PolicyOf(issued), PolicyOf(emergency), seed, "an emergency");
  }
}

TEST_F(AccessDecisionTest, WhatPassesByApprovalsIsRefusedUntilItIsStanding) {
  std::uint64_t refused = 0;
  for (std::uint64_t seed = 400; seed < 460; ++seed) {
    Maker maker(seed, matrix_);
    naive::World world = maker.MakeAny(14);
    const bool passes = std::any_of(world.rules.begin(), world.rules.end(),
                                    [&world](const naive::Rule& rule) { return naive::PassesApprovals(world, rule); });
    const Result<AccessPolicy> policy = AccessPolicy::Parse(naive::ToToml(world));
    ASSERT_EQ(policy.ok(), !passes) << "seed " << seed << "\n" << naive::ToToml(world);
    if (!passes) continue;
    refused += 1;
    EXPECT_EQ(policy.error().message(),
              "allows without approvals what another grant asks them for: narrow it, or make it standing");
    EXPECT_GT(policy.error().line(), 0u);
    maker.MakeStanding(world);
    PolicyOf(world);
  }
  EXPECT_GT(refused, 10u);
  EXPECT_LT(refused, 50u);
}

// Whether both allow one of the acts that can be told apart, each by itself and whatever is claimed.
bool AllowOneAct(const naive::Matrix& matrix, const naive::Rule& a, const naive::Rule& b) {
  const auto alone = [&matrix](naive::Rule rule) {
    rule.purposes.clear();
    rule.approvals = 0;
    return naive::World{.matrix = matrix, .persons = {}, .rules = {rule}};
  };
  const naive::World only_a = alone(a);
  const naive::World only_b = alone(b);
  bool found = false;
  for (const Role role : AllRoles()) {
    for (const Operation operation : AllOperations()) {
      const std::string name(OperationName(operation));
      const auto has = [&name](const Texts& operations) {
        return std::find(operations.begin(), operations.end(), name) != operations.end();
      };
      if (found || !has(a.operations) || !has(b.operations)) continue;
      EveryAct(role, operation).Each([&](const Asked& asked) {
        found =
            found || (naive::Decide(only_a, asked.act) == "allowed" && naive::Decide(only_b, asked.act) == "allowed");
      });
    }
  }
  return found;
}

TEST_F(AccessDecisionTest, GrantsOverlapWhenSomeActMatchesBoth) {
  std::uint64_t overlapping = 0;
  std::uint64_t apart = 0;
  for (std::uint64_t seed = 500; seed < 512; ++seed) {
    const naive::World world = Maker(seed, matrix_).MakeAny(40);
    for (const naive::Rule& a : world.rules) {
      for (const naive::Rule& b : world.rules) {
        if (a.forbid || b.forbid || a.approvals == 0 || b.approvals > 0 || a.roles != b.roles) continue;
        EXPECT_EQ(naive::Overlap(a, b), AllowOneAct(matrix_, a, b)) << "seed " << seed << ": " << a.id << " " << b.id;
        (naive::Overlap(a, b) ? overlapping : apart) += 1;
      }
    }
  }
  EXPECT_GT(overlapping, 5u);
  EXPECT_GT(apart, 5u);
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
