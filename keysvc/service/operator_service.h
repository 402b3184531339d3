// OperatorService: the ways to open the root key, its replacement, backups and recovery, through the pipeline. All but
// ListSlots on the admin's unix socket only. Slots, the root key and merges others have to approve.
#pragma once

#include "io/mutex.h"
#include "keysvc/service/pipeline.h"

namespace coffer::keysvc {

// What proves that an identity of `recipients` is at hand: what was in the challenge.
struct RecoveryProof {
  std::vector<AgeRecipient> recipients;
  SecretBytes answer;
};

// A slot to make, as a caller asks for it.
using WantedSeal = std::variant<NewSeal, RecoveryProof>;

inline constexpr std::size_t kMaxRekeySeals = 16;

// Thread-safe.
class OperatorService {
 public:
  // `clock` must outlive it.
  OperatorService(const Pipeline& pipeline, const Clock& clock) : pipeline_(pipeline), clock_(clock) {}

  // An age file of a random answer, for these recipients. The next challenge replaces it; good for kChallengeUs, once.
  Result<Bytes> StartRecovery(const Caller& caller, const std::vector<AgeRecipient>& recipients) const;
  static constexpr std::int64_t kChallengeUs = 600'000'000;

  // Without `recovery`, `accept_total_loss` must be true.
  Result<Barrier::Initialised> Init(const Caller& caller, const NewSeal& seal,
                                    const std::optional<RecoveryProof>& recovery, bool accept_total_loss) const;
  Result<std::vector<SealSlotRecord>> ListSlots(const Caller& caller) const;
  Result<MadeSlot> AddSlot(const Caller& caller, const WantedSeal& seal, const std::string& label) const;
  // The last recovery slot only with `accept_total_loss`.
  Result<bool> RemoveSlot(const Caller& caller, KeyId slot, bool accept_total_loss) const;
  Result<std::vector<Share>> Rekey(const Caller& caller, const std::vector<NewSeal>& seals) const;

  struct BackupFacts {
    std::uint64_t bytes = 0;
    std::size_t rows = 0;
    StoreEpoch epoch;
    std::vector<AgeRecipient> recipients;
  };
  // A file of mode 0600 at an absolute path of the service's host. kAlreadyExists; kFailedPrecondition without a
  // recovery slot: a backup is for nobody else.
  Result<BackupFacts> Backup(const Caller& caller, const std::string& path) const;

  struct RecoverRequest {
    SealSource source;
    std::string backup_path;  // empty: none
    std::vector<AgeIdentity> identities;
    bool new_journal = false;
    bool go_back = false;
    bool apply = false;
    std::string reason;  // asked for when it is applied
  };
  Result<Barrier::Recovery> Recover(const Caller& caller, const RecoverRequest& request) const;

  struct MergeRequest {
    std::string backup_path;
    RecoverySeal identity;  // decrypts the backup, and opens a recovery slot of it
    MergeOptions options;
  };
  // Unsealed.
  Result<MergeFacts> Merge(const Caller& caller, const MergeRequest& request) const;

  struct CheckFacts {
    std::size_t rows = 0;
    StoreEpoch epoch;
    std::uint64_t journal_bytes = 0;
    bool journal_complete = false;
  };
  Result<CheckFacts> Check(const Caller& caller) const;

  // That an identity of these recipients is at hand; the challenge is used up. kPermissionDenied.
  Result<NewRecovery> Proven(const RecoveryProof& proof) const;

  // Pipeline::Reject.
  Error Reject(const Caller& caller, policy::Operation operation, Error error) const {
    return pipeline_.Reject(caller, operation, std::move(error));
  }

 private:
  struct Challenge {
    std::vector<AgeRecipient> recipients;
    SecretBytes answer;
    std::int64_t since_us = 0;  // monotonic
  };
  // As Proven; the challenge is still good.
  Status CheckProof(const RecoveryProof& proof) const COFFER_EXCLUDES(mutex_);
  bool IsProven(const RecoveryProof& proof) const COFFER_REQUIRES(mutex_);
  Status CheckSlot(Barrier& barrier, const WantedSeal& seal, const std::string& label) const;
  Result<NewSeal> SealOf(const WantedSeal& seal) const;

  const Pipeline& pipeline_;
  const Clock& clock_;
  mutable Mutex mutex_;
  mutable std::optional<Challenge> challenge_ COFFER_GUARDED_BY(mutex_);
};

}  // namespace coffer::keysvc
