// Records: what the rows of each table mean, as types, and the strict way from a row to a record. A row whose MAC is
// right was written by us; these checks keep a defect of ours, or of an older version, from spreading (kIntegrity,
// naming the table).
//
// ToRow does not check: who makes a record keeps the limits below. All times are microseconds since 1970-01-01 UTC.
#pragma once

#include <optional>

#include "crypto/store_integrity.h"
#include "keysvc/keys/model.h"
#include "keysvc/store/key_store.h"
#include "keysvc/store/slot_params.h"

namespace coffer::keysvc {

inline constexpr std::size_t kMaxSlotLabel = 128;      // bytes, may be empty
inline constexpr std::size_t kMaxPrincipal = 512;      // bytes of created_by
inline constexpr std::size_t kMaxMetadataKey = 128;    // bytes, not empty
inline constexpr std::size_t kMaxMetadataValue = 512;  // bytes, may be empty

// The one row of table store.
struct StoreRecord {
  StoreUuid uuid;
  std::int64_t schema_version = kSchemaVersion;
  KeyId root_key;
  std::int64_t created_us = 0;
};

struct SealSlotRecord {
  KeyId slot;
  SlotParams params;
  WrappedKey wrapped{};  // the root key
  std::string label;
  std::int64_t created_us = 0;
};

struct CatalogScopeRecord {
  ScopeUuid uuid;
  std::string name;
  std::int64_t serial = 1;  // of `lock`, from 1
  std::string lock;         // catalog.lock's text
  std::int64_t changed_us = 0;
};

// The number of one value of a secret, from 1.
struct SecretVersion {
  std::int64_t value = 0;
  auto operator<=>(const SecretVersion&) const = default;
};

struct SecretRecord {
  TenantUuid tenant;
  std::string path;  // as SecretPath::text()
  SecretUuid uuid;
  SecretVersion current;
  std::int64_t created_us = 0;
  std::int64_t updated_us = 0;
};

enum class SecretState : std::uint8_t {
  kLive = 1,
  kDeleted = 2,    // refused to readers; undelete brings it back
  kDestroyed = 3,  // its ciphertext is gone
};

struct SecretVersionRecord {
  SecretUuid secret;
  SecretVersion version;
  SecretState state = SecretState::kLive;
  std::optional<Bytes> ciphertext;  // nothing when, and only when, destroyed
  std::int64_t created_us = 0;
  std::optional<std::int64_t> expires_us;
  std::int64_t changed_us = 0;
  std::string created_by;  // a principal
};

struct SecretMetadataRecord {
  SecretUuid secret;
  std::string key;
  std::string value;
};

enum class DestructionKind : std::uint8_t { kKeyVersion = 1, kTenant = 2 };
enum class DestructionState : std::uint8_t {
  kScheduled = 1,  // refuses encryption and decryption; cancel brings it back
  kDone = 2,       // the wrapped keys are gone: a tombstone, kept for ever
};

// What is to be destroyed, or was: one version of a keyring, or all data keys of a tenant.
struct DestructionRecord {
  DestructionKind kind = DestructionKind::kKeyVersion;
  Uuid subject;        // the keyring, or the tenant
  KeyVersion version;  // 0 for a tenant
  DestructionState state = DestructionState::kScheduled;
  VersionState before = VersionState::kDisabled;  // what cancel brings a version back to
  std::int64_t scheduled_us = 0;
  std::int64_t due_us = 0;  // not earlier
  std::optional<std::int64_t> done_us;
  std::string scheduled_by;  // a principal
  std::string reason;        // at most kMaxReason bytes, may be empty
};

inline constexpr std::size_t kMaxReason = 200 * 4;
inline constexpr std::size_t kMaxCensusSources = 64;
inline constexpr std::size_t kMaxCensusCounts = 1'000'000;

// Who counts how many values name each key, and what it said last.
struct CensusSourceRecord {
  std::string name;             // a slug
  std::int64_t max_age_us = 0;  // how old a report may be to speak for the present
  std::int64_t created_us = 0;
  std::string created_by;
  std::optional<std::int64_t> as_of_us;                 // of the last report: when it was counted
  std::optional<std::int64_t> reported_us;              // when it came
  std::string reported_by;                              // may be empty
  std::vector<std::pair<KeyId, std::uint64_t>> counts;  // by id, no zeros
};

// A keyring that is rotated by age.
struct RotationRecord {
  KeyringUuid keyring;
  std::int64_t period_us = 0;
  std::int64_t set_us = 0;
};

// A version of a keyring, wherever it is.
struct VersionPlace {
  StoreUuid store;
  KeyringUuid keyring;
  KeyVersion version;
  auto operator<=>(const VersionPlace&) const = default;
};

// That a version of a keyring here was merged in, and what it is in the store that it came from. A version that went
// through several stores has one of these for each.
struct VersionOriginRecord {
  VersionPlace there;
  KeyringUuid keyring;        // here
  KeyVersion version;         // here
  TenantUuid default_tenant;  // of that store: keys of indexes that span tenants are its
  std::int64_t merged_us = 0;
};

inline constexpr std::size_t kMaxLogKey = 1'024;                       // bytes of its text
inline constexpr std::uint64_t kMaxLogSize = std::uint64_t{1} << 62U;  // records

// The one row of table audit_log.
struct AuditLogRecord {
  std::string vkey;        // text of the log's key (crypto/note_key.h): its origin is in it
  std::uint64_t size = 1;  // of a head that the log has signed, in records, from 1 to kMaxLogSize
  Digest root{};           // of that head
  std::int64_t noted_us = 0;
};

inline constexpr std::size_t kMaxPolicyText = 256 * 1024;     // bytes
inline constexpr std::size_t kMaxSignaturesText = 16 * 1024;  // bytes of a note's signature lines
inline constexpr std::size_t kMaxStatementText = 64 * 1024;   // bytes

// A policy that holds, or held. They are kept: a record of the audit log names the serial.
struct AccessPolicyRecord {
  std::int64_t serial = 1;
  std::string policy;      // its text
  std::string signatures;  // over its statement (policy/signed_statements.h); empty when recovered
  bool recovered = false;  // applied by the recovery identity, not by the persons of the policy before
  std::int64_t applied_us = 0;
  std::string applied_by;  // a principal
};

// An act that a person asked for and that others have to approve. Gone when it was done, denied or too old.
struct ApprovalRecord {
  Uuid id;
  std::string statement;  // what is signed
  std::int64_t asked_us = 0;
};

struct ApprovalVoteRecord {
  Uuid approval;
  std::string person;     // of the policy
  std::string signature;  // one line of a note, over the statement
  std::int64_t voted_us = 0;
};

// A grant that was issued beside a policy, and ends with it at the latest.
struct AccessGrantRecord {
  std::string name;  // the rule's id
  std::int64_t policy_serial = 1;
  std::string text;  // as AccessPolicy::ParseIssuedGrant reads it
  std::int64_t issued_us = 0;
  std::string issued_by;  // a principal
  std::string reason;
};

// A use of what a policy keeps for an emergency. They are kept: a signed statement is good for one use.
struct BreakGlassRecord {
  Uuid id;
  std::string statement;  // policy::BreakGlassStatement
  std::string signature;  // one line of a note, over the statement
  std::int64_t activated_us = 0;
  std::optional<std::int64_t> ended_us;  // before the statement's end
  std::optional<std::int64_t> reviewed_us;
  std::string reviewed_by;  // a person; empty until reviewed
  std::string review;       // what came out; empty until reviewed
};

// A bearer token. The token itself is nowhere.
struct AccessTokenRecord {
  Uuid id;
  Digest digest{};        // SHA-256 of the token's text
  std::string principal;  // whom it stands for
  std::string listener;   // where it is taken: a slug
  std::int64_t created_us = 0;
  std::int64_t not_after_us = 0;
  std::string created_by;  // a principal
  std::string reason;
};

// A client certificate that is refused, whoever signed it.
struct DeniedCertificateRecord {
  Digest sha256{};  // of its DER
  std::int64_t denied_us = 0;
  std::string denied_by;  // a principal
  std::string reason;
};

// For primary keys: {UuidDatum(tenant), path}.
template <typename Tag>
Datum UuidDatum(const UuidOf<Tag>& uuid) {
  return Uuid{uuid.bytes};
}
Datum KeyIdDatum(KeyId id);
Datum KeyVersionDatum(KeyVersion version);

Row ToRow(const StoreRecord& record);
Row ToRow(const SealSlotRecord& record);
Row ToRow(const Tenant& record);
Row ToRow(const Keyring& record);
Row ToRow(const Kek& record);
Row ToRow(const Version& record);
Row ToRow(const DataKey& record);
Row ToRow(const CatalogScopeRecord& record);
Row ToRow(const SecretRecord& record);
Row ToRow(const SecretVersionRecord& record);
Row ToRow(const SecretMetadataRecord& record);
Row ToRow(const DestructionRecord& record);
Row ToRow(const CensusSourceRecord& record);
Row ToRow(const RotationRecord& record);
Row ToRow(const VersionOriginRecord& record);
Row ToRow(const AuditLogRecord& record);
Row ToRow(const AccessPolicyRecord& record);
Row ToRow(const ApprovalRecord& record);
Row ToRow(const ApprovalVoteRecord& record);
Row ToRow(const AccessGrantRecord& record);
Row ToRow(const BreakGlassRecord& record);
Row ToRow(const AccessTokenRecord& record);
Row ToRow(const DeniedCertificateRecord& record);

Result<StoreRecord> StoreFromRow(const Row& row);
Result<SealSlotRecord> SealSlotFromRow(const Row& row);
Result<Tenant> TenantFromRow(const Row& row);
Result<Keyring> KeyringFromRow(const Row& row);
Result<Kek> KekFromRow(const Row& row);
Result<Version> KeyVersionFromRow(const Row& row);
Result<DataKey> DataKeyFromRow(const Row& row);
Result<CatalogScopeRecord> CatalogScopeFromRow(const Row& row);
Result<SecretRecord> SecretFromRow(const Row& row);
Result<SecretVersionRecord> SecretVersionFromRow(const Row& row);
Result<SecretMetadataRecord> SecretMetadataFromRow(const Row& row);
Result<DestructionRecord> DestructionFromRow(const Row& row);
Result<CensusSourceRecord> CensusSourceFromRow(const Row& row);
Result<RotationRecord> RotationFromRow(const Row& row);
Result<VersionOriginRecord> VersionOriginFromRow(const Row& row);
Result<AuditLogRecord> AuditLogFromRow(const Row& row);
Result<AccessPolicyRecord> AccessPolicyFromRow(const Row& row);
Result<ApprovalRecord> ApprovalFromRow(const Row& row);
Result<ApprovalVoteRecord> ApprovalVoteFromRow(const Row& row);
Result<AccessGrantRecord> AccessGrantFromRow(const Row& row);
Result<BreakGlassRecord> BreakGlassFromRow(const Row& row);
Result<AccessTokenRecord> AccessTokenFromRow(const Row& row);
Result<DeniedCertificateRecord> DeniedCertificateFromRow(const Row& row);

}  // namespace coffer::keysvc
