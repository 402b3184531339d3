// The six roles, and what each of them may ever be allowed. This table is fixed: a policy file (policy/access_policy.h)
// narrows it, and none widens it.
#pragma once

#include "crypto/result.h"
#include "policy/operation.h"

namespace coffer::policy {

enum class Role : std::uint8_t { kApp, kDba, kAuditor, kBackupAgent, kRestorer, kAdmin };
inline constexpr std::size_t kRoleCount = 6;

// All of them, for whoever goes through a whole table.
constexpr std::array<Role, kRoleCount> AllRoles() {
  std::array<Role, kRoleCount> roles{};
  for (std::size_t i = 0; i < kRoleCount; ++i) roles[i] = static_cast<Role>(i);
  return roles;
}

// "backup-agent" and back; nothing for a word that is no role.
std::string_view RoleName(Role role);
std::optional<Role> ParseRole(std::string_view text);

struct RoleDecision {
  bool allowed = false;
  std::string_view rule;    // a literal: which rule decided, "default-deny" when none did
  std::string_view reason;  // a literal: that rule's reason in words
};

// Whether any policy may allow it to the role: forbid wins, and what no rule allows is denied. Pure and thread-safe.
RoleDecision MayEver(Role role, Operation operation);

// Whether a policy may name the role as one of those who approve what another person asks for: people's roles, but not
// that of those who are kept from secrets.
bool MayApprove(Role role);

// True for the id of one of this table's rules, "default-deny" included: a policy's rules have other ids.
bool IsFixedRule(std::string_view id);

}  // namespace coffer::policy
