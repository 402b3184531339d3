// A policy file's text as persons and rules. What the keys say one by one is checked here; whether they go together,
// in policy_checks.h.
#pragma once

#include "policy/access_policy.h"

namespace coffer::policy {

struct WrittenPolicy {
  std::uint64_t serial = 0;
  std::uint32_t admin_signatures = 0;
  std::vector<Person> persons;    // by name
  std::vector<AccessRule> rules;  // as written
};

// kInvalidArgument with key and line.
Result<WrittenPolicy> ReadPolicy(std::string_view text);

}  // namespace coffer::policy
