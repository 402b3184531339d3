// The part of KeyEngine that ends keys: versions of keyrings, and all data keys of a tenant. Scheduled first, which
// already refuses all use; done when due, which nothing brings back.
#include "keysvc/service/key_engine.h"

namespace coffer::keysvc {
namespace {

Error NoKeyring() { return Error(ErrorCode::kNotFound, "there is no keyring of this name").At("name"); }
Error NoTenant() { return Error(ErrorCode::kNotFound, "there is no tenant of this name").At("name"); }

Error VersionCannot(Literal why) { return Error(ErrorCode::kFailedPrecondition, why).At("version"); }
Error TenantCannot(Literal why) { return Error(ErrorCode::kFailedPrecondition, why).At("name"); }

DestructionRecord Scheduled(const DestructionKey& key, const DestroyOrder& order, std::int64_t now_us,
                            std::int64_t due_us) {
  DestructionRecord record;
  record.kind = key.kind;
  record.subject = key.subject;
  record.version = key.version;
  record.scheduled_us = now_us;
  record.due_us = due_us;
  record.scheduled_by = order.by;
  record.reason = order.reason;
  return record;
}

DestructionRecord Done(DestructionRecord record, std::int64_t now_us) {
  record.state = DestructionState::kDone;
  record.done_us = now_us;
  return record;
}

Row PlaceOf(const DataKey& key) {
  return {UuidDatum(key.keyring), KeyVersionDatum(key.version), UuidDatum(key.tenant)};
}

// Erases these rows of data_key; gives the keys that they held.
Status EraseAll(StoreMutation& mutation, const std::vector<Row>& rows, std::vector<DataKey>& erased) {
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(DataKey key, DataKeyFromRow(row));
    COFFER_TRY(mutation.Erase(Table::kDataKey, PlaceOf(key)));
    erased.push_back(std::move(key));
  }
  return {};
}

}  // namespace

Result<std::int64_t> KeyEngine::DueTime(std::int64_t delay_us, std::int64_t now_us) const {
  const std::int64_t delay = delay_us == 0 ? destroy_delay_us_ : delay_us;
  if (delay < destroy_delay_us_) {
    return Error(ErrorCode::kInvalidArgument, "must be 0, or at least the service's own delay, in microseconds")
        .At("delay_us")
        .WithLimit(static_cast<std::uint64_t>(destroy_delay_us_));
  }
  if (delay > kMaxDestroyDelay) {
    return Error(ErrorCode::kInvalidArgument, "must be at most 365 days, in microseconds")
        .At("delay_us")
        .WithLimit(static_cast<std::uint64_t>(kMaxDestroyDelay));
  }
  return now_us + delay;
}

Result<Version> KeyEngine::DestroyableVersion(std::string_view name, KeyVersion number, const KeyCounts& vault,
                                              std::int64_t now_us, bool no_sources) const {
  const Keyring* keyring = table_.FindKeyring(name);
  if (keyring == nullptr) return NoKeyring();
  const Version* found = table_.FindVersion(keyring->uuid, number);
  if (found == nullptr) return Error(ErrorCode::kNotFound, "the keyring has no such version").At("version");
  if (keyring->primary == number) return VersionCannot("the primary version cannot be destroyed: rotate first");
  if (found->state == VersionState::kDestroyed) return VersionCannot("the version is destroyed");
  if (found->state == VersionState::kDestroyScheduled) {
    return VersionCannot("the version is scheduled for destruction already");
  }
  COFFER_TRY(CheckCensus(*found, SumsOf(keyring->uuid, vault), {.now_us = now_us, .no_sources = no_sources}));
  return *found;
}

Status KeyEngine::CheckDestroy(std::string_view name, KeyVersion number, std::int64_t delay_us, bool no_sources) {
  const std::int64_t now = clock_.UnixMicros();
  COFFER_TRY(DueTime(delay_us, now));
  COFFER_ASSIGN_OR_RETURN(const KeyCounts vault, VaultValues(name));
  const ReadLock lock(table_mutex_);
  COFFER_TRY(DestroyableVersion(name, number, vault, now, no_sources));
  return {};
}

Result<KeyringView> KeyEngine::ScheduleDestroy(std::string_view name, KeyVersion number, const DestroyOrder& order,
                                               bool no_sources) {
  const std::int64_t now = clock_.UnixMicros();
  COFFER_ASSIGN_OR_RETURN(const std::int64_t due, DueTime(order.delay_us, now));
  COFFER_ASSIGN_OR_RETURN(const KeyCounts vault, VaultValues(name));
  Version version;
  DestructionRecord record;
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      COFFER_ASSIGN_OR_RETURN(version, DestroyableVersion(name, number, vault, now, no_sources));
      record = Scheduled(DestructionKey::Of(version.keyring, number), order, now, due);
    }
    record.before = version.state;
    version.state = VersionState::kDestroyScheduled;
    version.changed_us = now;
    COFFER_TRY(mutation.Update(Table::kKeyVersion, ToRow(version)));
    return mutation.Insert(Table::kDestruction, ToRow(record));
  };
  COFFER_TRY(Mutate(name, act, [&](const Tables& tables) -> Status {
    COFFER_TRY(tables.keys.Replace(version));
    tables.upkeep.Put(record);
    ForgetDerived();
    return {};
  }));
  return GetKeyring(name);
}

