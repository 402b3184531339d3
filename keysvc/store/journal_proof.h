// JournalProof: how far a key journal can be believed, group by group, with the keys of its rows. Rows are not parsed:
// a MAC vouches for a row's bytes as they are.
#pragma once

#include <unordered_map>

#include "keysvc/store/commit_group.h"

namespace coffer::keysvc {

// Not thread-safe.
class JournalProof {
 public:
  // `keys` must outlive it.
  JournalProof(StoreUuid store, const IntegrityKeys& keys) : store_(store), keys_(keys), many_macs_(store, keys) {}

  // The next group, as JournalReader gives it. kIntegrity: a row or the head is not authentic, a change does not fit
  // the rows before it, or the rows that there are now are not those that the head vouches for. Then it is over.
  Status Take(const GroupView& group);

 private:
  struct Change {
    std::string row;
    std::optional<Digest> before;  // the MAC; nothing: there was no such row
  };
  Status TakeRow(const RecordView& row, const GroupView& group);
  void Set(std::string row, const std::optional<Digest>& mac);
  void TakeBackLast();

  const StoreUuid store_;
  const IntegrityKeys& keys_;
  const ManyMacs many_macs_;
  std::unordered_map<std::string, Digest> macs_;  // of every row, by table and primary key
  MacSum sum_;
  bool first_ = true;
  StoreEpoch epoch_;
  std::vector<Change> last_;  // of the last commit, in order; a snapshot's are not kept
};

}  // namespace coffer::keysvc
