#include "cli/policy_file.h"

#include "io/file.h"

namespace coffer::cli {

Outcome<policy::AccessPolicy> ReadPolicyFile(std::string_view argument, const std::string& file) {
  if (file == "builtin") return policy::AccessPolicy::Builtin();
  COFFER_ASSIGN_OR_RETURN(PolicyFile read, ReadPolicyText(argument, file));
  return std::move(read.policy);
}

Outcome<PolicyFile> ReadPolicyText(std::string_view argument, const std::string& file) {
  const Result<Bytes> bytes = ReadFile(file, policy::kMaxPolicyBytes);
  if (!bytes.ok()) return FileFailure(argument, file, bytes.error());
  Result<policy::AccessPolicy> parsed = policy::AccessPolicy::Parse(AsText(*bytes));
  if (!parsed.ok()) return Failure(kExitFailed, ShownPath(file) + ": " + parsed.error().ToString());
  return PolicyFile{.text = std::string(AsText(*bytes)), .policy = std::move(parsed).value()};
}

Outcome<PresentPolicy> FetchPolicy(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  return FetchPolicy(*client);
}

Outcome<PresentPolicy> FetchPolicy(client::Client& client) {
  COFFER_ASSIGN_OR_RETURN(const auto answer, client.GetPolicy({}));
  if (answer.serial() == 0) return PresentPolicy{.policy = policy::AccessPolicy::Builtin()};
  Result<policy::AccessPolicy> parsed = policy::AccessPolicy::Parse(answer.policy());
  if (!parsed.ok()) {
    return Failure(kExitFailed, "the service's policy is none to this program: " + parsed.error().ToString(),
                   "use the program of the service's version");
  }
  return PresentPolicy{.policy = std::move(parsed).value(), .recovered = answer.recovered()};
}

}  // namespace coffer::cli
