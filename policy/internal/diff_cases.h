// The kinds of act that rules can tell apart: along each axis (principal, field, class, ...) the names that no rule of
// the two policies tells apart are one value.
#pragma once

#include "policy/access_policy.h"

namespace coffer::policy {

inline constexpr std::string_view kUnnamed = "\x7f";  // what no rule names; no name can be this

// One value of an axis, and all names that stand for it.
struct AxisValue {
  std::string name;                // the first of `names`; kUnnamed: any name that no rule has
  std::vector<std::string> names = {};  // of kUnnamed: none
  std::int64_t number = 0;         // of times: from then on; of classes: the class
};

struct Axis {
  std::string_view what;  // "field"
  std::vector<AxisValue> values;
};

enum class AxisKind : std::uint8_t { kPrincipal, kField, kClass, kKeyring, kTenant, kPurpose, kTime };
inline constexpr std::size_t kAxisCount = 7;
using Axes = std::array<Axis, kAxisCount>;

// What rules of the two can tell apart in acts of the role and the operation.
Axes AxesOf(const AccessPolicy& before, const AccessPolicy& after, Role role, Operation operation);
std::uint64_t CountCases(const Axes& axes);

// The act that stands for one case: a place in each axis. Its texts live as long as the axes.
using Case = std::array<std::size_t, kAxisCount>;
Act ActOf(const Axes& axes, const Case& at, Role role, Operation operation);

// "tenant default", "any field but shop.user.email", "until 2027-01-01T00:00:00Z"; empty for all values of the axis.
std::string DescribeValues(const Axis& axis, const std::vector<std::size_t>& places);

}  // namespace coffer::policy
