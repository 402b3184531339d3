#include "policy/policy_expectations.h"

#include "crypto/names.h"
#include "policy/internal/policy_values.h"
#include "policy/internal/table_reader.h"

namespace coffer::policy {
namespace {

using Kind = TomlNode::Kind;

Result<Role> ReadRole(const TomlNode& node) {
  const std::optional<Role> role = node.kind == Kind::kText ? ParseRole(node.text) : std::nullopt;
  if (!role) return Refused("is no role: app, dba, auditor, backup-agent, restorer or admin");
  return *role;
}

Result<Operation> ReadOperation(const TomlNode& node) {
  const std::optional<Operation> operation = node.kind == Kind::kText ? ParseOperation(node.text) : std::nullopt;
  if (!operation) return Refused("is no operation: `coffer policy operations` lists them");
  return *operation;
}

Result<Outcome> ReadOutcome(const TomlNode& node) {
  const std::optional<Outcome> outcome = node.kind == Kind::kText ? ParseOutcome(node.text) : std::nullopt;
  if (!outcome) return Refused("must be allowed, needs-approval or denied");
  return *outcome;
}

Result<std::string> ReadPrincipal(const TomlNode& node) {
  if (node.kind != Kind::kText || !ParsePrincipal(node.text).ok()) {
    return Refused("is no principal: unix:<role>:<uid> or spiffe://<trust domain>/role/<role>/<name>");
  }
  return node.text;
}

Result<std::optional<std::string>> ReadField(const TomlNode& node) {
  if (node.kind != Kind::kText || !IsRuleField(node.text)) {
    return Refused("is no field's name: scope.table.column");
  }
  return std::optional(node.text);
}

Result<std::optional<FieldClass>> ReadFieldClass(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const FieldClass field_class, ReadClass(node));
  return std::optional(field_class);
}

Result<std::optional<std::string>> ReadSlug(const TomlNode& node) {
  if (node.kind != Kind::kText || !IsSlug(node.text)) return Refused("is no name: [a-z0-9][a-z0-9-]{0,62}");
  return std::optional(node.text);
}

Result<std::string> ReadPurpose(const TomlNode& node) {
  if (node.kind != Kind::kText || !IsPurpose(node.text)) return Refused("is no purpose: [A-Za-z0-9._-]{1,64}");
  return node.text;
}

Result<std::vector<std::string>> ReadApprovedBy(const TomlNode& node) {
  if (node.kind != Kind::kArray || node.items.size() > kMaxPersons) return Refused("must be a list of persons' names");
  std::vector<std::string> names;
  for (const TomlNode& item : node.items) {
    if (item.kind != Kind::kText || !IsSlug(item.text)) return Refused("must be a list of persons' names");
    if (std::find(names.begin(), names.end(), item.text) != names.end()) return Refused("names a person twice");
    names.push_back(item.text);
  }
  return names;
}

// What the operation is not about would be taken for a condition that holds.
Status CheckFacets(const ExpectedDecision& expected) {
  const auto check = [&](bool given, Facet facet, std::string_view key) -> Status {
    if (!given || HasFacet(expected.operation, facet)) return {};
    return Refused("is nothing that the operation is about").At(key).AtLine(expected.line);
  };
  COFFER_TRY(check(expected.field.has_value(), Facet::kField, "field"));
  COFFER_TRY(check(expected.field_class.has_value(), Facet::kClass, "class"));
  COFFER_TRY(check(expected.keyring.has_value(), Facet::kKeyring, "keyring"));
  return check(expected.tenant.has_value(), Facet::kTenant, "tenant");
}

Result<ExpectedDecision> ReadExpected(const std::string& name, const TomlNode& table) {
  if (table.kind != Kind::kTable) return Refused("must be a table of keys").AtLine(table.line);
  if (!IsSlug(name)) return Refused("is no name: [a-z0-9][a-z0-9-]{0,62}").AtLine(table.line);
  ExpectedDecision expected;
  expected.name = name;
  expected.line = table.line;
  TableReader reader(table);
  reader.Read("role", ReadRole, expected.role);
  reader.Read("operation", ReadOperation, expected.operation);
  reader.Read("outcome", ReadOutcome, expected.outcome);
  reader.Read("rule", ReadText, expected.rule, false);
  reader.Read("principal", ReadPrincipal, expected.principal, false);
  reader.Read("field", ReadField, expected.field, false);
  reader.Read("class", ReadFieldClass, expected.field_class, false);
  reader.Read("keyring", ReadSlug, expected.keyring, false);
  reader.Read("tenant", ReadSlug, expected.tenant, false);
  reader.Read("purpose", ReadPurpose, expected.purpose, false);
  reader.Read("at", ReadMoment, expected.at_unix_s, false);
  reader.Read("approved_by", ReadApprovedBy, expected.approved_by, false);
  COFFER_TRY(reader.Finish({"role", "operation", "outcome", "rule", "principal", "field", "class", "keyring", "tenant",
                            "purpose", "at", "approved_by"},
                           "is not a key of an expectation"));
  if (!expected.principal.empty() && ParsePrincipal(expected.principal)->role != expected.role) {
    return Refused("is a principal of another role").At("principal").AtLine(table.line);
  }
  COFFER_TRY(CheckFacets(expected));
  return expected;
}

// An act whose texts are those of `expected` and `approved_by`.
Act ActOf(const ExpectedDecision& expected, const std::vector<std::string_view>& approved_by, std::int64_t now_unix_s) {
  Act act{.role = expected.role, .principal = expected.principal, .operation = expected.operation};
  if (expected.field) act.field = *expected.field;
  act.field_class = expected.field_class;
  if (expected.keyring) act.keyring = *expected.keyring;
  if (expected.tenant) act.tenant = *expected.tenant;
  act.purpose = expected.purpose;
  act.now_unix_s = expected.at_unix_s.value_or(now_unix_s);
  act.approved_by = approved_by;
  return act;
}

}  // namespace

