#include "policy/internal/policy_reader.h"

#include "crypto/names.h"
#include "policy/internal/index_values.h"
#include "policy/internal/policy_values.h"
#include "policy/internal/table_reader.h"

namespace coffer::policy {
namespace {

using Kind = TomlNode::Kind;
using Effect = AccessRule::Effect;
using Names = std::set<std::string, std::less<>>;

constexpr std::size_t kMaxRecoveredTables = 256;

// A list of 1 to `most` texts that are all `good`, none twice.
Result<Names> ReadNames(const TomlNode& node, std::size_t most, bool (*good)(std::string_view), Literal wanted) {
  if (node.kind != Kind::kArray || node.items.empty()) return Refused("must be a list that is not empty");
  if (node.items.size() > most) return Refused("names more than allowed").WithLimit(most);
  Names names;
  for (const TomlNode& item : node.items) {
    if (item.kind != Kind::kText || !good(item.text)) return OnLine(Refused(wanted), item.line);
    if (!names.insert(item.text).second) return OnLine(Refused("names one of them twice"), item.line);
  }
  return names;
}

Result<NameScope> ReadScopeOf(const TomlNode& node, bool (*good)(std::string_view), Literal wanted) {
  if (node.kind == Kind::kText && node.text == "all") return NameScope{.all = true, .names = {}};
  if (node.kind != Kind::kArray) return Refused("must be \"all\" or a list of exact names");
  COFFER_ASSIGN_OR_RETURN(Names names, ReadNames(node, kMaxScopeNames, good, wanted));
  return NameScope{.all = false, .names = std::move(names)};
}

Result<NameScope> ReadFields(const TomlNode& node) {
  return ReadScopeOf(node, IsRuleField, "is no field's name: scope.table.column");
}

Result<NameScope> ReadKeyrings(const TomlNode& node) {
  return ReadScopeOf(node, IsSlug, "is no keyring's name: [a-z0-9][a-z0-9-]{0,62}");
}

Result<NameScope> ReadTenants(const TomlNode& node) {
  return ReadScopeOf(node, IsSlug, "is no tenant's name: [a-z0-9][a-z0-9-]{0,62}");
}

Result<std::optional<std::set<FieldClass>>> ReadClasses(const TomlNode& node) {
  if (node.kind == Kind::kText && node.text == "all") return std::optional<std::set<FieldClass>>();
  const auto good = [](std::string_view text) { return ParseFieldClass(text).has_value(); };
  COFFER_ASSIGN_OR_RETURN(const Names names, ReadNames(node, 4, good, "is no class: public, internal, pii or secret"));
  if (names.size() == 4) return Refused("names all there are: write \"all\"");
  std::set<FieldClass> classes;
  for (const std::string& name : names) classes.insert(*ParseFieldClass(name));
  return std::optional(std::move(classes));
}

Result<std::set<Role>> ReadRoles(const TomlNode& node) {
  const auto good = [](std::string_view text) { return ParseRole(text).has_value(); };
  COFFER_ASSIGN_OR_RETURN(
      const Names names,
      ReadNames(node, kRoleCount, good, "is no role: app, dba, auditor, backup-agent, restorer or admin"));
  std::set<Role> roles;
  for (const std::string& name : names) roles.insert(*ParseRole(name));
  return roles;
}

Result<OperationSet> ReadOperations(const TomlNode& node) {
  const auto good = [](std::string_view text) { return ParseOperation(text).has_value(); };
  COFFER_ASSIGN_OR_RETURN(const Names names, ReadNames(node, kOperationCount, good,
                                                       "is no operation: `coffer policy operations` lists them"));
  OperationSet operations;
  for (const std::string& name : names) operations.Add(*ParseOperation(name));
  return operations;
}

Result<Names> ReadPrincipals(const TomlNode& node) {
  const auto good = [](std::string_view text) { return ParsePrincipal(text).ok(); };
  return ReadNames(node, kMaxScopeNames, good,
                   "is no principal: unix:<role>:<uid> or spiffe://<trust domain>/role/<role>/<name>");
}

Result<Names> ReadPurposes(const TomlNode& node) {
  return ReadNames(node, kMaxScopeNames, IsPurpose, "is no purpose: [A-Za-z0-9._-]{1,64}");
}

Result<std::optional<std::int64_t>> ReadLimit(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t limit,
                          ReadWithin(node, 1, kMostOfALimit, "must be a whole number from 1 to 1,000,000,000"));
  return std::optional(limit);
}

Result<AccessLimits> ReadLimits(const TomlNode& node) {
  if (node.kind != Kind::kTable || node.entries.empty()) {
    return Refused("must be a table with one of values_per_minute, distinct_per_day and in_flight");
  }
  AccessLimits limits;
  TableReader reader(node);
  reader.Read("values_per_minute", ReadLimit, limits.values_per_minute, false);
  reader.Read("distinct_per_day", ReadLimit, limits.distinct_per_day, false);
  reader.Read("in_flight", ReadLimit, limits.in_flight, false);
  COFFER_TRY(reader.Finish({"values_per_minute", "distinct_per_day", "in_flight"}, "is not a key of limits"));
  return limits;
}

Result<std::uint32_t> ReadApprovalCount(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t count,
                          ReadWithin(node, 1, kMostApprovals, "must be a whole number from 1 to 8"));
  return static_cast<std::uint32_t>(count);
}

