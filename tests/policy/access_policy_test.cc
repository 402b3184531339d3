#include "policy/access_policy.h"

#include <fmt/format.h>
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

struct BadPolicy {
  std::string_view from;
  std::string_view to;
  std::string_view sentence;  // of the error
};

class BadPolicyTest : public ::testing::TestWithParam<BadPolicy> {};

TEST_P(BadPolicyTest, IsRefusedWithItsPlace) {
  const Result<AccessPolicy> policy =
      AccessPolicy::Parse(WithKeys(Replaced(SamplePolicy(), GetParam().from, GetParam().to)));
  ASSERT_FALSE(policy.ok()) << GetParam().to;
  EXPECT_EQ(policy.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(policy.error().ToString().find(GetParam().sentence), std::string::npos) << policy.error().ToString();
}

constexpr std::string_view kApprovals = "{ count = 1, roles = [\"admin\", \"auditor\"], minutes = 30 }";

INSTANTIATE_TEST_SUITE_P(
    Policies, BadPolicyTest,
    ::testing::Values(
        BadPolicy{"serial = 3\n", "", "serial: is required"}, BadPolicy{"serial = 3", "serial = 0", "from 1 to 2^53"},
        BadPolicy{"serial = 3", "serial = \"3\"", "serial"}, BadPolicy{"serial = 3", "serial = 3\nextra = 1", "extra"},
        BadPolicy{"admin_signatures = 2\n", "", "admin_signatures: is required"},
        BadPolicy{"admin_signatures = 2", "admin_signatures = 1", "one person alone"},
        BadPolicy{"admin_signatures = 2", "admin_signatures = 4", "more signatures than there are persons"},
        BadPolicy{"[person.carol]", "[person.\"Carol C\"]", "is no person's name"},
        BadPolicy{"[person.carol]", "[person.karl]", "is a key of another name"},
        BadPolicy{"principals = [\"unix:admin:1002\"]", "", "carol.principals:10: is required"},
        BadPolicy{"principals = [\"unix:admin:1002\"]", "principals = []", "a list that is not empty"},
        BadPolicy{"principals = [\"unix:admin:1002\"]", "principals = [\"unix:admin:1000\"]", "another person has"},
        BadPolicy{"principals = [\"unix:admin:1002\"]", "principals = [\"unix:restorer:1000\"]", "another person has"},
        BadPolicy{"principals = [\"unix:admin:1002\"]", "principals = [\"spiffe://example.org/role/restorer/alice\"]",
                  "another person has"},
        BadPolicy{"principals = [\"unix:dba:1004\"]", "principals = [\"unix:dba:1004\", \"unix:admin:1\"]",
                  "two roles that must be two persons'"},
        BadPolicy{"principals = [\"unix:dba:1004\"]", "principals = [\"unix:dba:1004\", \"unix:auditor:1\"]",
                  "two roles that must be two persons'"},
        BadPolicy{"principals = [\"unix:admin:1002\"]", "principals = [\"carol\"]", "is no principal"},
        BadPolicy{"principals = [\"unix:admin:1002\"]", "principals = [\"unix:admin:1002\", \"unix:auditor:1\"]",
                  "two roles that must be two persons'"},
        BadPolicy{"principals = [\"unix:admin:1002\"]", "principals = [\"unix:admin:1002\", \"unix:app:1\"]",
                  "two roles that must be two persons'"},
        BadPolicy{"principals = [\"unix:dba:1004\"]", "principals = [\"unix:dba:1004\", \"unix:app:1\"]",
                  "two roles that must be two persons'"},
        BadPolicy{"principals = [\"unix:dba:1004\"]", "principals = [\"unix:restorer:1\", \"unix:backup-agent:1\"]",
                  "two roles that must be two persons'"},
        BadPolicy{"principals = [\"unix:dba:1004\"]", "principals = [\"unix:dba:1004\"]\nemail = \"x\"",
                  "is not a key of a person"},
        BadPolicy{"roles = [\"dba\"]\noperations = [\"RotateKeyring\", \"RotateKek\"]",
                  "operations = [\"RotateKeyring\", \"RotateKek\"]", "roles:"},
        BadPolicy{"roles = [\"dba\"]\noperations = [\"RotateKeyring\", \"RotateKek\"]",
                  "roles = []\noperations = [\"RotateKeyring\"]", "roles"},
        BadPolicy{"[\"RotateKeyring\", \"RotateKek\"]\nkeyrings = [\"shop\"]",
                  "[\"RotateKeyring\", \"RotateKek\"]\nkeyrings = [\"sh*\"]", "is no keyring's name"},
        BadPolicy{"[\"RotateKeyring\", \"RotateKek\"]", "[\"RotateKeyring\", \"Rotate*\"]", "is no operation"},
        BadPolicy{"[\"RotateKeyring\", \"RotateKek\"]", "[\"RotateKeyring\", \"RotateKeyring\"]", "twice"},
        BadPolicy{"[\"RotateKeyring\", \"RotateKek\"]", "[\"RotateKeyring\", \"DecryptFields\"]",
                  "is required, since an operation of the rule is about them"},
        BadPolicy{"[\"RotateKeyring\", \"RotateKek\"]", "[\"RotateKeyring\", \"CreateKeyring\"]",
                  "one of the rule's roles may never have"},
        BadPolicy{"[\"RotateKeyring\", \"RotateKek\"]", "[\"RotateKeyring\", \"ListKeyrings\"]", "cannot be narrowed"},
        BadPolicy{"[\"RotateKeyring\", \"RotateKek\"]", "[\"RotateKeyring\", \"ShowStatus\"]", "cannot be narrowed"},
        BadPolicy{"operations = [\"GetKeyring\", \"ListKeyrings\"]", "operations = [\"GetKeyring\", \"ShowStatus\"]",
                  "a role alone decides"},
        BadPolicy{"[grant.rotates]", "[grant.admin-keys]", "is the name of a rule that is built in"},
        BadPolicy{"[grant.rotates]", "[grant.freeze]", "is the name of a grant and of a forbid"},
        BadPolicy{"[grant.rotates]", "[grant.Rotates]", "is no rule's name"},
        BadPolicy{"approvals = { count = 1, roles = [\"admin\", \"auditor\"], minutes = 30 }", "",
                  "the grant must say approvals"},
        BadPolicy{kApprovals, "{ count = 0, roles = [\"admin\"] }", "from 1 to 8"},
        BadPolicy{kApprovals, "{ roles = [\"admin\"] }", "approvals.count:60: is required"},
        BadPolicy{kApprovals, "{ count = 1 }", "roles:"},
        BadPolicy{kApprovals, "{ count = 1, roles = [] }", "a list that is not empty"},
        BadPolicy{kApprovals, "{ count = 1, roles = [\"app\"] }", "a role that may not approve"},
        BadPolicy{kApprovals, "{ count = 4, roles = [\"admin\", \"auditor\"] }", "more persons than there are"},
        BadPolicy{kApprovals, "{ count = 1, roles = [\"restorer\"] }", "more persons than there are"},
        BadPolicy{kApprovals, "{ count = 1, roles = [\"admin\"], minutes = 61 }", "from 1 to 60"},
        BadPolicy{kApprovals, "{ count = 1, roles = [\"admin\"], hours = 1 }", "is not a key of approvals"},
        BadPolicy{"tenants = \"all\"\n[grant.rotates]",
                  "tenants = \"all\"\napprovals = { count = 1, roles = [\"restorer\"] }\n[grant.rotates]",
                  "more persons than there are"},
        BadPolicy{"operations = [\"EncryptFields\"]",
                  "operations = [\"EncryptFields\"]\napprovals = { count = 1, roles = [\"admin\"] }",
                  "no person of the policy calls as"},
        BadPolicy{"limits = { values_per_minute = 600", "limits = { values_per_minute = 0", "from 1 to 1,000,000,000"},
        BadPolicy{"limits = { values_per_minute = 600, distinct_per_day = 10000, in_flight = 16 }", "limits = {}",
                  "must be a table with one of"},
        BadPolicy{"limits = { values_per_minute = 600", "limits = { per_hour = 600", "is not a key of limits"},
        BadPolicy{"purposes = [\"checkout\", \"support\"]", "purposes = [\"check out\"]", "is no purpose"},
        BadPolicy{"purposes = [\"checkout\", \"support\"]", "purposes = \"all\"", "a list that is not empty"},
        BadPolicy{"classes = [\"pii\", \"secret\"]", "classes = [\"token\"]", "is no class"},
        BadPolicy{"fields = [\"shop.user.email\", \"shop.card.number\"]", "fields = [\"shop.user\"]",
                  "is no field's name"},
        BadPolicy{"fields = [\"shop.user.email\", \"shop.card.number\"]", "fields = \"shop.user.email\"",
                  "\"all\" or a list"},
        BadPolicy{"not_before = 2027-01-01T00:00:00Z", "not_before = 2027-01-01", "a date and time with an offset"},
        BadPolicy{"not_after = 2028-01-01T00:00:00Z", "not_after = 2027-01-01T00:00:00Z", "later than not_before"},
        BadPolicy{"principals = [\"spiffe://example.org/role/app/orders\"]",
                  "principals = [\"spiffe://example.org/role/dba/orders\"]", "whose role is none of the rule's"},
        BadPolicy{"classes = [\"pii\", \"secret\"]", "classes = [\"pii\", \"secret\", \"public\", \"internal\"]",
                  "write \"all\""},
        BadPolicy{"[forbid.freeze]\nroles = [\"dba\"]",
                  "[forbid.freeze]\nroles = [\"dba\", \"app\"]\nprincipals = [\"unix:dba:1004\"]",
                  "which it would never match"},
        BadPolicy{"[forbid.freeze]\n", "[forbid.freeze]\npurposes = [\"x\"]\n", "is not a key of a forbid"},
        BadPolicy{"[forbid.freeze]\n", "[forbid.freeze]\nlimits = { in_flight = 1 }\n", "is not a key of a forbid"},
        BadPolicy{"[forbid.freeze]\n", "[forbid.freeze]\napprovals = { count = 1, roles = [\"admin\"] }\n",
                  "is not a key of a forbid"}));

TEST(AccessPolicy, AnErrorNeverRepeatsAValue) {
  const Result<AccessPolicy> policy = AccessPolicy::Parse(
      Replaced(SamplePolicy(), "purposes = [\"checkout\", \"support\"]", "purposes = [\"hunter2 hunter2\"]"));
  ASSERT_FALSE(policy.ok());
  EXPECT_EQ(policy.error().ToString().find("hunter2"), std::string::npos);
  EXPECT_GT(policy.error().line(), 0u);
}

TEST(AccessPolicy, TooMuchIsRefused) {
  EXPECT_FALSE(AccessPolicy::Parse(SamplePolicy() + std::string(kMaxPolicyBytes, '\n')).ok());
  std::string many = SamplePolicy();
  for (std::size_t i = 0; i <= kMaxAccessRules; ++i) {
    many += fmt::format("[forbid.x{}]\nroles = [\"app\"]\noperations = [\"ReportCensus\"]\n", i);
  }
  const Result<AccessPolicy> policy = AccessPolicy::Parse(many);
  ASSERT_FALSE(policy.ok());
  EXPECT_EQ(policy.error().limit(), kMaxAccessRules);
}

}  // namespace
}  // namespace coffer::policy
