// Barrier: what stands between a store and its keys. Uninitialised, sealed, unsealed, compromised (altered from
// outside: nothing is served), or rolled back (older than its key journal, or without it: nothing is served until an
// operator recovers it). Everything that exists only while the root key is open hangs on one Unsealed, which calls hold
// while they run.
#pragma once

#include <future>
#include <map>

#include "keysvc/service/access_tokens.h"
#include "keysvc/service/approvals.h"
#include "keysvc/service/barrier_log.h"
#include "keysvc/service/catalogs.h"
#include "keysvc/service/denied_certificates.h"
#include "keysvc/service/grants.h"
#include "keysvc/service/journal_check.h"
#include "keysvc/service/key_engine.h"
#include "keysvc/service/policies.h"
#include "keysvc/service/seal_slots.h"
#include "keysvc/service/store_merge.h"

namespace coffer::keysvc {

// All that needs the root key. Wiped when the last holder lets go.
struct Unsealed {
  StoreUuid uuid;
  RootKey root;
  std::unique_ptr<AuthenticatedStore> store;
  std::unique_ptr<KeyEngine> keys;
  std::unique_ptr<Catalogs> catalogs;
  std::unique_ptr<Policies> policies;
  std::unique_ptr<Approvals> approvals;
  std::unique_ptr<Grants> grants;
  std::unique_ptr<AccessTokens> tokens;
  std::unique_ptr<DeniedCertificates> denied;
};

enum class BarrierState : std::uint8_t { kUninitialised, kSealed, kUnsealed, kCompromised, kRolledBack };

// Thread-safe.
class Barrier {
 public:
  struct Options {
    SealTools tools;
    KeyEngine::Options keys;
    AppendFolder* journal_folder = nullptr;  // where the key journal is; null: there is none (tests, a throwaway store)
    // The newest epoch of this store that the audit log has recorded; 0 or no function: none.
    std::function<StoreEpoch(StoreUuid)> audited_epoch = {};
    // A store remembers the first one, and how far it had come at the last unseal, and opens with no other.
    RunningLog audit_log = {};
  };
  // `store` and `clock` must outlive it. Reads whether the store was initialised, and nothing else.
  static Result<std::unique_ptr<Barrier>> Open(KeyStore& store, const Clock& clock, Options options);
  ~Barrier();

  // Once a store: root key, first slot, tenant "default", keyring "coffer-secrets". Leaves it unsealed. kAlreadyExists
  // when initialised.
  struct Initialised {
    StoreUuid store;
    std::vector<Share> shares;  // of a slot of shares: handed out once
  };
  // `recovery`: a second slot, whose recipients backups are encrypted to.
  Result<Initialised> Init(const NewSeal& seal, const std::optional<NewRecovery>& recovery);
  // Opens the root key, checks the whole store, and compares it with its key journal. Fine when unsealed already, if
  // the source opens a slot. kIntegrity, and the state compromised, when the store does not hold together; kRolledBack,
  // and that state, when store and journal do not fit.
  Status Unseal(const SealSource& source);

  struct Shared {
    std::size_t have = 0;
    std::size_t missing = 0;  // 0: unsealed
  };
  // One share of a slot. What was collected is forgotten after kShareMemoryUs, when sealed, or when enough were there.
  // kInvalidArgument says which share is wrong, and how.
  Result<Shared> UnsealByShare(Share share);
  static constexpr std::int64_t kShareMemoryUs = 600'000'000;
  // Wipes all keys; returns when no call holds one, or after 10 s with kUnavailable. Fine when sealed already.
  Status Seal();

  // kSealed; kFailedPrecondition when uninitialised; kIntegrity when compromised.
  Result<std::shared_ptr<Unsealed>> Enter() const;

  // That holds now; while sealed the one that held before, or the built-in table since the start.
  PolicyPointer policy() const;
  // The client certificates that are refused; while nothing is unsealed, those of the store that was open last. Null:
  // none was since the start, and nobody knows them.
  std::shared_ptr<const DeniedDigests> denied() const;
  const Clock& clock() const { return clock_; }

