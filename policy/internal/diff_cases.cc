#include "policy/internal/diff_cases.h"

#include <algorithm>

#include <fmt/format.h>

#include "policy/policy_text.h"

namespace coffer::policy {
namespace {

using Names = std::set<std::string, std::less<>>;
using Rules = std::vector<const AccessRule*>;

Rules RulesOf(const AccessPolicy& before, const AccessPolicy& after, Role role, Operation operation) {
  Rules rules;
  for (const AccessPolicy* policy : {&before, &after}) {
    for (const AccessRule& rule : policy->rules()) {
      if (rule.roles.contains(role) && rule.operations.Has(operation)) rules.push_back(&rule);
    }
  }
  return rules;
}

// `names_of` gives what a rule names on the axis: an empty set for a rule that is not narrowed there.
template <typename NamesOf>
Axis NameAxis(std::string_view what, const Rules& rules, const NamesOf& names_of) {
  std::map<std::string, std::vector<bool>> rules_of;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (const std::string& name : names_of(*rules[i])) {
      std::vector<bool>& in = rules_of[name];
      in.resize(rules.size());
      in[i] = true;
    }
  }
  std::map<std::vector<bool>, std::vector<std::string>> alike;
  for (const auto& [name, in] : rules_of) alike[in].push_back(name);
  Axis axis{.what = what, .values = {}};
  for (auto& [in, names] : alike) axis.values.push_back({.name = names.front(), .names = names});
  std::sort(axis.values.begin(), axis.values.end(),
            [](const AxisValue& a, const AxisValue& b) { return a.name < b.name; });
  axis.values.push_back({.name = std::string(kUnnamed), .names = {}});
  return axis;
}

Axis ClassAxis(const Rules& rules, bool has_classes) {
  Axis axis{.what = "class", .values = {}};
  const bool told = has_classes && std::any_of(rules.begin(), rules.end(),
                                               [](const AccessRule* rule) { return rule->classes.has_value(); });
  for (const FieldClass one : {FieldClass::kPublic, FieldClass::kInternal, FieldClass::kPii, FieldClass::kSecret}) {
    const std::string name(FieldClassName(one));
    axis.values.push_back({.name = name, .names = {name}, .number = static_cast<std::int64_t>(one)});
    if (!told) break;
  }
  return axis;
}

// From the beginning, and from each moment at which a rule begins or ends.
Axis TimeAxis(const Rules& rules) {
  std::set<std::int64_t> moments = {0};
  for (const AccessRule* rule : rules) {
    if (rule->not_before_unix_s) moments.insert(*rule->not_before_unix_s);
    if (rule->not_after_unix_s) moments.insert(*rule->not_after_unix_s);
  }
  Axis axis{.what = "time", .values = {}};
  for (const std::int64_t moment : moments) {
    axis.values.push_back({.name = InstantText(moment), .names = {}, .number = moment});
  }
  return axis;
}

const Names& NamesIn(const NameScope& scope, bool has_facet) {
  static const Names kNone;
  return has_facet ? scope.names : kNone;
}

std::string DescribeTimes(const Axis& axis, const std::vector<std::size_t>& places) {
  std::string text;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t first = places[i];
    while (i + 1 < places.size() && places[i + 1] == places[i] + 1) ++i;
    const std::size_t end = places[i] + 1;
    if (!text.empty()) text += ", ";
    if (first > 0) text += "from " + axis.values[first].name;
    if (end < axis.values.size()) text += (first > 0 ? " until " : "until ") + axis.values[end].name;
  }
  return text;
}

}  // namespace

Axes AxesOf(const AccessPolicy& before, const AccessPolicy& after, Role role, Operation operation) {
  const Rules rules = RulesOf(before, after, role, operation);
  const auto has = [operation](Facet facet) { return HasFacet(operation, facet); };
  // Rules name principals of their other roles as well.
  const auto principals = [role](const AccessRule& rule) {
    Names names;
    for (const std::string& principal : rule.principals) {
      if (ParsePrincipal(principal)->role == role) names.insert(principal);
    }
    return names;
  };
  return {
      NameAxis("principal", rules, principals),
      NameAxis("field", rules, [&](const AccessRule& rule) { return NamesIn(rule.fields, has(Facet::kField)); }),
      ClassAxis(rules, has(Facet::kClass)),
      NameAxis("keyring", rules, [&](const AccessRule& rule) { return NamesIn(rule.keyrings, has(Facet::kKeyring)); }),
      NameAxis("tenant", rules, [&](const AccessRule& rule) { return NamesIn(rule.tenants, has(Facet::kTenant)); }),
      NameAxis("purpose", rules, [](const AccessRule& rule) { return rule.purposes; }),
      TimeAxis(rules)};
}

std::uint64_t CountCases(const Axes& axes) {
  std::uint64_t cases = 1;
  for (const Axis& axis : axes) {
    if (cases > (std::uint64_t{1} << 40U)) return cases;  // each axis has fewer than 2^20
    cases *= axis.values.size();
  }
  return cases;
}

Act ActOf(const Axes& axes, const Case& at, Role role, Operation operation) {
  const auto value = [&](AxisKind kind) -> const AxisValue& {
    const auto axis = static_cast<std::size_t>(kind);
    return axes[axis].values[at[axis]];
  };
  Act act{.role = role, .principal = value(AxisKind::kPrincipal).name, .operation = operation};
  if (HasFacet(operation, Facet::kField)) act.field = value(AxisKind::kField).name;
  if (HasFacet(operation, Facet::kClass)) act.field_class = static_cast<FieldClass>(value(AxisKind::kClass).number);
  if (HasFacet(operation, Facet::kKeyring)) act.keyring = value(AxisKind::kKeyring).name;
  if (HasFacet(operation, Facet::kTenant)) act.tenant = value(AxisKind::kTenant).name;
  act.purpose = value(AxisKind::kPurpose).name;
  act.now_unix_s = value(AxisKind::kTime).number;
  return act;
}

std::string DescribeValues(const Axis& axis, const std::vector<std::size_t>& places) {
  if (places.size() == axis.values.size()) return {};
  if (axis.what == "time") return DescribeTimes(axis, places);
  std::set<std::string> in;
  std::set<std::string> out;
  bool unnamed = false;
  for (std::size_t i = 0; i < axis.values.size(); ++i) {
    const AxisValue& value = axis.values[i];
    const bool is_in = std::find(places.begin(), places.end(), i) != places.end();
    if (value.name == kUnnamed) unnamed = is_in;
    (is_in ? in : out).insert(value.names.begin(), value.names.end());
  }
  if (unnamed) return fmt::format("any {} but {}", axis.what, fmt::join(out, ", "));
  return fmt::format("{} {}", axis.what, fmt::join(in, ", "));
}

}  // namespace coffer::policy
