// What a policy has to be as a whole before it decides anything: no rule allows what its role may never have, an act of
// two has others to approve it, nobody holds roles that watch each other, no grant passes by another's approvals.
#pragma once

#include "policy/access_policy.h"

namespace coffer::policy {

// kInvalidArgument At the rule or person.
Status CheckPolicy(const AccessPolicy& policy);

// Of a policy's own rules, without those beside it: a standing grant is narrow and ends, and no other grant without
// approvals reaches what a grant asks approvals for. kInvalidArgument At the grant.
Status CheckStanding(const AccessPolicy& policy);

}  // namespace coffer::policy
