// The step of a merge that brings keys in: keyrings by name, their versions as further ones that never encrypt here,
// and data keys with their ids, wrapped anew.
#include <algorithm>

#include "crypto/random.h"
#include "keysvc/service/merge_work.h"

namespace coffer::keysvc {
namespace {

using Place = MergeWork::Place;

Error Refused(Literal message) { return Error(ErrorCode::kFailedPrecondition, message); }

Error TooManyVersions() {
  return Error(ErrorCode::kResourceExhausted, "would have more versions than a keyring may").WithLimit(kMaxKeyVersions);
}

class KeyMerge {
 public:
  explicit KeyMerge(MergeWork& work) : work_(work) {
    for (const auto& [place, origins] : work.here.upkeep.origins) {
      for (const VersionOriginRecord& origin : origins) known_.emplace(origin.there, Place{place.first, place.second});
    }
  }

  Status MergeKeyring(const Keyring& there) {
    const Keyring* const found = work_.here.keys.FindKeyring(there.name);
    if (found != nullptr && found->purpose != there.purpose) return Refused("is a keyring of another purpose here");
    const std::vector<const Version*> versions = work_.there.keys.VersionsOf(there.uuid);
    if (found == nullptr && versions.size() >= kMaxKeyVersions) return TooManyVersions();
    if (found == nullptr) COFFER_TRY(MakeKeyring(there, KeyVersion{static_cast<std::uint32_t>(versions.size() + 1)}));
    const Keyring here = *work_.here.keys.FindKeyring(there.name);
    for (const Version* version : versions) COFFER_TRY(MergeVersion(*version, here));
    return found == nullptr ? AddPrimary(here) : Status();
  }

  Status MergeDataKey(const DataKey& key) {
    const Place place = work_.versions_here.at({key.keyring, key.version});
    const DataKey* const known = work_.here.keys.FindDataKey(key.id);
    if (known != nullptr && known->keyring == place.keyring && known->version == place.version &&
        known->tenant == key.tenant && EqualConstantTime(known->check, key.check)) {
      return {};
    }
    if (work_.here.keys.HasKeyId(key.id)) return Refused("has a key whose id is another key's here");
    const Version* const version = work_.here.keys.FindVersion(place.keyring, place.version);
    if (version->state == VersionState::kDestroyed || work_.IsDestroyedHere(key.tenant)) {
      ++work_.facts.left_out;
      return {};
    }
    if (work_.here.keys.FindDataKey(place.keyring, place.version, key.tenant) != nullptr) {
      return Refused(
          "has another key here for the same version and tenant: two stores are copies of one, or one was put "
          "back");
    }
    COFFER_ASSIGN_OR_RETURN(const SecretBytes bytes, work_.there.Unwrap(key));
    DataKey here = key;
    here.keyring = place.keyring;
    here.version = place.version;
    here.kek = work_.here.keys.FindKeyring(place.keyring)->kek;
    COFFER_ASSIGN_OR_RETURN(here.wrapped, work_.here.Wrap(here, bytes));
    COFFER_TRY(work_.Insert(Table::kDataKey, ToRow(here)));
    ++work_.facts.data_keys;
    return work_.here.keys.Add(std::move(here));
  }

 private:
  KeyId UnusedKeyId() const {
    KeyId id = KeyId::Generate();
    while (work_.here.keys.HasKeyId(id) || work_.there.keys.HasKeyId(id)) id = KeyId::Generate();
    return id;
  }

  // A keyring that is not here yet, under a KEK of here. Its own version, `primary`, comes after those of there.
  Status MakeKeyring(const Keyring& there, KeyVersion primary) {
    if (work_.here.keys.keyring_count() >= kMaxKeyrings) {
      return Error(ErrorCode::kResourceExhausted, "there would be more keyrings than a store may have")
          .WithLimit(kMaxKeyrings);
    }
    const std::int64_t now = work_.target.now_us;
    Keyring keyring = there;
    keyring.uuid = KeyringUuid::Generate(static_cast<std::uint64_t>(now / 1000));
    keyring.kek = UnusedKeyId();
    keyring.primary = primary;
    keyring.created_us = now;
    SecretBytes bytes = RandomSecret(kKeySize);
    Kek kek{.id = keyring.kek, .keyring = keyring.uuid, .check = DeriveKeyCheckValue(bytes), .created_us = now};
    COFFER_ASSIGN_OR_RETURN(kek.wrapped, WrapKey(work_.target.root.bytes, work_.target.root.id,
                                                 WrapContext::Kek(work_.target.uuid, keyring.uuid, kek.id), bytes));
    COFFER_TRY(work_.Insert(Table::kKeyring, ToRow(keyring)));
    COFFER_TRY(work_.Insert(Table::kKek, ToRow(kek)));
    COFFER_TRY(work_.here.keys.Add(keyring));
    COFFER_TRY(work_.here.keys.Add(kek));
    work_.here.keks.emplace(kek.id, std::move(bytes));
    ++work_.facts.keyrings;
    return {};
  }

  Status AddPrimary(const Keyring& keyring) {
    const std::int64_t now = work_.target.now_us;
    return AddRow({.keyring = keyring.uuid,
                   .version = keyring.primary,
                   .state = VersionState::kEnabled,
                   .created_us = now,
                   .changed_us = now});
  }

  Status AddRow(const Version& version) {
    COFFER_TRY(work_.Insert(Table::kKeyVersion, ToRow(version)));
    return work_.here.keys.Add(version);
  }

