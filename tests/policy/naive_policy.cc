#include "tests/policy/naive_policy.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/policy/sample_policy.h"

namespace coffer::policy::naive {
namespace {

bool In(const Texts& texts, const std::string& text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

bool Covers(const std::optional<Texts>& listed, const std::optional<std::string>& asked, bool forbid) {
  if (!listed.has_value()) return true;
  if (!asked.has_value()) return forbid;
  return In(*listed, *asked);
}

bool Names(const Rule& rule, const std::string& principal, const std::map<std::string, Texts>& recovered) {
  if (rule.principals.empty() || In(rule.principals, principal)) return true;
  for (const auto& [of, names] : recovered) {
    if (In(names, principal) && In(rule.principals, of)) return true;
  }
  return false;
}

bool Fits(const Rule& rule, const Act& act, const std::map<std::string, Texts>& recovered) {
  bool fits = In(rule.roles, act.role) && In(rule.operations, act.operation);
  fits = fits && Names(rule, act.principal, recovered);
  fits = fits && Covers(rule.fields, act.field, rule.forbid);
  fits = fits && Covers(rule.classes, act.field_class, rule.forbid);
  fits = fits && Covers(rule.keyrings, act.keyring, rule.forbid);
  fits = fits && Covers(rule.tenants, act.tenant, rule.forbid);
  fits = fits && (rule.purposes.empty() || In(rule.purposes, act.purpose));
  fits = fits && (!rule.from.has_value() || *rule.from <= act.now);
  return fits && (!rule.until.has_value() || act.now < *rule.until);
}

std::string RoleIn(const std::string& principal) {
  const std::string marker = principal.starts_with("unix:") ? "unix:" : "/role/";
  const std::size_t start = principal.find(marker) + marker.size();
  return principal.substr(start, principal.find_first_of(":/", start) - start);
}

// Without its role: a user, or a name of a trust domain.
std::string Human(const std::string& principal) {
  std::string human = principal;
  const std::string role = RoleIn(principal);
  return human.erase(human.find(role), role.size());
}

int Approvals(const World& world, const Rule& rule, const Act& act) {
  std::string asking;
  for (const Person& person : world.persons) {
    for (const std::string& principal : person.principals) {
      if (Human(principal) == Human(act.principal)) asking = person.name;
    }
  }
  int count = 0;
  for (const Person& person : world.persons) {
    if (asking.empty() || person.name == asking || !In(act.approved_by, person.name)) continue;
    bool qualified = false;
    for (const std::string& principal : person.principals) {
      qualified = qualified || In(rule.approver_roles, RoleIn(principal));
    }
    count += qualified ? 1 : 0;
  }
  return count;
}

std::string Quoted(const Texts& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", \"" : "\"") + text + "\"";
  return out + "]";
}

void WriteFacet(std::ostringstream& out, const Rule& rule, const std::string& key, const std::optional<Texts>& listed) {
  bool some = false;
  for (const std::string& operation : rule.operations) some = some || OperationHas(operation, key);
  if (!some) return;
  out << key << " = " << (listed.has_value() ? Quoted(*listed) : "\"all\"") << "\n";
}

// Both moments that the rules of these tests use.
std::string Moment(std::int64_t at) { return at == 1000 ? "1970-01-01T00:16:40Z" : "1970-01-01T00:33:20Z"; }

void WriteRule(std::ostringstream& out, const Rule& rule, const std::string& table) {
  out << "[" << table << "]\n";
  out << "roles = " << Quoted(rule.roles) << "\noperations = " << Quoted(rule.operations) << "\n";
  if (!rule.principals.empty()) out << "principals = " << Quoted(rule.principals) << "\n";
  WriteFacet(out, rule, "fields", rule.fields);
  WriteFacet(out, rule, "classes", rule.classes);
  WriteFacet(out, rule, "keyrings", rule.keyrings);
  WriteFacet(out, rule, "tenants", rule.tenants);
  if (!rule.purposes.empty() && !rule.forbid) out << "purposes = " << Quoted(rule.purposes) << "\n";
  if (rule.from) out << "not_before = " << Moment(*rule.from) << "\n";
  if (rule.until) out << "not_after = " << Moment(*rule.until) << "\n";
  if (rule.standing) out << "standing = true\n";
  if (rule.approvals > 0) {
    out << "approvals = { count = " << rule.approvals << ", roles = " << Quoted(rule.approver_roles) << " }\n";
  }
}

struct Said {
  bool forbidden = false;
  bool granted = false;
  bool asked = false;
};

void Consider(const World& world, const std::vector<Rule>& rules, const std::map<std::string, Texts>& recovered,
              const Act& act, Said& said) {
  for (const Rule& rule : rules) {
    if (!Fits(rule, act, recovered)) continue;
    if (rule.forbid) {
      said.forbidden = true;
    } else if (Approvals(world, rule, act) >= rule.approvals) {
      said.granted = true;
    } else {
      said.asked = true;
    }
  }
}

bool Share(const Texts& a, const Texts& b) {
  for (const std::string& text : a) {
    if (In(b, text)) return true;
  }
  return false;
}

bool Share(const std::optional<Texts>& a, const std::optional<Texts>& b) {
  return !a.has_value() || !b.has_value() || Share(*a, *b);
}

}  // namespace

Matrix ReadMatrix(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  std::istringstream header(line);
  Texts roles;
  std::string word;
  header >> word;
  while (header >> word) roles.push_back(word);
  Matrix matrix;
  while (std::getline(file, line)) {
    std::istringstream row(line);
    std::string operation;
    row >> operation;
    for (const std::string& role : roles) {
      row >> word;
      matrix[operation][role] = word == "yes";
    }
  }
  return matrix;
}

bool OperationHas(const std::string& operation, const std::string& facet) {
  const Texts of_fields = {"EncryptFields", "DecryptFields", "RewrapFields", "IndexTokens"};
  const Texts of_data_keys = {"GenerateDataKey", "UnwrapDataKey"};
  const Texts of_keyrings = {"CreateKeyring",  "GetKeyring",    "RotateKeyring",   "RotateKek",    "SetRotation",
                             "DisableVersion", "EnableVersion", "ScheduleDestroy", "CancelDestroy"};
  const Texts of_tenants = {"CreateTenant", "GetTenant",      "ShredTenant",  "CancelShredTenant",
                            "PutSecret",    "GetSecret",      "ListSecrets",  "SecretHistory",
                            "DeleteSecret", "UndeleteSecret", "DestroySecret"};
  if (facet == "fields" || facet == "classes") return In(of_fields, operation);
  if (In(of_fields, operation) || In(of_data_keys, operation)) return true;
  return In(facet == "keyrings" ? of_keyrings : of_tenants, operation);
}

const std::set<std::string>& DecidedByRole() {
  static const std::set<std::string> kOperations = {"InitStore",
                                                    "Unseal",
                                                    "Seal",
                                                    "StartRecovery",
                                                    "RecoverStore",
                                                    "ShowStatus",
                                                    "ApplyPolicy",
                                                    "ShowPolicy",
                                                    "ListApprovals",
                                                    "Approve",
                                                    "Deny",
                                                    "ListGrants",
                                                    "RevokeGrant",
                                                    "BreakGlass",
                                                    "ReviewBreakGlass",
                                                    "ListTokens",
                                                    "RevokeToken",
                                                    "DenyCertificate",
                                                    "ListDeniedCertificates"};
  return kOperations;
}

bool Overlap(const Rule& a, const Rule& b) {
  const bool who = a.principals.empty() || b.principals.empty() || Share(a.principals, b.principals);
  const bool when =
      std::max(a.from.value_or(0), b.from.value_or(0)) < std::min(a.until.value_or(9999), b.until.value_or(9999));
  return who && when && Share(a.roles, b.roles) && Share(a.operations, b.operations) && Share(a.fields, b.fields) &&
         Share(a.classes, b.classes) && Share(a.keyrings, b.keyrings) && Share(a.tenants, b.tenants);
}

bool PassesApprovals(const World& world, const Rule& rule) {
  if (rule.forbid || rule.standing || rule.approvals > 0) return false;
  for (const Rule& other : world.rules) {
    if (!other.forbid && other.approvals > 0 && Overlap(rule, other)) return true;
  }
  return false;
}

std::string Decide(const World& world, const Act& act) {
  if (!world.matrix.at(act.operation).at(act.role)) return "denied";
  if (DecidedByRole().contains(act.operation)) return "allowed";
  Said said;
  Consider(world, world.rules, world.recovered, act, said);
  Consider(world, world.issued, {}, act, said);
  if (world.in_emergency) Consider(world, {*world.emergency}, world.recovered, act, said);
  if (said.forbidden) return "denied";
  if (said.granted) return "allowed";
  return said.asked ? "needs-approval" : "denied";
}

std::string ToToml(const World& world) {
  std::ostringstream out;
  out << "serial = 1\nadmin_signatures = 2\n";
  for (const Person& person : world.persons) {
    out << "[person." << person.name << "]\nkey = \"@" << person.name << "@\"\n";
    out << "principals = " << Quoted(person.principals) << "\n";
  }
  for (const Rule& rule : world.rules) WriteRule(out, rule, (rule.forbid ? "forbid." : "grant.") + rule.id);
  int table = 0;
  for (const auto& [of, names] : world.recovered) {
    bool named = world.emergency.has_value() && In(world.emergency->principals, of);
    for (const Rule& rule : world.rules) named = named || In(rule.principals, of);
    if (!named) continue;  // a policy file has no such table
    out << "[recovered.r" << ++table << "]\nof = \"" << of << "\"\nas = " << Quoted(names) << "\n";
  }
  if (world.emergency.has_value()) {
    WriteRule(out, *world.emergency, "break_glass");
    out << "key = \"@glass@\"\n";
  }
  return WithKeys(out.str());
}

std::string IssuedToml(const Rule& rule) {
  std::ostringstream out;
  WriteRule(out, rule, "grant." + rule.id);
  return out.str();
}

}  // namespace coffer::policy::naive
