// Policy files, issued grants and files of expectations: what parses allows no role more than it may ever have, has
// somebody else for every act of two, does not differ from itself, and says so in words.
#include <cstdint>

#include "policy/policy_diff.h"
#include "policy/policy_expectations.h"
#include "policy/policy_text.h"

namespace policy = coffer::policy;

namespace {

constexpr std::string_view kTwoPersons =
    "serial = 1\nadmin_signatures = 2\n[person.alice]\n"
    "key = \"alice+624e4605+AWQ4O7i+WINri+PQIETabHMUMlnGmjsilYqErNE6EUBg\"\nprincipals = [\"unix:admin:1000\"]\n"
    "[person.bob]\nkey = \"bob+79567877+AQ6wSbObQo1OJh7BFOZOCdL44Hvf0JCKLA8peBqXXuFL\"\n"
    "principals = [\"unix:admin:1001\"]\n";

void CheckRule(const policy::AccessRule& rule) {
  const bool grants = rule.effect == policy::AccessRule::Effect::kGrant;
  COFFER_CHECK(!rule.operations.empty() && !rule.roles.empty());
  for (const policy::Operation operation : policy::AllOperations()) {
    if (!grants || !rule.operations.Has(operation)) continue;
    for (const policy::Role role : rule.roles) COFFER_CHECK(policy::MayEver(role, operation).allowed);
    COFFER_CHECK(!policy::NeedsSecondPerson(operation) || (rule.approvals && rule.approvals->count > 0));
  }
  COFFER_CHECK(!rule.standing || (!rule.principals.empty() && rule.not_after_unix_s && !rule.approvals));
}

void CheckPolicy(const policy::AccessPolicy& parsed) {
  for (const policy::AccessRule& rule : parsed.rules()) {
    CheckRule(rule);
    COFFER_CHECK(!rule.id.starts_with(policy::kIssuedGrantPrefix) && rule.id != policy::kBreakGlassRule);
  }
  if (const std::optional<policy::BreakGlass>& kept = parsed.break_glass()) {
    CheckRule(kept->rule);
    COFFER_CHECK(!kept->rule.principals.empty() && !kept->rule.approvals);
    COFFER_CHECK(parsed.With({kept->rule}).ok());
  }
  for (const policy::PolicyLine& line : policy::PolicyLines(parsed)) COFFER_CHECK(!line.rule.empty());
  const auto same = policy::DiffDecisions(parsed, parsed);
  COFFER_CHECK(!same.ok() || same->empty());
  COFFER_CHECK(policy::DiffPersons(parsed, parsed).empty());
  COFFER_CHECK(policy::DiffBreakGlass(parsed, parsed).empty());
}

// Beside a policy of no rules.
void CheckIssuedGrant(std::string_view text) {
  static const policy::AccessPolicy kEmpty = policy::AccessPolicy::Parse(kTwoPersons).value();
  constexpr std::int64_t kNow = 1'811'808'000;  // 2027-06-01
  const coffer::Result<policy::AccessRule> issued = kEmpty.ParseIssuedGrant(text, kNow);
  if (!issued.ok()) {
    COFFER_CHECK(issued.error().code() == coffer::ErrorCode::kInvalidArgument);
    return;
  }
  CheckRule(*issued);
  COFFER_CHECK(issued->id.starts_with(policy::kIssuedGrantPrefix) && !issued->principals.empty());
  COFFER_CHECK(*issued->not_after_unix_s > kNow && *issued->not_after_unix_s - kNow <= policy::kMaxIssuedGrantLife);
  const coffer::Result<policy::AccessPolicy> with = kEmpty.With({*issued});
  COFFER_CHECK(with.ok() && with->rules().size() == 1);
  COFFER_CHECK(!kEmpty.With({*issued, *issued}).ok());
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
  CheckIssuedGrant(text);
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
