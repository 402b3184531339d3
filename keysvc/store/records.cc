#include "keysvc/store/records.h"

#include "keysvc/store/internal/row_reader.h"

namespace coffer::keysvc {
namespace {

constexpr std::int64_t kOnlyId = 1;

template <typename Enum>
Datum EnumDatum(Enum value) {
  return static_cast<std::int64_t>(value);
}

// A census: (u64 key id, u64 count) each, by id.
Bytes EncodeCounts(const std::vector<std::pair<KeyId, std::uint64_t>>& counts) {
  Bytes bytes;
  for (const auto& [id, count] : counts) Writer(bytes).U64(id.value).U64(count);
  return bytes;
}

std::optional<std::vector<std::pair<KeyId, std::uint64_t>>> ParseCounts(ByteView bytes) {
  std::vector<std::pair<KeyId, std::uint64_t>> counts;
  Reader reader(bytes);
  while (!reader.failed() && reader.remaining() > 0) {
    const KeyId id{reader.U64()};
    const std::uint64_t count = reader.U64();
    if (count == 0 || (!counts.empty() && id <= counts.back().first)) return std::nullopt;
    counts.emplace_back(id, count);
  }
  if (!reader.Finish() || counts.size() > kMaxCensusCounts) return std::nullopt;
  return counts;
}

}  // namespace

Datum KeyIdDatum(KeyId id) { return static_cast<std::int64_t>(id.value); }
Datum KeyVersionDatum(KeyVersion version) { return static_cast<std::int64_t>(version.value); }

Row ToRow(const StoreRecord& record) {
  return {kOnlyId, UuidDatum(record.uuid), record.schema_version, KeyIdDatum(record.root_key), record.created_us};
}

Row ToRow(const SealSlotRecord& record) {
  return {KeyIdDatum(record.slot),
          EnumDatum(KindOf(record.params)),
          EncodeSlotParams(record.params),
          CopyOf(record.wrapped),
          record.label,
          record.created_us};
}

Row ToRow(const Tenant& record) { return {UuidDatum(record.uuid), record.name, record.created_us}; }

Row ToRow(const Keyring& record) {
  return {UuidDatum(record.uuid),          record.name,      EnumDatum(record.purpose), KeyIdDatum(record.kek),
          KeyVersionDatum(record.primary), record.created_us};
}

Row ToRow(const Kek& record) {
  return {KeyIdDatum(record.id), UuidDatum(record.keyring), CopyOf(record.wrapped), CopyOf(record.check),
          record.created_us};
}

Row ToRow(const Version& record) {
  return {UuidDatum(record.keyring), KeyVersionDatum(record.version), EnumDatum(record.state), record.created_us,
          record.changed_us};
}

Row ToRow(const DataKey& record) {
  return {UuidDatum(record.keyring), KeyVersionDatum(record.version), UuidDatum(record.tenant), KeyIdDatum(record.id),
          KeyIdDatum(record.kek),    CopyOf(record.wrapped),          CopyOf(record.check),     record.created_us};
}

Row ToRow(const CatalogScopeRecord& record) {
  return {UuidDatum(record.uuid), record.name, record.serial, record.lock, record.changed_us};
}

Row ToRow(const SecretRecord& record) {
  return {UuidDatum(record.tenant), record.path,       UuidDatum(record.uuid),
          record.current.value,     record.created_us, record.updated_us};
}

Row ToRow(const SecretVersionRecord& record) {
  return {UuidDatum(record.secret), record.version.value,
          EnumDatum(record.state),  OptionalDatum(record.ciphertext),
          record.created_us,        OptionalDatum(record.expires_us),
          record.changed_us,        record.created_by};
}

Row ToRow(const SecretMetadataRecord& record) { return {UuidDatum(record.secret), record.key, record.value}; }

Result<StoreRecord> StoreFromRow(const Row& row) {
  RowReader reader(Table::kStore, row);
  StoreRecord record;
  reader.Int(kOnlyId, kOnlyId);
  record.uuid = reader.UuidNotZero<StoreUuid>();
  record.schema_version = reader.Int(1, kMaxInt);
  record.root_key = reader.Key();
  record.created_us = reader.Time();
  return reader.Finish(std::move(record));
}

Result<SealSlotRecord> SealSlotFromRow(const Row& row) {
  RowReader reader(Table::kSealSlot, row);
  SealSlotRecord record;
  record.slot = reader.Key();
  const auto kind = reader.Choice(SealSlotKind::kCommand);
  Result<SlotParams> params = ParseSlotParams(kind, reader.Blob());
  reader.Require(params.ok());
  if (params.ok()) record.params = std::move(params).value();
  record.wrapped = reader.Fixed<WrappedKey>();
  record.label = reader.Text(0, kMaxSlotLabel);
  record.created_us = reader.Time();
  return reader.Finish(std::move(record));
}

Result<Tenant> TenantFromRow(const Row& row) {
  RowReader reader(Table::kTenant, row);
  Tenant record;
  record.uuid = reader.UuidNotZero<TenantUuid>();
  record.name = reader.Slug();
  record.created_us = reader.Time();
  return reader.Finish(std::move(record));
}

Result<Keyring> KeyringFromRow(const Row& row) {
  RowReader reader(Table::kKeyring, row);
  Keyring record;
  record.uuid = reader.UuidNotZero<KeyringUuid>();
  record.name = reader.Slug();
  record.purpose = reader.Choice(KeyringPurpose::kIndex);
  record.kek = reader.Key();
  record.primary = reader.KeyVersionNumber();
  record.created_us = reader.Time();
  return reader.Finish(std::move(record));
}

Result<Kek> KekFromRow(const Row& row) {
  RowReader reader(Table::kKek, row);
  Kek record;
  record.id = reader.Key();
  record.keyring = reader.UuidNotZero<KeyringUuid>();
  record.wrapped = reader.Fixed<WrappedKey>();
  record.check = reader.Fixed<KeyCheckValue>();
  record.created_us = reader.Time();
  return reader.Finish(std::move(record));
}

Result<Version> KeyVersionFromRow(const Row& row) {
  RowReader reader(Table::kKeyVersion, row);
  Version record;
  record.keyring = reader.UuidNotZero<KeyringUuid>();
  record.version = reader.KeyVersionNumber();
  record.state = reader.Choice(VersionState::kDestroyed);
  record.created_us = reader.Time();
  record.changed_us = reader.Time();
  return reader.Finish(std::move(record));
}

Result<DataKey> DataKeyFromRow(const Row& row) {
  RowReader reader(Table::kDataKey, row);
  DataKey record;
  record.keyring = reader.UuidNotZero<KeyringUuid>();
  record.version = reader.KeyVersionNumber();
  record.tenant = reader.UuidOrZero<TenantUuid>();
  record.id = reader.Key();
  record.kek = reader.Key();
  record.wrapped = reader.Fixed<WrappedKey>();
  record.check = reader.Fixed<KeyCheckValue>();
  record.created_us = reader.Time();
  return reader.Finish(std::move(record));
}

Result<CatalogScopeRecord> CatalogScopeFromRow(const Row& row) {
  RowReader reader(Table::kCatalogScope, row);
  CatalogScopeRecord record;
  record.uuid = reader.UuidNotZero<ScopeUuid>();
  record.name = reader.Text(1, kMaxColumnName);
  reader.Require(IsIdentifier(record.name));
  record.serial = reader.Int(1, kMaxInt);
  record.lock = reader.Text(1, kMaxStoredValueBytes);
  record.changed_us = reader.Time();
  return reader.Finish(std::move(record));
}

Result<SecretRecord> SecretFromRow(const Row& row) {
  RowReader reader(Table::kSecret, row);
  SecretRecord record;
  record.tenant = reader.UuidNotZero<TenantUuid>();
  record.path = reader.Text(1, kMaxSecretPath);
  reader.Require(SecretPath::Parse(record.path).ok());
  record.uuid = reader.UuidNotZero<SecretUuid>();
  record.current = reader.SecretVersionNumber();
  record.created_us = reader.Time();
  record.updated_us = reader.Time();
  return reader.Finish(std::move(record));
}

Result<SecretVersionRecord> SecretVersionFromRow(const Row& row) {
  RowReader reader(Table::kSecretVersion, row);
  SecretVersionRecord record;
  record.secret = reader.UuidNotZero<SecretUuid>();
  record.version = reader.SecretVersionNumber();
  record.state = reader.Choice(SecretState::kDestroyed);
  record.ciphertext = reader.OptionalBlob();
  reader.Require((record.state == SecretState::kDestroyed) == !record.ciphertext.has_value());
  reader.Require(!record.ciphertext || !record.ciphertext->empty());
  record.created_us = reader.Time();
  record.expires_us = reader.OptionalTime();
  record.changed_us = reader.Time();
  record.created_by = reader.Text(1, kMaxPrincipal);
  return reader.Finish(std::move(record));
}

Result<SecretMetadataRecord> SecretMetadataFromRow(const Row& row) {
  RowReader reader(Table::kSecretMetadata, row);
  SecretMetadataRecord record;
  record.secret = reader.UuidNotZero<SecretUuid>();
  record.key = reader.Text(1, kMaxMetadataKey);
  record.value = reader.Text(0, kMaxMetadataValue);
  return reader.Finish(std::move(record));
}

Row ToRow(const DestructionRecord& record) {
  return {EnumDatum(record.kind),
          record.subject,
          static_cast<std::int64_t>(record.version.value),
          EnumDatum(record.state),
          EnumDatum(record.before),
          record.scheduled_us,
          record.due_us,
          OptionalDatum(record.done_us),
          record.scheduled_by,
          record.reason};
}

Row ToRow(const CensusSourceRecord& record) {
  return {record.name,
          record.max_age_us,
          record.created_us,
          record.created_by,
          OptionalDatum(record.as_of_us),
          OptionalDatum(record.reported_us),
          record.reported_by,
          EncodeCounts(record.counts)};
}

Row ToRow(const RotationRecord& record) { return {UuidDatum(record.keyring), record.period_us, record.set_us}; }

Result<DestructionRecord> DestructionFromRow(const Row& row) {
  RowReader reader(Table::kDestruction, row);
  DestructionRecord record;
  record.kind = reader.Choice(DestructionKind::kTenant);
  record.subject = Uuid{reader.UuidNotZero<TenantUuid>().bytes};
  record.version = KeyVersion{static_cast<std::uint32_t>(reader.Int(0, std::numeric_limits<std::uint32_t>::max()))};
  reader.Require((record.kind == DestructionKind::kTenant) == (record.version == KeyVersion{}));
  record.state = reader.Choice(DestructionState::kDone);
  record.before = reader.Choice(VersionState::kDestroyed);
  record.scheduled_us = reader.Time();
  record.due_us = reader.Time();
  record.done_us = reader.OptionalTime();
  reader.Require(record.done_us.has_value() == (record.state == DestructionState::kDone));
  record.scheduled_by = reader.Text(1, kMaxPrincipal);
  record.reason = reader.Text(0, kMaxReason);
  return reader.Finish(std::move(record));
}

Result<CensusSourceRecord> CensusSourceFromRow(const Row& row) {
  RowReader reader(Table::kCensusSource, row);
  CensusSourceRecord record;
  record.name = reader.Slug();
  record.max_age_us = reader.Int(1, kMaxInt);
  record.created_us = reader.Time();
  record.created_by = reader.Text(1, kMaxPrincipal);
  record.as_of_us = reader.OptionalTime();
  record.reported_us = reader.OptionalTime();
  reader.Require(record.as_of_us.has_value() == record.reported_us.has_value());
  record.reported_by = reader.Text(0, kMaxPrincipal);
  auto counts = ParseCounts(reader.Blob());
  reader.Require(counts.has_value());
  if (counts) record.counts = std::move(*counts);
  return reader.Finish(std::move(record));
}

Result<RotationRecord> RotationFromRow(const Row& row) {
  RowReader reader(Table::kRotation, row);
  RotationRecord record;
  record.keyring = reader.UuidNotZero<KeyringUuid>();
  record.period_us = reader.Int(1, kMaxInt);
  record.set_us = reader.Time();
  return reader.Finish(std::move(record));
}

Row ToRow(const VersionOriginRecord& record) {
  return {UuidDatum(record.there.store),
          UuidDatum(record.there.keyring),
          KeyVersionDatum(record.there.version),
          UuidDatum(record.keyring),
          KeyVersionDatum(record.version),
          UuidDatum(record.default_tenant),
          record.merged_us};
}

Result<VersionOriginRecord> VersionOriginFromRow(const Row& row) {
  RowReader reader(Table::kVersionOrigin, row);
  VersionOriginRecord record;
  record.there.store = reader.UuidNotZero<StoreUuid>();
  record.there.keyring = reader.UuidNotZero<KeyringUuid>();
  record.there.version = reader.KeyVersionNumber();
  record.keyring = reader.UuidNotZero<KeyringUuid>();
  record.version = reader.KeyVersionNumber();
  record.default_tenant = reader.UuidNotZero<TenantUuid>();
  record.merged_us = reader.Time();
  return reader.Finish(std::move(record));
}

Row ToRow(const AuditLogRecord& record) {
  return {kOnlyId, record.vkey, static_cast<std::int64_t>(record.size), CopyOf(record.root), record.noted_us};
}

Result<AuditLogRecord> AuditLogFromRow(const Row& row) {
  RowReader reader(Table::kAuditLog, row);
  AuditLogRecord record;
  reader.Int(kOnlyId, kOnlyId);
  record.vkey = reader.Text(1, kMaxLogKey);
  record.size = static_cast<std::uint64_t>(reader.Int(1, static_cast<std::int64_t>(kMaxLogSize)));
  record.root = reader.Fixed<Digest>();
  record.noted_us = reader.Time();
  return reader.Finish(std::move(record));
}

}  // namespace coffer::keysvc
