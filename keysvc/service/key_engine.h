// KeyEngine: keyrings, versions, tenants and data keys of an unsealed store, and the ciphers that come from them.
//
// A data key is made on first use by INSERT-or-read: inserted if absent, committed, read back, and only the one read is
// used. So a key is durable before anything is encrypted under it, and two instances over one store agree on the
// winner.
#pragma once

#include <atomic>
#include <functional>
#include <unordered_map>

#include "io/clock.h"
#include "io/mutex.h"
#include "keysvc/keys/cipher_cache.h"
#include "keysvc/keys/key_table.h"
#include "keysvc/service/upkeep.h"
#include "keysvc/store/authenticated_store.h"

namespace coffer::keysvc {

inline constexpr std::string_view kDefaultTenant = "default";
inline constexpr std::string_view kSecretsKeyring = "coffer-secrets";
inline constexpr std::size_t kMaxKeyrings = 1'000;
inline constexpr std::size_t kMaxTenants = 1'000'000;
inline constexpr std::uint32_t kMaxKeyVersions = 10'000;

struct RootKey {
  KeyId id;
  SecretBytes bytes;  // 32
};

// Which field's key is asked for. The views must outlive the call.
struct FieldPlaceAndForm {
  std::string_view keyring;  // its name
  FieldPlace place;
  FieldForm form;
};

using CipherPointer = std::shared_ptr<const FieldCipher>;

// Whose tokens are asked for: an index version (a profile of a domain, under a version of a keyring) for a tenant. The
// views must outlive the call.
struct IndexPlace {
  std::string_view keyring;  // its name
  KeyVersion key_version;
  IndexDomainUuid domain;
  bool global = false;  // one key for all tenants: that of the default tenant, derived for the nil tenant
  TenantUuid tenant;
  const TokenForm& form;  // with the profile's number
};

using TokenizerPointer = std::shared_ptr<const IndexTokenizer>;

// What a key id in a ciphertext turned out to be.
struct DecryptLookup {
  enum class Outcome : std::uint8_t { kFound, kUnknown, kRefused };  // kRefused: version disabled or worse
  Outcome outcome = Outcome::kUnknown;
  CipherPointer cipher;  // kFound: the right one; kUnknown: one that fails with the same work
  KeyVersion version;    // kFound only
  bool primary = false;  // kFound only: the version that encrypts now
};

// A key of a caller's own: given out once, and kept by the caller wrapped.
struct CallerKey {
  SecretBytes plaintext;  // 32
  WrappedKey wrapped{};
};

// Thread-safe. Mutations run one at a time and are durable when they return ok; on kUnavailable the outcome of a commit
// may be unknown, and the engine reads the store again before it believes either.
class KeyEngine {
 public:
  struct Options {
    std::size_t cipher_cache = 16'384;
    std::size_t tokenizer_cache = 4'096;
    std::int64_t destroy_delay_us = 7 * kMicrosPerDay;      // of every destruction, at least
    std::int64_t backup_retention_us = 30 * kMicrosPerDay;  // how long backups of the store are kept
  };
  // Reads and cross-checks every record, and opens every KEK. The store and the clock must outlive the engine.
  static Result<std::unique_ptr<KeyEngine>> Load(AuthenticatedStore& store, StoreUuid uuid, RootKey root,
                                                 const Clock& clock, const Options& options);

  // Names are slugs. kAlreadyExists, kInvalidArgument, kResourceExhausted at the limits above.
  Result<KeyringView> CreateKeyring(std::string_view name, KeyringPurpose purpose = KeyringPurpose::kEncrypt);
  // `expected` none: whatever the primary is; else kConflict when it is another.
  Result<KeyringView> RotateKeyring(std::string_view name, KeyVersion expected);
  // kFailedPrecondition for the primary. A state that is there already is fine.
  Result<KeyringView> DisableVersion(std::string_view name, KeyVersion version);
  Result<KeyringView> EnableVersion(std::string_view name, KeyVersion version);
  // A new KEK for all of the keyring's data keys, in one transaction; the old one is gone. Data keys, their ids and all
  // ciphertexts stay. Then FinishErasing, whose failure erasing_left tells.
  Result<KeyringView> RotateKek(std::string_view name);
  // `period_us` 0: not any more; else an hour to ten years. kFailedPrecondition unless the keyring is of purpose
  // encrypt: deterministic and index keys are in every value, so that a rotation is a decision.
  Result<KeyringView> SetRotation(std::string_view name, std::int64_t period_us);
  // Rotates every keyring whose primary version is older than its period. `gate` is asked before each.
  DueReport RotateDue(std::int64_t now_us, const DueGate& gate = {});

