#include "cli/planned_index.h"

#include <algorithm>

namespace coffer::cli {
namespace {

PlannedIndex PlannedOf(const policy::CatalogLock& lock, const policy::LockedIndex& index) {
  PlannedIndex planned;
  planned.name = index.name;
  planned.unique = index.unique;
  planned.written = index.write_version;
  if (!index.parts.empty()) planned.parts = index.parts.size();
  for (const policy::LockedIndexVersion& version : index.versions) {
    planned.versions.push_back(version.number);
    const policy::LockedDomain* const domain = lock.FindDomain(version.domain);
    const policy::IndexProfile* const profile = domain == nullptr ? nullptr : domain->Find(version.profile);
    if (profile == nullptr) continue;  // no lock that was parsed lacks one
    const TokenForm& form = profile->definition.form;
    if (!version.merged) planned.kind = form.kind;
    planned.slow = planned.slow || form.slow.has_value();
    planned.count = std::max<std::size_t>(planned.count, form.count);
  }
  return planned;
}

}  // namespace

std::string PlannedIndex::ColumnOf(const std::string& base, std::uint32_t version) const {
  return unique && version > 1 ? base + "_" + std::to_string(version) : base;
}

Outcome<policy::CatalogLock> FetchLock(client::Client& client, const std::string& scope) {
  v1::GetCatalogRequest request;
  request.set_scope(scope);
  COFFER_ASSIGN_OR_RETURN(const auto answer, client.GetCatalog(request));
  auto lock = policy::ParseCatalogLock(answer.lock());
  if (!lock.ok())
    return Failure(kExitFailed, "the service's catalog cannot be read: is this program older than the service?");
  return std::move(lock).value();
}

Outcome<const policy::LockedField*> FindField(const policy::CatalogLock& lock, const FieldName& field) {
  const policy::LockedField* const locked = lock.Find({field.table, field.column});
  if (locked != nullptr) return locked;
  return Failure(kExitFailed, "the catalog has no field " + field.ToText(), "see `coffer catalog show`");
}

std::vector<PlannedIndex> IndexesOf(const policy::CatalogLock& lock, const policy::LockedField& field) {
  std::vector<PlannedIndex> indexes;
  for (const policy::LockedIndex& index : field.indexes) {
    if (!index.retired) indexes.push_back(PlannedOf(lock, index));
  }
  return indexes;
}

Outcome<PlannedIndex> FindIndex(const std::vector<PlannedIndex>& indexes, std::string_view field,
                                std::string_view name) {
  for (const PlannedIndex& index : indexes) {
    if (index.name == name) return index;
  }
  std::string step;
  for (const PlannedIndex& index : indexes) step += (step.empty() ? "it has: " : ", ") + index.name;
  return Failure(kExitFailed, std::string(field) + " has no index of that name",
                 step.empty() ? "it has none; declare one in the catalog" : step);
}

}  // namespace coffer::cli
