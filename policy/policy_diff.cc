#include "policy/policy_diff.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "policy/internal/diff_cases.h"
#include "policy/policy_text.h"

namespace coffer::policy {
namespace {

// A way in which an act is allowed: at once, or to those whom others approve.
struct Way {
  std::optional<ApprovalRule> approvals;
  AccessLimits limits;
  bool operator==(const Way&) const = default;
};
// What one policy says to one case; no way: denied.
using Verdict = std::vector<Way>;

bool LimitAtMost(const std::optional<std::int64_t>& a, const std::optional<std::int64_t>& b) {
  return !b || (a && *a <= *b);
}

bool LimitsAtMost(const AccessLimits& a, const AccessLimits& b) {
  return LimitAtMost(a.values_per_minute, b.values_per_minute) && LimitAtMost(a.distinct_per_day, b.distinct_per_day) &&
         LimitAtMost(a.in_flight, b.in_flight);
}

// Who has what `a` asks for has what `b` asks for.
bool AsksAtLeast(const std::optional<ApprovalRule>& a, const std::optional<ApprovalRule>& b) {
  if (!b) return true;
  if (!a) return false;
  return a->count >= b->count && a->minutes <= b->minutes &&
         std::includes(b->roles.begin(), b->roles.end(), a->roles.begin(), a->roles.end());
}

bool GivesAtMost(const Way& a, const Way& b) {
  return AsksAtLeast(a.approvals, b.approvals) && LimitsAtMost(a.limits, b.limits);
}

// Whatever `a` gives, `b` gives too.
bool GivesAtMost(const Verdict& a, const Verdict& b) {
  const auto covered = [&b](const Way& one) {
    return std::any_of(b.begin(), b.end(), [&one](const Way& other) { return GivesAtMost(one, other); });
  };
  return std::all_of(a.begin(), a.end(), covered);
}

// One of either roles is one of their union.
bool JoinRoles(Verdict& ways, const AccessRule& rule) {
  for (Way& way : ways) {
    if (!way.approvals || way.approvals->count != 1 || way.approvals->minutes != rule.approvals->minutes) continue;
    if (way.limits != rule.limits) continue;
    way.approvals->roles.insert(rule.approvals->roles.begin(), rule.approvals->roles.end());
    return true;
  }
  return false;
}

void AddWay(Verdict& ways, const AccessRule& rule) {
  if (!rule.approvals && !ways.empty() && !ways.front().approvals) {
    ways.front().limits = WidestOf(ways.front().limits, rule.limits);
  } else if (!rule.approvals || rule.approvals->count != 1 || !JoinRoles(ways, rule)) {
    ways.push_back({rule.approvals, rule.limits});
  }
}

auto OrderOf(const Way& way) {
  const ApprovalRule none;
  const ApprovalRule& approvals = way.approvals ? *way.approvals : none;
  return std::tuple(approvals.count, approvals.roles, approvals.minutes, way.limits.values_per_minute,
                    way.limits.distinct_per_day, way.limits.in_flight);
}

// Of the rules that match: as AccessPolicy::Decide, for whatever approvals. Each way gives something that no other
// gives, and their order says nothing.
Verdict VerdictOf(const AccessPolicy& policy, const RulePlaces& places) {
  Verdict ways;
  for (const std::uint16_t place : places) {
    const AccessRule& rule = policy.rules()[place];
    if (rule.effect == AccessRule::Effect::kForbid) return {};
    AddWay(ways, rule);
  }
  Verdict kept;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    bool covered = false;
    for (std::size_t j = 0; j < ways.size() && !covered; ++j) {
      covered = j != i && GivesAtMost(ways[i], ways[j]) && (j < i || !GivesAtMost(ways[j], ways[i]));
    }
    if (!covered) kept.push_back(ways[i]);
  }
  std::sort(kept.begin(), kept.end(), [](const Way& a, const Way& b) { return OrderOf(a) < OrderOf(b); });
  return kept;
}

std::string VerdictText(const Verdict& verdict) {
  if (verdict.empty()) return "denied";
  std::vector<std::string> texts;
  for (const Way& way : verdict) {
    const std::string text = DescribeConditions(way.approvals ? &*way.approvals : nullptr, way.limits);
    if (!text.empty()) texts.push_back(text);
  }
  return texts.empty() ? "allowed" : fmt::format("allowed: {}", fmt::join(texts, ", or "));
}

// What changes in a part of the cases: for each difference, the phrases that tell where.
struct Difference {
  std::vector<std::string> where;
  Verdict before;
  Verdict after;
  bool operator==(const Difference&) const = default;
};
using Differences = std::vector<Difference>;

class Comparison {
 public:
  Comparison(const AccessPolicy& before, const AccessPolicy& after, Role role, std::uint64_t& work)
      : before_(before), after_(after), role_(role), work_(work) {}