  Result<Tenant> CreateTenant(std::string_view name);

  // Destruction, in two steps: from the first on, all use is refused; from the second, the wrapped keys are gone.
  //
  // The delay is at least that of the options and at most a year. kFailedPrecondition: the primary version, one that is
  // destroyed or scheduled already, or a census that is not a fresh zero from every registered source (census.h);
  // without any source, unless `no_sources` says that there is none.
  Result<KeyringView> ScheduleDestroy(std::string_view name, KeyVersion version, const DestroyOrder& order,
                                      bool no_sources);
  // Whether ScheduleDestroy would do it now.
  Status CheckDestroy(std::string_view name, KeyVersion version, std::int64_t delay_us, bool no_sources);
  // Back to the state before.
  Result<KeyringView> CancelDestroy(std::string_view name, KeyVersion version);
  // All data keys of a tenant, of all keyrings and versions. Not of "default". No census: its values are meant to be
  // lost.
  Result<TenantView> ShredTenant(std::string_view name, const DestroyOrder& order);
  // Whether ShredTenant would do it now.
  Status CheckShred(std::string_view name, std::int64_t delay_us) const;
  Result<TenantView> CancelShredTenant(std::string_view name);
  // Destroys what is due, each in one transaction. A version whose census is no longer a fresh zero stays scheduled.
  // `gate` is asked before each, with no lock held.
  DueReport DestroyDue(std::int64_t now_us, const DueGate& gate = {});
  // After something was destroyed or replaced: takes its bytes out of the store's files and the journal. Fine when
  // there is nothing to do. kUnavailable: some are left; tried again by the next call and by DestroyDue.
  Status FinishErasing();
  bool erasing_left() const { return erase_pending_.load(std::memory_order_acquire); }

  // Who counts. Names are slugs; `max_age_us` a minute to a year; at most kMaxCensusSources.
  Result<CensusSourceView> RegisterCensusSource(std::string_view name, std::int64_t max_age_us, const std::string& by);
  // kFailedPrecondition while a version is scheduled for destruction.
  Status RemoveCensusSource(std::string_view name);
  // Whether RemoveCensusSource would do it now.
  Status CheckRemoveCensusSource(std::string_view name) const;
  std::vector<CensusSourceView> ListCensusSources() const;  // by name
  // Replaces the source's last report. The first principal that reports is the only one: kPermissionDenied for others.
  // kConflict when it was counted before the last report.
  Result<CensusSourceView> ReportCensus(std::string_view name, std::int64_t as_of_us, KeyCounts counts,
                                        const std::string& by);
  // Of the keyring "coffer-secrets" it reads the whole vault.
  Result<KeyringCensus> GetCensus(std::string_view name);

  // Keys for a caller's own use, wrapped under the tenant's primary data key of a keyring of purpose encrypt, not
  // "coffer-secrets". Makes the data key on first use (a commit).
  Result<CallerKey> GenerateCallerKey(std::string_view keyring, TenantUuid tenant);
  // kDecryptFailed for whatever GenerateCallerKey did not give for this keyring and tenant; kFailedPrecondition when
  // the version is not enabled.
  Result<SecretBytes> UnwrapCallerKey(std::string_view keyring, TenantUuid tenant, ByteView wrapped);

  // kNotFound.
  Result<KeyringView> GetKeyring(std::string_view name) const;
  Result<TenantView> GetTenant(std::string_view name) const;
  // Up to `limit` whose names follow `after`, by name.
  std::vector<Keyring> ListKeyrings(std::string_view after, std::size_t limit) const;
  std::vector<TenantView> ListTenants(std::string_view after, std::size_t limit) const;
  // Nothing: there is no such keyring.
  std::optional<KeyringPurpose> PurposeOf(std::string_view name) const;
  // kInvalidArgument for a tenant that is not registered, kFailedPrecondition for one that was destroyed or is about to
  // be; empty means "default".
  Result<TenantUuid> ResolveTenant(std::string_view name) const;

