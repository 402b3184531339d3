// Policy files and files of expectations: what parses allows no role more than it may ever have, has somebody else for
// every act of two, does not differ from itself, and says so in words.
#include <cstdint>

#include "policy/policy_diff.h"
#include "policy/policy_expectations.h"
#include "policy/policy_text.h"

namespace policy = coffer::policy;

namespace {

void CheckPolicy(const policy::AccessPolicy& parsed) {
  for (const policy::AccessRule& rule : parsed.rules()) {
    const bool grants = rule.effect == policy::AccessRule::Effect::kGrant;
    COFFER_CHECK(!rule.operations.empty() && !rule.roles.empty());
    for (const policy::Operation operation : policy::AllOperations()) {
      if (!grants || !rule.operations.Has(operation)) continue;
      for (const policy::Role role : rule.roles) COFFER_CHECK(policy::MayEver(role, operation).allowed);
      COFFER_CHECK(!policy::NeedsSecondPerson(operation) || (rule.approvals && rule.approvals->count > 0));
    }
  }
  for (const policy::PolicyLine& line : policy::PolicyLines(parsed)) COFFER_CHECK(!line.rule.empty());
  const auto same = policy::DiffDecisions(parsed, parsed);
  COFFER_CHECK(!same.ok() || same->empty());
  COFFER_CHECK(policy::DiffPersons(parsed, parsed).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 16 * 1024) return 0;
  const std::string_view text = coffer::AsText(std::as_bytes(std::span(data, size)));
  const coffer::Result<policy::AccessPolicy> parsed = policy::AccessPolicy::Parse(text);
  if (parsed.ok()) {
    CheckPolicy(*parsed);
  } else {
    COFFER_CHECK(parsed.error().code() == coffer::ErrorCode::kInvalidArgument);
  }
  const auto expectations = policy::ParseExpectations(text);
  if (!expectations.ok()) {
    COFFER_CHECK(expectations.error().code() == coffer::ErrorCode::kInvalidArgument);
    return 0;
  }
  const policy::AccessPolicy builtin = policy::AccessPolicy::Builtin();
  for (const policy::ExpectedDecision& expected : *expectations) {
    COFFER_CHECK(!policy::DecideExpected(builtin, expected, 0).rule.empty());
  }
  return 0;
}