Result<KeyringView> KeyEngine::CancelDestroy(std::string_view name, KeyVersion number) {
  Version version;
  DestructionKey key;
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      const Keyring* keyring = table_.FindKeyring(name);
      if (keyring == nullptr) return NoKeyring();
      const Version* found = table_.FindVersion(keyring->uuid, number);
      if (found == nullptr) return Error(ErrorCode::kNotFound, "the keyring has no such version").At("version");
      if (found->state == VersionState::kDestroyed) return VersionCannot("the version is destroyed");
      key = DestructionKey::Of(keyring->uuid, number);
      const DestructionRecord* record = upkeep_.Find(key);
      if (found->state != VersionState::kDestroyScheduled || record == nullptr) {
        return VersionCannot("the version is not scheduled for destruction");
      }
      version = *found;
      version.state = record->before;
    }
    version.changed_us = clock_.UnixMicros();
    COFFER_TRY(mutation.Update(Table::kKeyVersion, ToRow(version)));
    return mutation.Erase(Table::kDestruction, key.ToPrimaryKey());
  };
  COFFER_TRY(Mutate(name, act, [&](const Tables& tables) -> Status {
    COFFER_TRY(tables.keys.Replace(version));
    tables.upkeep.Remove(key);
    ForgetDerived();
    return {};
  }));
  return GetKeyring(name);
}

Result<Tenant> KeyEngine::ShreddableTenant(std::string_view name) const {
  const Tenant* tenant = table_.FindTenant(name);
  if (tenant == nullptr) return NoTenant();
  if (name == kDefaultTenant) return TenantCannot("the default tenant cannot be destroyed");
  if (upkeep_.doomed.contains(tenant->uuid)) {
    return TenantCannot("the tenant is destroyed, or scheduled for destruction already");
  }
  return *tenant;
}

Status KeyEngine::CheckShred(std::string_view name, std::int64_t delay_us) const {
  COFFER_TRY(DueTime(delay_us, clock_.UnixMicros()));
  const ReadLock lock(table_mutex_);
  COFFER_TRY(ShreddableTenant(name));
  return {};
}

Result<TenantView> KeyEngine::ShredTenant(std::string_view name, const DestroyOrder& order) {
  const std::int64_t now = clock_.UnixMicros();
  COFFER_ASSIGN_OR_RETURN(const std::int64_t due, DueTime(order.delay_us, now));
  DestructionRecord record;
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      COFFER_ASSIGN_OR_RETURN(const Tenant tenant, ShreddableTenant(name));
      record = Scheduled(DestructionKey::Of(tenant.uuid), order, now, due);
    }
    return mutation.Insert(Table::kDestruction, ToRow(record));
  };
  COFFER_TRY(Mutate({}, act, [&](const Tables& tables) -> Status {
    tables.upkeep.Put(record);
    ForgetDerived();
    return {};
  }));
  return GetTenant(name);
}

Result<TenantView> KeyEngine::CancelShredTenant(std::string_view name) {
  DestructionKey key;
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      const Tenant* tenant = table_.FindTenant(name);
      if (tenant == nullptr) return NoTenant();
      key = DestructionKey::Of(tenant->uuid);
      const DestructionRecord* record = upkeep_.Find(key);
      if (record == nullptr) return TenantCannot("the tenant is not scheduled for destruction");
      if (record->state == DestructionState::kDone) return TenantCannot("the tenant is destroyed");
    }
    return mutation.Erase(Table::kDestruction, key.ToPrimaryKey());
  };
  COFFER_TRY(Mutate({}, act, [&](const Tables& tables) -> Status {
    tables.upkeep.Remove(key);
    ForgetDerived();
    return {};
  }));
  return GetTenant(name);
}

std::vector<DestructionRecord> KeyEngine::DueAt(std::int64_t now_us) const {
  const ReadLock lock(table_mutex_);
  std::vector<DestructionRecord> due;
  for (const auto& [key, record] : upkeep_.destructions) {
    if (record.state == DestructionState::kScheduled && record.due_us <= now_us) due.push_back(record);
  }
  return due;
}

std::string KeyEngine::NameOf(const DestructionRecord& destruction) const {
  const ReadLock lock(table_mutex_);
  if (destruction.kind == DestructionKind::kTenant) {
    const Tenant* tenant = table_.FindTenant(TenantUuid{destruction.subject.bytes});
    return tenant == nullptr ? "" : tenant->name;
  }
  const Keyring* keyring = table_.FindKeyring(KeyringUuid{destruction.subject.bytes});
  return keyring == nullptr ? "" : keyring->name;
}

