#include <fmt/format.h>
#include <gtest/gtest.h>

#include "policy/access_policy.h"
#include "tests/policy/sample_policy.h"

namespace coffer::policy {
namespace {

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
        BadPolicy{"[grant.rotates]", "[grant.freeze]", "grant.freeze:43: is the name of two rules"},
        BadPolicy{"[grant.rotates]", "[grant.Rotates]", "is no rule's name"},
        BadPolicy{"approvals = { count = 1, roles = [\"admin\", \"auditor\"], minutes = 30 }", "",
                  "the grant must say approvals"},
        BadPolicy{kApprovals, "{ count = 0, roles = [\"admin\"] }", "from 1 to 8"},
        BadPolicy{kApprovals, "{ roles = [\"admin\"] }", "approvals.count:63: is required"},
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
                  "is not a key of a forbid"},
        BadPolicy{"[forbid.freeze]\n", "[forbid.freeze]\nstanding = true\n", "is not a key of a forbid"},
        BadPolicy{"[grant.secrets]", "[grant.issued-secrets]",
                  "grant.issued-secrets:39: has a name that only issued grants have"},
        BadPolicy{"[forbid.freeze]", "[forbid.issued-freeze]", "has a name that only issued grants have"},
        BadPolicy{"[grant.secrets]", "[grant.break-glass]",
                  "grant.break-glass:39: is the name of what the table break_glass keeps"},
        BadPolicy{"[forbid.freeze]", "[forbid.break-glass]", "is the name of what the table break_glass keeps"}));

constexpr std::string_view kRotates =
    "operations = [\"RotateKeyring\", \"RotateKek\"]\nkeyrings = [\"shop\"]\nprincipals = [\"unix:dba:1004\"]\n";

INSTANTIATE_TEST_SUITE_P(
    Standing, BadPolicyTest,
    ::testing::Values(
        BadPolicy{"standing = true", "standing = \"yes\"", "grant.rotates.standing:49: must be true or false"},
        BadPolicy{"standing = true", "standing = false",
                  "grant.rotates:43: allows without approvals what another grant asks them for"},
        BadPolicy{"standing = true\n", "",
                  "grant.rotates:43: allows without approvals what another grant asks them for"},
        BadPolicy{"principals = [\"unix:dba:1004\"]\nnot_after", "not_after",
                  "grant.rotates.principals:43: is required of a standing grant"},
        BadPolicy{"not_after = 2028-06-01T00:00:00Z\n", "",
                  "grant.rotates.not_after:43: is required of a standing grant"},
        BadPolicy{"standing = true", "standing = true\napprovals = { count = 1, roles = [\"admin\"] }",
                  "grant.rotates.approvals:43: are not for a standing grant"},
        BadPolicy{"\"RotateKek\"]\nkeyrings = [\"shop\"]", "\"RotateKek\"]\nkeyrings = \"all\"",
                  "grant.rotates.keyrings:43: must be exact names in a standing grant"},
        BadPolicy{kRotates,
                  "operations = [\"RewrapFields\"]\nfields = \"all\"\nclasses = [\"pii\"]\nkeyrings = [\"shop\"]\n"
                  "tenants = [\"default\"]\nprincipals = [\"unix:dba:1004\"]\n",
                  "grant.rotates.fields:43: must be exact names in a standing grant"},
        BadPolicy{kRotates,
                  "operations = [\"RewrapFields\"]\nfields = [\"shop.user.email\"]\nclasses = \"all\"\n"
                  "keyrings = [\"shop\"]\ntenants = \"all\"\nprincipals = [\"unix:dba:1004\"]\n",
                  "grant.rotates.tenants:43: must be exact names in a standing grant"}));

constexpr std::string_view kOf = "of = \"spiffe://example.org/role/app/orders\"";
constexpr std::string_view kAs =
    "as = [\"spiffe://example.org/role/app/orders-2\", \"spiffe://example.org/role/app/orders-3\"]";

