#include "policy/policy_text.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/policy/sample_policy.h"

namespace coffer::policy {
namespace {

TEST(PolicyText, TheSampleIsTheReviewedTable) {
  const Result<AccessPolicy> policy = AccessPolicy::Parse(SamplePolicy());
  ASSERT_TRUE(policy.ok()) << policy.error().ToString();
  std::ifstream file("tests/policy/policy_table.txt");
  std::stringstream reviewed;
  reviewed << file.rdbuf();
  EXPECT_EQ(PolicyTable(*policy), reviewed.str());
}

TEST(PolicyText, EveryCellThatARoleMayEverHaveIsInTheBuiltInTable) {
  const std::vector<PolicyLine> lines = PolicyLines(AccessPolicy::Builtin());
  std::size_t cells = 0;
  for (const Role role : AllRoles()) {
    for (const Operation operation : AllOperations()) cells += MayEver(role, operation).allowed ? 1 : 0;
  }
  EXPECT_EQ(lines.size(), cells);
  for (const PolicyLine& line : lines) {
    EXPECT_TRUE(line.allows);
    EXPECT_EQ(line.conditions.empty(), !NeedsSecondPerson(line.operation)) << OperationName(line.operation);
  }
}

TEST(PolicyText, MomentsAreInUtc) {
  EXPECT_EQ(InstantText(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(InstantText(951'782'399), "2000-02-28T23:59:59Z");
  EXPECT_EQ(InstantText(951'782'400), "2000-02-29T00:00:00Z");
}

}  // namespace
}  // namespace coffer::policy
