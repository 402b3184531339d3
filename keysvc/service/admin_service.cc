#include "keysvc/service/admin_service.h"

#include "crypto/names.h"
#include "keysvc/service/authorisation.h"

namespace coffer::keysvc {
namespace {

Status CheckLocalAdmin(const Caller& caller) {
  if (caller.local) return {};
  return Error(ErrorCode::kPermissionDenied, "is served on the admin's unix socket only");
}

constexpr std::size_t kMostLosses = 200;  // that a statement lists; the catalog's digest covers the others

policy::ActFacts FactsOfChange(const policy::CatalogChange& change, const std::string& catalog,
                               const std::string& lock) {
  policy::ActFacts facts;
  facts.Add("scope", change.lock.scope).Add("scope-uuid", change.lock.uuid.ToText());
  facts.Add("catalog", "sha256:" + ToHex(Sha256({AsBytes(catalog)})));
  facts.Add("lock", "sha256:" + ToHex(Sha256({AsBytes(lock)})));
  std::size_t losses = 0;
  for (const policy::ChangeLine& line : change.lines) {
    const bool retires = line.kind == policy::ChangeKind::kRetired;
    if ((!line.weakening && !retires) || ++losses > kMostLosses) continue;
    facts.Add(retires ? "retires" : "weakens", line.what.empty() ? line.field : line.field + ": " + line.what);
  }
  if (losses > kMostLosses) facts.Add("more", losses - kMostLosses);
  return facts;
}

}  // namespace

Result<Barrier::Shared> AdminService::Unseal(const Caller& caller, const std::optional<SealSource>& source) const {
  return pipeline_.Control(
      caller, policy::Operation::kUnseal, [&](Barrier& barrier, CallRecord&) -> Result<Barrier::Shared> {
        COFFER_TRY(CheckLocalAdmin(caller));
        if (source) {
          COFFER_TRY(barrier.Unseal(*source));
          return Barrier::Shared{};
        }
        if (options_.key_file.empty()) {
          return Error(ErrorCode::kInvalidArgument, "no key file is configured: say --key-file FILE or --passphrase")
              .At("seal");
        }
        COFFER_TRY(barrier.Unseal(KeyFileSeal{.path = options_.key_file, .allow_same_device = true}));
        return Barrier::Shared{};
      });
}

Result<Barrier::Shared> AdminService::UnsealByShare(const Caller& caller, const SecretBytes& share) const {
  return pipeline_.Control(caller, policy::Operation::kUnseal,
                           [&](Barrier& barrier, CallRecord&) -> Result<Barrier::Shared> {
                             COFFER_TRY(CheckLocalAdmin(caller));
                             Result<Share> parsed = Share::Parse(share);
                             if (!parsed.ok()) return std::move(parsed).error().At("share");
                             return barrier.UnsealByShare(std::move(parsed).value());
                           });
}

Result<bool> AdminService::Seal(const Caller& caller) const {
  return pipeline_.Control(caller, policy::Operation::kSeal, [&](Barrier& barrier, CallRecord&) -> Result<bool> {
    COFFER_TRY(CheckLocalAdmin(caller));
    COFFER_TRY(barrier.Seal());
    return true;
  });
}

Result<StatusView> AdminService::ShowStatus(const Caller& caller) const {
  return pipeline_.Look(caller, policy::Operation::kShowStatus,
                        [&](Barrier& barrier, CallRecord&) -> Result<StatusView> {
                          StatusView view;
                          COFFER_ASSIGN_OR_RETURN(view.facts, barrier.facts());
                          view.started_us = options_.started_us;
                          view.memory_locked = options_.memory_locked;
                          view.principal = caller.principal.id;
                          if (options_.audit) view.audit = options_.audit();
                          const Result<std::shared_ptr<Unsealed>> unsealed = barrier.Enter();
                          if (!unsealed.ok()) return view;
                          view.counts = (*unsealed)->keys->counts();
                          view.scopes = (*unsealed)->catalogs->Scopes().size();
                          COFFER_ASSIGN_OR_RETURN(const StoreEpoch epoch, (*unsealed)->store->Epoch());
                          view.store_epoch = epoch.value;
                          return view;
                        });
}

Result<policy::CatalogChange> AdminService::Apply(const Caller& caller, const std::string& catalog,
                                                  const std::string& lock) const {
  const auto act = [&](Unsealed& unsealed, CallRecord& record) -> Result<policy::CatalogChange> {
    const auto allow = [&](const policy::CatalogChange& change) -> Status {
      record.object = change.lock.scope;
      record.items = change.lines.size();
      if (!change.NeedsSecondPerson()) return Authorise(record, {});
      COFFER_TRY(AuthoriseApproved(unsealed, record, policy::Operation::kWeakenCatalog, {},
                                   [&]() -> Result<policy::ActFacts> { return FactsOfChange(change, catalog, lock); }));
      return {};
    };
    return unsealed.catalogs->Apply(catalog, lock, allow);
  };
  return pipeline_.Mutate(caller, policy::Operation::kApplyCatalog, act);
}

Result<policy::CatalogChange> AdminService::Diff(const Caller& caller, const std::string& catalog,
                                                 const std::string& lock) const {
  return pipeline_.Read(caller, policy::Operation::kDiffCatalog,
                        [&](Unsealed& unsealed, CallRecord& record) -> Result<policy::CatalogChange> {
                          COFFER_ASSIGN_OR_RETURN(policy::CatalogChange change, unsealed.catalogs->Plan(catalog, lock));
                          record.object = change.lock.scope;
                          record.items = change.lines.size();
                          return change;
                        });
}

Result<AdminService::CatalogText> AdminService::ShowCatalog(const Caller& caller, const std::string& scope) const {
  return pipeline_.Read(caller, policy::Operation::kShowCatalog,
                        [&](Unsealed& unsealed, CallRecord& record) -> Result<CatalogText> {
                          CatalogText text;
                          if (scope.empty()) {
                            text.scopes = unsealed.catalogs->Scopes();
                            return text;
                          }
                          if (IsIdentifier(scope)) record.object = scope;
                          COFFER_ASSIGN_OR_RETURN(text.lock, unsealed.catalogs->LockOf(scope));
                          return text;
                        });
}

}  // namespace coffer::keysvc