Result<std::uint32_t> ReadMinutes(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t minutes,
                          ReadWithin(node, 1, kMaxApprovalMinutes, "must be a whole number from 1 to 60"));
  return static_cast<std::uint32_t>(minutes);
}

Result<std::optional<ApprovalRule>> ReadApprovals(const TomlNode& node) {
  if (node.kind != Kind::kTable) return Refused("must be a table, like { count = 1, roles = [\"admin\"] }");
  ApprovalRule rule;
  TableReader reader(node);
  reader.Read("count", ReadApprovalCount, rule.count);
  reader.Read("roles", ReadRoles, rule.roles);
  reader.Read("minutes", ReadMinutes, rule.minutes, false);
  COFFER_TRY(reader.Finish({"count", "roles", "minutes"}, "is not a key of approvals"));
  return std::optional(std::move(rule));
}

// Which facets are written tells what the rule is about.
Status CheckFacets(const TomlNode& table, const AccessRule& rule) {
  for (const Facet facet : AllFacets()) {
    const TomlNode* node = table.Find(FacetKey(facet));
    bool some = false;
    bool every = true;
    for (const Operation operation : AllOperations()) {
      if (!rule.operations.Has(operation)) continue;
      some = some || HasFacet(operation, facet);
      every = every && HasFacet(operation, facet);
    }
    if (node == nullptr) {
      if (!some) continue;
      return Refused("is required, since an operation of the rule is about them: \"all\", or their names")
          .At(FacetKey(facet))
          .AtLine(table.line);
    }
    if (every || node->kind == Kind::kText) continue;
    return Refused("cannot be narrowed: an operation of the rule is about none; give it a rule of its own")
        .At(FacetKey(facet))
        .AtLine(node->line);
  }
  return {};
}

// What every rule may say.
void ReadReach(TableReader& reader, AccessRule& rule, bool names_principals) {
  reader.Read("roles", ReadRoles, rule.roles);
  reader.Read("principals", ReadPrincipals, rule.principals, names_principals);
  reader.Read("operations", ReadOperations, rule.operations);
  reader.Read("fields", ReadFields, rule.fields, false);
  reader.Read("classes", ReadClasses, rule.classes, false);
  reader.Read("keyrings", ReadKeyrings, rule.keyrings, false);
  reader.Read("tenants", ReadTenants, rule.tenants, false);
}

Result<AccessRule> ReadRule(Effect effect, const std::string& id, const TomlNode& table) {
  if (table.kind != Kind::kTable) return Refused("must be a table of keys").AtLine(table.line);
  if (!IsSlug(id)) return Refused("is no rule's name: [a-z0-9][a-z0-9-]{0,62}").AtLine(table.line);
  if (IsFixedRule(id)) return Refused("is the name of a rule that is built in").AtLine(table.line);
  AccessRule rule;
  rule.effect = effect;
  rule.id = id;
  rule.line = table.line;
  TableReader reader(table);
  ReadReach(reader, rule, false);
  reader.Read("not_before", ReadMoment, rule.not_before_unix_s, false);
  reader.Read("not_after", ReadMoment, rule.not_after_unix_s, false);
  if (effect == Effect::kForbid) {
    COFFER_TRY(reader.Finish(
        {"roles", "principals", "operations", "fields", "classes", "keyrings", "tenants", "not_before", "not_after"},
        "is not a key of a forbid"));
  } else {
    // A claim keeps mistakes out, not a liar: whom a forbid is about would claim something else.
    reader.Read("purposes", ReadPurposes, rule.purposes, false);
    reader.Read("limits", ReadLimits, rule.limits, false);
    reader.Read("approvals", ReadApprovals, rule.approvals, false);
    reader.Read("standing", ReadBool, rule.standing, false);
    COFFER_TRY(reader.Finish({"roles", "principals", "operations", "fields", "classes", "keyrings", "tenants",
                              "purposes", "not_before", "not_after", "limits", "approvals", "standing"},
                             "is not a key of a grant"));
  }
  COFFER_TRY(CheckFacets(table, rule));
  if (rule.not_before_unix_s && rule.not_after_unix_s && *rule.not_before_unix_s >= *rule.not_after_unix_s) {
    return Refused("must be later than not_before").At("not_after").AtLine(table.line);
  }
  return rule;
}

