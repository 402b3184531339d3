#include "policy/internal/recovered_names.h"

#include <algorithm>

#include "policy/internal/field_values.h"

namespace coffer::policy {
namespace {

using Names = std::set<std::string, std::less<>>;

// "spiffe://example.org/role/app/".
std::string_view WithoutLastPart(std::string_view principal) { return principal.substr(0, principal.rfind('/') + 1); }

std::vector<AccessRule*> AllRules(WrittenPolicy& written) {
  std::vector<AccessRule*> rules;
  for (AccessRule& rule : written.rules) rules.push_back(&rule);
  if (written.break_glass) rules.push_back(&written.break_glass->rule);
  return rules;
}

bool IsNamed(const std::vector<AccessRule*>& rules, const std::string& principal) {
  return std::any_of(rules.begin(), rules.end(),
                     [&principal](const AccessRule* rule) { return rule->principals.contains(principal); });
}

// Whether it is a person's, in whatever role.
bool IsAPersons(const std::vector<Person>& persons, const std::string& principal) {
  const std::string holder = HolderOf(principal);
  return std::any_of(persons.begin(), persons.end(),
                     [&holder](const Person& person) { return person.IsHolder(holder); });
}

// `seen`: the names of the tables before.
Status CheckTable(const RecoveredNames& table, const std::vector<Person>& persons,
                  const std::vector<AccessRule*>& rules, Names& seen) {
  if (!IsNamed(rules, table.of)) return Refused("is named by no rule").At("of");
  if (!seen.insert(table.of).second) return Refused("is in another table of recovered names").At("of");
  if (IsAPersons(persons, table.of)) return Refused("is a person's").At("of");
  for (const std::string& name : table.names) {
    if (WithoutLastPart(name) != WithoutLastPart(table.of) || name == table.of) {
      return Refused("names one that does not differ in its last part only").At("as");
    }
    if (!seen.insert(name).second) return Refused("names one that is in another table of recovered names").At("as");
    if (IsAPersons(persons, name)) return Refused("names one that is a person's").At("as");
    if (IsNamed(rules, name)) return Refused("names one that a rule names itself").At("as");
  }
  return {};
}

}  // namespace

Status ExpandRecovered(WrittenPolicy& written) {
  const std::vector<AccessRule*> rules = AllRules(written);
  Names seen;
  for (const RecoveredNames& table : written.recovered) {
    Status checked = CheckTable(table, written.persons, rules, seen);
    if (!checked.ok()) return std::move(checked).error().At(table.table).AtLine(table.line);
  }
  for (const RecoveredNames& table : written.recovered) {
    for (AccessRule* rule : rules) {
      if (rule->principals.contains(table.of)) rule->principals.insert(table.names.begin(), table.names.end());
    }
  }
  return {};
}

}  // namespace coffer::policy
