#include "keysvc/service/catalogs.h"

#include "keysvc/store/records.h"

namespace coffer::keysvc {

Result<std::unique_ptr<Catalogs>> Catalogs::Load(AuthenticatedStore& store, const KeyEngine& keys, const Clock& clock) {
  std::unique_ptr<Catalogs> catalogs(new Catalogs(store, keys, clock));
  COFFER_ASSIGN_OR_RETURN(Locks locks, ReadLocks(store));
  COFFER_ASSIGN_OR_RETURN(policy::CatalogView view, ViewOf(locks));
  catalogs->Use(std::move(locks), std::move(view));
  return catalogs;
}

Result<Catalogs::Locks> Catalogs::ReadLocks(AuthenticatedStore& store) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, store.Scan({.table = Table::kCatalogScope}));
  Locks locks;
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(const CatalogScopeRecord record, CatalogScopeFromRow(row));
    Result<policy::CatalogLock> lock = policy::ParseCatalogLock(record.lock);
    if (!lock.ok() || lock->scope != record.name || lock->uuid != record.uuid) {
      return Error(ErrorCode::kIntegrity, "the store holds a catalog that contradicts itself");
    }
    locks.emplace(record.name, std::move(lock).value());
  }
  return locks;
}

Result<policy::CatalogView> Catalogs::ViewOf(const Locks& locks) {
  std::vector<policy::CatalogLock> all;
  for (const auto& [name, lock] : locks) all.push_back(lock);
  return policy::CatalogView::Build(all);
}

void Catalogs::Use(Locks locks, policy::CatalogView view) {
  auto shared = std::make_shared<const policy::CatalogView>(std::move(view));
  const Lock lock(view_mutex_);
  locks_ = std::move(locks);
  view_ = std::move(shared);
  generation_.fetch_add(1, std::memory_order_acq_rel);
}

Result<policy::CatalogChange> Catalogs::PlanAgainst(const Locks& locks, std::string_view catalog_text,
                                                    std::string_view lock_text) const {
  COFFER_ASSIGN_OR_RETURN(const policy::Catalog catalog, policy::ParseCatalog(catalog_text));
  std::optional<policy::CatalogLock> presented;
  if (!lock_text.empty()) {
    Result<policy::CatalogLock> parsed = policy::ParseCatalogLock(lock_text);
    if (!parsed.ok()) return std::move(parsed).error().At("lock");
    presented = std::move(parsed).value();
  }
  std::optional<policy::CatalogLock> stored;
  const auto found = locks.find(catalog.scope);
  if (found != locks.end()) stored = found->second;
  const auto unix_ms = static_cast<std::uint64_t>(clock_.UnixMicros() / 1000);
  const policy::PlanPorts ports{.scope = [unix_ms] { return ScopeUuid::Generate(unix_ms); },
                                .field = [unix_ms] { return FieldUuid::Generate(unix_ms); },
                                .domain = [unix_ms] { return IndexDomainUuid::Generate(unix_ms); },
                                .primary_version =
                                    [this](std::string_view keyring) {
                                      const Result<KeyringView> view = keys_.GetKeyring(keyring);
                                      return view.ok() ? view->keyring.primary : KeyVersion{};
                                    }};
  COFFER_ASSIGN_OR_RETURN(policy::CatalogChange change, policy::PlanApply(catalog, stored, presented, ports));
  if (!stored && locks.size() >= kMaxScopes) {
    return Error(ErrorCode::kResourceExhausted, "there are as many scopes as a store may have")
        .At("scope")
        .WithLimit(kMaxScopes);
  }
  COFFER_TRY(CheckKeyrings(change.lock));
  return change;
}

Status Catalogs::CheckKeyring(const std::string& name, KeyringPurpose purpose) const {
  const std::optional<KeyringPurpose> found = keys_.PurposeOf(name);
  if (!found) {
    return Error(ErrorCode::kFailedPrecondition, "there is no keyring of this name: create it first").At("keyring");
  }
  if (found == purpose) return {};
  switch (purpose) {
    case KeyringPurpose::kIndex:
      return Error(ErrorCode::kFailedPrecondition, "is not a keyring of purpose index").At("keyring");
    case KeyringPurpose::kDeterministic:
      return Error(ErrorCode::kFailedPrecondition, "is not a keyring of purpose deterministic, which suite 4 needs")
          .At("keyring");
    case KeyringPurpose::kEncrypt:
      break;
  }
  return Error(ErrorCode::kFailedPrecondition, "is not a keyring of purpose encrypt").At("keyring");
}

