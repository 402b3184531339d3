// What a policy has to be as a whole before it decides anything: no rule allows what its role may never have, an act of
// two has others to approve it, nobody holds roles that watch each other.
#pragma once

#include "policy/access_policy.h"

namespace coffer::policy {

// kInvalidArgument At the rule or person.
Status CheckPolicy(const AccessPolicy& policy);

}  // namespace coffer::policy
