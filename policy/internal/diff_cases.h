// What rules tell apart along each axis of an act: principal, field, class, keyring, tenant, purpose, time. Values that
// no rule tells apart are one case.
#pragma once

#include "policy/access_policy.h"

namespace coffer::policy {

enum class Axis : std::uint8_t { kPrincipal, kField, kClass, kKeyring, kTenant, kPurpose, kTime };
inline constexpr std::size_t kAxisCount = 7;

// Which rules of each of the two policies are left: those that match as far as an act is known.
struct RulesLeft {
  RulePlaces before;
  RulePlaces after;
  auto operator<=>(const RulesLeft&) const = default;
};

// One value of an axis: a name (or a class), a moment from which on, or whatever no rule names.
struct AxisValue {
  std::string name;  // empty: what no rule names
  std::int64_t from_unix_s = 0;
};

// Values of one axis after which the same rules are left, by their places in the axis.
struct AxisGroup {
  RulesLeft left;
  std::vector<std::size_t> places;
};

struct AxisCases {
  std::vector<AxisValue> values;
  std::vector<AxisGroup> groups;
  std::uint64_t work = 0;  // meetings of a rule and a value
};

// Among acts of `role`. The operation's facets are known: what it has not, no rule narrows.
AxisCases CasesOf(const AccessPolicy& before, const AccessPolicy& after, const RulesLeft& rules, Axis axis, Role role);

// "tenant default", "any field but shop.user.email", "until 2027-01-01T00:00:00Z"; empty for all values of the axis.
std::string DescribeValues(Axis axis, const std::vector<AxisValue>& values, const std::vector<std::size_t>& places);

}  // namespace coffer::policy
