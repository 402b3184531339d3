// Policies in words, for people who review them.
#pragma once

#include "policy/access_policy.h"

namespace coffer::policy {

// What a rule is narrowed to, "fields shop.user.email; purposes checkout; until 2027-07-01T00:00:00Z"; empty when it is
// not.
std::string DescribeScope(const AccessRule& rule);
// What else a grant asks, or that it is standing: "2 approvals of admin, auditor within 30 minutes; at most 600 values
// a minute"; empty for none.
std::string DescribeConditions(const AccessRule& rule);
std::string DescribeConditions(const ApprovalRule* approvals, const AccessLimits& limits);

// The whole table: role, operation and each rule that decides, in the order in which they are asked; last what is kept
// for an emergency. One line a rule; operations that the role may never have are left out.
struct PolicyLine {
  Role role = Role::kApp;
  Operation operation = Operation::kShowStatus;
  bool allows = false;
  std::string rule;
  std::string scope;       // DescribeScope
  std::string conditions;  // DescribeConditions, or "in an emergency, for 60 minutes by the key glass"
};
std::vector<PolicyLine> PolicyLines(const AccessPolicy& policy);
// The same as text in columns, each line ended by a newline.
std::string PolicyTable(const AccessPolicy& policy);

// "1 minute".
std::string MinutesText(std::uint32_t minutes);

// "2027-01-31T00:00:00Z".
std::string InstantText(std::int64_t unix_s);

}  // namespace coffer::policy
