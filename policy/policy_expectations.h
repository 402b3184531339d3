// What the people who own a policy expect of it, as a file beside it: acts, and what is to be decided of each.
//
//   [expect.dba-reads-nothing]
//   role = "dba"                                # required
//   operation = "DecryptFields"                 # required
//   outcome = "denied"                          # required: allowed, needs-approval or denied
//   rule = "dba-sees-no-plaintext"              # default: whichever decides
//   principal = "unix:dba:1001"                 # default: one that no rule names
//   field = "shop.user.email"                   # field, class, keyring and tenant: default: not known
//   class = "pii"
//   keyring = "shop"
//   tenant = "default"
//   purpose = "checkout"                        # default: none claimed
//   at = 2027-06-01T12:00:00Z                   # default: the time of the test
//   approved_by = ["bob"]                       # default: nobody
#pragma once

#include "policy/access_policy.h"

namespace coffer::policy {

inline constexpr std::size_t kMaxExpectations = 4'096;

// An act as text, and what is expected of it.
struct ExpectedDecision {
  std::string name;
  Role role = Role::kApp;
  Operation operation = Operation::kShowStatus;
  Outcome outcome = Outcome::kDenied;
  std::string rule = {};  // empty: any
  std::string principal = {};
  std::optional<std::string> field = {};
  std::optional<FieldClass> field_class = {};
  std::optional<std::string> keyring = {};
  std::optional<std::string> tenant = {};
  std::string purpose = {};
  std::optional<std::int64_t> at_unix_s = {};
  std::vector<std::string> approved_by = {};
  std::uint64_t line = 0;
};

// By name. kInvalidArgument with key and line; a file without one is none.
Result<std::vector<ExpectedDecision>> ParseExpectations(std::string_view text);

// What the policy decides of it. `now_unix_s`: for those without a time of their own.
Decision DecideExpected(const AccessPolicy& policy, const ExpectedDecision& expectation, std::int64_t now_unix_s);
// One of approved_by who is no person of the policy; null: none.
const std::string* UnknownApprover(const AccessPolicy& policy, const ExpectedDecision& expectation);
// Each rule that is about its role and operation, and how it meets the act, in the order in which they are asked.
struct RuleMeeting {
  const AccessRule* rule = nullptr;
  Mismatch mismatch = Mismatch::kNone;
};
std::vector<RuleMeeting> Meetings(const AccessPolicy& policy, const ExpectedDecision& expectation,
                                  std::int64_t now_unix_s);

}  // namespace coffer::policy
