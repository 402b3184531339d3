// Census: how many values name each key, as registered sources have counted and as the vault's own store shows.
// Destroying a version relies on it, so it is judged strictly; pure but for CountVaultValues.
#pragma once

#include <map>

#include "keysvc/keys/key_table.h"
#include "keysvc/store/authenticated_store.h"
#include "keysvc/store/records.h"

namespace coffer::keysvc {

inline constexpr std::size_t kMaxReportedKeys = 250'000;                                  // of one report
inline constexpr std::int64_t kMinCensusAge = std::int64_t{60} * 1'000'000;               // a minute
inline constexpr std::int64_t kMaxCensusAge = std::int64_t{365} * 24 * 3600 * 1'000'000;  // a year
inline constexpr std::int64_t kCensusClockSlack = std::int64_t{300} * 1'000'000;  // how far a source's clock may lead

using KeyCounts = std::vector<std::pair<KeyId, std::uint64_t>>;  // by id, no id twice

// What a source's last report is worth now.
enum class CensusStanding : std::uint8_t {
  kFresh,
  kNeverReported,
  kStale,
  kAhead,     // counted later than now: one of the clocks is wrong
  kDbaAlone,  // reported by a database administrator, which alone lets nothing be destroyed
};
CensusStanding StandingOf(const CensusSourceRecord& source, std::int64_t now_us);

using ValuesByVersion = std::map<KeyVersion, std::uint64_t>;
// How many of the counted values name a key of each version of this keyring. Stays at the largest number instead of
// overflowing.
ValuesByVersion CountsIn(const KeyCounts& counts, KeyringUuid keyring, const KeyTable& keys);
std::uint64_t ValuesOf(const ValuesByVersion& values, KeyVersion version);

// Ok when the source speaks for the present and counted no value under a version. `values`: what it counted under it;
// `since_us`: when the version stopped encrypting, and a count from before that says nothing. kFailedPrecondition names
// the source and says why not.
Status CheckSource(const CensusSourceRecord& source, std::int64_t now_us, std::int64_t since_us, std::uint64_t values);
// The same for the vault's own values.
Status CheckVault(std::uint64_t values);

// Sorted by id, without zeros. kInvalidArgument At "counts": too many, an id that no key can have, one twice.
Result<KeyCounts> CheckedCounts(KeyCounts counts);

// The keys that the vault's stored values name. Reads all of the vault, page by page, each in a transaction of its own.
Result<KeyCounts> CountVaultValues(AuthenticatedStore& store);

}  // namespace coffer::keysvc
