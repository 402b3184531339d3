// The closed list of what can be asked of the service, and what each of them is about.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace coffer::policy {

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
  kWeakenCatalog,  // asked of an ApplyCatalog that takes protection away
  kDiffCatalog,
  kShowCatalog,
  kQueryRecords,  // of the audit log: these three show who did what
  kAggregateRecords,
  kTailRecords,
  kGetCheckpoint,  // and these three that nobody changed it
  kProveConsistency,
  kProveRecord,
  kApplyPolicy,
  kShowPolicy,
  kListApprovals,
  kApprove,
  kDeny,
  kIssueGrant,  // one more grant for a time, beside those of the policy
  kListGrants,
  kRevokeGrant,
  kBreakGlass,  // what the policy keeps for an emergency, by a key that is kept offline
  kReviewBreakGlass,
  kCreateToken,  // a bearer token
  kListTokens,
  kRevokeToken,
  kDenyCertificate,
  kAllowCertificate,
  kListDeniedCertificates,
};
inline constexpr std::size_t kOperationCount = 72;

// All of them, for whoever goes through a whole table.
constexpr std::array<Operation, kOperationCount> AllOperations() {
  std::array<Operation, kOperationCount> operations{};
  for (std::size_t i = 0; i < kOperationCount; ++i) operations[i] = static_cast<Operation>(i);
  return operations;
}

// "DecryptFields" and back; "?" for a value that is none, nothing for a word that is none.
std::string_view OperationName(Operation operation);
std::optional<Operation> ParseOperation(std::string_view text);

// Operations as bits, so that tables of them are constants.
class OperationSet {
 public:
  constexpr OperationSet() = default;
  constexpr OperationSet(std::initializer_list<Operation> operations) {
    for (const Operation operation : operations) Add(operation);
  }
  constexpr void Add(Operation operation) { words_[Word(operation)] |= Bit(operation); }
  // False for a value that is no operation.
  constexpr bool Has(Operation operation) const {
    return static_cast<std::size_t>(operation) < kOperationCount && (words_[Word(operation)] & Bit(operation)) != 0;
  }
  constexpr bool Meets(const OperationSet& other) const {
    return (words_[0] & other.words_[0]) != 0 || (words_[1] & other.words_[1]) != 0;
  }
  constexpr bool empty() const { return words_[0] == 0 && words_[1] == 0; }
  constexpr bool operator==(const OperationSet&) const = default;

 private:
  static constexpr std::size_t Word(Operation operation) { return static_cast<std::size_t>(operation) / 64; }
  static constexpr std::uint64_t Bit(Operation operation) {
    return std::uint64_t{1} << (static_cast<std::size_t>(operation) % 64);
  }
  std::array<std::uint64_t, 2> words_{};
};
static_assert(kOperationCount <= 128);

// What a rule may narrow an operation to.
enum class Facet : std::uint8_t { kField, kClass, kKeyring, kTenant };
inline constexpr std::size_t kFacetCount = 4;
constexpr std::array<Facet, kFacetCount> AllFacets() {
  return {Facet::kField, Facet::kClass, Facet::kKeyring, Facet::kTenant};
}
// "fields": a rule's key for it.
std::string_view FacetKey(Facet facet);

// True when the operation is about one of these.
bool HasFacet(Operation operation, Facet facet);

// True for acts that a grant may allow with approvals only.
bool NeedsSecondPerson(Operation operation);

// True for what a role alone decides and no policy file can: what is asked while no policy can be read (init, unseal,
// recovery), what nobody may lock himself out of (seal, status, the policy, taking access back), and what is decided by
// a signature (approvals, break-glass).
bool IsDecidedByRole(Operation operation);

}  // namespace coffer::policy
