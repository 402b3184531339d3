// coffer policy: what a policy file decides, and what another one would decide otherwise; no service needed.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/policy_file.h"
#include "cli/printing.h"
#include "policy/policy_diff.h"
#include "policy/policy_text.h"

namespace coffer::cli {
namespace {

std::string OperationFacets(policy::Operation operation) {
  std::vector<std::string_view> keys;
  for (const policy::Facet facet : policy::AllFacets()) {
    if (policy::HasFacet(operation, facet)) keys.push_back(policy::FacetKey(facet));
  }
  return fmt::format("{}", fmt::join(keys, ", "));
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
    const std::string facets = OperationFacets(operation);
    const std::vector<std::string_view> roles = RolesThatMay(operation);
    table.Add({name, facets.empty() ? "-" : facets, fmt::format("{}", fmt::join(roles, ", ")),
               std::string(SpecialityOf(operation))});
    json.push_back({{"operation", name},
                    {"roles", roles},
                    {"needs_approvals", policy::NeedsSecondPerson(operation)},
                    {"decided_by_role", policy::IsDecidedByRole(operation)}});
  }
  COFFER_TRY(session.json() ? PrintJson(json) : Print(table.ToText()));
  return kExitOk;
}

Outcome<int> Show(Session& session, const std::string& file) {
  COFFER_ASSIGN_OR_RETURN(const policy::AccessPolicy shown, ReadPolicyFile("policy", file));
  if (!session.json()) {
    COFFER_TRY(Print(policy::PolicyTable(shown)));
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
  COFFER_TRY(PrintJson({{"serial", shown.serial()},
                        {"admin_signatures", shown.admin_signatures()},
                        {"persons", persons},
                        {"rules", lines}}));
  return kExitOk;
}

Outcome<int> Diff(Session& session, const std::string& before_file, const std::string& after_file) {
  COFFER_ASSIGN_OR_RETURN(const policy::AccessPolicy before, ReadPolicyFile("before", before_file));
  COFFER_ASSIGN_OR_RETURN(const policy::AccessPolicy after, ReadPolicyFile("after", after_file));
  const Result<std::vector<policy::DecisionChange>> changes = policy::DiffDecisions(before, after);
  if (!changes.ok()) return Failure(kExitFailed, changes.error().ToString());
  const std::vector<std::string> persons = policy::DiffPersons(before, after);
  Json json = Json::array();
  std::string text;
  const bool colors = session.Colors(STDOUT_FILENO);
  for (const policy::DecisionChange& change : *changes) {
    json.push_back({{"role", policy::RoleName(change.role)},
                    {"operation", policy::OperationName(change.operation)},
                    {"where", change.where},
                    {"before", change.before},
                    {"after", change.after},
                    {"widens", change.widens}});
    std::string line = fmt::format("{} {} {}", change.widens ? "+" : "-", policy::RoleName(change.role),
                                   policy::OperationName(change.operation));
    for (const std::string& phrase : change.where) line += ", " + phrase;
    line += fmt::format(": {} -> {}", change.before, change.after);
    text += Colored(line, change.widens ? Color::kRed : Color::kGreen, colors) + "\n";
  }
  for (const std::string& line : persons) text += "  " + line + "\n";
  COFFER_TRY(session.json() ? PrintJson({{"decisions", json}, {"persons", persons}}) : Print(text));
  return kExitOk;
}

}  // namespace

void AddPolicyCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("policy", "Who may do what: look at policy files, test and compare them");
  tree.AddCommand(group, "operations", "List what can be allowed, to whom, and what it can be narrowed by",
                  "  coffer policy operations\n  coffer policy operations -o json",
                  [](Session& session) { return ListOperations(session); });

  auto file = std::make_shared<std::string>();
  CLI::App& show = tree.AddCommand(group, "show", "Check a policy file and show its whole table",
                                   "  coffer policy show policy.toml\n  coffer policy show builtin",
                                   [file](Session& session) { return Show(session, *file); });
  show.add_option("policy", *file, "The policy, or \"builtin\"")->type_name("FILE")->required();

  auto files = std::make_shared<std::pair<std::string, std::string>>();
  CLI::App& diff =
      tree.AddCommand(group, "diff", "Show every decision that another policy would change: + gives more, - less",
                      "  coffer policy diff policy.toml new.toml\n  coffer policy diff builtin policy.toml",
                      [files](Session& session) { return Diff(session, files->first, files->second); });
  diff.add_option("before", files->first, "A policy, or \"builtin\"")->type_name("FILE")->required();
  diff.add_option("after", files->second, "Another one")->type_name("FILE")->required();
  AddPolicyActCommands(tree, group);
}

}  // namespace coffer::cli
