#include "policy/policy_diff.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/policy/policy_worlds.h"
#include "tests/policy/sample_policy.h"

namespace coffer::policy {
namespace {

AccessPolicy Parsed(const std::string& text) {
  Result<AccessPolicy> policy = AccessPolicy::Parse(WithKeys(text));
  EXPECT_TRUE(policy.ok()) << policy.error().ToString();
  return std::move(policy).value();
}

std::vector<std::string> Diff(const AccessPolicy& before, const AccessPolicy& after) {
  const Result<std::vector<DecisionChange>> changes = DiffDecisions(before, after);
  EXPECT_TRUE(changes.ok());
  std::vector<std::string> lines;
  for (const DecisionChange& change : *changes) {
    lines.push_back(fmt::format("{} {}{}{}: {} -> {}{}", RoleName(change.role), OperationName(change.operation),
                                change.where.empty() ? "" : ", ", fmt::join(change.where, ", "), change.before,
                                change.after, change.widens ? " (wider)" : ""));
  }
  return lines;
}

std::vector<std::string> DiffOfSample(std::string_view from, std::string_view to) {
  return Diff(Parsed(SamplePolicy()), Parsed(Replaced(SamplePolicy(), from, to)));
}

using Lines = std::vector<std::string>;

TEST(PolicyDiff, APolicyDoesNotDifferFromItself) {
  EXPECT_EQ(Diff(Parsed(SamplePolicy()), Parsed(SamplePolicy())), Lines());
  EXPECT_EQ(Diff(AccessPolicy::Builtin(), AccessPolicy::Builtin()), Lines());
}

TEST(PolicyDiff, ANewNameOrOrderOfRulesChangesNoDecision) {
  EXPECT_EQ(DiffOfSample("[grant.rotates]", "[grant.turns]"), Lines());
  EXPECT_EQ(DiffOfSample("serial = 3", "serial = 4"), Lines());
  EXPECT_EQ(DiffOfSample("tenants = [\"default\", \"north\"]", "tenants = [\"north\", \"default\"]"), Lines());
}

// [grant.orders-writes] gives it already.
TEST(PolicyDiff, AGrantThatAnotherGrantCoversChangesNothing) {
  EXPECT_EQ(DiffOfSample("[grant.orders-writes]",
                         "[grant.writes-again]\nroles = [\"app\"]\noperations = [\"EncryptFields\"]\n"
                         "fields = [\"shop.user.email\"]\nclasses = \"all\"\nkeyrings = \"all\"\n"
                         "tenants = [\"default\"]\npurposes = [\"import\"]\n[grant.orders-writes]"),
            Lines());
}

TEST(PolicyDiff, OneTenantMoreIsOneLineForEachOperation) {
  EXPECT_EQ(DiffOfSample("[\"EncryptFields\"]\nfields = \"all\"\nclasses = \"all\"\nkeyrings = \"all\"\ntenants = "
                         "[\"default\"]",
                         "[\"EncryptFields\"]\nfields = \"all\"\nclasses = \"all\"\nkeyrings = \"all\"\ntenants = "
                         "[\"default\", \"south\"]"),
            Lines({"app EncryptFields, tenant south: denied -> allowed (wider)"}));
}

TEST(PolicyDiff, AScopeThatOpensSaysWhatIsNew) {
  EXPECT_EQ(DiffOfSample("operations = [\"RotateKeyring\", \"RotateKek\"]\nkeyrings = [\"shop\"]",
                         "operations = [\"RotateKeyring\", \"RotateKek\"]\nkeyrings = [\"blog\", \"shop\"]"),
            Lines({"dba RotateKeyring, principal unix:dba:1004, keyring blog, until 2027-12-20T00:00:00Z, from "
                   "2028-01-03T00:00:00Z until 2028-06-01T00:00:00Z: allowed: 2 approvals of admin within 60 minutes "
                   "-> allowed (wider)",
                   "dba RotateKek, principal unix:dba:1004, keyring blog, until 2027-12-20T00:00:00Z, from "
                   "2028-01-03T00:00:00Z until 2028-06-01T00:00:00Z: denied -> allowed (wider)"}));
}

TEST(PolicyDiff, ANewNameOfARecoveredClusterIsToldWhereverTheOldOneCounts) {
  const Lines lines = DiffOfSample(", \"spiffe://example.org/role/app/orders-3\"]", "]");
  ASSERT_FALSE(lines.empty());
  for (const std::string& line : lines) {
    EXPECT_NE(line.find(", principal spiffe://example.org/role/app/orders-3, field "), std::string::npos) << line;
    EXPECT_FALSE(line.ends_with("(wider)")) << line;
  }
  EXPECT_TRUE(lines.back().starts_with("app DecryptFields, in an emergency, ")) << lines.back();
}

TEST(PolicyDiff, WhatIsKeptForAnEmergencyIsComparedApart) {
  EXPECT_EQ(DiffOfSample("tenants = [\"default\", \"north\"]\nlimits", "tenants = [\"default\", \"south\"]\nlimits"),
            Lines({"app DecryptFields, in an emergency, principal spiffe://example.org/role/app/orders, "
                   "spiffe://example.org/role/app/orders-2, spiffe://example.org/role/app/orders-3, unix:app:1009, "
                   "field shop.card.number, tenant south: denied -> allowed: at most 10 values a minute (wider)"}));
  const std::string_view kept = kSampleBesides.substr(kSampleBesides.find("[break_glass]"));
  const std::string without = Replaced(SamplePolicy(), WithKeys(std::string(kept)), "");
  const Lines lines = Diff(Parsed(without), Parsed(SamplePolicy()));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].starts_with("app DecryptFields, in an emergency, principal ")) << lines[0];
  // A forbid wins in an emergency too.
  EXPECT_TRUE(
      lines[0].ends_with("field shop.card.number, tenant default: denied -> allowed: at most 10 values a minute "
                         "(wider)"))
      << lines[0];
  EXPECT_EQ(DiffBreakGlass(Parsed(without), Parsed(SamplePolicy())),
            Lines({"break-glass: is new, 30 minutes by the key glass"}));
  EXPECT_EQ(DiffBreakGlass(Parsed(SamplePolicy()), Parsed(without)), Lines({"break-glass: is gone"}));
  EXPECT_EQ(DiffBreakGlass(Parsed(without), Parsed(without)), Lines());
}

