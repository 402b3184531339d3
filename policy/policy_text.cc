#include "policy/policy_text.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace coffer::policy {
namespace {

template <typename Names>
std::string Joined(const Names& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

void AddPart(std::string& text, const std::string& part) {
  if (!text.empty()) text += "; ";
  text += part;
}

std::vector<std::string_view> RoleNames(const std::set<Role>& roles) {
  std::vector<std::string_view> names;
  for (const Role role : roles) names.push_back(RoleName(role));
  return names;
}

void AddLimit(std::string& text, const std::optional<std::int64_t>& limit, std::string_view of) {
  if (limit) AddPart(text, fmt::format("at most {} {}", *limit, of));
}

PolicyLine ByRole(Role role, Operation operation, const RoleDecision& decision) {
  return {role, operation, decision.allowed, std::string(decision.rule), {}, {}};
}

std::string InAnEmergency(const BreakGlass& kept) {
  std::string text = fmt::format("in an emergency, for {} by the key {}", MinutesText(kept.minutes), kept.key.name());
  const std::string conditions = DescribeConditions(kept.rule);
  if (!conditions.empty()) AddPart(text, conditions);
  return text;
}

// What decides one cell of the table.
void AddCell(const AccessPolicy& policy, Role role, Operation operation, std::vector<PolicyLine>& lines) {
  const RoleDecision by_role = MayEver(role, operation);
  if (!by_role.allowed) return;
  if (IsDecidedByRole(operation)) {
    lines.push_back(ByRole(role, operation, by_role));
    return;
  }
  for (const std::uint16_t place : policy.RulesFor(role, operation)) {
    const AccessRule& rule = policy.rules()[place];
    lines.push_back({role, operation, rule.effect == AccessRule::Effect::kGrant, rule.id, DescribeScope(rule),
                     DescribeConditions(rule)});
  }
  const std::optional<BreakGlass>& kept = policy.break_glass();
  if (kept && kept->rule.roles.contains(role) && kept->rule.operations.Has(operation)) {
    lines.push_back({role, operation, true, kept->rule.id, DescribeScope(kept->rule), InAnEmergency(*kept)});
  }
}

}  // namespace

std::string MinutesText(std::uint32_t minutes) { return fmt::format("{} minute{}", minutes, minutes == 1 ? "" : "s"); }

std::string InstantText(std::int64_t unix_s) {
  const std::chrono::sys_seconds at{std::chrono::seconds(unix_s)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

std::string DescribeScope(const AccessRule& rule) {
  std::string text;
  if (!rule.principals.empty()) AddPart(text, "principals " + Joined(rule.principals));
  if (!rule.fields.all) AddPart(text, "fields " + Joined(rule.fields.names));
  if (rule.classes) {
    std::vector<std::string_view> names;
    for (const FieldClass one : *rule.classes) names.push_back(FieldClassName(one));
    AddPart(text, "classes " + Joined(names));
  }
  if (!rule.keyrings.all) AddPart(text, "keyrings " + Joined(rule.keyrings.names));
  if (!rule.tenants.all) AddPart(text, "tenants " + Joined(rule.tenants.names));
  if (!rule.purposes.empty()) AddPart(text, "purposes " + Joined(rule.purposes));
  if (rule.not_before_unix_s) AddPart(text, "from " + InstantText(*rule.not_before_unix_s));
  if (rule.not_after_unix_s) AddPart(text, "until " + InstantText(*rule.not_after_unix_s));
  return text;
}

std::string DescribeConditions(const AccessRule& rule) {
  std::string text = rule.standing ? "standing" : "";
  const std::string asked = DescribeConditions(rule.approvals ? &*rule.approvals : nullptr, rule.limits);
  if (!asked.empty()) AddPart(text, asked);
  return text;
}

std::string DescribeConditions(const ApprovalRule* approvals, const AccessLimits& limits) {
  std::string text;
  if (approvals != nullptr) {
    AddPart(text, fmt::format("{} approval{} of {} within {}", approvals->count, approvals->count == 1 ? "" : "s",
                              Joined(RoleNames(approvals->roles)), MinutesText(approvals->minutes)));
  }
  AddLimit(text, limits.values_per_minute, "values a minute");
  AddLimit(text, limits.distinct_per_day, "distinct values a day");
  AddLimit(text, limits.in_flight, "calls in flight");
  return text;
}

std::vector<PolicyLine> PolicyLines(const AccessPolicy& policy) {
  std::vector<PolicyLine> lines;
  for (const Role role : AllRoles()) {
    for (const Operation operation : AllOperations()) AddCell(policy, role, operation, lines);
  }
  return lines;
}

std::string PolicyTable(const AccessPolicy& policy) {
  const std::vector<PolicyLine> lines = PolicyLines(policy);
  std::size_t rule_width = 4;
  for (const PolicyLine& line : lines) rule_width = std::max(rule_width, line.rule.size());
  std::string text =
      fmt::format("{:<12}  {:<22}  {:<6}  {:<{}}  {}\n", "role", "operation", "says", "rule", rule_width, "when");
  for (const PolicyLine& line : lines) {
    std::string when = line.scope;
    if (!line.conditions.empty()) AddPart(when, line.conditions);
    std::string row =
        fmt::format("{:<12}  {:<22}  {:<6}  {:<{}}  {}", RoleName(line.role), OperationName(line.operation),
                    line.allows ? "allow" : "forbid", line.rule, rule_width, when);
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  return text;
}

}  // namespace coffer::policy