  // All that a version there is known as; where it is here is not filled in.
  std::vector<VersionOriginRecord> OriginsOf(const Version& version) const {
    std::vector<VersionOriginRecord> origins = work_.there.upkeep.OriginsOf(version.keyring, version.version);
    VersionOriginRecord itself;
    itself.there = {work_.source.uuid, version.keyring, version.version};
    itself.default_tenant = work_.there.keys.FindTenant(kDefaultTenant)->uuid;
    origins.push_back(itself);
    for (VersionOriginRecord& origin : origins) origin.merged_us = work_.target.now_us;
    return origins;
  }

  // Where it is here; nothing: nowhere yet.
  Result<std::optional<Place>> FindHere(const std::vector<VersionOriginRecord>& origins) const {
    std::optional<Place> place;
    for (const VersionOriginRecord& origin : origins) {
      std::optional<Place> found;
      if (origin.there.store == work_.target.uuid) {
        found = Place{origin.there.keyring, origin.there.version};
        if (work_.here.keys.FindVersion(found->keyring, found->version) == nullptr) {
          return Refused("has a version that was made here and is not here: this store lost its latest state");
        }
      } else if (const auto known = known_.find(origin.there); known != known_.end()) {
        found = known->second;
      }
      if (found && place && *found != *place) return Refused("has a version that is two versions here");
      if (found) place = found;
    }
    return place;
  }

  Status MergeVersion(const Version& there, const Keyring& keyring) {
    const std::vector<VersionOriginRecord> origins = OriginsOf(there);
    COFFER_ASSIGN_OR_RETURN(std::optional<Place> place, FindHere(origins));
    if (place && place->keyring != keyring.uuid) return Refused("has a version that is another keyring's here");
    if (place) {
      COFFER_TRY(MeetVersion(there, keyring, *place));
    } else {
      COFFER_ASSIGN_OR_RETURN(place, AddVersion(there, keyring));
    }
    work_.versions_here.emplace(Place{there.keyring, there.version}, *place);
    // One that was made here is known by that alone.
    const bool made_here = std::any_of(origins.begin(), origins.end(), [this](const VersionOriginRecord& origin) {
      return origin.there.store == work_.target.uuid;
    });
    return made_here ? Status() : AddOrigins(origins, *place);
  }

  Status AddOrigins(const std::vector<VersionOriginRecord>& origins, const Place& place) {
    for (VersionOriginRecord origin : origins) {
      if (!known_.emplace(origin.there, place).second) continue;
      origin.keyring = place.keyring;
      origin.version = place.version;
      COFFER_TRY(work_.Insert(Table::kVersionOrigin, ToRow(origin)));
      work_.here.upkeep.Put(origin);
    }
    return {};
  }

  Result<std::optional<Place>> AddVersion(const Version& there, const Keyring& keyring) {
    const std::vector<const Version*> present = work_.here.keys.VersionsOf(keyring.uuid);
    const std::uint32_t newest = present.empty() ? 0 : present.back()->version.value;
    if (newest >= kMaxKeyVersions) return TooManyVersions();
    Version version = there;
    version.keyring = keyring.uuid;
    version.version = KeyVersion{newest + 1};
    COFFER_TRY(AddRow(version));
    ++work_.facts.versions;
    const DestructionRecord* const ended = work_.there.upkeep.Find(DestructionKey::Of(there.keyring, there.version));
    if (ended != nullptr) {
      DestructionRecord record = *ended;
      record.subject = Uuid{keyring.uuid.bytes};
      record.version = version.version;
      if (record.state == DestructionState::kScheduled) {
        record.due_us = std::max(record.due_us, work_.target.now_us + work_.target.destroy_delay_us);
      }
      COFFER_TRY(work_.Put(std::move(record)));
    }
    return std::optional(Place{keyring.uuid, version.version});
  }

  // It is here already: the stricter state counts.
  Status MeetVersion(const Version& there, const Keyring& keyring, const Place& place) {
    Version version = *work_.here.keys.FindVersion(place.keyring, place.version);
    const VersionState wanted = std::min(there.state, VersionState::kDestroyScheduled);
    const bool in_use = keyring.primary == version.version || work_.here.HasIndexUnder(keyring.name, version.version);
    if (wanted <= version.state || in_use) return {};
    if (wanted == VersionState::kDestroyScheduled) {
      DestructionRecord record =
          work_.ScheduledHere(work_.there.upkeep.Find(DestructionKey::Of(there.keyring, there.version)));
      record.kind = DestructionKind::kKeyVersion;
      record.subject = Uuid{place.keyring.bytes};
      record.version = place.version;
      record.before = version.state;
      COFFER_TRY(work_.Put(std::move(record)));
    }
    version.state = wanted;
    version.changed_us = work_.target.now_us;
    COFFER_TRY(work_.Update(Table::kKeyVersion, ToRow(version)));
    ++work_.facts.ended;
    return work_.here.keys.Replace(version);
  }

  MergeWork& work_;
  std::map<VersionPlace, Place> known_;  // where versions of other stores are here
};

}  // namespace

Status MergeWork::MergeKeys() {
  KeyMerge merge(*this);
  for (const Keyring* keyring : there.keys.KeyringsAfter({}, there.keys.keyring_count())) {
    Status merged = merge.MergeKeyring(*keyring);
    if (!merged.ok()) return std::move(merged).error().At("keyring " + keyring->name);
  }
  for (const DataKey& key : there.data_keys) {
    Status merged = merge.MergeDataKey(key);
    if (!merged.ok()) return std::move(merged).error().At("keyring " + there.keys.FindKeyring(key.keyring)->name);
  }
  return {};
}

}  // namespace coffer::keysvc
