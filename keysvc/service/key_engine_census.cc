// The part of KeyEngine that keeps census sources and judges by them.
#include <algorithm>

#include "crypto/names.h"
#include "keysvc/service/key_engine.h"

namespace coffer::keysvc {
namespace {

Error NoSource() { return Error(ErrorCode::kNotFound, "there is no census source of this name").At("name"); }

}  // namespace

Result<CensusSourceView> KeyEngine::RegisterCensusSource(std::string_view name, std::int64_t max_age_us,
                                                         const std::string& by) {
  if (!IsSlug(name)) {
    return Error(ErrorCode::kInvalidArgument, "a census source's name is [a-z0-9][a-z0-9-]*, at most 63 characters")
        .At("name");
  }
  if (max_age_us < kMinCensusAge || max_age_us > kMaxCensusAge) {
    return Error(ErrorCode::kInvalidArgument, "must be a minute to 365 days, in microseconds").At("max_age_us");
  }
  CensusSourceRecord source;
  source.name = std::string(name);
  source.max_age_us = max_age_us;
  source.created_us = clock_.UnixMicros();
  source.created_by = by;
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      if (upkeep_.sources.contains(source.name)) {
        return Error(ErrorCode::kAlreadyExists, "there is a census source of this name").At("name");
      }
      if (upkeep_.sources.size() >= kMaxCensusSources) {
        return Error(ErrorCode::kResourceExhausted, "there are as many census sources as a store may have")
            .WithLimit(kMaxCensusSources);
      }
    }
    return mutation.Insert(Table::kCensusSource, ToRow(source));
  };
  COFFER_TRY(Mutate({}, act, [&](const Tables& tables) -> Status {
    tables.upkeep.sources.insert_or_assign(source.name, source);
    return {};
  }));
  const ReadLock lock(table_mutex_);
  return ViewOf(source);
}

Status KeyEngine::CheckRemoveCensusSource(std::string_view name) const {
  const ReadLock lock(table_mutex_);
  if (!upkeep_.sources.contains(name)) return NoSource();
  if (upkeep_.ReliesOnCensus()) {
    return Error(ErrorCode::kFailedPrecondition,
                 "a version that is scheduled for destruction relies on the census: cancel that first")
        .At("name");
  }
  return {};
}

Status KeyEngine::RemoveCensusSource(std::string_view name) {
  const auto act = [&](StoreMutation& mutation) -> Status {
    COFFER_TRY(CheckRemoveCensusSource(name));
    return mutation.Erase(Table::kCensusSource, {std::string(name)});
  };
  return Mutate({}, act, [&](const Tables& tables) -> Status {
    tables.upkeep.sources.erase(std::string(name));
    return {};
  });
}

std::vector<CensusSourceView> KeyEngine::ListCensusSources() const {
  const ReadLock lock(table_mutex_);
  std::vector<CensusSourceView> views;
  for (const auto& [name, source] : upkeep_.sources) views.push_back(ViewOf(source));
  return views;
}

Result<CensusSourceView> KeyEngine::ReportCensus(std::string_view name, std::int64_t as_of_us, KeyCounts counts,
                                                 const std::string& by) {
  const std::int64_t now = clock_.UnixMicros();
  if (as_of_us <= 0 || as_of_us > now + kCensusClockSlack) {
    return Error(ErrorCode::kInvalidArgument, "must be a time, and not in the future").At("as_of_us");
  }
  // A clock that is a little ahead counted at the latest now: not after what is changed next.
  as_of_us = std::min(as_of_us, now);
  COFFER_ASSIGN_OR_RETURN(counts, CheckedCounts(std::move(counts)));
  CensusSourceRecord source;
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      const auto found = upkeep_.sources.find(name);
      if (found == upkeep_.sources.end()) return NoSource();
      if (!found->second.reported_by.empty() && found->second.reported_by != by) {
        return Error(ErrorCode::kPermissionDenied, "another principal reports to this census source").At("name");
      }
      if (as_of_us < found->second.as_of_us.value_or(0)) {
        return Error(ErrorCode::kConflict, "was counted before the last report").At("as_of_us");
      }
      source = found->second;
    }
    source.as_of_us = as_of_us;
    source.reported_us = now;
    source.reported_by = by;
    source.counts = std::move(counts);
    return mutation.Update(Table::kCensusSource, ToRow(source));
  };
  COFFER_TRY(Mutate({}, act, [&](const Tables& tables) -> Status {
    tables.upkeep.sources.insert_or_assign(source.name, source);
    return {};
  }));
  const ReadLock lock(table_mutex_);
  return ViewOf(source);
}

