#include "policy/internal/index_lock_rules.h"

#include <algorithm>
#include <unordered_set>

#include "crypto/names.h"

namespace coffer::policy {
namespace {

Error Refused(Literal message) { return Error(ErrorCode::kInvalidArgument, message); }

template <typename Value>
bool HasDuplicates(std::vector<Value> values) {
  std::sort(values.begin(), values.end());
  return std::adjacent_find(values.begin(), values.end()) != values.end();
}

Status ValidateProfile(const LockedDomain& domain, std::size_t at) {
  const IndexProfile& profile = domain.profiles[at];
  if (profile.number != at + 1) return Refused("is out of order: profiles are numbered 1, 2, 3 ...");
  COFFER_TRY(ValidateIndexDefinition(profile.definition));
  if (profile.unicode.empty() != UnicodeOf(profile.definition).empty()) {
    return Refused("belongs to the transforms that follow Unicode, and to no others").At("unicode");
  }
  const auto same = [&](const IndexProfile& other) {
    return other.definition == profile.definition && other.unicode == profile.unicode;
  };
  if (std::any_of(domain.profiles.begin(), domain.profiles.begin() + static_cast<std::ptrdiff_t>(at), same)) {
    return Refused("is a profile that the domain has already");
  }
  return {};
}

Status ValidateDomain(const LockedDomain& domain) {
  if (domain.uuid.IsZero()) return Refused("is not a domain's id").At("id");
  if (!IsIdentifier(domain.name) && domain.IsShared()) return Refused("is not a domain's name, nor its id");
  if (domain.profiles.empty()) return Refused("has no profile");
  if (domain.profiles.size() > kMaxProfiles) {
    return Refused("has more profiles than allowed").WithLimit(kMaxProfiles);
  }
  for (std::size_t at = 0; at < domain.profiles.size(); ++at) {
    Status valid = ValidateProfile(domain, at);
    if (!valid.ok()) return std::move(valid).error().At("profile." + std::to_string(domain.profiles[at].number));
  }
  return {};
}

Status ValidateVersion(const CatalogLock& lock, const LockedIndex& index, const LockedIndexVersion& version) {
  const LockedDomain* domain = lock.FindDomain(version.domain);
  const IndexProfile* profile = domain == nullptr ? nullptr : domain->Find(version.profile);
  if (profile == nullptr) return Refused("names a profile that the lock does not have");
  if (version.key_version.value == 0) return Refused("has no version of its keyring");
  const IndexDefinition& definition = profile->definition;
  const std::size_t parts = definition.form.kind == IndexKind::kCompound ? definition.values.size() : 0;
  if (index.parts.size() != parts) return Refused("has another number of parts than its profile");
  return {};
}

Status ValidateVersions(const CatalogLock& lock, const LockedIndex& index) {
  if (index.versions.empty()) return Refused("is empty");
  if (index.versions.size() > kMaxLiveIndexVersions) {
    return Refused("has more versions than allowed").WithLimit(kMaxLiveIndexVersions);
  }
  for (std::size_t at = 0; at < index.versions.size(); ++at) {
    const LockedIndexVersion& version = index.versions[at];
    if (version.number <= (at == 0 ? 0 : index.versions[at - 1].number)) return Refused("is out of order");
    if (version.number > kMaxIndexVersion) return Refused("has no number left").WithLimit(kMaxIndexVersion);
    COFFER_TRY(ValidateVersion(lock, index, version));
  }
  if (std::all_of(index.versions.begin(), index.versions.end(), [](const auto& version) { return version.merged; })) {
    return Refused("has no version that is not merged");
  }
  return {};
}

Status ValidateParts(const CatalogLock& lock, const LockedField& field, const LockedIndex& index) {
  const bool serves = !field.retired && !index.retired;
  for (const ColumnName& part : index.parts) {
    const LockedField* named = lock.Find(part);
    if (named == nullptr || part.table != field.name.table || (serves && named->retired)) {
      return Refused("names no live field of the table");
    }
  }
  if (HasDuplicates(index.parts)) return Refused("names a field twice");
  return {};
}

Status ValidateIndexNames(const LockedIndex& index) {
  if (index.former_names.size() > kMaxFormer) {
    return Refused("has more former names than allowed").WithLimit(kMaxFormer);
  }
  if (!std::all_of(index.former_names.begin(), index.former_names.end(),
                   [](const std::string& name) { return IsIdentifier(name); })) {
    return Refused("has what is not an index's name");
  }
  if (HasDuplicates(index.former_names)) return Refused("lists a name twice");
  return {};
}

Status ValidateIndex(const CatalogLock& lock, const LockedField& field, const LockedIndex& index) {
  if (!IsIdentifier(index.name)) return Refused("is not an index's name");
  if (!index.accept_leak.empty() && !IsReason(index.accept_leak)) return Refused("is no reason").At("accept_leak");
  if (index.expect) {
    Status expect = ValidateExpectation(*index.expect);
    if (!expect.ok()) return std::move(expect).error().At("expect");
  }
  Status parts = ValidateParts(lock, field, index);
  if (!parts.ok()) return std::move(parts).error().At("parts");
  Status names = ValidateIndexNames(index);
  if (!names.ok()) return std::move(names).error().At("former_names");
  Status versions = ValidateVersions(lock, index);
  if (!versions.ok()) return std::move(versions).error().At("versions");
  const LockedIndexVersion* written = index.Find(index.write_version);
  if (written == nullptr) return Refused("is not among the versions that are searched").At("write_version");
  if (written->merged) return Refused("is a version that was merged in").At("write_version");
  if (index.stored_version &&
      (*index.stored_version <= index.write_version || *index.stored_version > index.versions.back().number)) {
    return Refused("is not above write_version, or is no version yet").At("stored_version");
  }
  const LockedIndexVersion& last = index.Declared();
  if (index.unique) COFFER_TRY(ValidateUnique(lock.FindDomain(last.domain)->Find(last.profile)->definition));
  return {};
}

}  // namespace

Status ValidateDomains(const CatalogLock& lock) {
  if (lock.domains.size() > kMaxLockDomains) {
    return Refused("holds more domains than allowed").At("domain").WithLimit(kMaxLockDomains);
  }
  std::unordered_set<IndexDomainUuid> ids;
  for (std::size_t i = 0; i < lock.domains.size(); ++i) {
    const LockedDomain& domain = lock.domains[i];
    const std::string path = "domain." + domain.name;
    if (i > 0 && lock.domains[i - 1].name >= domain.name) return Refused("is not in order").At(path);
    Status valid = ValidateDomain(domain);
    if (!valid.ok()) return std::move(valid).error().At(path);
    if (!ids.insert(domain.uuid).second) return Refused("is another domain's id").At("id").At(path);
  }
  return {};
}

Status ValidateIndexes(const CatalogLock& lock, const LockedField& field) {
  if (field.expect) {
    Status expect = ValidateExpectation(*field.expect);
    if (!expect.ok()) return std::move(expect).error().At("expect");
  }
  if (field.indexes.size() > kMaxLockIndexes) {
    return Refused("holds more indexes than allowed").At("index").WithLimit(kMaxLockIndexes);
  }
  for (std::size_t i = 0; i < field.indexes.size(); ++i) {
    const LockedIndex& index = field.indexes[i];
    const std::string path = "index." + index.name;
    if (i > 0 && field.indexes[i - 1].name >= index.name) return Refused("is not in order").At(path);
    Status valid = ValidateIndex(lock, field, index);
    if (!valid.ok()) return std::move(valid).error().At(path);
  }
  return {};
}

}  // namespace coffer::policy