// Of a policy file, whose rules leave the names of what stands beside it.
Result<AccessRule> ReadRuleOfFile(Effect effect, const std::string& id, const TomlNode& table) {
  if (id.starts_with(kIssuedGrantPrefix)) {
    return Refused("has a name that only issued grants have: issued-").AtLine(table.line);
  }
  if (id == kBreakGlassRule) {
    return Refused("is the name of what the table break_glass keeps").AtLine(table.line);
  }
  return ReadRule(effect, id, table);
}

Result<NoteVerifier> ReadVkey(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::string text, ReadText(node));
  Result<NoteVerifier> key = NoteVerifier::Parse(text);
  if (!key.ok() || key->type() != NoteKeyType::kSignature) {
    return Refused("is no public key: `coffer identity show` prints it");
  }
  return key;
}

Result<Person> ReadPerson(const std::string& name, const TomlNode& table) {
  if (table.kind != Kind::kTable) return Refused("must be a table of keys").AtLine(table.line);
  if (!IsSlug(name)) return Refused("is no person's name: [a-z0-9][a-z0-9-]{0,62}").AtLine(table.line);
  std::optional<NoteVerifier> key;
  Names principals;
  TableReader reader(table);
  reader.Read("key", ReadVkey, key);
  reader.Read("principals", ReadPrincipals, principals);
  COFFER_TRY(reader.Finish({"key", "principals"}, "is not a key of a person"));
  if (principals.size() > kMaxPersonPrincipals) {
    return Refused("names more than allowed").At("principals").AtLine(table.line).WithLimit(kMaxPersonPrincipals);
  }
  if (key->name() != name) {
    return Refused("is a key of another name than the person's: `coffer identity new` names it")
        .At("key")
        .AtLine(table.line);
  }
  Person person{.name = name, .key = std::move(*key), .principals = std::move(principals), .roles = {}};
  for (const std::string& principal : person.principals) person.roles.insert(ParsePrincipal(principal)->role);
  return person;
}

Result<std::optional<BreakGlass>> ReadBreakGlass(const TomlNode& table) {
  if (table.kind != Kind::kTable) return Refused("must be a table of keys").AtLine(table.line);
  std::optional<NoteVerifier> key;
  std::uint32_t minutes = kMaxApprovalMinutes;
  AccessRule rule;
  rule.effect = Effect::kGrant;
  rule.id = kBreakGlassRule;
  rule.line = table.line;
  TableReader reader(table);
  reader.Read("key", ReadVkey, key);
  reader.Read("minutes", ReadMinutes, minutes, false);
  ReadReach(reader, rule, true);
  reader.Read("limits", ReadLimits, rule.limits, false);
  COFFER_TRY(reader.Finish(
      {"key", "minutes", "roles", "principals", "operations", "fields", "classes", "keyrings", "tenants", "limits"},
      "is not a key of break_glass"));
  COFFER_TRY(CheckFacets(table, rule));
  return std::optional(BreakGlass{.key = std::move(*key), .rule = std::move(rule), .minutes = minutes});
}

Result<std::string> ReadSpiffeId(const TomlNode& node) {
  if (node.kind != Kind::kText || !ParsePrincipal(node.text).ok() || !node.text.starts_with("spiffe://")) {
    return Refused("is no SPIFFE id: spiffe://<trust domain>/role/<role>/<name>");
  }
  return node.text;
}

Result<Names> ReadRecoveredAs(const TomlNode& node) {
  const auto good = [](std::string_view text) { return ParsePrincipal(text).ok(); };
  return ReadNames(node, kMaxRecovered, good, "is no principal: spiffe://<trust domain>/role/<role>/<name>");
}

Result<RecoveredNames> ReadRecovered(const std::string& name, const TomlNode& table) {
  if (table.kind != Kind::kTable) return Refused("must be a table of keys").AtLine(table.line);
  if (!IsSlug(name)) return Refused("is no name: [a-z0-9][a-z0-9-]{0,62}").AtLine(table.line);
  RecoveredNames recovered{.table = "recovered." + name, .of = {}, .names = {}, .line = table.line};
  TableReader reader(table);
  reader.Read("of", ReadSpiffeId, recovered.of);
  reader.Read("as", ReadRecoveredAs, recovered.names);
  COFFER_TRY(reader.Finish({"of", "as"}, "is not a key of a recovered cluster"));
  return recovered;
}

