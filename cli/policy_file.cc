#include "cli/policy_file.h"

#include "io/file.h"

namespace coffer::cli {

Outcome<policy::AccessPolicy> ReadPolicyFile(std::string_view argument, const std::string& file) {
  if (file == "builtin") return policy::AccessPolicy::Builtin();
  const Result<Bytes> bytes = ReadFile(file, policy::kMaxPolicyBytes);
  if (!bytes.ok()) return FileFailure(argument, file, bytes.error());
  Result<policy::AccessPolicy> parsed = policy::AccessPolicy::Parse(AsText(*bytes));
  if (!parsed.ok()) return Failure(kExitFailed, ShownPath(file) + ": " + parsed.error().ToString());
  return std::move(parsed).value();
}

}  // namespace coffer::cli