  // Among acts that these rules match as far as the axes before `axis` tell. Values whose cases change alike are told
  // as one. kResourceExhausted: kMaxDiffWork.
  Result<Differences> From(std::size_t axis, const RulesLeft& rules) {
    if (!HasGrant(before_, rules.before) && !HasGrant(after_, rules.after)) return Differences();
    if (axis == kAxisCount) return AtCase(rules);
    const AxisCases cases = CasesOf(before_, after_, rules, static_cast<Axis>(axis), role_);
    work_ += cases.work;
    if (work_ > kMaxDiffWork) {
      return Error(ErrorCode::kResourceExhausted, "the policies tell more cases apart than can be compared")
          .WithLimit(kMaxDiffWork);
    }
    std::vector<std::pair<Differences, std::vector<std::size_t>>> alike;
    for (const AxisGroup& group : cases.groups) {
      COFFER_ASSIGN_OR_RETURN(Differences inner, From(axis + 1, group.left));
      if (inner.empty()) continue;
      const auto same = [&inner](const auto& one) { return one.first == inner; };
      const auto found = std::find_if(alike.begin(), alike.end(), same);
      if (found == alike.end()) {
        alike.push_back({std::move(inner), group.places});
      } else {
        found->second.insert(found->second.end(), group.places.begin(), group.places.end());
      }
    }
    return Told(static_cast<Axis>(axis), cases.values, alike);
  }

 private:
  static bool HasGrant(const AccessPolicy& policy, const RulePlaces& places) {
    return std::any_of(places.begin(), places.end(), [&policy](std::uint16_t place) {
      return policy.rules()[place].effect == AccessRule::Effect::kGrant;
    });
  }

  Differences AtCase(const RulesLeft& rules) const {
    Verdict before = VerdictOf(before_, rules.before);
    Verdict after = VerdictOf(after_, rules.after);
    if (before == after) return {};
    return {{{}, std::move(before), std::move(after)}};
  }

  static Differences Told(Axis axis, const std::vector<AxisValue>& values,
                          std::vector<std::pair<Differences, std::vector<std::size_t>>>& alike) {
    Differences told;
    for (auto& [inner, places] : alike) {
      std::sort(places.begin(), places.end());
      const std::string phrase = DescribeValues(axis, values, places);
      for (Difference& difference : inner) {
        if (!phrase.empty()) difference.where.insert(difference.where.begin(), phrase);
        told.push_back(std::move(difference));
      }
    }
    return told;
  }