// Each entry of the table `key`, if there is one.
template <typename Value, typename Read>
Status ReadEach(const TomlNode& document, std::string_view key, std::size_t most, const Read& read,
                std::vector<Value>& values) {
  const TomlNode* table = document.Find(key);
  if (table == nullptr) return {};
  if (table->kind != Kind::kTable) return Refused("must be a table").At(key).AtLine(table->line);
  for (const auto& [name, entry] : table->entries) {
    if (values.size() == most) return Refused("are more than allowed").At(key).AtLine(entry->key_line).WithLimit(most);
    Result<Value> value = read(name, entry->value);
    if (!value.ok()) return std::move(value).error().At(std::string(key) + "." + name);
    values.push_back(std::move(value).value());
  }
  return {};
}

Status ReadNumbers(const TomlNode& document, WrittenPolicy& written) {
  const auto read = [&document](std::string_view key, std::int64_t low, std::int64_t high,
                                Literal message) -> Result<std::int64_t> {
    const TomlNode* node = document.Find(key);
    if (node == nullptr) return Refused("is required").At(key);
    Result<std::int64_t> number = ReadWithin(*node, low, high, message);
    if (!number.ok()) return OnLine(std::move(number).error().At(key), node->line);
    return number;
  };
  constexpr std::int64_t kMostSerial = std::int64_t{1} << 53;  // exact in every JSON reader
  COFFER_ASSIGN_OR_RETURN(const std::int64_t serial,
                          read("serial", 1, kMostSerial, "must be a whole number from 1 to 2^53"));
  COFFER_ASSIGN_OR_RETURN(const std::int64_t signatures,
                          read("admin_signatures", kLeastAdminSignatures, kMostAdminSignatures,
                               "must be a whole number from 2 to 16: one person alone changes no policy"));
  written.serial = static_cast<std::uint64_t>(serial);
  written.admin_signatures = static_cast<std::uint32_t>(signatures);
  return {};
}

}  // namespace

Result<WrittenPolicy> ReadPolicy(std::string_view text) {
  COFFER_ASSIGN_OR_RETURN(const TomlNode document, ParseToml(text, kMaxPolicyBytes));
  WrittenPolicy written;
  COFFER_TRY(ReadNumbers(document, written));
  COFFER_TRY(ReadEach(document, "person", kMaxPersons, ReadPerson, written.persons));
  for (const Effect effect : {Effect::kForbid, Effect::kGrant}) {
    const auto read = [effect](const std::string& id, const TomlNode& table) {
      return ReadRuleOfFile(effect, id, table);
    };
    const std::string_view key = effect == Effect::kForbid ? "forbid" : "grant";
    COFFER_TRY(ReadEach(document, key, kMaxAccessRules, read, written.rules));
  }
  COFFER_TRY(ReadEach(document, "recovered", kMaxRecoveredTables, ReadRecovered, written.recovered));
  if (const TomlNode* table = document.Find("break_glass")) {
    Result<std::optional<BreakGlass>> kept = ReadBreakGlass(*table);
    if (!kept.ok()) return std::move(kept).error().At("break_glass");
    written.break_glass = std::move(kept).value();
  }
  for (const auto& [key, entry] : document.entries) {
    constexpr std::array<std::string_view, 7> kKnown = {"serial", "admin_signatures", "person",     "grant",
                                                        "forbid", "recovered",        "break_glass"};
    if (std::find(kKnown.begin(), kKnown.end(), key) == kKnown.end()) {
      return Refused("is not a key of a policy").At(key).AtLine(entry->key_line);
    }
  }
  return written;
}

Result<AccessRule> ReadIssuedGrant(std::string_view text) {
  // Approvers see the text: no name needs an escape, which would show another one than it is.
  if (text.find('\\') != std::string_view::npos) {
    return Refused("holds a backslash: approvers have to read names as they are");
  }
  COFFER_ASSIGN_OR_RETURN(const TomlNode document, ParseToml(text, kMaxIssuedGrantBytes));
  for (const auto& [key, entry] : document.entries) {
    if (key != "grant")
      return Refused("is not a key of an issued grant: it is one table").At(key).AtLine(entry->key_line);
  }
  const auto read = [](const std::string& id, const TomlNode& table) -> Result<AccessRule> {
    if (!id.starts_with(kIssuedGrantPrefix) || id.size() == kIssuedGrantPrefix.size()) {
      return Refused("must be named issued- and a name of its own").AtLine(table.line);
    }
    return ReadRule(Effect::kGrant, id, table);
  };
  std::vector<AccessRule> rules;
  COFFER_TRY(ReadEach(document, "grant", 1, read, rules));
  if (rules.empty()) return Refused("holds no grant: it must be one table [grant.issued-NAME]");
  return std::move(rules.front());
}

}  // namespace coffer::policy