Status Catalogs::CheckKeyrings(const policy::CatalogLock& lock) const {
  for (const policy::LockedField& field : lock.fields) {
    if (field.retired) continue;
    const std::string path = "field." + field.name.ToText();
    const bool deterministic = field.now.form.suite == Suite::kAes256Siv;
    Status checked =
        CheckKeyring(field.now.keyring, deterministic ? KeyringPurpose::kDeterministic : KeyringPurpose::kEncrypt);
    if (!checked.ok()) return std::move(checked).error().At(path);
    for (const policy::LockedIndex& index : field.indexes) {
      if (index.retired) continue;
      Status of_index = CheckKeyring(index.Declared().keyring, KeyringPurpose::kIndex);
      if (!of_index.ok()) return std::move(of_index).error().At(path + ".index." + index.name);
    }
  }
  return {};
}

Result<policy::CatalogChange> Catalogs::Plan(std::string_view catalog, std::string_view lock) const {
  const ReadLock reading(view_mutex_);
  return PlanAgainst(locks_, catalog, lock);
}

Result<policy::CatalogChange> Catalogs::Apply(std::string_view catalog, std::string_view lock,
                                              const std::function<Status(const policy::CatalogChange&)>& allow) {
  const Lock applying(apply_mutex_);
  // From the store, not from memory: an earlier commit whose outcome was unknown may have happened.
  COFFER_ASSIGN_OR_RETURN(Locks locks, ReadLocks(store_));
  COFFER_ASSIGN_OR_RETURN(policy::CatalogChange change, PlanAgainst(locks, catalog, lock));
  const bool known = locks.contains(change.lock.scope);
  locks.insert_or_assign(change.lock.scope, change.lock);
  Result<policy::CatalogView> view = ViewOf(locks);
  if (!view.ok()) {
    return Error(ErrorCode::kFailedPrecondition, "clashes with a scope that the store has: ids are of one scope only")
        .At("catalog.lock");
  }
  COFFER_TRY(allow(change));
  if (change.changed || !known) {
    CatalogScopeRecord record;
    record.uuid = change.lock.uuid;
    record.name = change.lock.scope;
    record.serial = static_cast<std::int64_t>(change.lock.serial);
    record.lock = policy::WriteCatalogLock(change.lock);
    record.changed_us = clock_.UnixMicros();
    COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store_.Begin());
    COFFER_TRY(known ? mutation.Update(Table::kCatalogScope, ToRow(record))
                     : mutation.Insert(Table::kCatalogScope, ToRow(record)));
    COFFER_TRY(mutation.Commit());
  }
  Use(std::move(locks), std::move(view).value());
  return change;
}

Status Catalogs::ChangeUnder(const std::function<Result<bool>()>& act) {
  const Lock applying(apply_mutex_);
  COFFER_ASSIGN_OR_RETURN(const bool changed, act());
  if (!changed) return {};
  COFFER_ASSIGN_OR_RETURN(Locks locks, ReadLocks(store_));
  COFFER_ASSIGN_OR_RETURN(policy::CatalogView view, ViewOf(locks));
  Use(std::move(locks), std::move(view));
  return {};
}

Result<std::string> Catalogs::LockOf(std::string_view scope) const {
  const ReadLock lock(view_mutex_);
  const auto found = locks_.find(scope);
  if (found == locks_.end()) return Error(ErrorCode::kNotFound, "there is no scope of this name").At("scope");
  return policy::WriteCatalogLock(found->second);
}

std::vector<std::string> Catalogs::Scopes() const {
  const ReadLock lock(view_mutex_);
  std::vector<std::string> names;
  for (const auto& [name, locked] : locks_) names.push_back(name);
  return names;
}

std::shared_ptr<const policy::CatalogView> Catalogs::view() const {
  const ReadLock lock(view_mutex_);
  return view_;
}

}  // namespace coffer::keysvc
