// Policies as arguments: files, or the one that holds in the service.
#pragma once

#include <string>

#include "cli/session.h"
#include "policy/access_policy.h"

namespace coffer::cli {

// A file, or "builtin": the policy that holds until one is applied. Fails, naming file and line, for what is no policy.
Outcome<policy::AccessPolicy> ReadPolicyFile(std::string_view argument, const std::string& file);

// A policy's text, as ReadPolicyFile reads it; not "builtin".
struct PolicyFile {
  std::string text;
  policy::AccessPolicy policy;
};
Outcome<PolicyFile> ReadPolicyText(std::string_view argument, const std::string& file);

// The one that holds.
struct PresentPolicy {
  policy::AccessPolicy policy;
  bool recovered = false;  // applied by the recovery identity, without signatures
};
Outcome<PresentPolicy> FetchPolicy(Session& session);
Outcome<PresentPolicy> FetchPolicy(client::Client& client);

}  // namespace coffer::cli