TEST(PolicyDiff, TheKeyAndTheMinutesOfAnEmergencyAreTold) {
  const auto lines = [](const std::string& from, const std::string& to) {
    const std::string changed = Replaced(SamplePolicy(), from, to);
    EXPECT_EQ(Diff(Parsed(SamplePolicy()), Parsed(changed)), Lines());
    return DiffBreakGlass(Parsed(SamplePolicy()), Parsed(changed));
  };
  EXPECT_EQ(lines(SampleKey("glass"), "@glass@"), Lines());
  EXPECT_EQ(lines(SampleKey("glass"), "@ice@"), Lines({"break-glass: has another key"}));
  EXPECT_EQ(lines("minutes = 30\nroles", "minutes = 1\nroles"), Lines({"break-glass: 30 minutes -> 1 minute"}));
  EXPECT_EQ(lines("minutes = 30\nroles", "roles"), Lines({"break-glass: 30 minutes -> 60 minutes"}));
}

TEST(PolicyDiff, ALimitAndAnApprovalAreDecisions) {
  EXPECT_EQ(DiffOfSample("minutes = 30", "minutes = 10"),
            Lines({"admin ScheduleDestroy: allowed: 1 approval of auditor, admin within 30 minutes -> allowed: 1 "
                   "approval of auditor, admin within 10 minutes"}));
  const Lines lines = DiffOfSample("in_flight = 16", "in_flight = 17");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(
      lines[0].starts_with("app EncryptFields, principal spiffe://example.org/role/app/orders, "
                           "spiffe://example.org/role/app/orders-2, spiffe://example.org/role/app/orders-3, field "
                           "shop.card.number, shop.user.email, class pii, secret, keyring "))
      << lines[0];
  EXPECT_TRUE(lines[0].ends_with("(wider)")) << lines[0];
}

