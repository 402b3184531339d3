// StoreImage: the rows of a store as a journal or a backup tells them, and the way from there into a store.
#pragma once

#include <map>

#include "keysvc/store/commit_group.h"

namespace coffer::keysvc {

// Not thread-safe. Made without anything it is empty, with no head.
class StoreImage {
 public:
  // Reads all groups. Of two groups for one epoch the later one counts: the earlier commit failed. kIntegrity: a change
  // that does not fit the rows before it.
  static Result<StoreImage> Read(JournalReader& journal);

  const StoredHead& head() const { return head_; }
  std::size_t row_count() const { return rows_.size(); }
  std::vector<StoredRow> RowsOf(Table table) const;
  // Those whose primary key begins with these columns.
  std::vector<StoredRow> RowsUnder(Table table, const Row& key_begins) const;

  // Every row's MAC, and the head's MAC and sum. kIntegrity names the table.
  Status Verify(StoreUuid store, const IntegrityKeys& keys) const;

  // What `later` has that this has not: for people, before anything is repaired.
  struct Difference {
    std::size_t rows_added = 0;
    std::size_t rows_changed = 0;
    std::size_t rows_gone = 0;
  };
  Difference To(const StoreImage& later) const;

  // Makes the store exactly this, in one transaction, whatever is in it.
  Status WriteTo(KeyStore& store) const;
  // The whole image as one group: what a journal starts with.
  CommitGroup AsGroup() const;
  // These rows, with MACs and a head made by `keys`. kInvalidArgument: a value that cannot be encoded.
  static Result<StoreImage> Make(std::vector<std::pair<Table, Row>> rows, StoreEpoch epoch, StoreUuid store,
                                 const IntegrityKeys& keys);
  // Of all rows that the transaction sees.
  static Result<StoreImage> Of(StoreTransaction& transaction);

 private:
  using Key = std::pair<Table, Row>;
  Status Apply(const CommitGroup& group, bool snapshot);

  std::map<Key, StoredRow> rows_;
  StoredHead head_;
};

// The changes of one authentic group, in one transaction, on a store whose head is `before`, of the epoch before.
// kIntegrity, with nothing changed: the store's head is another one, or the changes do not make the group's.
Status RedoGroup(const CommitGroup& group, const StoredHead& before, const IntegrityKeys& keys, KeyStore& store);

}  // namespace coffer::keysvc