  BarrierState state() const;
  // Moves whenever a decision made before might no longer hold.
  std::uint64_t generation() const;

  struct Facts {
    BarrierState state = BarrierState::kUninitialised;
    std::string store_uuid;  // empty before init
    std::vector<SealSlotRecord> seal_slots;
    std::string_view rollback;  // why, when rolled back
    std::uint64_t journal_bytes = 0;
  };
  Result<Facts> facts();

  // Slots, while unsealed. Errors as of CheckNewSeal.
  Result<MadeSlot> AddSlot(const NewSeal& seal, const std::string& label);
  // Errors as of RemovableSlot.
  Status RemoveSlot(KeyId slot, bool accept_total_loss);
  // Whether AddSlot would do it now, as far as is known without making anything.
  Status CheckAddSlot(const NewSeal& seal, const std::string& label);

  // A new root key: every KEK wrapped anew, every row's MAC made anew, all slots replaced by `seals`, and by recovery
  // slots for the same recipients. In one transaction; what was killed half-way is as before. Nothing is served
  // meanwhile. Backups and copies made before stay openable by the old slots.
  Result<std::vector<Share>> Rekey(const std::vector<NewSeal>& seals);
  // Whether Rekey would do it now, as far as is known without making anything. `unsealed` is its own.
  Status CheckRekey(Unsealed& unsealed, const std::vector<NewSeal>& seals) const;

  // What recovering would do, or did.
  struct Recovery {
    JournalFit fit = JournalFit::kInStep;
    bool store_existed = false;
    StoreEpoch store_epoch;
    StoreEpoch source_epoch;            // of the journal or backup that is (to be) restored
    bool from_journal = false;          // else from the backup, or from the store itself (a new journal)
    StoreImage::Difference difference;  // from the store to what it becomes
    bool other_log = false;             // what is restored was used with another audit log; the one that runs is noted
    bool loses = false;                 // what is restored is older than, or no successor of, something authentic
    std::uint64_t journal_damaged = 0;  // bytes of the key journal behind its last whole authentic commit
    std::string journal_kept_as;        // the name that the old journal got
    bool repaired = false;
  };
  struct RecoverOptions {
    ByteView backup;           // a decrypted backup; empty: none
    bool new_journal = false;  // believe the store and begin another journal: what the old one knew is lost
    bool go_back = false;      // although something that was acknowledged is lost by it
    bool apply = false;        // else explain only
  };
  // Makes store and journal fit again, from whichever of journal and backup is newer: `source` opens a slot of that.
  // Leaves the service unsealed when applied. kFailedPrecondition: they fit (nothing to recover), or neither journal
  // nor backup is there.
  Result<Recovery> Recover(const SealSource& source, const RecoverOptions& options);

  // Brings another store's keys, catalogs and secrets into this one, while it is served (store_merge.h): one commit, or
  // none when there is nothing new or it is a dry run. `identity` opens a slot of `backup`, which is decrypted; `by` is
  // who asks.
  Result<MergeFacts> Merge(const RecoverySeal& identity, ByteView backup, const MergeOptions& options,
                           const std::string& by);

