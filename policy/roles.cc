#include "policy/roles.h"

#include <algorithm>

namespace coffer::policy {
namespace {

using Op = Operation;

constexpr std::string_view kDefaultDeny = "default-deny";

constexpr std::array<std::string_view, kRoleCount> kRoleNames = {"app",          "dba",      "auditor",
                                                                 "backup-agent", "restorer", "admin"};

enum class Effect : std::uint8_t { kForbid, kAllow };

struct Rule {
  Effect effect;
  Role role;
  std::string_view id;
  OperationSet operations;
  std::string_view reason;
};

constexpr auto kRules = std::to_array<Rule>({
    {Effect::kForbid,
     Role::kDba,
     "dba-sees-no-plaintext",
     {Op::kEncryptFields, Op::kDecryptFields, Op::kIndexTokens, Op::kGetSecret, Op::kGenerateDataKey,
      Op::kUnwrapDataKey},
     "a database administrator works with ciphertext only"},
    {Effect::kForbid,
     Role::kDba,
     "dba-weakens-nothing",
     {Op::kApplyCatalog, Op::kDestroySecret, Op::kDisableVersion, Op::kScheduleDestroy, Op::kShredTenant,
      Op::kRegisterCensusSource, Op::kRemoveCensusSource, Op::kWeakenCatalog, Op::kApplyPolicy, Op::kIssueGrant,
      Op::kCreateToken, Op::kAllowCertificate},
     "a database administrator neither weakens nor destroys"},
    {Effect::kForbid,
     Role::kAdmin,
     "admin-sees-no-values",
     {Op::kEncryptFields, Op::kDecryptFields, Op::kIndexTokens, Op::kGetSecret, Op::kGenerateDataKey,
      Op::kUnwrapDataKey},
     "an administrator manages keys and does not read values"},
    {Effect::kForbid,
     Role::kAdmin,
     "admin-sees-no-people",
     {Op::kQueryRecords, Op::kAggregateRecords, Op::kTailRecords},
     "an administrator is watched by the audit log and does not read who did what"},

    {Effect::kAllow,
     Role::kApp,
     "app-fields",
     {Op::kEncryptFields, Op::kDecryptFields, Op::kRewrapFields, Op::kIndexTokens},
     "an application works with its fields"},
    {Effect::kAllow,
     Role::kApp,
     "app-data-keys",
     {Op::kGenerateDataKey, Op::kUnwrapDataKey},
     "an application has keys of its own wrapped"},
    {Effect::kAllow,
     Role::kApp,
     "app-counts",
     {Op::kReportCensus},
     "an application reports how many values name each key"},
    {Effect::kAllow,
     Role::kApp,
     "app-secrets",
     {Op::kPutSecret, Op::kGetSecret, Op::kListSecrets, Op::kSecretHistory, Op::kDeleteSecret, Op::kUndeleteSecret},
     "an application works with its secrets"},
    {Effect::kAllow,
     Role::kApp,
     "app-looks",
     {Op::kShowStatus, Op::kShowCatalog, Op::kGetCheckpoint, Op::kProveConsistency},
     "an application sees status, catalog and the audit log's checkpoints"},
    {Effect::kAllow,
     Role::kApp,
     "app-breaks-glass",
     {Op::kBreakGlass},
     "an application uses in an emergency what the policy keeps for one"},

    {Effect::kAllow,
     Role::kDba,
     "dba-rotates",
     {Op::kRotateKeyring, Op::kRotateKek, Op::kRewrapFields},
     "a database administrator rotates keys and rewraps ciphertext"},
    {Effect::kAllow,
     Role::kDba,
     "dba-counts",
     {Op::kReportCensus},
     "a database administrator reports a census, which alone lets nothing be destroyed"},
    {Effect::kAllow,
     Role::kDba,
     "dba-looks",
     {Op::kGetKeyring, Op::kListKeyrings, Op::kGetTenant, Op::kListTenants, Op::kListCensusSources, Op::kGetCensus,
      Op::kShowStatus, Op::kShowCatalog, Op::kDiffCatalog, Op::kGetCheckpoint, Op::kProveConsistency},
     "a database administrator sees keyrings, tenants, census, status, catalog and the audit log's checkpoints"},

    {Effect::kAllow,
     Role::kAuditor,
     "auditor-looks",
     {Op::kGetKeyring, Op::kListKeyrings, Op::kGetTenant, Op::kListTenants, Op::kListCensusSources, Op::kGetCensus,
      Op::kShowStatus, Op::kShowCatalog, Op::kShowPolicy, Op::kListGrants, Op::kListTokens,
      Op::kListDeniedCertificates},
     "an auditor sees keyrings, tenants, census, status, catalog, policy and who is let in"},
    {Effect::kAllow,
     Role::kAuditor,
     "auditor-reads",
     {Op::kQueryRecords, Op::kAggregateRecords, Op::kTailRecords, Op::kGetCheckpoint, Op::kProveConsistency,
      Op::kProveRecord},
     "an auditor reads the audit log"},
    {Effect::kAllow,
     Role::kAuditor,
     "auditor-approves",
     {Op::kListApprovals, Op::kApprove, Op::kDeny},
     "an auditor approves what a policy asks auditors about"},
    {Effect::kAllow, Role::kAuditor, "auditor-reviews", {Op::kReviewBreakGlass}, "an auditor reviews each emergency"},
    {Effect::kAllow,
     Role::kBackupAgent,
     "backup-agent-looks",
     {Op::kShowStatus, Op::kGetCheckpoint, Op::kProveConsistency},
     "a backup agent sees the status and the audit log's checkpoints"},
    {Effect::kAllow,
     Role::kRestorer,
     "restorer-looks",
     {Op::kShowStatus, Op::kGetCheckpoint, Op::kProveConsistency},
     "a restorer sees the status and the audit log's checkpoints"},
    {Effect::kAllow,
     Role::kRestorer,
     "restorer-approves",
     {Op::kListApprovals, Op::kApprove, Op::kDeny},
     "a restorer approves what a policy asks restorers about"},
    {Effect::kAllow,
     Role::kRestorer,
     "restorer-breaks-glass",
     {Op::kBreakGlass},
     "a restorer uses in an emergency what the policy keeps for one"},

    {Effect::kAllow,
     Role::kAdmin,
     "admin-keys",
     {Op::kCreateKeyring, Op::kGetKeyring, Op::kListKeyrings, Op::kRotateKeyring, Op::kDisableVersion,
      Op::kEnableVersion, Op::kRotateKek, Op::kSetRotation, Op::kScheduleDestroy, Op::kCancelDestroy, Op::kRewrapFields,
      Op::kCreateTenant, Op::kGetTenant, Op::kListTenants, Op::kShredTenant, Op::kCancelShredTenant},
     "an administrator manages keyrings and tenants"},
    {Effect::kAllow,
     Role::kAdmin,
     "admin-census",
     {Op::kRegisterCensusSource, Op::kRemoveCensusSource, Op::kListCensusSources, Op::kReportCensus, Op::kGetCensus},
     "an administrator says who counts, and sees the census"},
    {Effect::kAllow,
     Role::kAdmin,
     "admin-secrets",
     {Op::kPutSecret, Op::kListSecrets, Op::kSecretHistory, Op::kDeleteSecret, Op::kUndeleteSecret, Op::kDestroySecret},
     "an administrator sets and removes secrets without reading them"},
    {Effect::kAllow,
     Role::kAdmin,
     "admin-store",
     {Op::kInitStore, Op::kUnseal, Op::kSeal, Op::kStartRecovery, Op::kListSealSlots, Op::kAddSealSlot,
      Op::kRemoveSealSlot, Op::kRekey, Op::kBackupStore, Op::kRecoverStore, Op::kMergeStore, Op::kCheckStore,
      Op::kShowStatus},
     "an administrator runs the store"},
    {Effect::kAllow,
     Role::kAdmin,
     "admin-catalog",
     {Op::kApplyCatalog, Op::kWeakenCatalog, Op::kDiffCatalog, Op::kShowCatalog},
     "an administrator applies catalogs"},
    {Effect::kAllow,
     Role::kAdmin,
     "admin-policy",
     {Op::kApplyPolicy, Op::kShowPolicy},
     "an administrator applies a policy that others have signed"},
    {Effect::kAllow,
     Role::kAdmin,
     "admin-grants",
     {Op::kIssueGrant, Op::kListGrants, Op::kRevokeGrant},
     "an administrator issues grants for a time, which others approve"},
    {Effect::kAllow,
     Role::kAdmin,
     "admin-identities",
     {Op::kCreateToken, Op::kListTokens, Op::kRevokeToken, Op::kDenyCertificate, Op::kAllowCertificate,
      Op::kListDeniedCertificates},
     "an administrator gives out and takes back bearer tokens, and denies certificates"},
    {Effect::kAllow,
     Role::kAdmin,
     "admin-approves",
     {Op::kListApprovals, Op::kApprove, Op::kDeny},
     "an administrator approves what others ask"},
    {Effect::kAllow,
     Role::kAdmin,
     "admin-proves",
     {Op::kGetCheckpoint, Op::kProveConsistency, Op::kProveRecord},
     "an administrator has the audit log's records proved"},
});

constexpr OperationSet kAdminOnly = {Op::kInitStore,
                                     Op::kUnseal,
                                     Op::kSeal,
                                     Op::kDestroySecret,
                                     Op::kApplyCatalog,
                                     Op::kWeakenCatalog,
                                     Op::kApplyPolicy,
                                     Op::kStartRecovery,
                                     Op::kListSealSlots,
                                     Op::kAddSealSlot,
                                     Op::kRemoveSealSlot,
                                     Op::kRekey,
                                     Op::kBackupStore,
                                     Op::kRecoverStore,
                                     Op::kMergeStore,
                                     Op::kCheckStore,
                                     Op::kCreateKeyring,
                                     Op::kCreateTenant,
                                     Op::kDisableVersion,
                                     Op::kEnableVersion,
                                     Op::kSetRotation,
                                     Op::kScheduleDestroy,
                                     Op::kCancelDestroy,
                                     Op::kShredTenant,
                                     Op::kCancelShredTenant,
                                     Op::kRegisterCensusSource,
                                     Op::kRemoveCensusSource,
                                     Op::kIssueGrant,
                                     Op::kRevokeGrant,
                                     Op::kCreateToken,
                                     Op::kRevokeToken,
                                     Op::kDenyCertificate,
                                     Op::kAllowCertificate};

constexpr bool AdminOnlyStaysAdminOnly() {
  for (const Rule& rule : kRules) {
    if (rule.effect == Effect::kAllow && rule.role != Role::kAdmin && rule.operations.Meets(kAdminOnly)) return false;
  }
  return true;
}
static_assert(AdminOnlyStaysAdminOnly());

constexpr RoleDecision DecideBy(Role role, Op operation) {
  for (const Effect effect : {Effect::kForbid, Effect::kAllow}) {
    for (const Rule& rule : kRules) {
      if (rule.effect == effect && rule.role == role && rule.operations.Has(operation)) {
        return {effect == Effect::kAllow, rule.id, rule.reason};
      }
    }
  }
  return {false, kDefaultDeny, "no rule allows it"};
}

static_assert(!DecideBy(Role::kDba, Op::kDecryptFields).allowed && !DecideBy(Role::kDba, Op::kGetSecret).allowed &&
              !DecideBy(Role::kDba, Op::kUnwrapDataKey).allowed);

}  // namespace

std::string_view RoleName(Role role) {
  const auto index = static_cast<std::size_t>(role);
  return index < kRoleCount ? kRoleNames[index] : "?";
}

std::optional<Role> ParseRole(std::string_view text) {
  for (std::size_t i = 0; i < kRoleCount; ++i) {
    if (kRoleNames[i] == text) return static_cast<Role>(i);
  }
  return std::nullopt;
}

RoleDecision MayEver(Role role, Operation operation) { return DecideBy(role, operation); }

bool MayApprove(Role role) { return role == Role::kAdmin || role == Role::kAuditor || role == Role::kRestorer; }

bool IsFixedRule(std::string_view id) {
  const auto same = [id](const Rule& rule) { return rule.id == id; };
  return id == kDefaultDeny || std::any_of(kRules.begin(), kRules.end(), same);
}

}  // namespace coffer::policy
