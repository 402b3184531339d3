// AuthenticatedStore: a KeyStore whose rows are believed only when their MAC is right, and whose head says that none is
// missing, added or old (docs/FORMAT.md section 4). The store's rows are attacker's input; this is where that ends.
//
// What it notices, and when: a changed, copied, moved or swapped row whenever it is read; a removed, added or replayed
// row, of any table, at VerifyAll; a head of an earlier epoch at once while this process lives. What it cannot notice:
// a whole store put back to an earlier state while no process held it. The audit log's epoch tells that
// (docs/ARCHITECTURE.md).
#pragma once

#include <atomic>

#include "crypto/store_integrity.h"
#include "keysvc/store/key_store.h"

namespace coffer::keysvc {

class StoreMutation;

// Thread-safe as the store beneath: one read or mutation at a time. A thread that holds a StoreMutation must not call
// its store meanwhile: it would wait for itself.
class AuthenticatedStore {
 public:
  // `store` must outlive it.
  AuthenticatedStore(KeyStore& store, StoreUuid uuid, IntegrityKeys keys);

  // Head against all MACs, and every row of the tables that are loaded at start. kIntegrity names the table, never a
  // value.
  Status VerifyAll();

  // For an empty store: writes the first head (epoch 0, no rows). Again is fine while nothing was committed, so that an
  // initialisation that lost power can be repeated. kAlreadyExists when the store has rows or a later head.
  Status Format();

  // kIntegrity when a row is not as it was written.
  Result<std::optional<Row>> Get(Table table, const Row& primary_key);
  Result<std::vector<Row>> Scan(const ScanRequest& request);
  Result<StoreEpoch> Epoch();

  // The one way to change anything: a transaction that keeps MACs and head. Raises the epoch by one at Commit.
  Result<StoreMutation> Begin();

 private:
  friend class StoreMutation;
  Result<Row> Checked(const TableSpec& spec, StoredRow row) const;
  Result<Digest> MacOf(const TableSpec& spec, const Row& columns, std::uint64_t row_epoch) const;
  Result<StoredHead> CheckedHead(StoreTransaction& transaction);
  Status CheckSum(StoreTransaction& transaction, const StoredHead& head) const;
  void RaiseFloor(StoreEpoch epoch);

  KeyStore& store_;
  StoreUuid uuid_;
  IntegrityKeys keys_;
  std::atomic<std::uint64_t> epoch_floor_ = 0;  // the highest epoch seen
};

// Rolls back when destroyed without Commit. Not thread-safe; ends on the thread that began it.
class StoreMutation {
 public:
  Result<std::optional<Row>> Get(Table table, const Row& primary_key);
  Result<std::vector<Row>> Scan(const ScanRequest& request);
  // kAlreadyExists when a key is taken, kInvalidArgument for text that is not UTF-8 or a value above its limit.
  Status Insert(Table table, Row row);
  // kNotFound when there is none.
  Status Update(Table table, Row row);
  Status Erase(Table table, const Row& primary_key);
  // The epoch that this mutation gives the store.
  StoreEpoch epoch() const { return next_epoch_; }
  // Durable when ok. On an error the outcome is unknown: AuthenticatedStore::Epoch tells it once the store answers
  // again. The mutation is over either way.
  Status Commit();

 private:
  friend class AuthenticatedStore;
  StoreMutation(AuthenticatedStore& owner, std::unique_ptr<StoreTransaction> transaction, const StoredHead& head);
  Status CheckOpen() const;
  // The row with this key, checked, as stored.
  Result<std::optional<StoredRow>> Find(const TableSpec& spec, const Row& primary_key);
  Result<StoredRow> WithMac(const TableSpec& spec, Row columns) const;

  AuthenticatedStore* owner_;
  std::unique_ptr<StoreTransaction> transaction_;  // null when over
  MacSum sum_;
  StoreEpoch next_epoch_;
};

}  // namespace coffer::keysvc