INSTANTIATE_TEST_SUITE_P(
    Recovered, BadPolicyTest,
    ::testing::Values(
        BadPolicy{"[recovered.orders]", "[recovered.Orders]", "recovered.Orders:81: is no name"},
        BadPolicy{"[recovered.orders]", "[recovered]\norders = 1\n[other]",
                  "recovered.orders:82: must be a table of keys"},
        BadPolicy{kOf, "", "recovered.orders.of:81: is required"},
        BadPolicy{kAs, "", "recovered.orders.as:81: is required"},
        BadPolicy{kAs, "as = []", "recovered.orders.as:83: must be a list that is not empty"},
        BadPolicy{kOf, "of = \"unix:app:1009\"", "recovered.orders.of:82: is no SPIFFE id"},
        BadPolicy{kOf, "of = \"spiffe://example.org/role/app/*\"", "recovered.orders.of:82: is no SPIFFE id"},
        BadPolicy{"orders-3\"]", "*\"]", "recovered.orders.as:83: is no principal"},
        BadPolicy{kAs, "as = \"spiffe://example.org/role/app/orders-2\"", "must be a list that is not empty"},
        BadPolicy{"orders-2\", ", "orders-3\", ", "recovered.orders.as:83: names one of them twice"},
        BadPolicy{kAs, "cluster = \"orders\"", "recovered.orders.as:81: is required"},
        BadPolicy{kOf, "of = \"spiffe://example.org/role/app/orders\"\nuntil = 1",
                  "recovered.orders.until:83: is not a key of a recovered cluster"},
        BadPolicy{kOf, "of = \"spiffe://example.org/role/app/billing\"", "recovered.orders.of:81: is named by no rule"},
        BadPolicy{"/app/orders-3\"]", "/app/orders\"]",
                  "recovered.orders.as:81: names one that does not differ in its last"},
        BadPolicy{"/app/orders-3\"]", "/dba/orders-3\"]", "names one that does not differ in its last part only"},
        BadPolicy{"//example.org/role/app/orders-3\"]", "//example.com/role/app/orders-3\"]",
                  "names one that does not differ in its last part only"},
        BadPolicy{"\"spiffe://example.org/role/app/orders-3\"]", "\"unix:app:1\"]",
                  "names one that does not differ in its last part only"},
        BadPolicy{"/app/orders-3\"]", "/app/alice\"]", "recovered.orders.as:81: names one that is a person's"},
        BadPolicy{"roles = [\"app\"]\noperations = [\"EncryptFields\"]",
                  "roles = [\"app\"]\nprincipals = [\"spiffe://example.org/role/app/orders-3\"]\noperations = "
                  "[\"EncryptFields\"]",
                  "recovered.orders.as:82: names one that a rule names itself"},
        BadPolicy{"\"unix:app:1009\"]", "\"spiffe://example.org/role/app/orders-2\"]",
                  "recovered.orders.as:81: names one that a rule names itself"},
        BadPolicy{"[break_glass]",
                  "[recovered.two]\nof = \"spiffe://example.org/role/app/orders\"\n"
                  "as = [\"spiffe://example.org/role/app/orders-4\"]\n[break_glass]",
                  "recovered.two.of:84: is in another table of recovered names"},
        BadPolicy{"[break_glass]",
                  "[recovered.two]\nof = \"spiffe://example.org/role/app/orders-2\"\n"
                  "as = [\"spiffe://example.org/role/app/orders-4\"]\n[break_glass]",
                  "recovered.two.of:84: is named by no rule"},
        BadPolicy{"[grant.orders-writes]\nroles = [\"app\"]",
                  "[recovered.two]\nof = \"spiffe://example.org/role/app/writer\"\n"
                  "as = [\"spiffe://example.org/role/app/orders-2\"]\n"
                  "[grant.orders-writes]\nroles = [\"app\"]\nprincipals = [\"spiffe://example.org/role/app/writer\"]",
                  "recovered.two.as:32: names one that is in another table of recovered names"}));

INSTANTIATE_TEST_SUITE_P(
    BreakGlass, BadPolicyTest,
    ::testing::Values(
        BadPolicy{"[break_glass]\nkey", "[break_glass]\nkeys", "break_glass.key:84: is required"},
        BadPolicy{"minutes = 30\nroles", "minutes = 0\nroles",
                  "break_glass.minutes:86: must be a whole number from 1 to 60"},
        BadPolicy{"minutes = 30\nroles", "minutes = 61\nroles", "from 1 to 60"},
        BadPolicy{"principals = [\"spiffe://example.org/role/app/orders\", \"unix:app:1009\"]\n", "",
                  "break_glass.principals:84: is required"},
        BadPolicy{"\"unix:app:1009\"]", "\"unix:dba:1009\"]",
                  "break_glass.principals:84: names a principal whose role is none of the rule's"},
        BadPolicy{"minutes = 30\nroles = [\"app\"]\n", "minutes = 30\n", "break_glass.roles:84: is required"},
        BadPolicy{"limits = { values_per_minute = 10 }", "approvals = { count = 1, roles = [\"admin\"] }",
                  "break_glass.approvals:94: is not a key of break_glass"},
        BadPolicy{"limits = { values_per_minute = 10 }", "standing = true", "is not a key of break_glass"},
        BadPolicy{"limits = { values_per_minute = 10 }", "purposes = [\"x\"]", "is not a key of break_glass"},
        BadPolicy{"limits = { values_per_minute = 10 }", "not_after = 2028-01-01T00:00:00Z",
                  "is not a key of break_glass"},
        BadPolicy{"[break_glass]\n", "[break_glass.two]\n", "break_glass.key:84: is required"},
        BadPolicy{"classes = \"all\"\nkeyrings = \"all\"\ntenants = [\"default\", \"north\"]\nlimits",
                  "classes = \"all\"\ntenants = [\"default\", \"north\"]\nlimits",
                  "break_glass.keyrings:84: is required, since an operation"}));

// The table's key, roles and operations as they must not be.
class BadBreakGlassTest : public ::testing::TestWithParam<BadPolicy> {};

