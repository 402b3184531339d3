// A second implementation of what a policy decides, written from its documentation alone: texts and loops, and nothing
// of policy/ but the reviewed matrix of what each role may ever do.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace coffer::policy::naive {

using Texts = std::vector<std::string>;

struct Rule {
  bool forbid = false;
  std::string id;
  Texts roles;
  Texts principals;  // empty: any
  Texts operations;
  std::optional<Texts> fields;  // nothing: all
  std::optional<Texts> classes;
  std::optional<Texts> keyrings;
  std::optional<Texts> tenants;
  Texts purposes;  // empty: any
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> until;
  int approvals = 0;
  Texts approver_roles;
  bool standing = false;
};

struct Person {
  std::string name;
  Texts principals;
};

struct Act {
  std::string role, principal, operation, purpose;
  std::optional<std::string> field, field_class, keyring, tenant;
  std::int64_t now = 0;
  Texts approved_by;
};

// What each role may ever do: [operation][role].
using Matrix = std::map<std::string, std::map<std::string, bool>>;
Matrix ReadMatrix(const std::string& path);

struct World {
  Matrix matrix;
  std::vector<Person> persons;
  std::vector<Rule> rules;
  std::map<std::string, Texts> recovered = {};  // other names of a principal
  std::optional<Rule> emergency = {};           // kept for one
  // Beside the policy.
  std::vector<Rule> issued = {};
  bool in_emergency = false;
};

bool OperationHas(const std::string& operation, const std::string& facet);
const std::set<std::string>& DecidedByRole();

// "allowed", "denied" or "needs-approval".
std::string Decide(const World& world, const Act& act);

// An act exists that both match, whatever purpose it claims.
bool Overlap(const Rule& a, const Rule& b);
// A grant without approvals, not standing, that allows what others ask approvals for.
bool PassesApprovals(const World& world, const Rule& rule);

// What stands in the policy file, and an issued grant.
std::string ToToml(const World& world);
std::string IssuedToml(const Rule& rule);

}  // namespace coffer::policy::naive