 private:
  Barrier(KeyStore& store, const Clock& clock, Options options)
      : store_(store), clock_(clock), options_(std::move(options)) {}
  struct Header {
    StoreRecord record;
    std::vector<SealSlotRecord> slots;
  };
  struct CollectedShares {
    ShareCombiner combiner;
    KeyId slot;
    std::int64_t since_us = 0;  // monotonic: when the first came
  };
  // Of the slot that the share is of.
  Result<CollectedShares*> CollectionOf(const Share& share, const Header& header) COFFER_REQUIRES(change_mutex_);
  // What can be read, unauthenticated, without the root key. Nothing: not initialised.
  Result<std::optional<Header>> ReadHeader();
  Result<Header> PresentHeader();
  static Result<Header> HeaderFrom(const StoredRow& store, const std::vector<StoredRow>& slots);
  static Result<Header> HeaderOf(const StoreImage& image);
  Status CheckNoJournal();
  Status WriteFirst(const Header& header, const RootKey& root) COFFER_REQUIRES(change_mutex_);
  Status BeginJournal(const Header& header, const IntegrityKeys& keys) COFFER_REQUIRES(change_mutex_);
  // `other_log`: the audit log that runs becomes the store's.
  Status OpenWith(const Header& header, RootKey root, bool other_log = false) COFFER_REQUIRES(change_mutex_);
  // Compares with the journal, and keeps it.
  Status TakeJournal(const Header& header, const IntegrityKeys& keys) COFFER_REQUIRES(change_mutex_);
  Status NoteSchema(Unsealed& unsealed);
  // That the rows name another audit log than the one that runs, or more of it than there is.
  Result<bool> NamesOtherLog(const std::vector<Row>& rows) const;
  // How far the log has come. A disk that refuses is an error only for a store's first note, and for another log's.
  Status NoteAuditLog(Unsealed& unsealed, bool other_log);
  // kUnavailable while a call of before the last seal still holds keys: it may still commit.
  Status CheckReleased() const COFFER_REQUIRES(change_mutex_);
  StoreEpoch AuditedEpoch(StoreUuid store) const;
  Result<RootKey> OpenImage(const SealSource& source, const StoreImage& image, Header& header) const;
  static bool Loses(const StoredHead& head, const StoreImage& chosen, const std::vector<StoredHead>& chosen_came_from);
  Result<StoreImage> AboveAudited(StoreImage image, StoreUuid uuid, const IntegrityKeys& keys) const;
  Result<Recovery> Choose(const SealSource& source, const RecoverOptions& options, StoreImage& chosen, Header& header,
                          RootKey& root) COFFER_REQUIRES(change_mutex_);
  Result<std::vector<Share>> ReplaceRoot(const Header& before, const RootKey& old, const std::vector<NewSeal>& seals,
                                         bool& replaced) COFFER_REQUIRES(change_mutex_);
  Status WaitUntilReleased() COFFER_REQUIRES(change_mutex_);
  std::shared_ptr<EpochFloor> FloorOf(StoreUuid uuid) COFFER_REQUIRES(change_mutex_);
  Status EnsureBuiltins(Unsealed& unsealed);
  void Become(BarrierState state, std::shared_ptr<Unsealed> unsealed);

  KeyStore& store_;
  const Clock& clock_;
  const Options options_;
  Mutex change_mutex_;  // one of Init, Unseal, Seal at a time; taken before state_mutex_
  mutable SharedMutex state_mutex_;
  BarrierState state_ COFFER_GUARDED_BY(state_mutex_) = BarrierState::kUninitialised;
  std::shared_ptr<Unsealed> unsealed_ COFFER_GUARDED_BY(state_mutex_);
  // While nothing is unsealed.
  PolicyPointer last_policy_ COFFER_GUARDED_BY(state_mutex_) = BuiltinPolicy();
  std::shared_ptr<const DeniedDigests> last_denied_ COFFER_GUARDED_BY(state_mutex_);
  std::shared_ptr<KeyJournal> journal_ COFFER_GUARDED_BY(change_mutex_);
  std::map<ShareSetUuid, CollectedShares> shares_ COFFER_GUARDED_BY(change_mutex_);
  std::atomic<JournalFit> fit_{JournalFit::kInStep};
  // Of every store that was open: a seal forgets the keys, not how far the store had come.
  std::map<StoreUuid, std::shared_ptr<EpochFloor>> floors_ COFFER_GUARDED_BY(change_mutex_);
  std::future<void> released_ COFFER_GUARDED_BY(change_mutex_);  // when the last holder has let go
  std::atomic<std::uint64_t> seal_generation_{0};
};

}  // namespace coffer::keysvc
