// Policy files as arguments.
#pragma once

#include <string>

#include "cli/outcome.h"
#include "policy/access_policy.h"

namespace coffer::cli {

// A file, or "builtin": the policy that holds until one is applied. Fails, naming file and line, for what is no policy.
Outcome<policy::AccessPolicy> ReadPolicyFile(std::string_view argument, const std::string& file);

}  // namespace coffer::cli