DueReport KeyEngine::DestroyDue(std::int64_t now_us, const DueGate& gate) {
  DueReport report;
  for (const DestructionRecord& due : DueAt(now_us)) {
    const bool is_tenant = due.kind == DestructionKind::kTenant;
    DueReport::Item item{.what = (is_tenant ? "tenant " : "keyring ") + NameOf(due)};
    if (!is_tenant) item.what += " version " + std::to_string(due.version.value);
    if (!is_tenant && HeldBack(due, now_us, item.why)) {
      report.held.push_back(std::move(item));
      continue;
    }
    if (!report.Pass(gate, item)) continue;
    const Status ended = is_tenant ? DestroyTenant(due, now_us) : DestroyVersion(due, now_us);
    report.Add(std::move(item), ended);
  }
  const Status erased = FinishErasing();
  if (!erased.ok() && !report.failure) report.failure = erased.error();
  return report;
}

bool KeyEngine::HeldBack(const DestructionRecord& due, std::int64_t now_us, std::string& why) {
  const Result<KeyCounts> vault = VaultValues(NameOf(due));
  if (!vault.ok()) return false;  // The attempt says so.
  const Lock lock(table_mutex_);
  const Status counted = DueCensus(due, now_us, *vault);
  if (counted.ok()) return false;
  why = counted.error().ToString();
  const DestructionKey key = DestructionKey::Of(due);
  if (upkeep_.Find(key) != nullptr) upkeep_.held[key] = why;
  return true;
}

// Sources cannot be removed while this is scheduled: that there is none was said when it was scheduled. And what was
// counted before the order is not asked twice: a value may have been on its way.
Status KeyEngine::DueCensus(const DestructionRecord& due, std::int64_t now_us, const KeyCounts& vault) const {
  const KeyringUuid keyring{due.subject.bytes};
  const Version* found = table_.FindVersion(keyring, due.version);
  if (found == nullptr || found->state != VersionState::kDestroyScheduled ||
      upkeep_.Find(DestructionKey::Of(due)) == nullptr) {
    return VersionCannot("the version is not scheduled for destruction any more");
  }
  return CheckCensus(*found, SumsOf(keyring, vault),
                     {.now_us = now_us, .no_sources = true, .counted_since_us = due.scheduled_us});
}

Status KeyEngine::DestroyVersion(DestructionRecord destruction, std::int64_t now_us) {
  const std::string name = NameOf(destruction);
  const KeyringUuid keyring{destruction.subject.bytes};
  COFFER_ASSIGN_OR_RETURN(const KeyCounts vault, VaultValues(name));
  Version version;
  std::vector<DataKey> erased;
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      COFFER_TRY(DueCensus(destruction, now_us, vault));
      version = *table_.FindVersion(keyring, destruction.version);
    }
    const Row place{UuidDatum(keyring), KeyVersionDatum(version.version)};
    COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, mutation.Scan({.table = Table::kDataKey, .equals = place}));
    COFFER_TRY(EraseAll(mutation, rows, erased));
    version.state = VersionState::kDestroyed;
    version.changed_us = now_us;
    COFFER_TRY(mutation.Update(Table::kKeyVersion, ToRow(version)));
    destruction = Done(std::move(destruction), now_us);
    return mutation.Update(Table::kDestruction, ToRow(destruction));
  };
  return Mutate(name, act, [&](const Tables& tables) -> Status {
    for (const DataKey& gone : erased) tables.keys.Remove(gone.id);
    COFFER_TRY(tables.keys.Replace(version));
    tables.upkeep.Put(destruction);
    ForgetDerived();
    erase_pending_ = true;
    return {};
  });
}

Status KeyEngine::DestroyTenant(DestructionRecord destruction, std::int64_t now_us) {
  const TenantUuid tenant{destruction.subject.bytes};
  std::vector<DataKey> erased;
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      const DestructionRecord* record = upkeep_.Find(DestructionKey::Of(tenant));
      if (record == nullptr || record->state != DestructionState::kScheduled) {
        return TenantCannot("the tenant is not scheduled for destruction any more");
      }
    }
    // By the store's versions, not ours: a key that somebody else has made meanwhile must not be left behind.
    COFFER_ASSIGN_OR_RETURN(const std::vector<Row> versions, mutation.Scan({.table = Table::kKeyVersion}));
    std::vector<Row> rows;
    for (const Row& version : versions) {
      COFFER_ASSIGN_OR_RETURN(std::optional<Row> row,
                              mutation.Get(Table::kDataKey, {version[0], version[1], UuidDatum(tenant)}));
      if (row) rows.push_back(std::move(*row));
    }
    COFFER_TRY(EraseAll(mutation, rows, erased));
    destruction = Done(std::move(destruction), now_us);
    return mutation.Update(Table::kDestruction, ToRow(destruction));
  };
  return Mutate({}, act, [&](const Tables& tables) -> Status {
    for (const DataKey& gone : erased) tables.keys.Remove(gone.id);
    tables.upkeep.Put(destruction);
    ForgetDerived();
    erase_pending_ = true;
    return {};
  });
}

}  // namespace coffer::keysvc