CensusSourceView KeyEngine::ViewOf(const CensusSourceRecord& source) const {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  CensusSourceView view;
  view.source = source;
  view.source.counts.clear();
  view.standing = StandingOf(source, clock_.UnixMicros());
  for (const auto& [id, count] : source.counts) {
    view.values += std::min(count, kMost - view.values);
    if (table_.FindDataKey(id) == nullptr) view.unknown_values += std::min(count, kMost - view.unknown_values);
  }
  return view;
}

Result<KeyCounts> KeyEngine::VaultValues(std::string_view keyring) {
  if (keyring != kSecretsKeyring) return KeyCounts();
  return CountVaultValues(store_);
}

std::optional<std::int64_t> KeyEngine::EndOfEncrypting(const Version& version) const {
  // One that was merged in never encrypted here; its values came with it, or later.
  const std::vector<VersionOriginRecord>& origins = upkeep_.OriginsOf(version.keyring, version.version);
  if (!origins.empty()) return origins.front().merged_us;
  for (const Version* next : table_.VersionsOf(version.keyring)) {
    const bool made_here = upkeep_.OriginsOf(next->keyring, next->version).empty();
    if (next->version > version.version && made_here) return next->created_us;
  }
  return std::nullopt;
}

KeyEngine::CensusSums KeyEngine::SumsOf(KeyringUuid keyring, const KeyCounts& vault) const {
  CensusSums sums;
  for (const auto& [name, source] : upkeep_.sources) sums.sources.push_back(CountsIn(source.counts, keyring, table_));
  sums.vault = CountsIn(vault, keyring, table_);
  return sums;
}

Status KeyEngine::CheckCensus(const Version& version, const CensusSums& sums, const CensusDemand& demand) const {
  if (upkeep_.sources.empty() && !demand.no_sources) {
    return Error(ErrorCode::kFailedPrecondition,
                 "no census source is registered: register what holds ciphertexts, or say that nothing does")
        .At("no_sources");
  }
  const std::int64_t since = std::max(EndOfEncrypting(version).value_or(demand.now_us), demand.counted_since_us);
  std::size_t index = 0;
  for (const auto& [name, source] : upkeep_.sources) {
    COFFER_TRY(CheckSource(source, demand.now_us, since, ValuesOf(sums.sources[index++], version.version)));
  }
  return CheckVault(ValuesOf(sums.vault, version.version));
}

Result<KeyringCensus> KeyEngine::GetCensus(std::string_view name) {
  COFFER_ASSIGN_OR_RETURN(const KeyCounts vault, VaultValues(name));
  const std::int64_t now = clock_.UnixMicros();
  const ReadLock lock(table_mutex_);
  const Keyring* keyring = table_.FindKeyring(name);
  if (keyring == nullptr) return Error(ErrorCode::kNotFound, "there is no keyring of this name").At("name");
  KeyringCensus census{.keyring = keyring->name, .sources = {}, .versions = {}};
  for (const auto& [source_name, source] : upkeep_.sources) census.sources.push_back(ViewOf(source));
  const CensusSums sums = SumsOf(keyring->uuid, vault);
  for (const Version* version : table_.VersionsOf(keyring->uuid)) {
    KeyringCensus::OfVersion of{.version = *version,
                                .data_keys = table_.DataKeyCount(keyring->uuid, version->version),
                                .values = {},
                                .vault_values = ValuesOf(sums.vault, version->version),
                                .refusal = {}};
    for (const ValuesByVersion& source : sums.sources) of.values.push_back(ValuesOf(source, version->version));
    const Status counted = CheckCensus(*version, sums, {.now_us = now});
    if (version->version == keyring->primary) {
      of.refusal = "it is the primary version: rotate first";
    } else if (version->state == VersionState::kDestroyed) {
      of.refusal = "it is destroyed";
    } else if (!counted.ok()) {
      of.refusal = counted.error().ToString();
    }
    census.versions.push_back(std::move(of));
  }
  return census;
}

}  // namespace coffer::keysvc
