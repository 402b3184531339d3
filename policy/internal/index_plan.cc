#include "policy/internal/index_plan.h"

#include <algorithm>

#include "policy/index_sentences.h"
#include "policy/internal/change_line.h"
#include "policy/internal/index_cost.h"
#include "policy/internal/index_diff.h"

namespace coffer::policy {
namespace {

Error Refused(Literal message) { return Error(ErrorCode::kFailedPrecondition, message); }

template <typename Value>
bool Contains(const std::vector<Value>& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

const LockedIndex* FindIndex(const LockedField& field, std::string_view name) {
  const auto found = std::find_if(field.indexes.begin(), field.indexes.end(),
                                  [&](const LockedIndex& index) { return index.name == name; });
  return found == field.indexes.end() ? nullptr : &*found;
}

bool IsWanted(const CatalogField& field, std::string_view name) {
  return std::any_of(field.indexes.begin(), field.indexes.end(),
                     [&](const CatalogIndex& index) { return index.name == name; });
}

std::string What(const CatalogIndex& index, std::string_view change) {
  return std::string("index ").append(index.name).append(": ").append(change);
}

// "equality, 16 bits, keyring shop-index"
std::string Summary(const CatalogIndex& index) {
  std::string text(IndexKindName(index.definition.form.kind));
  text += ", " + std::to_string(index.definition.form.bits) + " bits, keyring " + index.keyring;
  if (index.unique) text += ", unique";
  if (!index.domain.empty()) text += ", domain " + index.domain;
  if (index.definition.global) text += ", global: " + std::string(RuleOf(IndexKey::kScope).weaker);
  return text;
}

Error Located(Error error, const CatalogIndex& index) {
  error = std::move(error).At("index." + index.name);
  return error.line() != 0 ? error : std::move(error).AtLine(index.line);
}

// How many versions are live once one was added, when the next could be too many.
std::string CountText(std::size_t versions) {
  if (versions + 1 < kMaxLiveIndexVersions) return {};
  return "; " + std::to_string(versions) + " of at most " + std::to_string(kMaxLiveIndexVersions) +
         " versions are live: raise oldest_version";
}

// Whether rows may have the last version: it was written once, this apply writes it, or a unique index writes them all.
bool HasRows(const LockedIndexVersion& last, const CatalogIndex& wanted, const LockedIndex& index) {
  return last.number <= std::max(index.StoredVersion(), wanted.write_version.value_or(0)) || index.unique;
}

}  // namespace

Status IndexPlan::Run() {
  COFFER_TRY(CheckRefusals());
  for (std::size_t i = 0; i < wanted_.fields.size(); ++i) {
    Status planned = PlanField(wanted_.fields[i], change_.lock.fields[i]);
    if (!planned.ok()) return std::move(planned).error().At("field." + wanted_.fields[i].name.ToText());
  }
  RenamePartsOfTheRest();
  return {};
}

Status IndexPlan::CheckRefusals() const {
  for (const IndexAssessment& assessment : assessed_.indexes) {
    if (!assessment.IsRefused()) continue;
    const std::string path = "field." + assessment.field.ToText();
    if (assessment.name.empty()) {
      return Refused(
                 "is refused, since suite 4 would give values away: they are secret, or fewer than 256, or one has "
                 "more than a sixteenth of the rows")
          .At("suite")
          .At(path);
    }
    return Refused(SentenceOf(assessment.refusals.front())).At("index." + assessment.name).At(path);
  }
  return {};
}

Status IndexPlan::PlanField(const CatalogField& wanted, LockedField& field) {
  const auto same = [&](const LockedField& other) { return other.uuid == field.uuid; };
  const auto found = std::find_if(before_.fields.begin(), before_.fields.end(), same);
  const LockedField* applied = found == before_.fields.end() ? nullptr : &*found;
  COFFER_ASSIGN_OR_RETURN(const std::vector<const LockedIndex*> origins, OriginsOf(wanted, applied));
  std::vector<std::string> continued;
  for (const LockedIndex* origin : origins) {
    if (origin != nullptr) continued.push_back(origin->name);
  }
  Applied here;
  here.is_new_field = applied == nullptr;
  if (applied != nullptr) {
    for (const LockedIndex& index : applied->indexes) {
      if (!index.retired) here.live.push_back({&index, !Contains(continued, index.name)});
    }
  }
  std::vector<LockedIndex> planned;
  for (std::size_t i = 0; i < origins.size(); ++i) {
    const CatalogIndex& index = wanted.indexes[i];
    LockedIndex next;
    Status done = origins[i] == nullptr ? AddIndex(wanted, here, index, next)
                                        : ContinueIndex(wanted, here, *origins[i], index, next);
    if (!done.ok()) return Located(std::move(done).error(), index);
    planned.push_back(std::move(next));
  }
  for (const LockedIndex& index : applied == nullptr ? std::vector<LockedIndex>() : applied->indexes) {
    if (Contains(continued, index.name)) continue;
    planned.push_back(index);
    planned.back().retired = true;
    if (!index.retired) {
      AddLine(change_, ChangeKind::kRetired, wanted.name, "index " + index.name + ": no longer declared");
    }
  }
  std::sort(planned.begin(), planned.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  field.indexes = std::move(planned);
  return {};
}

// For each index of `field` the one that it goes on from; null for a new one.
Result<std::vector<const LockedIndex*>> IndexPlan::OriginsOf(const CatalogField& field,
                                                             const LockedField* applied) const {
  std::vector<const LockedIndex*> origins;
  for (const CatalogIndex& index : field.indexes) {
    Result<const LockedIndex*> origin = Origin(field, applied, index);
    if (!origin.ok()) return Located(std::move(origin).error(), index);
    origins.push_back(*origin);
  }
  return origins;
}

Result<const LockedIndex*> IndexPlan::Origin(const CatalogField& field, const LockedField* applied,
                                             const CatalogIndex& wanted) const {
  const LockedIndex* same_name = applied == nullptr ? nullptr : FindIndex(*applied, wanted.name);
  if (!wanted.renamed_from) return same_name;
  if (same_name != nullptr) {
    if (Contains(same_name->former_names, *wanted.renamed_from)) return same_name;  // renamed by an earlier apply
    return Refused("would rename onto an index that the lock already has").At("renamed_from");
  }
  const LockedIndex* source = applied == nullptr ? nullptr : FindIndex(*applied, *wanted.renamed_from);
  if (source == nullptr || source->retired) return Refused("names no live index of the lock").At("renamed_from");
  if (IsWanted(field, *wanted.renamed_from)) {
    return Refused("names an index that is still declared").At("renamed_from");
  }
  return source;
}

// What a new index costs, or one that was retired: what was accepted with it and, where values are stored already, what
// it shows of them or compares them with.
std::string IndexPlan::CostOf(const CatalogField& field, Applied& applied, const CatalogIndex& wanted) const {
  const IndexAssessment* assessment = assessed_.Find(field.name, wanted.name);
  COFFER_CHECK(assessment != nullptr);
  if (!wanted.accept_leak.empty()) return CostOfAcceptance(wanted, *assessment);
  if (applied.is_new_field && !HasAppliedPart(wanted)) {
    const bool joins = !wanted.domain.empty() && before_.FindDomain(wanted.domain) != nullptr;
    return std::string(joins ? RuleOf(IndexKey::kDomain).weaker : std::string_view());
  }
  std::vector<PresentIndex*> alike;
  bool beside_others = false;
  for (PresentIndex& present : applied.live) {
    beside_others = beside_others || !present.leaves;
    if (HasPartsOf(*present.index, wanted)) alike.push_back(&present);
  }
  return ShowsNoMore(before_, alike, wanted) ? std::string() : CostOfShowing(*assessment, beside_others);
}

bool IndexPlan::HasAppliedPart(const CatalogIndex& wanted) const {
  return std::any_of(wanted.parts.begin(), wanted.parts.end(), [&](const ColumnName& part) {
    const std::optional<FieldUuid> uuid = FieldAfter(part);
    return std::any_of(before_.fields.begin(), before_.fields.end(),
                       [&](const LockedField& field) { return field.uuid == uuid; });
  });
}

Status IndexPlan::AddIndex(const CatalogField& field, Applied& applied, const CatalogIndex& wanted,
                           LockedIndex& index) {
  index.name = wanted.name;
  index.unique = wanted.unique;
  index.accept_leak = wanted.accept_leak;
  index.expect = wanted.expect;
  index.parts = wanted.parts;
  COFFER_TRY(AddVersion(field, wanted, index));
  index.write_version = index.versions.back().number;
  AddLine(change_, ChangeKind::kAdded, field.name, What(wanted, Summary(wanted)), CostOf(field, applied, wanted));
  return MoveVersions(field, wanted, index.write_version, index);
}

Status IndexPlan::ContinueIndex(const CatalogField& field, Applied& applied, const LockedIndex& origin,
                                const CatalogIndex& wanted, LockedIndex& index) {
  // A search could not ask for values of other fields together with those of the first.
  if (!HasPartsOf(origin, wanted)) {
    return Refused("are frozen since the index was applied: declare a new index").At("parts");
  }
  index = origin;
  index.retired = false;
  index.unique = wanted.unique;
  index.accept_leak = wanted.accept_leak;
  index.expect = wanted.expect;
  index.parts = wanted.parts;
  if (index.name != wanted.name) {
    index.former_names.push_back(index.name);
    index.former_names.erase(std::remove(index.former_names.begin(), index.former_names.end(), wanted.name),
                             index.former_names.end());
    index.name = wanted.name;
    AddLine(change_, ChangeKind::kRenamed, field.name, What(wanted, "from " + origin.name));
  }
  if (origin.retired) {
    AddLine(change_, ChangeKind::kRestored, field.name,
            What(wanted, "with its versions; rows that were written meanwhile have no tokens: write them again"),
            CostOf(field, applied, wanted));
  }
  const LockedIndexVersion& last = origin.Declared();
  const LockedDomain* domain = before_.FindDomain(last.domain);
  for (const IndexKeyChange& change : CompareIndexKeys({origin, *domain, *domain->Find(last.profile)}, wanted)) {
    AddLine(change_, ChangeKind::kChanged, field.name, What(wanted, change.what),
            change.weaker ? RuleOf(change.key).weaker : std::string_view());
  }
  COFFER_TRY(AddVersion(field, wanted, index));
  return MoveVersions(field, wanted, origin.versions.back().number, index);
}

bool IndexPlan::HasPartsOf(const LockedIndex& origin, const CatalogIndex& wanted) const {
  bool same = origin.parts.size() == wanted.parts.size();
  for (std::size_t i = 0; same && i < wanted.parts.size(); ++i) {
    const LockedField* before = before_.Find(origin.parts[i]);
    same = before != nullptr && FieldAfter(wanted.parts[i]) == before->uuid;
  }
  return same;
}

std::optional<FieldUuid> IndexPlan::FieldAfter(const ColumnName& name) const {
  for (std::size_t i = 0; i < wanted_.fields.size(); ++i) {
    if (wanted_.fields[i].name == name) return change_.lock.fields[i].uuid;
  }
  return std::nullopt;
}

Result<KeyVersion> IndexPlan::PrimaryOf(const CatalogIndex& wanted) const {
  const KeyVersion primary = ports_.primary_version(wanted.keyring);
  if (primary.value == 0) {
    return Refused("there is no keyring of this name for indexes: create it first").At("keyring");
  }
  return primary;
}

LockedDomain* IndexPlan::FindDomain(std::string_view name) {
  std::vector<LockedDomain>& domains = change_.lock.domains;
  const auto found =
      std::find_if(domains.begin(), domains.end(), [&](const LockedDomain& domain) { return domain.name == name; });
  return found == domains.end() ? nullptr : &*found;
}

std::string IndexPlan::DomainOf(const CatalogIndex& wanted, const LockedIndex& index) {
  if (wanted.domain.empty() && !index.versions.empty()) {
    const LockedDomain* last = FindDomain(index.Declared().domain);
    if (!last->IsShared()) return last->name;
  }
  if (FindDomain(wanted.domain) != nullptr) return wanted.domain;
  LockedDomain domain;
  domain.uuid = ports_.domain();
  domain.name = wanted.domain.empty() ? domain.uuid.ToText() : wanted.domain;
  std::vector<LockedDomain>& domains = change_.lock.domains;
  const auto by_name = [](const LockedDomain& a, const LockedDomain& b) { return a.name < b.name; };
  return domains.insert(std::upper_bound(domains.begin(), domains.end(), domain, by_name), std::move(domain))->name;
}

std::uint32_t IndexPlan::ProfileOf(const std::string& domain, const IndexDefinition& definition) {
  std::vector<IndexProfile>& profiles = FindDomain(domain)->profiles;
  const std::string unicode = UnicodeOf(definition);
  for (const IndexProfile& profile : profiles) {
    if (profile.definition == definition && profile.unicode == unicode) return profile.number;
  }
  profiles.push_back({static_cast<std::uint32_t>(profiles.size() + 1), definition, unicode});
  return profiles.back().number;
}

// Unless the last version makes tokens as `wanted` does, under the keyring's primary version.
Status IndexPlan::AddVersion(const CatalogField& field, const CatalogIndex& wanted, LockedIndex& index) {
  COFFER_ASSIGN_OR_RETURN(const KeyVersion primary, PrimaryOf(wanted));
  LockedIndexVersion next;
  next.number = 1;
  next.domain = DomainOf(wanted, index);
  next.profile = ProfileOf(next.domain, wanted.definition);
  next.keyring = wanted.keyring;
  next.key_version = primary;
  if (!index.versions.empty()) {
    const LockedIndexVersion last = index.Declared();
    if (next.keyring == last.keyring && primary < last.key_version) {
      return Refused("has fewer versions than the lock names: another keyring of this name, or an older one")
          .At("keyring");
    }
    next.number = last.number;
    if (next == last) return {};
    next.number = index.versions.back().number;
    if (next.number >= kMaxIndexVersion) return Refused("has no version left").WithLimit(kMaxIndexVersion);
    ++next.number;
    const bool replaces = !HasRows(last, wanted, index);
    if (replaces) {
      index.versions.erase(std::remove(index.versions.begin(), index.versions.end(), last), index.versions.end());
    }
    if (index.versions.size() >= kMaxLiveIndexVersions) {
      return Refused("has as many versions as can be searched: raise oldest_version first")
          .WithLimit(kMaxLiveIndexVersions);
    }
    std::string what = "version " + std::to_string(next.number) + " is searched from now on";
    if (replaces) what += " in place of version " + std::to_string(last.number) + ", which no row has";
    what += ", version " + std::to_string(index.write_version) + " still written";
    AddLine(change_, ChangeKind::kChanged, field.name, What(wanted, what + CountText(index.versions.size() + 1)));
  }
  index.versions.push_back(std::move(next));
  return {};
}

// `last_searched`: the last version that the stored lock has; later ones are not yet searched everywhere.
Status IndexPlan::MoveVersions(const CatalogField& field, const CatalogIndex& wanted, std::uint16_t last_searched,
                               LockedIndex& index) {
  const std::uint16_t first = index.versions.front().number;
  const std::uint16_t last = index.versions.back().number;
  const std::uint16_t write = wanted.write_version.value_or(index.write_version);
  const std::uint16_t oldest = wanted.oldest_version.value_or(first);
  if (write > last) return Refused("names a version that is not there yet").At("write_version").WithLimit(last);
  if (write > last_searched) {
    return Refused("names a version that is searched from this apply on only: write it with the next")
        .At("write_version")
        .WithLimit(last_searched);
  }
  const LockedIndexVersion* written = index.Find(write);
  if (written == nullptr) return Refused("names a version that is not searched").At("write_version");
  if (written->merged) {
    return Refused("names a version that was merged in, under which nothing is written here").At("write_version");
  }
  if (oldest > write) {
    return Refused("is above the version that is written").At("oldest_version").WithLimit(write);
  }
  if (index.Find(oldest) == nullptr) return Refused("names a version that is not searched").At("oldest_version");
  const std::uint16_t stored = std::max(index.unique ? index.Declared().number : write, index.StoredVersion());
  if (write != index.write_version) {
    AddLine(change_, ChangeKind::kChanged, field.name,
            What(wanted, "write_version: " + std::to_string(index.write_version) + " -> " + std::to_string(write)));
    index.write_version = write;
  }
  index.stored_version = stored > write ? std::optional(stored) : std::nullopt;
  if (oldest != first) {
    AddLine(change_, ChangeKind::kChanged, field.name,
            What(wanted, "oldest_version: " + std::to_string(first) + " -> " + std::to_string(oldest)));
    const auto dropped = [&](const LockedIndexVersion& version) { return version.number < oldest; };
    index.versions.erase(std::remove_if(index.versions.begin(), index.versions.end(), dropped), index.versions.end());
  }
  return {};
}

// Indexes that are not declared any more name their parts as the fields are called now.
void IndexPlan::RenamePartsOfTheRest() {
  const auto name_after = [&](const ColumnName& part) {
    const LockedField* before = before_.Find(part);
    for (const LockedField& field : change_.lock.fields) {
      if (before != nullptr && field.uuid == before->uuid) return field.name;
    }
    return part;
  };
  for (LockedField& field : change_.lock.fields) {
    for (LockedIndex& index : field.indexes) {
      if (!field.retired && !index.retired) continue;
      std::transform(index.parts.begin(), index.parts.end(), index.parts.begin(), name_after);
    }
  }
}

}  // namespace coffer::policy
