#include "keysvc/rpc/key_messages.h"

namespace coffer::keysvc {
namespace {

v1::KeyringPurpose NumberOf(KeyringPurpose purpose) {
  switch (purpose) {
    case KeyringPurpose::kEncrypt:
      return v1::KEYRING_PURPOSE_ENCRYPT;
    case KeyringPurpose::kDeterministic:
      return v1::KEYRING_PURPOSE_DETERMINISTIC;
    case KeyringPurpose::kIndex:
      return v1::KEYRING_PURPOSE_INDEX;
  }
  return v1::KEYRING_PURPOSE_UNSPECIFIED;
}

v1::KeyVersionState StateOf(VersionState state) {
  switch (state) {
    case VersionState::kEnabled:
      return v1::KEY_VERSION_STATE_ENABLED;
    case VersionState::kDisabled:
      return v1::KEY_VERSION_STATE_DISABLED;
    case VersionState::kDestroyScheduled:
      return v1::KEY_VERSION_STATE_DESTROY_SCHEDULED;
    case VersionState::kDestroyed:
      return v1::KEY_VERSION_STATE_DESTROYED;
  }
  return v1::KEY_VERSION_STATE_UNSPECIFIED;
}

v1::CensusStanding NumberOf(CensusStanding standing) {
  switch (standing) {
    case CensusStanding::kFresh:
      return v1::CENSUS_STANDING_FRESH;
    case CensusStanding::kNeverReported:
      return v1::CENSUS_STANDING_NEVER_REPORTED;
    case CensusStanding::kStale:
      return v1::CENSUS_STANDING_STALE;
    case CensusStanding::kAhead:
      return v1::CENSUS_STANDING_AHEAD;
    case CensusStanding::kDbaAlone:
      return v1::CENSUS_STANDING_DBA_ALONE;
  }
  return v1::CENSUS_STANDING_UNSPECIFIED;
}

void FillDestruction(const DestructionView& view, v1::Destruction& message) {
  message.set_scheduled_us(view.record.scheduled_us);
  message.set_due_us(view.record.due_us);
  message.set_done_us(view.record.done_us.value_or(0));
  message.set_final_us(view.final_us);
  message.set_scheduled_by(view.record.scheduled_by);
  message.set_reason(view.record.reason);
  message.set_held(view.held);
}

}  // namespace

Result<KeyringPurpose> PurposeOf(v1::KeyringPurpose purpose) {
  switch (purpose) {
    case v1::KEYRING_PURPOSE_UNSPECIFIED:
    case v1::KEYRING_PURPOSE_ENCRYPT:
      return KeyringPurpose::kEncrypt;
    case v1::KEYRING_PURPOSE_DETERMINISTIC:
      return KeyringPurpose::kDeterministic;
    case v1::KEYRING_PURPOSE_INDEX:
      return KeyringPurpose::kIndex;
    default:
      return Error(ErrorCode::kInvalidArgument, "is not a purpose that a keyring can have").At("purpose");
  }
}

Result<KeyCounts> CountsOf(const v1::ReportCensusRequest& request) {
  if (request.key_ids_size() != request.values_size()) {
    return Error(ErrorCode::kInvalidArgument, "must be one a key id").At("values");
  }
  if (static_cast<std::size_t>(request.key_ids_size()) > kMaxReportedKeys) {
    return Error(ErrorCode::kInvalidArgument, "names more keys than allowed").At("key_ids").WithLimit(kMaxReportedKeys);
  }
  KeyCounts counts;
  counts.reserve(static_cast<std::size_t>(request.key_ids_size()));
  for (int i = 0; i < request.key_ids_size(); ++i) counts.emplace_back(KeyId{request.key_ids(i)}, request.values(i));
  return counts;
}

void FillKeyringHead(const Keyring& keyring, v1::Keyring& message) {
  message.set_name(keyring.name);
  message.set_uuid(keyring.uuid.ToText());
  message.set_purpose(NumberOf(keyring.purpose));
  message.set_primary_version(keyring.primary.value);
  message.set_created_us(keyring.created_us);
}

void FillKeyring(const KeyringView& view, v1::Keyring& message) {
  FillKeyringHead(view.keyring, message);
  message.set_rotation_period_us(view.rotation_period_us);
  message.set_next_rotation_us(view.next_rotation_us);
  for (const KeyringView::VersionView& version : view.versions) {
    v1::KeyVersion* added = message.add_versions();
    added->set_version(version.version.version.value);
    added->set_state(StateOf(version.version.state));
    added->set_created_us(version.version.created_us);
    added->set_changed_us(version.version.changed_us);
    added->set_data_keys(version.data_keys);
    if (version.destruction) FillDestruction(*version.destruction, *added->mutable_destruction());
    if (!version.origin.IsZero()) added->set_origin_store(version.origin.ToText());
  }
}

void FillTenant(const TenantView& tenant, v1::Tenant& message) {
  message.set_name(tenant.name);
  message.set_uuid(tenant.uuid.ToText());
  message.set_created_us(tenant.created_us);
  message.set_data_keys(tenant.data_keys);
  message.set_state(v1::TENANT_STATE_ACTIVE);
  if (!tenant.destruction) return;
  const bool done = tenant.destruction->record.state == DestructionState::kDone;
  message.set_state(done ? v1::TENANT_STATE_DESTROYED : v1::TENANT_STATE_DESTROY_SCHEDULED);
  FillDestruction(*tenant.destruction, *message.mutable_destruction());
}

void FillCensusSource(const CensusSourceView& view, v1::CensusSource& message) {
  message.set_name(view.source.name);
  message.set_max_age_us(view.source.max_age_us);
  message.set_created_us(view.source.created_us);
  message.set_created_by(view.source.created_by);
  message.set_as_of_us(view.source.as_of_us.value_or(0));
  message.set_reported_us(view.source.reported_us.value_or(0));
  message.set_reported_by(view.source.reported_by);
  message.set_standing(NumberOf(view.standing));
  message.set_values(view.values);
  message.set_unknown_values(view.unknown_values);
}

void FillCensus(const KeyringCensus& census, v1::Census& message) {
  message.set_keyring(census.keyring);
  for (const CensusSourceView& source : census.sources) FillCensusSource(source, *message.add_sources());
  for (const KeyringCensus::OfVersion& version : census.versions) {
    v1::VersionCensus* added = message.add_versions();
    added->set_version(version.version.version.value);
    added->set_state(StateOf(version.version.state));
    added->set_data_keys(version.data_keys);
    added->mutable_values()->Add(version.values.begin(), version.values.end());
    added->set_vault_values(version.vault_values);
    added->set_may_be_destroyed(version.refusal.empty());
    added->set_refusal(version.refusal);
  }
}

void FillCallerKey(const CallerKey& key, v1::GenerateDataKeyResponse& message) {
  message.mutable_plaintext()->assign(AsText(key.plaintext.Expose(SecretAccess::kReply)));
  message.mutable_wrapped()->assign(AsText(key.wrapped));
}

void FillUnwrapped(const SecretBytes& key, v1::UnwrapDataKeyResponse& message) {
  message.mutable_plaintext()->assign(AsText(key.Expose(SecretAccess::kReply)));
}

}  // namespace coffer::keysvc
