// coffer policy explain, test: what a policy decides of single acts, and whether that is what its owners expect.
#include <fmt/format.h>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/policy_file.h"
#include "cli/printing.h"
#include "cli/times.h"
#include "crypto/names.h"
#include "io/clock.h"
#include "io/file.h"
#include "policy/policy_expectations.h"
#include "policy/policy_text.h"

namespace coffer::cli {
namespace {

std::int64_t NowUnixSeconds() { return SystemClock().UnixMicros() / kMicrosPerSecond; }

struct ActArguments {
  std::string policy;
  std::string role;
  std::string operation;
  std::string principal;
  std::string field;
  std::string field_class;
  std::string keyring;
  std::string tenant;
  std::string purpose;
  std::string at;
  std::vector<std::string> approved_by;
};

Outcome<void> TakeName(std::string_view option, const std::string& text, bool fits, std::optional<std::string>& place) {
  if (text.empty()) return {};
  if (!fits) return UsageFailure(fmt::format("{}: is no name of such a thing", option));
  place = text;
  return {};
}

Outcome<policy::ExpectedDecision> ActFrom(const ActArguments& arguments) {
  policy::ExpectedDecision act;
  act.role = *policy::ParseRole(arguments.role);
  act.operation = *policy::ParseOperation(arguments.operation);
  act.principal = arguments.principal;
  if (!act.principal.empty()) {
    const Result<policy::Principal> principal = policy::ParsePrincipal(act.principal);
    if (!principal.ok() || principal->role != act.role) {
      return UsageFailure("--principal: is no principal of this role: unix:<role>:<uid> or spiffe://...");
    }
  }
  COFFER_TRY(TakeName("--field", arguments.field, FieldName::Parse(arguments.field).ok(), act.field));
  COFFER_TRY(TakeName("--keyring", arguments.keyring, IsSlug(arguments.keyring), act.keyring));
  COFFER_TRY(TakeName("--tenant", arguments.tenant, IsSlug(arguments.tenant), act.tenant));
  if (!arguments.field_class.empty()) act.field_class = policy::ParseFieldClass(arguments.field_class);
  act.purpose = arguments.purpose;
  act.approved_by = arguments.approved_by;
  if (!arguments.at.empty()) {
    const Result<std::int64_t> at = ParseTime(arguments.at);
    if (!at.ok()) return UsageFailure("--at: " + at.error().ToString());
    act.at_unix_s = *at / kMicrosPerSecond;
  }
  return act;
}

// The rule whose id decided, as a file's reader finds it.
std::string PlaceOf(const policy::AccessRule& rule) {
  return rule.line == 0 ? rule.id : fmt::format("{} (line {})", rule.id, rule.line);
}

Outcome<int> Explain(Session& session, const ActArguments& arguments) {
  COFFER_ASSIGN_OR_RETURN(const policy::AccessPolicy decides, ReadPolicyFile("policy", arguments.policy));
  COFFER_ASSIGN_OR_RETURN(const policy::ExpectedDecision act, ActFrom(arguments));
  const std::int64_t now = NowUnixSeconds();
  const policy::Decision decision = policy::DecideExpected(decides, act, now);
  const std::string conditions = policy::DescribeConditions(decision.approvals, decision.limits);
  Json rules = Json::array();
  std::string text =
      fmt::format("{} by {}: {}\n", policy::OutcomeName(decision.outcome), decision.rule, decision.reason);
  if (!conditions.empty()) text += "  asks: " + conditions + "\n";
  for (const policy::RuleMeeting& meeting : policy::Meetings(decides, act, now)) {
    const bool grants = meeting.rule->effect == policy::AccessRule::Effect::kGrant;
    const std::string_view how = policy::MismatchSentence(meeting.mismatch);
    text += fmt::format("  {} {} {}\n", grants ? "grant" : "forbid", PlaceOf(*meeting.rule), how);
    rules.push_back({{"rule", meeting.rule->id},
                     {"says", grants ? "allow" : "forbid"},
                     {"line", meeting.rule->line},
                     {"matches", meeting.mismatch == policy::Mismatch::kNone},
                     {"how", how}});
  }
  COFFER_TRY(session.json() ? PrintJson({{"outcome", policy::OutcomeName(decision.outcome)},
                                         {"rule", decision.rule},
                                         {"reason", decision.reason},
                                         {"conditions", conditions},
                                         {"rules", rules}})
                            : Print(text));
  return decision.outcome == policy::Outcome::kAllowed ? kExitOk : kExitFailed;
}

std::string DifferenceText(const policy::ExpectedDecision& expected, const policy::Decision& decision,
                           const std::string* unknown) {
  if (unknown != nullptr) {
    return fmt::format(": {} approved it, who is no person of the policy (line {})\n", *unknown, expected.line);
  }
  return fmt::format(": is {} by {}, not {}{}{} (line {})\n", policy::OutcomeName(decision.outcome), decision.rule,
                     policy::OutcomeName(expected.outcome), expected.rule.empty() ? "" : " by ", expected.rule,
                     expected.line);
}

Outcome<int> Test(Session& session, const std::string& policy_file, const std::string& expectations_file) {
  COFFER_ASSIGN_OR_RETURN(const policy::AccessPolicy decides, ReadPolicyFile("policy", policy_file));
  const Result<Bytes> bytes = ReadFile(expectations_file, policy::kMaxPolicyBytes);
  if (!bytes.ok()) return FileFailure("expectations", expectations_file, bytes.error());
  const Result<std::vector<policy::ExpectedDecision>> expectations = policy::ParseExpectations(AsText(*bytes));
  if (!expectations.ok()) {
    return Failure(kExitFailed, ShownPath(expectations_file) + ": " + expectations.error().ToString());
  }
  const std::int64_t now = NowUnixSeconds();
  const bool colors = session.Colors(STDOUT_FILENO);
  Json results = Json::array();
  std::string text;
  std::size_t failed = 0;
  for (const policy::ExpectedDecision& expected : *expectations) {
    const policy::Decision decision = policy::DecideExpected(decides, expected, now);
    const std::string* const unknown = policy::UnknownApprover(decides, expected);
    const bool met = unknown == nullptr && decision.outcome == expected.outcome &&
                     (expected.rule.empty() || expected.rule == decision.rule);
    failed += met ? 0 : 1;
    results.push_back({{"name", expected.name},
                       {"met", met},
                       {"outcome", policy::OutcomeName(decision.outcome)},
                       {"rule", decision.rule}});
    text += Colored(met ? "ok    " : "FAILED", met ? Color::kGreen : Color::kRed, colors) + " " + expected.name;
    text += met ? "\n" : DifferenceText(expected, decision, unknown);
  }
  COFFER_TRY(session.json() ? PrintJson({{"failed", failed}, {"results", results}}) : Print(text));
  if (failed == 0) return kExitOk;
  return Failure(kExitFailed, fmt::format("{} of {} expectations are not met", failed, expectations->size()),
                 "coffer policy explain says how each rule met the act");
}

void AddActOptions(CLI::App& command, ActArguments& arguments) {
  std::vector<std::string> roles;
  for (const policy::Role role : policy::AllRoles()) roles.emplace_back(policy::RoleName(role));
  command.add_option("policy", arguments.policy, "The policy, or \"builtin\"")->type_name("FILE")->required();
  command.add_option("--as", arguments.role, "The role that asks")->type_name("ROLE")->required()->check(OneOf(roles));
  command.add_option("--operation", arguments.operation, "What is asked (coffer policy operations)")
      ->type_name("NAME")
      ->required()
      ->check(Checked([](const std::string& text) {
        return policy::ParseOperation(text) ? "" : "is no operation: coffer policy operations lists them";
      }));
  command.add_option("--principal", arguments.principal, "Who asks; without it, one that no rule names")
      ->type_name("ID");
  command.add_option("--field", arguments.field, "scope.table.column")->type_name("FIELD");
  command.add_option("--class", arguments.field_class, "The field's class")
      ->type_name("CLASS")
      ->check(OneOf({"public", "internal", "pii", "secret"}));
  command.add_option("--keyring", arguments.keyring, "The keyring")->type_name("NAME");
  command.add_option("--tenant", arguments.tenant, "The tenant")->type_name("NAME");
  command.add_option("--purpose", arguments.purpose, "The purpose that is claimed")->type_name("TEXT");
  command.add_option("--at", arguments.at, "When; without it, now")->type_name("TIME");
  command.add_option("--approved-by", arguments.approved_by, "A person who approved it; may be given again")
      ->type_name("NAME");
}

}  // namespace

void AddPolicyActCommands(CommandTree& tree, CLI::App& group) {
  auto arguments = std::make_shared<ActArguments>();
  CLI::App& explain = tree.AddCommand(
      group, "explain", "Say what a policy decides of one act, and how each rule meets it; exit 1 unless allowed",
      "  coffer policy explain policy.toml --as dba --operation RotateKeyring --keyring shop\n"
      "  coffer policy explain builtin --as dba --operation DecryptFields",
      [arguments](Session& session) { return Explain(session, *arguments); });
  AddActOptions(explain, *arguments);

  auto files = std::make_shared<std::pair<std::string, std::string>>();
  CLI::App& test =
      tree.AddCommand(group, "test", "Check a policy against a file of expected decisions; exit 1 when one is not met",
                      "  coffer policy test policy.toml expectations.toml",
                      [files](Session& session) { return Test(session, files->first, files->second); });
  test.add_option("policy", files->first, "The policy, or \"builtin\"")->type_name("FILE")->required();
  test.add_option("expectations", files->second, "Acts, and what is to be decided of each")
      ->type_name("FILE")
      ->required();
}

}  // namespace coffer::cli
