#include "policy/policy_diff.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/policy/sample_policy.h"

namespace coffer::policy {
namespace {

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

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
                         "operations = [\"RotateKeyring\", \"RotateKek\"]\nkeyrings = \"all\""),
            Lines({"dba RotateKeyring, any keyring but shop, until 2027-12-20T00:00:00Z, from 2028-01-03T00:00:00Z: "
                   "allowed: 2 approvals of admin within 60 minutes -> allowed (wider)",
                   "dba RotateKek, any keyring but shop, until 2027-12-20T00:00:00Z, from 2028-01-03T00:00:00Z: "
                   "denied -> allowed (wider)"}));
}

TEST(PolicyDiff, ALimitAndAnApprovalAreDecisions) {
  EXPECT_EQ(DiffOfSample("minutes = 30", "minutes = 10"),
            Lines({"admin ScheduleDestroy: allowed: 1 approval of auditor, admin within 30 minutes -> allowed: 1 "
                   "approval of auditor, admin within 10 minutes"}));
  const Lines lines = DiffOfSample("in_flight = 16", "in_flight = 17");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(
      lines[0].starts_with("app EncryptFields, principal spiffe://example.org/role/app/orders, "
                           "field shop.card.number, shop.user.email, class pii, secret, keyring "))
      << lines[0];
  EXPECT_TRUE(lines[0].ends_with("(wider)")) << lines[0];
}

TEST(PolicyDiff, AForbidThatIsLiftedOpensOnlyWhatAGrantAllows) {
  const std::string lifted = Replaced(SamplePolicy(), "tenants = [\"north\"]\n", "tenants = [\"elsewhere\"]\n");
  EXPECT_EQ(Diff(Parsed(SamplePolicy()), Parsed(lifted)),
            Lines({"app DecryptFields, principal spiffe://example.org/role/app/orders, field shop.card.number, class "
                   "pii, secret, keyring shop, shop-pii, tenant north, purpose checkout, support, from "
                   "2027-01-01T00:00:00Z until 2028-01-01T00:00:00Z: denied -> allowed: at most 600 values a minute; "
                   "at most 10000 distinct values a day; at most 16 calls in flight (wider)"}));
}

TEST(PolicyDiff, FromTheBuiltInPolicyMostIsNarrower) {
  const Lines lines = Diff(AccessPolicy::Builtin(), Parsed(SamplePolicy()));
  EXPECT_GT(lines.size(), 50u);
  for (const std::string& line : lines) EXPECT_FALSE(line.ends_with("-> allowed (wider)")) << line;
}

TEST(PolicyDiff, PersonsAreCompared) {
  const AccessPolicy before = Parsed(SamplePolicy());
  const AccessPolicy after = Parsed(WithKeys(
      Replaced(Replaced(SamplePolicy(), "principals = [\"unix:admin:1002\"]", "principals = [\"unix:admin:1007\"]"),
               "[person.erin]\nkey = \"" + SampleKey("erin") + "\"\nprincipals = [\"unix:dba:1004\"]",
               "[person.frank]\nkey = \"@frank@\"\nprincipals = [\"unix:restorer:9\"]")));
  EXPECT_EQ(DiffPersons(before, after), Lines({"person carol: calls as unix:admin:1007", "person erin: is gone",
                                               "person frank: is new, restorer"}));
  EXPECT_EQ(DiffPersons(before, before), Lines());
}

}  // namespace
}  // namespace coffer::policy
