// The part of KeyEngine that shows what there is.
#include "keysvc/service/key_engine.h"

namespace coffer::keysvc {
namespace {

Error NoKeyring() { return Error(ErrorCode::kNotFound, "there is no keyring of this name").At("name"); }

}  // namespace

DestructionView KeyEngine::ViewOf(const DestructionRecord& destruction) const {
  DestructionView view{.record = destruction, .held = {}, .final_us = 0};
  const auto held = upkeep_.held.find(DestructionKey::Of(destruction));
  if (held != upkeep_.held.end()) view.held = held->second;
  view.final_us = destruction.done_us.value_or(destruction.due_us) + backup_retention_us_;
  return view;
}

KeyringView KeyEngine::ViewOf(const Keyring& keyring) const {
  KeyringView view{.keyring = keyring, .versions = {}};
  for (const Version* version : table_.VersionsOf(keyring.uuid)) {
    KeyringView::VersionView shown{.version = *version,
                                   .data_keys = table_.DataKeyCount(keyring.uuid, version->version)};
    const DestructionRecord* destruction = upkeep_.Find(DestructionKey::Of(keyring.uuid, version->version));
    if (destruction != nullptr) shown.destruction = ViewOf(*destruction);
    const std::vector<VersionOriginRecord>& origins = upkeep_.OriginsOf(keyring.uuid, version->version);
    if (!origins.empty()) shown.origin = origins.front().there.store;
    view.versions.push_back(std::move(shown));
  }
  const auto rotation = upkeep_.rotations.find(keyring.uuid);
  if (rotation == upkeep_.rotations.end()) return view;
  view.rotation_period_us = rotation->second.period_us;
  view.next_rotation_us = table_.FindVersion(keyring.uuid, keyring.primary)->created_us + view.rotation_period_us;
  return view;
}

TenantView KeyEngine::ViewOf(const Tenant& tenant) const {
  TenantView view{tenant};
  const DestructionRecord* destruction = upkeep_.Find(DestructionKey::Of(tenant.uuid));
  if (destruction != nullptr) view.destruction = ViewOf(*destruction);
  return view;
}

Result<KeyringView> KeyEngine::GetKeyring(std::string_view name) const {
  const ReadLock lock(table_mutex_);
  const Keyring* keyring = table_.FindKeyring(name);
  if (keyring == nullptr) return NoKeyring();
  return ViewOf(*keyring);
}

Result<TenantView> KeyEngine::GetTenant(std::string_view name) const {
  const ReadLock lock(table_mutex_);
  const Tenant* tenant = table_.FindTenant(name);
  if (tenant == nullptr) return Error(ErrorCode::kNotFound, "there is no tenant of this name").At("name");
  TenantView view = ViewOf(*tenant);
  view.data_keys = table_.DataKeyCount(tenant->uuid);
  return view;
}

std::vector<Keyring> KeyEngine::ListKeyrings(std::string_view after, std::size_t limit) const {
  const ReadLock lock(table_mutex_);
  std::vector<Keyring> page;
  for (const Keyring* keyring : table_.KeyringsAfter(after, limit)) page.push_back(*keyring);
  return page;
}

std::vector<TenantView> KeyEngine::ListTenants(std::string_view after, std::size_t limit) const {
  const ReadLock lock(table_mutex_);
  std::vector<TenantView> page;
  for (const Tenant* tenant : table_.TenantsAfter(after, limit)) page.push_back(ViewOf(*tenant));
  return page;
}

std::optional<KeyringPurpose> KeyEngine::PurposeOf(std::string_view name) const {
  const ReadLock lock(table_mutex_);
  const Keyring* keyring = table_.FindKeyring(name);
  if (keyring == nullptr) return std::nullopt;
  return keyring->purpose;
}

Status KeyEngine::CheckTenantLives(TenantUuid tenant) const {
  if (upkeep_.doomed.empty() || !upkeep_.doomed.contains(tenant)) return {};
  const DestructionRecord* destruction = upkeep_.Find(DestructionKey::Of(tenant));
  if (destruction != nullptr && destruction->state == DestructionState::kDone) {
    return Error(ErrorCode::kFailedPrecondition, "the tenant was destroyed: its values are lost for good").At("tenant");
  }
  return Error(ErrorCode::kFailedPrecondition, "the tenant is to be destroyed: until then an administrator may cancel")
      .At("tenant");
}

Result<TenantUuid> KeyEngine::ResolveTenant(std::string_view name) const {
  const ReadLock lock(table_mutex_);
  const Tenant* tenant = table_.FindTenant(name.empty() ? kDefaultTenant : name);
  if (tenant == nullptr) return Error(ErrorCode::kInvalidArgument, "there is no tenant of this name").At("tenant");
  COFFER_TRY(CheckTenantLives(tenant->uuid));
  return tenant->uuid;
}

KeyEngine::Counts KeyEngine::counts() const {
  const ReadLock lock(table_mutex_);
  return {.keyrings = table_.keyring_count(), .tenants = table_.tenant_count(), .data_keys = table_.data_key_count()};
}

}  // namespace coffer::keysvc
