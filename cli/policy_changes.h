// What another policy would change, as people and programs read it.
#pragma once

#include "cli/printing.h"
#include "policy/access_policy.h"

namespace coffer::cli {

struct PolicyChanges {
  Json json;         // {"decisions": [...], "persons": [...], "break_glass": [...]}
  std::string text;  // a line each: + gives more, - less
};

// Fails when the two tell too much apart to be compared decision by decision.
Outcome<PolicyChanges> ChangesBetween(const policy::AccessPolicy& before, const policy::AccessPolicy& after,
                                      bool colors);

}  // namespace coffer::cli
