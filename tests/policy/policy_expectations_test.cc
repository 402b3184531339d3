#include "policy/policy_expectations.h"

#include <gtest/gtest.h>

#include "tests/policy/sample_policy.h"

namespace coffer::policy {
namespace {

constexpr std::string_view kExpectation = R"([expect.orders]
role = "app"
principal = "spiffe://example.org/role/app/orders"
operation = "DecryptFields"
field = "shop.user.email"
class = "pii"
keyring = "shop"
tenant = "default"
purpose = "checkout"
at = 2027-06-01T12:00:00Z
outcome = "allowed"
rule = "orders"
)";

ExpectedDecision One(std::string_view text) {
  const Result<std::vector<ExpectedDecision>> expectations = ParseExpectations(text);
  EXPECT_TRUE(expectations.ok()) << expectations.error().ToString();
  EXPECT_EQ(expectations->size(), 1u);
  return expectations->front();
}

TEST(PolicyExpectations, AnActIsDecidedAsWritten) {
  const AccessPolicy policy = AccessPolicy::Parse(SamplePolicy()).value();
  const ExpectedDecision expected = One(kExpectation);
  EXPECT_EQ(expected.outcome, Outcome::kAllowed);
  const Decision decision = DecideExpected(policy, expected, 0);
  EXPECT_EQ(decision.outcome, Outcome::kAllowed);
  EXPECT_EQ(decision.rule, expected.rule);
}

TEST(PolicyExpectations, WhatIsLeftOutIsNotKnown) {
  const AccessPolicy policy = AccessPolicy::Parse(SamplePolicy()).value();
  for (const std::string_view left_out :
       {"field = \"shop.user.email\"\n", "class = \"pii\"\n", "keyring = \"shop\"\n", "tenant = \"default\"\n",
        "purpose = \"checkout\"\n", "at = 2027-06-01T12:00:00Z\n",
        "principal = \"spiffe://example.org/role/app/orders\"\n"}) {
    const ExpectedDecision expected = One(Replaced(std::string(kExpectation), left_out, ""));
    EXPECT_EQ(DecideExpected(policy, expected, 0).outcome, Outcome::kDenied) << left_out;
  }
}

TEST(PolicyExpectations, ATimeOfItsOwnWinsOverTheTestsTime) {
  const AccessPolicy policy = AccessPolicy::Parse(SamplePolicy()).value();
  const ExpectedDecision anytime = One(Replaced(std::string(kExpectation), "at = 2027-06-01T12:00:00Z\n", ""));
  EXPECT_EQ(DecideExpected(policy, anytime, 1'811'808'000).outcome, Outcome::kAllowed);
  EXPECT_EQ(DecideExpected(policy, One(kExpectation), 1).outcome, Outcome::kAllowed);
}

TEST(PolicyExpectations, EachRuleOfTheOperationSaysHowItMeetsTheAct) {
  const AccessPolicy policy = AccessPolicy::Parse(SamplePolicy()).value();
  const ExpectedDecision act = One(Replaced(std::string(kExpectation), "\"default\"", "\"south\""));
  const std::vector<RuleMeeting> meetings = Meetings(policy, act, 0);
  ASSERT_EQ(meetings.size(), 2u);
  EXPECT_EQ(meetings[0].rule->id, "card-numbers");
  EXPECT_EQ(meetings[0].mismatch, Mismatch::kField);
  EXPECT_EQ(meetings[1].rule->id, "orders");
  EXPECT_EQ(meetings[1].mismatch, Mismatch::kTenant);
  EXPECT_EQ(MismatchSentence(Mismatch::kTenant), "names other tenants");
}

TEST(PolicyExpectations, AnApproverWhoIsNobodyIsNamed) {
  const AccessPolicy policy = AccessPolicy::Parse(SamplePolicy()).value();
  ExpectedDecision expected = One(kExpectation);
  EXPECT_EQ(UnknownApprover(policy, expected), nullptr);
  expected.approved_by = {"bob", "mallory"};
  ASSERT_NE(UnknownApprover(policy, expected), nullptr);
  EXPECT_EQ(*UnknownApprover(policy, expected), "mallory");
}

TEST(PolicyExpectations, OutcomesAreReadBack) {
  for (const Outcome outcome : {Outcome::kDenied, Outcome::kNeedsApproval, Outcome::kAllowed}) {
    EXPECT_EQ(ParseOutcome(OutcomeName(outcome)), outcome);
  }
  EXPECT_FALSE(ParseOutcome("maybe"));
}

TEST(PolicyExpectations, BadOnesAreRefusedWithTheirPlace) {
  struct Bad {
    std::string_view from, to, sentence;
  };
  for (const Bad& bad : {
           Bad{"[expect.orders]", "[expects.orders]", "is not a key of a file of expectations"},
           Bad{"[expect.orders]", "[expect.Orders]", "is no name"},
           Bad{"role = \"app\"\n", "", "role:1: is required"},
           Bad{"role = \"app\"", "role = \"root\"", "is no role"},
           Bad{"role = \"app\"", "role = \"dba\"", "a principal of another role"},
           Bad{"operation = \"DecryptFields\"\n", "", "is required"},
           Bad{"\"DecryptFields\"", "\"Decrypt\"", "is no operation"},
           Bad{"outcome = \"allowed\"\n", "", "outcome:1: is required"},
           Bad{"outcome = \"allowed\"", "outcome = true", "must be allowed, needs-approval or denied"},
           Bad{"\"spiffe://example.org/role/app/orders\"", "\"orders\"", "is no principal"},
           Bad{"\"shop.user.email\"", "\"email\"", "is no field's name"},
           Bad{"class = \"pii\"", "class = \"token\"", "is not a class"},
           Bad{"keyring = \"shop\"", "keyring = \"Shop\"", "is no name"},
           Bad{"tenant = \"default\"", "tenant = 7", "is no name"},
           Bad{"at = 2027-06-01T12:00:00Z", "at = \"today\"", "a date and time with an offset"},
           Bad{"rule = \"orders\"", "approved_by = \"bob\"", "a list of persons' names"},
           Bad{"rule = \"orders\"", "approved_by = [\"bob\", \"bob\"]", "names a person twice"},
           Bad{"field = \"shop.user.email\"", "field = \"coffer.secret\"", "is no field's name"},
           Bad{"purpose = \"checkout\"", "purpose = \"a b\"", "is no purpose"},
           Bad{"operation = \"DecryptFields\"\nfield = \"shop.user.email\"\nclass = \"pii\"\nkeyring = \"shop\"",
               "operation = \"ListSecrets\"\nkeyring = \"shop\"", "is nothing that the operation is about"},
           Bad{"rule = \"orders\"", "rules = \"orders\"", "is not a key of an expectation"},
       }) {
    const auto parsed = ParseExpectations(Replaced(std::string(kExpectation), bad.from, bad.to));
    ASSERT_FALSE(parsed.ok()) << bad.to;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(parsed.error().ToString().find(bad.sentence), std::string::npos) << parsed.error().ToString();
  }
  EXPECT_FALSE(ParseExpectations("").ok());
  EXPECT_FALSE(ParseExpectations("[expect]\n").ok());
}

}  // namespace
}  // namespace coffer::policy
