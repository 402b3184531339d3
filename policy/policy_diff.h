// What another policy would decide differently: every such decision, and nothing else. Names that no rule of the two
// tells apart are one case, so that a few cases stand for all decisions there are. Of an act's field, class, keyring
// and tenant it is taken that they are known.
#pragma once

#include "policy/access_policy.h"

namespace coffer::policy {

inline constexpr std::uint64_t kMaxDiffWork = 5'000'000;  // meetings of a rule and a value

// One kind of act that is decided otherwise.
struct DecisionChange {
  Role role = Role::kApp;
  Operation operation = Operation::kShowStatus;
  // What the act has to be for it, one phrase a facet: "tenant default", "any field but shop.user.email"; first "in an
  // emergency" for what is kept for one. Empty: any act of this operation.
  std::vector<std::string> where;
  std::string before;  // "denied", or "allowed" with what is asked for it
  std::string after;
  bool widens = false;  // allows more, or asks less
};

// By role and operation; then of what is kept for an emergency, whatever grants allow without one. Of policies without
// grants beside them. kResourceExhausted: the two tell more cases apart than kMaxDiffWork lets compare.
Result<std::vector<DecisionChange>> DiffDecisions(const AccessPolicy& before, const AccessPolicy& after);

// What changed of persons, who approve, and of how many have to sign: "person bob: is new, admin".
std::vector<std::string> DiffPersons(const AccessPolicy& before, const AccessPolicy& after);

// What changed of the key that an emergency takes, and of how long it lasts: "break-glass: 60 minutes -> 30 minutes".
std::vector<std::string> DiffBreakGlass(const AccessPolicy& before, const AccessPolicy& after);

}  // namespace coffer::policy
