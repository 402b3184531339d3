#include "keysvc/service/store_merge.h"

#include <algorithm>
#include <set>

#include "crypto/names.h"
#include "keysvc/service/merge_work.h"

namespace coffer::keysvc {

Status CheckMergeOptions(const MergeOptions& options) {
  if (options.renames.size() > kMaxTenantRenames) {
    return Error(ErrorCode::kInvalidArgument, "names more tenants than allowed")
        .At("rename_tenant")
        .WithLimit(kMaxTenantRenames);
  }
  std::set<std::string> renamed;
  for (const auto& [from, to] : options.renames) {
    if (!IsSlug(from) || !IsSlug(to)) {
      return Error(ErrorCode::kInvalidArgument, "a tenant's name is [a-z0-9][a-z0-9-]*, at most 63 characters")
          .At("rename_tenant");
    }
    if (!renamed.insert(from).second) {
      return Error(ErrorCode::kInvalidArgument, "names a tenant twice").At("rename_tenant");
    }
  }
  if (options.secrets_under.empty()) return {};
  Result<SecretPath> path = SecretPath::Parse(options.secrets_under);
  if (!path.ok()) return std::move(path).error().At("secrets_under");
  return {};
}

Status MergeWork::Open() {
  if (source.uuid == target.uuid) {
    return Error(ErrorCode::kFailedPrecondition, "is a backup of this very store: there is nothing to merge")
        .At("backup");
  }
  const RowSource rows_there = [this](Table table) -> Result<std::vector<Row>> {
    std::vector<Row> rows;
    for (StoredRow& row : source.image.RowsOf(table)) rows.push_back(std::move(row.columns));
    return rows;
  };
  Result<StoreRecords> read = StoreRecords::Read(rows_there, source.uuid, source.root);
  if (!read.ok()) return std::move(read).error().At("backup");
  there = std::move(read).value();
  if (there.keys.FindTenant(kDefaultTenant) == nullptr) {
    return Error(ErrorCode::kIntegrity, "holds no default tenant").At("backup");
  }
  COFFER_ASSIGN_OR_RETURN(here, StoreRecords::Read([this](Table table) { return mutation.Scan({.table = table}); },
                                                   target.uuid, target.root));
  facts.store = source.uuid;
  facts.epoch = source.image.head().epoch;
  return {};
}

Status MergeWork::Insert(Table table, Row row) {
  facts.changed = true;
  return mutation.Insert(table, std::move(row));
}

Status MergeWork::Update(Table table, Row row) {
  facts.changed = true;
  return mutation.Update(table, std::move(row));
}

Status MergeWork::Erase(Table table, const Row& primary_key) {
  facts.changed = true;
  return mutation.Erase(table, primary_key);
}

Status MergeWork::Put(DestructionRecord record) {
  COFFER_TRY(Insert(Table::kDestruction, ToRow(record)));
  here.upkeep.Put(std::move(record));
  return {};
}

DestructionRecord MergeWork::ScheduledHere(const DestructionRecord* of_there) const {
  DestructionRecord record;
  record.due_us = target.now_us + target.destroy_delay_us;
  record.scheduled_us = target.now_us;
  record.scheduled_by = target.by;
  if (of_there == nullptr) return record;
  record.due_us = std::max(record.due_us, of_there->due_us);
  record.reason = of_there->reason;
  return record;
}

bool MergeWork::IsDestroyedHere(TenantUuid tenant) const {
  const DestructionRecord* record = here.upkeep.Find(DestructionKey::Of(tenant));
  return record != nullptr && record->state == DestructionState::kDone;
}

Result<MergeFacts> MergeStores(const MergeSource& source, const MergeTarget& target, const MergeOptions& options,
                               StoreMutation& mutation) {
  COFFER_TRY(CheckMergeOptions(options));
  MergeWork work(source, target, options, mutation);
  COFFER_TRY(work.Open());
  COFFER_TRY(work.MergeTenants());
  COFFER_TRY(work.MergeKeys());
  COFFER_TRY(work.MergeCatalogs());
  COFFER_TRY(work.MergeSecrets());
  return std::move(work.facts);
}

}  // namespace coffer::keysvc
