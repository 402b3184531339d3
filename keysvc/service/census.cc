#include "keysvc/service/census.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "crypto/field_header.h"
#include "policy/principal.h"

namespace coffer::keysvc {
namespace {

constexpr std::size_t kVaultPage = 32;  // values may be a mebibyte each
constexpr std::string_view kVaultName = "the vault";

Error NotZero(std::uint64_t values, std::string_view source) {
  return Error(ErrorCode::kFailedPrecondition, "the version is still in use: rewrap them, then count again")
      .At(std::to_string(values) + " values left in " + std::string(source));
}

// A principal's id says its role, however it was proven.
bool IsDba(const std::string& principal) {
  constexpr std::string_view kScheme = "spiffe://";
  const Result<policy::Principal> local = policy::ParseUnixPrincipal(principal);
  if (local.ok()) return local->role == policy::Role::kDba;
  if (!principal.starts_with(kScheme)) return false;
  const std::string domain = principal.substr(kScheme.size(), principal.find('/', kScheme.size()) - kScheme.size());
  const Result<policy::Principal> remote = policy::ParseSpiffeId(principal, domain);
  return remote.ok() && remote->role == policy::Role::kDba;
}

// Counts the key ids of one row of secret_version; gives the row's secret.
Result<SecretVersionRecord> Count(const Row& row, std::unordered_map<KeyId, std::uint64_t>& counts) {
  COFFER_ASSIGN_OR_RETURN(SecretVersionRecord version, SecretVersionFromRow(row));
  if (!version.ciphertext) return version;
  const std::optional<FieldHeader> header = FieldHeader::Parse(*version.ciphertext);
  if (!header) return Error(ErrorCode::kIntegrity, "a secret's value is no ciphertext").At("secret_version");
  ++counts[header->key_id];
  return version;
}

}  // namespace

CensusStanding StandingOf(const CensusSourceRecord& source, std::int64_t now_us) {
  if (!source.as_of_us) return CensusStanding::kNeverReported;
  if (IsDba(source.reported_by)) return CensusStanding::kDbaAlone;
  if (*source.as_of_us - kCensusClockSlack > now_us) return CensusStanding::kAhead;
  return now_us - *source.as_of_us > source.max_age_us ? CensusStanding::kStale : CensusStanding::kFresh;
}

ValuesByVersion CountsIn(const KeyCounts& counts, KeyringUuid keyring, const KeyTable& keys) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  ValuesByVersion values;
  for (const auto& [id, count] : counts) {
    const DataKey* key = keys.FindDataKey(id);
    if (key == nullptr || key->keyring != keyring) continue;
    std::uint64_t& sum = values[key->version];
    sum += std::min(count, kMost - sum);
  }
  return values;
}

std::uint64_t ValuesOf(const ValuesByVersion& values, KeyVersion version) {
  const auto found = values.find(version);
  return found == values.end() ? 0 : found->second;
}

Status CheckSource(const CensusSourceRecord& source, std::int64_t now_us, std::int64_t since_us, std::uint64_t values) {
  const auto refused = [&source](Literal why) {
    return Error(ErrorCode::kFailedPrecondition, why).At("census source " + source.name);
  };
  switch (StandingOf(source, now_us)) {
    case CensusStanding::kNeverReported:
      return refused("has never reported");
    case CensusStanding::kStale:
      return refused("its last report is stale: count again");
    case CensusStanding::kAhead:
      return refused("its last report was counted in the future: see the clocks");
    case CensusStanding::kDbaAlone:
      return refused("a database administrator alone reports to it, and that does not count");
    case CensusStanding::kFresh:
      break;
  }
  if (*source.as_of_us < since_us)
    return refused("counted before the version was replaced, or before the order to destroy it: count again");
  if (values > 0) return NotZero(values, source.name);
  return {};
}

Status CheckVault(std::uint64_t values) {
  if (values > 0) return NotZero(values, kVaultName);
  return {};
}

Result<KeyCounts> CheckedCounts(KeyCounts counts) {
  const auto refused = [](Literal why) { return Error(ErrorCode::kInvalidArgument, why).At("counts"); };
  if (counts.size() > kMaxReportedKeys) return refused("names more keys than allowed").WithLimit(kMaxReportedKeys);
  std::sort(counts.begin(), counts.end());
  KeyId last;
  for (const auto& [id, count] : counts) {
    if (!id.IsValid()) return refused("a key id is 1 to 9223372036854775807");
    if (id == last) return refused("names a key twice");
    last = id;
  }
  counts.erase(std::remove_if(counts.begin(), counts.end(), [](const auto& pair) { return pair.second == 0; }),
               counts.end());
  return counts;
}

Result<KeyCounts> CountVaultValues(AuthenticatedStore& store) {
  std::unordered_map<KeyId, std::uint64_t> counts;
  ScanRequest page{.table = Table::kSecretVersion, .equals = {}, .text_prefix = {}, .after = {}, .limit = kVaultPage};
  for (bool more = true; more;) {
    COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, store.Scan(page));
    more = rows.size() == kVaultPage;
    SecretVersionRecord last;
    for (const Row& row : rows) {
      COFFER_ASSIGN_OR_RETURN(last, Count(row, counts));
    }
    if (!more) break;
    // The page may end within a secret's versions: those that follow, then on to the next secret.
    ScanRequest rest = page;
    rest.equals = {UuidDatum(last.secret)};
    rest.after = Datum(last.version.value);
    for (bool versions_left = true; versions_left;) {
      COFFER_ASSIGN_OR_RETURN(const std::vector<Row> versions, store.Scan(rest));
      versions_left = versions.size() == kVaultPage;
      for (const Row& row : versions) {
        COFFER_ASSIGN_OR_RETURN(last, Count(row, counts));
      }
      rest.after = Datum(last.version.value);
    }
    page.after = UuidDatum(last.secret);
  }
  KeyCounts sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

}  // namespace coffer::keysvc