TEST(PolicyDiff, AForbidThatIsLiftedOpensOnlyWhatAGrantAllows) {
  const std::string lifted = Replaced(SamplePolicy(), "tenants = [\"north\"]\n", "tenants = [\"elsewhere\"]\n");
  EXPECT_EQ(Diff(Parsed(SamplePolicy()), Parsed(lifted)),
            Lines({"app DecryptFields, principal spiffe://example.org/role/app/orders, "
                   "spiffe://example.org/role/app/orders-2, spiffe://example.org/role/app/orders-3, field "
                   "shop.card.number, class pii, secret, keyring shop, shop-pii, tenant north, purpose checkout, "
                   "support, from 2027-01-01T00:00:00Z until 2028-01-01T00:00:00Z: denied -> allowed: at most 600 "
                   "values a minute; at most 10000 distinct values a day; at most 16 calls in flight (wider)",
                   "app DecryptFields, in an emergency, principal spiffe://example.org/role/app/orders, "
                   "spiffe://example.org/role/app/orders-2, spiffe://example.org/role/app/orders-3, unix:app:1009, "
                   "field shop.card.number, tenant north: denied -> allowed: at most 10 values a minute (wider)"}));
}

TEST(PolicyDiff, FromTheBuiltInPolicyMostIsNarrower) {
  const Lines lines = Diff(AccessPolicy::Builtin(), Parsed(SamplePolicy()));
  EXPECT_GT(lines.size(), 50u);
  for (const std::string& line : lines) EXPECT_FALSE(line.ends_with("-> allowed (wider)")) << line;
}

// Whether the independent evaluator decides an act of the role and operation otherwise, all facets known.
bool DecidesOtherwise(const naive::World& before, const naive::World& after, Role role, Operation operation) {
  bool otherwise = false;
  EveryAct(role, operation).Each([&](const Asked& asked) {
    const auto known = [&](Facet facet, const std::optional<std::string>& value) {
      return value.has_value() || !HasFacet(operation, facet);
    };
    if (otherwise || !known(Facet::kField, asked.act.field) || !known(Facet::kClass, asked.act.field_class) ||
        !known(Facet::kKeyring, asked.act.keyring) || !known(Facet::kTenant, asked.act.tenant)) {
      return;
    }
    otherwise = naive::Decide(before, asked.act) != naive::Decide(after, asked.act);
  });
  return otherwise;
}

// What the policy keeps for an emergency, alone but for the forbids.
naive::World EmergencyOf(naive::World world) {
  std::erase_if(world.rules, [](const naive::Rule& rule) { return !rule.forbid; });
  world.in_emergency = world.emergency.has_value();
  return world;
}

struct Printed {
  bool any = false;
  bool with_approvals = false;
};

Printed PrintedOf(const std::vector<DecisionChange>& changes, Role role, Operation operation, bool in_emergency) {
  Printed printed;
  for (const DecisionChange& change : changes) {
    const bool of_emergency = !change.where.empty() && change.where.front() == "in an emergency";
    if (change.role != role || change.operation != operation || of_emergency != in_emergency) continue;
    printed.any = true;
    printed.with_approvals =
        printed.with_approvals || (change.before + change.after).find("approval") != std::string::npos;
  }
  return printed;
}

