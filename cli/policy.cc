// coffer policy operations, show, diff: what a policy decides, and what another one would decide otherwise. Of files
// without a service; without a file, of the policy that holds there.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/policy_changes.h"
#include "cli/policy_file.h"
#include "policy/policy_text.h"

namespace coffer::cli {
namespace {

std::vector<std::string_view> FacetsOf(policy::Operation operation) {
  std::vector<std::string_view> keys;
  for (const policy::Facet facet : policy::AllFacets()) {
    if (policy::HasFacet(operation, facet)) keys.push_back(policy::FacetKey(facet));
  }
  return keys;
}

std::vector<std::string_view> RolesThatMay(policy::Operation operation) {
  std::vector<std::string_view> roles;
  for (const policy::Role role : policy::AllRoles()) {
    if (policy::MayEver(role, operation).allowed) roles.push_back(policy::RoleName(role));
  }
  return roles;
}

std::string_view SpecialityOf(policy::Operation operation) {
  if (policy::IsDecidedByRole(operation)) return "decided by role alone";
  return policy::NeedsSecondPerson(operation) ? "needs approvals" : "";
}

Outcome<int> ListOperations(Session& session) {
  Table table({"OPERATION", "NARROWED BY", "ROLES THAT MAY", ""});
  Json json = Json::array();
  for (const policy::Operation operation : policy::AllOperations()) {
    const std::string name(policy::OperationName(operation));
    const std::vector<std::string_view> facets = FacetsOf(operation);
    const std::vector<std::string_view> roles = RolesThatMay(operation);
    table.Add({name, facets.empty() ? "-" : fmt::format("{}", fmt::join(facets, ", ")),
               fmt::format("{}", fmt::join(roles, ", ")), std::string(SpecialityOf(operation))});
    json.push_back({{"operation", name},
                    {"narrowed_by", facets},
                    {"roles", roles},
                    {"needs_approvals", policy::NeedsSecondPerson(operation)},
                    {"decided_by_role", policy::IsDecidedByRole(operation)}});
  }
  COFFER_TRY(session.json() ? PrintJson(json) : Print(table.ToText()));
  return kExitOk;
}

std::string HeadingOf(const policy::AccessPolicy& shown) {
  if (shown.serial() == 0) return "the built-in policy: it holds until the first one is applied\n";
  return fmt::format("serial {}; the next one takes {} signatures of administrators\n", shown.serial(),
                     shown.admin_signatures());
}

Outcome<int> Show(Session& session, const std::string& file) {
  policy::AccessPolicy shown = policy::AccessPolicy::Builtin();
  bool recovered = false;
  if (file.empty()) {
    COFFER_ASSIGN_OR_RETURN(PresentPolicy present, FetchPolicy(session));
    shown = std::move(present.policy);
    recovered = present.recovered;
  } else {
    COFFER_ASSIGN_OR_RETURN(shown, ReadPolicyFile("policy", file));
  }
  if (!session.json()) {
    const std::string_view mark = recovered ? "applied by the recovery identity, without signatures\n" : "";
    COFFER_TRY(Print(HeadingOf(shown).append(policy::PolicyTable(shown)).append(mark)));
    return kExitOk;
  }
  Json lines = Json::array();
  for (const policy::PolicyLine& line : policy::PolicyLines(shown)) {
    lines.push_back({{"role", policy::RoleName(line.role)},
                     {"operation", policy::OperationName(line.operation)},
                     {"says", line.allows ? "allow" : "forbid"},
                     {"rule", line.rule},
                     {"scope", line.scope},
                     {"conditions", line.conditions}});
  }
  Json persons = Json::array();
  for (const policy::Person& person : shown.persons()) {
    persons.push_back({{"name", person.name}, {"key", person.key.ToText()}, {"principals", person.principals}});
  }
  Json break_glass;  // null: nothing is kept for emergencies
  if (const std::optional<policy::BreakGlass>& kept = shown.break_glass()) {
    break_glass = {{"key", kept->key.ToText()}, {"minutes", kept->minutes}};
  }
  COFFER_TRY(PrintJson({{"serial", shown.serial()},
                        {"recovered", recovered},
                        {"admin_signatures", shown.admin_signatures()},
                        {"persons", persons},
                        {"break_glass", break_glass},
                        {"rules", lines}}));
  return kExitOk;
}

// What the second policy would change of the first; with one file, what that would change of the service's.
Outcome<int> Diff(Session& session, const std::string& before_file, const std::string& after_file) {
  const std::string& newer = after_file.empty() ? before_file : after_file;
  policy::AccessPolicy before = policy::AccessPolicy::Builtin();
  if (after_file.empty()) {
    COFFER_ASSIGN_OR_RETURN(const PresentPolicy present, FetchPolicy(session));
    before = present.policy;
  } else {
    COFFER_ASSIGN_OR_RETURN(before, ReadPolicyFile("before", before_file));
  }
  COFFER_ASSIGN_OR_RETURN(const policy::AccessPolicy after, ReadPolicyFile("after", newer));
  COFFER_ASSIGN_OR_RETURN(const PolicyChanges changes, ChangesBetween(before, after, session.Colors(STDOUT_FILENO)));
  COFFER_TRY(session.json() ? PrintJson(changes.json) : Print(changes.text));
  return kExitOk;
}

}  // namespace

void AddPolicyCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("policy", "Who may do what: look at policy files, test and compare them");
  tree.AddCommand(group, "operations", "List what can be allowed, to whom, and what it can be narrowed by",
                  "  coffer policy operations\n  coffer policy operations -o json",
                  [](Session& session) { return ListOperations(session); });

  auto file = std::make_shared<std::string>();
  CLI::App& show = tree.AddCommand(
      group, "show", "Check a policy file and show its whole table; without a file, that of the service",
      "  coffer policy show policy.toml\n  coffer policy show builtin\n  coffer policy show",
      [file](Session& session) { return Show(session, *file); });
  show.add_option("policy", *file, "The policy, or \"builtin\"")->type_name("FILE");

  auto files = std::make_shared<std::pair<std::string, std::string>>();
  CLI::App& diff =
      tree.AddCommand(group, "diff", "Show every decision that a new policy would change: + gives more, - less",
                      "  coffer policy diff policy.toml new.toml\n  coffer policy diff builtin policy.toml\n"
                      "  coffer policy diff new.toml     # what it would change of the service's",
                      [files](Session& session) { return Diff(session, files->first, files->second); });
  diff.add_option("before", files->first, "The policy of before, or \"builtin\"; alone, the new one")
      ->type_name("FILE")
      ->required();
  diff.add_option("after", files->second, "The new one; when only one is named, that of before is the service's")
      ->type_name("FILE");
  AddPolicyActCommands(tree, group);
  AddPolicyApplyCommands(tree, group);
}

}  // namespace coffer::cli
