#include <gtest/gtest.h>

#include "policy/access_policy.h"
#include "tests/policy/sample_policy.h"

namespace coffer::policy {
namespace {

AccessPolicy Sample() {
  Result<AccessPolicy> policy = AccessPolicy::Parse(SamplePolicy());
  EXPECT_TRUE(policy.ok()) << policy.error().ToString();
  return std::move(policy).value();
}

TEST(IssuedGrant, IsWhatIsWritten) {
  const AccessPolicy policy = Sample();
  const Result<AccessRule> issued = policy.ParseIssuedGrant(kSampleIssuedGrant, kSampleIssuedAt);
  ASSERT_TRUE(issued.ok()) << issued.error().ToString();
  EXPECT_EQ(issued->id, "issued-support");
  EXPECT_EQ(issued->effect, AccessRule::Effect::kGrant);
  Act act{.role = Role::kApp,
          .principal = "spiffe://example.org/role/app/support",
          .operation = Operation::kDecryptFields,
          .field = "shop.user.email",
          .field_class = FieldClass::kPii,
          .keyring = "shop",
          .tenant = "default",
          .purpose = "support",
          .now_unix_s = kSampleIssuedAt};
  EXPECT_EQ(policy.Decide(act).outcome, Outcome::kDenied);
  const AccessPolicy with = policy.With({*issued}).value();
  EXPECT_EQ(with.Decide(act).rule, "issued-support");
  EXPECT_EQ(with.Decide(act).limits.values_per_minute, 10);
  act.now_unix_s = *issued->not_after_unix_s;
  EXPECT_EQ(with.Decide(act).outcome, Outcome::kDenied);
}

TEST(IssuedGrant, MayAllowWithoutApprovalsWhatThePolicyAsksThemFor) {
  const AccessPolicy policy = Sample();
  const std::string text =
      "[grant.issued-night]\nroles = [\"dba\"]\nprincipals = [\"unix:dba:1004\"]\noperations = [\"RotateKeyring\"]\n"
      "keyrings = \"all\"\nnot_after = 2027-06-02T00:00:00Z\n";
  const Result<AccessRule> issued = policy.ParseIssuedGrant(text, kSampleIssuedAt);
  ASSERT_TRUE(issued.ok()) << issued.error().ToString();
  EXPECT_EQ(policy.With({*issued})
                .value()
                .Decide({.role = Role::kDba,
                         .principal = "unix:dba:1004",
                         .operation = Operation::kRotateKeyring,
                         .keyring = "other",
                         .now_unix_s = kSampleIssuedAt})
                .rule,
            "issued-night");
}

TEST(IssuedGrant, IsNamedBeforeWhatAlwaysHolds) {
  const AccessPolicy policy = Sample();
  const AccessRule issued = policy.ParseIssuedGrant(kSampleIssuedGrant, kSampleIssuedAt).value();
  AccessRule always = issued;
  always.id = "a-first";
  always.limits = {};
  const Act act{.role = Role::kApp,
                .principal = "spiffe://example.org/role/app/support",
                .operation = Operation::kDecryptFields,
                .field = "shop.user.email",
                .field_class = FieldClass::kPii,
                .keyring = "shop",
                .tenant = "default",
                .purpose = "support",
                .now_unix_s = kSampleIssuedAt};
  EXPECT_EQ(policy.With({always}).value().Decide(act).rule, "a-first");
  EXPECT_EQ(policy.With({always, issued}).value().Decide(act).rule, "issued-support");
  AccessRule emergency = issued;
  emergency.id = kBreakGlassRule;
  EXPECT_EQ(policy.With({always, issued, emergency}).value().Decide(act).rule, "break-glass");
}

TEST(IssuedGrant, NamesExactlyWhomItIsFor) {
  const std::string of_orders = Replaced(std::string(kSampleIssuedGrant), "app/support", "app/orders");
  const Result<AccessRule> issued = Sample().ParseIssuedGrant(of_orders, kSampleIssuedAt);
  ASSERT_TRUE(issued.ok()) << issued.error().ToString();
  EXPECT_EQ(issued->principals.size(), 1u);
}

TEST(IssuedGrant, LastsThirtyDaysAtMost) {
  const AccessPolicy policy = Sample();
  const auto issued = [&policy](std::string_view end) {
    return policy.ParseIssuedGrant(Replaced(std::string(kSampleIssuedGrant), "2027-06-08T00:00:00Z", end),
                                   kSampleIssuedAt);
  };
  EXPECT_TRUE(issued("2027-06-01T00:00:01Z").ok());
  EXPECT_TRUE(issued("2027-07-01T00:00:00Z").ok());
  const Result<AccessRule> longer = issued("2027-07-01T00:00:01Z");
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().limit(), static_cast<std::uint64_t>(kMaxIssuedGrantLife));
}

struct BadGrant {
  std::string_view from;
  std::string_view to;
  std::string_view sentence;  // of the error
};

class BadIssuedGrantTest : public ::testing::TestWithParam<BadGrant> {};

TEST_P(BadIssuedGrantTest, IsRefusedWithItsPlace) {
  const Result<AccessRule> issued = Sample().ParseIssuedGrant(
      Replaced(std::string(kSampleIssuedGrant), GetParam().from, GetParam().to), kSampleIssuedAt);
  ASSERT_FALSE(issued.ok()) << GetParam().to;
  EXPECT_EQ(issued.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(issued.error().ToString().find(GetParam().sentence), std::string::npos) << issued.error().ToString();
}

INSTANTIATE_TEST_SUITE_P(
    Grants, BadIssuedGrantTest,
    ::testing::Values(
        BadGrant{"[grant.issued-support]", "[grant.support]", "grant.support:1: must be named issued-"},
        BadGrant{"[grant.issued-support]", "[grant.issued-]", "grant.issued-:1: must be named issued-"},
        BadGrant{"[grant.issued-support]", "[grant.break-glass]", "must be named issued-"},
        BadGrant{"[grant.issued-support]", "[grant.issued-Support]", "is no rule's name"},
        BadGrant{"[grant.issued-support]", "[forbid.issued-support]", "forbid:1: is not a key of an issued grant"},
        BadGrant{"[grant.issued-support]", "serial = 1\n[grant.issued-support]",
                 "serial:1: is not a key of an issued grant"},
        BadGrant{kSampleIssuedGrant, "", "holds no grant"}, BadGrant{kSampleIssuedGrant, "[grant]\n", "holds no grant"},
        BadGrant{"[grant.issued-support]", "[grant.issued-a]\n[grant.issued-support]", "grant.issued-a"},
        BadGrant{"limits = { values_per_minute = 10 }", "[grant.issued-z]\nroles = [\"app\"]",
                 "grant:11: are more than allowed"},
        BadGrant{"not_after = 2027-06-08T00:00:00Z\n", "",
                 "grant.issued-support.not_after:1: is required of an issued grant"},
        BadGrant{"2027-06-08T00:00:00Z", "2027-06-01T00:00:00Z",
                 "grant.issued-support.not_after:1: must be in the future"},
        BadGrant{"2027-06-08T00:00:00Z", "2026-06-08T00:00:00Z", "must be in the future"},
        BadGrant{"2027-06-08T00:00:00Z", "2027-07-02T00:00:00Z",
                 "grant.issued-support.not_after:1: is further ahead than an issued grant may last"},
        BadGrant{"principals = [\"spiffe://example.org/role/app/support\"]\n", "",
                 "grant.issued-support.principals:1: is required of an issued grant"},
        BadGrant{"app/support", "dba/support", "grant.issued-support.principals:1: names a principal whose role"},
        BadGrant{"limits = {", "standing = true\nlimits = {",
                 "grant.issued-support.standing:1: is for grants of the policy itself"},
        BadGrant{"[\"DecryptFields\"]", "[\"DecryptFields\", \"ShowStatus\"]", "cannot be narrowed"},
        BadGrant{"[\"DecryptFields\"]", "[\"GrantFields\"]", "operations:4: is no operation"},
        BadGrant{"[\"DecryptFields\"]", "[\"\\u0044ecryptFields\"]", "holds a backslash"},
        BadGrant{kSampleIssuedGrant,
                 "[grant.issued-s]\nroles = [\"app\"]\nprincipals = [\"unix:app:1\"]\noperations = [\"ShowStatus\"]\n"
                 "not_after = 2027-06-08T00:00:00Z\n",
                 "grant.issued-s.ShowStatus:1: names an operation that a role alone decides"},
        BadGrant{kSampleIssuedGrant,
                 "[grant.issued-s]\nroles = [\"dba\"]\nprincipals = [\"unix:dba:1\"]\noperations = "
                 "[\"CreateKeyring\"]\nkeyrings = \"all\"\nnot_after = 2027-06-08T00:00:00Z\n",
                 "grant.issued-s.CreateKeyring:1: is an operation that one of the rule's roles may never have"},
        BadGrant{kSampleIssuedGrant,
                 "[grant.issued-s]\nroles = [\"admin\"]\nprincipals = [\"unix:admin:1000\"]\noperations = "
                 "[\"ScheduleDestroy\"]\nkeyrings = \"all\"\nnot_after = 2027-06-08T00:00:00Z\n"
                 "approvals = { count = 1, roles = [\"admin\"] }\n",
                 "grant.issued-s.ScheduleDestroy:1: asks a second person each time"}));

TEST(IssuedGrant, OneOfAnotherGrantsNameOrOfTooMuchTextIsRefused) {
  const AccessPolicy policy = Sample();
  const AccessPolicy with = policy.With({*policy.ParseIssuedGrant(kSampleIssuedGrant, kSampleIssuedAt)}).value();
  EXPECT_FALSE(with.ParseIssuedGrant(kSampleIssuedGrant, kSampleIssuedAt).ok());
  const std::string more(kMaxIssuedGrantBytes - kSampleIssuedGrant.size(), '\n');
  EXPECT_TRUE(policy.ParseIssuedGrant(std::string(kSampleIssuedGrant) + more, kSampleIssuedAt).ok());
  EXPECT_FALSE(policy.ParseIssuedGrant(std::string(kSampleIssuedGrant) + more + "\n", kSampleIssuedAt).ok());
}

}  // namespace
}  // namespace coffer::policy
