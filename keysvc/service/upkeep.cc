#include "keysvc/service/upkeep.h"

#include <algorithm>

namespace coffer::keysvc {

DestructionKey DestructionKey::Of(KeyringUuid keyring, KeyVersion version) {
  return {.kind = DestructionKind::kKeyVersion, .subject = Uuid{keyring.bytes}, .version = version};
}

DestructionKey DestructionKey::Of(TenantUuid tenant) {
  return {.kind = DestructionKind::kTenant, .subject = Uuid{tenant.bytes}, .version = {}};
}

DestructionKey DestructionKey::Of(const DestructionRecord& record) {
  return {.kind = record.kind, .subject = record.subject, .version = record.version};
}

Row DestructionKey::ToPrimaryKey() const {
  return {static_cast<std::int64_t>(kind), subject, KeyVersionDatum(version)};
}

void Upkeep::Put(DestructionRecord record) {
  if (record.kind == DestructionKind::kTenant) doomed.insert(TenantUuid{record.subject.bytes});
  const DestructionKey key = DestructionKey::Of(record);
  held.erase(key);
  destructions.insert_or_assign(key, std::move(record));
}

void Upkeep::Remove(const DestructionKey& key) {
  if (key.kind == DestructionKind::kTenant) doomed.erase(TenantUuid{key.subject.bytes});
  held.erase(key);
  destructions.erase(key);
}

const DestructionRecord* Upkeep::Find(const DestructionKey& key) const {
  const auto found = destructions.find(key);
  return found == destructions.end() ? nullptr : &found->second;
}

void Upkeep::Put(const VersionOriginRecord& origin) { origins[{origin.keyring, origin.version}].push_back(origin); }

const std::vector<VersionOriginRecord>& Upkeep::OriginsOf(KeyringUuid keyring, KeyVersion version) const {
  static const std::vector<VersionOriginRecord> kHere;
  const auto found = origins.find({keyring, version});
  return found == origins.end() ? kHere : found->second;
}

bool Upkeep::ReliesOnCensus() const {
  return std::any_of(destructions.begin(), destructions.end(), [](const auto& destruction) {
    const DestructionRecord& record = destruction.second;
    return record.kind == DestructionKind::kKeyVersion && record.state == DestructionState::kScheduled;
  });
}

bool DueReport::Pass(const DueGate& gate, Item& item) {
  if (!gate) return true;
  const Result<std::uint64_t> begin = gate(item.what);
  if (begin.ok()) {
    item.begin = *begin;
  } else if (!failure) {
    failure = begin.error();
  }
  return begin.ok();
}

void DueReport::Add(Item item, const Status& outcome) {
  if (outcome.ok()) {
    done.push_back(std::move(item));
    return;
  }
  if (!failure) failure = outcome.error();
  item.error = outcome.error();
  failed.push_back(std::move(item));
}

}  // namespace coffer::keysvc
