#include "policy/access_policy.h"

#include <gtest/gtest.h>

#include "tests/policy/sample_policy.h"

namespace coffer::policy {
namespace {

AccessPolicy Sample() {
  Result<AccessPolicy> policy = AccessPolicy::Parse(SamplePolicy());
  EXPECT_TRUE(policy.ok()) << policy.error().ToString();
  return std::move(policy).value();
}

// 2027-06-01.
constexpr std::int64_t kSummer = 1'811'808'000;

Act OrdersDecrypts() {
  return {.role = Role::kApp,
          .principal = "spiffe://example.org/role/app/orders",
          .operation = Operation::kDecryptFields,
          .field = "shop.user.email",
          .field_class = FieldClass::kPii,
          .keyring = "shop-pii",
          .tenant = "default",
          .purpose = "checkout",
          .now_unix_s = kSummer};
}

TEST(AccessPolicy, SampleHoldsWhatIsWritten) {
  const AccessPolicy policy = Sample();
  EXPECT_EQ(policy.serial(), 3u);
  EXPECT_EQ(policy.admin_signatures(), 2u);
  EXPECT_EQ(policy.persons().size(), 5u);
  EXPECT_EQ(policy.rules().size(), 9u);
  ASSERT_NE(policy.PersonOf("unix:restorer:1001"), nullptr);
  EXPECT_EQ(policy.PersonOf("unix:restorer:1001")->name, "bob");
  EXPECT_EQ(policy.PersonOf("unix:dba:1"), nullptr);
  EXPECT_EQ(policy.FindPerson("mallory"), nullptr);
}

TEST(AccessPolicy, AGrantAllowsWhatAllItsPartsName) {
  const AccessPolicy policy = Sample();
  const Decision decision = policy.Decide(OrdersDecrypts());
  EXPECT_EQ(decision.outcome, Outcome::kAllowed);
  EXPECT_EQ(decision.rule, "orders");
  EXPECT_EQ(decision.approvals, nullptr);
  EXPECT_EQ(decision.limits.values_per_minute, 600);
  EXPECT_EQ(decision.limits.distinct_per_day, 10'000);
  EXPECT_EQ(decision.limits.in_flight, 16);
}

TEST(AccessPolicy, EachPartThatDoesNotMatchDenies) {
  const AccessPolicy policy = Sample();
  const auto denied = [&](auto change) {
    Act act = OrdersDecrypts();
    change(act);
    const Decision decision = policy.Decide(act);
    EXPECT_EQ(decision.rule, "default-deny");
    return decision.outcome == Outcome::kDenied;
  };
  EXPECT_TRUE(denied([](Act& act) { act.principal = "spiffe://example.org/role/app/other"; }));
  EXPECT_TRUE(denied([](Act& act) { act.field = "shop.user.name"; }));
  EXPECT_TRUE(denied([](Act& act) { act.field = std::nullopt; }));
  EXPECT_TRUE(denied([](Act& act) { act.field_class = FieldClass::kPublic; }));
  EXPECT_TRUE(denied([](Act& act) { act.keyring = "other"; }));
  EXPECT_TRUE(denied([](Act& act) { act.tenant = "south"; }));
  EXPECT_TRUE(denied([](Act& act) { act.purpose = "curiosity"; }));
  EXPECT_TRUE(denied([](Act& act) { act.purpose = ""; }));
  EXPECT_TRUE(denied([](Act& act) { act.now_unix_s = 1'798'761'599; }));  // the second before 2027
  EXPECT_TRUE(denied([](Act& act) { act.now_unix_s = 1'830'297'600; }));  // 2028
}

TEST(AccessPolicy, AForbidWinsAndNamesItself) {
  Act act = OrdersDecrypts();
  act.field = "shop.card.number";
  act.field_class = FieldClass::kSecret;
  act.keyring = "shop";
  const AccessPolicy policy = Sample();
  EXPECT_EQ(policy.Decide(act).outcome, Outcome::kAllowed);
  act.tenant = "north";
  EXPECT_EQ(policy.Decide(act).outcome, Outcome::kDenied);
  EXPECT_EQ(policy.Decide(act).rule, "card-numbers");
  // What is not known could be what is forbidden.
  act.tenant = std::nullopt;
  EXPECT_EQ(policy.Decide(act).rule, "card-numbers");
}

TEST(AccessPolicy, WhatARoleMayNeverHaveNoPolicyGives) {
  const AccessPolicy policy = Sample();
  const Decision decision =
      policy.Decide({.role = Role::kDba, .principal = "unix:dba:1004", .operation = Operation::kDecryptFields});
  EXPECT_EQ(decision.outcome, Outcome::kDenied);
  EXPECT_EQ(decision.rule, "dba-sees-no-plaintext");
}

TEST(AccessPolicy, OthersApproveAndNobodyHimself) {
  const AccessPolicy policy = Sample();
  const auto outcome = [&](std::string_view principal, std::vector<std::string_view> approved_by) {
    return policy
        .Decide({.role = Role::kAdmin,
                 .principal = principal,
                 .operation = Operation::kScheduleDestroy,
                 .keyring = "shop",
                 .approved_by = approved_by})
        .outcome;
  };
  EXPECT_EQ(outcome("unix:admin:1000", {}), Outcome::kNeedsApproval);
  EXPECT_EQ(outcome("unix:admin:1000", {"alice"}), Outcome::kNeedsApproval);
  // Her other principal is the same person.
  EXPECT_EQ(outcome("spiffe://example.org/role/admin/alice", {"alice"}), Outcome::kNeedsApproval);
  EXPECT_EQ(outcome("unix:admin:1000", {"erin"}), Outcome::kNeedsApproval);    // of no role that may
  EXPECT_EQ(outcome("unix:admin:1000", {"nobody"}), Outcome::kNeedsApproval);  // no person
  // Whoever is no person of the policy could be any of them.
  EXPECT_EQ(outcome("unix:admin:1999", {"alice"}), Outcome::kNeedsApproval);
  EXPECT_EQ(outcome("", {"alice"}), Outcome::kNeedsApproval);
  EXPECT_EQ(outcome("unix:admin:1000", {"bob"}), Outcome::kAllowed);
  EXPECT_EQ(outcome("unix:admin:1000", {"dave"}), Outcome::kAllowed);
}

TEST(AccessPolicy, TheGrantThatAsksLeastDecides) {
  const AccessPolicy policy = Sample();
  Act act{.role = Role::kDba,
          .principal = "unix:dba:1004",
          .operation = Operation::kRotateKeyring,
          .keyring = "shop",
          .now_unix_s = kSummer};
  EXPECT_EQ(policy.Decide(act).rule, "rotates");
  act.keyring = "other";
  EXPECT_EQ(policy.Decide(act).outcome, Outcome::kNeedsApproval);
  EXPECT_EQ(policy.Decide(act).rule, "rotates-all");
  const std::vector<std::string_view> one = {"alice"};
  act.approved_by = one;
  EXPECT_EQ(policy.Decide(act).outcome, Outcome::kNeedsApproval);
  const std::vector<std::string_view> two = {"alice", "carol"};
  act.approved_by = two;
  EXPECT_EQ(policy.Decide(act).outcome, Outcome::kAllowed);
  const std::vector<std::string_view> twice = {"alice", "alice"};
  act.approved_by = twice;
  EXPECT_EQ(policy.Decide(act).outcome, Outcome::kNeedsApproval);
}

TEST(AccessPolicy, AUserIsOnePersonInEveryRole) {
  const AccessPolicy policy = Sample();
  ASSERT_NE(policy.PersonOf("unix:dba:1000"), nullptr);
  EXPECT_EQ(policy.PersonOf("unix:dba:1000")->name, "alice");
  EXPECT_EQ(policy.PersonOf("spiffe://example.org/role/auditor/alice")->name, "alice");
  EXPECT_EQ(policy.PersonOf("spiffe://example.com/role/admin/alice"), nullptr);
  const std::vector<std::string_view> alice = {"alice"};
  EXPECT_EQ(policy
                .Decide({.role = Role::kDba,
                         .principal = "unix:dba:1000",
                         .operation = Operation::kRotateKeyring,
                         .keyring = "other",
                         .now_unix_s = kSummer,
                         .approved_by = alice})
                .outcome,
            Outcome::kNeedsApproval);
}

TEST(AccessPolicy, OfSeveralGrantsTheWidestLimitHoldsWhateverTheirNames) {
  const std::string more =
      "[grant.NAME]\nroles = [\"app\"]\noperations = [\"DecryptFields\"]\nfields = \"all\"\nclasses = \"all\"\n"
      "keyrings = \"all\"\ntenants = \"all\"\nlimits = { values_per_minute = 1000 }\n";
  for (const std::string_view name : {"a", "z"}) {
    const AccessPolicy policy = AccessPolicy::Parse(SamplePolicy() + WithKeys(Replaced(more, "NAME", name))).value();
    const Decision decision = policy.Decide(OrdersDecrypts());
    EXPECT_EQ(decision.limits.values_per_minute, 1'000) << name;
    EXPECT_EQ(decision.limits.in_flight, std::nullopt) << name;
  }
}

TEST(AccessPolicy, BuiltInAllowsWhatARoleMayEverAndNoActOfTwo) {
  const AccessPolicy policy = AccessPolicy::Builtin();
  EXPECT_EQ(policy.serial(), 0u);
  for (const Role role : AllRoles()) {
    for (const Operation operation : AllOperations()) {
      const RoleDecision may = MayEver(role, operation);
      const Decision decision = policy.Decide({.role = role, .principal = "unix:x:1", .operation = operation});
      EXPECT_EQ(decision.rule, may.rule) << OperationName(operation);
      const Outcome wanted = !may.allowed                   ? Outcome::kDenied
                             : NeedsSecondPerson(operation) ? Outcome::kNeedsApproval
                                                            : Outcome::kAllowed;
      EXPECT_EQ(decision.outcome, wanted) << RoleName(role) << " " << OperationName(operation);
    }
  }
}

TEST(AccessPolicy, ValuesOutsideTheEnumsAreDenied) {
  const AccessPolicy policy = Sample();
  EXPECT_EQ(policy.Decide({.role = Role::kAdmin, .operation = static_cast<Operation>(200)}).outcome, Outcome::kDenied);
  EXPECT_EQ(policy.Decide({.role = static_cast<Role>(9), .operation = Operation::kGetKeyring}).outcome,
            Outcome::kDenied);
}

TEST(AccessPolicy, AFieldsClassesMayBeAllInAStandingGrant) {
  const Result<AccessPolicy> policy = AccessPolicy::Parse(
      Replaced(SamplePolicy(),
               "operations = [\"RotateKeyring\", \"RotateKek\"]\nkeyrings = [\"shop\"]\nprincipals = "
               "[\"unix:dba:1004\"]\n",
               "operations = [\"RewrapFields\"]\nfields = [\"shop.user.email\"]\nclasses = \"all\"\nkeyrings = "
               "[\"shop\"]\ntenants = [\"default\"]\nprincipals = [\"unix:dba:1004\"]\n"));
  EXPECT_TRUE(policy.ok()) << policy.error().ToString();
}

TEST(AccessPolicy, AGrantThatOverlapsNoOtherInSomePartNeedsNotStand) {
  const std::string without = Replaced(SamplePolicy(), "standing = true\n", "");
  const std::string_view asks = "operations = [\"RotateKeyring\"]\nkeyrings = \"all\"\napprovals";
  const auto accepted = [&](std::string_view instead) {
    return AccessPolicy::Parse(Replaced(without, asks, instead)).ok();
  };
  EXPECT_FALSE(accepted(asks));
  EXPECT_TRUE(accepted("operations = [\"ReportCensus\"]\napprovals"));
  EXPECT_TRUE(accepted("operations = [\"RotateKeyring\"]\nkeyrings = [\"vault\"]\napprovals"));
  EXPECT_FALSE(accepted("operations = [\"RotateKeyring\"]\nkeyrings = [\"shop\", \"vault\"]\napprovals"));
  EXPECT_FALSE(accepted("operations = [\"RotateKeyring\"]\nkeyrings = \"all\"\npurposes = [\"x\"]\napprovals"));
  // From when the other one ends.
  EXPECT_TRUE(
      accepted("operations = [\"RotateKeyring\"]\nkeyrings = \"all\"\nnot_before = 2028-06-01T00:00:00Z\napprovals"));
  EXPECT_FALSE(
      accepted("operations = [\"RotateKeyring\"]\nkeyrings = \"all\"\nnot_before = 2028-05-31T23:59:59Z\napprovals"));
}

TEST(AccessPolicy, ARecoveredNameCountsAsTheOneBeforeInEveryRule) {
  const AccessPolicy policy = Sample();
  for (const std::string_view principal :
       {"spiffe://example.org/role/app/orders-2", "spiffe://example.org/role/app/orders-3"}) {
    Act act = OrdersDecrypts();
    act.principal = principal;
    EXPECT_EQ(policy.Decide(act).rule, "orders");
    EXPECT_TRUE(policy.break_glass()->rule.principals.contains(principal));
    act.principal = "spiffe://example.org/role/app/orders-4";
    EXPECT_EQ(policy.Decide(act).outcome, Outcome::kDenied);
  }
  // A forbid of the one before is one of the new one.
  const std::string forbid =
      "[forbid.\"no-orders\"]\nroles = [\"app\"]\noperations = [\"EncryptFields\"]\n"
      "principals = [\"spiffe://example.org/role/app/orders\"]\nfields = \"all\"\nclasses = \"all\"\n"
      "keyrings = \"all\"\ntenants = \"all\"\n";
  Act act = OrdersDecrypts();
  act.operation = Operation::kEncryptFields;
  act.principal = "spiffe://example.org/role/app/orders-2";
  EXPECT_EQ(policy.Decide(act).outcome, Outcome::kAllowed);
  EXPECT_EQ(AccessPolicy::Parse(SamplePolicy() + forbid).value().Decide(act).rule, "no-orders");
}

TEST(AccessPolicy, WhatIsKeptForAnEmergencyIsOffUntilItIsUsed) {
  const AccessPolicy policy = Sample();
  ASSERT_TRUE(policy.break_glass().has_value());
  const BreakGlass& kept = *policy.break_glass();
  EXPECT_EQ(kept.minutes, 30u);
  EXPECT_EQ(kept.key, SampleSigner("glass").verifier());
  EXPECT_EQ(kept.rule.id, kBreakGlassRule);
  Act act = OrdersDecrypts();
  act.principal = "unix:app:1009";
  act.field = "shop.card.number";
  EXPECT_EQ(policy.Decide(act).rule, "default-deny");
  const AccessPolicy emergency = policy.With({kept.rule}).value();
  EXPECT_EQ(emergency.Decide(act).rule, kBreakGlassRule);
  EXPECT_EQ(emergency.Decide(act).limits.values_per_minute, 10);
  act.tenant = "north";
  EXPECT_EQ(emergency.Decide(act).rule, "card-numbers");
  EXPECT_FALSE(AccessPolicy::Builtin().break_glass().has_value());
}

TEST(AccessPolicy, GrantsBesideItAreCheckedAsItsOwn) {
  const AccessPolicy policy = Sample();
  const AccessRule issued = policy.ParseIssuedGrant(kSampleIssuedGrant, kSampleIssuedAt).value();
  EXPECT_EQ(policy.With({}).value().rules().size(), policy.rules().size());
  const AccessPolicy with = policy.With({issued}).value();
  EXPECT_EQ(with.serial(), policy.serial());
  EXPECT_EQ(with.rules().size(), policy.rules().size() + 1);
  const auto sentence = [&](const std::vector<AccessRule>& grants) {
    const Result<AccessPolicy> refused = policy.With(grants);
    return refused.ok() ? "accepted" : refused.error().ToString();
  };
  EXPECT_EQ(sentence({issued, issued}).find("grant.issued-support:1: is the name of two rules"), 0u);
  AccessRule of_another_role = issued;
  of_another_role.roles = {Role::kDba};
  EXPECT_EQ(sentence({of_another_role}).find("grant.issued-support.DecryptFields:1: is an operation that one of"), 0u);
  AccessRule of_nobody = issued;
  of_nobody.approvals = ApprovalRule{.count = 1, .roles = {Role::kAdmin}};
  EXPECT_EQ(sentence({of_nobody}).find("grant.issued-support.approvals:1: is for nobody"), 0u);
  AccessRule of_two = issued;
  of_two.roles = {Role::kAdmin};
  of_two.principals = {"unix:admin:1000"};
  of_two.operations = {Operation::kScheduleDestroy};
  EXPECT_EQ(sentence({of_two}).find("grant.issued-support.ScheduleDestroy:1: asks a second person"), 0u);
}

}  // namespace
}  // namespace coffer::policy
