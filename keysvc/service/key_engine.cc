#include "keysvc/service/key_engine.h"

#include <algorithm>

#include "crypto/names.h"
#include "crypto/random.h"
#include "keysvc/store/records.h"

namespace coffer::keysvc {
namespace {

Error NoKeyring() { return Error(ErrorCode::kNotFound, "there is no keyring of this name"); }

Version FirstVersion(KeyringUuid keyring, KeyVersion number, std::int64_t now) {
  return Version{
      .keyring = keyring, .version = number, .state = VersionState::kEnabled, .created_us = now, .changed_us = now};
}

std::uint64_t UnixMillis(const Clock& clock) { return static_cast<std::uint64_t>(clock.UnixMicros() / 1000); }

}  // namespace

KeyEngine::KeyEngine(AuthenticatedStore& store, StoreUuid uuid, RootKey root, const Clock& clock,
                     const Options& options)
    : store_(store),
      uuid_(uuid),
      root_(std::move(root)),
      decoy_key_(RandomSecret(kKeySize)),
      clock_(clock),
      destroy_delay_us_(options.destroy_delay_us),
      backup_retention_us_(options.backup_retention_us),
      ciphers_(options.cipher_cache),
      tokenizers_(options.tokenizer_cache) {}

Result<std::unique_ptr<KeyEngine>> KeyEngine::Load(AuthenticatedStore& store, StoreUuid uuid, RootKey root,
                                                   const Clock& clock, const Options& options) {
  std::unique_ptr<KeyEngine> engine(new KeyEngine(store, uuid, std::move(root), clock, options));
  const Lock lock(engine->mutation_mutex_);
  COFFER_TRY(engine->Reload());
  const ReadLock reading(engine->table_mutex_);
  engine->erase_pending_ = engine->EndedLately();
  return engine;
}

Status KeyEngine::CatchUp() {
  COFFER_TRY(store_.Epoch());
  return stale_ || store_.foreign_commits() != foreign_seen_ ? Reload() : Status();
}

Status KeyEngine::Refresh() {
  const Lock mutating(mutation_mutex_);
  return CatchUp();
}

Status KeyEngine::Mutate(std::string_view keyring, const std::function<Status(StoreMutation&)>& act,
                         const std::function<Status(const Tables&)>& apply) {
  const Lock mutating(mutation_mutex_);
  COFFER_TRY(CatchUp());
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, Begin(keyring));
  COFFER_TRY(act(mutation));
  const Status committed = mutation.Commit();
  if (!committed.ok()) {
    stale_ = true;
    return committed;
  }
  const Lock lock(table_mutex_);
  Status applied = apply({.keys = table_, .keks = keks_, .upkeep = upkeep_});
  stale_ = !applied.ok();
  return applied;
}

Status KeyEngine::ChangeTables(const std::function<Result<bool>(StoreMutation&)>& act) {
  {
    const Lock mutating(mutation_mutex_);
    COFFER_TRY(CatchUp());
    COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
    COFFER_ASSIGN_OR_RETURN(const bool wanted, act(mutation));
    if (!wanted) return {};
    stale_ = true;
    COFFER_TRY(mutation.Commit());
    COFFER_TRY(Reload());
    erase_pending_ = true;
  }
  // What was changed is changed, whether or not the old bytes are out of the files yet.
  const Status erased = FinishErasing();
  static_cast<void>(erased);
  return {};
}

Result<StoreMutation> KeyEngine::Begin(std::string_view keyring) {
  constexpr int kAttempts = 3;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    {
      COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
      COFFER_ASSIGN_OR_RETURN(const bool behind, IsBehind(mutation, keyring));
      if (!behind) return mutation;
    }
    COFFER_TRY(Reload());
  }
  return Error(ErrorCode::kUnavailable, "another process keeps changing the keyring: try again");
}

Result<bool> KeyEngine::IsBehind(StoreMutation& mutation, std::string_view name) {
  const ReadLock lock(table_mutex_);
  const Keyring* keyring = table_.FindKeyring(name);
  if (keyring == nullptr) return false;
  const Row key{UuidDatum(keyring->uuid)};
  COFFER_ASSIGN_OR_RETURN(const std::optional<Row> stored, mutation.Get(Table::kKeyring, key));
  if (!stored || *stored != ToRow(*keyring)) return true;
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, mutation.Scan({.table = Table::kKeyVersion, .equals = key}));
  const std::vector<const Version*> versions = table_.VersionsOf(keyring->uuid);
  return !std::equal(rows.begin(), rows.end(), versions.begin(), versions.end(),
                     [](const Row& row, const Version* version) { return row == ToRow(*version); });
}

Result<KeyringView> KeyEngine::CreateKeyring(std::string_view name, KeyringPurpose purpose) {
  if (!IsSlug(name))
    return Error(ErrorCode::kInvalidArgument, "a keyring's name is [a-z0-9][a-z0-9-]*, at most 63 characters")
        .At("name");
  const std::int64_t now = clock_.UnixMicros();
  Keyring keyring{.uuid = KeyringUuid::Generate(UnixMillis(clock_)),
                  .name = std::string(name),
                  .purpose = purpose,
                  .primary = KeyVersion{1},
                  .created_us = now};
  const SecretBytes kek_bytes = RandomSecret(kKeySize);
  Kek kek{.keyring = keyring.uuid, .check = DeriveKeyCheckValue(kek_bytes), .created_us = now};
  const Version version = FirstVersion(keyring.uuid, KeyVersion{1}, now);

  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      if (table_.FindKeyring(name) != nullptr)
        return Error(ErrorCode::kAlreadyExists, "there is a keyring of this name").At("name");
      if (table_.keyring_count() >= kMaxKeyrings) {
        return Error(ErrorCode::kResourceExhausted, "there are as many keyrings as a store may have")
            .WithLimit(kMaxKeyrings);
      }
      kek.id = keyring.kek = UnusedKeyId();
    }
    COFFER_ASSIGN_OR_RETURN(kek.wrapped,
                            WrapKey(root_.bytes, root_.id, WrapContext::Kek(uuid_, keyring.uuid, kek.id), kek_bytes));
    COFFER_TRY(mutation.Insert(Table::kKeyring, ToRow(keyring)));
    COFFER_TRY(mutation.Insert(Table::kKek, ToRow(kek)));
    return mutation.Insert(Table::kKeyVersion, ToRow(version));
  };
  COFFER_TRY(Mutate({}, act, [&](const Tables& tables) -> Status {
    COFFER_TRY(tables.keys.Add(keyring));
    COFFER_TRY(tables.keys.Add(kek));
    COFFER_TRY(tables.keys.Add(version));
    tables.keks.emplace(kek.id, kek_bytes.Clone());
    return {};
  }));
  return GetKeyring(name);
}