Result<std::vector<ExpectedDecision>> ParseExpectations(std::string_view text) {
  COFFER_ASSIGN_OR_RETURN(const TomlNode document, ParseToml(text, kMaxPolicyBytes));
  for (const auto& [key, entry] : document.entries) {
    if (key != "expect") return Refused("is not a key of a file of expectations").At(key).AtLine(entry->key_line);
  }
  const TomlNode* table = document.Find("expect");
  if (table == nullptr || table->kind != Kind::kTable || table->entries.empty()) {
    return Refused("is required: [expect.NAME] for each act").At("expect");
  }
  if (table->entries.size() > kMaxExpectations) {
    return Refused("are more than allowed").At("expect").WithLimit(kMaxExpectations);
  }
  std::vector<ExpectedDecision> expectations;
  for (const auto& [name, entry] : table->entries) {
    Result<ExpectedDecision> expected = ReadExpected(name, entry->value);
    if (!expected.ok()) return std::move(expected).error().At("expect." + name);
    expectations.push_back(std::move(expected).value());
  }
  return expectations;
}

Decision DecideExpected(const AccessPolicy& policy, const ExpectedDecision& expectation, std::int64_t now_unix_s) {
  const std::vector<std::string_view> approved_by(expectation.approved_by.begin(), expectation.approved_by.end());
  return policy.Decide(ActOf(expectation, approved_by, now_unix_s));
}

const std::string* UnknownApprover(const AccessPolicy& policy, const ExpectedDecision& expectation) {
  for (const std::string& name : expectation.approved_by) {
    if (policy.FindPerson(name) == nullptr) return &name;
  }
  return nullptr;
}

std::vector<RuleMeeting> Meetings(const AccessPolicy& policy, const ExpectedDecision& expectation,
                                  std::int64_t now_unix_s) {
  std::vector<RuleMeeting> meetings;
  if (IsDecidedByRole(expectation.operation)) return meetings;
  const Act act = ActOf(expectation, {}, now_unix_s);
  for (const std::uint16_t place : policy.RulesFor(act.role, act.operation)) {
    const AccessRule& rule = policy.rules()[place];
    meetings.push_back({&rule, Match(rule, act)});
  }
  return meetings;
}

}  // namespace coffer::policy
