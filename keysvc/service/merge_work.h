// MergeWork: what the steps of one merge share (store_merge.h): both stores as records, the mutation, and the count of
// what was done.
#pragma once

#include "keysvc/service/store_merge.h"

namespace coffer::keysvc {

// Not thread-safe. All references must outlive it.
class MergeWork {
 public:
  MergeWork(const MergeSource& source_of, const MergeTarget& target_of, const MergeOptions& wanted, StoreMutation& rows)
      : source(source_of), target(target_of), options(wanted), mutation(rows) {}

  // Reads both stores.
  Status Open();
  Status MergeTenants();
  // Keyrings, versions and data keys; needs the tenants.
  Status MergeKeys();
  // Needs the keys.
  Status MergeCatalogs();
  // Needs the tenants.
  Status MergeSecrets();

  // Through the mutation.
  Status Insert(Table table, Row row);
  Status Update(Table table, Row row);
  Status Erase(Table table, const Row& primary_key);

  // A destruction here, of what one there ended: scheduled unless it came along as a tombstone.
  Status Put(DestructionRecord record);
  // As `there` has it, or nothing when there is none: not earlier than this service's delay from now.
  DestructionRecord ScheduledHere(const DestructionRecord* there) const;
  bool IsDestroyedHere(TenantUuid tenant) const;

  // A version here.
  struct Place {
    KeyringUuid keyring;
    KeyVersion version;
    auto operator<=>(const Place&) const = default;
  };

  const MergeSource& source;
  const MergeTarget& target;
  const MergeOptions& options;
  StoreMutation& mutation;
  StoreRecords there;
  StoreRecords here;                     // as the mutation has it
  std::map<Place, Place> versions_here;  // by what they are there
  MergeFacts facts;
};

}  // namespace coffer::keysvc
