#include "policy/internal/diff_cases.h"

#include <algorithm>

#include <fmt/format.h>

#include "policy/policy_text.h"

namespace coffer::policy {
namespace {

using Names = std::set<std::string, std::less<>>;

std::string_view WordOf(Axis axis) {
  switch (axis) {
    case Axis::kPrincipal:
      return "principal";
    case Axis::kField:
      return "field";
    case Axis::kClass:
      return "class";
    case Axis::kKeyring:
      return "keyring";
    case Axis::kTenant:
      return "tenant";
    case Axis::kPurpose:
      return "purpose";
    case Axis::kTime:
      break;
  }
  return "time";
}

const NameScope* ScopeOn(const AccessRule& rule, Axis axis) {
  if (axis == Axis::kField) return &rule.fields;
  if (axis == Axis::kKeyring) return &rule.keyrings;
  return axis == Axis::kTenant ? &rule.tenants : nullptr;
}

// What the rule names on the axis; nothing for one that is not narrowed there.
void AddNames(const AccessRule& rule, Axis axis, Role role, Names& names) {
  if (const NameScope* scope = ScopeOn(rule, axis)) names.insert(scope->names.begin(), scope->names.end());
  if (axis == Axis::kPurpose) names.insert(rule.purposes.begin(), rule.purposes.end());
  if (axis != Axis::kPrincipal) return;
  for (const std::string& principal : rule.principals) {
    if (ParsePrincipal(principal)->role == role) names.insert(principal);
  }
}

void AddMoments(const AccessRule& rule, std::set<std::int64_t>& moments) {
  if (rule.not_before_unix_s) moments.insert(*rule.not_before_unix_s);
  if (rule.not_after_unix_s) moments.insert(*rule.not_after_unix_s);
}

bool IsLeft(const AccessRule& rule, Axis axis, const AxisValue& value) {
  if (const NameScope* scope = ScopeOn(rule, axis)) return scope->all || scope->names.contains(value.name);
  switch (axis) {
    case Axis::kPrincipal:
      return rule.principals.empty() || rule.principals.contains(value.name);
    case Axis::kClass:
      return !rule.classes || rule.classes->contains(*ParseFieldClass(value.name));
    case Axis::kPurpose:
      return rule.purposes.empty() || rule.purposes.contains(value.name);
    default:
      return (!rule.not_before_unix_s || value.from_unix_s >= *rule.not_before_unix_s) &&
             (!rule.not_after_unix_s || value.from_unix_s < *rule.not_after_unix_s);
  }
}

RulePlaces LeftOf(const AccessPolicy& policy, const RulePlaces& places, Axis axis, const AxisValue& value) {
  RulePlaces left;
  for (const std::uint16_t place : places) {
    if (IsLeft(policy.rules()[place], axis, value)) left.push_back(place);
  }
  return left;
}

std::vector<AxisValue> ValuesOf(const std::vector<const AccessRule*>& rules, Axis axis, Role role) {
  std::vector<AxisValue> values;
  if (axis == Axis::kClass) {
    for (const FieldClass one : {FieldClass::kPublic, FieldClass::kInternal, FieldClass::kPii, FieldClass::kSecret}) {
      values.push_back({.name = std::string(FieldClassName(one)), .from_unix_s = 0});
    }
    return values;
  }
  if (axis == Axis::kTime) {
    std::set<std::int64_t> moments = {0};
    for (const AccessRule* rule : rules) AddMoments(*rule, moments);
    for (const std::int64_t moment : moments) values.push_back({.name = InstantText(moment), .from_unix_s = moment});
    return values;
  }
  Names names;
  for (const AccessRule* rule : rules) AddNames(*rule, axis, role, names);
  for (const std::string& name : names) values.push_back({.name = name, .from_unix_s = 0});
  values.push_back({.name = "", .from_unix_s = 0});
  return values;
}

std::string DescribeTimes(const std::vector<AxisValue>& values, const std::vector<std::size_t>& places) {
  std::string text;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t first = places[i];
    while (i + 1 < places.size() && places[i + 1] == places[i] + 1) ++i;
    const std::size_t end = places[i] + 1;
    if (!text.empty()) text += ", ";
    if (first > 0) text += "from " + values[first].name;
    if (end < values.size()) text += (first > 0 ? " until " : "until ") + values[end].name;
  }
  return text;
}

}  // namespace

AxisCases CasesOf(const AccessPolicy& before, const AccessPolicy& after, const RulesLeft& rules, Axis axis, Role role) {
  std::vector<const AccessRule*> both;
  for (const std::uint16_t place : rules.before) both.push_back(&before.rules()[place]);
  for (const std::uint16_t place : rules.after) both.push_back(&after.rules()[place]);
  AxisCases cases;
  cases.values = ValuesOf(both, axis, role);
  cases.work = cases.values.size() * (both.size() + 1);
  std::map<RulesLeft, std::size_t> group_of;
  for (std::size_t place = 0; place < cases.values.size(); ++place) {
    RulesLeft left{.before = LeftOf(before, rules.before, axis, cases.values[place]),
                   .after = LeftOf(after, rules.after, axis, cases.values[place])};
    const auto [found, is_new] = group_of.emplace(left, cases.groups.size());
    if (is_new) cases.groups.push_back({.left = std::move(left), .places = {}});
    cases.groups[found->second].places.push_back(place);
  }
  return cases;
}

std::string DescribeValues(Axis axis, const std::vector<AxisValue>& values, const std::vector<std::size_t>& places) {
  if (places.size() == values.size()) return {};
  if (axis == Axis::kTime) return DescribeTimes(values, places);
  std::vector<std::string> in;
  std::vector<std::string> out;
  bool unnamed = false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool is_in = std::find(places.begin(), places.end(), i) != places.end();
    if (values[i].name.empty()) {
      unnamed = is_in;
    } else {
      (is_in ? in : out).push_back(values[i].name);
    }
  }
  if (unnamed) return fmt::format("any {} but {}", WordOf(axis), fmt::join(out, ", "));
  return fmt::format("{} {}", WordOf(axis), fmt::join(in, ", "));
}

}  // namespace coffer::policy