  const AccessPolicy& before_;
  const AccessPolicy& after_;
  const Role role_;
  std::uint64_t& work_;
};

// The policy with what it keeps for an emergency in use.
Result<AccessPolicy> InEmergency(const AccessPolicy& policy) {
  return policy.With(policy.break_glass() ? std::vector{policy.break_glass()->rule} : std::vector<AccessRule>());
}

// Of those about the role and operation: forbids, and what is kept for an emergency.
RulePlaces EmergencyRules(const AccessPolicy& policy, Role role, Operation operation) {
  RulePlaces places;
  for (const std::uint16_t place : policy.RulesFor(role, operation)) {
    const AccessRule& rule = policy.rules()[place];
    if (rule.effect == AccessRule::Effect::kForbid || rule.id == kBreakGlassRule) places.push_back(place);
  }
  return places;
}

bool IsDecidedByPolicy(Role role, Operation operation) {
  return MayEver(role, operation).allowed && !IsDecidedByRole(operation);
}

void Add(Role role, Operation operation, Differences&& differences, std::vector<DecisionChange>& changes) {
  for (Difference& one : differences) {
    changes.push_back({role, operation, std::move(one.where), VerdictText(one.before), VerdictText(one.after),
                       !GivesAtMost(one.after, one.before)});
  }
}

Status AddEmergency(const AccessPolicy& before, const AccessPolicy& after, std::uint64_t& work,
                    std::vector<DecisionChange>& changes) {
  if (!before.break_glass() && !after.break_glass()) return {};
  COFFER_ASSIGN_OR_RETURN(const AccessPolicy then, InEmergency(before));
  COFFER_ASSIGN_OR_RETURN(const AccessPolicy now, InEmergency(after));
  for (const Role role : AllRoles()) {
    for (const Operation operation : AllOperations()) {
      if (!IsDecidedByPolicy(role, operation)) continue;
      const RulesLeft rules{.before = EmergencyRules(then, role, operation),
                            .after = EmergencyRules(now, role, operation)};
      COFFER_ASSIGN_OR_RETURN(Differences differences, Comparison(then, now, role, work).From(0, rules));
      for (Difference& one : differences) one.where.insert(one.where.begin(), "in an emergency");
      Add(role, operation, std::move(differences), changes);
    }
  }
  return {};
}

std::string RolesText(const std::set<Role>& roles) {
  std::vector<std::string_view> names;
  for (const Role role : roles) names.push_back(RoleName(role));
  return fmt::format("{}", fmt::join(names, ", "));
}

void DiffPerson(const Person& before, const Person& after, std::vector<std::string>& lines) {
  const std::string who = "person " + before.name + ": ";
  if (!(after.key == before.key)) lines.push_back(who + "has another key");
  for (const std::string& principal : before.principals) {
    if (!after.principals.contains(principal)) lines.push_back(who + "calls no more as " + principal);
  }
  for (const std::string& principal : after.principals) {
    if (!before.principals.contains(principal)) lines.push_back(who + "calls also as " + principal);
  }
  for (const Role role : after.roles) {
    if (before.roles.contains(role)) continue;
    lines.push_back(
        fmt::format("{}is now {}{}", who, RoleName(role), MayApprove(role) ? ", and may approve as such" : ""));
  }
}

}  // namespace

Result<std::vector<DecisionChange>> DiffDecisions(const AccessPolicy& before, const AccessPolicy& after) {
  std::vector<DecisionChange> changes;
  std::uint64_t work = 0;
  for (const Role role : AllRoles()) {
    for (const Operation operation : AllOperations()) {
      if (!IsDecidedByPolicy(role, operation)) continue;
      const RulesLeft rules{.before = before.RulesFor(role, operation), .after = after.RulesFor(role, operation)};
      COFFER_ASSIGN_OR_RETURN(Differences differences, Comparison(before, after, role, work).From(0, rules));
      Add(role, operation, std::move(differences), changes);
    }
  }
  COFFER_TRY(AddEmergency(before, after, work, changes));
  return changes;
}

std::vector<std::string> DiffPersons(const AccessPolicy& before, const AccessPolicy& after) {
  std::vector<std::string> lines;
  for (const Person& person : before.persons()) {
    const Person* now = after.FindPerson(person.name);
    if (now == nullptr) {
      lines.push_back("person " + person.name + ": is gone");
    } else {
      DiffPerson(person, *now, lines);
    }
  }
  for (const Person& person : after.persons()) {
    if (before.FindPerson(person.name) != nullptr) continue;
    lines.push_back("person " + person.name + ": is new, " + RolesText(person.roles));
  }
  if (before.admin_signatures() != after.admin_signatures()) {
    lines.push_back(fmt::format("admin_signatures: {} -> {}", before.admin_signatures(), after.admin_signatures()));
  }
  return lines;
}

std::vector<std::string> DiffBreakGlass(const AccessPolicy& before, const AccessPolicy& after) {
  const std::optional<BreakGlass>& then = before.break_glass();
  const std::optional<BreakGlass>& now = after.break_glass();
  if (!then && !now) return {};
  if (!then) return {fmt::format("break-glass: is new, {} by the key {}", MinutesText(now->minutes), now->key.name())};
  if (!now) return {"break-glass: is gone"};
  std::vector<std::string> lines;
  if (!(then->key == now->key)) lines.emplace_back("break-glass: has another key");
  if (then->minutes != now->minutes) {
    lines.push_back("break-glass: " + MinutesText(then->minutes) + " -> " + MinutesText(now->minutes));
  }
  return lines;
}

}  // namespace coffer::policy
