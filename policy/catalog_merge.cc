#include "policy/catalog_merge.h"

#include <algorithm>
#include <limits>

namespace coffer::policy {
namespace {

Error Refused(Literal message) { return Error(ErrorCode::kFailedPrecondition, message); }

template <typename Value>
bool Contains(const std::vector<Value>& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// One run of MergeCatalog over the lock that is here.
class Merge {
 public:
  Merge(CatalogLock here, const CatalogLock& there, bool take_fields, const CatalogMergePorts& ports)
      : there_(there), take_fields_(take_fields), ports_(ports) {
    merge_.lock = std::move(here);
  }

  Result<CatalogMerge> Into() {
    if (merge_.lock.scope != there_.scope)
      return Refused("is a scope of another name here").At("scope." + there_.scope);
    for (const LockedField& field : there_.fields) {
      Status merged = MergeField(field);
      if (!merged.ok()) return std::move(merged).error().At("field." + there_.scope + "." + field.name.ToText());
    }
    return Finish();
  }

  Result<CatalogMerge> TakeOver() {
    for (LockedField& field : merge_.lock.fields) {
      for (LockedIndex& index : field.indexes) {
        Status taken = TakeIndex(field, index);
        if (!taken.ok()) return std::move(taken).error().At("index." + index.name).At("field." + field.name.ToText());
      }
    }
    return Finish();
  }

 private:
  Status MergeField(const LockedField& field) {
    const auto same = [&](const LockedField& other) { return other.uuid == field.uuid; };
    const auto found = std::find_if(merge_.lock.fields.begin(), merge_.lock.fields.end(), same);
    if (found == merge_.lock.fields.end()) return TakeField(field);
    COFFER_TRY(CheckAlike(*found, field));
    for (const LockedIndex& index : field.indexes) {
      Status merged = MergeIndex(*found, field, index);
      if (!merged.ok()) return std::move(merged).error().At("index." + index.name);
    }
    return {};
  }

  Status TakeField(const LockedField& field) {
    if (!take_fields_) {
      return Refused(
          "is a field that the scope here does not have: catalogs are applied here first, and there with the same "
          "lock; "
          "--take-fields takes it over with the id that it has there");
    }
    if (merge_.lock.Find(field.name) != nullptr) return Refused("is another field's name here: rename that one first");
    for (const LockedIndex& index : field.indexes) {
      for (const LockedIndexVersion& version : index.versions) Move(field, index, version.number, 0);
    }
    const auto by_name = [](const LockedField& a, const LockedField& b) { return a.name < b.name; };
    std::vector<LockedField>& fields = merge_.lock.fields;
    fields.insert(std::upper_bound(fields.begin(), fields.end(), field, by_name), field)->indexes.clear();
    ++merge_.fields;
    merge_.changed = true;
    return {};
  }

  // Whatever may have been encrypted there decrypts here.
  static Status CheckAlike(const LockedField& here, const LockedField& there) {
    if (!there.now.row.empty() && there.now.row != here.now.row) return Refused("has another row here");
    if (there.now.bind != here.now.bind) return Refused("binds other columns here");
    std::vector<FormerDeclaration> forms = there.former;
    forms.push_back({there.now.form, there.now.keyring, std::nullopt});
    for (const FormerDeclaration& form : forms) {
      const auto same = [&](const FormerDeclaration& other) {
        return other.form == form.form && other.keyring == form.keyring;
      };
      const bool now = here.now.form == form.form && here.now.keyring == form.keyring;
      if (now || std::any_of(here.former.begin(), here.former.end(), same)) continue;
      return Refused("has a suite, padding, binding or keyring there that it never had here: apply that here, once");
    }
    return {};
  }

  static LockedIndex* FindIndex(LockedField& field, const LockedIndex& index) {
    for (LockedIndex& other : field.indexes) {
      if (other.name == index.name || Contains(other.former_names, index.name) ||
          Contains(index.former_names, other.name)) {
        return &other;
      }
    }
    return nullptr;
  }

  Status MergeIndex(LockedField& here, const LockedField& there, const LockedIndex& index) {
    LockedIndex* const found = FindIndex(here, index);
    for (const LockedIndexVersion& version : index.versions) {
      std::optional<LockedIndexVersion> wanted;
      if (found != nullptr) wanted = VersionHere(version);
      if (!wanted) {
        Move(there, index, version.number, 0);
        continue;
      }
      const auto same = [&](const LockedIndexVersion& other) {
        return other.domain == wanted->domain && other.profile == wanted->profile && other.keyring == wanted->keyring &&
               other.key_version == wanted->key_version;
      };
      const auto present = std::find_if(found->versions.begin(), found->versions.end(), same);
      if (present != found->versions.end()) {
        Move(there, index, version.number, present->number);
        continue;
      }
      COFFER_TRY(Append(*found, *wanted));
      ++merge_.versions;
      Move(there, index, version.number, found->versions.back().number);
    }
    return {};
  }

  // The version as it would be here; nothing when its key makes no tokens, or its profile is not known here.
  std::optional<LockedIndexVersion> VersionHere(const LockedIndexVersion& version) const {
    const LockedDomain* domain = there_.FindDomain(version.domain);
    const IndexProfile* profile = domain->Find(version.profile);
    const auto same = [&](const LockedDomain& other) { return other.uuid == domain->uuid; };
    const auto found = std::find_if(merge_.lock.domains.begin(), merge_.lock.domains.end(), same);
    if (found == merge_.lock.domains.end()) return std::nullopt;
    const IndexProfile* known = found->Find(version.profile);
    if (known == nullptr || *known != *profile) return std::nullopt;
    LockedIndexVersion here = version;
    here.domain = found->name;
    here.key_version = ports_.version_here(version.keyring, version.key_version);
    here.merged = true;
    if (here.key_version == KeyVersion{}) return std::nullopt;
    return here;
  }

  Status Append(LockedIndex& index, LockedIndexVersion version) {
    if (index.versions.size() >= kMaxLiveIndexVersions) {
      return Refused("would have more versions than can be searched: write rows anew and raise oldest_version first")
          .WithLimit(kMaxLiveIndexVersions);
    }
    if (index.versions.back().number >= kMaxIndexVersion) {
      return Refused("has no version left").WithLimit(kMaxIndexVersion);
    }
    version.number = static_cast<std::uint16_t>(index.versions.back().number + 1);
    index.versions.push_back(std::move(version));
    merge_.changed = true;
    return {};
  }

  // Of a scope that is taken over: what was written there is searched, and a version of our own is written.
  Status TakeIndex(const LockedField& field, LockedIndex& index) {
    LockedIndexVersion own = index.Declared();
    own.key_version = ports_.primary_version(own.keyring);
    const std::vector<LockedIndexVersion> versions = index.versions;
    const std::uint16_t last = versions.back().number;
    index.versions.clear();
    for (LockedIndexVersion version : versions) {
      version.key_version = ports_.version_here(version.keyring, version.key_version);
      version.merged = true;
      if (version.key_version == KeyVersion{}) {
        Move(field, index, version.number, 0);
      } else {
        index.versions.push_back(std::move(version));
        ++merge_.versions;
      }
    }
    if (index.versions.size() >= kMaxLiveIndexVersions) {
      return Refused("has as many versions as can be searched: raise oldest_version there first")
          .WithLimit(kMaxLiveIndexVersions);
    }
    if (last >= kMaxIndexVersion) return Refused("has no version left").WithLimit(kMaxIndexVersion);
    own.number = static_cast<std::uint16_t>(last + 1);
    index.write_version = own.number;
    index.stored_version.reset();
    index.versions.push_back(std::move(own));
    merge_.changed = true;
    return {};
  }

  void Move(const LockedField& field, const LockedIndex& index, std::uint16_t there, std::uint16_t here) {
    if (there == here) return;
    merge_.moves.push_back({there_.scope + "." + field.name.ToText() + "." + index.name, there, here});
  }

  Result<CatalogMerge> Finish() {
    if (!merge_.changed) return std::move(merge_);
    if (merge_.lock.serial >= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return Refused("has no serial left").At("catalog.lock");
    }
    ++merge_.lock.serial;
    Status valid = ValidateCatalogLock(merge_.lock);
    if (!valid.ok()) return Refused("would break the rules of a catalog's lock").At(valid.error().path());
    if (WriteCatalogLock(merge_.lock).size() > kMaxLockBytes) {
      return Refused("would be longer than allowed, in bytes").At("catalog.lock").WithLimit(kMaxLockBytes);
    }
    return std::move(merge_);
  }

  const CatalogLock& there_;
  const bool take_fields_;
  const CatalogMergePorts& ports_;
  CatalogMerge merge_;
};

}  // namespace

Result<CatalogMerge> MergeCatalog(const std::optional<CatalogLock>& here, const CatalogLock& there, bool take_fields,
                                  const CatalogMergePorts& ports) {
  if (!here) return Merge(there, there, take_fields, ports).TakeOver();
  return Merge(*here, there, take_fields, ports).Into();
}

}  // namespace coffer::policy
