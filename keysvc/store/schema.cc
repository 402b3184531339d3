#include "keysvc/store/schema.h"

#include <array>

namespace coffer::keysvc {
namespace {

constexpr ValueType kInt = ValueType::kInt64;
constexpr ValueType kUuid = ValueType::kUuid;
constexpr ValueType kText = ValueType::kText;
constexpr ValueType kBytes = ValueType::kBytes;

constexpr std::array kStoreColumns = {
    ColumnSpec{"id", kInt},          ColumnSpec{"store_uuid", kUuid}, ColumnSpec{"schema_version", kInt},
    ColumnSpec{"root_key_id", kInt}, ColumnSpec{"created_us", kInt},
};
constexpr std::array kSealSlotColumns = {
    ColumnSpec{"slot_id", kInt},   ColumnSpec{"kind", kInt},   ColumnSpec{"params", kBytes},
    ColumnSpec{"wrapped", kBytes}, ColumnSpec{"label", kText}, ColumnSpec{"created_us", kInt},
};
constexpr std::array kTenantColumns = {
    ColumnSpec{"uuid", kUuid},
    ColumnSpec{"name", kText},
    ColumnSpec{"created_us", kInt},
};
constexpr std::array kKeyringColumns = {
    ColumnSpec{"uuid", kUuid},  ColumnSpec{"name", kText},           ColumnSpec{"purpose", kInt},
    ColumnSpec{"kek_id", kInt}, ColumnSpec{"primary_version", kInt}, ColumnSpec{"created_us", kInt},
};
constexpr std::array kKekColumns = {
    ColumnSpec{"kek_id", kInt},        ColumnSpec{"keyring", kUuid},   ColumnSpec{"wrapped", kBytes},
    ColumnSpec{"check_value", kBytes}, ColumnSpec{"created_us", kInt},
};
constexpr std::array kKeyVersionColumns = {
    ColumnSpec{"keyring", kUuid},   ColumnSpec{"version", kInt},    ColumnSpec{"state", kInt},
    ColumnSpec{"created_us", kInt}, ColumnSpec{"changed_us", kInt},
};
constexpr std::array kDataKeyColumns = {
    ColumnSpec{"keyring", kUuid},      ColumnSpec{"version", kInt},    ColumnSpec{"tenant", kUuid},
    ColumnSpec{"key_id", kInt},        ColumnSpec{"kek_id", kInt},     ColumnSpec{"wrapped", kBytes},
    ColumnSpec{"check_value", kBytes}, ColumnSpec{"created_us", kInt},
};
constexpr std::array kCatalogScopeColumns = {
    ColumnSpec{"uuid", kUuid}, ColumnSpec{"name", kText},      ColumnSpec{"serial", kInt},
    ColumnSpec{"lock", kText}, ColumnSpec{"changed_us", kInt},
};
constexpr std::array kSecretColumns = {
    ColumnSpec{"tenant", kUuid},         ColumnSpec{"path", kText},      ColumnSpec{"uuid", kUuid},
    ColumnSpec{"current_version", kInt}, ColumnSpec{"created_us", kInt}, ColumnSpec{"updated_us", kInt},
};
constexpr std::array kSecretVersionColumns = {
    ColumnSpec{"secret", kUuid},    ColumnSpec{"version", kInt},
    ColumnSpec{"state", kInt},      ColumnSpec{"ciphertext", kBytes, true},
    ColumnSpec{"created_us", kInt}, ColumnSpec{"expires_us", kInt, true},
    ColumnSpec{"changed_us", kInt}, ColumnSpec{"created_by", kText},
};
constexpr std::array kSecretMetadataColumns = {
    ColumnSpec{"secret", kUuid},
    ColumnSpec{"key", kText},
    ColumnSpec{"value", kText},
};

constexpr std::array kDestructionColumns = {
    ColumnSpec{"kind", kInt},    ColumnSpec{"subject", kUuid},      ColumnSpec{"version", kInt},
    ColumnSpec{"state", kInt},   ColumnSpec{"before", kInt},        ColumnSpec{"scheduled_us", kInt},
    ColumnSpec{"due_us", kInt},  ColumnSpec{"done_us", kInt, true}, ColumnSpec{"scheduled_by", kText},
    ColumnSpec{"reason", kText},
};
constexpr std::array kCensusSourceColumns = {
    ColumnSpec{"name", kText},        ColumnSpec{"max_age_us", kInt},     ColumnSpec{"created_us", kInt},
    ColumnSpec{"created_by", kText},  ColumnSpec{"as_of_us", kInt, true}, ColumnSpec{"reported_us", kInt, true},
    ColumnSpec{"reported_by", kText}, ColumnSpec{"counts", kBytes},
};
constexpr std::array kRotationColumns = {
    ColumnSpec{"keyring", kUuid},
    ColumnSpec{"period_us", kInt},
    ColumnSpec{"set_us", kInt},
};
constexpr std::array kVersionOriginColumns = {
    ColumnSpec{"store", kUuid},        ColumnSpec{"keyring", kUuid},     ColumnSpec{"version", kInt},
    ColumnSpec{"here_keyring", kUuid}, ColumnSpec{"here_version", kInt}, ColumnSpec{"default_tenant", kUuid},
    ColumnSpec{"merged_us", kInt},
};

constexpr std::array kAuditLogColumns = {
    ColumnSpec{"id", kInt},     ColumnSpec{"vkey", kText},    ColumnSpec{"size", kInt},
    ColumnSpec{"root", kBytes}, ColumnSpec{"noted_us", kInt},
};
constexpr std::array kAccessPolicyColumns = {
    ColumnSpec{"serial", kInt},    ColumnSpec{"policy", kText},    ColumnSpec{"signatures", kText},
    ColumnSpec{"recovered", kInt}, ColumnSpec{"applied_us", kInt}, ColumnSpec{"applied_by", kText},
};
constexpr std::array kApprovalColumns = {
    ColumnSpec{"id", kUuid},
    ColumnSpec{"statement", kText},
    ColumnSpec{"asked_us", kInt},
};
constexpr std::array kApprovalVoteColumns = {
    ColumnSpec{"approval", kUuid},
    ColumnSpec{"person", kText},
    ColumnSpec{"signature", kText},
    ColumnSpec{"voted_us", kInt},
};

constexpr std::array kAccessGrantColumns = {
    ColumnSpec{"name", kText},     ColumnSpec{"policy_serial", kInt}, ColumnSpec{"text", kText},
    ColumnSpec{"issued_us", kInt}, ColumnSpec{"issued_by", kText},    ColumnSpec{"reason", kText},
};
constexpr std::array kBreakGlassColumns = {
    ColumnSpec{"id", kUuid},          ColumnSpec{"statement", kText},     ColumnSpec{"signature", kText},
    ColumnSpec{"activated_us", kInt}, ColumnSpec{"ended_us", kInt, true}, ColumnSpec{"reviewed_us", kInt, true},
    ColumnSpec{"reviewed_by", kText}, ColumnSpec{"review", kText},
};
constexpr std::array kAccessTokenColumns = {
    ColumnSpec{"id", kUuid},         ColumnSpec{"digest", kBytes},   ColumnSpec{"principal", kText},
    ColumnSpec{"listener", kText},   ColumnSpec{"created_us", kInt}, ColumnSpec{"not_after_us", kInt},
    ColumnSpec{"created_by", kText}, ColumnSpec{"reason", kText},
};
constexpr std::array kDeniedCertificateColumns = {
    ColumnSpec{"sha256", kBytes},
    ColumnSpec{"denied_us", kInt},
    ColumnSpec{"denied_by", kText},
    ColumnSpec{"reason", kText},
};

constexpr std::array<std::size_t, 1> kSecondColumn = {1};
constexpr std::array<std::size_t, 1> kSecretUuid = {2};
constexpr std::array<std::size_t, 1> kDataKeyId = {3};

// In the order of Table.
constexpr std::array<TableSpec, kTableCount> kSchema = {{
    {Table::kStore, "store", kStoreColumns, 1, {}, true, 1},
    {Table::kSealSlot, "seal_slot", kSealSlotColumns, 1, {}, true, 1},
    {Table::kTenant, "tenant", kTenantColumns, 1, kSecondColumn, true, 1},
    {Table::kKeyring, "keyring", kKeyringColumns, 1, kSecondColumn, true, 1},
    {Table::kKek, "kek", kKekColumns, 1, {}, true, 1},
    {Table::kKeyVersion, "key_version", kKeyVersionColumns, 2, {}, true, 1},
    {Table::kDataKey, "data_key", kDataKeyColumns, 3, kDataKeyId, true, 1},
    {Table::kCatalogScope, "catalog_scope", kCatalogScopeColumns, 1, kSecondColumn, true, 1},
    {Table::kSecret, "secret", kSecretColumns, 2, kSecretUuid, false, 1},
    {Table::kSecretVersion, "secret_version", kSecretVersionColumns, 2, {}, false, 1},
    {Table::kSecretMetadata, "secret_metadata", kSecretMetadataColumns, 2, {}, false, 1},
    {Table::kDestruction, "destruction", kDestructionColumns, 3, {}, true, 2},
    {Table::kCensusSource, "census_source", kCensusSourceColumns, 1, {}, true, 2},
    {Table::kRotation, "rotation", kRotationColumns, 1, {}, true, 2},
    {Table::kVersionOrigin, "version_origin", kVersionOriginColumns, 3, {}, true, 3},
    {Table::kAuditLog, "audit_log", kAuditLogColumns, 1, {}, true, 4},
    {Table::kAccessPolicy, "access_policy", kAccessPolicyColumns, 1, {}, true, 5},
    {Table::kApproval, "approval", kApprovalColumns, 1, {}, true, 5},
    {Table::kApprovalVote, "approval_vote", kApprovalVoteColumns, 2, {}, true, 5},
    {Table::kAccessGrant, "access_grant", kAccessGrantColumns, 1, {}, true, 6},
    {Table::kBreakGlass, "break_glass", kBreakGlassColumns, 1, {}, true, 6},
    {Table::kAccessToken, "access_token", kAccessTokenColumns, 1, kSecondColumn, true, 6},
    {Table::kDeniedCertificate, "denied_certificate", kDeniedCertificateColumns, 1, {}, true, 6},
}};

}  // namespace

std::span<const TableSpec> Schema() { return kSchema; }

const TableSpec& SpecOf(Table table) {
  const auto index = static_cast<std::size_t>(table);
  COFFER_CHECK(index < kSchema.size());
  return kSchema[index];
}

}  // namespace coffer::keysvc
