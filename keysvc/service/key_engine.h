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

// A keyring as it is shown.
struct KeyringView {
  struct VersionView {
    Version version;
    std::uint64_t data_keys = 0;
  };
  Keyring keyring;
  std::vector<VersionView> versions;  // by number
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

// Thread-safe. Mutations run one at a time and are durable when they return ok; on kUnavailable the outcome of a commit
// may be unknown, and the engine reads the store again before it believes either.
class KeyEngine {
 public:
  struct Options {
    std::size_t cipher_cache = 16'384;
    std::size_t tokenizer_cache = 4'096;
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
  Result<Tenant> CreateTenant(std::string_view name);

  // kNotFound.
  Result<KeyringView> GetKeyring(std::string_view name) const;
  // Up to `limit` whose names follow `after`, by name.
  std::vector<Keyring> ListKeyrings(std::string_view after, std::size_t limit) const;
  std::vector<Tenant> ListTenants(std::string_view after, std::size_t limit) const;
  // Nothing: there is no such keyring.
  std::optional<KeyringPurpose> PurposeOf(std::string_view name) const;
  // kInvalidArgument for a tenant that is not registered; empty means "default".
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

  // Changes with every disable and enable: what was decided before may no longer hold.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  struct Counts {
    std::size_t keyrings = 0;
    std::size_t tenants = 0;
    std::size_t data_keys = 0;
  };
  Counts counts() const;

 private:
  KeyEngine(AuthenticatedStore& store, StoreUuid uuid, RootKey root, const Clock& clock, const Options& options);

  using KekMap = std::unordered_map<KeyId, SecretBytes>;

  // Runs `act` in a transaction, commits, then runs `apply` on what is kept in memory. `act` may read table_: nobody
  // else mutates.
  Status Mutate(const std::function<Status(StoreMutation&)>& act,
                const std::function<Status(KeyTable&, KekMap&)>& apply) COFFER_EXCLUDES(mutation_mutex_, table_mutex_);
  Status Reload() COFFER_REQUIRES(mutation_mutex_) COFFER_EXCLUDES(table_mutex_);
  Result<KeyTable> ReadTable();
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
  TenantUuid KeyTenantOf(const IndexPlace& place) const COFFER_REQUIRES_SHARED(table_mutex_);

  AuthenticatedStore& store_;
  const StoreUuid uuid_;
  const RootKey root_;
  const SecretBytes decoy_key_;
  const Clock& clock_;
  CipherCache ciphers_;
  TokenizerCache tokenizers_;
  std::atomic<std::uint64_t> generation_{1};

  Mutex mutation_mutex_;  // taken before table_mutex_
  bool stale_ COFFER_GUARDED_BY(mutation_mutex_) = false;
  mutable SharedMutex table_mutex_;
  KeyTable table_ COFFER_GUARDED_BY(table_mutex_);
  KekMap keks_ COFFER_GUARDED_BY(table_mutex_);
};

}  // namespace coffer::keysvc
