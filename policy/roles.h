// Who may do what: six fixed roles, a closed list of operations, one table. Deny by default, forbid wins.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "crypto/result.h"

namespace coffer::policy {

enum class Role : std::uint8_t { kApp, kDba, kAuditor, kBackupAgent, kRestorer, kAdmin };
inline constexpr std::size_t kRoleCount = 6;

enum class Operation : std::uint8_t {
  kEncryptFields,
  kDecryptFields,
  kRewrapFields,
  kIndexTokens,  // also the tokens that EncryptFields and RewrapFields return
  kCreateKeyring,
  kGetKeyring,
  kListKeyrings,
  kRotateKeyring,
  kRotateKek,
  kSetRotation,
  kDisableVersion,
  kEnableVersion,
  kScheduleDestroy,
  kCancelDestroy,
  kCreateTenant,
  kGetTenant,
  kListTenants,
  kShredTenant,
  kCancelShredTenant,
  kRegisterCensusSource,
  kRemoveCensusSource,
  kListCensusSources,
  kReportCensus,
  kGetCensus,
  kGenerateDataKey,  // a key for the caller's own use; wrapped, it names one of our data keys
  kUnwrapDataKey,
  kPutSecret,
  kGetSecret,  // its value; the other operations on secrets show metadata only
  kListSecrets,
  kSecretHistory,
  kDeleteSecret,
  kUndeleteSecret,
  kDestroySecret,
  kInitStore,
  kUnseal,
  kSeal,
  kStartRecovery,
  kListSealSlots,
  kAddSealSlot,
  kRemoveSealSlot,
  kRekey,
  kBackupStore,
  kRecoverStore,
  kMergeStore,  // another store's keys and secrets into this one
  kCheckStore,
  kShowStatus,
  kApplyCatalog,
  kDiffCatalog,
  kShowCatalog,
  kQueryRecords,  // of the audit log: these three show who did what
  kAggregateRecords,
  kTailRecords,
  kGetCheckpoint,  // and these three that nobody changed it
  kProveConsistency,
  kProveRecord,
};
inline constexpr std::size_t kOperationCount = 55;

// All of them, for whoever goes through the whole table.
constexpr std::array<Role, kRoleCount> AllRoles() {
  std::array<Role, kRoleCount> roles{};
  for (std::size_t i = 0; i < kRoleCount; ++i) roles[i] = static_cast<Role>(i);
  return roles;
}
constexpr std::array<Operation, kOperationCount> AllOperations() {
  std::array<Operation, kOperationCount> operations{};
  for (std::size_t i = 0; i < kOperationCount; ++i) operations[i] = static_cast<Operation>(i);
  return operations;
}

// "backup-agent" and back; nothing for a word that is no role.
std::string_view RoleName(Role role);
std::optional<Role> ParseRole(std::string_view text);

// "DecryptFields".
std::string_view OperationName(Operation operation);

struct Decision {
  bool allowed = false;
  std::string_view rule;    // a literal: which rule decided, "default-deny" when none did
  std::string_view reason;  // a literal: that rule's reason in words
};

// Pure and thread-safe.
Decision Decide(Role role, Operation operation);

// True for acts that a second person has to approve whoever asks. A weakening or retiring apply is one as well:
// CatalogChange says so.
bool NeedsSecondPerson(Operation operation);

}  // namespace coffer::policy
