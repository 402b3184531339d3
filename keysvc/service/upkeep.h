// What is kept beside the keys: what is to be destroyed and was, who counts values, which keyrings rotate by age. Plain
// records as of the store, and what is shown of them.
#pragma once

#include <functional>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "keysvc/service/census.h"

namespace coffer::keysvc {

inline constexpr std::int64_t kMicrosPerDay = std::int64_t{24} * 3600 * 1'000'000;
inline constexpr std::int64_t kMaxDestroyDelay = 365 * kMicrosPerDay;
inline constexpr std::int64_t kMinRotationPeriod = kMicrosPerDay / 24;
inline constexpr std::int64_t kMaxRotationPeriod = 3653 * kMicrosPerDay;  // ten years

// What a destruction is of. The primary key of its row.
struct DestructionKey {
  DestructionKind kind = DestructionKind::kKeyVersion;
  Uuid subject;
  KeyVersion version;
  auto operator<=>(const DestructionKey&) const = default;

  static DestructionKey Of(KeyringUuid keyring, KeyVersion version);
  static DestructionKey Of(TenantUuid tenant);
  static DestructionKey Of(const DestructionRecord& record);
  Row ToPrimaryKey() const;
};

// Not thread-safe: its owner holds a lock.
struct Upkeep {
  std::map<DestructionKey, DestructionRecord> destructions;
  std::map<DestructionKey, std::string> held;  // why what is due was not destroyed; not stored
  std::map<std::string, CensusSourceRecord, std::less<>> sources;
  std::unordered_map<KeyringUuid, RotationRecord> rotations;
  std::unordered_set<TenantUuid> doomed;  // those of `destructions`
  // Versions that were merged in, by where they are here.
  std::map<std::pair<KeyringUuid, KeyVersion>, std::vector<VersionOriginRecord>> origins;

  void Put(DestructionRecord record);
  void Remove(const DestructionKey& key);
  const DestructionRecord* Find(const DestructionKey& key) const;
  void Put(const VersionOriginRecord& origin);
  // Where a version came from, of all stores that it was in; empty when it was made here.
  const std::vector<VersionOriginRecord>& OriginsOf(KeyringUuid keyring, KeyVersion version) const;
  // A version is scheduled for destruction: its sources are relied on.
  bool ReliesOnCensus() const;
};

struct DestructionView {
  DestructionRecord record;
  std::string held;           // due, and why it was not destroyed; empty: not tried or not held
  std::int64_t final_us = 0;  // when the last backup of the store that holds the keys expires
};

// A keyring as it is shown.
struct KeyringView {
  struct VersionView {
    Version version;
    std::uint64_t data_keys = 0;
    std::optional<DestructionView> destruction = {};
    StoreUuid origin = {};  // the store that made it; zeros: this one
  };
  Keyring keyring;
  std::vector<VersionView> versions;    // by number
  std::int64_t rotation_period_us = 0;  // 0: not rotated by age
  std::int64_t next_rotation_us = 0;
};

struct TenantView : Tenant {
  std::optional<DestructionView> destruction = {};
  std::uint64_t data_keys = 0;  // not in lists
};

struct CensusSourceView {
  CensusSourceRecord source;  // without its counts
  CensusStanding standing = CensusStanding::kNeverReported;
  std::uint64_t values = 0;          // that it counted, in all
  std::uint64_t unknown_values = 0;  // of them: under keys that this store does not have
};

// The census of one keyring.
struct KeyringCensus {
  struct OfVersion {
    Version version;
    std::uint64_t data_keys = 0;
    std::vector<std::uint64_t> values;  // one a source
    std::uint64_t vault_values = 0;
    std::string refusal;  // why it may not be destroyed now; empty: it may
  };
  std::string keyring;
  std::vector<CensusSourceView> sources;  // by name
  std::vector<OfVersion> versions;        // by number
};

// Who asks for a destruction, why, and when at the earliest.
struct DestroyOrder {
  std::string by;  // a principal
  std::string reason;
  std::int64_t delay_us = 0;  // 0: the service's own delay
};

// Writes down what is about to be done, and gives that record's index. An error: it must not be done now.
using DueGate = std::function<Result<std::uint64_t>(const std::string& what)>;

// What a run over everything that is due came to.
struct DueReport {
  struct Item {
    std::string what;                         // "keyring shop version 1", "tenant acme"
    std::string why = {};                     // of what was held
    std::optional<std::uint64_t> begin = {};  // what the gate gave
    std::optional<Error> error = {};          // of what failed
  };
  std::vector<Item> done;
  std::vector<Item> failed;      // behind the gate
  std::vector<Item> held;        // due, but its census is not what it has to be; tried again next time
  std::optional<Error> failure;  // the first one; what failed is tried again next time

  // Asks `gate`, when there is one; false: it said no.
  bool Pass(const DueGate& gate, Item& item);
  void Add(Item item, const Status& outcome);
};

}  // namespace coffer::keysvc