Result<KeyringView> KeyEngine::RotateKeyring(std::string_view name, KeyVersion expected) {
  Keyring keyring;
  Version version;
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      const Keyring* found = table_.FindKeyring(name);
      if (found == nullptr) return NoKeyring().At("name");
      keyring = *found;
      if (expected != KeyVersion{} && expected != keyring.primary) {
        return Error(ErrorCode::kConflict,
                     "the primary version is another than expected: show the keyring, then decide")
            .At("expected_primary_version");
      }
      const std::uint32_t newest = table_.VersionsOf(keyring.uuid).back()->version.value;
      if (newest >= kMaxKeyVersions) {
        return Error(ErrorCode::kResourceExhausted, "the keyring has as many versions as it may")
            .WithLimit(kMaxKeyVersions);
      }
      version = FirstVersion(keyring.uuid, KeyVersion{newest + 1}, clock_.UnixMicros());
    }
    keyring.primary = version.version;
    COFFER_TRY(mutation.Insert(Table::kKeyVersion, ToRow(version)));
    return mutation.Update(Table::kKeyring, ToRow(keyring));
  };
  COFFER_TRY(Mutate(name, act, [&](const Tables& tables) -> Status {
    COFFER_TRY(tables.keys.Add(version));
    return tables.keys.Replace(keyring);
  }));
  return GetKeyring(name);
}

Result<KeyringView> KeyEngine::DisableVersion(std::string_view name, KeyVersion version) {
  return SetVersionState(name, version, VersionState::kDisabled);
}

Result<KeyringView> KeyEngine::EnableVersion(std::string_view name, KeyVersion version) {
  return SetVersionState(name, version, VersionState::kEnabled);
}

bool KeyEngine::IsInState(std::string_view name, KeyVersion number, VersionState state) const {
  const ReadLock lock(table_mutex_);
  const Keyring* keyring = table_.FindKeyring(name);
  const Version* version = keyring == nullptr ? nullptr : table_.FindVersion(keyring->uuid, number);
  return version != nullptr && version->state == state;
}

Result<KeyringView> KeyEngine::SetVersionState(std::string_view name, KeyVersion number, VersionState state) {
  if (IsInState(name, number, state)) return GetKeyring(name);
  Version version;
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      const Keyring* keyring = table_.FindKeyring(name);
      if (keyring == nullptr) return NoKeyring().At("name");
      const Version* found = table_.FindVersion(keyring->uuid, number);
      if (found == nullptr) return Error(ErrorCode::kNotFound, "the keyring has no such version").At("version");
      if (state == VersionState::kDisabled && keyring->primary == number) {
        return Error(ErrorCode::kFailedPrecondition, "the primary version cannot be disabled: rotate first")
            .At("version");
      }
      if (found->state != VersionState::kEnabled && found->state != VersionState::kDisabled) {
        return Error(ErrorCode::kFailedPrecondition, "the version is destroyed or about to be").At("version");
      }
      version = *found;
    }
    version.state = state;
    version.changed_us = clock_.UnixMicros();
    return mutation.Update(Table::kKeyVersion, ToRow(version));
  };
  COFFER_TRY(Mutate(name, act, [&](const Tables& tables) -> Status {
    COFFER_TRY(tables.keys.Replace(version));
    if (state == VersionState::kDisabled) {
      ciphers_.Clear();
      tokenizers_.Clear();
    }
    generation_.fetch_add(1, std::memory_order_acq_rel);
    return {};
  }));
  return GetKeyring(name);
}

Result<Tenant> KeyEngine::CreateTenant(std::string_view name) {
  if (!IsSlug(name))
    return Error(ErrorCode::kInvalidArgument, "a tenant's name is [a-z0-9][a-z0-9-]*, at most 63 characters")
        .At("name");
  const Tenant tenant{
      .uuid = TenantUuid::Generate(UnixMillis(clock_)), .name = std::string(name), .created_us = clock_.UnixMicros()};
  const auto act = [&](StoreMutation& mutation) -> Status {
    {
      const ReadLock lock(table_mutex_);
      if (table_.FindTenant(name) != nullptr)
        return Error(ErrorCode::kAlreadyExists, "there is a tenant of this name").At("name");
      if (table_.tenant_count() >= kMaxTenants) {
        return Error(ErrorCode::kResourceExhausted, "there are as many tenants as a store may have")
            .WithLimit(kMaxTenants);
      }
    }
    return mutation.Insert(Table::kTenant, ToRow(tenant));
  };
  COFFER_TRY(Mutate({}, act, [&](const Tables& tables) { return tables.keys.Add(tenant); }));
  return tenant;
}

}  // namespace coffer::keysvc
