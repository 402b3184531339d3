#include "policy/policy_diff.h"

#include <algorithm>

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

// As AccessPolicy::Decide would, with whatever approvals.
Verdict VerdictOf(const AccessPolicy& policy, const Act& act) {
  const Decision decision = policy.Decide(act);
  if (decision.outcome == Outcome::kDenied) return {};
  if (decision.grant == nullptr) return {Way{}};
  if (decision.outcome == Outcome::kAllowed) return {Way{{}, decision.grant->limits}};
  Verdict ways;
  for (const AccessRule& rule : policy.rules()) {
    if (Match(rule, act) != Mismatch::kNone) continue;
    Way way{rule.approvals, rule.limits};
    if (std::find(ways.begin(), ways.end(), way) == ways.end()) ways.push_back(std::move(way));
  }
  return ways;
}

std::string VerdictText(const Verdict& verdict) {
  if (verdict.empty()) return "denied";
  std::vector<std::string> texts;
  for (const Way& way : verdict) {
    AccessRule conditions;
    conditions.approvals = way.approvals;
    conditions.limits = way.limits;
    const std::string text = DescribeConditions(conditions);
    if (!text.empty()) texts.push_back(text);
  }
  return texts.empty() ? "allowed" : fmt::format("allowed: {}", fmt::join(texts, ", or "));
}

bool LimitsAtMost(const std::optional<std::int64_t>& a, const std::optional<std::int64_t>& b) {
  return !b || (a && *a <= *b);
}

bool ApprovalsAtLeast(const std::optional<ApprovalRule>& a, const std::optional<ApprovalRule>& b) {
  if (!b) return true;
  if (!a) return false;
  return a->count >= b->count && a->minutes <= b->minutes &&
         std::includes(b->roles.begin(), b->roles.end(), a->roles.begin(), a->roles.end());
}

// Whatever `a` gives, `b` gives too.
bool GivesAtMost(const Verdict& a, const Verdict& b) {
  const auto at_most = [](const Way& one, const Way& other) {
    return ApprovalsAtLeast(one.approvals, other.approvals) &&
           LimitsAtMost(one.limits.values_per_minute, other.limits.values_per_minute) &&
           LimitsAtMost(one.limits.distinct_per_day, other.limits.distinct_per_day) &&
           LimitsAtMost(one.limits.in_flight, other.limits.in_flight);
  };
  const auto covered = [&](const Way& one) {
    return std::any_of(b.begin(), b.end(), [&](const Way& other) { return at_most(one, other); });
  };
  return std::all_of(a.begin(), a.end(), covered);
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
  Comparison(const AccessPolicy& before, const AccessPolicy& after, Role role, Operation operation, const Axes& axes)
      : before_(before), after_(after), role_(role), operation_(operation), axes_(axes) {}

  // Of all cases whose places before `axis` are fixed. Values whose cases change alike are told as one.
  Differences From(std::size_t axis) {
    if (axis == kAxisCount) return AtCase();
    std::vector<std::pair<Differences, std::vector<std::size_t>>> alike;
    for (std::size_t place = 0; place < axes_[axis].values.size(); ++place) {
      at_[axis] = place;
      Differences inner = From(axis + 1);
      const auto same = [&inner](const auto& group) { return group.first == inner; };
      const auto found = std::find_if(alike.begin(), alike.end(), same);
      if (found != alike.end()) {
        found->second.push_back(place);
      } else if (!inner.empty()) {
        alike.push_back({std::move(inner), {place}});
      }
    }
    return Told(axis, alike);
  }

 private:
  Differences AtCase() const {
    const Act act = ActOf(axes_, at_, role_, operation_);
    Verdict before = VerdictOf(before_, act);
    Verdict after = VerdictOf(after_, act);
    if (before == after) return {};
    return {{{}, std::move(before), std::move(after)}};
  }

  Differences Told(std::size_t axis, const std::vector<std::pair<Differences, std::vector<std::size_t>>>& alike) const {
    Differences told;
    for (const auto& [inner, places] : alike) {
      const std::string phrase = DescribeValues(axes_[axis], places);
      for (Difference difference : inner) {
        if (!phrase.empty()) difference.where.insert(difference.where.begin(), phrase);
        told.push_back(std::move(difference));
      }
    }
    return told;
  }

  const AccessPolicy& before_;
  const AccessPolicy& after_;
  const Role role_;
  const Operation operation_;
  const Axes& axes_;
  Case at_{};
};

std::string RolesText(const Person& person) {
  std::vector<std::string_view> names;
  for (const Role role : person.roles) names.push_back(RoleName(role));
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Result<std::vector<DecisionChange>> DiffDecisions(const AccessPolicy& before, const AccessPolicy& after) {
  std::vector<DecisionChange> changes;
  std::uint64_t cases = 0;
  for (const Role role : AllRoles()) {
    for (const Operation operation : AllOperations()) {
      const Axes axes = AxesOf(before, after, role, operation);
      cases += CountCases(axes);
      if (cases > kMaxDiffCases) {
        return Error(ErrorCode::kResourceExhausted, "the policies tell more cases apart than can be compared")
            .WithLimit(kMaxDiffCases);
      }
      for (Difference& one : Comparison(before, after, role, operation, axes).From(0)) {
        changes.push_back({role, operation, std::move(one.where), VerdictText(one.before), VerdictText(one.after),
                           !GivesAtMost(one.after, one.before)});
      }
    }
  }
  return changes;
}

std::vector<std::string> DiffPersons(const AccessPolicy& before, const AccessPolicy& after) {
  std::vector<std::string> lines;
  for (const Person& person : before.persons()) {
    const Person* now = after.FindPerson(person.name);
    if (now == nullptr) {
      lines.push_back("person " + person.name + ": is gone");
      continue;
    }
    if (!(now->key == person.key)) lines.push_back("person " + person.name + ": has another key");
    if (now->principals != person.principals) {
      lines.push_back(fmt::format("person {}: calls as {}", person.name, fmt::join(now->principals, ", ")));
    }
  }
  for (const Person& person : after.persons()) {
    if (before.FindPerson(person.name) != nullptr) continue;
    lines.push_back("person " + person.name + ": is new, " + RolesText(person));
  }
  if (before.admin_signatures() != after.admin_signatures()) {
    lines.push_back(fmt::format("admin_signatures: {} -> {}", before.admin_signatures(), after.admin_signatures()));
  }
  return lines;
}

}  // namespace coffer::policy
