// The step of a merge that brings tenants in: by UUID, under the names that they have there or are given.
#include <algorithm>

#include "keysvc/service/merge_work.h"

namespace coffer::keysvc {
namespace {

std::string PathOf(const Tenant& tenant) { return "tenant " + tenant.name; }

Error NameTaken(const Tenant& tenant) {
  return Error(ErrorCode::kAlreadyExists,
               "is the name of another tenant here: say --rename-tenant OLD=NEW, as every merge has to of the tenant "
               "default")
      .At(PathOf(tenant));
}

// What the options call it; nothing when they do not.
const std::string* RenamedTo(const MergeOptions& options, const std::string& name) {
  for (const auto& [from, to] : options.renames) {
    if (from == name) return &to;
  }
  return nullptr;
}

Status CheckRenames(const MergeWork& work) {
  for (const auto& [from, to] : work.options.renames) {
    if (work.there.keys.FindTenant(from) != nullptr) continue;
    return Error(ErrorCode::kInvalidArgument, "is no tenant of the store that is merged in").At("tenant " + from);
  }
  return {};
}

// As it ended there: a tombstone comes along, what is scheduled is scheduled here.
Status AddDestruction(MergeWork& work, const Tenant& tenant) {
  const DestructionRecord* record = work.there.upkeep.Find(DestructionKey::Of(tenant.uuid));
  if (record == nullptr) return {};
  DestructionRecord added = *record;
  if (added.state == DestructionState::kScheduled) {
    added.due_us = std::max(added.due_us, work.target.now_us + work.target.destroy_delay_us);
  }
  return work.Put(std::move(added));
}

Status AddTenant(MergeWork& work, const Tenant& tenant) {
  const std::string* const renamed = RenamedTo(work.options, tenant.name);
  Tenant added = tenant;
  if (renamed != nullptr) added.name = *renamed;
  if (work.here.keys.FindTenant(added.name) != nullptr) return NameTaken(added);
  if (work.here.keys.tenant_count() >= kMaxTenants) {
    return Error(ErrorCode::kResourceExhausted, "there would be more tenants than a store may have")
        .WithLimit(kMaxTenants);
  }
  COFFER_TRY(work.Insert(Table::kTenant, ToRow(added)));
  COFFER_TRY(work.here.keys.Add(added));
  ++work.facts.tenants;
  return AddDestruction(work, added);
}

// It was merged before. A tenant that was ended there since ends here, as one that is destroyed here does: later.
Status MeetTenant(MergeWork& work, const Tenant& tenant, const Tenant& known) {
  const std::string* const renamed = RenamedTo(work.options, tenant.name);
  if (renamed != nullptr && *renamed != known.name) {
    return Error(ErrorCode::kFailedPrecondition, "was merged before, and has this name here").At(PathOf(known));
  }
  const DestructionKey key = DestructionKey::Of(tenant.uuid);
  const DestructionRecord* const ended = work.there.upkeep.Find(key);
  if (ended == nullptr || work.here.upkeep.Find(key) != nullptr) return {};
  if (known.name == kDefaultTenant) return {};
  DestructionRecord record = work.ScheduledHere(ended);
  record.kind = key.kind;
  record.subject = key.subject;
  ++work.facts.ended;
  return work.Put(std::move(record));
}

}  // namespace

Status MergeWork::MergeTenants() {
  COFFER_TRY(CheckRenames(*this));
  for (const Tenant& tenant : there.tenants) {
    const Tenant* const known = here.keys.FindTenant(tenant.uuid);
    COFFER_TRY(known == nullptr ? AddTenant(*this, tenant) : MeetTenant(*this, tenant, *known));
  }
  return {};
}

}  // namespace coffer::keysvc
