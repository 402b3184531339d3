// AuthenticatedStore: a KeyStore whose rows are believed only when their MAC is right, and whose head says that none is
// missing, added or old (docs/FORMAT.md section 4). The store's rows are attacker's input, and so are the pages that
// they are found by; this is where that ends.
//
// What it notices: at VerifyAll whatever makes the store another than the one that was committed last, rows that a
// search would miss included; an earlier head as long as its EpochFloor lives. From then on it knows which rows there
// are and the MAC of each (row_index.h), so that a read which finds another row than the one asked for, an earlier
// state of it, one that was erased, or none where there is one, is noticed by that read. When the head says that
// somebody else with our keys has committed meanwhile, or that a commit of ours which failed has happened, all MACs are
// compared with it again. What it cannot notice: a whole store put back to an earlier state while no process held it.
// The audit log's epoch tells that (docs/ARCHITECTURE.md).
#pragma once

#include <atomic>

#include "crypto/store_integrity.h"
#include "keysvc/store/key_journal.h"
#include "keysvc/store/row_index.h"

namespace coffer::keysvc {

class StoreMutation;

// The highest epoch that this process has seen of one store. Outlives what is sealed. Thread-safe.
class EpochFloor {
 public:
  StoreEpoch epoch() const { return {epoch_.load()}; }
  void Raise(StoreEpoch epoch);

 private:
  std::atomic<std::uint64_t> epoch_ = 0;
};

// Thread-safe as the store beneath: one read or mutation at a time. A thread that holds a StoreMutation must not call
// its store meanwhile: it would wait for itself.
class AuthenticatedStore {
 public:
  // `store` must outlive it. `floor` is of the store with this UUID. `journal` takes every
  // commit before the store does; null: none.
  AuthenticatedStore(KeyStore& store, StoreUuid uuid, IntegrityKeys keys,
                     std::shared_ptr<EpochFloor> floor = std::make_shared<EpochFloor>(),
                     std::shared_ptr<KeyJournal> journal = nullptr);

  // Head against all MACs, the order of all primary keys, and every row of the tables that are loaded at start.
  // kIntegrity names the table, never a value. Until this or Format was ok once, reads check each row by itself only.
  Status VerifyAll();

  // For an empty store: writes the first head (epoch 0, no rows). Again is fine while nothing was committed, so that an
  // initialisation that lost power can be repeated. kAlreadyExists when the store has rows or a later head.
  Status Format();

  // kIntegrity when what is found is not what was written.
  Result<std::optional<Row>> Get(Table table, const Row& primary_key);
  Result<std::vector<Row>> Scan(const ScanRequest& request);
  Result<StoreEpoch> Epoch();
  // The newest that this process has seen, without asking the store.
  StoreEpoch seen() const { return floor_->epoch(); }

  // The one way to change anything: a transaction that keeps MACs and head. Raises the epoch by one at Commit.
  Result<StoreMutation> Begin();

  // How often it was found that somebody else with our keys had committed meanwhile, or that a commit of ours which
  // failed had happened: who keeps what it read has to read it again. Looked at whenever the store is touched.
  std::uint64_t foreign_commits() const { return foreign_commits_.load(); }

  // The whole store, checked.
  Result<StoreImage> Snapshot();
  // Whether the journal alone makes exactly this store, every row checked: its size, 0 without one. kIntegrity when
  // not.
  Result<std::uint64_t> CheckJournal();
  // Makes the journal anew from what the store holds now: it grows no further, and what was erased is in it no more.
  // Its own failures as of KeyJournal::Prepare.
  Status RenewJournal();

  // After a commit that ended a ciphertext or a key: takes its bytes out of the store's files, and out of the journal
  // when that is small; else Maintain does. kUnavailable: some may be left; tried again by the next one and by
  // Maintain.
  Status PurgeErased();
  // What can wait, now and then: a journal that may hold what was erased, has grown to many times the store or to half
  // of what it may be, or was removed, is made anew. kUnavailable: another file has its name, or another disk its
  // folder.
  Status Maintain();

 private:
  friend class StoreMutation;
  // The rows that there are, as of an epoch.
  struct Known {
    RowIndex rows;
    StoreEpoch epoch;
  };

  Status Journal(const CommitGroup& group);
  void SettleJournal(StoreEpoch failed);
  Status RenewJournal(StoreTransaction& transaction);
  Result<bool> RenewalIsDue();
  Result<std::uint64_t> JournalSize();
  Result<StoreImage> Snapshot(StoreTransaction& transaction) const;
  // A transaction in which what is known is up to date.
  Result<std::unique_ptr<StoreTransaction>> Open();
  Result<std::optional<StoredRow>> Find(StoreTransaction& transaction, const TableSpec& spec, const Row& primary_key);
  Result<std::vector<Row>> Scan(StoreTransaction& transaction, const ScanRequest& request);
  Status Check(const TableSpec& spec, const StoredRow& row) const;
  Result<StoredHead> CheckedHead(StoreTransaction& transaction);
  Result<Known> CheckSum(StoreTransaction& transaction, const StoredHead& head) const;

  KeyStore& store_;
  StoreUuid uuid_;
  IntegrityKeys keys_;
  const ManyMacs macs_;
  std::shared_ptr<EpochFloor> floor_;
  const std::shared_ptr<KeyJournal> journal_;
  std::atomic<std::uint64_t> foreign_commits_ = 0;
  std::atomic<bool> renew_owed_;  // the journal may hold what was erased
  std::atomic<std::uint64_t> renewed_size_ = 0;
  std::optional<Known> known_;  // guarded by the store's living transaction, of which there is one at a time
};

// Rolls back when destroyed without Commit. Not thread-safe; ends on the thread that began it.
class StoreMutation {
 public:
  StoreMutation(StoreMutation&&) = default;
  ~StoreMutation();

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
  Result<StoredRow> WithMac(const TableSpec& spec, Row columns) const;
  void Note(const TableSpec& spec, const Row& primary_key, const std::optional<Digest>& mac);
  void TakeBackNotes();

  AuthenticatedStore* owner_;
  std::unique_ptr<StoreTransaction> transaction_;  // null when over
  MacSum sum_;
  StoreEpoch next_epoch_;
  std::vector<RowChange> changes_;
  std::vector<RowIndex::Change> notes_;  // of the owner's known rows, to take back
};

}  // namespace coffer::keysvc
