// Barrier: what stands between a store and its keys. Uninitialised, sealed, unsealed, or compromised (altered from
// outside: nothing is served). Everything that exists only while the root key is open hangs on one Unsealed, which
// calls hold while they run.
#pragma once

#include <future>
#include <map>

#include "keysvc/service/catalogs.h"
#include "keysvc/service/key_engine.h"
#include "keysvc/service/seal_slots.h"

namespace coffer::keysvc {

// All that needs the root key. Wiped when the last holder lets go.
struct Unsealed {
  StoreUuid uuid;
  std::unique_ptr<AuthenticatedStore> store;
  std::unique_ptr<KeyEngine> keys;
  std::unique_ptr<Catalogs> catalogs;
};

enum class BarrierState : std::uint8_t { kUninitialised, kSealed, kUnsealed, kCompromised };

// Thread-safe.
class Barrier {
 public:
  struct Options {
    std::string store_dir;  // whose device a key file must not be on; empty: the store is in memory
    KeyEngine::Options keys;
  };
  // `store` and `clock` must outlive it. Reads whether the store was initialised, and nothing else.
  static Result<std::unique_ptr<Barrier>> Open(KeyStore& store, const Clock& clock, Options options);
  ~Barrier();

  // Once a store: root key, first slot, tenant "default", keyring "coffer-secrets". Leaves it unsealed. kAlreadyExists
  // when initialised.
  Result<StoreUuid> Init(const SealSource& source);
  // Opens the root key and checks the whole store. Fine when unsealed already, if the source opens a slot. kIntegrity,
  // and the state compromised, when the store does not hold together.
  Status Unseal(const SealSource& source);
  // Wipes all keys; returns when no call holds one, or after 10 s with kUnavailable. Fine when sealed already.
  Status Seal();

  // kSealed; kFailedPrecondition when uninitialised; kIntegrity when compromised.
  Result<std::shared_ptr<Unsealed>> Enter() const;

  BarrierState state() const;
  // Moves whenever a decision made before might no longer hold.
  std::uint64_t generation() const;

  struct Facts {
    BarrierState state = BarrierState::kUninitialised;
    std::string store_uuid;               // empty before init
    std::vector<std::string> seal_slots;  // kinds
  };
  Result<Facts> facts();

 private:
  Barrier(KeyStore& store, const Clock& clock, Options options)
      : store_(store), clock_(clock), options_(std::move(options)) {}
  struct Header {
    StoreRecord record;
    std::vector<SealSlotRecord> slots;
  };
  // What can be read, unauthenticated, without the root key. Nothing: not initialised.
  Result<std::optional<Header>> ReadHeader();
  Status OpenWith(const Header& header, RootKey root) COFFER_REQUIRES(change_mutex_);
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
  // Of every store that was open: a seal forgets the keys, not how far the store had come.
  std::map<StoreUuid, std::shared_ptr<EpochFloor>> floors_ COFFER_GUARDED_BY(change_mutex_);
  std::future<void> released_ COFFER_GUARDED_BY(change_mutex_);  // when the last holder has let go
  std::atomic<std::uint64_t> seal_generation_{0};
};

}  // namespace coffer::keysvc
