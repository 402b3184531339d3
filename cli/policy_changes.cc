#include "cli/policy_changes.h"

#include <fmt/format.h>

#include "policy/policy_diff.h"

namespace coffer::cli {

Outcome<PolicyChanges> ChangesBetween(const policy::AccessPolicy& before, const policy::AccessPolicy& after,
                                      bool colors) {
  const Result<std::vector<policy::DecisionChange>> changes = policy::DiffDecisions(before, after);
  if (!changes.ok()) return Failure(kExitFailed, changes.error().ToString());
  PolicyChanges result;
  Json decisions = Json::array();
  for (const policy::DecisionChange& change : *changes) {
    decisions.push_back({{"role", policy::RoleName(change.role)},
                         {"operation", policy::OperationName(change.operation)},
                         {"where", change.where},
                         {"before", change.before},
                         {"after", change.after},
                         {"widens", change.widens}});
    std::string line = fmt::format("{} {} {}", change.widens ? "+" : "-", policy::RoleName(change.role),
                                   policy::OperationName(change.operation));
    for (const std::string& phrase : change.where) line += ", " + phrase;
    line += fmt::format(": {} -> {}", change.before, change.after);
    result.text += Colored(line, change.widens ? Color::kRed : Color::kGreen, colors) + "\n";
  }
  const std::vector<std::string> persons = policy::DiffPersons(before, after);
  const std::vector<std::string> break_glass = policy::DiffBreakGlass(before, after);
  for (const std::string& line : persons) result.text += "  " + line + "\n";
  for (const std::string& line : break_glass) result.text += "  " + line + "\n";
  result.json = {{"decisions", decisions}, {"persons", persons}, {"break_glass", break_glass}};
  return result;
}

}  // namespace coffer::cli
