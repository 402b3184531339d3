// A policy file's text as persons and rules. What the keys say one by one is checked here; whether they go together,
// in policy_checks.h.
#pragma once

#include "policy/access_policy.h"

namespace coffer::policy {

// Names that count as another one.
struct RecoveredNames {
  std::string table;                         // "recovered.orders"
  std::string of;                            // a SPIFFE id
  std::set<std::string, std::less<>> names;  // the key "as": 1 to kMaxRecovered principals
  std::uint64_t line = 0;
};

struct WrittenPolicy {
  std::uint64_t serial = 0;
  std::uint32_t admin_signatures = 0;
  std::vector<Person> persons;    // by name
  std::vector<AccessRule> rules;  // as written
  std::vector<RecoveredNames> recovered;
  std::optional<BreakGlass> break_glass;
};

// kInvalidArgument with key and line.
Result<WrittenPolicy> ReadPolicy(std::string_view text);

// The one table [grant.issued-NAME] that `text` holds, as a policy file writes it. kInvalidArgument with key and line.
Result<AccessRule> ReadIssuedGrant(std::string_view text);

}  // namespace coffer::policy
