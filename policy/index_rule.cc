#include "policy/index_rule.h"

#include <algorithm>

namespace coffer::policy {
namespace {

IndexVersionRule VersionRuleOf(const CatalogLock& lock, const LockedIndexVersion& version) {
  const LockedDomain* domain = lock.FindDomain(version.domain);
  COFFER_CHECK(domain != nullptr);
  const IndexProfile* profile = domain->Find(version.profile);
  COFFER_CHECK(profile != nullptr);
  IndexVersionRule rule;
  rule.number = version.number;
  rule.keyring = version.keyring;
  rule.key_version = version.key_version;
  rule.domain = domain->uuid;
  rule.form = profile->definition.form;
  rule.form.profile = profile->number;
  rule.values = profile->definition.values;
  rule.global = profile->definition.global;
  rule.unicode = profile->unicode;
  rule.merged = version.merged;
  return rule;
}

}  // namespace

const IndexVersionRule* IndexRule::Find(std::uint16_t number) const {
  for (const IndexVersionRule& version : versions) {
    if (version.number == number) return &version;
  }
  return nullptr;
}

const IndexVersionRule& IndexRule::Written() const {
  const IndexVersionRule* version = Find(write_version);
  COFFER_CHECK(version != nullptr);
  return *version;
}

const IndexVersionRule& IndexRule::Declared() const {
  const auto own =
      std::find_if(versions.rbegin(), versions.rend(), [](const IndexVersionRule& version) { return !version.merged; });
  COFFER_CHECK(own != versions.rend());
  return *own;
}

std::vector<const IndexVersionRule*> IndexRule::VersionsToWrite() const {
  if (!unique) return {&Written()};
  std::vector<const IndexVersionRule*> all;
  for (const IndexVersionRule& version : versions) all.push_back(&version);
  return all;
}

bool IndexRule::IsSlow() const {
  return std::any_of(versions.begin(), versions.end(),
                     [](const auto& version) { return version.form.slow.has_value(); });
}

std::vector<IndexRule> IndexRulesOf(const CatalogLock& lock, const LockedField& field) {
  std::vector<IndexRule> rules;
  for (const LockedIndex& index : field.indexes) {
    if (index.retired) continue;
    IndexRule rule;
    rule.name = index.name;
    rule.unique = index.unique;
    rule.write_version = index.write_version;
    for (const ColumnName& part : index.parts) rule.parts.push_back(lock.scope + "." + part.ToText());
    for (const LockedIndexVersion& version : index.versions) rule.versions.push_back(VersionRuleOf(lock, version));
    rule.kind = rule.Declared().form.kind;
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace coffer::policy