TEST_P(BadBreakGlassTest, IsRefusedWithItsPlace) {
  const std::size_t start = SamplePolicy().find("[break_glass]");
  const std::string kept = Replaced(SamplePolicy().substr(start), GetParam().from, GetParam().to);
  const Result<AccessPolicy> policy = AccessPolicy::Parse(SamplePolicy().substr(0, start) + WithKeys(kept));
  ASSERT_FALSE(policy.ok()) << GetParam().to;
  EXPECT_EQ(policy.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(policy.error().ToString().find("break_glass." + std::string(GetParam().sentence)), 0u)
      << policy.error().ToString();
}

constexpr std::string_view kKeptActs =
    "[\"app\"]\nprincipals = [\"spiffe://example.org/role/app/orders\", \"unix:app:1009\"]\noperations = "
    "[\"DecryptFields\"]\nfields = [\"shop.card.number\"]\nclasses = \"all\"\nkeyrings = \"all\"\ntenants = "
    "[\"default\", \"north\"]\n";

INSTANTIATE_TEST_SUITE_P(
    Acts, BadBreakGlassTest,
    ::testing::Values(
        BadPolicy{"glass+", "glass", "key:85: is no public key"},
        BadPolicy{"glass+", "alice+", "key:85: is no public key"},
        BadPolicy{kKeptActs, "[\"auditor\"]\nprincipals = [\"unix:auditor:1\"]\noperations = [\"QueryRecords\"]\n",
                  "roles:84: names a role that may never use it"},
        BadPolicy{
            kKeptActs,
            "[\"admin\"]\nprincipals = [\"unix:admin:1\"]\noperations = [\"CreateKeyring\"]\nkeyrings = \"all\"\n",
            "roles:84: names a role that may never use it"},
        BadPolicy{kKeptActs, "[\"restorer\"]\nprincipals = [\"unix:restorer:1\"]\noperations = [\"GetCheckpoint\"]\n",
                  "GetCheckpoint:84: is about the audit log"},
        BadPolicy{kKeptActs, "[\"app\"]\nprincipals = [\"unix:app:1\"]\noperations = [\"ProveConsistency\"]\n",
                  "ProveConsistency:84: is about the audit log"},
        BadPolicy{kKeptActs, "[\"app\"]\nprincipals = [\"unix:app:1\"]\noperations = [\"QueryRecords\"]\n",
                  "QueryRecords:84: is about the audit log"},
        BadPolicy{kKeptActs, "[\"app\"]\nprincipals = [\"unix:app:1\"]\noperations = [\"AggregateRecords\"]\n",
                  "AggregateRecords:84: is about the audit log"},
        BadPolicy{kKeptActs, "[\"app\"]\nprincipals = [\"unix:app:1\"]\noperations = [\"TailRecords\"]\n",
                  "TailRecords:84: is about the audit log"},
        BadPolicy{kKeptActs, "[\"app\"]\nprincipals = [\"unix:app:1\"]\noperations = [\"ProveRecord\"]\n",
                  "ProveRecord:84: is about the audit log"},
        BadPolicy{kKeptActs, "[\"app\"]\nprincipals = [\"unix:app:1\"]\noperations = [\"IssueGrant\"]\n",
                  "IssueGrant:84: asks a second person"},
        BadPolicy{kKeptActs, "[\"app\"]\nprincipals = [\"unix:app:1\"]\noperations = [\"ShowStatus\"]\n",
                  "ShowStatus:84: names an operation that a role alone decides"},
        BadPolicy{kKeptActs, "[\"app\"]\nprincipals = [\"unix:app:1\"]\noperations = [\"ApplyCatalog\"]\n",
                  "ApplyCatalog:84: is an operation that one of the rule's roles may never have"}));

TEST(AccessPolicy, ThePersonsHaveOtherKeysThanTheEmergency) {
  const std::string sample = SamplePolicy();
  const Result<AccessPolicy> of_alice = AccessPolicy::Parse(Replaced(sample, SampleKey("glass"), SampleKey("alice")));
  ASSERT_FALSE(of_alice.ok());
  EXPECT_EQ(of_alice.error().ToString().find("break_glass.key:84: is a person's, or has a person's name"), 0u)
      << of_alice.error().ToString();
  // Her key under another name, and her name on another key.
  const Digest digest = Sha256({AsBytes("alice")});
  const NoteSigner renamed =
      NoteSigner::Create("glass", Ed25519PrivateKey::FromSeed(SecretBytes::CopyOf(digest)).value()).value();
  EXPECT_FALSE(AccessPolicy::Parse(Replaced(sample, SampleKey("glass"), renamed.verifier().ToText())).ok());
  const Digest other = Sha256({AsBytes("other")});
  const NoteSigner namesake =
      NoteSigner::Create("alice", Ed25519PrivateKey::FromSeed(SecretBytes::CopyOf(other)).value()).value();
  EXPECT_FALSE(AccessPolicy::Parse(Replaced(sample, SampleKey("glass"), namesake.verifier().ToText())).ok());
}

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