TEST(PolicyDiff, ItTellsWhatAnIndependentEvaluatorDecidesOtherwiseAndNothingElse) {
  const naive::Matrix matrix = naive::ReadMatrix("tests/policy/roles_matrix.txt");
  std::size_t told = 0;
  std::size_t told_of_emergencies = 0;
  std::size_t alike = 0;
  for (std::uint64_t seed = 1; seed <= Worlds(12); ++seed) {
    Maker maker(seed, matrix);
    naive::World before = maker.Make(10);
    naive::World after = before;
    after.rules.erase(after.rules.begin() + static_cast<std::ptrdiff_t>(maker.Below(after.rules.size())));
    naive::Rule& changed = after.rules[maker.Below(after.rules.size())];
    if (changed.tenants) changed.tenants = Texts{"south"};
    maker.MakeStanding(after);
    before.emergency = maker.MakeEmergency();
    after.emergency = before.emergency;
    if (after.emergency->tenants) after.emergency->tenants = Texts{"south"};
    if (seed % 3 == 0) after.emergency->principals = {"unix:app:999"};
    if (seed % 4 == 0) before.emergency = std::nullopt;
    const auto changes = DiffDecisions(Parsed(naive::ToToml(before)), Parsed(naive::ToToml(after)));
    ASSERT_TRUE(changes.ok());
    for (const Role role : AllRoles()) {
      for (const Operation operation : AllOperations()) {
        for (const bool in_emergency : {false, true}) {
          const Printed printed = PrintedOf(*changes, role, operation, in_emergency);
          const bool otherwise = in_emergency
                                     ? DecidesOtherwise(EmergencyOf(before), EmergencyOf(after), role, operation)
                                     : DecidesOtherwise(before, after, role, operation);
          // Of ways to have something approved, the acts here try only some.
          EXPECT_TRUE(printed.any == otherwise || (printed.any && printed.with_approvals))
              << "seed " << seed << ": " << RoleName(role) << " " << OperationName(operation) << " " << in_emergency;
          (in_emergency ? told_of_emergencies : told) += printed.any ? 1 : 0;
          alike += printed.any ? 0 : 1;
        }
      }
    }
  }
  EXPECT_GT(told_of_emergencies, Worlds(10));
  EXPECT_GT(told, Worlds(20));
  EXPECT_GT(alike, 50u);
}

TEST(PolicyDiff, HundredsOfApplicationsWithScopesOfTheirOwnAreCompared) {
  std::string many = SamplePolicy();
  const auto one = [](int i) {
    return fmt::format(
        "[grant.app{0}]\nroles = [\"app\"]\nprincipals = [\"unix:app:{1}\"]\noperations = [\"EncryptFields\", "
        "\"DecryptFields\"]\nfields = [\"app.t{0}.c\"]\nclasses = \"all\"\nkeyrings = [\"ring{0}\"]\n"
        "tenants = [\"tenant{0}\"]\npurposes = [\"p{0}\"]\n",
        i, 2000 + i);
  };
  for (int i = 0; i < 400; ++i) many += one(i);
  EXPECT_EQ(Diff(Parsed(many), Parsed(many + one(400))),
            Lines({"app EncryptFields, principal unix:app:2400, field app.t400.c, keyring ring400, tenant tenant400, "
                   "purpose p400: denied -> allowed (wider)",
                   "app DecryptFields, principal unix:app:2400, field app.t400.c, keyring ring400, tenant tenant400, "
                   "purpose p400: denied -> allowed (wider)"}));
}

