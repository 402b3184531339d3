#include "policy/operation.h"

namespace coffer::policy {
namespace {

using Op = Operation;

constexpr auto kOperationNames = std::to_array<std::string_view>({
    "EncryptFields",
    "DecryptFields",
    "RewrapFields",
    "IndexTokens",
    "CreateKeyring",
    "GetKeyring",
    "ListKeyrings",
    "RotateKeyring",
    "RotateKek",
    "SetRotation",
    "DisableVersion",
    "EnableVersion",
    "ScheduleDestroy",
    "CancelDestroy",
    "CreateTenant",
    "GetTenant",
    "ListTenants",
    "ShredTenant",
    "CancelShredTenant",
    "RegisterCensusSource",
    "RemoveCensusSource",
    "ListCensusSources",
    "ReportCensus",
    "GetCensus",
    "GenerateDataKey",
    "UnwrapDataKey",
    "PutSecret",
    "GetSecret",
    "ListSecrets",
    "SecretHistory",
    "DeleteSecret",
    "UndeleteSecret",
    "DestroySecret",
    "InitStore",
    "Unseal",
    "Seal",
    "StartRecovery",
    "ListSealSlots",
    "AddSealSlot",
    "RemoveSealSlot",
    "Rekey",
    "BackupStore",
    "RecoverStore",
    "MergeStore",
    "CheckStore",
    "ShowStatus",
    "ApplyCatalog",
    "WeakenCatalog",
    "DiffCatalog",
    "ShowCatalog",
    "QueryRecords",
    "AggregateRecords",
    "TailRecords",
    "GetCheckpoint",
    "ProveConsistency",
    "ProveRecord",
    "ApplyPolicy",
    "ShowPolicy",
    "ListApprovals",
    "Approve",
    "Deny",
    "IssueGrant",
    "ListGrants",
    "RevokeGrant",
    "BreakGlass",
    "ReviewBreakGlass",
    "CreateToken",
    "ListTokens",
    "RevokeToken",
    "DenyCertificate",
    "AllowCertificate",
    "ListDeniedCertificates",
});
static_assert(kOperationNames.size() == kOperationCount);

constexpr OperationSet kOfFields = {Op::kEncryptFields, Op::kDecryptFields, Op::kRewrapFields, Op::kIndexTokens};
constexpr OperationSet kOfKeyrings = {
    Op::kEncryptFields, Op::kDecryptFields,   Op::kRewrapFields,  Op::kIndexTokens,     Op::kCreateKeyring,
    Op::kGetKeyring,    Op::kRotateKeyring,   Op::kRotateKek,     Op::kSetRotation,     Op::kDisableVersion,
    Op::kEnableVersion, Op::kScheduleDestroy, Op::kCancelDestroy, Op::kGenerateDataKey, Op::kUnwrapDataKey};
constexpr OperationSet kOfTenants = {
    Op::kEncryptFields,  Op::kDecryptFields, Op::kRewrapFields, Op::kIndexTokens,   Op::kGenerateDataKey,
    Op::kUnwrapDataKey,  Op::kCreateTenant,  Op::kGetTenant,    Op::kShredTenant,   Op::kCancelShredTenant,
    Op::kPutSecret,      Op::kGetSecret,     Op::kListSecrets,  Op::kSecretHistory, Op::kDeleteSecret,
    Op::kUndeleteSecret, Op::kDestroySecret};

constexpr OperationSet kAskingTwo = {
    Op::kDestroySecret, Op::kScheduleDestroy, Op::kShredTenant, Op::kRemoveCensusSource,
    Op::kAddSealSlot,   Op::kRemoveSealSlot,  Op::kRekey,       Op::kMergeStore,
    Op::kWeakenCatalog, Op::kIssueGrant,      Op::kCreateToken, Op::kAllowCertificate};

constexpr OperationSet kOfRoleAlone = {Op::kInitStore,
                                       Op::kUnseal,
                                       Op::kSeal,
                                       Op::kStartRecovery,
                                       Op::kRecoverStore,
                                       Op::kShowStatus,
                                       Op::kApplyPolicy,
                                       Op::kShowPolicy,
                                       Op::kListApprovals,
                                       Op::kApprove,
                                       Op::kDeny,
                                       Op::kListGrants,
                                       Op::kRevokeGrant,
                                       Op::kBreakGlass,
                                       Op::kReviewBreakGlass,
                                       Op::kListTokens,
                                       Op::kRevokeToken,
                                       Op::kDenyCertificate,
                                       Op::kListDeniedCertificates};

}  // namespace

std::string_view OperationName(Operation operation) {
  const auto index = static_cast<std::size_t>(operation);
  return index < kOperationCount ? kOperationNames[index] : "?";
}

std::optional<Operation> ParseOperation(std::string_view text) {
  for (std::size_t i = 0; i < kOperationCount; ++i) {
    if (kOperationNames[i] == text) return static_cast<Operation>(i);
  }
  return std::nullopt;
}

std::string_view FacetKey(Facet facet) {
  switch (facet) {
    case Facet::kField:
      return "fields";
    case Facet::kClass:
      return "classes";
    case Facet::kKeyring:
      return "keyrings";
    case Facet::kTenant:
      return "tenants";
  }
  return "?";
}

bool HasFacet(Operation operation, Facet facet) {
  switch (facet) {
    case Facet::kField:
    case Facet::kClass:
      return kOfFields.Has(operation);
    case Facet::kKeyring:
      return kOfKeyrings.Has(operation);
    case Facet::kTenant:
      return kOfTenants.Has(operation);
  }
  return false;
}

bool NeedsSecondPerson(Operation operation) { return kAskingTwo.Has(operation); }

bool IsDecidedByRole(Operation operation) { return kOfRoleAlone.Has(operation); }

}  // namespace coffer::policy