  // The cipher of the primary version; makes the tenant's data key on first use (a commit). kFailedPrecondition when
  // the keyring does not exist or its primary is not enabled.
  Result<CipherPointer> CipherForEncrypt(const FieldPlaceAndForm& field);
  // True when CipherForEncrypt needs no commit.
  bool HasDataKey(std::string_view keyring, TenantUuid tenant) const;
  // By the id in the ciphertext, never by trial: keyring and tenant of the key must be the request's.
  Result<DecryptLookup> CipherForDecrypt(const FieldPlaceAndForm& field, KeyId id);
  // The tokenizer of an index version; makes the tenant's index data key on first use (a commit) when `make`, else null
  // when there is none yet: no row can have its tokens. kFailedPrecondition when the keyring does not exist, is not one
  // of purpose index, or the version is not enabled.
  Result<TokenizerPointer> TokenizerFor(const IndexPlace& place, bool make);
  // True when TokenizerFor needs no commit.
  bool HasIndexKey(const IndexPlace& place) const;
  // The keyring version that made this ciphertext of this keyring; none when the key is not known.
  KeyVersion VersionOfKey(KeyId id) const;

  // Changes with every disable, enable, destruction and cancel: what was decided before may no longer hold.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  // Changes tables together, as a merge does: `act` reads and writes by the mutation alone, and says whether it is to
  // be committed. Then everything is read again, and what was erased is taken out of the files.
  Status ChangeTables(const std::function<Result<bool>(StoreMutation&)>& act);
  std::int64_t destroy_delay_us() const { return destroy_delay_us_; }

  // Looks whether another instance over the same store has changed anything, and learns it.
  Status Refresh();

  struct Counts {
    std::size_t keyrings = 0;
    std::size_t tenants = 0;
    std::size_t data_keys = 0;
  };
  Counts counts() const;

 private:
  KeyEngine(AuthenticatedStore& store, StoreUuid uuid, RootKey root, const Clock& clock, const Options& options);

  using KekMap = std::unordered_map<KeyId, SecretBytes>;

  // All that is kept in memory; held exclusively.
  struct Tables {
    KeyTable& keys;
    KekMap& keks;
    Upkeep& upkeep;
  };
  // Runs `act` in a transaction, commits, then runs `apply` on what is kept in memory. `act` may read what is guarded
  // by table_mutex_: nobody else mutates, and the records of the keyring (empty: none) are as the store has them.
  Status Mutate(std::string_view keyring, const std::function<Status(StoreMutation&)>& act,
                const std::function<Status(const Tables&)>& apply) COFFER_EXCLUDES(mutation_mutex_, table_mutex_);
  Result<StoreMutation> Begin(std::string_view keyring) COFFER_REQUIRES(mutation_mutex_) COFFER_EXCLUDES(table_mutex_);
  // Another process has changed the keyring since it was read.
  Result<bool> IsBehind(StoreMutation& mutation, std::string_view keyring) COFFER_EXCLUDES(table_mutex_);
  // Reads everything again when another instance has committed since, or a commit's outcome is not known.
  Status CatchUp() COFFER_REQUIRES(mutation_mutex_) COFFER_EXCLUDES(table_mutex_);
  Status Reload() COFFER_REQUIRES(mutation_mutex_) COFFER_EXCLUDES(table_mutex_);
  Result<KeyTable> ReadTable();
  Result<Upkeep> ReadUpkeep();
  void ForgetDerived();
  bool IsInState(std::string_view name, KeyVersion number, VersionState state) const;
  Result<KeyringView> SetVersionState(std::string_view name, KeyVersion version, VersionState state);
  KeyringView ViewOf(const Keyring& keyring) const COFFER_REQUIRES_SHARED(table_mutex_);
  Status OpenKeks() COFFER_REQUIRES(table_mutex_);
  // Status: that the key is there now. `version` none: the primary one.
  Status MakeDataKey(std::string_view keyring, KeyVersion version, TenantUuid tenant);
  Result<DataKey> NewDataKey(const Keyring& keyring, KeyVersion version, TenantUuid tenant, KeyId id) const
      COFFER_REQUIRES_SHARED(table_mutex_);
  Result<SecretBytes> UnwrapDataKey(const DataKey& key) const COFFER_REQUIRES_SHARED(table_mutex_);
  Result<CipherPointer> CipherOf(const DataKey& key, const FieldPlaceAndForm& field)
      COFFER_REQUIRES_SHARED(table_mutex_);
  KeyId UnusedKeyId() const COFFER_REQUIRES_SHARED(table_mutex_);
  Result<CipherPointer> Decoy(const FieldPlaceAndForm& field);
  // kFailedPrecondition when the tenant was destroyed or is about to be.
  Status CheckTenantLives(TenantUuid tenant) const COFFER_REQUIRES_SHARED(table_mutex_);