TEST(PolicyDiff, WhatTellsTooMuchApartIsRefused) {
  // Each rule names half of the fields, keyrings, tenants and purposes, by chance: no two names are alike.
  std::mt19937_64 random(1);
  const auto half = [&random](std::string_view prefix) {
    std::string names;
    for (int n = 0; n < 60; ++n) {
      if (random() % 2 == 0) names += fmt::format("{}\"{}{}\"", names.empty() ? "" : ", ", prefix, n);
    }
    return "[" + names + "]\n";
  };
  std::string text = SamplePolicy();
  for (int i = 0; i < 100; ++i) {
    text += fmt::format("[grant.g{}]\nroles = [\"app\"]\noperations = [\"DecryptFields\"]\nclasses = \"all\"\n", i);
    text += "fields = " + half("a.b.c") + "keyrings = " + half("r");
    text += "tenants = " + half("t") + "purposes = " + half("p");
  }
  const Result<std::vector<DecisionChange>> changes = DiffDecisions(Parsed(text), AccessPolicy::Builtin());
  ASSERT_FALSE(changes.ok());
  EXPECT_EQ(changes.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(changes.error().limit(), kMaxDiffWork);
}

TEST(PolicyDiff, WaysThatGiveNothingMoreChangeNothing) {
  const std::string two =
      "[grant.more]\nroles = [\"admin\"]\noperations = [\"ScheduleDestroy\"]\nkeyrings = \"all\"\n"
      "approvals = { count = 2, roles = [\"admin\"], minutes = 30 }\n";
  EXPECT_EQ(Diff(Parsed(SamplePolicy()), Parsed(SamplePolicy() + two)), Lines());
  // One of either is one of both.
  const std::string_view both = "approvals = { count = 1, roles = [\"admin\", \"auditor\"], minutes = 30 }";
  const std::string split =
      Replaced(SamplePolicy(), both, "approvals = { count = 1, roles = [\"admin\"], minutes = 30 }") +
      "[grant.by-auditor]\nroles = [\"admin\"]\noperations = [\"ScheduleDestroy\"]\n"
      "keyrings = \"all\"\napprovals = { count = 1, roles = [\"auditor\"], minutes = 30 }\n";
  EXPECT_EQ(Diff(Parsed(SamplePolicy()), Parsed(split)), Lines());
}

TEST(PolicyDiff, ALimitThatGoesIsWider) {
  const std::string limited =
      "[grant.NAME]\nroles = [\"dba\"]\noperations = [\"ReportCensus\"]\nlimits = { in_flight = 1 }\n";
  const std::string free = "[grant.free]\nroles = [\"dba\"]\noperations = [\"ReportCensus\"]\n";
  EXPECT_EQ(Diff(Parsed(SamplePolicy() + Replaced(limited, "NAME", "a")), Parsed(SamplePolicy() + free)),
            Lines({"dba ReportCensus: allowed: at most 1 calls in flight -> allowed (wider)"}));
  EXPECT_EQ(Diff(Parsed(SamplePolicy() + free + Replaced(limited, "NAME", "a")), Parsed(SamplePolicy() + free)),
            Lines());
}

TEST(PolicyDiff, PersonsAreCompared) {
  const AccessPolicy before = Parsed(SamplePolicy());
  const AccessPolicy after = Parsed(WithKeys(
      Replaced(Replaced(SamplePolicy(), "principals = [\"unix:admin:1002\"]", "principals = [\"unix:admin:1007\"]"),
               "[person.erin]\nkey = \"" + SampleKey("erin") + "\"\nprincipals = [\"unix:dba:1004\"]",
               "[person.frank]\nkey = \"@frank@\"\nprincipals = [\"unix:dba:9\"]")));
  EXPECT_EQ(DiffPersons(before, after),
            Lines({"person carol: calls no more as unix:admin:1002", "person carol: calls also as unix:admin:1007",
                   "person erin: is gone", "person frank: is new, dba"}));
  const AccessPolicy approves = Parsed(Replaced(SamplePolicy(), "principals = [\"unix:dba:1004\"]",
                                                "principals = [\"unix:dba:1004\", \"unix:restorer:1004\"]"));
  EXPECT_EQ(DiffPersons(before, approves), Lines({"person erin: calls also as unix:restorer:1004",
                                                  "person erin: is now restorer, and may approve as such"}));
  EXPECT_EQ(DiffPersons(before, before), Lines());
}

}  // namespace
}  // namespace coffer::policy
