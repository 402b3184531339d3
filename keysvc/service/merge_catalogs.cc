// The step of a merge that brings catalogs in: scopes by UUID (policy/catalog_merge.h).
#include "keysvc/service/catalogs.h"
#include "keysvc/service/merge_work.h"

namespace coffer::keysvc {
namespace {

class CatalogsMerge {
 public:
  explicit CatalogsMerge(MergeWork& work) : work_(work) {
    ports_.version_here = [this](std::string_view keyring, KeyVersion version) {
      return VersionHere(keyring, version);
    };
    ports_.primary_version = [this](std::string_view keyring) { return work_.here.keys.FindKeyring(keyring)->primary; };
  }

  Status MergeScope(const policy::CatalogLock& there) {
    const auto found = work_.here.locks.find(there.uuid);
    const bool known = found != work_.here.locks.end();
    if (!known) COFFER_TRY(CheckNewScope(there));
    std::optional<policy::CatalogLock> here;
    if (known) here = found->second;
    COFFER_ASSIGN_OR_RETURN(policy::CatalogMerge merge,
                            policy::MergeCatalog(here, there, work_.options.take_fields, ports_));
    MergeFacts& facts = work_.facts;
    facts.scopes += known ? 0 : 1;
    facts.fields += merge.fields;
    facts.index_versions += merge.versions;
    for (policy::IndexMove& move : merge.moves) facts.moves.push_back(std::move(move));
    if (facts.moves.size() > kMaxIndexMoves) {
      return Error(ErrorCode::kResourceExhausted, "has more index versions than one merge may bring in")
          .At("scope " + there.scope)
          .WithLimit(kMaxIndexMoves);
    }
    if (!merge.changed && known) return {};
    CatalogScopeRecord record;
    record.uuid = merge.lock.uuid;
    record.name = merge.lock.scope;
    record.serial = static_cast<std::int64_t>(merge.lock.serial);
    record.lock = policy::WriteCatalogLock(merge.lock);
    record.changed_us = work_.target.now_us;
    COFFER_TRY(known ? work_.Update(Table::kCatalogScope, ToRow(record))
                     : work_.Insert(Table::kCatalogScope, ToRow(record)));
    work_.here.locks.insert_or_assign(record.uuid, std::move(merge.lock));
    return {};
  }

  // The last check: a store whose locks make no view is not loaded again.
  Status CheckTogether() const {
    std::vector<policy::CatalogLock> all;
    for (const auto& [uuid, lock] : work_.here.locks) all.push_back(lock);
    const Result<policy::CatalogView> view = policy::CatalogView::Build(all);
    if (view.ok()) return {};
    return Error(ErrorCode::kFailedPrecondition, "is of another scope here: ids are of one scope only")
        .At(view.error().path());
  }

 private:
  Status CheckNewScope(const policy::CatalogLock& there) const {
    if (work_.here.FindScope(there.scope) != nullptr) {
      return Error(ErrorCode::kFailedPrecondition,
                   "is another scope here, with other ids: it was applied in both stores without the other's lock")
          .At("scope " + there.scope);
    }
    if (work_.here.locks.size() < kMaxScopes) return {};
    return Error(ErrorCode::kResourceExhausted, "there would be more scopes than a store may have")
        .At("scope " + there.scope)
        .WithLimit(kMaxScopes);
  }

  // 0 when its key is not here, or not enabled: a search that asked for its tokens would fail.
  KeyVersion VersionHere(std::string_view name, KeyVersion version) const {
    const Keyring* const keyring = work_.there.keys.FindKeyring(name);
    if (keyring == nullptr) return {};
    const auto found = work_.versions_here.find({keyring->uuid, version});
    if (found == work_.versions_here.end()) return {};
    const Version* const here = work_.here.keys.FindVersion(found->second.keyring, found->second.version);
    return here->state == VersionState::kEnabled ? here->version : KeyVersion{};
  }

  MergeWork& work_;
  policy::CatalogMergePorts ports_;
};

}  // namespace

Status MergeWork::MergeCatalogs() {
  CatalogsMerge merge(*this);
  for (const auto& [uuid, lock] : there.locks) COFFER_TRY(merge.MergeScope(lock));
  return merge.CheckTogether();
}

}  // namespace coffer::keysvc