  Result<std::vector<DataKey>> RewrapDataKeys(StoreMutation& mutation, const Keyring& keyring, KeyId kek,
                                              const SecretBytes& kek_bytes) COFFER_EXCLUDES(table_mutex_);
  bool EndedLately() const COFFER_REQUIRES_SHARED(table_mutex_);

  // The version, when it may be scheduled for destruction; `vault`: what the vault counts of the keyring.
  Result<Version> DestroyableVersion(std::string_view name, KeyVersion number, const KeyCounts& vault,
                                     std::int64_t now_us, bool no_sources) const COFFER_REQUIRES_SHARED(table_mutex_);
  Result<Tenant> ShreddableTenant(std::string_view name) const COFFER_REQUIRES_SHARED(table_mutex_);
  // When a destruction that is scheduled now is due.
  Result<std::int64_t> DueTime(std::int64_t delay_us, std::int64_t now_us) const;
  std::vector<DestructionRecord> DueAt(std::int64_t now_us) const COFFER_EXCLUDES(table_mutex_);
  std::string NameOf(const DestructionRecord& destruction) const COFFER_EXCLUDES(table_mutex_);
  // True: destroyed; false: held, and `why` says why.
  // What is due and must wait, since its census is not what it has to be.
  bool HeldBack(const DestructionRecord& due, std::int64_t now_us, std::string& why);
  Status DueCensus(const DestructionRecord& due, std::int64_t now_us, const KeyCounts& vault) const
      COFFER_REQUIRES_SHARED(table_mutex_);
  Status DestroyVersion(DestructionRecord destruction, std::int64_t now_us);
  Status DestroyTenant(DestructionRecord destruction, std::int64_t now_us);
  DestructionView ViewOf(const DestructionRecord& destruction) const COFFER_REQUIRES_SHARED(table_mutex_);
  TenantView ViewOf(const Tenant& tenant) const COFFER_REQUIRES_SHARED(table_mutex_);

  // What each source, in the order of upkeep_, and the vault counted in one keyring.
  struct CensusSums {
    std::vector<ValuesByVersion> sources;
    ValuesByVersion vault;
  };
  Result<KeyCounts> VaultValues(std::string_view keyring);
  CensusSums SumsOf(KeyringUuid keyring, const KeyCounts& vault) const COFFER_REQUIRES_SHARED(table_mutex_);
  // When another version took its place; nothing: it encrypts.
  std::optional<std::int64_t> EndOfEncrypting(const Version& version) const COFFER_REQUIRES_SHARED(table_mutex_);
  struct CensusDemand {
    std::int64_t now_us = 0;
    bool no_sources = false;            // it was said that nothing outside holds ciphertexts
    std::int64_t counted_since_us = 0;  // reports of an earlier count say nothing
  };
  Status CheckCensus(const Version& version, const CensusSums& sums, const CensusDemand& demand) const
      COFFER_REQUIRES_SHARED(table_mutex_);
  CensusSourceView ViewOf(const CensusSourceRecord& source) const COFFER_REQUIRES_SHARED(table_mutex_);

  Result<CallerKey> NewCallerKey(const DataKey& key) const COFFER_REQUIRES_SHARED(table_mutex_);
  // What caller keys under this data key are bound to: more than one place when its version was in more than one store.
  std::vector<WrapContext> CallerKeyContexts(const DataKey& key) const COFFER_REQUIRES_SHARED(table_mutex_);

  // Whose key an index version's is; `keyring` is place.keyring's.
  TenantUuid KeyTenantOf(const IndexPlace& place, KeyringUuid keyring) const COFFER_REQUIRES_SHARED(table_mutex_);

  AuthenticatedStore& store_;
  const StoreUuid uuid_;
  const RootKey root_;
  const SecretBytes decoy_key_;
  const Clock& clock_;
  const std::int64_t destroy_delay_us_;
  const std::int64_t backup_retention_us_;
  CipherCache ciphers_;
  TokenizerCache tokenizers_;
  std::atomic<std::uint64_t> generation_{1};
  std::atomic<bool> erase_pending_{false};

  Mutex mutation_mutex_;  // taken before table_mutex_
  bool stale_ COFFER_GUARDED_BY(mutation_mutex_) = false;
  std::uint64_t foreign_seen_ COFFER_GUARDED_BY(mutation_mutex_) = 0;
  mutable SharedMutex table_mutex_;
  KeyTable table_ COFFER_GUARDED_BY(table_mutex_);
  KekMap keks_ COFFER_GUARDED_BY(table_mutex_);
  Upkeep upkeep_ COFFER_GUARDED_BY(table_mutex_);
};

}  // namespace coffer::keysvc
